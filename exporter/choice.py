"""Which records of an archive are exported."""

from __future__ import annotations

from collections.abc import Sequence

from ..archive.store import Archive
from ..errors import UsageError
from ..task import STATUSES, Record, Status


def choose(
    archive: Archive, statuses: Sequence[Status] = (), only: Sequence[str] = ()
) -> list[Record]:
    """The records to export, in the order of their journeys, each source once.

    Without `only` those with one of the statuses, `learned` unless said otherwise; `only` names
    records by journey number, `task_id` or the beginning of one, whatever their status unless that
    is given too. Raises ArchiveError for a name that nothing answers to, and UsageError for one
    whose task has not passed its checks and where nothing is left.
    """
    named = [archive.find(key) for key in only]
    for record in named:
        if not is_usable(record):
            raise UsageError(
                f"Journey {record.number} ({record.status}) has no task that passed its checks.",
                "Leave it out of --only.",
            )
    wanted = set(statuses) or (set(STATUSES) if only else {"learned"})
    found = named if only else [record for s in sorted(wanted) for record in archive.records(s)]
    chosen: dict[str, Record] = {}
    for record in sorted(found, key=lambda record: record.number):
        if record.status in wanted and is_usable(record):
            chosen.setdefault(record.task_id or "", record)
    if not chosen:
        raise UsageError(_nothing(sorted(wanted), bool(only)), _remedy(archive))
    return list(chosen.values())


def is_usable(record: Record) -> bool:
    """Whether a record has a task that passed its checks."""
    if record.task is None or record.status in ("invalid", "broken"):
        return False
    return record.trial is not None or bool(record.outcomes and record.outcomes[-1].passed)


def _nothing(statuses: Sequence[str], named: bool) -> str:
    if named:
        return f"None of the named tasks is {' or '.join(statuses)}."
    return f"There is no task to export: none that passed its checks is {' or '.join(statuses)}."


def _remedy(archive: Archive) -> str:
    counts = archive.counts()
    if not counts:
        return "Run journeys until at least one task has been learned."
    available = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    return f"The archive has {available}; choose with --status."
