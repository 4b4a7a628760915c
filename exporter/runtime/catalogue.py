"""What `tasks.json` tells: which tasks there are, and all that is known of them."""

from __future__ import annotations

import copy
import difflib
import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PACKAGE = HERE.name
MANIFEST: dict[str, Any] = json.loads((HERE / "tasks.json").read_text(encoding="utf-8"))
TASKS: dict[str, dict[str, Any]] = {entry["name"]: entry for entry in MANIFEST["tasks"]}
SUITE: str = MANIFEST["suite"]
"""The name of the environment that is all tasks."""
MAX_IDS = 500
"""`gymnasium.register` compares each id with all others: 4,000 take five seconds. A package of more
tasks than this has one id for all of them, to be given the name of a task."""


class UnknownTask(ValueError):
    """No task of this package answers to a name."""


def task_ids() -> list[str]:
    """The id of each task for `gymnasium.make`; with more than 500 tasks the one id of them all,
    which takes `task=` and a name."""
    if len(TASKS) > MAX_IDS:
        return [f"{PACKAGE}:{SUITE}-v0"]
    return [f"{PACKAGE}:{name}-v0" for name in TASKS]


def metadata(task: str | None = None) -> dict[str, Any]:
    """The entry of a task in `tasks.json`; without a task, the whole document."""
    return copy.deepcopy(MANIFEST if task is None else find(task))


def find(task: str) -> dict[str, Any]:
    """The entry of a task, by its name, its id or its `task_id`. Raises UnknownTask."""
    name = str(task).rpartition(":")[2].removesuffix("-v0")
    if name in TASKS:
        return TASKS[name]
    for entry in TASKS.values():
        if entry["task_id"] == task:
            return entry
    near = difflib.get_close_matches(name, TASKS, 1)
    hint = f"Did you mean {near[0]!r}?" if near else f"It has {_some(list(TASKS))}."
    raise UnknownTask(f"The package {PACKAGE} has no task {task!r}. {hint}")


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def source(task: str) -> str:
    """The code of a task, as it is in its file. Warns where that is not the file that was checked
    and learned."""
    entry = find(task)
    path = HERE / entry["file"]
    text = path.read_bytes()
    if hashlib.sha256(text).hexdigest() != entry["sha256"]:
        warnings.warn(
            f"{path} was edited after it was exported: it is not the task that was checked and "
            "learned, and what tasks.json says of it need not hold.",
            stacklevel=2,
        )
    return str(text, "utf-8")
