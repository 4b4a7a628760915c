# Broken on purpose: step computes everything itself and forgets super().step.
import numpy as np
from taskwright.world import R2D2Env


class Env(R2D2Env):
    """Push the ball over the line.

    Description:
    An orange ball lies 2 m in front of the robot, which pushes it over a line 6 m away.

    Success:
    The ball's centre is beyond the line at x = 6 m.

    Rewards:
    The speed of the ball along x, clipped.

    Termination:
    The ball has left the field.
    """

    def __init__(self):
        super().__init__()
        self.field = self.create_box(0.0, [20, 20, 0.5], [0, 0, -0.5], [0.3, 0.6, 0.3, 1])
        self.ball = self.create_sphere(2.0, 0.3, [2, 0, 0.3], [1.0, 0.5, 0.0, 1])

    def reset(self):
        observation = super().reset()
        y = np.random.uniform(-1.0, 1.0)
        self._p.resetBasePositionAndOrientation(self.robot.robot_id, [0, y, 0.5], [0, 0, 0, 1])
        self._p.resetBasePositionAndOrientation(self.ball, [2, y, 0.3], [0, 0, 0, 1])
        self._p.resetBaseVelocity(self.ball, [0, 0, 0], [0, 0, 0])
        return observation

    def step(self, action):
        observation = self.robot.get_observation()
        terms = self.get_task_rewards(action)
        reward, info = sum(terms.values()), {"reward_terms": terms}
        terminated, truncated = self.get_terminated(action), False
        return observation, reward, terminated, truncated, info

    def get_task_rewards(self, action):
        speed = self._p.getBaseVelocity(self.ball)[0][0]
        return {"ball_speed": np.clip(speed, -5.0, 5.0)}

    def get_terminated(self, action):
        return bool(self.get_object_position(self.ball)[2] < 0.0)

    def get_success(self):
        return self.get_object_position(self.ball)[0] > 6.0
