"""Walkers that come with the package, so that tasks of the Ant begin with legs that carry.

============ ===========================================================================
walker       what it does, in any task
============ ===========================================================================
ahead        follows the line from where the episode began along the world's x axis
nearest      goes to the nearest body that it does not stand on; stays where there is none
stand        stays where it is
============ ===========================================================================

They are ordinary policies of a trial: same observation, same network. A trial tries them as it
tries policies of the archive, and trains on from the best. What they can do is measured in
`walkers/ant.json`; `python -m taskwright.trainer.locomotion` makes them. The Humanoid has none:
docs/locomotion.md.

========== =============================================================================
module     holds
========== =============================================================================
body       the Ant as its gait feels it, the same from four sides
ground     where the gait is practised
oscillator a first gait, found by CMA-ES
scenes     what a walker sees, and where to go in it
datasheet  what the walkers can do
lessons    from the oscillator to a gait, from the gait to walkers
========== =============================================================================

This module imports neither torch nor PyBullet.
"""

from __future__ import annotations

from pathlib import Path

from ...task import Robot
from ..plans import ArchivedPolicy

FOLDER = Path(__file__).parent / "walkers"


def pretrained(robot: Robot) -> tuple[ArchivedPolicy, ...]:
    """The walkers of a robot, for a trial to begin with; none for R2D2, which drives by itself."""
    paths = sorted(FOLDER.glob(f"{robot}-*.npz"))
    return tuple(
        ArchivedPolicy(path.stem, f"walker {path.stem}", str(path), shipped=True) for path in paths
    )
