"""Whether the tasks are what was exported, and run here as they should."""

from __future__ import annotations

import contextlib
import hashlib
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils.env_checker import check_env

from .catalogue import HERE, MANIFEST, PACKAGE, SUITE, find
from .making import make

STEPS = 60
SEED = 11


def check(task: str) -> list[str]:
    """What is wrong with a task; empty where nothing is.

    Its file is compared with `tasks.json`, its spaces too; an episode is played twice in worlds of
    their own, and must be the same number for number; then Gymnasium's own checker looks at it.
    """
    entry = find(task)
    path = HERE / entry["file"]
    if not path.is_file():
        return [f"{path} is missing."]
    found = []
    if hashlib.sha256(path.read_bytes()).hexdigest() != entry["sha256"]:
        found.append(f"{path} was edited after it was exported.")
    for look in (_spaces, _determinism, _gymnasium):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found += look(entry)
        except Exception as error:
            found.append(f"{look.__name__.strip('_')}: {type(error).__name__}: {error}")
    return found


def check_world() -> list[str]:
    """Whether the world is the one that was exported."""
    if world_sha256(HERE / "world") == MANIFEST["world_sha256"]:
        return []
    return [f"Files in {HERE / 'world'} were edited after they were exported."]


def world_sha256(folder: Path) -> str:
    """One number for all files of the world."""
    digest = hashlib.sha256()
    paths = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    for name, path in sorted((path.relative_to(folder).as_posix(), path) for path in paths):
        inside = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{name} {inside}\n".encode())
    return digest.hexdigest()


def _spaces(entry: dict[str, Any]) -> list[str]:
    with contextlib.closing(make(entry["name"])) as env:
        spaces = {"observation_space": env.observation_space, "action_space": env.action_space}
        return [
            f"The {name.replace('_', ' ')} is {space}, which is not what tasks.json says."
            for name, space in spaces.items()
            if not _is_described(space, entry[name])
        ]


def _is_described(space: Any, description: dict[str, Any]) -> bool:
    if description["type"] == "Discrete":
        return isinstance(space, gymnasium.spaces.Discrete) and int(space.n) == description["n"]
    return (
        isinstance(space, gymnasium.spaces.Box)
        and list(space.shape) == description["shape"]
        and str(space.dtype) == description["dtype"]
        and bool(np.all(space.low == np.array(description["low"], space.dtype)))
        and bool(np.all(space.high == np.array(description["high"], space.dtype)))
    )


def _determinism(entry: dict[str, Any]) -> list[str]:
    for step, (one, other) in enumerate(zip(_episode(entry), _episode(entry), strict=True)):
        if one != other:
            return [f"Two episodes with the same seed and actions differ from step {step} on."]
    return []


def _episode(entry: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    with contextlib.closing(make(entry["name"])) as env:
        env.action_space.seed(SEED)
        observation, _ = env.reset(seed=SEED)
        yield (observation.tobytes(),)
        for _ in range(STEPS):
            observation, *rest, info = env.step(env.action_space.sample())
            yield (observation.tobytes(), *rest, info["is_success"])
            if rest[1] or rest[2]:
                return


def _gymnasium(entry: dict[str, Any]) -> list[str]:
    # By its id, as trainers make it, also where another package has taken the short one.
    env = gymnasium.make(f"{PACKAGE}:{SUITE}-v0", task=entry["name"])
    with contextlib.closing(env):
        check_env(env.unwrapped, skip_render_check=True)
    return []


def timed(look: Callable[[], list[str]]) -> tuple[list[str], float]:
    """What a look has found, and how many seconds it took."""
    started = time.monotonic()
    return look(), time.monotonic() - started
