"""How many of the Composer's ideas are duplicates, with so many journeys in flight?

Measures: runs of 2,000 journeys with 2, 8, 64 and 512 in flight. Everything is as in a real run
(strategies, stepping stones, near-copy gate, the Composer, its judge, embeddings) but checks and
trials: a check passes, and what a trial says is drawn from its own seed, learned with the chance
`--learned`, after a number of steps drawn at random. What becomes of a journey follows from its
number alone, so they are computed one after the other here, and a real run that has the same trials
gives the same archive however many workers it has.
Printed for each number in flight, by parts of the run: the share of duplicates and of what the
judge calls uninteresting, the share of widened recipes (a course of more than three parts, or two
goals), distinct recipes (goals and parts, whatever their levels and numbers), and mean novelty.
Compared with: the aim of less than 10 % duplicates with 512 in flight, which is what 256 workers
have.
Duration: some minutes for each number in flight on an idle core, half of it the embeddings.

    python benchmarks/idea_variety.py --in-flight 2 512
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from harness import Benchmark

from taskwright.archive.embedding import Embedder, Encoder, SentenceEncoder
from taskwright.archive.neighbourhood import Neighbourhood
from taskwright.archive.store import Archive
from taskwright.config import resolve
from taskwright.executor.job import AtWork, Executor, Job, JobResult, Tell
from taskwright.generator.composer import Composer
from taskwright.generator.composer.drawing import NEAR_PARTS, recipe_of
from taskwright.generator.events import Events
from taskwright.generator.in_flight import InFlight
from taskwright.generator.journey import run_journey
from taskwright.generator.run_context import RunContext
from taskwright.task import Noun, Outcome, Record, Trial, from_json, to_json
from taskwright.trainer.requests import Film, Replay, TrialRequest


class Drawn(Executor):
    """Computes nothing: a check passes, and a trial's verdict is drawn from its own seed."""

    workers = 1

    def __init__(self, learned: float) -> None:
        self._learned = learned

    def run(
        self, job: Job, tell: Tell = lambda point: None, at_work: AtWork = lambda is_it: None
    ) -> JobResult:
        return JobResult(job.job_id, to_json(self._result(job)))

    def _result(self, job: Job) -> Noun:
        if job.kind == "check":
            return Outcome("passed")
        if job.kind == "film":
            return Film("", 0)
        if job.kind == "replay":
            return Replay("", 0, 0)
        random = np.random.default_rng(from_json(TrialRequest, job.payload).seed)
        steps = int(random.integers(5_000, 110_000))
        learned = random.random() < self._learned
        verdict = "learned" if learned else "too_hard"
        return Trial(verdict, "Drawn, not trained.", 0.0, 1.0 if learned else 0.2, steps=steps)

    def cancel(self, *, running: bool = True) -> None:
        pass

    def close(self) -> None:
        pass


def simulated(
    journeys: int, in_flight: int, seed: int, learned: float, encoder: Encoder
) -> list[Record]:
    """The records of a run."""
    config = resolve({
        "run": {"seed": seed, "concurrency": in_flight},
        "model": {"name": "composer"},
        "trainer": {"nearest_policies": 0},
    })  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder)
        with Archive.create_or_open(run_dir) as archive:
            embedder = Embedder(archive, encoder)
            with Neighbourhood(run_dir, archive, embedder) as neighbourhood:
                context = RunContext(
                    run_dir=run_dir,
                    config=config,
                    archive=archive,
                    author=Composer(config.novelty.interesting),
                    embedder=embedder,
                    neighbourhood=neighbourhood,
                    executor=Drawn(learned),
                    events=Events(run_dir / "events.jsonl", lambda event: None),
                    seed_tasks=(),
                    in_flight=InFlight(in_flight),
                )
                for _ in range(journeys):
                    number = archive.start_journey()
                    context.in_flight.begin(number)
                    record = run_journey(context, number)
                    archive.add(record)
                    context.in_flight.end(record)
            return archive.records()


def row(records: Sequence[Record]) -> list[Any]:
    """Shares of duplicates, of uninteresting, of kept and of widened ones, distinct recipes, and
    the mean novelty of what is kept."""
    recipes = [recipe for record in records if (recipe := recipe_of(record))]
    kinds = {(recipe.goals, frozenset(recipe.parts)) for recipe in recipes}
    wide = sum(len(recipe.parts) > NEAR_PARTS or recipe.then is not None for recipe in recipes)
    novelties = [r.novelty for r in records if r.status == "learned" and r.novelty is not None]
    shares = [
        sum(record.status == status for record in records) / len(records)
        for status in ("duplicate", "uninteresting", "learned")
    ]
    mean = float(np.mean(novelties)) if novelties else None
    return [*shares, wide / len(recipes), len(kinds), mean]


def main() -> None:
    bench = Benchmark(__doc__)
    bench.option("--journeys", type=int, default=2_000)
    bench.option("--in-flight", type=int, nargs="*", default=[2, 8, 64, 512])
    bench.option("--part", type=int, default=500, help="journeys that a line sums up")
    bench.option("--seed", type=int, default=0)
    bench.option("--learned", type=float, default=0.75, help="chance that a trial learns")
    options = bench.start()
    encoder, worst = SentenceEncoder(), 0.0

    def rows() -> Iterator[list[Any]]:
        nonlocal worst
        for count in options.in_flight:
            records = simulated(options.journeys, count, options.seed, options.learned, encoder)
            for start in range(0, len(records), options.part):
                some = records[start : start + options.part]
                yield [count, f"{start + 1} to {start + len(some)}", *row(some)]
            whole = row(records)
            worst = max(worst, whole[0])
            yield [count, "all", *whole]

    columns = {"in flight": "", "journeys": "", "duplicates": ".1%", "uninteresting": ".1%"}
    columns |= {"kept": ".1%", "widened": ".1%", "distinct recipes": "", "mean novelty": ".3f"}
    bench.table(columns, rows())
    bench.promise("duplicates below 10 %", worst < 0.1, f"{worst:.1%} at most")


if __name__ == "__main__":
    main()
