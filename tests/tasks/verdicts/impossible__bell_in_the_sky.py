import numpy as np

from taskwright.world import R2D2Env

GREY = [0.6, 0.6, 0.6, 1.0]
RED = [0.8, 0.2, 0.2, 1.0]


class Env(R2D2Env):
    """
    Ring the bell

    Description:
    A red bell hangs 8 m above the floor, 3 m ahead of the robot. There is nothing to climb.

    Success:
    The robot touches the bell.

    Rewards:
    The speed (m/s) at which the robot nears the goal.

    Termination:
    None.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [20.0, 20.0, 0.5], [0.0, 0.0, -0.5], GREY)
        self.goal = self.create_sphere(0.0, 0.4, [3.0, 0.0, 8.0], RED)

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
