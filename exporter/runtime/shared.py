"""The memory that the environments of a `TasksVectorEnv` share with their worker processes."""

from __future__ import annotations

import mmap
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

MAX_TERMS = 32
"""Names of reward terms that travel; the reward counts them all."""
NO_SEED = -1


class Shared:
    """Arrays with a row for each environment, in a file that processes map into their memory.

    `observations` and `final_observations` (count, size) float32; `actions`; `rewards` float64,
    `terms` (count, 32) float64, NaN where a term was not named; `terminated`, `truncated`,
    `successes`, `chosen` (to be reset) bool; `seeds` int64, `NO_SEED` for none.
    """

    def __init__(self, path: str, count: int, size: int, actions: Any) -> None:
        layout = {
            "observations": ((count, size), np.float32),
            "final_observations": ((count, size), np.float32),
            "actions": ((count, *actions.shape), actions.dtype),
            "rewards": ((count,), np.float64),
            "terms": ((count, MAX_TERMS), np.float64),
            "seeds": ((count,), np.int64),
            **dict.fromkeys(
                ("terminated", "truncated", "successes", "chosen"), ((count,), np.bool_)
            ),
        }
        places, length = {}, 0
        for name, (shape, dtype) in layout.items():
            places[name] = length
            # Each begins on a cache line of its own.
            length += -(-int(np.prod(shape)) * np.dtype(dtype).itemsize // 64) * 64
        with open(path, "r+b") as file:
            file.truncate(length)
            memory = mmap.mmap(file.fileno(), length)
        for name, (shape, dtype) in layout.items():
            array: Any = np.frombuffer(memory, dtype, int(np.prod(shape)), places[name])
            setattr(self, name, array.reshape(shape))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def shared_file() -> str:
    """An empty file to map, in memory where there is a place for that."""
    memory = "/dev/shm"
    folder = memory if Path(memory).is_dir() and os.access(memory, os.W_OK) else None
    descriptor, path = tempfile.mkstemp(prefix="tasks-", dir=folder)
    os.close(descriptor)
    return path
