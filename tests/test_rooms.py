"""Which room may import which. Imports point one way, and nothing goes round in circles."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import taskwright

ROOT = Path(taskwright.__file__).parent

FOUNDATIONS = {
    "errors": (),
    "fitting": (),
    "text": (),
    "versions": (),
    "yaml_text": ("errors",),
    "streams": ("errors", "text"),
    "output": ("streams", "text"),
    "files": ("errors",),
    "task": ("fitting", "world"),
    "generalist": ("task",),
    "task_file": ("errors", "files", "task"),
    "trust": ("errors", "files"),
}
"""The modules beside the rooms that any room may import, and what they import themselves. `task`
asks the world for the names of the robots, which loads no simulator."""

ROOMS = {
    "world": (),
    "curriculum": (),
    "prompts": ("world",),
    "sandbox": ("world",),
    "archive": ("sandbox", "world"),
    "presentation": ("archive",),
    "trainer": ("curriculum", "sandbox", "world"),
    "executor": ("sandbox", "trainer"),
    "config": ("sandbox", "trainer", "world"),
    "generator": (
        "archive",
        "config",
        "executor",
        "prompts",
        "sandbox",
        "trainer",
        "trust",
        "world",
    ),
    "exporter": ("archive", "config", "presentation", "world"),
    "browser": ("archive", "config", "presentation", "sandbox", "world"),
    "report": ("archive", "config", "presentation"),
}
"""What each room, and the settings, may import besides the foundations."""

FREE = {"cli", "api", "__init__", "__main__"}
"""The command line and the front door may import all, and nothing imports them."""


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name below the root."""
    found, folders = {}, [ROOT]
    while folders:
        folder = folders.pop()
        folders += [path.parent for path in folder.glob("*/__init__.py")]
        for path in folder.glob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if len(parts) > 1 and parts[-1] == "__init__":
                parts = parts[:-1]
            found[".".join(parts)] = path
    return found


def imports(name: str, path: Path, known: dict[str, Path]) -> Iterator[str]:
    """The modules of ours that a module imports, also inside functions, but for those that only
    type checkers see."""
    parts = name.split(".")
    package = parts if path.name == "__init__.py" and name != "__init__" else parts[:-1]
    left: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while left:
        node = left.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            left += node.orelse
        else:
            left += ast.iter_child_nodes(node)
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            base += node.module.split(".") if node.module else []
            for alias in node.names:
                inner = ".".join([*base, alias.name])
                yield inner if inner in known else ".".join(base) or "__init__"


MODULES = modules()
GRAPH = {
    name: {target for target in imports(name, path, MODULES) if target in MODULES}
    for name, path in MODULES.items()
}


def room_of(name: str) -> str:
    return name.partition(".")[0]


@pytest.mark.parametrize("room", sorted({room_of(name) for name in MODULES} - FREE))
def test_a_room_imports_only_what_it_may(room: str) -> None:
    if room in FOUNDATIONS:
        allowed = {room, *FOUNDATIONS[room]}
    else:
        allowed = {room, *FOUNDATIONS, *ROOMS[room]}
    for name, targets in GRAPH.items():
        if room_of(name) == room:
            wrong = {target for target in targets if room_of(target) not in allowed}
            assert not wrong, f"{name} imports {', '.join(sorted(wrong))}"


def test_the_order_of_the_rooms_has_no_circle() -> None:
    order = {**FOUNDATIONS, **ROOMS}
    while order:
        free = [room for room, needs in order.items() if not set(needs) & order.keys()]
        assert free, f"a circle among {', '.join(sorted(order))}"
        for room in free:
            del order[room]


def test_no_module_imports_itself_by_a_detour() -> None:
    left = {name: set(targets) for name, targets in GRAPH.items()}
    while left:
        free = [name for name, targets in left.items() if not targets & (left.keys() - {name})]
        assert free, f"a circle among {', '.join(sorted(left))}"
        for name in free:
            del left[name]


def test_no_file_is_longer_than_500_lines() -> None:
    for name, path in MODULES.items():
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 500, name
