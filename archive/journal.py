"""The journal of a journey: what it has worked out so far, step by step, each safe on the disk."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from ..errors import BrokenError
from ..task import Cost, Noun, from_json, to_json
from .opening import Connection, Reader
from .tampering import first_flaw

N = TypeVar("N", bound=Noun)


class Journal:
    """The durable steps of one journey: what was worked out once is never worked out again."""

    def __init__(
        self, connection: Connection | Reader, number: int, meter: Callable[[], Cost]
    ) -> None:
        self._connection = connection
        self._meter = meter
        self.number = number

    def once(self, name: str, kind: type[N], work: Callable[[], N]) -> N:
        """The result of a step: read back where it has been done, else done and written first."""
        done = self.read(name, kind)
        if done is not None:
            return done
        started = time.monotonic()
        result = work()
        self._connection.write(
            "INSERT INTO steps VALUES (?, ?, ?, ?, ?)",
            (
                self.number,
                name,
                to_json(result),
                to_json(self._meter()),
                round(time.monotonic() - started, 3),
            ),
        )
        return result

    def read(self, name: str, kind: type[N]) -> N | None:
        """The result of a step; None where it has not been done. Raises BrokenError where what was
        written of it cannot be read."""
        rows = self._connection.rows(
            "SELECT payload FROM steps WHERE journey = ? AND name = ?", (self.number, name)
        )
        try:
            return from_json(kind, rows[0][0]) if rows else None
        except ValueError as error:
            raise BrokenError(
                f"What journey {self.number} has written down as `{name}` cannot be read: "
                f"{first_flaw(error)}.",
                "Somebody or something has changed the archive; nothing follows for the task.",
            ) from None

    def steps(self) -> list[tuple[str, str]]:
        """Name and JSON payload of the steps done so far, in their order."""
        rows = self._connection.rows(
            "SELECT name, payload FROM steps WHERE journey = ? ORDER BY rowid", (self.number,)
        )
        return [(str(name), str(payload)) for name, payload in rows]

    def spent(self) -> tuple[Cost, float]:
        """What the journey has cost so far: model calls, and seconds of work. What cannot be read
        makes the price unknown."""
        rows = self._connection.rows(
            "SELECT cost, seconds FROM steps WHERE journey = ?", (self.number,)
        )
        cost, total_s = Cost(), 0.0
        for text, seconds in rows:
            try:
                cost += from_json(Cost, text)
            except ValueError:
                cost += Cost(usd=None)
            total_s += seconds if isinstance(seconds, float) and 0.0 <= seconds < 1e9 else 0.0
        return cost, round(total_s, 3)
