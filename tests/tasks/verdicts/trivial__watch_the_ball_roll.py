import numpy as np

from taskwright.world import R2D2Env

GREY = [0.6, 0.6, 0.6, 1.0]
RED = [0.8, 0.2, 0.2, 1.0]
BLUE = [0.2, 0.3, 0.8, 1.0]


class Env(R2D2Env):
    """
    Watch the ball roll

    Description:
    A red ball rolls past the robot towards a wall, at 1 to 3 m/s.

    Success:
    The ball has hit the wall.

    Rewards:
    The speed of the ball, m/s.

    Termination:
    None.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [20.0, 20.0, 0.5], [0.0, 0.0, -0.5], GREY)
        self.ball = self.create_sphere(1.0, 0.3, [3.0, -3.0, 0.3], RED)
        self.wall = self.create_box(0.0, [2.0, 0.1, 1.0], [3.0, 5.0, 1.0], BLUE)

    def reset(self):
        observation = super().reset()
        self._p.resetBasePositionAndOrientation(self.ball, [3.0, -3.0, 0.3], [0, 0, 0, 1])
        speed = self.np_random.uniform(1.0, 3.0)
        self._p.resetBaseVelocity(self.ball, [0.0, speed, 0.0], [-speed / 0.3, 0.0, 0.0])
        return observation

    def get_task_rewards(self, action):
        velocity, _ = self._p.getBaseVelocity(self.ball)
        return {"rolling": float(np.clip(velocity[1], -10.0, 10.0))}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return len(self._p.getContactPoints(self.ball, self.wall)) > 0
