import numpy as np

from taskwright.world import R2D2Env

GREY = [0.6, 0.6, 0.6, 1.0]
RED = [0.8, 0.2, 0.2, 1.0]


class Env(R2D2Env):
    """
    Look around

    Description:
    The robot stands on an open floor with a red post ahead of it.

    Success:
    The robot has turned away from the post by a quarter turn.

    Rewards:
    How fast it turns away, rad/s.

    Termination:
    None.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [20.0, 20.0, 0.5], [0.0, 0.0, -0.5], GREY)
        self.create_cylinder(0.0, 0.2, 2.0, [4.0, 0.0, 1.0], RED)

    def reset(self):
        observation = super().reset()
        self.turned = abs(self.heading())
        return observation

    def heading(self):
        return self._p.getEulerFromQuaternion(self.robot.links["base"].orientation)[2]

    def get_task_rewards(self, action):
        turned = abs(self.heading())
        speed = (turned - self.turned) / self.dt
        self.turned = turned
        return {"turning": np.clip(speed, -10.0, 10.0)}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return abs(self.heading()) > np.pi / 2
