"""Checks whether JSON has the shape of a noun, and describes its first flaw.

Pydantic, which reads the nouns, tells all flaws, and takes a kilobyte for each: 4 MB of JSON that
somebody has made up could take 3 GB. So what is long is looked at here first.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import types
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

LONG_VALUES = 50_000
"""So many values may all be flaws."""
MAX_CONTAINERS = 500_000
"""Lists and objects of a text; each takes some hundred bytes."""
MAX_NAMES = 2_000_000
"""In all its objects together."""


def check_if_long(kind: Any, data: bytes) -> None:
    """Raises ValueError where JSON is long and not of the shape of `kind`, a dataclass."""
    # Mostly there are few, so commas within texts need not be distinguished from the others.
    if data.count(b",") <= LONG_VALUES:
        return
    # Every second piece lies between quotation marks.
    bare = b"".join(data.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2])
    if bare.count(b",") <= LONG_VALUES:
        return
    if bare.count(b"[") + bare.count(b"{") > MAX_CONTAINERS:
        raise ValueError(f"it holds more than {MAX_CONTAINERS:,} lists and objects")
    if bare.count(b":") > MAX_NAMES:
        raise ValueError(f"it holds more than {MAX_NAMES:,} names")
    try:
        found = json.loads(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not _fits(kind, found):
        raise ValueError("it does not have the shape that was expected")


def _fits(kind: Any, value: Any) -> bool:
    if kind is Any:
        return True
    if kind is int or kind is str or kind is bool:
        return type(value) is kind
    if kind is bytes:
        return type(value) is str
    if kind is float:
        return type(value) in (int, float) and math.isfinite(value)
    if kind is types.NoneType:
        return value is None
    if dataclasses.is_dataclass(kind):
        fields, needed = _fields(cast(Any, kind))
        return (
            isinstance(value, dict)
            and needed <= value.keys() <= fields.keys()
            and all(_fits(fields[name], each) for name, each in value.items())
        )
    parts = get_args(kind)
    origin = get_origin(kind)
    if origin is Annotated:
        return _fits(parts[0], value) and bool(value in parts[1])
    if origin is Literal:
        return value in parts
    if origin in (Union, types.UnionType):
        return any(_fits(part, value) for part in parts)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(parts[1], each) for each in value.values())
    assert origin is tuple, f"no noun has a {kind}"
    if not isinstance(value, list):
        return False
    if parts[1:] == (...,):
        if parts[0] is int:
            return all(type(each) is int for each in value)
        return all(_fits(parts[0], each) for each in value)
    return len(value) == len(parts) and all(map(_fits, parts, value))


@functools.cache
def _fields(kind: Any) -> tuple[dict[str, Any], frozenset[str]]:
    """The types of a dataclass's fields by their names, and the names of those without default."""
    hints = get_type_hints(kind, include_extras=True)
    fields = dataclasses.fields(kind)
    needed = frozenset(
        field.name
        for field in fields
        if field.default is field.default_factory is dataclasses.MISSING
    )
    return {field.name: hints[field.name] for field in fields}, needed
