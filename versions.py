"""The versions of packages on which numbers may depend, read without importing any of them."""

from __future__ import annotations

import platform
from importlib import metadata

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
