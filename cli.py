"""The command line: thin. It parses, calls and prints; the work is done in the rooms below.

Exit status: 0 done, 1 some input failed, 2 the call or the configuration is wrong (one line that
says how to mend it), 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from . import display
from .config import TrainerConfig, load_config, merge, parse_assignment
from .errors import BrokenError, TaskwrightError, UsageError
from .executor.job import Job
from .executor.local import LocalExecutor
from .sandbox.channel import plain_text
from .sandbox.isolation import LEVELS, Level
from .task import ROBOTS, CurvePoint, Record, Robot, Task, Trial, from_json, robot_named_in, to_json
from .terminal import STATUS_STYLES, cost, duration, watching
from .trainer.plans import Film, FilmPlan, TrialPlan

INTERRUPTED = 130
FILM_DEADLINE_S = 300.0

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
isolation_option = click.option(
    "--require-isolation",
    "isolation",
    type=click.Choice(LEVELS),
    help="Refuse to run task code where this host isolates it less.",
)
robot_option = click.option(
    "--robot",
    type=click.Choice(ROBOTS),
    help="Instead of the one that the task's base class names.",
)
run_dir_argument = click.argument("run_dir", type=click.Path(path_type=Path))


def main() -> None:
    """Run the command line; every expected error becomes one line and exit status 2."""
    try:
        status = cli(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        status = _complain(error.format_message())
    except click.ClickException as error:
        hint = ""
        if isinstance(error, click.UsageError) and error.ctx is not None:
            hint = f" See `{error.ctx.command_path} --help`."
        status = _complain(f"{error.format_message()}{hint}")
    except TaskwrightError as error:
        status = _complain(str(error), error.exit_status)
    except (KeyboardInterrupt, click.Abort):
        status = INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone, as `| head` does. Nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except OSError as error:
        if error.filename is None:
            raise
        status = _complain(
            f"{error.filename} cannot be used: {error.strerror}. Name a path that you may use."
        )
    sys.exit(status if isinstance(status, int) else 0)


def _complain(message: str, status: int = 2) -> int:
    click.echo(f"taskwright: {' '.join(message.split())}", err=True)
    return status


def _print_json(document: dict[str, Any]) -> None:
    click.echo(json.dumps(document, indent=2))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="taskwright", message="%(version)s")
def cli() -> None:
    """Reinforcement-learning tasks without end: proposed, checked, learned and kept."""


# run


@cli.command()
@click.argument("run_dir", type=click.Path(path_type=Path), default=Path("runs/default"))
@click.option("--tasks", type=click.IntRange(1), help="Stop when this many tasks are kept.")
@click.option("--attempts", type=click.IntRange(1), help="Stop after this many journeys.")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Stop after this long.")
@click.option("--robot", type=click.Choice(ROBOTS), help="Who is to learn the tasks.")
@click.option("--model", help="Model that proposes, writes and judges, or `composer` for none.")
@click.option("--base-url", help="OpenAI-compatible server of the model.")
@click.option("--workers", type=click.IntRange(1), help="Processes that step environments.")
@click.option("--seed", type=click.IntRange(0), help="Settles the run's random choices.")
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="YAML settings.")
@click.option("--set", "assignments", multiple=True, metavar="SECTION.NAME=VALUE")
@click.option("--max-usd", type=click.FloatRange(0, min_open=True), help="Cap on model costs.")
@click.option("--max-tokens", type=click.IntRange(1), help="Cap on model tokens.")
@click.option("--plain", is_flag=True, help="Plain lines instead of a live view.")
@isolation_option
@json_option
def run(
    run_dir: Path,
    config_path: Path | None,
    assignments: tuple[str, ...],
    plain: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Make tasks in RUN_DIR until a limit is reached. The same command goes on with a run.

    Without --tasks, --attempts or --minutes it goes on until Ctrl-C.
    """
    from .generator.run import model_is_configured, open_run, prepare_config

    settings = load_config(config_path) if config_path else {}
    for assignment in assignments:
        settings = merge(settings, parse_assignment(assignment))
    places = {
        "tasks": "run.tasks",
        "attempts": "run.attempts",
        "minutes": "run.minutes",
        "robot": "run.robot",
        "seed": "run.seed",
        "model": "model.name",
        "base_url": "model.base_url",
        "max_usd": "model.max_usd",
        "max_tokens": "model.max_tokens",
        "workers": "trainer.processes",
        "isolation": "sandbox.require_isolation",
    }
    for option, place in places.items():
        if options[option] is not None:
            section, name = place.split(".")
            settings = merge(settings, {section: {name: options[option]}})
    config = prepare_config(run_dir, settings)

    # With --json, standard output belongs to the one document.
    console = Console(highlight=False, stderr=as_json)
    if config.model.name is None and not model_is_configured(config):
        console.print(
            "No model is configured (no OPENAI_API_KEY, no --base-url): the Composer proposes and "
            "writes the tasks."
        )
    live = console.is_terminal and not plain
    with LocalExecutor() as executor, watching(console, live=live) as watcher:
        ending = open_run(run_dir, config, executor, watcher)
    if as_json:
        _print_json({"run_dir": str(run_dir), **dataclasses.asdict(ending)})
    else:
        counts = ", ".join(f"{n} {s.replace('_', ' ')}" for s, n in ending.counts.items())
        console.print(
            f"{ending.reason} In {run_dir}: {counts or 'no records yet'}. "
            f"{duration(ending.seconds)} this time; the same command goes on.",
            markup=False,
            soft_wrap=True,
        )
        if ending.cost.calls:
            console.print(
                f"{ending.cost.calls} model calls: {cost(ending.cost.tokens, ending.cost.usd)}."
            )
    return INTERRUPTED if ending.interrupted else 0


# ls, show, search


@cli.command()
@run_dir_argument
@click.option("--status", type=click.Choice(sorted(STATUS_STYLES)), help="Only these.")
@json_option
def ls(run_dir: Path, status: Any, as_json: bool) -> None:
    """List the records of a run."""
    from .archive.store import Archive

    with Archive.open(run_dir) as archive:
        records = archive.records(status)
    if as_json:
        _print_json({"records": [display.row(record) for record in records]})
    elif not records:
        click.echo("No records yet." if status is None else f"No records are {status}.")
    else:
        display.console().print(display.table([(record, None) for record in records]))


@cli.command()
@run_dir_argument
@click.argument("key", metavar="TASK")
@click.option("--source", "only_source", is_flag=True, help="Print the source code alone.")
@json_option
def show(run_dir: Path, key: str, only_source: bool, as_json: bool) -> None:
    """Show one record in full: TASK is a task_id, its first digits, or a journey's number."""
    from .archive.store import Archive

    with Archive.open(run_dir) as archive:
        record = archive.find(key)
    if as_json:
        _print_json({"task_id": record.task_id, **json.loads(to_json(record))})
    elif only_source:
        if record.task is None:
            raise UsageError(
                f"Journey {record.number} ended before code was written.", record.reason
            )
        click.echo(record.task.source, nl=False)
    else:
        display.print_record(record, run_dir)


@cli.command()
@run_dir_argument
@click.argument("query")
@click.option("-n", "count", type=click.IntRange(1), default=10, help="How many to show.")
@json_option
def search(run_dir: Path, query: str, count: int, as_json: bool) -> None:
    """Find the records nearest in meaning to QUERY, a description in words."""
    from .archive.embedding import Embedder, SentenceEncoder
    from .archive.neighbourhood import Neighbourhood
    from .archive.store import Archive

    with Archive.open(run_dir) as archive:
        embedder = Embedder(archive, SentenceEncoder())
        with Neighbourhood(run_dir, archive, embedder) as neighbourhood:
            found = neighbourhood.nearest(query, count)
    if as_json:
        rows = [{"similarity": round(n.similarity, 4), **display.row(n.record)} for n in found]
        _print_json({"query": query, "records": rows})
    elif not found:
        click.echo("No records yet.")
    else:
        display.console().print(display.table([(n.record, n.similarity) for n in found]))


# browse


@cli.command()
@run_dir_argument
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="[default: the first free from 8000]")
@click.option("--open/--no-open", "open_browser", default=True, help="Open the page at once.")
@click.option("--allow-feedback", "feedback", is_flag=True, help="Let visitors store answers.")
def browse(run_dir: Path, host: str, port: int | None, open_browser: bool, feedback: bool) -> None:
    """Show the archive of RUN_DIR in a web browser, also while a run goes on."""
    from .archive.browser.serving import serve

    serve(
        run_dir,
        host=host,
        port=port,
        feedback=feedback,
        open_browser=open_browser,
        tell=click.echo,
    )


# play


@cli.command()
@click.argument("source", metavar="FILE | RUN_DIR TASK", nargs=-1, required=True)
@robot_option
@click.option("--port", type=click.IntRange(0, 65535), help="[default: the first free from 8000]")
@click.option("--open/--no-open", "open_browser", default=True, help="Open the page at once.")
@isolation_option
def play(
    source: tuple[str, ...],
    robot: Robot | None,
    port: int | None,
    open_browser: bool,
    isolation: Level | None,
) -> None:
    """Drive the robot of a task yourself, in a web browser: a task file, or a task of a run.

    With a task of a run, a success can be kept in RUN_DIR as a demonstration; of a file, nothing is
    written.
    """
    from .archive.browser.app import create_app
    from .archive.browser.helm import CONTROLS
    from .archive.browser.play import create_file_app
    from .archive.browser.serving import serve_app
    from .archive.store import Archive
    from .generator.seeds import idea_of_source

    task = _named_task(source, robot)
    if not CONTROLS[task.robot]:
        raise UsageError(
            f"{task.robot} has more joints than hands have fingers; it cannot be played by hand.",
            "Play a task of r2d2 or ant.",
        )
    _require(isolation)
    if len(source) == 2:
        with Archive.open(Path(source[0])) as archive:
            number = archive.find(source[1]).number
        app = create_app(Path(source[0]), feedback=True)
        page, mode = f"play/{number}", "answers are stored"
    else:
        idea = idea_of_source(task.source, Path(source[0]).stem.replace("_", " "))
        app = create_file_app(Path(source[0]), task, idea)
        page, mode = "", "nothing is stored"
    serve_app(
        app,
        f"{' '.join(source)} is played",
        mode,
        page=page,
        port=port,
        open_browser=open_browser,
        tell=click.echo,
    )


# check


@cli.command()
@click.argument(
    "paths", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@robot_option
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0, min_open=True),
    default=30.0,
    show_default=True,
    help="Seconds that a task may take for all checks together.",
)
@isolation_option
@json_option
def check(
    paths: tuple[Path, ...],
    robot: Robot | None,
    timeout_s: float,
    isolation: Level | None,
    as_json: bool,
) -> int:
    """Check task files, each in a sandboxed process. A folder stands for the .py files in it."""
    from .sandbox.checker import check_task

    _require(isolation)
    results = []
    for path in _task_files(paths):
        task = _read_task(path, robot)
        outcome = check_task(task, timeout_s)
        results.append({"file": str(path), "task_id": task.task_id, **dataclasses.asdict(outcome)})
        if not as_json:
            display.print_outcome(path, outcome)
    if as_json:
        _print_json({"results": results})
    return 0 if all(result["verdict"] == "passed" for result in results) else 1


def _require(isolation: Level | None) -> None:
    """Refuse to go on where this host isolates task code less than asked for."""
    if isolation is not None:
        from .sandbox.host import require_isolation

        require_isolation(isolation)


def _task_files(paths: tuple[Path, ...]) -> list[Path]:
    files = []
    for path in paths:
        inside = sorted(path.glob("*.py")) if path.is_dir() else [path]
        if not inside:
            raise UsageError(f"The folder {path} holds no .py file.", "Name a folder of tasks.")
        files += inside
    return files


def _read_task(path: Path, robot: Robot | None) -> Task:
    """A task file; where no robot is given, for the one whose base class it names."""
    source = _read(path)
    return Task(source, robot or robot_named_in(source) or "r2d2")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"{path} cannot be read: {reason}.", "Give a Python file.") from None


# train


@cli.command()
@click.argument("source", metavar="FILE | RUN_DIR TASK", nargs=-1, required=True)
@robot_option
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Wall-clock limit.")
@click.option("--steps", type=click.IntRange(1), help="Agent steps before it counts as too hard.")
@click.option("--workers", type=click.IntRange(1), help="Processes that step environments.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--policy", type=click.Path(path_type=Path), help="Write the learned policy here.")
@click.option(
    "--video", type=click.Path(path_type=Path), help="Film the trained robot: a .mp4 or .gif file."
)
@isolation_option
@json_option
def train(
    source: tuple[str, ...],
    robot: Robot | None,
    minutes: float | None,
    steps: int | None,
    workers: int | None,
    seed: int,
    policy: Path | None,
    video: Path | None,
    isolation: Level | None,
    as_json: bool,
) -> int:
    """Try whether a task can be learned: a task file, or a task of a run."""
    if video is not None and video.suffix not in (".mp4", ".gif"):
        raise UsageError(
            f"A film cannot be written as {video.name}.", "End its name in .mp4 or .gif."
        )
    task = _named_task(source, robot)
    _require(isolation)
    given = {
        "max_seconds": 60 * minutes if minutes else None,
        "max_steps": steps,
        "processes": workers,
    }
    settings = TrainerConfig(**{k: v for k, v in given.items() if v is not None})
    console = Console(highlight=False, stderr=as_json)
    with tempfile.TemporaryDirectory() as scratch, LocalExecutor() as executor:
        kept = str((policy or Path(scratch) / "policy.zip").resolve())
        plan = TrialPlan(
            source=task.source,
            robot=task.robot,
            seed=seed,
            policy_path=kept,
            **settings.model_dump(exclude={"nearest_policies"}),
        )
        trial = _run_trial(executor, plan, task, console)
        film = None
        if video and trial.verdict == "learned":
            film = _film(executor, task, seed, kept, video)
    if as_json:
        shown = (
            "verdict",
            "reason",
            "success_before",
            "success_after",
            "episodes",
            "interval",
            "steps",
            "seconds",
            "curve",
        )
        fields = dataclasses.asdict(trial)
        _print_json(
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
        console.print(f"[{style}]{trial.verdict}[/{style}] {escape(trial.reason)}", soft_wrap=True)
        console.print(
            f"{trial.steps} steps, {trial.seconds:.0f} s; success {display.success(trial)}"
        )
        if film:
            ending = "succeeds" if film.success else "fails"
            console.print(f"Film: {video}, an episode that {ending}", soft_wrap=True)
        elif video:
            console.print("No film: there is no trained policy to show.")
    return 1 if trial.verdict in ("rejected", "broken") else 0


def _named_task(source: tuple[str, ...], robot: Robot | None) -> Task:
    """The task in a file, or one of a run."""
    match source:
        case (file,):
            if Path(file).is_dir():
                raise UsageError(
                    f"{file} is a folder.",
                    "Name a task file, or a run folder and one of its tasks.",
                )
            return _read_task(Path(file), robot)
        case (run_dir, key):
            from .archive.store import Archive

            with Archive.open(Path(run_dir)) as archive:
                record = archive.find(key)
            return _task_of(record)
        case _:
            raise UsageError(
                "Name a task file, or a run folder and one of its tasks.",
                "For example: taskwright train runs/default 3.",
            )


def _task_of(record: Record) -> Task:
    if record.task is None:
        raise UsageError(
            f"Journey {record.number} ended before code was written.",
            "Name a task that has a task_id.",
        )
    return record.task


def _run_trial(executor: LocalExecutor, plan: TrialPlan, task: Task, console: Console) -> Trial:
    """One trial, its learning curve told as it grows."""

    def tell(point: CurvePoint) -> None:
        line = (
            f"{point.steps:>8} steps  {duration(point.seconds):>6}  success "
            f"{point.success_rate:>4.0%}  return {point.mean_return:.1f}"
        )
        if console.is_terminal:
            status.update(line)
        else:
            console.print(line, soft_wrap=True)

    job = Job(f"train-{task.task_id}", "trial", to_json(plan), plan.max_seconds + 120.0)
    with console.status("Checking who can do it untrained …") as status:
        result = executor.run(job, tell)
    if result.broken:
        return Trial("broken", result.broken, seed=plan.seed)
    return from_json(Trial, result.payload)


def _film(executor: LocalExecutor, task: Task, seed: int, policy: str, video: Path) -> Film:
    plan = FilmPlan(
        task.source, task.robot, str(video.resolve()), seed, policy, "overview", 480, 360
    )
    result = executor.run(Job(f"film-{task.task_id}", "film", to_json(plan), FILM_DEADLINE_S))
    if result.broken:
        raise BrokenError(result.broken, "The trial itself was not affected.")
    return from_json(Film, result.payload)


# replay


@cli.command()
@run_dir_argument
@click.argument("key", metavar="[TASK]", required=False)
@isolation_option
@json_option
def replay(run_dir: Path, key: str | None, isolation: Level | None, as_json: bool) -> int:
    """Record the replays that the browser shows, where RUN_DIR has none yet; of TASK anew.

    A run does this by itself, for each task when its journey ends.
    """
    from .archive.store import Archive
    from .generator.replays import record_missing_replays, record_replay

    _require(isolation)
    with Archive.open(run_dir) as archive:
        records = archive.records() if key is None else [archive.find(key)]
    rows = []
    with LocalExecutor() as executor:
        if key is None:
            made = record_missing_replays(executor, run_dir, records)
        else:
            task = _task_of(records[0])
            recorded = record_replay(executor, run_dir, task, records[0].trial)
            made = iter([(records[0], recorded)])
        for record, result in made:
            broken = result if isinstance(result, str) else ""
            row: dict[str, Any] = {"task_id": record.task_id, "broken": broken}
            told = broken
            if not isinstance(result, str):
                row |= dataclasses.asdict(result)
                told = f"{result.frames} frames, {result.size_bytes / 1000:.1f} kB"
            rows.append(row)
            if not as_json:
                title = plain_text(record.idea.title)
                click.echo(f"{record.task_id}  {title}: {told}")
    if as_json:
        _print_json({"replays": rows})
    elif not rows:
        click.echo("Nothing to record: every task that passed its checks has a replay.")
    return 1 if any(row["broken"] for row in rows) else 0


# export


@cli.command()
@run_dir_argument
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the Python package.  [default: from OUT]")
@json_option
def export(run_dir: Path, out: Path, name: str | None, as_json: bool) -> None:
    """Write the kept tasks of RUN_DIR to OUT, as an installable Gymnasium package."""
    from .archive.export.package import export_package
    from .archive.store import Archive

    with Archive.open(run_dir) as archive:
        kept = archive.kept()
    package = name or re.sub(r"[^a-z0-9]+", "_", out.resolve().name.lower()).strip("_")
    ids = export_package(kept, out, package, run_dir / "media")
    if as_json:
        _print_json({"package": package, "path": str(out), "ids": ids})
        return
    click.echo(f"{len(ids)} tasks exported to {out}. Install them with `pip install {out}`; then:")
    for task_id in ids:
        click.echo(f'    gymnasium.make("{task_id}")')


# doctor


@cli.command()
@click.option("--base-url", help="OpenAI-compatible server to ask.")
@json_option
def doctor(base_url: str | None, as_json: bool) -> int:
    """Tell what this machine offers: isolation, model, embedder, renderer, cores."""
    from .doctor import examine

    findings = examine(base_url)
    if as_json:
        _print_json({"findings": [dataclasses.asdict(finding) for finding in findings]})
    else:
        styles = {"ok": "green", "limited": "yellow", "failed": "bold red"}
        for finding in findings:
            mark = f"[{styles[finding.state]}]{finding.state:<8}[/{styles[finding.state]}]"
            display.console().print(
                f"{mark} {finding.name}: {escape(finding.detail)}", soft_wrap=True
            )
    return 1 if any(finding.state == "failed" for finding in findings) else 0
