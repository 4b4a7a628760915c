"""Reading YAML that somebody else may have written: whatever it holds, it costs little."""

from __future__ import annotations

from typing import Any

import yaml

MAX_DEPTH = 20
LARGEST = 2**63


class _Loader(yaml.SafeLoader):
    """Reads YAML without aliases: a few lines of them can stand for more than any memory holds."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise ValueError("it uses aliases (`*name`); write out what they stand for")
        return super().compose_node(parent, index)


def read_yaml(text: str) -> Any:
    """What a YAML text says. Raises ValueError where it is none, or none that settings could be."""
    try:
        found = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    _check_plain(found, 0)
    return found


def _check_plain(value: Any, depth: int) -> None:
    """Raises ValueError for what no JSON could say, or no setting could mean."""
    if depth > MAX_DEPTH:
        raise ValueError("it is nested too deeply")
    if isinstance(value, dict):
        if not all(isinstance(name, str) for name in value):
            raise ValueError("it holds a name that is no text")
        for each in value.values():
            _check_plain(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            _check_plain(each, depth + 1)
    elif isinstance(value, int):
        if abs(value) >= LARGEST:
            raise ValueError("it holds a number that is too large")
    elif value is not None and not isinstance(value, str | float):
        raise ValueError(f"it holds a {type(value).__name__}, which no setting is")
