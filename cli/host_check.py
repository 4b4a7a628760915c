"""What `doctor` finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class HostCheck:
    """One thing that was looked at. `limited` works, with what is missing said."""

    name: str
    state: Literal["ok", "limited", "failed"]
    detail: str
