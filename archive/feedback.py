"""What people say of a run: answers and demonstrations, in `feedback.db` beside the archive.

A file of its own, because the run is the archive's only writer and people answer while it goes on.
Answers are only ever added; where a question was answered twice, the later answer counts. Several
processes may write: each answer is one transaction, and SQLite lets them in one after the other.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..task import ROBOTS, Noun, Real, Robot, from_json
from .folder import check_folder
from .migrations import check_readable, migrate
from .opening import PATIENCE_S, explained, reading
from .store import now
from .tampering import all_rows, check_journal, damage_explained, make_wary

FILE_NAME = "feedback.db"

MIGRATIONS: list[tuple[str, str]] = [
    (
        "first schema",
        """
        -- "Is this task interesting?" `positive` is NULL where somebody would not say.
        CREATE TABLE interest (
            number INTEGER PRIMARY KEY,
            journey INTEGER NOT NULL,
            positive INTEGER,
            created_at TEXT NOT NULL
        );
        -- "Which of these two is more like the first?" All three are journeys; `nearer` is `first`
        -- or `second`, or NULL where somebody would not say.
        CREATE TABLE triplets (
            number INTEGER PRIMARY KEY,
            anchor INTEGER NOT NULL,
            first INTEGER NOT NULL,
            second INTEGER NOT NULL,
            nearer INTEGER,
            created_at TEXT NOT NULL,
            CHECK (nearer IN (first, second))
        );
        -- Episodes that a person has played. `actions` is JSON, a list of numbers for each step.
        CREATE TABLE demonstrations (
            number INTEGER PRIMARY KEY,
            task_id TEXT NOT NULL,
            robot TEXT NOT NULL,
            seed INTEGER NOT NULL,
            action_repeat INTEGER NOT NULL,
            actions TEXT NOT NULL,
            success INTEGER NOT NULL,
            created_at TEXT NOT NULL
        );
        CREATE INDEX demonstrations_by_task ON demonstrations (task_id);
        """,
    ),
]


@dataclass(frozen=True)
class Interest(Noun):
    """Whether somebody finds a record's task interesting."""

    journey: int
    positive: bool | None
    """None where they would not say."""


@dataclass(frozen=True)
class Triplet(Noun):
    """Which of two records is more like a third, all three given as journeys."""

    anchor: int
    first: int
    second: int
    nearer: int | None
    """`first` or `second`; None where somebody would not say."""

    @property
    def further(self) -> int | None:
        """The other one."""
        if self.nearer is None:
            return None
        return self.first if self.nearer == self.second else self.second


@dataclass(frozen=True)
class Demonstration(Noun):
    """An episode that a person has played. `TaskEnv(source, action_repeat=action_repeat)`, reset
    with `seed` and given `actions`, goes through it again, step by step."""

    task_id: str
    robot: Robot
    seed: int
    action_repeat: int
    """Physics steps that each action lasts."""
    actions: tuple[tuple[float, ...], ...]
    """One entry per step; a discrete action is one number."""
    success: bool
    created_at: str = ""
    """UTC, ISO 8601."""


MAX_STEPS = 1_000
"""The most actions of a demonstration: no episode has more."""


@dataclass(frozen=True)
class _Actions(Noun):
    """The actions of a demonstration, as they were stored."""

    steps: tuple[tuple[Real, ...], ...]


class Feedback:
    """The feedback of one run folder. Use as a context manager, or call `close`.

    Rows that are not valid answers or demonstrations are left out.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, close: Callable[[], None]):
        self._connection = connection
        self._path = path
        self.close = close

    @classmethod
    def create_or_open(cls, run_dir: Path) -> Feedback:
        """Open for writing; an empty file is made where there is none.

        Raises ArchiveError where the file is no feedback store, is damaged, or of a newer schema.
        """
        path = run_dir / FILE_NAME
        check_folder(run_dir)
        with explained(path):
            if path.exists():
                with reading(path) as before:
                    check_readable(before, str(path), MIGRATIONS)
            check_journal(path)
            connection = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None)
            make_wary(connection)
            # A write-ahead log is not needed: answers are few, and one process reads and writes
            # them.
            connection.execute("PRAGMA journal_mode = DELETE").fetchall()
            connection.execute("PRAGMA synchronous = FULL")
            migrate(connection, MIGRATIONS)
        return cls(connection, path, connection.close)

    @classmethod
    def open(cls, run_dir: Path) -> Feedback:
        """Open for reading; where nobody has answered yet, that reads as no answers. Raises
        ArchiveError as `create_or_open` does."""
        path = run_dir / FILE_NAME
        check_folder(run_dir)
        if not path.is_file():
            connection = sqlite3.connect(":memory:", isolation_level=None)
            migrate(connection, MIGRATIONS)
            return cls(connection, path, connection.close)
        with explained(path), contextlib.ExitStack() as resources:
            connection = resources.enter_context(reading(path))
            check_readable(connection, str(path), MIGRATIONS)
            return cls(connection, path, resources.pop_all().close)

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with damage_explained(self._path):
            return all_rows(self._connection, self._path, sql, values)

    def __enter__(self) -> Feedback:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add_interest(self, answer: Interest) -> None:
        self._connection.execute(
            "INSERT INTO interest (journey, positive, created_at) VALUES (?, ?, ?)",
            (answer.journey, answer.positive, now()),
        )

    def interests(self) -> list[Interest]:
        """One answer per journey, the latest; in the order in which those were given."""
        rows = self._rows(
            "SELECT journey, positive FROM interest WHERE number IN"
            " (SELECT max(number) FROM interest GROUP BY journey) ORDER BY number"
        )
        return [
            Interest(journey, None if positive is None else bool(positive))
            for journey, positive in rows
            if isinstance(journey, int) and positive in (None, 0, 1)
        ]

    def add_triplet(self, answer: Triplet) -> None:
        """Raises sqlite3.IntegrityError where `nearer` is neither of the two."""
        self._connection.execute(
            "INSERT INTO triplets (anchor, first, second, nearer, created_at)"
            " VALUES (?, ?, ?, ?, ?)",
            (answer.anchor, answer.first, answer.second, answer.nearer, now()),
        )

    def triplets(self) -> list[Triplet]:
        """One answer per question, the latest; in the order in which those were given. A question
        is the same whichever of its two was shown first."""
        rows = self._rows(
            "SELECT anchor, first, second, nearer FROM triplets WHERE number IN"
            " (SELECT max(number) FROM triplets"
            " GROUP BY anchor, min(first, second), max(first, second)) ORDER BY number"
        )
        return [
            Triplet(anchor, first, second, nearer)
            for anchor, first, second, nearer in rows
            if all(isinstance(journey, int) for journey in (anchor, first, second))
            and nearer in (None, first, second)
        ]

    def add_demonstration(self, demonstration: Demonstration) -> int:
        """Returns its number, from 1."""
        cursor = self._connection.execute(
            "INSERT INTO demonstrations"
            " (task_id, robot, seed, action_repeat, actions, success, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                demonstration.task_id,
                demonstration.robot,
                demonstration.seed,
                demonstration.action_repeat,
                json.dumps(demonstration.actions, allow_nan=False),
                demonstration.success,
                now(),
            ),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def demonstrations(self, task_id: str | None = None) -> list[Demonstration]:
        """Those of a task, or all, in the order in which they were played."""
        rows = self._rows(
            "SELECT task_id, robot, seed, action_repeat, actions, success, created_at"
            " FROM demonstrations WHERE ?1 IS NULL OR task_id = ?1 ORDER BY number",
            (task_id,),
        )
        return [found for row in rows if (found := _demonstration(*row))]

    def shown_solvable(self) -> dict[str, int]:
        """By `task_id`, how many played episodes accomplished the task: evidence that it can be."""
        rows = self._rows(
            "SELECT task_id, count(*) FROM demonstrations WHERE success GROUP BY task_id"
        )
        return {task_id: count for task_id, count in rows if isinstance(task_id, str)}


def _demonstration(
    task_id: Any, robot: Any, seed: Any, action_repeat: Any, actions: Any, success: Any, time: Any
) -> Demonstration | None:
    """A demonstration as it was stored; None where it is none."""
    try:
        steps = from_json(_Actions, f'{{"steps": {actions}}}').steps
    except ValueError:
        return None
    is_one = (
        isinstance(task_id, str)
        and robot in ROBOTS
        and isinstance(seed, int)
        and seed >= 0
        and isinstance(action_repeat, int)
        and 1 <= action_repeat <= MAX_STEPS
        and 1 <= len(steps) <= MAX_STEPS
    )
    if not is_one:
        return None
    return Demonstration(task_id, robot, seed, action_repeat, steps, bool(success), str(time))
