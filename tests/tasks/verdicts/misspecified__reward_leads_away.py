import numpy as np

from taskwright.world import R2D2Env

GREY = [0.6, 0.6, 0.6, 1.0]
RED = [0.8, 0.2, 0.2, 1.0]


class Env(R2D2Env):
    """
    Return to the dock

    Description:
    A red dock stands 30 m behind the robot, on a long floor.

    Success:
    The robot is within 1 m of the dock.

    Rewards:
    The speed ahead, m/s (which leads away from the dock), and 0.1 for being at the dock.

    Termination:
    The robot has driven off the floor.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [150.0, 4.0, 0.5], [110.0, 0.0, -0.5], GREY)
        self.dock = self.create_cylinder(0.0, 0.3, 1.0, [-30.0, 0.0, 0.5], RED)

    def reset(self):
        observation = super().reset()
        self.x = 0.0
        return observation

    def get_task_rewards(self, action):
        x = self.robot.links["base"].position[0]
        speed = (x - self.x) / self.dt
        self.x = x
        docked = self.get_distance_to_object(self.dock) < 1.0
        return {"speed": np.clip(speed, -10.0, 10.0), "docked": 0.1 * docked}

    def get_terminated(self, action):
        return bool(self.robot.links["base"].position[2] < -1.0)

    def get_success(self):
        return self.get_distance_to_object(self.dock) < 1.0
