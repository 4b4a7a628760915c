"""Idea strategies: where the next idea comes from.

- `STRATEGIES`: the strategies by name, in the order in which they were added
- `strategy.IdeaStrategy`: what a strategy is; one file for each of them
- `bandit`: which of them a journey follows, by what each has earned

To add one, write a subclass of `IdeaStrategy` in a file of its own, with its prompt template in
`prompts/`, and add a line below. The settings, the bandit, the authors and the pages follow from
this table; `tests/generator/strategies/test_every_strategy.py` tries each.
"""

from __future__ import annotations

from ...errors import UsageError
from .breadth import Breadth
from .failure import Failure
from .frontier import Frontier
from .relabel import Relabel
from .revision import Revision
from .strategy import IdeaStrategy

STRATEGIES: dict[str, IdeaStrategy] = {
    "frontier": Frontier(),
    "breadth": Breadth(),
    "revision": Revision(),
    "relabel": Relabel(),
    "failure": Failure(),
}


def strategy_named(name: str) -> IdeaStrategy:
    """The idea strategy of a name. Raises UsageError where there is none."""
    if name not in STRATEGIES:
        raise UsageError(
            f"There is no idea strategy {name!r}.",
            f"Those that `strategies.enabled` can name are: {', '.join(STRATEGIES)}.",
        )
    return STRATEGIES[name]
