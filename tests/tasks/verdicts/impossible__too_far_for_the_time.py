import numpy as np

from taskwright.world import R2D2Env

GREY = [0.6, 0.6, 0.6, 1.0]
RED = [0.8, 0.2, 0.2, 1.0]


class Env(R2D2Env):
    """
    Reach the distant tower

    Description:
    A red tower stands 400 m ahead on an endless plain.

    Success:
    The robot is within 2 m of the tower.

    Rewards:
    The speed (m/s) at which the robot nears the goal.

    Termination:
    The robot has driven off the plain.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [500.0, 20.0, 0.5], [400.0, 0.0, -0.5], GREY)
        self.goal = self.create_cylinder(0.0, 0.5, 4.0, [400.0, 0.0, 2.0], RED)

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
        return self.get_distance_to_object(self.goal) < 2.0
