"""Which sampler teaches toy learners with the fewest episodes?

Setup: a learner with a skill for each task, which is its chance of success. An episode of a task
raises its skill by a share of what is missing, but only as far as the skill of the task before it
in its chain; all skills fade a little. The first task of every other chain begins mastered, and
`--impossible` more tasks are never accomplished. The samplers see successes and failures alone (and
for `alp_gmm` embeddings in which a chain is a line).
Duration: a minute or two.
Output: for each sampler the episodes until the mean skill of all that can be learned is 0.8, the
median and the range over seeds, and how many times fewer they are than with uniform sampling.

    python benchmarks/curriculum.py
"""

from __future__ import annotations

import argparse

import numpy as np

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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chains", type=int, default=5)
    parser.add_argument("--length", type=int, default=6)
    parser.add_argument("--impossible", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--most", type=int, default=100_000, help="episodes after which to give up")
    options = parser.parse_args()
    needed: dict[str, list[int]] = {}
    for curriculum in ("uniform", *(name for name in CURRICULA if name != "uniform")):
        needed[curriculum] = [
            episodes_needed(
                curriculum,
                Learner(options.chains, options.length, options.impossible, seed),
                seed,
                options.most,
            )
            for seed in range(options.seeds)
        ]
    base = float(np.median(needed["uniform"]))
    print("| sampler | episodes, median | range | uniform / it |")
    print("|---|---|---|---|")
    for curriculum, counts in needed.items():
        middle = float(np.median(counts))
        span = f"{min(counts)} to {max(counts)}"
        print(f"| {curriculum} | {middle:.0f} | {span} | {base / middle:.2f} |")


if __name__ == "__main__":
    main()
