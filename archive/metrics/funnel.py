"""How many journeys came how far, and what ended the others."""

from __future__ import annotations

from dataclasses import dataclass

from ...task import Status


@dataclass(frozen=True)
class Step:
    """A step of the funnel: how many journeys came to it, and what became of those it ended."""

    name: str
    reached: int
    status: Status | None = None
    """What a journey is called that ended here."""
    ended: int = 0
    detail: str = ""


def funnel(statuses: dict[str, int], failures: dict[str, int]) -> list[Step]:
    """How many journeys came how far.

    Args:
        statuses: The number of records by status. A journey that broke is taken out: nothing is
            known about its task.
        failures: The number of invalid tasks by the stage that rejected them, for the `detail`.

    Returns:
        The steps, from the ideas to the tasks that were kept.
    """
    left = sum(statuses.values()) - statuses.get("broken", 0)
    found_at = ", ".join(f"{stage} {count}" for stage, count in failures.items())
    gates: tuple[tuple[str, Status, str], ...] = (
        ("ideas", "duplicate", "too near to a kept task"),
        ("new ideas", "invalid", found_at),
        ("valid tasks", "uninteresting", "by the model of interestingness"),
        ("interesting tasks", "too_easy", "solved before training"),
        ("open tasks", "too_hard", "not learned within the budget"),
    )
    steps = []
    for name, status, detail in gates:
        ended = statuses.get(status, 0)
        steps.append(Step(name, left, status, ended, detail if ended else ""))
        left -= ended
    return [*steps, Step("kept tasks", left)]
