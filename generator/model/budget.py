"""Caps on money, tokens and calls that hold however many calls are in flight.

Before a request is sent, the most that it can cost is reserved; afterwards that is replaced by what
it did cost. A prompt is let through only where it fits beside all that is spent and reserved, so a
cap is exceeded by one answer at most, and by the error of the estimate of a prompt's length.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from ...config import ModelConfig
from ...errors import BudgetSpent
from ...task import Cost


@dataclass(frozen=True)
class Cap:
    """One of the caps, and how to read a cost against it."""

    option: str
    most: float
    unit: str

    def spent(self, cost: Cost) -> float:
        if self.unit == "dollars":
            # A cap on money is refused where a price is unknown.
            return cost.usd or 0.0
        return cost.calls if self.unit == "calls" else cost.tokens

    def shown(self, amount: float) -> str:
        return f"${amount:.4f}" if self.unit == "dollars" else f"{amount:.0f} {self.unit}"


class Budget:
    """What a run has spent, what it has reserved, and what it may spend. Threads share it."""

    def __init__(self, config: ModelConfig, spent: Cost) -> None:
        options = (
            ("--max-usd", config.max_usd, "dollars"),
            ("--max-tokens", config.max_tokens, "tokens"),
            ("--max-calls", config.max_calls, "calls"),
        )
        self._caps = [Cap(option, most, unit) for option, most, unit in options if most is not None]
        self._spent = spent
        self._reserved: list[Cost] = []
        self._changed = threading.Condition()

    @property
    def spent(self) -> Cost:
        """The cost of the whole run so far, earlier commands included, without calls in flight."""
        with self._changed:
            return self._spent

    def reserve(self, prompt: Cost, whole: Cost) -> Cost:
        """Reserve `whole`, the most that a request can cost, of which `prompt` is for its prompt.

        Waits where the prompt may fit once calls in flight have shown what they really cost. Raises
        BudgetSpent where it cannot. Returns what `settle` wants back.
        """
        with self._changed:
            while True:
                committed = sum(self._reserved, self._spent)
                tight = [c for c in self._caps if c.spent(committed) + c.spent(prompt) > c.most]
                if not tight:
                    self._reserved.append(whole)
                    return whole
                for cap in tight:
                    # Calls in flight can turn out cheaper than reserved, or may never be sent.
                    if cap.spent(self._spent) + cap.spent(prompt) > cap.most:
                        raise self._reached(cap)
                self._changed.wait()

    def settle(self, reserved: Cost, cost: Cost) -> None:
        """Replace a reservation by what the request did cost."""
        with self._changed:
            self._reserved.remove(reserved)
            self._spent += cost
            self._changed.notify_all()

    def _reached(self, cap: Cap) -> BudgetSpent:
        return BudgetSpent(
            f"The cap of {cap.shown(cap.most)} is reached: {cap.shown(cap.spent(self._spent))} are "
            "spent, and the next prompt would pass it.",
            f"Raise {cap.option} to go on.",
        )
