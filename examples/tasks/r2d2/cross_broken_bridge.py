import numpy as np

from taskwright.world import R2D2Env

STONE = [0.6, 0.58, 0.55, 1.0]
WOOD = [0.62, 0.4, 0.2, 1.0]
GREEN = [0.3, 0.7, 0.3, 1.0]
PLANKS = 2
PLANK_LENGTH_M = 4.0


class Env(R2D2Env):
    """Cross the broken bridge

    Description:
    A bridge leads from a stone bank along +x to a green bank. Two planks are left of it, each 4 m
    long and 2 m wide. The three gaps between them and the banks are 1.2 to 1.8 m wide, differently
    in each episode. There is nothing below: the robot has to drive straight and jump every gap.

    Success:
    The robot stands on the green bank.

    Rewards:
    - approach: how fast the distance to the middle of the green bank shrinks, m/s.
    - landing: 10 in each step in which the robot stands on the green bank.

    Termination:
    The robot has fallen 1 m below the bridge.
    """

    def __init__(self):
        super().__init__()
        # Everything is 0.5 m thick, with its top at z = 0.
        self.create_box(0.0, [2, 2, 0.25], [-1, 0, -0.25], STONE)
        self.planks = [
            self.create_box(0.0, [PLANK_LENGTH_M / 2, 1, 0.25], [4 + 6 * n, 0, -0.25], WOOD)
            for n in range(PLANKS)
        ]
        self.far_bank = self.create_box(0.0, [2, 2, 0.25], [16, 0, -0.25], GREEN)

    def reset(self):
        observation = super().reset()
        gaps = self.np_random.uniform(1.2, 1.8, PLANKS + 1)
        edge = 1.0  # x of the edge from which the next gap begins
        for plank, gap in zip(self.planks, gaps, strict=False):
            centre = [edge + gap + PLANK_LENGTH_M / 2, 0, -0.25]
            self._p.resetBasePositionAndOrientation(plank, centre, [0, 0, 0, 1])
            edge += gap + PLANK_LENGTH_M
        self._p.resetBasePositionAndOrientation(
            self.far_bank, [edge + gaps[-1] + 2, 0, -0.25], [0, 0, 0, 1]
        )
        start = [-1.5, self.np_random.uniform(-0.5, 0.5), 0.5]
        self._p.resetBasePositionAndOrientation(self.robot.robot_id, start, [0, 0, 0, 1])
        self.distance = self.get_distance_to_object(self.far_bank)
        return observation

    def get_task_rewards(self, action):
        distance = self.get_distance_to_object(self.far_bank)
        approach = (self.distance - distance) / self.dt
        self.distance = distance
        return {
            "approach": np.clip(approach, -10, 10),
            "landing": 10.0 * self.get_success(),
        }

    def get_terminated(self, action):
        return self.robot.links["base"].position[2] < -1.0

    def get_success(self):
        touches = self._p.getContactPoints(self.robot.robot_id, self.far_bank)
        return len(touches) > 0 and self.robot.links["base"].position[2] > 0.4
