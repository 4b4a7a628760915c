"""Task files as the beginnings of an archive: their docstrings are ideas already."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from ..sandbox.syntax import parsed
from ..task import Idea, Robot
from .answers import LONGEST_TITLE
from .markup import plain

EXAMPLES = Path(__file__).parent.parent / "examples" / "tasks"

HEADINGS = ("Description", "Success", "Rewards", "Termination")


@dataclass(frozen=True)
class SeedTask:
    """An example: its idea and its source."""

    idea: Idea
    source: str


def example_tasks(robot: Robot) -> list[SeedTask]:
    """Our hand-written tasks for a robot, in the order of their file names."""
    paths = sorted((EXAMPLES / robot).glob("*.py"))
    return [SeedTask(read_idea(path), path.read_text(encoding="utf-8")) for path in paths]


def read_idea(path: Path) -> Idea:
    """The idea in a task file's docstring, without running the file. Raises UsageError."""
    try:
        tree = parsed(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid Python: {error}.", "Correct it.") from None
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Env"]
    docstring = ast.get_docstring(classes[0]) if classes else None
    if not docstring:
        raise UsageError(
            f"{path} has no class `Env` with a docstring.",
            "Describe the task there: title, description, success, rewards, termination.",
        )
    return idea_from_docstring(docstring)


def idea_of_source(source: str, title: str) -> Idea:
    """The idea in a task's docstring, without running it; where there is none, the title alone."""
    try:
        classes = [n for n in parsed(source).body if isinstance(n, ast.ClassDef)]
    except SyntaxError:
        classes = []
    docstring = next((ast.get_docstring(n) for n in classes if n.name == "Env"), None)
    return idea_from_docstring(docstring or title)


def idea_from_docstring(docstring: str) -> Idea:
    """An idea from a title and headed sections; sections that are missing stay empty. A first line
    that is too long for a title is cut, and is in the description as a whole."""
    heading, texts = "", {"": [""]}
    for line in plain(docstring).strip().split("\n"):
        name = line.strip(" \t").removesuffix(":")
        if name in HEADINGS and name != line.strip(" \t"):
            heading, texts[name] = name, []
        else:
            texts[heading].append(line)
    title, *sections = ("\n".join(texts.get(heading, ())).strip() for heading in ("", *HEADINGS))
    description, success, rewards, termination = sections
    first, _, rest = title.partition("\n")
    if len(first) > LONGEST_TITLE:
        first, rest = f"{first[: LONGEST_TITLE - 1]}…", title
    return Idea(
        title=first.strip().rstrip("."),
        description="\n".join(filter(None, [rest.strip(), description])),
        success=success,
        rewards=rewards,
        termination=termination,
        strategy="seed",
    )
