"""Policies that were trained on many tasks of a run: `generalists/<name>/` in its folder.

Each has `policy.zip` and `generalist.json`. Reading them needs neither torch nor PyBullet, and what
they come to is plain data, for a table, a chart or a report.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import ArchiveError
from ..files import FileProblem, open_within, read_bytes, write_whole
from ..generalist import Generalist, GeneralistPoint
from ..task import Robot, from_json, to_json

FOLDER = "generalists"
FILE_NAME = "generalist.json"
POLICY_NAME = "policy.zip"
MAX_BYTES = 16_000_000
"""The size limit of `generalist.json`; that of a thousand tasks has a few megabytes."""


def generalist_folder(run_dir: Path, name: str) -> Path:
    return run_dir / FOLDER / name


def read_generalists(run_dir: Path) -> list[Generalist]:
    """All generalists of a run folder, by name; none where none was trained. Those still in
    training are there as well, as they stood a short while ago. Raises ArchiveError where a file
    cannot be read."""
    found = []
    for path in sorted((run_dir / FOLDER).glob(f"*/{FILE_NAME}")):
        try:
            file = open_within(run_dir, path.relative_to(run_dir), MAX_BYTES)
            found.append(from_json(Generalist, read_bytes(file, MAX_BYTES)))
        except (FileProblem, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise ArchiveError(
                f"The generalist {path} cannot be read: {reason}.",
                "Remove its folder, and train it again with `taskwright train RUN_DIR --all`.",
            ) from None
    return found


def write_generalist(run_dir: Path, generalist: Generalist) -> Path:
    """Write what is known of a generalist, in one piece or not at all; returns the file."""
    path = generalist_folder(run_dir, generalist.name) / FILE_NAME
    write_whole(path, f"{to_json(generalist)}\n".encode())
    return path


def mean_success(point: GeneralistPoint, tasks: int) -> float:
    """Success rate in training at a point of a curve, the mean over `tasks` tasks; a task that was
    not tried yet counts as never accomplished."""
    return sum(point.success.values()) / tasks if tasks else 0.0


def mean_curve(generalist: Generalist) -> list[tuple[int, float]]:
    """Agent steps, and the success rate in training over all tasks that are still in it."""
    tried = {task_id for point in generalist.curve for task_id in point.success}
    tasks = tried | {skill.task_id for skill in generalist.tasks}
    tasks -= generalist.dropped.keys()
    curve = []
    for point in generalist.curve:
        rates = [rate for task_id, rate in point.success.items() if task_id in tasks]
        curve.append((point.steps, sum(rates) / len(tasks) if tasks else 0.0))
    return curve


@dataclass(frozen=True)
class SamplerResult:
    """The results of generalists whose training differed in nothing but the seed."""

    sampler: str
    robot: Robot
    steps: int
    tasks: int
    seeds: tuple[int, ...]
    rates: tuple[float, ...]
    """For each seed, the success rate on fresh seeds, the mean over the tasks."""
    mean: float
    interval: tuple[float, float]
    """95 % interval of the mean: over the seeds, by Student's t; with one seed, over the evaluation
    episodes, by Wilson's score, which knows nothing of how trainings differ."""


def compare_samplers(generalists: Sequence[Generalist]) -> list[SamplerResult]:
    """Finished generalists of the same tasks and steps side by side, the best sampler first within
    each such group; empty of none."""
    groups: dict[tuple[Robot, int, frozenset[str], str], list[Generalist]] = {}
    for generalist in generalists:
        if generalist.finished and generalist.tasks:
            tasks = frozenset(skill.task_id for skill in generalist.tasks)
            key = (generalist.robot, generalist.steps, tasks, generalist.sampler)
            groups.setdefault(key, []).append(generalist)
    results = []
    for (robot, steps, tasks, sampler), members in groups.items():
        rates = [member.success_rate or 0.0 for member in members]
        mean = sum(rates) / len(rates)
        interval = members[0].interval or (0.0, 1.0)
        if len(rates) > 1:
            interval = _student_interval(rates)
        seeds = tuple(member.seed for member in members)
        results.append(
            SamplerResult(sampler, robot, steps, len(tasks), seeds, tuple(rates), mean, interval)
        )
    return sorted(results, key=lambda r: (r.robot, -r.tasks, -r.steps, -r.mean))


def _student_interval(values: Sequence[float]) -> tuple[float, float]:
    """95 % confidence interval of the mean of two or more values, within 0 and 1 (Student 1908)."""
    # SciPy takes half a second to load, and few commands need it.
    from scipy.stats import t

    count = len(values)
    mean = sum(values) / count
    variance = sum((value - mean) ** 2 for value in values) / (count - 1)
    half = float(t.ppf(0.975, count - 1)) * math.sqrt(variance / count)
    return round(max(mean - half, 0.0), 4), round(min(mean + half, 1.0), 4)
