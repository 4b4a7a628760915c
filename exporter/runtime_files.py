"""What is the same in every exported package: world, curricula, and the code around them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
WORLD = ROOT / "world"
CURRICULUM = ROOT / "curriculum"
RUNTIME = Path(__file__).parent / "runtime"
TEXT = ROOT / "text.py"
LICENCE = ROOT / "LICENSE"


def runtime_files() -> dict[str, bytes]:
    """The files, by their path in the package."""
    files = {path.name: path.read_bytes() for path in [*sorted(RUNTIME.glob("*.py")), TEXT]}
    for path in sorted(CURRICULUM.glob("*.py")):
        files[f"curriculum/{path.name}"] = path.read_bytes()
    for path in _world():
        files[f"world/{path.relative_to(WORLD).as_posix()}"] = path.read_bytes()
    files["world/LICENSE"] = LICENCE.read_bytes()
    return files


def world_sha256() -> str:
    """One number for all files of the world; `runtime/checking.py` computes it again."""
    files = {path: data for path, data in runtime_files().items() if path.startswith("world/")}
    digest = hashlib.sha256()
    for path, data in sorted(files.items()):
        inside = hashlib.sha256(data).hexdigest()
        digest.update(f"{path.removeprefix('world/')} {inside}\n".encode())
    return digest.hexdigest()


def _world() -> Iterator[Path]:
    for path in sorted(WORLD.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path
