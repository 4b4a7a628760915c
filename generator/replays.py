"""Which episodes of a task are recorded for others to look at, and where they lie."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..archive.replays import ENDING
from ..executor.job import Executor, Job
from ..sandbox.recording import Agent
from ..task import Record, Task, Trial, from_json, to_json
from ..trainer.requests import Replay, ReplayRequest
from .paths import policy_path

REPLAY_DEADLINE_S = 180.0


def replay_path(run_dir: Path, task_id: str) -> Path:
    """Where the replay of a task lies."""
    return run_dir.resolve() / "media" / f"{task_id}{ENDING}"


def who_is_recorded(run_dir: Path, task: Task, trial: Trial | None) -> tuple[Agent, ...]:
    """The trained agent beside an untrained one where there is a policy, be it from an earlier
    journey with this source; the untrained one alone where a trial came to its end without; and
    where nobody has tried, nobody acts."""
    if Path(policy_path(run_dir, task.task_id)).exists():
        return ("trained", "random")
    return ("idle",) if trial is None else ("random",)


def replay_job(run_dir: Path, task: Task, trial: Trial | None) -> Job:
    """To record a task that has passed its checks. Nothing else depends on a replay."""
    agents = who_is_recorded(run_dir, task, trial)
    plan = ReplayRequest(
        source=task.source,
        robot=task.robot,
        path=str(replay_path(run_dir, task.task_id)),
        agents=agents,
        policy_path=policy_path(run_dir, task.task_id) if "trained" in agents else None,
    )
    return Job(f"replay-{task.task_id}", "replay", to_json(plan), REPLAY_DEADLINE_S)


def record_replay(
    executor: Executor, run_dir: Path, task: Task, trial: Trial | None
) -> Replay | str:
    """Record a task; returns why it could not be done where it could not."""
    result = executor.run(replay_job(run_dir, task, trial))
    return result.broken or from_json(Replay, result.payload)


def record_missing_replays(
    executor: Executor, run_dir: Path, records: list[Record]
) -> Iterator[tuple[Record, Replay | str]]:
    """Record the tasks that passed their checks and have no replay yet."""
    for record in records:
        if record.task is None or not (record.outcomes and record.outcomes[-1].passed):
            continue
        if not replay_path(run_dir, record.task.task_id).exists():
            yield record, record_replay(executor, run_dir, record.task, record.trial)
