"""The process that does a `LocalExecutor`'s jobs, one after the other.

Started as `python -m taskwright.executor.worker PARENT_PID`. It is ours and trusted, but knows no
keys; task code runs in sandboxed children of it. It stays alive between jobs, since loading torch
takes longer than many a job.
"""

from __future__ import annotations

import dataclasses
import json
import sys

from ..sandbox.isolation.limits import die_with_parent
from ..sandbox.processes.messages import Messages
from ..task import CurvePoint, from_json
from .job import Job, run_job


def main(parent_pid: int) -> None:
    die_with_parent(parent_pid)
    messages = Messages.over_standard_streams()
    messages.write({"ready": True})

    def tell(point: CurvePoint) -> None:
        messages.write({"point": dataclasses.asdict(point)})

    while (request := messages.read()) is not None:
        result = run_job(from_json(Job, json.dumps(request)), tell)
        messages.write({"result": dataclasses.asdict(result)})


if __name__ == "__main__":
    main(int(sys.argv[1]))
