"""What an executor and a worker process of it say to each other, both sides of it.

A job is sent without its files; the worker asks for those that it does not have from earlier jobs.
So each file goes to a worker once, and nobody has to remember who has what. All bytes are base64 in
JSON, and all messages go through `sandbox.processes`:

========= =================================================== =======================
from      message                                             answer
========= =================================================== =======================
executor  `job`: JSON without its files; `inputs`: digests    one of the three below
worker    `wants`: the digests of the files that it lacks     an `input` for each
worker    `told`: the kind of a noun, and the `noun` as JSON  none
worker    `result`: JSON                                      none; the job is done
========= =================================================== =======================
"""

from __future__ import annotations

import base64
import dataclasses
import time

from ..errors import BrokenError
from ..sandbox.processes.messages import Messages
from ..sandbox.processes.process import JsonProcess
from ..task import CurvePoint, Noun, from_json, to_json
from ..trainer.requests import GeneralistNews
from .contents import Contents
from .job import MAX_OUTPUT_BYTES, Job, JobResult, Tell, broken, run_job

MAX_MESSAGE_BYTES = 2 * MAX_OUTPUT_BYTES
"""Of what a worker, which is ours and trusted, says at once. Base64 adds a third to its files."""
TOLD: dict[str, type[Noun]] = {kind.__name__: kind for kind in (CurvePoint, GeneralistNews)}
"""What is told while a job goes on."""


def have_done(process: JsonProcess, job: Job, tell: Tell, deadline: float) -> JobResult:
    """Have a worker process do a job, and wait for the result until a time of `time.monotonic`.

    Raises ChildFault where the process dies, is too late or says what it should not; then it is
    gone. What `tell` raises is raised here, while the process is still at it.
    """
    process.send({"job": to_json(dataclasses.replace(job, inputs={})), "inputs": [*job.inputs]})
    while True:
        left_s = max(deadline - time.monotonic(), 0.0)
        message = process.receive(f"The {job.kind}", left_s)
        if "result" in message:
            return from_json(JobResult, message["result"])
        if "told" in message:
            tell(from_json(TOLD[message["told"]], message["noun"]))
        for digest in message.get("wants", ()):
            process.send({"input": base64.b64encode(job.inputs[digest]).decode()})


def do_jobs(messages: Messages, processes: int) -> None:
    """The worker's side: do one job after the other, until the executor hangs up.

    Args:
        messages: What the two say to each other.
        processes: How many processes step environments, where a job does not say so itself.
    """
    contents = Contents()

    def tell(news: Noun) -> None:
        messages.write({"told": type(news).__name__, "noun": to_json(news)})

    while (request := messages.read()) is not None:
        job = from_json(Job, request["job"])
        try:
            inputs = _inputs(request["inputs"], messages, contents)
        except BrokenError as error:
            result = broken(job, str(error))
        else:
            result = run_job(dataclasses.replace(job, inputs=inputs), tell, processes)
        messages.write({"result": to_json(result)})


def _inputs(digests: list[str], messages: Messages, contents: Contents) -> dict[str, bytes]:
    """The files that a job names, those that were sent before among them. Raises BrokenError where
    one is sent that is another than was asked for."""
    found = {digest: contents.get(digest) for digest in digests}
    wanted = [digest for digest, data in found.items() if data is None]
    if wanted:
        messages.write({"wants": wanted})
        for _ in wanted:
            sent = messages.read() or {}
            data = base64.b64decode(sent.get("input", ""))
            # What was damaged on its way is remembered under its own name, where it harms nobody.
            found[contents.add(data)] = data
    if None in found.values():
        raise BrokenError(
            "A file that the job needs came to the worker damaged.", "Run the same command again."
        )
    return {digest: data for digest, data in found.items() if data is not None}
