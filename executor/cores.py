"""How the work is spread over this machine's cores."""

from __future__ import annotations

import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup/cpu.max")


def cores(quota: Path = CGROUP) -> int:
    """How many cores this process may use: those it may run on, or what its container is allowed
    to use of them where that is less."""
    count = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    try:
        most, period = quota.read_text().split()
        return min(count, max(round(int(most) / int(period)), 1))
    except (OSError, ValueError):
        # No such limit: the file is missing, or says "max".
        return count


def processes_for(processes: int | None, workers: int) -> int:
    """How many processes should step the environments of each of `workers` trials at once; what is
    asked for is given. A worker learns while its processes wait, so one core for both is enough."""
    return processes or max(cores() // workers, 1)
