import numpy as np

from taskwright.sandbox.world import R2D2Env

GREY = [0.6, 0.6, 0.6, 1.0]


class Env(R2D2Env):
    """
    Drive along the causeway

    Description:
    A causeway 4 m wide and 24 m long leads over an abyss. The robot begins at one end of it.

    Success:
    The robot is 18 m ahead of where it began.

    Rewards:
    The speed ahead, m/s.

    Termination:
    The robot has fallen off.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [12.0, 2.0, 0.5], [10.0, 0.0, -0.5], GREY)

    def reset(self):
        observation = super().reset()
        self.x = 0.0
        return observation

    def get_task_rewards(self, action):
        x = self.robot.links["base"].position[0]
        speed = (x - self.x) / self.dt
        self.x = x
        return {"ahead": np.clip(speed, -10.0, 10.0)}

    def get_terminated(self, action):
        return bool(self.robot.links["base"].position[2] < -1.0)

    def get_success(self):
        x, _, z = self.robot.links["base"].position
        return bool(x > 18.0 and z > 0.0)
