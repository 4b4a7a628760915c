"""From source code to an environment class whose every random draw follows the episode's seed.

Nothing here restrains the code: refusing bad code is the work of `sandbox/policy.py`, and
containing it is the work of the process it runs in.
"""

from __future__ import annotations

import builtins
import inspect
import random
import types
from typing import Any

import numpy as np

from .base import BaseEnv
from .robots import ROBOT_ENVS

BASES = {env.__name__: env for env in ROBOT_ENVS.values()}
ROBOT_MODULES: dict[str, dict[str, type[BaseEnv]]] = {
    "taskwright.sandbox.world": BASES,
    # OMNI-EPIC's tasks name its own modules, in either spelling.
    **{
        f"{package}.envs.{name}.base": {env.__name__: env}
        for package in ("omni_epic", "oped")
        for name, env in ROBOT_ENVS.items()
    },
}
"""What a task may import, besides numpy, math and random: a robot's environment."""


class LoadError(ValueError):
    """The source does not define a usable environment class."""


class EpisodeRandom(np.random.RandomState):
    """Stands where a task expects `numpy.random`: the same functions, drawing from the episode."""

    def default_rng(self, seed: int | None = None) -> np.random.Generator:
        return np.random.default_rng(self.randint(2**31) if seed is None else seed)


class LoadedTask:
    """A task's environment class together with the random streams its code draws from.

    The task's `numpy.random` and `random` are its own, so that an episode depends on its seed alone
    and a task cannot disturb the random streams of the program that hosts it.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._numpy_random = EpisodeRandom(0)
        self._random = random.Random(0)
        numpy_module = types.ModuleType("numpy")
        numpy_module.__dict__.update(vars(np))
        numpy_module.__dict__["random"] = self._numpy_random
        self._modules: dict[str, Any] = {"numpy": numpy_module, "random": self._random}
        for name, bases in ROBOT_MODULES.items():
            module = types.ModuleType(name)
            module.__dict__.update(bases)
            self._modules[name] = module
        self.env_class = self._define()

    def _define(self) -> type[BaseEnv]:
        namespace = {
            "__name__": "task",
            "__builtins__": {**vars(builtins), "__import__": self._import},
        }
        # The file name makes the task's own lines easy to find in a traceback.
        exec(compile(self.source, "<task>", "exec"), namespace)
        env_class = namespace.get("Env")
        if not isinstance(env_class, type) or not issubclass(env_class, BaseEnv):
            raise LoadError("The source defines no class `Env` that derives from a robot's base.")
        if env_class in BASES.values():
            raise LoadError("`Env` is the robot's base itself, not a class derived from it.")
        return env_class

    def _import(self, name: str, *arguments: Any, **keywords: Any) -> Any:
        # `from a.b import c` gives a list of names as the third argument after `name`.
        names = arguments[2] if len(arguments) > 2 else keywords.get("fromlist")
        if name in self._modules and (names or "." not in name):
            return self._modules[name]
        return builtins.__import__(name, *arguments, **keywords)

    def seed(self, episode_seed: int) -> np.random.Generator:
        """Start all of the task's random streams anew; returns the one for `self.np_random`."""
        self._numpy_random.seed(episode_seed)
        self._random.seed(episode_seed)
        return np.random.default_rng(episode_seed)

    @property
    def description(self) -> str:
        """The docstring of `Env`, dedented; empty where it has none."""
        return inspect.cleandoc(self.env_class.__doc__ or "")
