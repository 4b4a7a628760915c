"""How far two judges agree on what is interesting: two models, or a model and people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..task import Judgement, Record
from .feedback import Interest

PEOPLE = "people"


@dataclass(frozen=True)
class Agreement:
    """Counts of what two judges said of the same ideas; there is at least one idea."""

    both_yes: int
    only_first: int
    """The first judge said yes, the second no."""
    only_second: int
    both_no: int
    first: str = "the first"
    """Who the first judge is."""
    second: str = "the second"

    @property
    def count(self) -> int:
        return self.both_yes + self.only_first + self.only_second + self.both_no

    @property
    def share(self) -> float:
        """The share of equal answers, 0 to 1."""
        return (self.both_yes + self.both_no) / self.count

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa (Cohen 1960): 1 is full agreement, 0 is what chance gives, below is less.
        None where chance alone would always agree, as when both say yes to everything."""
        first_yes = (self.both_yes + self.only_first) / self.count
        second_yes = (self.both_yes + self.only_second) / self.count
        chance = first_yes * second_yes + (1 - first_yes) * (1 - second_yes)
        return None if chance == 1.0 else (self.share - chance) / (1 - chance)

    @property
    def summary(self) -> str:
        """The agreement in a sentence, with its numbers."""
        kappa = "undefined" if self.kappa is None else f"{self.kappa:.2f}"
        return (
            f"Two judges agreed on {self.both_yes + self.both_no} of {self.count} ideas "
            f"({self.share:.0%}, Cohen's kappa {kappa}): yes by both {self.both_yes}, by "
            f"{self.first} alone {self.only_first}, by {self.second} alone {self.only_second}, by "
            f"none {self.both_no}."
        )


def agreement_of_judges(records: Iterable[Record]) -> Agreement | None:
    """Between the first and the second judge of interestingness; None where no idea had both."""
    counts = Counter[tuple[bool, bool]]()
    for record in records:
        said = [judgement.positive for judgement in record.judgements if _is_opinion(judgement)]
        if len(said) > 1:
            counts[said[0], said[1]] += 1
    return _agreement(counts) if counts else None


def _is_opinion(judgement: Judgement) -> bool:
    """Whether a model has judged, not a number or nobody."""
    return judgement.role == "interestingness" and judgement.judge not in ("novelty", "seed")


def judgement_of(record: Record) -> Judgement | None:
    """What the run's judge said of a task; None where no judge was asked, as for an example."""
    for judgement in record.judgements:
        if judgement.role == "interestingness" and judgement.judge != "seed":
            return judgement
    return None


def agreements_with_people(
    judgements: Mapping[int, Judgement], interests: Iterable[Interest]
) -> list[Agreement]:
    """Between people and each judge, the judge of most tasks first; judges whom nobody has checked
    are left out. `judgements` are by journey, `interests` as `Feedback.interests` gives them."""
    counts: dict[str, Counter[tuple[bool, bool]]] = {}
    for answer in interests:
        judgement = judgements.get(answer.journey)
        if judgement is not None and answer.positive is not None:
            said = (answer.positive, judgement.positive)
            counts.setdefault(judgement.judge, Counter())[said] += 1
    found = [_agreement(of_judge, PEOPLE, judge) for judge, of_judge in counts.items()]
    return sorted(found, key=lambda agreement: (-agreement.count, agreement.second))


def _agreement(
    counts: Counter[tuple[bool, bool]], first: str = "the first", second: str = "the second"
) -> Agreement:
    return Agreement(
        counts[True, True],
        counts[True, False],
        counts[False, True],
        counts[False, False],
        first,
        second,
    )
