import numpy as np

from taskwright.world import R2D2Env

GREY = [0.6, 0.6, 0.6, 1.0]
BLUE = [0.2, 0.3, 0.8, 1.0]


class Env(R2D2Env):
    """
    Push the crate off the table

    Description:
    A blue crate stands 2 m ahead of the robot on a table of 8 m by 8 m.

    Success:
    The crate lies below the table's top. (The code gives it mass 0, which fixes it in place.)

    Rewards:
    The speed (m/s) at which the robot nears the crate.

    Termination:
    The robot has fallen off the table.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [4.0, 4.0, 0.5], [0.0, 0.0, -0.5], GREY)
        self.crate = self.create_box(0.0, [0.3, 0.3, 0.3], [2.0, 0.0, 0.3], BLUE)

    def reset(self):
        observation = super().reset()
        self.distance = self.get_distance_to_object(self.crate)
        return observation

    def get_task_rewards(self, action):
        distance = self.get_distance_to_object(self.crate)
        speed = (self.distance - distance) / self.dt
        self.distance = distance
        return {"approach": np.clip(speed, -10.0, 10.0)}

    def get_terminated(self, action):
        return bool(self.robot.links["base"].position[2] < -1.0)

    def get_success(self):
        return self.get_object_position(self.crate)[2] < -0.5
