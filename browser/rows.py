"""A record as it is listed, from what the archive holds of it, which may be anything."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..archive.tampering import altered_source, known_status, other_record, task_id_or_none
from ..task import ROBOTS

TITLE_LENGTH = 200
TEXT_LENGTH = 600
SEARCHED_LENGTH = 100_000
"""Characters kept for a card, and looked through by full-text search. Texts have no other limit."""

NAME_LENGTH = 40
"""Of what is not meant to be read as a text, but could be one."""
MOST = 1e15
"""Of a number. Sums of greater ones may have no end."""

# One pass over a record's JSON. A row whose JSON is damaged keeps its columns and nothing else.
READ = f"""
    SELECT number, status, task_id, robot, title, novelty, created_at,
        substr(record ->> '$.reason', 1, {SEARCHED_LENGTH}),
        substr(record ->> '$.idea.description', 1, {SEARCHED_LENGTH}),
        substr(record ->> '$.task.source', 1, {SEARCHED_LENGTH}),
        record ->> '$.idea.strategy', record -> '$.idea.parents',
        record ->> '$.trial.success_before', record ->> '$.trial.success_after',
        record ->> '$.cost.prompt_tokens', record ->> '$.cost.completion_tokens',
        record ->> '$.cost.usd', record ->> '$.seconds', record ->> '$.idea.title',
        record ->> '$.idea.success', record ->> '$.outcomes[#-1].stage',
        record ->> '$.status', record ->> '$.number', valid
    FROM (
        SELECT number, status, task_id, robot, title, novelty, created_at,
            valid, iif(valid, record, '{{}}') AS record
        FROM (
            SELECT *, typeof(record) = 'text' AND json_valid(record) AS valid
            FROM records WHERE number IN (SELECT value FROM json_each(?))
        )
    )
"""
MOST_PARENTS = 50
"""Of a record. Ours have a handful."""


@dataclass(frozen=True)
class Row:
    """A record as it is listed; texts are cut to what a card can show."""

    number: int
    """The journey's number: what a record is asked for by."""
    status: str
    task_id: str | None
    robot: str | None
    title: str
    novelty: float | None
    created_at: str
    reason: str
    description: str
    strategy: str
    parents: tuple[str, ...]
    """`task_id`s, the stepping stone first."""
    generation: int
    """Steps back to a task without parents; 0 for such a task itself."""
    success_before: float | None
    success_after: float | None
    tokens: int
    usd: float | None
    seconds: float
    failed_at: str | None
    """The stage of the last check, or `train`, where the task was rejected there."""
    damaged: bool
    """Whether the record itself cannot be read."""


class Stored(NamedTuple):
    """What `READ` gives of a record. Somebody may have put anything there."""

    number: int
    status: Any
    task_id: Any
    robot: Any
    title: Any
    novelty: Any
    created_at: Any
    reason: Any
    description: Any
    source: Any
    strategy: Any
    parents: Any
    """As JSON."""
    before: Any
    after: Any
    prompt_tokens: Any
    completion_tokens: Any
    usd: Any
    seconds: Any
    full_title: Any
    success: Any
    failed_at: Any
    own_status: Any
    own_number: Any
    """What the record says of itself, which the columns repeat."""
    valid: int

    @property
    def searched(self) -> tuple[str, str, str, str]:
        """What full-text search looks through."""
        title, description, reason, source = (
            _text(found, SEARCHED_LENGTH)
            for found in (self.title, self.description, self.reason, self.source)
        )
        return title, description, reason, source

    @property
    def text_sha256(self) -> str:
        """Of what is embedded of it."""
        return _sha256(f"{self.full_title}\n{self.description}\n{self.success}")

    @property
    def doubt(self) -> str:
        """Why it is not what was written; empty where nothing tells so."""
        if not self.valid:
            return ""
        source = self.source
        if isinstance(source, str) and len(source) < SEARCHED_LENGTH:
            task_id = _sha256(source)[:12]
            if task_id != self.task_id:
                return altered_source(self.number, self.task_id)
        own = (self.own_status, self.own_number)
        return "" if own == (self.status, self.number) else other_record(self.number)


def row_of(stored: Stored, generation: Callable[[Sequence[str]], int]) -> Row:
    """Make the row of a record. `generation` works out how deep it is from its parents."""
    doubt = stored.doubt
    parents = _parents(stored.parents)
    tokens = (_number(stored.prompt_tokens) or 0) + (_number(stored.completion_tokens) or 0)
    return Row(
        number=stored.number,
        status="broken" if doubt else known_status(stored.status),
        task_id=task_id_or_none(stored.task_id),
        robot=stored.robot if stored.robot in ROBOTS else None,
        title=_text(stored.title, TITLE_LENGTH),
        novelty=_number(stored.novelty),
        created_at=_text(stored.created_at, NAME_LENGTH),
        reason=_text(doubt or stored.reason, TEXT_LENGTH),
        description=_text(stored.description, TEXT_LENGTH),
        strategy=_text(stored.strategy, NAME_LENGTH),
        parents=parents,
        generation=generation(parents),
        success_before=_number(stored.before),
        success_after=_number(stored.after),
        tokens=int(min(tokens, 2**53)),
        usd=_number(stored.usd),
        seconds=_number(stored.seconds) or 0.0,
        failed_at=_text(stored.failed_at, NAME_LENGTH) or None,
        damaged=not stored.valid,
    )


def cut(text: str, length: int) -> str:
    """A text of at most so many characters; where something is missing, a sign says so."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def _text(value: object, length: int) -> str:
    """A text as it is kept; empty where it is none."""
    return cut(value, length) if isinstance(value, str) else ""


def _number(value: object) -> float | None:
    """A number that can be shown and reckoned with; None where it is none."""
    if not isinstance(value, int | float) or not abs(value) <= MOST:
        return None
    return float(value)


def _parents(as_json: object) -> tuple[str, ...]:
    """The `task_id`s in a list; what else it holds is left out."""
    try:
        found = json.loads(as_json) if isinstance(as_json, str) else []
    except (ValueError, RecursionError):
        found = []
    known = found[:MOST_PARENTS] if isinstance(found, list) else []
    return tuple(parent for parent in known if task_id_or_none(parent))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
