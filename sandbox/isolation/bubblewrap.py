"""Bubblewrap: a file system that holds only what may be read, where the kernel has no Landlock.

It is a program (Debian and others: `bubblewrap`) that builds such a file system in namespaces of
its own; the fork server then runs in there. See https://github.com/containers/bubblewrap.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

TRIAL_TIMEOUT_S = 10.0
_NAMESPACES = ["--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts"]
# What any program needs to be loaded.
_SYSTEM = ["/usr", "/lib", "/lib64", "/etc/ld.so.cache"]


def command(readable: Iterable[Path]) -> list[str]:
    """What to put before a command so that it finds these files and folders, read-only, and no
    other file of this host."""
    words = ["bwrap", *_NAMESPACES, "--dev", "/dev", "--proc", "/proc"]
    for path in [*_SYSTEM, *map(str, readable)]:
        words += ["--ro-bind-try", path, path]
    return [*words, "--chdir", "/", "--"]


@functools.cache
def is_usable() -> bool:
    """Whether it is installed, and this host lets it do its work."""
    if shutil.which("bwrap") is None:
        return False
    try:
        trial = subprocess.run(
            [*command([]), "true"], capture_output=True, timeout=TRIAL_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return trial.returncode == 0
