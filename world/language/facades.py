"""numpy, math, random and typing as tasks see them: the names in `allowed`, nothing behind them.

The functions are the real ones, so that a call costs what it always costs. Random draws come from
the episode's own streams.
"""

from __future__ import annotations

import functools
import math
import random
import typing
from collections.abc import Callable
from typing import Any

import numpy as np

from ..frozen import Facade, Hint
from .allowed import (
    MATH,
    MATH_BOUND,
    MATH_BOUNDED,
    NUMPY,
    NUMPY_LINALG,
    NUMPY_RANDOM,
    NUMPY_TYPES,
    NUMPY_TYPING,
    RANDOM,
    TYPING,
)

NEW_NAMES = {
    **{f"a{name}": f"arc{name}" for name in ("cos", "cosh", "sin", "sinh", "tan", "tan2", "tanh")},
    **{"bool": "bool_", "concat": "concatenate", "permute_dims": "transpose", "pow": "power"},
}
"""Names that numpy has from 2.0 on, for tasks that run with an older one, by what it calls them."""


class EpisodeStreams:
    """The random streams of one task's code, started anew for each episode."""

    def __init__(self) -> None:
        self.numpy = np.random.RandomState(0)
        self.python = random.Random(0)

    def seed(self, episode_seed: int) -> np.random.Generator:
        """Start all of them anew; returns the one for `self.np_random`."""
        self.numpy.seed(episode_seed)
        self.python.seed(episode_seed)
        return np.random.default_rng(episode_seed)


def facades(streams: EpisodeStreams) -> dict[str, Facade]:
    """Every module that tasks may import, by name."""
    numpy_random = _numpy_random(streams.numpy)
    linalg = Facade("numpy.linalg", _members(np.linalg, NUMPY_LINALG))
    return {
        # The statement does its work when the source is compiled; what it imports is not used.
        "__future__": Facade("__future__", {"annotations": None}),
        "math": _math(),
        "numpy": _numpy(linalg, numpy_random),
        "numpy.linalg": linalg,
        "numpy.random": numpy_random,
        "numpy.typing": Facade("numpy.typing", {name: Hint(name, object) for name in NUMPY_TYPING}),
        "random": _random(streams.python),
        "typing": Facade("typing", {name: Hint(name, getattr(typing, name)) for name in TYPING}),
    }


def _members(module: Any, names: frozenset[str]) -> dict[str, Any]:
    # Names come and go between numpy's releases; a task that uses a missing one gets a message. Not
    # `hasattr`: before 2.0, numpy warns of names it is going to have.
    return {name: getattr(module, name) for name in names & set(dir(module))}


def _numpy(linalg: Facade, numpy_random: Facade) -> Facade:
    members = _members(np, NUMPY)
    for name, older in NEW_NAMES.items():
        members.setdefault(name, getattr(np, older))
    for name in NUMPY_TYPES:
        members[name] = Hint(
            f"np.{name}", getattr(np, name), "Use np.array or np.zeros to make one."
        )
    # Memory as it was found would make an episode depend on the ones before it.
    members.update(empty=np.zeros, empty_like=np.zeros_like, linalg=linalg, random=numpy_random)
    return Facade("numpy", members)


def _numpy_random(stream: np.random.RandomState) -> Facade:
    def default_rng(seed: Any = None) -> np.random.Generator:
        return np.random.default_rng(stream.randint(2**31) if seed is None else seed)

    def random_state(seed: Any = None) -> Facade:
        return _numpy_random(np.random.RandomState(stream.randint(2**31) if seed is None else seed))

    made = {"default_rng", "RandomState", "Generator"}
    members = _members(stream, NUMPY_RANDOM - made)
    members.update(
        default_rng=default_rng,
        RandomState=random_state,
        Generator=Hint("np.random.Generator", np.random.Generator, "Use np.random.default_rng()."),
    )
    return Facade("numpy.random", members)


def _random(stream: random.Random) -> Facade:
    def make(seed: Any = None) -> Facade:
        return _random(random.Random(stream.getrandbits(31) if seed is None else seed))

    return Facade("random", {**_members(stream, RANDOM - {"Random"}), "Random": make})


def _math() -> Facade:
    members = _members(math, MATH)
    members.update((name, _bounded(members[name])) for name in MATH_BOUNDED)
    return Facade("math", members)


def _bounded(function: Callable[..., int]) -> Callable[..., int]:
    @functools.wraps(function)
    def call(*numbers: int) -> int:
        if any(number > MATH_BOUND for number in numbers):
            raise ValueError(f"math.{function.__name__} is for numbers up to {MATH_BOUND}")
        return function(*numbers)

    return call
