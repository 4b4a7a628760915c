import numpy as np

from taskwright.world import R2D2Env

GREY = [0.6, 0.6, 0.6, 1.0]
BLUE = [0.2, 0.3, 0.8, 1.0]


class Env(R2D2Env):
    """
    Push the monolith

    Description:
    A blue block of 100 t stands 2 m ahead of the robot.

    Success:
    The block is 2 m further ahead.

    Rewards:
    The speed (m/s) at which the robot nears the block, and that of the block ahead, m/s.

    Termination:
    None.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [20.0, 20.0, 0.5], [0.0, 0.0, -0.5], GREY)
        self.goal = self.create_box(100_000.0, [1.0, 1.0, 1.0], [3.0, 0.0, 1.0], BLUE)

    def reset(self):
        observation = super().reset()
        self.distance = self.get_distance_to_object(self.goal)
        return observation

    def get_task_rewards(self, action):
        distance = self.get_distance_to_object(self.goal)
        approach = (self.distance - distance) / self.dt
        self.distance = distance
        push = self._p.getBaseVelocity(self.goal)[0][0]
        return {"approach": np.clip(approach, -10.0, 10.0), "push": np.clip(push, -10.0, 10.0)}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return self.get_object_position(self.goal)[0] > 5.0
