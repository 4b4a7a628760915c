"""Trials as benchmarks run them: the package's own settings, from scratch, kept one a line.

Trials take minutes, so that their benchmarks append each result to a file of JSON lines as it
ends and do not run again what is in it: they can be run in parts, and go on where they were
stopped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from harness import EXAMPLES, Benchmark

from taskwright.config import TrainerConfig
from taskwright.sandbox.processes.cores import cores
from taskwright.sandbox.vector import SandboxedEpisodes
from taskwright.task import Trial, from_json, robot_named_in, to_json
from taskwright.trainer.evidence.evaluation import Evaluation, evaluate
from taskwright.trainer.policies import Idle, Policy, Random, Trained, load_network
from taskwright.trainer.requests import TrialRequest
from taskwright.trainer.trial import run_trial

FRESH_SEED = 987_654_321
"""Of episodes that neither training nor a verdict has seen."""
NEVER = 2.0
"""A success rate that nobody reaches: with it as `easy_success_rate` nothing is too easy."""


def try_task(source: str, seed: int, policy: Path | None = None, **settings: Any) -> Trial:
    """A trial with the package's settings but those given. The policy is left at `policy`."""
    config = TrainerConfig(processes=cores())
    settings = config.model_dump(exclude={"nearest_policies"}) | settings
    robot = robot_named_in(source) or "r2d2"
    trial, trained = run_trial(TrialRequest(source, robot, seed, **settings))
    if policy is not None and trained is not None:
        policy.write_bytes(trained)
    return trial


def play(
    source: str, policy: Path, episodes: int, *names: str, environments: int = 16
) -> dict[str, Evaluation]:
    """Fresh episodes of what was trained and left at `policy`, and of others by their `names`:
    `idle` and `random`. `episodes` is a multiple of `environments`."""
    robot = robot_named_in(source) or "r2d2"
    with SandboxedEpisodes(source, robot, environments, min(cores(), environments)) as vector:
        network = load_network(vector.observation_space, vector.action_space, policy)
        policies: dict[str, Policy] = {
            "trained": Trained(network, 1),
            "idle": Idle(vector.action_space),
            "random": Random(vector.action_space, 1),
        }
        wanted = ("trained", *names)
        return {name: evaluate(vector, policies[name], FRESH_SEED, episodes) for name in wanted}


def trial_in(row: dict[str, Any]) -> Trial:
    """The trial in a row of results."""
    return from_json(Trial, json.dumps(row["trial"]))


def in_row(trial: Trial) -> dict[str, Any]:
    """What a row of results holds of a trial."""
    return {"trial": json.loads(to_json(trial))}


class Results:
    """Rows in a file of JSON lines; the values of `keys` tell which row is which."""

    def __init__(self, path: Path, *keys: str) -> None:
        self.path, self.keys = path, keys
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.rows: list[dict[str, Any]] = [json.loads(line) for line in lines]

    def find(self, *values: object) -> dict[str, Any] | None:
        return next((row for row in self.rows if self._values(row) == values), None)

    def add(self, **row: Any) -> dict[str, Any]:
        self.rows.append(row)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        return row

    def sorted(self) -> list[dict[str, Any]]:
        return sorted(self.rows, key=self._values)

    def shown(
        self,
        bench: Benchmark,
        columns: Sequence[str],
        cells: Callable[[dict[str, Any]], list[str]],
        measured: Iterable[list[str]] = (),
    ) -> list[dict[str, Any]]:
        """Print what is being measured, each row as it ends, and then the table of all rows, which
        are returned. `measured` gives the cells of rows that it has added."""
        heads = dict.fromkeys(columns, "")
        if measured:
            bench.table(heads, measured)
        rows = self.sorted()
        if not rows:
            raise SystemExit(f"There is nothing in {self.path} yet.")
        bench.table(heads, map(cells, rows))
        return rows

    def _values(self, row: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(row[key] for key in self.keys)


def tasks_of(robot: str, omni_epic: Path | None = None) -> Iterator[tuple[str, Path]]:
    """The hand-written tasks for a robot, OMNI-EPIC's first where a clone of its repository is
    named: where each is from, and its file."""
    folders = {"examples": EXAMPLES / robot}
    if omni_epic:
        theirs = omni_epic / "omni_epic" / "envs" / robot
        if not theirs.is_dir():
            raise SystemExit(f"{theirs} is not there; `--omni-epic` takes the folder of a clone.")
        folders = {"OMNI-EPIC": theirs} | folders
    for origin, folder in folders.items():
        for path in sorted(folder.glob("*.py")):
            if path.stem not in ("base", "__init__"):
                yield origin, path
