"""The pages of an exported package: the card that people read, and what installers read."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import jinja2

from ..presentation.names import make_keywords
from ..world.robots import robot_spaces
from .entries import space_as_json

TEMPLATES = Path(__file__).parent / "templates"
REQUIRES_PYTHON = ">=3.10"
DEPENDENCIES = ("gymnasium>=0.29.1,<2", "numpy>=1.26,<3", "pybullet>=3.2.7,<3.3")
"""Loose where trainers pin: RLlib and others have a Gymnasium of their own. NumPy has a lower bound
because tasks name its functions, and PyBullet both because episodes depend on it."""
MAX_DESCRIBED = 60
"""Tasks with a section and a picture in the card; a table has them all."""
MAX_IDS = 500
"""As in `runtime/catalogue.py`: above this the tasks share one id."""


def pages(manifest: dict[str, Any], wheel: str) -> dict[str, str]:
    """`README.md`, `pyproject.toml`, `env.py` and `METADATA` for what `tasks.json` tells; `wheel`
    is the path of the wheel in the folder."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
    )
    environment.filters.update(percent=_percent, cell=_cell, prose=_prose)
    words = {**_words(manifest), "wheel": wheel}
    card = environment.get_template("README.md.j2").render(words)
    rendered = {"README.md": card}
    for name in ("pyproject.toml", "env.py", "METADATA"):
        rendered[name] = environment.get_template(f"{name}.j2").render({**words, "card": card})
    return rendered


def _words(manifest: dict[str, Any]) -> dict[str, Any]:
    entries = manifest["tasks"]
    first = entries[0]
    shared = len(entries) > MAX_IDS
    plural = "s" if len(entries) > 1 else ""
    robots = sorted({entry["robot"] for entry in entries})
    return {
        "package": manifest["package"],
        "version": manifest["version"],
        "taskwright": manifest["taskwright"],
        "suite": manifest["suite"],
        "summary": f"{len(entries)} reinforcement-learning task{plural} for "
        f"{', '.join(robots)}, made by Taskwright.",
        "requires_python": REQUIRES_PYTHON,
        "dependencies": DEPENDENCIES,
        "entries": entries,
        "described": entries[:MAX_DESCRIBED],
        "pictures": [entry for entry in entries[:MAX_DESCRIBED] if entry["picture"]],
        "learned": sum(entry["status"] == "learned" for entry in entries),
        "policies": sum(entry["policy"] is not None for entry in entries),
        "checked_under": manifest["isolation"]["checked_under"],
        "first": first,
        "first_id": f"{manifest['package']}:{manifest['suite']}-v0" if shared else first["id"],
        "first_keywords": make_keywords(
            task=first["name"] if shared else "", steered=first["steered"]
        ),
        "observation": _each_robot(entries, "observation_space"),
        "action": _each_robot(entries, "action_space"),
        "steering": "; ".join(
            f"{_space(space_as_json(robot_spaces(robot, steered=True)[1]))} ({robot})"
            for robot in sorted({entry["robot"] for entry in entries if entry["steered"]})
        ),
    }


def _each_robot(entries: list[dict[str, Any]], name: str) -> str:
    """The spaces of the robots that there are, in words."""
    spaces = {entry["robot"]: _space(entry[name]) for entry in entries}
    return "; ".join(f"{space} ({robot})" for robot, space in sorted(spaces.items()))


def _space(space: dict[str, Any]) -> str:
    if space["type"] == "Discrete":
        return f"one of {space['n']} numbers, 0 to {space['n'] - 1}"
    bounds = f"{space['low']:g} to {space['high']:g}" if isinstance(space["low"], float) else "Box"
    return f"{space['dtype']}, shape {tuple(space['shape'])}, {bounds}"


def _percent(rate: float | None) -> str:
    return "–" if rate is None else f"{100 * rate:.0f} %"


def _cell(text: str) -> str:
    """A text on one line of a table, that is shown and not interpreted."""
    return _prose(text).replace("|", r"\|").replace("`", r"\`")


def _prose(text: str) -> str:
    """What a model wrote, as one paragraph: it may bring no tags, links, pictures or headings."""
    return html.escape(" ".join(text.split()), quote=False).replace("[", r"\[")
