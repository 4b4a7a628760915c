import numpy as np

from taskwright.world import R2D2Env

GREY = [0.6, 0.6, 0.6, 1.0]
RED = [0.8, 0.2, 0.2, 1.0]
BLUE = [0.2, 0.3, 0.8, 1.0]


class Env(R2D2Env):
    """
    Get into the vault

    Description:
    A red post stands 5 m ahead, in a vault: four walls and a roof without a door, all fixed.

    Success:
    The robot touches the post.

    Rewards:
    The speed (m/s) at which the robot nears the goal.

    Termination:
    None.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [20.0, 20.0, 0.5], [0.0, 0.0, -0.5], GREY)
        self.goal = self.create_cylinder(0.0, 0.2, 1.5, [5.0, 0.0, 0.75], RED)
        for x, y in ((1.5, 0.0), (-1.5, 0.0), (0.0, 1.5), (0.0, -1.5)):
            half = [0.2, 1.7, 1.5] if x else [1.7, 0.2, 1.5]
            self.create_box(0.0, half, [5.0 + x, y, 1.5], BLUE)
        self.create_box(0.0, [1.7, 1.7, 0.2], [5.0, 0.0, 3.2], BLUE)

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
        return False

    def get_success(self):
        return len(self._p.getContactPoints(self.robot.robot_id, self.goal)) > 0
