"""Where a run's settings come from and where they are written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from ..errors import UsageError
from ..files import FileProblem, open_file, read_text, write_whole
from ..trust import remember_if_possible
from ..yaml_text import read_yaml
from .sections import Config

MAX_CONFIG_BYTES = 100_000
"""Of a file of settings. Ours have 3 kB; YAML is read slowly."""


def load_config(path: Path, *, follow: bool = True) -> dict[str, Any]:
    """The settings in a YAML file, not yet validated. `follow` is for a path that the user has
    named, which may be a link. Raises UsageError."""
    try:
        text = read_text(open_file(path, MAX_CONFIG_BYTES, follow=follow), MAX_CONFIG_BYTES)
        settings = read_yaml(text)
    except FileProblem as problem:
        raise UsageError(
            f"The configuration file {path} cannot be read: {problem}.",
            "Give the path of an existing YAML file.",
        ) from None
    except ValueError as error:
        raise UsageError(
            f"The configuration file {path} is not valid YAML for settings: {error}.",
            "Correct that place.",
        ) from None
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise UsageError(
            f"The configuration file {path} holds a {type(settings).__name__}.",
            "It must hold sections such as `trainer:` with settings below them.",
        )
    return settings


def stored_settings(run_dir: Path) -> dict[str, Any]:
    """The settings in a run folder as they are written, for who only tells of them; empty where
    they cannot be read."""
    try:
        return load_config(run_dir / "config.yaml", follow=False)
    except UsageError:
        return {}


def merge(settings: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """`settings` with `more` laid over them, section by section."""
    merged = dict(settings)
    for key, value in more.items():
        below = merged.get(key)
        both = isinstance(below, dict) and isinstance(value, dict)
        merged[key] = merge(below, value) if both else value  # type: ignore[arg-type]
    return merged


def parse_assignment(text: str) -> dict[str, Any]:
    """`section.name=value`, the value being YAML, as nested settings. Raises UsageError."""
    path, equals, value = text.partition("=")
    if not equals or "." not in path:
        raise UsageError(
            f"`--set {text}` is not of the form section.name=value.",
            "For example: --set trainer.max_steps=50000.",
        )
    try:
        settings: Any = read_yaml(value)
    except ValueError:
        raise UsageError(
            f"The value in `--set {text}` is not valid YAML.", "Quote it, or correct it."
        ) from None
    for key in reversed(path.strip().split(".")):
        settings = {key: settings}
    return dict(settings)


def resolve(settings: dict[str, Any]) -> Config:
    """Validated settings. Raises UsageError, naming the first setting that is wrong."""
    try:
        return Config.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = ", ".join(_fields_at(first["loc"][:-1]))
            raise UsageError(
                f"There is no setting `{name}`.", f"Known here are: {known}."
            ) from None
        # What somebody has put there instead may be the key, which must not be shown.
        if name.endswith("key_variable"):
            raise UsageError(
                f"The setting `{name}` is not the name of an environment variable.",
                "Put the key into a variable such as JUDGE_API_KEY, and give that name.",
            ) from None
        if name.endswith("base_url"):
            raise UsageError(
                f"The setting `{name}` is not the address of a server, or not that alone.",
                "Give one such as http://127.0.0.1:8000/v1; a key goes into an environment "
                "variable, whose name goes into `key_variable`.",
            ) from None
        raise UsageError(
            f"The setting `{name}` is {first['input']!r}: {first['msg'].lower()}.",
            "Correct it in the configuration file or on the command line.",
        ) from None


def _fields_at(path: Sequence[str | int]) -> list[str]:
    """The names of the settings in a section, or in a section of a section."""
    section: type[BaseModel] = Config
    for name in path:
        within = section.model_fields[str(name)].annotation
        if not (isinstance(within, type) and issubclass(within, BaseModel)):
            break
        section = within
    return list(section.model_fields)


def write_config(config: Config, path: Path) -> None:
    """Write the resolved settings as YAML. Whenever it is cut off, the file is whole. What they
    reach is remembered as wanted by the user."""
    settings = config.model_dump(mode="json")
    write_whole(path, yaml.safe_dump(settings, sort_keys=False).encode())
    remember_if_possible(config)
