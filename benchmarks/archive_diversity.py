"""How different are 200 tasks of the Composer, beside OMNI-EPIC's published run of 200?

Measures: near copies, Vendi score, distance to the nearest and coverage of what the real loop
(`open_run`: strategies, stepping stones, near-copy gate, all checks in the sandbox, novelty,
interestingness) makes with the Composer until 200 tasks are kept. Only training is left out,
because 200 trials take hours: a trial is said to be learned with the chance `--learned`, after a
number of steps drawn at random. What is measured is therefore the diversity of what passes every
gate before training, not that of tasks which were learned.
Compared with: finished run folders given with `--runs`, as they are; OMNI-EPIC's run, recomputed
from its published page where `--omni-epic-page` names it (the file public/htmls/long_run.html of
https://github.com/justrach/omni-epic), else cited; and the aims: less than 5 % near copies and a
Vendi score above 15.
All texts are embedded by the same model, all-MiniLM-L6-v2: the whole description (title,
description, success, rewards, termination), which is what the page has of OMNI-EPIC's tasks, and
what a Taskwright archive embeds (title, description, success). That model reads the first 256
word pieces of a text.
Duration: some minutes on two idle cores, most of it the checks.

    python benchmarks/archive_diversity.py --omni-epic-page long_run.html --runs runs/first
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from harness import Benchmark

from taskwright.archive.embedding import SentenceEncoder
from taskwright.archive.metrics import (
    CELLS_A_SIDE,
    coverage,
    mean_nearest_distance,
    near_copy_share,
    vendi_score,
)
from taskwright.archive.projection import fixed_projection
from taskwright.archive.store import Archive
from taskwright.config import resolve
from taskwright.executor import make_executor
from taskwright.executor.job import AtWork, Executor, Job, JobResult, Tell
from taskwright.generator.run import open_run
from taskwright.generator.seeds import idea_from_docstring
from taskwright.task import Outcome, Trial, from_json, to_json
from taskwright.trainer.requests import Film, Replay, TrialRequest

CITED = "203 (cited)", 0.59, 7.3
WHOLE, EMBEDDED = "whole description", "title, description, success"


class WithoutTraining:
    """Does the checks and leaves the rest out: a trial's verdict is drawn from its own seed."""

    def __init__(self, executor: Executor, learned: float, checks: bool) -> None:
        self._executor = executor
        self._learned = learned
        self._checks = checks
        self.workers = executor.workers
        self.cancel, self.close = executor.cancel, executor.close

    def run(
        self, job: Job, tell: Tell = lambda point: None, at_work: AtWork = lambda is_it: None
    ) -> JobResult:
        if job.kind == "check":
            if self._checks:
                return self._executor.run(job, tell, at_work)
            return JobResult(job.job_id, to_json(Outcome("passed")))
        if job.kind == "film":
            return JobResult(job.job_id, to_json(Film(0)), outputs={"film": b""})
        if job.kind == "replay":
            return JobResult(job.job_id, to_json(Replay(0, 0)), outputs={"replay": b""})
        random = np.random.default_rng(from_json(TrialRequest, job.payload).seed)
        steps = int(random.integers(5_000, 110_000))
        learned = random.random() < self._learned
        verdict = "learned" if learned else "too_hard"
        trial = Trial(verdict, "Drawn, not trained.", 0.0, 1.0 if learned else 0.2, steps=steps)
        return JobResult(job.job_id, to_json(trial))


def compose_run(
    run_dir: Path, tasks: int, seed: int, learned: float, checks: bool
) -> dict[str, int]:
    """Make a run folder; returns its records by status."""
    config = resolve({
        "run": {"tasks": tasks, "seed": seed},
        "model": {"name": "composer"},
        "trainer": {"nearest_policies": 0},
    })  # fmt: skip
    with make_executor("local") as executor:
        without_training = WithoutTraining(executor, learned, checks)
        ending = open_run(run_dir, config, without_training, lambda event: None)
    return ending.counts


def measured(texts: Sequence[str], encoder: SentenceEncoder) -> list[Any]:
    """Tasks, near copies, Vendi score, mean distance to the nearest three, and cells."""
    vectors = np.stack([encoder.encode(text) for text in texts])
    copies, distance = near_copy_share(vectors) or 0.0, mean_nearest_distance(vectors) or 0.0
    cells = coverage(fixed_projection().project(vectors))
    return [len(texts), copies, vendi_score(vectors), distance, cells]


Texts = list[tuple[str, str]]
"""Of each task its whole description, and what an archive embeds of it."""


def kept_texts(run_dir: Path) -> Texts:
    with Archive.open(run_dir) as archive:
        return [(record.idea.docstring, record.idea.text) for record in archive.kept()]


def published_texts(page: Path) -> Texts:
    """The tasks on OMNI-EPIC's page, its three seeds included."""
    nodes = re.search(r"nodes = new vis\.DataSet\((\[.*?\])\);\n", page.read_text(), re.DOTALL)
    if nodes is None:
        raise SystemExit(f"{page} holds no graph of tasks; give OMNI-EPIC's long_run.html.")
    titles = [node["title"] for node in json.loads(nodes[1])]
    return [(title, idea_from_docstring(title).text) for title in titles]


def main() -> None:
    bench = Benchmark(__doc__)
    bench.option("--tasks", type=int, default=200)
    bench.option("--seed", type=int, default=0)
    bench.option("--learned", type=float, default=1.0, help="chance that a trial learns")
    bench.option(
        "--without-checks", action="store_true", help="most of the time; what it writes passes them"
    )
    bench.option("--keep", type=Path, help="folder for the run, which is deleted otherwise")
    bench.option("--omni-epic-page", type=Path)
    bench.option("--runs", type=Path, nargs="*", default=[])
    options = bench.start()

    encoder = SentenceEncoder()
    with tempfile.TemporaryDirectory() as scratch:
        run_dir = options.keep or Path(scratch) / "run"
        counts = compose_run(
            run_dir, options.tasks, options.seed, options.learned, not options.without_checks
        )
        sets = {"the Composer, before training": kept_texts(run_dir)[: options.tasks]}
    bench.say("Composer: " + ", ".join(f"{status} {n}" for status, n in sorted(counts.items())))
    sets |= {f"kept in {run.name}": kept_texts(run) for run in options.runs}
    if options.omni_epic_page:
        sets["OMNI-EPIC, published run"] = published_texts(options.omni_epic_page)

    def rows() -> Iterator[list[Any]]:
        for name, pairs in sets.items():
            for embedded, texts in zip((WHOLE, EMBEDDED), zip(*pairs, strict=True), strict=True):
                yield [name, embedded, *measured(texts, encoder)]
        if not options.omni_epic_page:
            yield ["OMNI-EPIC", WHOLE, *CITED, None, None]

    columns = {"tasks of": "", "embedded": "", "tasks": "", "near copies": ".1%"}
    columns |= {"Vendi score": ".1f", "mean distance to nearest 3": ".3f"}
    found = bench.table(columns | {f"cells of {CELLS_A_SIDE**2}": ""}, rows())
    for _, embedded, _, copies, vendi, *_ in found[:2]:
        bench.say(f"\nThe Composer, {embedded}:")
        bench.promise("near copies below 5 %", copies < 0.05, f"{copies:.1%}")
        bench.promise("Vendi score above 15", vendi > 15, f"{vendi:.1f}")


if __name__ == "__main__":
    main()
