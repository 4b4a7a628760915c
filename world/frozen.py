"""Objects that trusted code gives to tasks, and that tasks cannot change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from .contract import UnavailableError


class Frozen:
    """Has the attributes that its `__init__` put into `vars(self)`, and keeps them."""

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        self._refuse(name)

    def __delattr__(self, name: str) -> NoReturn:
        self._refuse(name)

    def _refuse(self, name: str) -> NoReturn:
        raise AttributeError(
            f"`{name}` of {self!r} cannot be set: what tasks are given is read-only. Keep the "
            "value in an attribute of the task's own self."
        )


class Facade(Frozen):
    """Stands where a task expects a module, and holds what tasks may use of it."""

    def __init__(self, name: str, members: Mapping[str, Any]) -> None:
        vars(self).update(members, __name__=name)

    def __getattr__(self, name: str) -> NoReturn:
        raise UnavailableError(
            f"{vars(self)['__name__']}.{name}",
            "Use arithmetic, math, np.array, np.linalg and np.random; docs/interface.md tells "
            "where the lists are.",
        )

    def __repr__(self) -> str:
        return f"<{vars(self)['__name__']} for tasks>"


class Hint(Frozen):
    """A type that can be named in annotations and `isinstance`, and not be called.

    Subscripts and unions of it are itself: annotations mean nothing when a task runs.
    """

    __name: str
    __kind: Any
    __instead: str

    def __init__(self, name: str, kind: Any, instead: str = "Use it in annotations only.") -> None:
        vars(self).update(_Hint__name=name, _Hint__kind=kind, _Hint__instead=instead)

    def __call__(self, *arguments: Any, **keywords: Any) -> NoReturn:
        raise TypeError(f"`{self.__name}` is a type for annotations. {self.__instead}")

    def __instancecheck__(self, value: Any) -> bool:
        return isinstance(value, self.__kind)

    def __getitem__(self, parameters: Any) -> Hint:
        return self

    def __or__(self, other: Any) -> Hint:
        return self

    __ror__ = __or__

    def __repr__(self) -> str:
        return self.__name
