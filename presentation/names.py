"""What tasks are called when they are exported: as environments, and as files.

An export gives these names, and the browser shows the line of Python that makes a task by them.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import UsageError

MAX_NAME_WORDS = 8
MAX_NAME_LETTERS = 100
"""Of a name, before what tells it from another: a file's name has room for 255."""
SMALL_WORDS = frozenset(
    "a an and at beyond by for from in of off on or over that the to with".split()
)
"""A name that is cut short does not end in one of these."""
_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L"}
)
"""Latin letters of which ASCII has nothing left when their accent is taken off."""


@dataclass(frozen=True)
class TaskName:
    """What a task is called in its package."""

    name: str
    """Of the environment, such as `DriveAhead` in `my_tasks:DriveAhead-v0`."""
    file: str
    """Of the source, such as `drive_ahead.py`."""


def environment_names(tasks: Sequence[tuple[str, str]], package: str) -> list[str]:
    """What the environments of some tasks, given as title and `task_id`, are called in a package
    that holds them in this order."""
    return [task.name for task in task_names(tasks, package)]


def task_names(tasks: Sequence[tuple[str, str]], package: str) -> list[TaskName]:
    """A name for each task, from its title; where two would be the same, the later one gets the
    beginning of its `task_id` or a number. The name of the whole suite is not given to a task.

    Names are made of ASCII letters and digits, as Gymnasium, Python and every file system take
    them: `For 2.5 s` becomes `For2p5S`. A title without any gives `Task`.
    """
    names = []
    taken = {suite_name(package).lower()}
    for title, task_id in tasks:
        words = _cut_short(_words(title))
        if not words or words[0][0].isdigit():
            words = ["Task", *words]
        ending = 2
        beginning = words
        if task_id and "".join(words).lower() in taken:
            beginning = words = [*words, task_id[:6]]
        while "".join(words).lower() in taken:
            words = [*beginning, str(ending)]
            ending += 1
        taken.add("".join(words).lower())
        name = "".join(word[0].upper() + word[1:] for word in words)
        names.append(TaskName(name, "_".join(words).lower() + ".py"))
    return names


def _words(title: str) -> list[str]:
    """The words and numbers of a title, without accents; the point of a number becomes a `p`."""
    letters = unicodedata.normalize("NFD", title.translate(_LETTERS))
    plain = re.sub(r"(?<=[A-Za-z])[\u0300-\u036f]+", "", letters)
    plain = re.sub(r"(?<![\w.])\.(?=[0-9])", "0.", plain)
    plain = re.sub(r"(?<=[0-9])\.(?=[0-9])", "p", plain)
    return re.findall(r"[A-Za-z0-9]+", plain)


def _cut_short(words: list[str]) -> list[str]:
    """As many of the words as a name has room for, ending in one that means something."""
    kept: list[str] = []
    for word in words[:MAX_NAME_WORDS]:
        left = MAX_NAME_LETTERS - len("".join(kept))
        if kept and len(word) > left:
            break
        kept.append(word[:left])
    while len(kept) < len(words) and kept and kept[-1].lower() in SMALL_WORDS:
        kept.pop()
    return kept


def make_call(env_id: str, *, task: str = "", steered: bool = False) -> str:
    """The line of Python that makes an environment: `task` where several share an id, `steered` as
    the agent was that learned it."""
    return f'gymnasium.make("{env_id}"{make_keywords(task=task, steered=steered)})'


def make_keywords(*, task: str = "", steered: bool = False) -> str:
    """The arguments of `gymnasium.make` and `make_vec` beside the id, as Python."""
    return (f', task="{task}"' if task else "") + (", steered=True" if steered else "")


def suite_name(package: str) -> str:
    """What the environment of all tasks is called: `MyTasks` in `my_tasks:MyTasks-v0`."""
    return "".join(word[0].upper() + word[1:] for word in package.split("_") if word)


def package_name(folder_name: str) -> str:
    """The name of a package after the folder it is written to; empty where nothing is left."""
    return re.sub(r"[^a-z0-9]+", "_", folder_name.lower()).strip("_")


def require_package_name(name: str) -> None:
    """Raises UsageError where `name` cannot be that of a package that stands on its own."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or keyword.iskeyword(name):
        raise UsageError(
            f"{name!r} cannot be the name of a Python package.",
            "Use small letters, digits and underscores, for example --name my_tasks.",
        )
    if name in _TAKEN:
        raise UsageError(
            f"A package called {name!r} would stand in the way of another.",
            "Choose another name, for example --name my_tasks.",
        )


_TAKEN = frozenset("gymnasium numpy pybullet taskwright tasks test torch world".split())
