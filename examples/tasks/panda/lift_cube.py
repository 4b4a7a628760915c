import numpy as np

from taskwright.world import PandaEnv

WOOD = [0.72, 0.58, 0.42, 1.0]
RED = [0.9, 0.25, 0.2, 1.0]
HALF_M = 0.025
LIFTED_M = 0.15


class Env(PandaEnv):
    """Lift the cube

    Description:
    A red cube of 0.05 m and 0.1 kg lies on a wooden table, 0.38 to 0.54 m ahead of the arm and up
    to 0.15 m to the left or to the right. The arm has to grasp it and lift it.

    Success:
    The gripper holds the cube 0.15 m above the table.

    Rewards:
    - approach: five times the speed (m/s) at which the gripper nears the cube.
    - grasp: 10 when the gripper gets hold of the cube, -10 when it loses it.
    - lift: ten times the speed at which the cube that is held rises.

    Termination:
    The cube has fallen off the table.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [0.5, 0.6, 0.05], [0.3, 0.0, -0.05], WOOD)
        self.cube = self.create_box(0.1, [HALF_M] * 3, [0.44, 0.0, HALF_M], RED)

    def reset(self):
        observation = super().reset()
        place = self.np_random.uniform([0.38, -0.15], [0.54, 0.15])
        self._p.resetBasePositionAndOrientation(self.cube, [*place, HALF_M], [0, 0, 0, 1])
        self.distance, self.height, self.held = self.measure_distance(), HALF_M, False
        return observation

    def measure_distance(self):
        return np.linalg.norm(self.get_object_position(self.cube) - self.robot.gripper_position)

    def get_task_rewards(self, action):
        distance, held = self.measure_distance(), self.robot.holds(self.cube)
        height = self.get_object_position(self.cube)[2]
        approach = 5.0 * (self.distance - distance) / self.dt
        lift = 10.0 * (height - self.height) / self.dt if held and self.held else 0.0
        grasp = 10.0 * (held - self.held)
        self.distance, self.height, self.held = distance, height, held
        return {
            "approach": np.clip(approach, -10, 10),
            "grasp": grasp,
            "lift": np.clip(lift, -10, 10),
        }

    def get_terminated(self, action):
        return self.get_object_position(self.cube)[2] < -0.1

    def get_success(self):
        lifted = self.get_object_position(self.cube)[2] - HALF_M > LIFTED_M
        return self.robot.holds(self.cube) and lifted
