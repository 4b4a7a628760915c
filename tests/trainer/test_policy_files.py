"""Policy files: ours, those of stable-baselines3, and what somebody has made to harm."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import pickle
import resource
import time
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO

from taskwright.errors import BrokenError
from taskwright.task import ROBOTS, Robot
from taskwright.trainer.learners.network import PolicyNetwork
from taskwright.trainer.policies import load_network, load_perceptron, network_file
from taskwright.trainer.policy_files import PolicyHeader, read_policy
from taskwright.trainer.sb3_files import MAX_BYTES
from taskwright.world.robots import robot_spaces


def saved(thing: Any) -> bytes:
    """What `torch.save` makes of something."""
    file = io.BytesIO()
    torch.save(thing, file)
    return file.getvalue()


def packed(members: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def policy_file(thing: Any) -> bytes:
    return packed({"data": b"{}", "policy.pth": saved(thing)})


def edited(member: str, edit: Callable[[bytes], bytes]) -> bytes:
    """A sound policy file in which one of torch's own files is another."""
    with zipfile.ZipFile(io.BytesIO(saved({"a": torch.zeros(1000)}))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    (name,) = (name for name in members if name.endswith(member))
    members[name] = edit(members[name])
    return packed({"policy.pth": packed(members, zipfile.ZIP_STORED)})


def twice(data: bytes, name: str, more: bytes) -> bytes:
    """A ZIP file with another member of the same name."""
    file = io.BytesIO(data)
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(name, more)
    return file.getvalue()


SOUND = PolicyHeader("r2d2", "0123456789ab", "soft_q", 4, 2, True, (3,))
SOUND_WEIGHTS = np.arange(42.0, dtype=np.float32).tobytes()
"""(4 + 1) * 3 numbers for each of two layers, and (3 + 1) * (2 + 1) for the heads."""


def header(**changes: Any) -> bytes:
    return json.dumps({**dataclasses.asdict(SOUND), **changes}).encode()


def ours(weights: bytes, **changes: Any) -> bytes:
    return packed({"policy.json": header(**changes), "weights.f32": weights})


def encrypted() -> bytes:
    """With the flags of an encrypted file: nothing here can write a real one."""
    data = bytearray(policy_file({"a": torch.zeros(1)}))
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(sign)
        while at >= 0:
            data[at + place] |= 1
            at = data.find(sign, at + 4)
    return bytes(data)


def flipped() -> bytes:
    data = bytearray(policy_file({"a": torch.randn(1000)}))
    data[len(data) // 2] ^= 0xFF
    return bytes(data)


class Trap:
    """Would make a file where it was unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return open, (str(self.path), "w")


def quantised() -> torch.Tensor:
    with pytest.warns(UserWarning, match="deprecated"):
        return torch.quantize_per_tensor(torch.zeros(4), 0.1, 0, torch.qint8)


NOT_SOUND: dict[str, Callable[[], bytes]] = {
    "zero bytes": bytes,
    "not a ZIP file": lambda: b"mine",
    "garbage after the sign of a ZIP file": lambda: b"PK\x03\x04" + b"\xff" * 100,
    "truncated": lambda: policy_file({"a": torch.zeros(1000)})[:-200],
    "a byte flipped": flipped,
    "encrypted": encrypted,
    "the weights twice": lambda: twice(
        policy_file({"a": torch.zeros(1)}), "policy.pth", saved({"a": torch.ones(1)})
    ),
    "no weights": lambda: packed({"data": b"{}"}),
    "weights under a path": lambda: packed({"../policy.pth": saved({"a": torch.zeros(1)})}),
    "a raw pickle": lambda: packed({"policy.pth": pickle.dumps({"a": 1})}),
    "unpacks to 100 MB": lambda: packed({"policy.pth": bytes(100_000_000)}),
    "unpacks to 100 MB within": lambda: packed(
        {"policy.pth": packed({"archive/data.pkl": bytes(100_000_000)})}
    ),
    "a tensor larger than its numbers": lambda: edited("data/0", lambda data: data[:4]),
    "a tensor smaller than its numbers": lambda: edited("data/0", lambda data: data + bytes(4)),
    "room for two billion things": lambda: edited(
        "data.pkl", lambda data: b"\x80\x02}r\x00\x00\x00\x7f."
    ),
    "a text longer than the file": lambda: edited(
        "data.pkl", lambda data: b"\x80\x04\x8d\x00\x00\x00\x00\x00\x10\x00\x00."
    ),
    "a pickle cut off": lambda: edited("data.pkl", lambda data: data[:-1]),
    "a stack with nothing on it": lambda: edited("data.pkl", lambda data: b"\x80\x02R."),
    "a list": lambda: policy_file([torch.zeros(1)]),
    "None": lambda: policy_file(None),
    "a number": lambda: policy_file(5),
    "nothing": lambda: policy_file({}),
    "a text for a tensor": lambda: policy_file({"a": "x"}),
    "a number for a tensor": lambda: policy_file({"a": 5}),
    "tensors within a dictionary": lambda: policy_file({"a": {"b": torch.zeros(1)}}),
    "a name that is a number": lambda: policy_file({1: torch.zeros(1)}),
    "a name that ends a line": lambda: policy_file({"a\nb\x1b[2J": torch.zeros(1)}),
    "a name without end": lambda: policy_file({"a" * 10_000: torch.zeros(1)}),
    "very many tensors": lambda: policy_file({str(n): torch.zeros(1) for n in range(2000)}),
    "not a number": lambda: policy_file({"a": torch.tensor([0.0, torch.nan])}),
    "infinity": lambda: policy_file({"a": torch.tensor([0.0, -torch.inf])}),
    "whole numbers": lambda: policy_file({"a": torch.zeros(2, dtype=torch.int64)}),
    "complex numbers": lambda: policy_file({"a": torch.zeros(2, dtype=torch.complex64)}),
    "short numbers": lambda: policy_file({"a": torch.zeros(2, dtype=torch.bfloat16)}),
    "long numbers": lambda: policy_file({"a": torch.zeros(2, dtype=torch.float64)}),
    "quantised numbers": lambda: policy_file({"a": quantised()}),
    "a tensor without memory": lambda: policy_file({"a": torch.zeros(2, device="meta")}),
    "a sparse tensor of 10^12 numbers": lambda: policy_file(
        {"a": torch.sparse_coo_tensor([[0]], [1.0], (10**12,), check_invariants=False)}
    ),
    "a number repeated 10^11 times": lambda: policy_file({"a": torch.zeros(1).expand(10**11)}),
    "ours without weights": lambda: packed({"policy.json": header()}),
    "ours without a header": lambda: packed({"weights.f32": SOUND_WEIGHTS}),
    "ours cut off": lambda: ours(SOUND_WEIGHTS[:-4]),
    "ours with more than it says": lambda: ours(SOUND_WEIGHTS + bytes(4)),
    "ours unpacks to 100 MB": lambda: ours(bytes(100_000_000)),
    "ours with a header of 100 MB": lambda: packed({"policy.json": b" " * 100_000_000}),
    "ours not a number": lambda: ours(b"\xff" * len(SOUND_WEIGHTS)),
    "ours of another format": lambda: ours(SOUND_WEIGHTS, format="taskwright policy 2"),
    "ours with more settings": lambda: ours(SOUND_WEIGHTS, more=1),
    "ours with a layer without width": lambda: ours(b"", hidden=[0]),
    "ours with a layer of negative width": lambda: ours(SOUND_WEIGHTS, hidden=[-3]),
    "ours without layers": lambda: ours(SOUND_WEIGHTS, hidden=[]),
    "ours with layers of 10^15": lambda: ours(SOUND_WEIGHTS, hidden=[10**15] * 100),
    "ours with half a layer": lambda: ours(SOUND_WEIGHTS, hidden=[1.5]),
    "ours that is no JSON": lambda: packed({"policy.json": b"{" * 9_000, "weights.f32": b""}),
    "ours twice": lambda: twice(ours(SOUND_WEIGHTS), "policy.json", header()),
    "one memory for many tensors": lambda: policy_file(
        dict.fromkeys("abcdefgh", torch.zeros(600_000))
        | {f"{n}": torch.zeros(1).expand(600_000) for n in range(8)}
    ),
}


@pytest.mark.parametrize("case", NOT_SOUND)
def test_what_is_no_sound_policy_is_told_in_a_sentence(case: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.zip"
    path.write_bytes(NOT_SOUND[case]())
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BrokenError) as caught:
        read_policy(path)
    assert str(path) in caught.value.message
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < len(str(path)) + 200
    assert time.monotonic() - started < 3.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


@pytest.mark.parametrize("member", ["policy.pth", "data.pkl"])
def test_nothing_in_a_policy_file_is_run(member: str, tmp_path: Path) -> None:
    trap = pickle.dumps(Trap(tmp_path / "sprung"), protocol=2)
    data = packed({"data": trap, "policy.pth": trap, "pytorch_variables.pth": trap})
    if member == "data.pkl":
        data = edited(member, lambda _: trap)
    path = tmp_path / "policy.zip"
    path.write_bytes(data)
    with pytest.raises(BrokenError, match="cannot be read"):
        read_policy(path)
    assert not (tmp_path / "sprung").exists()


def test_what_is_attached_to_tensors_is_left_away(tmp_path: Path) -> None:
    wants = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    wants.register_hook(print)
    turned = torch.arange(6.0).reshape(2, 3).T
    path = tmp_path / "policy.zip"
    named = OrderedDict(a=wants, b=turned)
    named.copy = named.update = 5  # type: ignore[method-assign, assignment]
    path.write_bytes(policy_file(named))
    arrays = read_policy(path).arrays
    assert arrays.copy().keys() == {"a", "b"}
    np.testing.assert_array_equal(arrays["b"], turned)
    assert {type(array) for array in arrays.values()} == {np.ndarray}
    assert all(array.flags.c_contiguous and array.flags.owndata for array in arrays.values())


def test_what_stands_in_the_place_of_a_policy_file_is_not_opened(tmp_path: Path) -> None:
    sound, place = tmp_path / "sound.zip", tmp_path / "policy.zip"
    sound.write_bytes(policy_file({"a": torch.zeros(1)}))
    makers: dict[str, Callable[[], object]] = {
        "it is a link": lambda: place.symlink_to(sound),
        "it is a folder": place.mkdir,
        "it is a pipe or a device": lambda: os.mkfifo(place),
        "it is not there": lambda: None,
        "larger than 16,000,000 bytes": lambda: (place.touch(), os.truncate(place, MAX_BYTES + 1)),
    }
    for reason, make in makers.items():
        make()
        with pytest.raises(BrokenError, match=reason):
            read_policy(place)
        if place.is_dir():
            place.rmdir()
        else:
            place.unlink(missing_ok=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_policy_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    path = tmp_path / "policy.zip"
    path.write_bytes(b"")
    path.chmod(0)
    with pytest.raises(BrokenError, match="Permission denied"):
        read_policy(path)


class Nowhere(gymnasium.Env[Any, Any]):
    """An environment of which only the spaces matter."""

    def __init__(self, robot: Robot) -> None:
        self.observation_space, self.action_space = robot_spaces(robot, steered=True)


def test_a_policy_fits_its_robot_whatever_its_width_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "policy.zip"
    for robot in ROBOTS:
        keywords = {"net_arch": {"pi": [5, 3], "vf": [2]}}
        model = PPO("MlpPolicy", Nowhere(robot), policy_kwargs=keywords, device="cpu")
        model.save(path)
        arrays, activation = load_perceptron(robot, path)
        assert activation == "tanh"
        for name, tensor in model.policy.state_dict().items():
            np.testing.assert_array_equal(arrays[name], tensor)
        for other in set(ROBOTS) - {robot}:
            with pytest.raises(BrokenError, match="other observations or actions"):
                load_perceptron(other, path)


@pytest.mark.parametrize("robot", ROBOTS)
def test_a_policy_is_read_as_it_was_written(robot: Robot, tmp_path: Path) -> None:
    observations, actions = robot_spaces(robot, steered=True)
    network = PolicyNetwork(
        observations, actions, seed=2, hidden=(7, 5), activation="normalised_relu"
    )
    of = {"robot": robot, "task_id": "0123456789ab", "learner": "soft_q"}
    (tmp_path / "one.zip").write_bytes(network_file(network, observations, **of))
    assert (tmp_path / "one.zip").read_bytes() == network_file(network, observations, **of)
    again = load_network(observations, actions, tmp_path / "one.zip")
    assert again.shape == network.shape == ((7, 5), (7, 5), "normalised_relu")
    for name, tensor in network.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor)
    for other in set(ROBOTS) - {robot}:
        with pytest.raises(BrokenError, match="other observations or actions"):
            load_perceptron(other, tmp_path / "one.zip")


def test_a_policy_file_is_read_with_json_and_numpy_alone(tmp_path: Path) -> None:
    observations, actions = robot_spaces("r2d2")
    network = PolicyNetwork(observations, actions, seed=2)
    file = network_file(network, observations, robot="r2d2", task_id="", learner="ppo")
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        told = json.loads(archive.read("policy.json"))
        numbers = np.frombuffer(archive.read("weights.f32"), "<f4")
    assert (told["robot"], told["hidden"], told["actions"]) == ("r2d2", [128, 128], 6)
    assert told["activation"] == "tanh"
    first = network.mlp_extractor.policy_net[0].weight.detach().numpy()
    np.testing.assert_array_equal(numbers[: first.size].reshape(first.shape), first)
