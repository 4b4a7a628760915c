"""Jobs for the tests of executors: checks that pass, or whose task hangs; and whether processes are
gone."""

from __future__ import annotations

import os
import time

from taskwright.executor.job import Job
from taskwright.task import Task, to_json


def check_job(source: str, deadline_s: float = 60.0) -> Job:
    task = Task(source)
    return Job(f"check-{task.task_id}", "check", to_json(task), deadline_s)


def hanging(source: str) -> str:
    """A task that never ends to load."""
    return source.replace("        super().__init__()", "        while True: pass")


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until_gone(pid: int, timeout_s: float = 2.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)
