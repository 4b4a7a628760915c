"""What was measured of robots and of the bodies around them, for prompts and documentation.

`benchmarks/data_sheets.py` measures it anew and says what each number is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "robots" / "assets" / "data_sheets.json"
SHEETS: dict[str, dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
"""By the names of robots, and `bodies` for what holds with each of them."""


def heaviest_pushed(robot: str, metres: float) -> int:
    """The mass in kg of the heaviest box that a robot pushed so far, at least, in 5 s."""
    pushed = SHEETS[robot]["pushes_m_by_kg"]
    return max(int(mass) for mass, gone in pushed.items() if gone >= metres)
