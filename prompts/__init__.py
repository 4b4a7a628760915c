"""What models are asked: Jinja2 templates, rendered strictly.

`render` fills `NAME.md.j2`. A user's folder of templates stands before ours: a file of the same
name there replaces ours. A template that asks for a value it is not given is refused by name,
before anything is sent.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ..errors import UsageError
from ..task import ROBOT_BASES
from ..world.data_sheets import SHEETS
from ..world.manual import Words
from ..world.robots import offered, robot_class
from . import words

HERE = Path(__file__).parent


def render(name: str, folder: Path | None = None, **values: Any) -> str:
    """The prompt `name` filled with values. Raises UsageError for a template that cannot be."""
    environment, file_name = _environment(folder), f"{name}.md.j2"
    with _usable(file_name, folder):
        template = environment.get_template(file_name)
        unknown = _wanted(environment, file_name) - values.keys()
        if unknown:
            raise UsageError(
                f"The prompt template {template.filename} uses {', '.join(sorted(unknown))}.",
                f"It is given only {', '.join(sorted(values))}.",
            )
        return template.render(**values).strip() + "\n"


def wanted(name: str, folder: Path | None = None) -> set[str]:
    """The values that the prompt `name` asks for. Raises UsageError for a template that cannot be
    used."""
    file_name = f"{name}.md.j2"
    with _usable(file_name, folder):
        return _wanted(_environment(folder), file_name)


def _environment(folder: Path | None) -> jinja2.Environment:
    """Where templates are found, and what they may use."""
    folders = [folder, HERE] if folder else [HERE]
    # A folder of templates may come from somebody else.
    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader(folders),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Prompts are plain text for a model, not HTML.
        autoescape=False,
    )
    environment.filters.update(
        base_class=ROBOT_BASES.__getitem__,
        words=_robot_words,
        offered=offered,
        learning_curve=words.learning_curve,
        success=words.success,
        flat=words.flat,
        percent=words.percent,
        skill=words.skill,
        plainly=words.plainly,
        data_sheet=SHEETS.__getitem__,
    )
    return environment


@contextlib.contextmanager
def _usable(file_name: str, folder: Path | None) -> Iterator[None]:
    """Says which template is at fault, where one is."""
    try:
        yield
    except jinja2.TemplateError as error:
        raise UsageError(
            f"The prompt template {file_name} cannot be used: {error}.",
            f"Correct it in {folder or HERE}.",
        ) from None


def _robot_words(robot: str) -> Words:
    """The words about a robot for a model."""
    return robot_class(robot).words


def _wanted(environment: jinja2.Environment, file_name: str) -> set[str]:
    """The values that a template and the templates it includes ask for."""
    assert environment.loader is not None
    source, _, _ = environment.loader.get_source(environment, file_name)
    tree = environment.parse(source)
    wanted = set(meta.find_undeclared_variables(tree))
    for included in meta.find_referenced_templates(tree):
        if included is not None:
            wanted |= _wanted(environment, included)
    return wanted
