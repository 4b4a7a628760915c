import numpy as np

from taskwright.world import PandaEnv

WOOD = [0.72, 0.58, 0.42, 1.0]
LIT = [1.0, 0.9, 0.2, 1.0]
DARK = [0.3, 0.3, 0.35, 1.0]
HEIGHT_M = 0.05


class Env(PandaEnv):
    """Press the button that is lit

    Description:
    Two round buttons, 0.06 m wide and 0.05 m high, stand on a wooden table, 0.38 to 0.56 m ahead
    of the arm: one 0.1 to 0.25 m to the left, one as far to the right. One of them is lit, the
    other is dark. The arm has to press the one that is lit from above.

    Success:
    The gripper is above the button that is lit and presses on it.

    Rewards:
    - approach: ten times the speed (m/s) at which the gripper nears the top of the button that is
      lit.

    Termination:
    The arm has touched the button that is dark.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [0.5, 0.6, 0.05], [0.3, 0.0, -0.05], WOOD)
        self.buttons = [
            self.create_cylinder(0.0, 0.03, HEIGHT_M, [0.44, y, HEIGHT_M / 2], DARK)
            for y in (-0.15, 0.15)
        ]

    def reset(self):
        observation = super().reset()
        for button, side in zip(self.buttons, (-1, 1), strict=True):
            x, y = self.np_random.uniform([0.38, 0.1], [0.56, 0.25])
            place = [x, side * y, HEIGHT_M / 2]
            self._p.resetBasePositionAndOrientation(button, place, [0, 0, 0, 1])
        lit = self.np_random.integers(2)
        self.lit, self.dark = self.buttons[lit], self.buttons[1 - lit]
        self._p.changeVisualShape(self.lit, -1, rgbaColor=LIT)
        self._p.changeVisualShape(self.dark, -1, rgbaColor=DARK)
        self.distance = self.measure_distance()
        return observation

    def measure_distance(self):
        off = self.get_object_position(self.lit) - self.robot.gripper_position
        off[2] += HEIGHT_M / 2
        return np.linalg.norm(off)

    def get_task_rewards(self, action):
        distance = self.measure_distance()
        approach = 10.0 * (self.distance - distance) / self.dt
        self.distance = distance
        return {"approach": np.clip(approach, -10, 10)}

    def get_terminated(self, action):
        return len(self._p.getContactPoints(self.robot.robot_id, self.dark)) > 0

    def get_success(self):
        touches = len(self._p.getContactPoints(self.robot.robot_id, self.lit)) > 0
        return touches and self.robot.gripper_position[2] > HEIGHT_M
