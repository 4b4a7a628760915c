"""`taskwright train RUN_DIR --all`: one policy for all kept tasks of a run."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

from rich.console import Group

from ...archive.generalists import POLICY_NAME, generalist_folder, mean_success
from ...executor import make_executor
from ...executor.job import Executor
from ...generalist import Generalist, GeneralistPoint
from ...generator.generalist import generalist_request, train_on_archive
from ...output import Console, Grid, Line, live, print_json
from ...task import Robot
from ...trainer.requests import GeneralistNews, GeneralistRequest
from ..terminal import TEXT_LENGTH, duration, shortened, sparkline

DEFAULT_STEPS = 500_000
SLOTS = 16
TASKS_SHOWN = 30
PLAIN_EVERY = 10
"""Rollouts between two lines of a plain view."""


def train_all(
    run_dir: Path,
    *,
    robot: Robot | None,
    sampler: str,
    minutes: float | None,
    steps: int | None,
    seed: int,
    workers: int | None,
    evaluation_episodes: int,
    policy: Path | None,
    executor_name: str | None,
    as_json: bool,
) -> int:
    """Train, show how it goes, and print what came of it."""
    request = generalist_request(
        run_dir,
        robot=robot,
        sampler=sampler,
        seed=seed,
        max_steps=steps or DEFAULT_STEPS,
        max_seconds=60 * minutes if minutes else None,
        slots=SLOTS,
        evaluation_episodes=evaluation_episodes,
        processes=workers,
    )
    console = Console(err=as_json)
    folder = generalist_folder(run_dir, request.name)
    try:
        with make_executor(executor_name or "local", workers=1) as executor:
            generalist = _watched(run_dir, request, executor, console)
    except KeyboardInterrupt:
        if (folder / POLICY_NAME).exists():
            console.say(f"What was trained is in {folder}; the same command goes on.")
        raise
    if policy is not None:
        policy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / POLICY_NAME, policy)
    if as_json:
        print_json(_document(generalist, policy or folder / POLICY_NAME))
    else:
        _print(console, generalist, folder)
    return 1 if generalist.dropped else 0


def _watched(
    run_dir: Path, request: GeneralistRequest, executor: Executor, console: Console
) -> Generalist:
    if not console.is_terminal:
        return train_on_archive(run_dir, request, executor, _PlainView(request, console).tell)
    view = _LiveView(request)
    with live(view, console, refresh_per_second=2, transient=True):
        return train_on_archive(run_dir, request, executor, view.tell)


def _document(generalist: Generalist, policy: Path) -> dict[str, Any]:
    document = dataclasses.asdict(generalist)
    for skill, row in zip(generalist.tasks, document["tasks"], strict=True):
        row["success_rate"] = round(skill.success_rate, 4)
    return {**document, "success_rate": generalist.success_rate, "policy": str(policy)}


def _print(console: Console, generalist: Generalist, folder: Path) -> None:
    grid = Grid("task_id", "success", "95 % interval", "alone", "episodes", "task")
    for skill in sorted(generalist.tasks, key=lambda skill: -skill.success_rate):
        low, high = skill.interval
        grid.row(
            skill.task_id,
            f"{skill.success_rate:.0%}",
            f"{low:.0%} to {high:.0%}",
            "-" if skill.alone is None else f"{skill.alone:.0%}",
            str(skill.trained_episodes),
            skill.title,
        )
    console.print(grid)
    for task_id, reason in generalist.dropped.items():
        console.say(("dropped", "red"), f" {task_id}: {reason}")
    rate, interval = generalist.success_rate, generalist.interval
    if rate is not None and interval is not None:
        console.say(
            f"{rate:.0%} of episodes succeed (95 % interval {interval[0]:.0%} to "
            f"{interval[1]:.0%}), the mean over {len(generalist.tasks)} tasks, after "
            f"{generalist.steps:,} steps in {duration(generalist.seconds)} with "
            f"{generalist.sampler}."
        )
    console.say(f"In {folder}; with more --steps the same command goes on.")


class _LiveView:
    """How each task is doing, redrawn as it goes."""

    def __init__(self, request: GeneralistRequest) -> None:
        self._request = request
        self._generalist = Generalist(request.name, request.robot, request.sampler, request.seed)
        self._now = GeneralistPoint(0, 0.0, {}, {})

    def tell(self, news: GeneralistNews) -> None:
        self._generalist, self._now = news.generalist, news.now

    def __rich__(self) -> Group:
        generalist, now, request = self._generalist, self._now, self._request
        skills = {skill.task_id: skill for skill in generalist.tasks}
        grid = Grid("success", "", "fresh seeds", "lately", "task")
        # Those that the sampler turns to now are what one wants to see of many.
        busiest = sorted(request.tasks, key=lambda t: -now.episodes.get(t.task_id, 0))[:TASKS_SHOWN]
        shown = {task.task_id for task in busiest}
        for task in request.tasks:
            if task.task_id not in shown:
                continue
            rate = now.success.get(task.task_id)
            curve = [point.success.get(task.task_id, 0.0) for point in generalist.curve]
            skill = skills.get(task.task_id)
            grid.row(
                "dropped" if task.task_id in generalist.dropped else _percent(rate),
                sparkline(curve),
                _percent(skill.success_rate if skill else None),
                str(now.episodes.get(task.task_id, 0)),
                shortened(task.title, TEXT_LENGTH),
            )
        left = len(request.tasks) - len(shown)
        return Group(
            Line((_headline(request, generalist, now), "bold")),
            grid,
            Line((f"and {left} more tasks" if left else "", "dim")),
        )


class _PlainView:
    """A line now and then: for logs, pipes and `nohup`."""

    def __init__(self, request: GeneralistRequest, console: Console) -> None:
        self._request = request
        self._console = console
        self._rollouts = 0
        self._dropped: set[str] = set()

    def tell(self, news: GeneralistNews) -> None:
        generalist = news.generalist
        for task_id in generalist.dropped.keys() - self._dropped:
            reason = generalist.dropped[task_id]
            self._say(f"dropped {task_id}: {reason}")
        self._dropped |= generalist.dropped.keys()
        if generalist.tasks:
            skill = generalist.tasks[-1]
            if not generalist.finished:
                self._say(f"{skill.success_rate:>4.0%} on fresh seeds: {skill.title}")
        elif self._rollouts % PLAIN_EVERY == 0:
            self._say(_headline(self._request, generalist, news.now))
        self._rollouts += 1

    def _say(self, text: str) -> None:
        self._console.say(text)


def _headline(request: GeneralistRequest, generalist: Generalist, now: GeneralistPoint) -> str:
    tasks = len(request.tasks) - len(generalist.dropped)
    is_over = generalist.steps >= request.max_steps or generalist.tasks
    doing = "evaluating" if is_over else "training"
    return (
        f"{duration(generalist.seconds)} {doing} on {tasks} tasks with {request.sampler} · "
        f"{generalist.steps:,} of {request.max_steps:,} steps · success in training "
        f"{mean_success(now, tasks):.0%}"
    )


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.0%}"
