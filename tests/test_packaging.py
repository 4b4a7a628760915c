"""The repository root is the package, and the package is complete."""

from __future__ import annotations

import tomllib
from pathlib import Path

import taskwright

ROOT = Path(taskwright.__file__).parent


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_package_in_the_tree_is_installed():
    # Only what hangs together from the root: people keep their runs and exports here too.
    found, rooms = set(), [ROOT]
    while rooms:
        room = rooms.pop()
        found.add(".".join(["taskwright", *room.relative_to(ROOT).parts]))
        rooms += [path.parent for path in room.glob("*/__init__.py")]
    assert set(project()["tool"]["setuptools"]["packages"]) == found


def test_what_pages_are_made_of_is_installed():
    patterns = project()["tool"]["setuptools"]["package-data"]
    for room in ("browser", "exporter", "presentation", "report"):
        found = {
            path
            for folder in ("static", "templates")
            for path in (ROOT / room / folder).rglob("*")
            if path.is_file()
        }
        installed = {
            p for pattern in patterns[f"taskwright.{room}"] for p in (ROOT / room).glob(pattern)
        }
        assert found, room
        assert found <= installed, room


def test_every_dependency_has_an_upper_bound():
    for dependency in project()["project"]["dependencies"]:
        assert "<" in dependency, dependency


def test_public_names_can_be_imported():
    for name in taskwright.__all__:
        assert getattr(taskwright, name).__name__ == name
