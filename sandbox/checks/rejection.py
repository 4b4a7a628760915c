"""What a check says of a task that fails it."""

from __future__ import annotations


class Rejection(Exception):
    """A check failed: what was seen, what usually makes it happen, and what to change."""

    def __init__(self, symptom: str, cause: str, fix: str) -> None:
        super().__init__(symptom)
        self.symptom, self.cause, self.fix = symptom, cause, fix
