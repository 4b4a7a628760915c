"""Do many journeys at once keep the cores busy, and how many more tasks does that give?

Measures: `taskwright run` with many journeys at once: how busy the cores were while the loop was
in full flow, from the CPU time of all its processes, and tasks kept per hour. A real HTTP server
on loopback speaks the OpenAI protocol and takes its time for each answer (20 s): distinct ideas,
sound code and favourable verdicts, all scripted. Each task's success is a matter of luck in half
of its episodes, so that training never ends early and every trial takes the same number of steps;
the benchmark first measures how many steps take 30 s on these cores.
Compared with: one journey at a time, and what the arithmetic allows. The aims are 90 % and 3
times.
Duration: `(journeys / speed-up + journeys of the comparison) * (3 answers + trial)`, and a
minute: with the defaults about 25 minutes on two cores. `--scale 0.2` shortens every wait and
trial.

    python benchmarks/pipeline.py
    python benchmarks/pipeline.py --scale 0.2 --journeys 16 --alone 3
"""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from harness import Benchmark, command
from trials import try_task

from taskwright.sandbox.processes.cores import cores

SAMPLE_S = 0.5
EVALUATION_EPISODES = 32
"""Fewer than usual, so that a shortened trial is a trial still and not mostly its evaluation."""
ENDLESS = 1_000_000_000
"""Steps without progress after which a trial gives up: all are to last equally long."""

SOURCE = '''import numpy as np

from taskwright.world import R2D2Env


class Env(R2D2Env):
    """
    {title}

    Description:
    An open floor. Only on lucky days does it count.

    Success:
    On a lucky day, the robot is {distance} m ahead of where it started.

    Rewards:
    Speed ahead.

    Termination:
    None.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [20.0, 20.0, 0.5], [0.0, 0.0, -0.5], [0.5, 0.5, 0.5, 1.0])

    def reset(self):
        observation = super().reset()
        self.x = 0.0
        self.is_lucky = self.np_random.uniform() < 0.5
        return observation

    def get_task_rewards(self, action):
        x = self.robot.links["base"].position[0]
        speed = (x - self.x) / self.dt
        self.x = x
        return {{"ahead": np.clip(speed, -10.0, 10.0)}}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return bool(self.is_lucky and self.robot.links["base"].position[0] > {distance})
'''

SETTINGS = {
    "run.seed_tasks": 0,
    "trainer.learned_success_rate": 0.05,
    "trainer.easy_success_rate": 1.0,
    "trainer.nearest_policies": 0,
    "trainer.evaluation_episodes": EVALUATION_EPISODES,
    "trainer.patience_steps": ENDLESS,
    # Every idea is another one here; that is not the question.
    "novelty.near_copy": 1.0,
    "model.timeout_s": 300,
}


def source_of(number: int) -> str:
    # Too far for a network that has learned nothing yet, or the task would be too easy.
    return SOURCE.format(title=f"Task-{number}", distance=round(12.0 + number / 1000, 3))


class SlowServer:
    """Answers every prompt as it should be answered, after `latency_s`."""

    def __init__(self, latency_s: float) -> None:
        self.asked = 0
        numbers = itertools.count(1)
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._send({"object": "list", "data": []})

            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["content-length"])))
                owner.asked += 1
                answer = self._answer(request["messages"][0]["content"])
                time.sleep(latency_s)
                message = {"role": "assistant", "content": answer}
                usage = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}
                choice = {"index": 0, "finish_reason": "stop", "message": message}
                reply = {"id": "x", "object": "chat.completion", "created": 0, "model": "slow"}
                self._send({**reply, "choices": [choice], "usage": usage})

            def _answer(self, prompt: str) -> str:
                if "REACH:" in prompt:
                    return "CLOSEST: 1\nREASON: It is another one.\nREACH: 10\nNEW: 3"
                if "```python" in prompt:
                    number = re.findall(r"Task-(\d+)", prompt)[-1]
                    return f"```python\n{source_of(int(number))}```"
                title = f"Task-{next(numbers)}"
                return (
                    f"TITLE: {title}\nDESCRIPTION: {title}: an open floor.\nSUCCESS: Being ahead.\n"
                    "REWARDS: Speed.\nTERMINATION: None."
                )

            def _send(self, document: object) -> None:
                body = json.dumps(document).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()


def steps_for(trial_s: float) -> tuple[int, float]:
    """How many steps a trial may take to last that long on all cores, and how long it then does."""

    def seconds(steps: int) -> float:
        trial = try_task(
            source_of(0), 0, max_steps=steps, patience_steps=ENDLESS, learned_success_rate=0.05,
            easy_success_rate=1.0, evaluation_episodes=EVALUATION_EPISODES,
        )  # fmt: skip
        assert trial.steps >= steps, trial.reason
        return trial.seconds

    few, many = 2048, 8192
    seconds(few)  # The first one loads what the others find loaded.
    at_few, at_many = seconds(few), seconds(many)
    per_step = (at_many - at_few) / (many - few)
    steps = max(int(few + (trial_s - at_few) / per_step) // 2048 * 2048, 2048)
    return steps, seconds(steps)


def cpu_seconds(pid: int, known: dict[int, float]) -> float:
    """CPU time of a process and its descendants so far. `known` remembers those that have ended."""
    parents: dict[int, int] = {}
    times: dict[int, float] = {}
    tick = os.sysconf("SC_CLK_TCK")
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(folder.name)] = int(fields[1])
        times[int(folder.name)] = (int(fields[11]) + int(fields[12])) / tick
    for process in parents:
        ancestor = process
        while ancestor not in (pid, 0, 1):
            ancestor = parents.get(ancestor, 0)
        if ancestor == pid or process in known:
            known[process] = max(times[process], known.get(process, 0.0))
    return sum(known.values())


@dataclass
class Measured:
    """What came of one command."""

    kept: int
    seconds: float
    """From the first job to the last record: starting up is not the loop's."""
    busy: float
    """Share of the cores' time that was used, while the loop was in full flow."""
    workers_busy: float
    """Share of the workers that had a job, in the same time."""
    cpu_per_journey_s: float

    @property
    def per_hour(self) -> float:
        return 3600 * self.kept / self.seconds


def run(
    run_dir: Path, url: str, journeys: int, concurrency: int, workers: int, steps: int
) -> Measured:
    settings = {**SETTINGS, "trainer.max_steps": steps}
    words = command(
        "run", run_dir, "--quiet", "--model=slow", f"--base-url={url}", f"--attempts={journeys}",
        f"--concurrency={concurrency}", f"--workers={workers}",
        *(f"--set={name}={value}" for name, value in settings.items()),
    )  # fmt: skip
    samples: list[tuple[float, float]] = []
    known: dict[int, float] = {}
    # The wall clock of events is the command's own; ours starts when its first event says so.
    environment = {**os.environ, "OPENAI_API_KEY": "none"}
    process = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL)
    events = run_dir / "events.jsonl"
    try:
        while not events.exists() and process.poll() is None:
            time.sleep(0.01)
        started = time.monotonic()
        while process.poll() is None:
            samples.append((time.monotonic() - started, cpu_seconds(process.pid, known)))
            time.sleep(SAMPLE_S)
    finally:
        process.terminate()
    if process.returncode:
        sys.exit(f"The run failed with exit status {process.returncode}.")
    recorded = [json.loads(line) for line in events.read_text().splitlines()]
    return measured(recorded, samples, workers)


def measured(
    events: list[dict[str, Any]], samples: Sequence[tuple[float, float]], workers: int
) -> Measured:
    """From a run's events, and samples of the clock and the CPU time that it had used by then."""
    begin_s = events[0]["elapsed_s"]
    records = [event for event in events if event["event"] == "record"]
    trials = [event for event in events if event["event"] == "job" and event["kind"] == "trial"]
    begun = [event["elapsed_s"] for event in trials if event["state"] == "begun"]
    # In full flow: from the first trial to the begin of the last one, after which work runs out.
    first_s, last_s = begun[0], begun[-1]
    inside = [sample for sample in samples if first_s <= sample[0] + begin_s <= last_s]
    busy = workers_busy = float("nan")
    if len(inside) > 1:
        (begin_at, begin_cpu), (end_at, end_cpu) = inside[0], inside[-1]
        busy = (end_cpu - begin_cpu) / (end_at - begin_at) / cores()
        workers_busy = worked_s(events, first_s, last_s) / (last_s - first_s) / workers
    return Measured(
        kept=sum(event["status"] == "learned" for event in records),
        seconds=records[-1]["elapsed_s"] - begin_s,
        busy=busy,
        workers_busy=workers_busy,
        cpu_per_journey_s=samples[-1][1] / len(records),
    )


def worked_s(events: list[dict[str, Any]], first_s: float, last_s: float) -> float:
    """How long workers had jobs between two moments, added up."""
    total, busy, since = 0.0, 0, first_s
    for event in events:
        if event["event"] == "job":
            at = min(max(event["elapsed_s"], first_s), last_s)
            total, since = total + busy * (at - since), at
            busy += 1 if event["state"] == "begun" else -1
    return total


def main() -> None:
    bench = Benchmark(__doc__)
    bench.option("--latency", type=float, default=20.0, help="seconds of an answer")
    bench.option("--trial", type=float, default=30.0, help="seconds of a trial")
    bench.option("--scale", type=float, default=1.0, help="shortens both")
    bench.option("--journeys", type=int, default=32, help="of the run with many at once")
    bench.option("--alone", type=int, default=5, help="journeys one at a time")
    bench.option("--concurrency", type=int, default=8)
    bench.option("--workers", type=int, default=cores())
    bench.option("--steps", type=int, help="of a trial, rather than measuring how many")
    options = bench.start()
    latency_s, trial_s = options.scale * options.latency, options.scale * options.trial

    steps, lasts = options.steps, "as long as it takes"
    if steps is None:
        steps, lasts_s = steps_for(trial_s)
        lasts = f"{lasts_s:.0f} s on all of them"
    waits = f"an answer takes {latency_s:g} s, a trial of {steps} steps {lasts}"
    bench.say(f"{cores()} cores; {waits}")
    url = SlowServer(latency_s).url
    atonce, workers = options.concurrency, options.workers
    with tempfile.TemporaryDirectory() as folder:
        many = run(Path(folder) / "many", url, options.journeys, atonce, workers, steps)
        alone = run(Path(folder) / "alone", url, options.alone, 1, 1, steps)
    if not many.kept or not alone.kept:
        sys.exit("No task was kept: trials are too short to learn anything. Give a larger --scale.")
    columns = {"journeys": "", "kept": "", "minutes": ".1f", "kept per hour": ".1f"}
    bench.table(
        columns | {"cores busy": ".0%", "workers busy": ".0%"},
        (
            [name, each.kept, each.seconds / 60, each.per_hour, each.busy, each.workers_busy]
            for name, each in {f"{atonce} at once, {workers} workers": many, "alone": alone}.items()
        ),
    )
    alone_s = alone.seconds / alone.kept
    most = alone_s / (many.cpu_per_journey_s / cores())
    ratio = many.per_hour / alone.per_hour
    bench.say(
        f"\nOne at a time a kept task takes {alone_s:.1f} s; at once it takes "
        f"{many.cpu_per_journey_s:.1f} s of one core, so {cores()} cores that are never idle would "
        f"give {most:.1f} times as many per hour."
    )
    bench.promise("cores at least 90 % busy", many.busy >= 0.9, f"{many.busy:.0%}")
    bench.promise("at least 3 times as many per hour", ratio >= 3.0, f"{ratio:.2f}")


if __name__ == "__main__":
    main()
