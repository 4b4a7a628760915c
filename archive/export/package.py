"""Kept tasks as an installable Gymnasium package that works without Taskwright.

The package carries a copy of the world runtime, each task as the very file that was checked and
learned, and a `tasks.json` that tells where each comes from.
"""

from __future__ import annotations

import json
import keyword
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from ...errors import UsageError
from ...task import Record

TEMPLATES = Path(__file__).parent / "templates"
MAX_NAME_WORDS = 8
WORLD = Path(__file__).parents[2] / "sandbox" / "world"


def export_package(
    records: Sequence[Record], out: Path, name: str, posters: Path | None = None
) -> list[str]:
    """Write an installable package of these tasks; returns the environment ids it registers.

    `posters` is a folder with a picture `<task_id>.png` of some or all tasks. Raises UsageError
    where there is nothing to export, `name` cannot be a module's name, or `out` is in the way.
    """
    if not records:
        raise UsageError(
            "There is no task to export.", "Run journeys until at least one task has been learned."
        )
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise UsageError(
            f"{name!r} cannot be the name of a Python package.",
            "Use small letters, digits and underscores, for example my_tasks.",
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} exists and is not an empty folder.", "Choose another place.")

    package = out / name
    (package / "tasks").mkdir(parents=True)
    shutil.copytree(WORLD, package / "world", ignore=shutil.ignore_patterns("__pycache__"))
    entries = _entries(records)
    for record, entry in zip(records, entries, strict=True):
        assert record.task is not None
        (package / "tasks" / entry["file"]).write_text(record.task.source, encoding="utf-8")
        poster = posters / f"{record.task_id}.png" if posters else None
        if poster and poster.is_file():
            (out / "posters").mkdir(exist_ok=True)
            shutil.copy(poster, out / "posters" / f"{entry['name']}.png")
            entry["poster"] = f"posters/{entry['name']}.png"
    (package / "tasks.json").write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
    )
    for template, path in {
        "__init__.py.j2": package / "__init__.py",
        "pyproject.toml.j2": out / "pyproject.toml",
        "README.md.j2": out / "README.md",
    }.items():
        text = environment.get_template(template).render(package=name, entries=entries)
        path.write_text(text, encoding="utf-8")
    return [f"{name}:{entry['name']}-v0" for entry in entries]


def environment_names(tasks: Sequence[tuple[str, str]]) -> list[str]:
    """What the environments of some tasks, given as title and `task_id`, are called in a package
    that holds them in this order."""
    return [_joined(words) for words in _names(tasks)]


def _names(tasks: Sequence[tuple[str, str]]) -> list[list[str]]:
    names = []
    taken: set[str] = set()
    for title, task_id in tasks:
        words = re.findall(r"[A-Za-z0-9]+", title)[:MAX_NAME_WORDS]
        if not words or words[0][0].isdigit():
            words = ["Task", *words]
        if "".join(words).lower() in taken:
            words.append(task_id[:6])
        taken.add("".join(words).lower())
        names.append(words)
    return names


def _joined(words: list[str]) -> str:
    return "".join(word[0].upper() + word[1:] for word in words)


def _entries(records: Sequence[Record]) -> list[dict[str, Any]]:
    """What `tasks.json` says of each task."""
    entries = []
    titles = [(record.idea.title, record.task_id or "") for record in records]
    for record, words in zip(records, _names(titles), strict=True):
        assert record.task is not None
        trial = record.trial
        entries.append(
            {
                "name": _joined(words),
                "file": "_".join(words).lower() + ".py",
                "task_id": record.task_id,
                "robot": record.task.robot,
                "title": record.idea.title,
                "description": record.idea.description,
                "success": record.idea.success,
                "rewards": record.idea.rewards,
                "termination": record.idea.termination,
                "parents": list(record.idea.parents),
                "status": record.status,
                "success_before": trial.success_before if trial else None,
                "success_after": trial.success_after if trial else None,
                "train_steps": trial.steps if trial else None,
                "poster": None,
            }
        )
    return entries
