"""The process that does an executor's jobs, one after the other.

Started as `python -m taskwright.executor.worker PARENT_PID WORKERS`, where WORKERS is how many of
them share this machine. It is ours and trusted, but knows no keys; task code runs in sandboxed
children of it. It writes no file but temporary ones. It stays alive between jobs, since loading
torch takes longer than many a job.
"""

from __future__ import annotations

import sys

from ..sandbox.isolation.limits import die_with_parent
from ..sandbox.processes.cores import cores
from ..sandbox.processes.messages import Messages
from .conversation import do_jobs


def main(parent_pid: int, workers: int) -> None:
    die_with_parent(parent_pid)
    messages = Messages.over_standard_streams()
    messages.write({"ready": True})
    # A worker learns while its processes wait, so one core for both is enough.
    do_jobs(messages, processes=max(cores() // workers, 1))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
