"""Which files a sandboxed process may read."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import pybullet_data

_PACKAGE = Path(__file__).parents[2]


def readable_paths() -> list[Path]:
    """Python's library, packages, PyBullet's data, and of ours only what runs in the sandbox; not
    the folder we are in, which may be somebody's home."""
    python = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    data = Path(pybullet_data.getDataPath())
    # The Humanoid's gait is read from PyBullet's examples, which come with it.
    bullet = [data, *data.parent.glob("pybullet_envs")]
    ours = [_PACKAGE / name for name in ("__init__.py", "errors.py", "task.py", "sandbox", "world")]
    return [*map(Path, sorted(python)), *bullet, *ours]


def interpreter_paths() -> list[Path]:
    """The further files that are needed to start this Python."""
    executable = Path(sys.executable)
    base = Path(sys.base_prefix)
    return [
        executable.parent,
        executable.resolve().parent,
        Path(sys.prefix) / "pyvenv.cfg",
        *base.glob("lib/libpython*"),
    ]
