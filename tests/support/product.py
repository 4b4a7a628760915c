"""The Python files of the package itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import taskwright

ROOT = Path(taskwright.__file__).parent
OTHERS = ("tests", "docs", "benchmarks", "examples", "build", "dist", "runs")


def product_files() -> Iterator[tuple[str, str]]:
    """Each file's path within the package, and its source."""
    for place in sorted(ROOT.iterdir()):
        if place.name in OTHERS or place.name.startswith("."):
            continue
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            if path.suffix == ".py":
                yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
