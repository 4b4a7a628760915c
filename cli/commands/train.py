"""`taskwright train`: try whether a task can be learned, or train one policy on all of a run."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...config import TrainerConfig
from ...curriculum import CURRICULA
from ...errors import BrokenError, UsageError
from ...executor.job import Job
from ...executor.local import LocalExecutor, processes_for
from ...output import Console, print_json
from ...sandbox.isolation import Level
from ...task import CurvePoint, Robot, Task, Trial, from_json, to_json
from ...trainer.requests import Film, FilmPlan, TrialPlan
from .. import display
from ..terminal import STATUS_STYLES
from ..training_view import watching_trial
from .common import isolation_option, json_option, named_task, require, robot_option
from .generalist import train_all
from .typed import AMOUNT, PLACE, SEED, Place, require_room_for

if TYPE_CHECKING:
    from ...trainer.tensorboard import CurveFiles

FILM_DEADLINE_S = 300.0
DEFAULT_EVALUATION_EPISODES = 32


@click.command()
@click.argument(
    "source",
    metavar="FILE | RUN_DIR TASK | RUN_DIR",
    nargs=-1,
    required=True,
    type=click.UNPROCESSED,
)
@click.option("--all", "all_tasks", is_flag=True, help="One policy for all kept tasks of RUN_DIR.")
@click.option(
    "--sampler",
    type=click.Choice(list(CURRICULA)),
    help="With --all: how tasks are chosen.  [default: learning_progress]",
)
@click.option(
    "--episodes",
    type=click.IntRange(1),
    help="With --all: episodes of each task's final evaluation.  [default: 32]",
)
@robot_option
@click.option("--minutes", type=AMOUNT, help="Wall-clock limit.")
@click.option(
    "--steps",
    type=click.IntRange(1),
    help="Agent steps before it counts as too hard; with --all, to train for.",
)
@click.option("--workers", type=click.IntRange(1), help="Processes that step environments.")
@click.option("--seed", type=SEED, default=0, show_default=True)
@click.option("--policy", type=PLACE, help="Write the learned policy here.")
@click.option(
    "--video",
    type=PLACE,
    help="Film the trained robot beside the untrained one: a .mp4 or .gif file.",
)
@click.option(
    "--tensorboard",
    type=Place(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write the learning curve there as TensorBoard files.",
)
@isolation_option
@json_option
def train(
    source: tuple[str, ...],
    all_tasks: bool,
    sampler: str | None,
    episodes: int | None,
    robot: Robot | None,
    minutes: float | None,
    steps: int | None,
    workers: int | None,
    seed: int,
    policy: Path | None,
    video: Path | None,
    tensorboard: Path | None,
    isolation: Level | None,
    as_json: bool,
) -> int:
    """Try whether a task can be learned: a task file, or a task of a run. With --all, train one
    policy on all kept tasks of a run; the same command goes on where it was stopped."""
    if all_tasks:
        if len(source) != 1 or video is not None:
            raise UsageError(
                "`--all` takes a run folder alone, and no --video.",
                "For example: taskwright train runs/default --all.",
            )
        require(isolation)
        require_room_for(policy)
        return train_all(
            Path(source[0]),
            robot=robot,
            sampler=sampler or "learning_progress",
            minutes=minutes,
            steps=steps,
            seed=seed,
            workers=workers,
            evaluation_episodes=episodes or DEFAULT_EVALUATION_EPISODES,
            policy=policy,
            as_json=as_json,
        )
    if sampler or episodes:
        raise UsageError(
            "--sampler and --episodes are for `--all` only.", "Add --all, or leave them out."
        )
    if video is not None and video.suffix not in (".mp4", ".gif"):
        raise UsageError(
            f"A film cannot be written as {video.name}.", "End its name in .mp4 or .gif."
        )
    task = named_task(source, robot)
    require(isolation)
    require_room_for(policy)
    require_room_for(video)
    given = {
        "max_seconds": 60 * minutes if minutes else None,
        "max_steps": steps,
    }
    settings = TrainerConfig(**{k: v for k, v in given.items() if v is not None})
    console = Console(err=as_json)
    with tempfile.TemporaryDirectory() as scratch, LocalExecutor() as executor:
        kept = str((policy or Path(scratch) / "policy.zip").resolve())
        plan = TrialPlan(
            source=task.source,
            robot=task.robot,
            seed=seed,
            policy_path=kept,
            processes=processes_for(workers, 1),
            **settings.model_dump(exclude={"nearest_policies", "processes"}),
        )
        trial = _run_trial(executor, plan, task, console, tensorboard)
        film = None
        if video and Path(kept).exists() and trial.success_after is not None:
            film = _film(executor, task, seed, kept, video)
    if as_json:
        shown = (
            "verdict",
            "reason",
            "success_before",
            "success_after",
            "successes",
            "episodes",
            "interval",
            "evaluation_seed",
            "rule",
            "solved_by",
            "steps",
            "seconds",
            "curve",
            "return_and_success",
            "findings",
        )
        fields = dataclasses.asdict(trial)
        print_json(
            {
                "task_id": task.task_id,
                **{name: fields[name] for name in shown},
                "screening": trial.screening,
                "seed": seed,
                "video": str(video) if film else None,
            }
        )
    else:
        style = STATUS_STYLES.get(trial.verdict, "bold red")
        console.say((trial.verdict, style), f" {trial.reason}")
        console.say(f"{trial.steps} steps, {trial.seconds:.0f} s; success {display.success(trial)}")
        if trial.return_and_success is not None:
            console.say(f"The return {display.correlated(trial)}.")
        display.print_findings(trial, console)
        if film:
            ending = "succeeds" if film.success else "fails"
            console.say(
                f"Film: {video}, the trained robot, which {ending}, beside the untrained one"
            )
        elif video:
            console.say("No film: there is no trained policy to show.")
    return 1 if trial.verdict in ("rejected", "broken") else 0


def _run_trial(
    executor: LocalExecutor,
    plan: TrialPlan,
    task: Task,
    console: Console,
    tensorboard: Path | None = None,
) -> Trial:
    """One trial, its learning curve told as it grows."""
    job = Job(f"train-{task.task_id}", "trial", to_json(plan), plan.max_seconds + 120.0)
    with _curve_files(tensorboard, f"{task.task_id}-seed-{plan.seed}") as files:
        with watching_trial(console, plan.max_steps) as tell:

            def tell_all(point: CurvePoint) -> None:
                tell(point)
                if files:
                    files.point(point)

            result = executor.run(job, tell_all)
        if result.broken:
            return Trial("broken", result.broken, seed=plan.seed)
        trial = from_json(Trial, result.payload)
        if files:
            files.end(trial)
    return trial


@contextmanager
def _curve_files(folder: Path | None, name: str) -> Iterator[CurveFiles | None]:
    if folder is None:
        yield None
        return
    # Loads torch, which this process can do without.
    from ...trainer.tensorboard import CurveFiles

    with CurveFiles(folder / name) as files:
        yield files


def _film(executor: LocalExecutor, task: Task, seed: int, policy: str, video: Path) -> Film:
    plan = FilmPlan(
        source=task.source,
        robot=task.robot,
        path=str(video.resolve()),
        seed=seed,
        policy_path=policy,
        # Film formats like sizes that 16 divides.
        width=400,
        height=304,
        beside_untrained=True,
    )
    result = executor.run(Job(f"film-{task.task_id}", "film", to_json(plan), FILM_DEADLINE_S))
    if result.broken:
        raise BrokenError(result.broken, "The trial itself was not affected.")
    return from_json(Film, result.payload)
