"""What may be typed: the kinds of arguments and options, each refused in one sentence."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any

import click

from ...errors import UsageError


def words(typed: str) -> str:
    """What is typed as words, not as a path: always text. Bytes that are no UTF-8 become `�`, and
    in a locale that knows ASCII alone, UTF-8 is UTF-8 all the same."""
    return typed.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


WORDS = click.types.FuncParamType(words)
"""The kind of every argument and option that names no other."""
WORDS.name = "text"


class Place(click.Path):
    """A path. An empty one, as of a shell's variable that is not set, would be the folder we are
    in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("It is empty; it must be a path.", param, ctx)
        return super().convert(value, param, ctx)


class Amount(click.FloatRange):
    """A number above 0, which ends somewhere."""

    def __init__(self) -> None:
        super().__init__(0, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no amount; it must be a number above 0.", param, ctx)
        return number


PLACE = Place(path_type=Path)
AMOUNT = Amount()
SEED = click.IntRange(0, 2**31 - 1)
"""What every generator of random numbers takes."""


def require_room_for(path: Path | None) -> None:
    """See to it, before hours of work, that a file can be written there; None is none to write.
    Raises UsageError."""
    if path is None:
        return
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", "Name a file in it.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}.", "Name a path that you may use."
        ) from None
