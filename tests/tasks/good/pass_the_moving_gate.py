import math

import numpy as np
from omni_epic.envs.r2d2.base import R2D2Env


class Env(R2D2Env):
    """
    Pass a moving gate.

    Description:
    A corridor with walls on both sides leads to a block that slides from side to side.
    The robot passes it without being pushed back and reaches the end of the corridor.

    Success:
    The robot is past x = 8 m.

    Rewards:
    Speed along the corridor, and a small price for touching the block.

    Termination:
    The robot has left the corridor.
    """

    def __init__(self):
        super().__init__()

        # Ground, walls and the block
        self.ground = self.create_box(
            mass=0.0, half_extents=[12, 4, 0.5], position=[4, 0, -0.5], color=[0.5, 0.5, 0.5, 1.0]
        )
        self.walls = []
        for side in (-1, 1):
            self.walls += [
                self.create_box(0.0, [8, 0.1, 0.5], [6, 2 * side, 0.5], [0.8, 0.8, 0.8, 1])
            ]
        self.block_position_init = [5.0, 0.0, 0.5]
        self.block = self.create_box(0.0, [0.2, 0.8, 0.5], self.block_position_init, [1, 0, 0, 1])
        self.time = 0.0
        self.counts = {"touch": 0, "free": 0}

    def reset(self, seed=None, options=None):
        observation = super().reset(seed=seed, options=options)
        self.time = 0.0
        self.counts = dict.fromkeys(self.counts, 0)
        self._p.resetBasePositionAndOrientation(
            self.robot.robot_id,
            [0.0, 0.0, self.robot.links["base"].position_init[2]],
            self.robot.links["base"].orientation_init,
        )
        self.move_block()
        return observation

    def move_block(self):
        y = math.sin(2 * math.pi * self.time / 4.0)
        self._p.resetBasePositionAndOrientation(self.block, [5.0, y, 0.5], [0.0, 0.0, 0.0, 1.0])

    def step(self, action):
        # Before taking the action
        self.position = self.robot.links["base"].position
        self.time += self.dt
        self.move_block()

        observation, reward, terminated, truncated, info = super().step(action)

        touching = bool(self._p.getContactPoints(self.robot.robot_id, self.block))
        self.counts["touch" if touching else "free"] += 1
        return observation, reward, terminated, truncated, info

    def get_task_rewards(self, action):
        # After taking the action
        new_position = self.robot.links["base"].position
        forward = (new_position[0] - self.position[0]) / self.dt
        touch = -0.1 if self._p.getContactPoints(self.robot.robot_id, self.block) else 0.0
        return {"forward": np.clip(forward, -10.0, 10.0), "touch": touch}

    def get_terminated(self, action):
        return np.abs(self.robot.links["base"].position[1]) > 3.0

    def get_success(self):
        return self.robot.links["base"].position[0] > 8.0
