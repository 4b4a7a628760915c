"""How far two judges agree: the share of equal answers, and how much of it is more than chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ..task import Judgement, Record


@dataclass(frozen=True)
class Agreement:
    """Counts of what two judges said of the same ideas."""

    both_yes: int
    only_first: int
    """The first judge said yes, the second no."""
    only_second: int
    both_no: int

    @property
    def count(self) -> int:
        return self.both_yes + self.only_first + self.only_second + self.both_no

    @property
    def share(self) -> float:
        """Of equal answers, 0 to 1. Raises ZeroDivisionError where nothing was judged twice."""
        return (self.both_yes + self.both_no) / self.count

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa (Cohen 1960): 1 is full agreement, 0 is what chance gives, below is less.
        None where chance alone agrees always, as when both say yes to everything."""
        first_yes = (self.both_yes + self.only_first) / self.count
        second_yes = (self.both_yes + self.only_second) / self.count
        chance = first_yes * second_yes + (1 - first_yes) * (1 - second_yes)
        return None if chance == 1.0 else (self.share - chance) / (1 - chance)

    @property
    def told(self) -> str:
        """In words and numbers."""
        kappa = "undefined" if self.kappa is None else f"{self.kappa:.2f}"
        return (
            f"Two judges agreed on {self.both_yes + self.both_no} of {self.count} ideas "
            f"({self.share:.0%}, Cohen's kappa {kappa}): yes by both {self.both_yes}, by the first "
            f"alone {self.only_first}, by the second alone {self.only_second}, by none "
            f"{self.both_no}."
        )


def agreement_of_judges(records: Iterable[Record]) -> Agreement | None:
    """Between the first and the second judge of interestingness; None where no idea had both."""
    counts: Counter[tuple[bool, bool]] = Counter()
    for record in records:
        said = [judgement.positive for judgement in record.judgements if _is_opinion(judgement)]
        if len(said) > 1:
            counts[said[0], said[1]] += 1
    if not counts:
        return None
    return Agreement(
        counts[True, True], counts[True, False], counts[False, True], counts[False, False]
    )


def _is_opinion(judgement: Judgement) -> bool:
    """Whether a model has judged, not a number or nobody."""
    return judgement.role == "interestingness" and judgement.judge not in ("novelty", "seed")
