"""What a policy did in a task that it did not learn: evidence for changing or renaming the task.

Told in words and numbers, from what a trial observes anyhow: how episodes ended, where the robot
was then, and which reward terms it earned. No simulator and no picture is needed.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from ...sandbox.vector import SandboxedEpisodes, Steps
from ...world.robots import robot_class
from ...world.scene import expand

MAX_TERMS = 6
"""Reward terms in the summary: those that gave most first."""


class Achievements:
    """Watches episodes as they are evaluated; `summary` puts them into words."""

    def __init__(self, episodes: SandboxedEpisodes, robot: str) -> None:
        self._episodes = episodes
        known = robot_class(robot)
        self._place, self._unit_m = known.place_numbers, known.unit_m
        self._earned: list[dict[str, float]] = [{} for _ in range(episodes.count)]
        self._ends: Counter[str] = Counter()
        self._places: list[NDArray[np.float64]] = []
        self._terms: list[dict[str, float]] = []

    def watch(self, steps: Steps, counted: NDArray[np.bool_]) -> None:
        """Take in a step; `counted` says which environments' episodes count."""
        names, terms = self._episodes.reward_terms()
        for earned, values in zip(self._earned, terms, strict=True):
            for name, value in zip(names, values, strict=True):
                if np.isfinite(value):
                    earned[name] = earned.get(name, 0.0) + float(value)
        for row in np.flatnonzero(steps.terminated | steps.truncated):
            if counted[row]:
                self._note_end(steps, int(row))
            self._earned[row] = {}

    def _note_end(self, steps: Steps, row: int) -> None:
        # A success ends an episode as well, and only then is its end no news.
        success, fell = bool(steps.successes[row]), bool(steps.terminated[row])
        self._ends["success" if success else "termination" if fell else "time"] += 1
        place = expand(steps.final_observations[row][self._place])
        self._places.append(self._unit_m * place)
        self._terms.append(self._earned[row])

    @property
    def summary(self) -> str:
        """One paragraph; empty where no episode has ended."""
        if not self._places:
            return ""
        ends = ", ".join(f"{count} by {how}" for how, count in self._ends.most_common())
        places = np.stack(self._places)
        x, y, z = np.median(places, axis=0)
        away = np.hypot(places[:, 0], places[:, 1])
        digits = 1 if self._unit_m >= 1.0 else 2
        return (
            f"Of {len(places)} episodes, {ends} ended. At the end the robot was "
            f"{np.median(away):.{digits}f} m from where it had begun (median; between "
            f"{away.min():.{digits}f} and {away.max():.{digits}f} m; median x {x:+.{digits}f}, "
            f"y {y:+.{digits}f}, z {z:+.{digits}f} m). "
            f"Reward terms, mean sum of an episode (lowest to highest): {self._terms_summary()}."
        )

    def _terms_summary(self) -> str:
        names = list(dict.fromkeys(name for terms in self._terms for name in terms))
        sums = {n: np.array([terms.get(n, 0.0) for terms in self._terms]) for n in names}
        order = sorted(names, key=lambda name: -float(np.abs(sums[name]).mean()))[:MAX_TERMS]
        return (
            "; ".join(
                f"{n} {sums[n].mean():.1f} ({sums[n].min():.1f} to {sums[n].max():.1f})"
                for n in order
            )
            or "none"
        )
