"""Jobs for the tests of executors: checks that pass, or whose task hangs."""

from __future__ import annotations

from taskwright.executor.job import Job
from taskwright.task import Task, to_json


def check_job(source: str, deadline_s: float = 60.0) -> Job:
    task = Task(source)
    return Job(f"check-{task.task_id}", "check", to_json(task), deadline_s)


def hanging(source: str) -> str:
    """A task that never ends to load."""
    return source.replace("        super().__init__()", "        while True: pass")
