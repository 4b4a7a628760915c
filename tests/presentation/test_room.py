"""Which rooms the pages are made of: browser and report share this one, and nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import taskwright

ROOT = Path(taskwright.__file__).parent


def rooms_imported_by(room: str) -> set[str]:
    """The first names of our own modules and rooms that a room imports, lazily or not."""
    found = set()
    for path in (ROOT / room).rglob("*.py"):
        depth = len(path.relative_to(ROOT).parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == depth:
                names = [node.module] if node.module else [alias.name for alias in node.names]
                found |= {name.partition(".")[0] for name in names}
    return {name for name in found if (ROOT / name).is_dir()}


@pytest.mark.parametrize(
    ("room", "may_import"),
    [
        ("presentation", {"archive"}),
        ("report", {"archive", "presentation"}),
        ("browser", {"archive", "presentation", "sandbox", "world"}),
    ],
)
def test_a_room_imports_what_it_may(room: str, may_import: set[str]) -> None:
    imported = rooms_imported_by(room)
    assert "archive" in imported
    assert imported <= may_import
