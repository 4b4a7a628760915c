"""Policy files: what is kept of a policy, as plain numbers.

A policy file is a ZIP file of two members. `policy.json` says what the policy is for and how wide
its layers are (`PolicyHeader`). `weights.f32` holds the weights: 32-bit floats, little-endian, one
array after the other in the order of `PolicyHeader.shapes`, each in C order. Nothing in it is run.

Policies of before are files of stable-baselines3, which are read as well. A file is read as if
somebody meant harm with it: what is given back is no larger than a policy file may be, has the
shapes that it says, and holds finite numbers.
"""

from __future__ import annotations

import io
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from ..errors import BrokenError
from ..files import FileProblem, open_file, open_zip, read_bytes, unpacked
from ..task import Noun, Whole, from_json, to_json
from .sb3_files import MAX_BYTES, Arrays, weights_in

HEADER_NAME, WEIGHTS_NAME = "policy.json", "weights.f32"
Activation = Literal["tanh", "normalised_relu"]
"""What follows each hidden layer: tanh, or layer normalisation without weights of its own (with an
epsilon of 1e-5) and a rectified linear unit."""
MAX_HEADER_BYTES = 10_000
"""Ours have 300 bytes."""
REMEDY = "Train the task again: taskwright train RUN_DIR TASK."


@dataclass(frozen=True)
class PolicyHeader(Noun):
    """What a policy is for, and of which shape: all that is needed to use its weights."""

    robot: str
    task_id: str
    """The task that it was trained on."""
    learner: str
    """Who has trained it, as `trainer.learners.LEARNERS` names them."""
    observation_size: Whole
    """How many numbers it sees."""
    actions: Whole
    """How many actions it chooses among, or of how many numbers its actions are."""
    chooses: bool
    """Whether it chooses among actions (`Discrete`); else its actions are numbers (`Box`)."""
    hidden: tuple[int, ...]
    """Widths of the hidden layers."""
    activation: Activation = "tanh"
    """What follows each of them. Earlier versions wrote nothing and had tanh."""
    format: Literal["taskwright policy 1"] = "taskwright policy 1"

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each array by its name."""
        return perceptron_shapes(
            self.observation_size, self.chooses, self.actions, self.hidden, self.hidden
        )


def perceptron_shapes(
    observation_size: int,
    chooses: bool,
    actions: int,
    hidden: tuple[int, ...],
    value_hidden: tuple[int, ...],
) -> dict[str, tuple[int, ...]]:
    """The shapes of a policy's arrays, by the names that stable-baselines3 gives them: those of the
    layers that say what to do, and those of the layers that say what a state is worth."""
    shapes: dict[str, tuple[int, ...]] = {} if chooses else {"log_std": (actions,)}
    for part, head, widths, outputs in (
        ("policy_net", "action_net", hidden, actions),
        ("value_net", "value_net", value_hidden, 1),
    ):
        width = observation_size
        for number, size in enumerate(widths):
            # Every second module is the activation after a layer.
            layer = f"mlp_extractor.{part}.{2 * number}"
            shapes |= {f"{layer}.weight": (size, width), f"{layer}.bias": (size,)}
            width = size
        shapes |= {f"{head}.weight": (outputs, width), f"{head}.bias": (outputs,)}
    return shapes


class Perceptron(NamedTuple):
    """The network in a policy file."""

    arrays: Arrays
    activation: Activation


def read_policy(path: str | Path) -> Perceptron:
    """The network in a policy file.

    Raises:
        BrokenError: With a sentence that names the file, where it is missing, damaged, a link, too
            large, or holds anything else than such weights.
    """
    return policy_in(policy_bytes(path), str(path))


def policy_bytes(path: str | Path) -> bytes:
    """A policy file as it lies there; nobody has looked into it yet. Raises BrokenError, as
    `read_policy` does, where it is missing, a link or too large."""
    try:
        return read_bytes(open_file(Path(path), MAX_BYTES), MAX_BYTES)
    except FileProblem as problem:
        raise _unreadable(str(path), problem) from None


def policy_in(data: bytes, name: str) -> Perceptron:
    """The network in the bytes of a policy file. Raises BrokenError, as `read_policy` does, with a
    sentence that says "The policy" and then `name`."""
    try:
        if len(data) > MAX_BYTES:
            raise FileProblem(f"it is larger than {MAX_BYTES:,} bytes")
        with open_zip(io.BytesIO(data)) as archive:
            if HEADER_NAME in archive.namelist():
                return _weights(archive)
            return Perceptron(weights_in(archive), "tanh")
    except FileProblem as problem:
        raise _unreadable(name, problem) from None


def _unreadable(name: str, problem: FileProblem) -> BrokenError:
    return BrokenError(f"The policy {name} cannot be read: {problem}.", REMEDY)


def policy_file(header: PolicyHeader, arrays: Arrays) -> bytes:
    """The bytes of a policy file. Those of equal policies are equal."""
    weights = [arrays[name].astype("<f4").reshape(shape) for name, shape in header.shapes.items()]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in (
            (HEADER_NAME, to_json(header).encode()),
            (WEIGHTS_NAME, b"".join(array.tobytes() for array in weights)),
        ):
            # Without the time of writing.
            archive.writestr(zipfile.ZipInfo(name), data)
    return file.getvalue()


def _weights(archive: zipfile.ZipFile) -> Perceptron:
    try:
        header = from_json(PolicyHeader, unpacked(archive, HEADER_NAME, MAX_HEADER_BYTES))
    except ValueError:
        raise FileProblem(f"its `{HEADER_NAME}` is not what this Taskwright writes") from None
    data = unpacked(archive, WEIGHTS_NAME, MAX_BYTES)
    shapes = header.shapes
    numbers = [number for shape in shapes.values() for number in shape]
    if not header.hidden or min(numbers) < 1:
        raise FileProblem(f"its `{HEADER_NAME}` tells of a layer without width")
    if 4 * sum(map(math.prod, shapes.values())) != len(data):
        raise FileProblem(f"its `{WEIGHTS_NAME}` is not as long as its layers are wide")
    arrays, at = {}, 0
    for name, shape in shapes.items():
        count = math.prod(shape)
        array = np.frombuffer(data, "<f4", count, 4 * at).reshape(shape).astype(np.float32)
        if not np.isfinite(array).all():
            raise FileProblem(f"its `{name}` holds numbers that are not finite")
        arrays[name] = array
        at += count
    return Perceptron(arrays, header.activation)
