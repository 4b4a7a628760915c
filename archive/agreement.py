"""How far people agree with the judge of a run on what is interesting.

Reports and pages ask this; it reads records and answers and changes neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..task import Judgement, Record
from .feedback import Interest


@dataclass(frozen=True)
class Agreement:
    """Two judges on the same tasks: a model, or what stands in for one, and people."""

    judge: str
    """Name of the model, or `novelty` where novelty alone decided."""
    both_yes: int
    both_no: int
    only_people: int
    """Interesting to people, not to the judge."""
    only_judge: int

    @property
    def count(self) -> int:
        return self.both_yes + self.both_no + self.only_people + self.only_judge

    @property
    def share(self) -> float | None:
        """Of the tasks that both have judged, those judged alike; None without any."""
        return (self.both_yes + self.both_no) / self.count if self.count else None

    @property
    def kappa(self) -> float | None:
        """Agreement beyond chance, from -1 to 1 (Cohen, 1960); 0 is what two coins with the same
        odds would reach. None without any task, and where chance alone would explain everything:
        both judges always give the same answer."""
        if not self.count:
            return None
        total = self.count
        people, judge = self.both_yes + self.only_people, self.both_yes + self.only_judge
        chance = (people * judge + (total - people) * (total - judge)) / total**2
        if chance == 1.0:
            return None
        return ((self.both_yes + self.both_no) / total - chance) / (1 - chance)


def judgement_of(record: Record) -> Judgement | None:
    """What the run's judge said of a task; None where nobody was asked, as of a seed."""
    for judgement in record.judgements:
        if judgement.role == "interestingness" and judgement.judge != "seed":
            return judgement
    return None


def agreements(judgements: dict[int, Judgement], interests: Iterable[Interest]) -> list[Agreement]:
    """One for each judge, the one with most tasks first; judges whom nobody has checked are left
    out. `judgements` are by journey, `interests` as `Feedback.interests` gives them."""
    counts: dict[str, dict[tuple[bool, bool], int]] = {}
    for answer in interests:
        judgement = judgements.get(answer.journey)
        if judgement is None or answer.positive is None:
            continue
        of_judge = counts.setdefault(judgement.judge, {})
        pair = (answer.positive, judgement.positive)
        of_judge[pair] = of_judge.get(pair, 0) + 1
    found = [
        Agreement(
            judge,
            both_yes=of_judge.get((True, True), 0),
            both_no=of_judge.get((False, False), 0),
            only_people=of_judge.get((True, False), 0),
            only_judge=of_judge.get((False, True), 0),
        )
        for judge, of_judge in counts.items()
    ]
    return sorted(found, key=lambda agreement: (-agreement.count, agreement.judge))
