import math
import random

import numpy as np

from taskwright.world import R2D2Env

# module


class Env(R2D2Env):
    """Drive to the goal

    Description:
    The robot stands on a wide floor with a crate and a ball on it. The goal, a place 5 to 8 m away
    in any direction, is marked by a disc.

    Success:
    The robot is within 1 m of the goal.

    Rewards:
    The speed (m/s) at which the robot nears the goal.

    Termination:
    The robot has fallen off the floor.
    """

    def __init__(self):
        super().__init__()
        self.ground = self.create_box(0.0, [15, 15, 0.5], [0, 0, -0.5], [0.5, 0.6, 0.5, 1])
        self.crate = self.create_box(5.0, [0.3, 0.3, 0.3], [2, 2, 0.3], [0.6, 0.4, 0.2, 1])
        self.ball = self.create_sphere(1.0, 0.2, [2, -2, 0.2], [0.9, 0.2, 0.2, 1])
        paint = self._p.createVisualShape(
            self._p.GEOM_CYLINDER, radius=1.0, length=0.02, rgbaColor=[0.2, 0.8, 0.2, 1]
        )
        self.disc = self._p.createMultiBody(0, -1, paint, [6, 0, 0.01])
        self.count = 0
        # init

    def reset(self):
        observation = super().reset()
        self._p.resetBasePositionAndOrientation(self.robot.robot_id, [0, 0, 0.5], [0, 0, 0, 1])
        direction = random.uniform(-math.pi, math.pi)
        distance = self.np_random.uniform(5, 8)
        self.goal = distance * np.array([math.cos(direction), math.sin(direction)])
        self._p.resetBasePositionAndOrientation(self.disc, [*self.goal, 0.01], [0, 0, 0, 1])
        # reset
        self.distance = self.measure_distance()
        return observation

    def measure_distance(self):
        return float(np.linalg.norm(self.goal - self.robot.links["base"].position[:2]))

    def step(self, action):
        # before_step
        observation, reward, terminated, truncated, info = super().step(action)
        # after_step
        return observation, reward, terminated, truncated, info

    def get_task_rewards(self, action):
        # rewards
        distance = self.measure_distance()
        speed = (self.distance - distance) / self.dt
        self.distance = distance
        return {"approach": np.clip(speed, -10.0, 10.0)}

    def get_terminated(self, action):
        # terminated
        return self.robot.links["base"].position[2] < -1.0

    def get_success(self):
        # success
        return self.measure_distance() < 1.0

    # class
