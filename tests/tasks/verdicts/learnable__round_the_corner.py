import numpy as np

from taskwright.world import R2D2Env

GREY = [0.6, 0.6, 0.6, 1.0]


class Env(R2D2Env):
    """
    Drive round the corner

    Description:
    A causeway 6 m wide leads 8 m ahead over an abyss, bends to the left and goes on for 10 m. The
    robot begins at one end of it.

    Success:
    The robot is 7 m to the left of where it began, on the causeway.

    Rewards:
    The speed (m/s) along the causeway: ahead as far as the bend, and to the left.

    Termination:
    The robot has fallen off.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [7.5, 3.0, 0.5], [3.5, 0.0, -0.5], GREY)
        self.create_box(0.0, [3.0, 5.0, 0.5], [8.0, 8.0, -0.5], GREY)

    def reset(self):
        observation = super().reset()
        self.way = self.measure_way()
        return observation

    def measure_way(self):
        x, y, _ = self.robot.links["base"].position
        return min(x, 8.0) + max(y, 0.0)

    def get_task_rewards(self, action):
        way = self.measure_way()
        speed = (way - self.way) / self.dt
        self.way = way
        return {"along": np.clip(speed, -10.0, 10.0)}

    def get_terminated(self, action):
        return bool(self.robot.links["base"].position[2] < -1.0)

    def get_success(self):
        _, y, z = self.robot.links["base"].position
        return bool(y > 7.0 and z > 0.0)
