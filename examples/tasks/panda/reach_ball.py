import numpy as np

from taskwright.world import PandaEnv

WOOD = [0.72, 0.58, 0.42, 1.0]
RED = [0.9, 0.2, 0.2, 0.9]
NEAR_M = 0.03


class Env(PandaEnv):
    """Reach the ball in the air

    Description:
    A red ball of light, 0.06 m wide, hangs in the air over a wooden table, anywhere within reach:
    0.34 to 0.6 m ahead, up to 0.3 m to the left or to the right, and 0.06 to 0.36 m high. The arm
    has to bring its gripper there. The ball can be seen and not touched.

    Success:
    The gripper is within 0.03 m of the ball's centre.

    Rewards:
    - approach: ten times the speed (m/s) at which the gripper nears the ball.

    Termination:
    None.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [0.5, 0.6, 0.05], [0.3, 0.0, -0.05], WOOD)
        light = self._p.createVisualShape(self._p.GEOM_SPHERE, radius=0.03, rgbaColor=RED)
        self.ball = self._p.createMultiBody(baseVisualShapeIndex=light)

    def reset(self):
        observation = super().reset()
        gripper = self.robot.gripper_position
        place = gripper
        while np.linalg.norm(place - gripper) < 0.15:
            place = self.np_random.uniform([0.34, -0.3, 0.06], [0.6, 0.3, 0.36])
        self._p.resetBasePositionAndOrientation(self.ball, place, [0, 0, 0, 1])
        self.distance = self.measure_distance()
        return observation

    def measure_distance(self):
        return np.linalg.norm(self.get_object_position(self.ball) - self.robot.gripper_position)

    def get_task_rewards(self, action):
        distance = self.measure_distance()
        approach = 10.0 * (self.distance - distance) / self.dt
        self.distance = distance
        return {"approach": np.clip(approach, -10, 10)}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return self.measure_distance() < NEAR_M
