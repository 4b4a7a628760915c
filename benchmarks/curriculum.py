"""Which sampler teaches toy learners with the fewest episodes?

Measures: the episodes until the mean skill of all that can be learned is 0.8. A learner has a
skill for each task, which is its chance of success. An episode of a task raises its skill by a
share of what is missing, but only as far as the skill of the task before it in its chain; all
skills fade a little. The first task of every other chain begins mastered, and `--impossible` more
tasks are never accomplished. The samplers see successes and failures alone (and for `alp_gmm`
embeddings in which a chain is a line).
Compared with: uniform sampling, in medians over the seeds.
Duration: a minute or two.

    python benchmarks/curriculum.py
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from harness import Benchmark, median

from taskwright.curriculum import CURRICULA, TaskSampler

GOAL = 0.8
GAIN = 0.05
FADING = 2e-5


class Learner:
    """`chains` chains of `length` tasks each, and others that cannot be learned."""

    def __init__(self, chains: int, length: int, impossible: int, seed: int) -> None:
        self.random = np.random.default_rng([seed, 1])
        self.length = length
        self.learnable = chains * length
        self.skills = np.zeros(self.learnable + impossible)
        self.skills[: self.learnable : length][: max(chains // 2, 1)] = 0.95
        self.ids = [f"task {n}" for n in range(len(self.skills))]
        line = np.arange(length) / length
        places = [np.column_stack([np.full(length, chain), line]) for chain in range(chains)]
        places.append(self.random.uniform(0, [chains, 1.0], (impossible, 2)))
        self.embeddings = np.concatenate(places)

    def play(self, task: int) -> bool:
        """An episode: whether it succeeds, with what is learned from it."""
        success = bool(self.random.random() < self.skills[task])
        self.skills *= 1.0 - FADING
        if task < self.learnable:
            first = task % self.length == 0
            ground = 1.0 if first else self.skills[task - 1]
            self.skills[task] += GAIN * max(ground - self.skills[task], 0.0)
        return success

    @property
    def mean_skill(self) -> float:
        return float(self.skills[: self.learnable].mean())


def episodes_needed(curriculum: str, learner: Learner, seed: int, most: int) -> int:
    """Episodes until the learner has learned; `most` where it has not."""
    settings = {"embeddings": learner.embeddings} if curriculum == "alp_gmm" else {}
    sampler = TaskSampler(learner.ids, curriculum, seed=seed, **settings)
    numbers = {task_id: n for n, task_id in enumerate(learner.ids)}
    for episode in range(1, most + 1):
        task_id = sampler.sample()
        sampler.update(task_id, success=learner.play(numbers[task_id]))
        if learner.mean_skill >= GOAL:
            return episode
    return most


def main() -> None:
    bench = Benchmark(__doc__)
    bench.option("--chains", type=int, default=5)
    bench.option("--length", type=int, default=6)
    bench.option("--impossible", type=int, default=30)
    bench.option("--seeds", type=int, default=5)
    bench.option("--most", type=int, default=100_000, help="episodes after which to give up")
    options = bench.start()
    size = options.chains, options.length, options.impossible

    def rows() -> Iterator[list[Any]]:
        uniform = 0.0
        for curriculum in ("uniform", *(name for name in CURRICULA if name != "uniform")):
            counts = [
                episodes_needed(curriculum, Learner(*size, seed), seed, options.most)
                for seed in range(options.seeds)
            ]
            uniform = uniform or median(counts)
            span = f"{min(counts)} to {max(counts)}"
            yield [curriculum, median(counts), span, uniform / median(counts)]

    columns = {"sampler": "", "episodes, median": ".0f", "range": "", "uniform / it": ".2f"}
    bench.table(columns, rows())


if __name__ == "__main__":
    main()
