"""How many workers does one driver keep busy?

Measures: a run whose jobs only sleep. The loop, the Composer, the archive, its embeddings and the
scheduler are real; a check passes at once, and a trial sleeps for `--trial-s`, or for up to a share
`--spread` more or less, and is then learned or too hard, by a rule that follows from its seed. What
the jobs make is as large as real policies, pictures and replays are. So all processor time is the
driver's, or that of the process beside it that embeds.
Each size runs in a process of its own, is let settle for `--settle` mean trials, and is then
measured for `--measure` of them. "workers could do" is how many trials a second end where all
workers are busy all the time; a journey without a trial takes none of that. Journeys in flight are
`--in-flight` times the workers.
Compared with: the aims: 30 ms of processor time a journey, 256 workers 95 % busy and 1,000 workers
80 % busy, in less than 2 GB.
The size of the archive: with `--records`, each size begins with an archive of so many records. They
are made from a hundred ideas of the Composer, with a number in the title; their vectors are
those of these ideas, turned a little each.
The Composer's variety: with many journeys in flight its ideas repeat, and what is a copy needs no
trial. `--any-idea` lets every idea through (it is embedded and compared all the same), which
measures the driver alone.
What the archive's file carries: with `--writers`, so many threads write what journeys write (their
beginning, five steps, a vector and a record of 10 kB), one write after the other, each safe on the
disk before the next, and nothing else is done.
Duration: with 30 s, two minutes for each size, and half a minute more for 100,000 records.

    python benchmarks/driver_ceiling.py --workers 32 256 1000 --trial-s 10 30 30
    python benchmarks/driver_ceiling.py --workers 64 --trial-s 5 --records 100 1000 10000 100000
    python benchmarks/driver_ceiling.py --writers 1 16 256
"""

from __future__ import annotations

import argparse
import dataclasses
import heapq
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from harness import Benchmark, memory_mb

from taskwright.archive.embedding import SentenceEncoder
from taskwright.archive.store import Archive
from taskwright.config import resolve
from taskwright.executor.job import AtWork, Executor, Job, JobCancelled, JobResult, Tell
from taskwright.generator import run as run_module
from taskwright.generator.composer import Composer
from taskwright.generator.composer.goals import GOALS
from taskwright.generator.composer.parts import PARTS
from taskwright.generator.composer.recipe import MAX_LEVEL, MAX_PARTS, Recipe, compose
from taskwright.generator.run import open_run
from taskwright.task import Idea, Judgement, Outcome, Record, Task, Trial, from_json, to_json
from taskwright.trainer.requests import Film, Replay, TrialRequest

LEARNED = 0.6
"""The chance that a trial learns."""
POLICY_BYTES, FILM_BYTES, REPLAY_BYTES = 298_000, 20_000, 30_000
"""As large as those of real trials; the driver writes them to the run folder."""
WRITE_S = 8.0
POOL = 100
"""Ideas of which the records of a large archive are made."""
AIM_MS = 30.0


class Sleeping(Executor):
    """Its workers sleep. A thread that sleeps costs nothing, however many there are."""

    def __init__(self, workers: int, trial_s: float, spread: float) -> None:
        self.workers = workers
        self._trial_s = trial_s
        self._spread = spread
        self._free = workers
        self._waiting: list[tuple[int, str, threading.Lock]] = []
        """A heap: those who wait for a worker, by their turns."""
        self._is_closed = threading.Event()
        self._lock = threading.Lock()
        self._busy = 0
        self._busy_s = 0.0
        self._since = time.monotonic()

    def run(
        self, job: Job, tell: Tell = lambda point: None, at_work: AtWork = lambda is_it: None
    ) -> JobResult:
        if job.kind == "check":
            return JobResult(job.job_id, to_json(Outcome("passed")))
        if job.kind == "film":
            return JobResult(job.job_id, to_json(Film(1)), outputs={"film": bytes(FILM_BYTES)})
        if job.kind == "replay":
            replay = Replay(1, REPLAY_BYTES)
            return JobResult(job.job_id, to_json(replay), outputs={"replay": bytes(REPLAY_BYTES)})
        random = np.random.default_rng(from_json(TrialRequest, job.payload).seed)
        self._find_worker(job)
        self._count(1)
        at_work(True)
        longer = 1.0 + self._spread * random.uniform(-1.0, 1.0)
        is_cancelled = self._is_closed.wait(self._trial_s * longer)
        at_work(False)
        self._count(-1)
        self._leave_worker()
        if is_cancelled:
            raise JobCancelled
        learned = random.random() < LEARNED
        steps = int(random.integers(5_000, 110_000))
        verdict = "learned" if learned else "too_hard"
        trial = Trial(verdict, "Drawn, not trained.", 0.0, 1.0 if learned else 0.2, steps=steps)
        policy = job.job_id.encode().ljust(POLICY_BYTES, b"\0")
        return JobResult(job.job_id, to_json(trial), outputs={"policy": policy} if learned else {})

    def _find_worker(self, job: Job) -> None:
        turn = threading.Lock()
        turn.acquire()
        with self._lock:
            if self._free:
                self._free -= 1
                return
            heapq.heappush(self._waiting, (job.turn, job.job_id, turn))
        turn.acquire()

    def _leave_worker(self) -> None:
        with self._lock:
            if self._waiting:
                heapq.heappop(self._waiting)[-1].release()
            else:
                self._free += 1

    def _count(self, more: int) -> None:
        with self._lock:
            now = time.monotonic()
            self._busy_s += self._busy * (now - self._since)
            self._since = now
            self._busy += more

    def busy_s(self) -> float:
        """Seconds of work of all workers so far."""
        self._count(0)
        return self._busy_s

    def cancel(self, *, running: bool = True) -> None:
        if running:
            self._is_closed.set()

    def close(self) -> None:
        self.cancel()


class Approving(Composer):
    """Finds every idea interesting."""

    def judge(self, *arguments: Any) -> Judgement:
        super().judge(*arguments)
        return Judgement("interestingness", True, "All are.", "novelty")


def write_records(run_dir: Path, count: int) -> None:
    """An archive of so many records of all kinds."""
    random = np.random.default_rng(0)
    encoder = SentenceEncoder()
    pool = min(count, POOL) or 1
    ideas, sources = zip(*(compose(recipe(random)) for _ in range(pool)), strict=True)
    vectors = [encoder.encode(idea.text) for idea in ideas]
    kept: list[str] = []
    with Archive.create_or_open(run_dir) as archive, archive.transaction():
        for number in range(1, count + 1):
            place = int(random.integers(pool))
            title = f"{ideas[place].title} ({number})"
            stones = tuple(kept[n] for n in random.integers(len(kept), size=3)) if kept else ()
            idea = dataclasses.replace(
                ideas[place],
                title=title,
                recipe=recipe(random).as_dict(),
                strategy=str(random.choice(["frontier", "breadth", "failure", "revision"])),
                parents=stones[:1],
            )
            record = made(number, idea, f"{sources[place]}# {number}\n", stones, random)
            if record.status == "learned":
                kept.append(record.task_id or "")
            vector = vectors[place] + 0.02 * random.standard_normal(len(vectors[place]))
            vector = (vector / np.linalg.norm(vector)).astype(np.float32)
            assert archive.start_journey() == number
            archive.keep_embedding(idea.text, encoder.name, vector)
            archive.add(record)


def recipe(random: np.random.Generator) -> Recipe:
    parts = random.choice(list(PARTS), size=random.integers(MAX_PARTS + 1), replace=False)
    level, seed = int(random.integers(1, MAX_LEVEL + 1)), int(random.integers(2**31))
    return Recipe(tuple(map(str, parts)), str(random.choice(list(GOALS))), level, seed)


def made(
    number: int, idea: Idea, source: str, stones: tuple[str, ...], random: np.random.Generator
) -> Record:
    kind, steps = random.random(), int(random.integers(5_000, 110_000))
    if kind < 0.2:
        return Record(number, "duplicate", "A copy.", idea, stepping_stones=stones)
    learned = kind < 0.7
    trial = Trial("learned" if learned else "too_hard", "Drawn.", 0.0, float(learned), steps=steps)
    outcomes = (Outcome("passed"),)
    return Record(
        number,
        "learned" if learned else "too_hard",
        "Drawn.",
        idea,
        Task(source),
        outcomes,
        trial,
        stepping_stones=stones,
        novelty=0.3,
        created_at="2026-01-01T00:00:00+00:00",
    )


def measure(options: argparse.Namespace) -> dict[str, float]:
    """What one size gives: run in a process of its own."""
    (workers,), (trial_s,), (records,) = options.workers, options.trial_s, options.records
    config = resolve({
        "run": {"seed": options.seed, "concurrency": max(round(options.in_flight * workers), 1)},
        "model": {"name": "composer"},
        "novelty": {"near_copy": 1.0} if options.any_idea else {},
    })  # fmt: skip
    if options.any_idea:
        vars(run_module)["Composer"] = Approving
    ended: list[str] = []
    selected: list[int] = []
    begun = threading.Event()

    def watch(event: dict[str, Any]) -> None:
        if event["event"] == "record":
            ended.append(event["status"])
        elif event.get("stage") == "select":
            selected.append(event["journey"])
        elif event["event"] == "job":
            begun.set()

    executor, stop = Sleeping(workers, trial_s, options.spread), threading.Event()
    found: dict[str, float] = {}

    def look() -> None:
        begun.wait()
        time.sleep(options.settle * trial_s)
        before, before_selected, started = len(ended), len(selected), time.monotonic()
        cpu_s, embedding_s, busy_s = time.process_time(), embedding_cpu_s(), executor.busy_s()
        time.sleep(options.measure * trial_s)
        seconds = time.monotonic() - started
        found.update(
            seconds=seconds,
            journeys=len(ended) - before,
            begun=len(selected) - before_selected,
            duplicates=ended[before:].count("duplicate"),
            uninteresting=ended[before:].count("uninteresting"),
            cpu_s=time.process_time() - cpu_s,
            embedding_s=embedding_cpu_s() - embedding_s,
            busy=(executor.busy_s() - busy_s) / (seconds * workers),
            memory_mb=sum(memory_mb(pid, "VmHWM") for pid in ("self", *children())),
        )
        stop.set()

    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder)
        # Also loads what embeds, which takes longer than the first trials.
        write_records(run_dir, records)
        threading.Thread(target=look, daemon=True).start()
        open_run(run_dir, config, executor, watch, stop=stop)
    return found


def children() -> list[int]:
    """The processes that the driver has started, which is the one that embeds."""
    files = Path("/proc/self/task").glob("*/children")
    return [int(pid) for file in files for pid in file.read_text().split()]


def embedding_cpu_s() -> float:
    """Processor time of those processes so far."""
    stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in children()]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK")


def carried(writers: Sequence[int]) -> Iterator[list[Any]]:
    """What the archive's file carries, for so many threads."""
    for count in writers:
        with tempfile.TemporaryDirectory() as folder, Archive.create_or_open(folder) as archive:
            ended: list[int] = []
            started, cpu_s = time.monotonic(), time.process_time()
            shared = archive, threading.Lock(), started + WRITE_S, ended
            threads = [threading.Thread(target=write_journeys, args=shared) for _ in range(count)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            seconds, cpu_s = time.monotonic() - started, time.process_time() - cpu_s
            yield [count, len(ended) / seconds, 1000 * cpu_s / len(ended)]


def write_journeys(
    archive: Archive, beginning: threading.Lock, until: float, ended: list[int]
) -> None:
    random = np.random.default_rng(0)
    idea, source = compose(recipe(random))
    vector = np.full(384, 384**-0.5, np.float32)
    while time.monotonic() < until:
        with beginning:
            number = archive.start_journey()
        own = dataclasses.replace(idea, title=f"{idea.title} ({number})")
        archive.keep_embedding(own.text, "writer", vector)
        for step in range(5):
            archive.journal(number).once(f"step {step}", Idea, lambda own=own: own)
        archive.add(made(number, own, source, (), random))
        ended.append(number)


def rows(options: argparse.Namespace, script_options: list[str]) -> Iterator[list[Any]]:
    trials_s = options.trial_s * len(options.workers)
    for workers, trial_s in zip(options.workers, trials_s, strict=False):
        for records in options.records:
            size = ["--workers", workers, "--trial-s", trial_s, "--records", records]
            command = [sys.executable, __file__, "--one", *script_options, *map(str, size)]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
            found = json.loads(done.stdout.splitlines()[-1])
            journeys, seconds = found["journeys"], found["seconds"]
            # Those that begin and those that end come in waves: half of the work is in each.
            passed = (found["begun"] + journeys) / 2
            cpu_ms = 1000 * found["cpu_s"] / passed if passed else None
            embedding_ms = 1000 * found["embedding_s"] / passed if passed else None
            yield [
                workers, trial_s, records, journeys, found["duplicates"], found["uninteresting"],
                journeys / seconds, workers / trial_s, found["busy"], cpu_ms, embedding_ms,
                found["memory_mb"],
            ]  # fmt: skip


def main() -> None:
    bench = Benchmark(__doc__)
    bench.option("--workers", type=int, nargs="+", default=[32, 256, 1000])
    bench.option(
        "--trial-s", type=float, nargs="+", default=[10.0, 30.0, 30.0], help="one for each, or all"
    )
    bench.option("--records", type=int, nargs="+", default=[0], help="in the archive at first")
    bench.option("--in-flight", type=float, default=3.0, help="journeys for each worker")
    bench.option("--spread", type=float, default=0.5, help="of the trials, 0 to 1")
    bench.option("--settle", type=float, default=2.0, help="mean trials before the measurement")
    bench.option("--measure", type=float, default=3.0, help="mean trials that it takes")
    bench.option("--any-idea", action="store_true", help="let every idea through")
    bench.option("--seed", type=int, default=0)
    bench.option("--writers", type=int, nargs="+", help="only measure what these carry")
    bench.option("--one", action="store_true", help=argparse.SUPPRESS)
    if "--one" in sys.argv:
        print(json.dumps(measure(bench.parser.parse_args())), flush=True)
        # Journeys that have not ended are left to themselves; one may be in the middle of a vector.
        os._exit(0)
    options = bench.start()
    if options.writers:
        columns = {"threads that write": "d", "journeys/s": ",.0f", "CPU a journey, ms": ".2f"}
        bench.table(columns, carried(options.writers))
        return
    same = [f"--{name}={getattr(options, name.replace('-', '_'))}"
            for name in ("in-flight", "spread", "settle", "measure", "seed")]  # fmt: skip
    columns = {"workers": "d", "trial, s": "g", "records before": ",d", "journeys ended": ",d"}
    columns |= {"duplicates": ",d", "uninteresting": ",d", "journeys/s": ".1f"}
    columns |= {
        "workers could do": ".1f",
        "busy": ".0%",
        "CPU a journey, ms": ".1f",
        "embedding, ms": ".1f",
        "peak memory, MB": ",.0f",
    }
    found = bench.table(columns, rows(options, same + ["--any-idea"] * options.any_idea))
    worst_ms = max((row[-3] for row in found if row[-3] is not None), default=float("nan"))
    bench.promise(f"at most {AIM_MS:g} ms a journey", worst_ms <= AIM_MS, f"{worst_ms:.1f} ms")
    for workers, least in ((256, 0.95), (1000, 0.80)):
        for row in found:
            if row[0] == workers:
                bench.promise(f"{workers} workers {least:.0%} busy", row[8] >= least)
    memory = max(row[-1] for row in found)
    bench.promise("memory below 2 GB", memory < 2000, f"{memory:,.0f} MB")


if __name__ == "__main__":
    main()
