"""How many cores there are for processes that compute."""

from __future__ import annotations

import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup/cpu.max")


def cores(quota: Path = CGROUP) -> int:
    """The number of cores that this process may use.

    Args:
        quota: The file in which Linux tells the share of the cores that a container may use.

    Returns:
        The cores that the process may run on, or those that its container may use where these are
        fewer; at least 1.
    """
    count = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    try:
        most, period = quota.read_text().split()
        return min(count, max(round(int(most) / int(period)), 1))
    except (OSError, ValueError):
        # No such limit: the file is missing, or says "max".
        return count
