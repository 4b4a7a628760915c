import numpy as np

from taskwright.world import PandaEnv

WOOD = [0.72, 0.58, 0.42, 1.0]
RED = [0.9, 0.25, 0.2, 1.0]
GREEN = [0.2, 0.7, 0.3, 1.0]
HALF_M, LOWER_HALF_M = 0.022, 0.04


class Env(PandaEnv):
    """Stack the cubes

    Description:
    A red cube of 0.044 m and 0.08 kg lies on a wooden table, to the right of the middle, and a
    green one of 0.08 m and 0.5 kg to its left, 0.4 to 0.48 m ahead of the arm. The arm has to put
    the red cube onto the green one and let go of it.

    Success:
    The red cube lies on the green one, and the gripper does not hold it.

    Rewards:
    - approach: five times the speed (m/s) at which the gripper nears the red cube, until it holds
      it.
    - grasp: 10 when the gripper gets hold of the red cube, -10 when it loses it elsewhere than
      above the green one.
    - carry: ten times the speed at which the red cube that is held nears the spot above the green
      one.

    Termination:
    A cube has fallen off the table.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [0.5, 0.6, 0.05], [0.3, 0.0, -0.05], WOOD)
        self.red = self.create_box(0.08, [HALF_M] * 3, [0.44, -0.1, HALF_M], RED)
        self.green = self.create_box(0.5, [LOWER_HALF_M] * 3, [0.44, 0.1, LOWER_HALF_M], GREEN)

    def reset(self):
        observation = super().reset()
        for cube, y, half in ((self.red, -0.08, HALF_M), (self.green, 0.08, LOWER_HALF_M)):
            place = self.np_random.uniform([0.4, y - 0.03], [0.48, y + 0.03])
            self._p.resetBasePositionAndOrientation(cube, [*place, half], [0, 0, 0, 1])
        self.to_red, self.to_spot, self.held = *self.measure_distances(), False
        return observation

    def measure_distances(self):
        """From the gripper to the red cube, and from that to its place on the green one, m."""
        red = self.get_object_position(self.red)
        off = red - self.get_object_position(self.green)
        off[2] -= LOWER_HALF_M + HALF_M
        # From the side it has to come higher than it lies.
        off[2] = max(abs(off[2] - min(0.04, np.hypot(off[0], off[1]))) - 0.005, 0.0)
        return np.linalg.norm(red - self.robot.gripper_position), np.linalg.norm(off)

    def get_task_rewards(self, action):
        to_red, to_spot = self.measure_distances()
        held = self.robot.holds(self.red)
        approach = 0.0 if held else 5.0 * (self.to_red - to_red) / self.dt
        carry = 10.0 * (self.to_spot - to_spot) / self.dt if held and self.held else 0.0
        lost = self.held and not held and to_spot > 0.03
        grasp = 10.0 * (held and not self.held) - 10.0 * lost
        self.to_red, self.to_spot, self.held = to_red, to_spot, held
        return {
            "approach": np.clip(approach, -10, 10),
            "grasp": grasp,
            "carry": np.clip(carry, -10, 10),
        }

    def get_terminated(self, action):
        heights = [self.get_object_position(cube)[2] for cube in (self.red, self.green)]
        return min(heights) < -0.1

    def get_success(self):
        red, green = self.get_object_position(self.red), self.get_object_position(self.green)
        above = np.hypot(*(red - green)[:2]) < LOWER_HALF_M
        rests = abs(red[2] - green[2] - LOWER_HALF_M - HALF_M) < 0.01
        touches = len(self._p.getContactPoints(self.red, self.green)) > 0
        return above and rests and touches and not self.robot.holds(self.red)
