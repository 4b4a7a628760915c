"""The versions of packages on which numbers may depend, read without importing any of them."""

from __future__ import annotations

import functools
import hashlib
import platform
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "taskwright",
    "numpy",
    "pybullet",
    "gymnasium",
    "torch",
    "stable-baselines3",
    "sentence-transformers",
    "openai",
)

ROOMS_OF_JOBS = ("curriculum", "executor", "sandbox", "trainer", "world")
"""The folders of ours that decide what a job comes to, besides the modules beside them."""


def own_version() -> str:
    """The version of Taskwright."""
    return metadata.version("taskwright")


def installed_versions() -> dict[str, str]:
    """The version of Python and of each package that is there, by name."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


@functools.cache
def code_digest() -> str:
    """A digest of our code that does jobs. It tells apart two checkouts of the same version."""
    root = Path(__file__).parent
    files = [*root.glob("*.py")]
    for room in ROOMS_OF_JOBS:
        files += (root / room).rglob("*.py")
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()
