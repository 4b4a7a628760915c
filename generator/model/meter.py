"""Who asks, and what it has cost: each journey has a meter of its own."""

from __future__ import annotations

import threading
from collections import Counter

from ...task import Cost


class Meter:
    """Adds up the model calls of one journey. Threads may share it."""

    def __init__(self, journey: int) -> None:
        self.journey = journey
        """The journey's number in its run."""
        self.step = ""
        """The journey's step that is being worked on; each call is logged with it."""
        self._lock = threading.Lock()
        self._unread = Cost()
        self._asked: Counter[str] = Counter()

    def begin(self, step: str) -> None:
        """The calls from here on belong to this step of the journey."""
        with self._lock:
            self.step = step
            self._asked.clear()

    def sample(self, request: str) -> str:
        """The name of the next asking of a request: by journey, step, and how often this step has
        asked it before. A step that was cut off and is done again comes by the same names."""
        with self._lock:
            number = self._asked[request]
            self._asked[request] += 1
            return f"{self.journey}/{self.step}/{number}"

    def add(self, cost: Cost) -> None:
        with self._lock:
            self._unread += cost

    def read(self) -> Cost:
        """What has been spent since it was last read."""
        with self._lock:
            cost, self._unread = self._unread, Cost()
        return cost
