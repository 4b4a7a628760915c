"""`taskwright train`: try whether a task can be learned, or train one policy on all of a run."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ... import api
from ...config import TrainerConfig, merge, parse_assignment
from ...curriculum import CURRICULA
from ...errors import BrokenError, UsageError
from ...executor import make_executor
from ...executor.contents import digest_of
from ...executor.job import Executor, Job
from ...files import write_whole
from ...output import Console, print_json
from ...sandbox.isolation import Level
from ...task import CurvePoint, Robot, Task, from_json, to_json
from ...trainer.requests import Film, FilmRequest
from .. import display
from ..terminal import STATUS_STYLES
from ..training_view import watching_trial
from .common import (
    executor_option,
    isolation_option,
    json_option,
    named_task,
    require,
    robot_option,
)
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
@click.option("--policy", type=PLACE, help="Write the learned policy here, for stable-baselines3.")
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
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="trainer.NAME=VALUE",
    help="A setting of the trainer, such as trainer.learner=ppo.",
)
@executor_option
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
    assignments: tuple[str, ...],
    executor_name: str | None,
    isolation: Level | None,
    as_json: bool,
) -> int:
    """Try whether a task can be learned: a task file, or a task of a run. With --all, train one
    policy on all kept tasks of a run; the same command goes on where it was stopped."""
    if all_tasks:
        if len(source) != 1 or video is not None or assignments:
            raise UsageError(
                "`--all` takes a run folder alone, and neither --video nor --set.",
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
            executor_name=executor_name,
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
    settings = _settings(assignments)
    console = Console(err=as_json)
    with (
        tempfile.TemporaryDirectory() as scratch,
        make_executor(executor_name or "local", workers=1) as executor,
    ):
        kept = Path(scratch).resolve() / "policy.zip"
        longest = steps or settings.get("max_steps") or TrainerConfig().max_steps
        with (
            _curve_files(tensorboard, f"{task.task_id}-seed-{seed}") as files,
            watching_trial(console, longest) as tell,
        ):

            def on_progress(point: CurvePoint) -> None:
                tell(point)
                if files:
                    files.point(point)

            trial = api.train(
                task,
                seed=seed,
                steps=steps,
                minutes=minutes,
                workers=workers,
                policy=kept,
                settings=settings,
                on_progress=on_progress,
                executor=executor,
            )
            if files and trial.verdict != "broken":
                files.end(trial)
        film = None
        if video and kept.exists() and trial.success_after is not None:
            film = _film(executor, task, seed, kept, video)
        if policy and kept.exists():
            _write_for_others(task, kept, policy)
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


@contextmanager
def _curve_files(folder: Path | None, name: str) -> Iterator[CurveFiles | None]:
    if folder is None:
        yield None
        return
    # Loads torch, which this process can do without.
    from ...trainer.tensorboard import CurveFiles

    with CurveFiles(folder / name) as files:
        yield files


def _settings(assignments: tuple[str, ...]) -> dict[str, Any]:
    """What `--set` says of the trainer."""
    given: dict[str, Any] = {}
    for assignment in assignments:
        given = merge(given, parse_assignment(assignment))
    if others := given.keys() - {"trainer"}:
        raise UsageError(
            f"`train` has no setting `{min(others)}`.", "Set those of the trainer: trainer.NAME."
        )
    return dict(given.get("trainer", {}))


def _write_for_others(task: Task, kept: Path, policy: Path) -> None:
    """Write a policy as the file that stable-baselines3 loads."""
    # Loads torch, which this process can do without otherwise.
    from ...trainer.policies import for_stable_baselines3, load_network
    from ...world.robots import robot_spaces

    observations, actions = robot_spaces(task.robot, steered=True)
    network = load_network(observations, actions, kept)
    write_whole(policy.resolve(), for_stable_baselines3(network, observations))


def _film(executor: Executor, task: Task, seed: int, kept: Path, video: Path) -> Film:
    policy = kept.read_bytes()
    request = FilmRequest(
        source=task.source,
        robot=task.robot,
        format="gif" if video.suffix == ".gif" else "mp4",
        seed=seed,
        policy=digest_of(policy),
        # Film formats like sizes that 16 divides.
        width=400,
        height=304,
        beside_untrained=True,
    )
    inputs = {digest_of(policy): policy}
    name = f"film-{task.task_id}"
    result = executor.run(Job(name, "film", to_json(request), FILM_DEADLINE_S, inputs))
    if result.broken:
        raise BrokenError(result.broken, "The trial itself was not affected.")
    write_whole(video.resolve(), result.outputs["film"])
    return from_json(Film, result.payload)
