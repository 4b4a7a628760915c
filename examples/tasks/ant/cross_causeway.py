import numpy as np

from taskwright.world import AntEnv

ROCK = [0.5, 0.5, 0.55, 1.0]
PLANK = [0.7, 0.55, 0.35, 1.0]
GREEN = [0.25, 0.65, 0.3, 1.0]
ACROSS_M = 9.0


class Env(AntEnv):
    """Cross the causeway

    Description:
    The robot stands on a rock, 4 m by 4 m. A wooden causeway, 2.8 m wide and 6 m long, leads ahead
    from it to a green island 4 m wide. Beside the causeway there is nothing to stand on.

    Success:
    The robot's torso is over the island, 9 m from where it started along the causeway.

    Rewards:
    - ahead: the speed of the torso along the causeway, m/s.
    - upright: 0.2 in each step.

    Termination:
    The robot's torso touches something, or has fallen below the causeway.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [2, 2, 0.5], [0, 0, -0.5], ROCK)
        self.create_box(0.0, [3, 1.4, 0.5], [5, 0, -0.5], PLANK)
        self.create_box(0.0, [2, 2, 0.5], [10, 0, -0.5], GREEN)

    def reset(self):
        observation = super().reset()
        base = self.robot.links["base"]
        place = [0, self.np_random.uniform(-0.4, 0.4), base.position_init[2]]
        self._p.resetBasePositionAndOrientation(self.robot.robot_id, place, [0, 0, 0, 1])
        self.position = base.position
        return observation

    def get_task_rewards(self, action):
        before, self.position = self.position, self.robot.links["base"].position
        speed = (self.position[0] - before[0]) / self.dt
        return {"ahead": np.clip(speed, -10, 10), "upright": 0.2}

    def get_terminated(self, action):
        base = self.robot.links["base"]
        touching = self._p.getContactPoints(bodyA=self.robot.robot_id, linkIndexA=base.index)
        return len(touching) > 0 or base.position[2] < -0.2

    def get_success(self):
        x, y, z = self.robot.links["base"].position
        return x > ACROSS_M and abs(y) < 2.0 and z > 0.0
