"""How many journeys have ended, and how many of them with a kept task, also before any of those
whose end is not decided yet. Counting takes no longer in a long run than in a short one."""

from __future__ import annotations

from collections.abc import Mapping

from ..task import Status


class Tally:
    """Counts of journeys that have ended. All those up to some number are settled: nobody will ask
    again what was before one of them."""

    def __init__(self, ended: Mapping[int, Status]) -> None:
        """Begins with journeys that have ended and are settled, by their numbers."""
        self.count = 0
        """How many have ended."""
        self.kept = 0
        """How many of them with a kept task."""
        self.last = 0
        """The latest of them; 0 where there is none."""
        self._settled_up_to = self._kept_up_to = 0
        self._beyond: dict[int, Status] = {}
        """Those after the last before which all are settled."""
        self._settled: set[int] = set()
        for number in sorted(ended):
            self.add(number, ended[number])
            self.settle(number)

    def add(self, number: int, status: Status) -> None:
        """A journey has ended."""
        self.count += 1
        self.kept += status == "learned"
        self.last = max(number, self.last)
        self._beyond[number] = status

    def settle(self, number: int) -> None:
        """Nobody will ask any more what was before a journey that has ended."""
        self._settled.add(number)
        while self._settled_up_to + 1 in self._settled:
            self._settled_up_to += 1
            self._settled.remove(self._settled_up_to)
            self._kept_up_to += self._beyond.pop(self._settled_up_to) == "learned"

    def before(self, number: int) -> tuple[int, int]:
        """How many journeys before one that is not settled have ended, and how many of those with a
        kept task."""
        before = [status for n, status in self._beyond.items() if n < number]
        return self._settled_up_to + len(before), self._kept_up_to + before.count("learned")
