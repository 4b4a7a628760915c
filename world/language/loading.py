"""From source code to an environment class that reaches what tasks are given, and no more.

Which names the code may say is settled before, by `sandbox/language_policy.py`; here the same lists
become the things behind the names: facades for its imports, a table of builtins, and classes that
keep `self` what it seems to be. The process that the code runs in is what contains it.
"""

from __future__ import annotations

import builtins
import inspect
import types
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from ..base import BaseEnv
from ..contract import UnavailableError
from ..frozen import Facade
from ..robots import ROBOTS, robot_env
from .allowed import BASE_BUILTINS, BUILTINS, refused_attribute
from .facades import EpisodeStreams, facades

BASES = {entry.base: robot_env(name) for name, entry in ROBOTS.items()}
ROBOT_MODULES: dict[str, dict[str, type[BaseEnv]]] = {
    "taskwright": BASES,
    "taskwright.world": BASES,
    # Where it was before: older tasks name it so.
    "taskwright.sandbox.world": BASES,
    # OMNI-EPIC's tasks name its own modules, in either spelling.
    **{
        f"{package}.envs.{name}.base": {entry.base: BASES[entry.base]}
        for package in ("omni_epic", "oped")
        for name, entry in ROBOTS.items()
    },
}
"""What a task may import, besides numpy, math and random: a robot's environment."""


class LoadError(ValueError):
    """The source does not define a usable environment class."""


class TaskType(type):
    """The type of every class that a task defines: it makes sure of `self`.

    The policy lets a method do with its `self` what it lets nobody do with other objects: set
    attributes, and read private ones. So a method taken from its class, and not from an object, is
    called with an object of that class or not at all; otherwise `Helper.method(array)` would do to
    an array what the policy refuses. A property cannot be taken from its class at all: as a part of
    another class it would run with objects of that one. And a class stays as it was written.
    """

    def __getattribute__(cls, name: str) -> Any:
        value = super().__getattribute__(name)
        if type(value) is types.FunctionType and value.__code__.co_varnames[:1] == ("self",):
            return _only_with(cls, value)
        if type(value) is property:
            raise TypeError(
                f"`{cls.__name__}.{name}` is a property, which belongs to the objects of its "
                f"class. Read it from one: `self.{name}`."
            )
        return value

    def __setattr__(cls, name: str, value: Any) -> NoReturn:
        raise TypeError(
            f"`{cls.__name__}.{name}` was set on a class. Keep the value in an attribute of self."
        )


def _only_with(cls: type, method: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **keywords: Any) -> Any:
        if not (arguments and isinstance(arguments[0], cls)):
            raise TypeError(
                f"`{cls.__name__}.{method.__name__}` was called without an object of "
                f"{cls.__name__}. A method belongs to the objects of its class. Call it on one: "
                f"`self.{method.__name__}(...)`."
            )
        return method(*arguments, **keywords)

    return call


def _build_class(body: Any, name: str, *bases: type) -> type:
    """What a `class` statement in task code does."""
    allowed = {getattr(builtins, base) for base in BASE_BUILTINS} | {*BASES.values()}
    for base in bases:
        if not (type(base) is TaskType or base in allowed):
            raise TypeError(
                f"Class {name} derives from {base!r}. A task's classes derive from nothing, from "
                "each other, or from the robot's environment. Keep such a value in an attribute."
            )
    if len(bases) > 1 and any(issubclass(base, BaseEnv) for base in bases):
        raise TypeError(
            f"Class {name} has {len(bases)} bases. An environment has one, the robot's, so that "
            f"nothing stands between them. Write `class {name}({bases[-1].__name__}):`."
        )
    made: type = builtins.__build_class__(body, name, *bases, metaclass=TaskType)
    return made


def _look_up(value: Any, name: str, *default: Any) -> Any:
    """`getattr` for what the policy lets through when the name stands in the code."""
    if type(name) is not str:
        raise TypeError("An attribute's name is a text.")
    instead = refused_attribute(name)
    # A task's own objects have private attributes, and public ones of any name.
    own = type(type(value)) is TaskType and "__" not in name and not name.endswith("_")
    if instead and not own:
        raise UnavailableError(f".{name}", instead)
    return getattr(value, name, *default)


def _has(value: Any, name: str) -> bool:
    try:
        _look_up(value, name)
    except AttributeError:
        return False
    return True


class UnavailableImport(ImportError):
    """A task imports what tasks do not have. Any other ImportError is a failure of this machine."""


class LoadedTask:
    """A task's environment class together with the random streams its code draws from.

    The module is compiled once and run anew for each episode (`new_class`), so that nothing in it
    can outlive an episode: variables of the module and of its classes, default arguments, closures.

    The task's `numpy.random` and `random` are its own, so that an episode depends on its seed alone
    and a task cannot disturb the random streams of the program that hosts it.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._streams = EpisodeStreams()
        robots = {name: Facade(name, bases) for name, bases in ROBOT_MODULES.items()}
        self._modules: dict[str, Any] = {**facades(self._streams), **robots}
        # The file name makes the task's own lines easy to find in a traceback.
        self._code = compile(source, "<task>", "exec")
        self.env_class = self.new_class()
        """To look at. Its worlds are made of new ones."""

    def new_class(self) -> type[BaseEnv]:
        """Run the module, and return the environment class that it defines. What the module draws
        by chance is the same each time. Raises LoadError, and whatever the module raises."""
        self._streams.seed(0)
        namespace: dict[str, Any] = {"__name__": "task", "__builtins__": self._builtins()}
        exec(self._code, namespace)
        env_class = namespace.get("Env")
        if not isinstance(env_class, type) or not issubclass(env_class, BaseEnv):
            raise LoadError("The source defines no class `Env` that derives from a robot's base.")
        if env_class in BASES.values():
            raise LoadError("`Env` is the robot's base itself, not a class derived from it.")
        return env_class

    def _builtins(self) -> dict[str, Any]:
        return {
            **{name: getattr(builtins, name) for name in BUILTINS},
            "getattr": _look_up,
            "hasattr": _has,
            "__build_class__": _build_class,
            "__import__": self._import,
        }

    def _import(
        self,
        name: str,
        namespace: Any = None,
        local: Any = None,
        names: tuple[str, ...] | list[str] | None = (),
        level: int = 0,
    ) -> Any:
        # C code imports through whoever called it: numpy's parts of numpy, and that of texts the
        # names of characters. Unlike an import statement it gives a list of names, and what is
        # returned stays with it.
        if isinstance(names, list) and (name.startswith("numpy.") or name == "unicodedata"):
            return builtins.__import__(name, {}, {}, [], 0)
        module = self._modules.get(name) if level == 0 else None
        if module is None:
            self._refuse(name)
        # `import a.b` binds a, `import a.b as c` and `from a.b import c` go on from it.
        return module if names or "." not in name else self._modules.get(name.partition(".")[0])

    def _refuse(self, name: str) -> NoReturn:
        raise UnavailableImport(f"`{name}` is not available to tasks.", name=name)

    def seed(self, episode_seed: int) -> np.random.Generator:
        """Start all of the task's random streams anew; returns the one for `self.np_random`."""
        return self._streams.seed(episode_seed)

    @property
    def description(self) -> str:
        """The docstring of `Env`, dedented; empty where it has none."""
        return inspect.cleandoc(self.env_class.__doc__ or "")
