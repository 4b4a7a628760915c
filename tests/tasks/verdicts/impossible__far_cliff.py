import numpy as np

from taskwright.world import R2D2Env

GREY = [0.6, 0.6, 0.6, 1.0]
RED = [0.8, 0.2, 0.2, 1.0]
BLUE = [0.2, 0.3, 0.8, 1.0]


class Env(R2D2Env):
    """
    Cross to the cliff

    Description:
    The robot stands on a platform of 4 m by 4 m. A cliff with a red flag rises 3 m higher, across
    a gap of 14 m.

    Success:
    The robot stands on the cliff.

    Rewards:
    The speed (m/s) at which the robot nears the goal.

    Termination:
    The robot has fallen off its platform.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [2.0, 2.0, 0.5], [0.0, 0.0, -0.5], GREY)
        self.create_box(0.0, [2.0, 2.0, 0.5], [18.0, 0.0, 2.5], BLUE)
        self.goal = self.create_cylinder(0.0, 0.1, 2.0, [18.0, 0.0, 4.0], RED)

    def reset(self):
        observation = super().reset()
        self.distance = self.get_distance_to_object(self.goal)
        return observation

    def get_task_rewards(self, action):
        distance = self.get_distance_to_object(self.goal)
        speed = (self.distance - distance) / self.dt
        self.distance = distance
        return {"approach": np.clip(speed, -10.0, 10.0)}

    def get_terminated(self, action):
        return bool(self.robot.links["base"].position[2] < -1.0)

    def get_success(self):
        x, _, z = self.robot.links["base"].position
        return bool(x > 16.0 and z > 3.0)
