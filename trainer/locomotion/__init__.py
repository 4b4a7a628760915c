"""How the Ant's gait is made, the one that `world.robots.gait` walks with.

========== =============================================================================
module     holds
========== =============================================================================
ground     where the gait is practised
oscillator a first gait, found by CMA-ES
practice   from there to one that is fast: soft actor-critic, and mirror images
datasheet  what a gait can do
========== =============================================================================

`python -m taskwright.trainer.locomotion WORK_DIR` makes it; nothing else of ours needs this room.
The Humanoid's gait comes with PyBullet: `world.robots.humanoid_gait`.
"""
