import numpy as np

from taskwright.world import PandaEnv

WOOD = [0.72, 0.58, 0.42, 1.0]
BLUE = [0.2, 0.4, 0.9, 1.0]
GREEN = [0.2, 0.75, 0.3, 1.0]
HALF_M = 0.03
ZONE = np.array([0.61, 0.0])
ZONE_HALF_M = 0.06


class Env(PandaEnv):
    """Push the cube into the zone

    Description:
    A blue cube of 0.06 m and 0.2 kg stands on a wooden table, 0.38 to 0.43 m ahead of the arm and
    up to 0.1 m to the left or to the right. Behind it a green square of 0.12 m is painted on the
    table, its centre 0.61 m ahead. The arm has to get the cube into the square; pushing will do.

    Success:
    The cube's centre is over the green square, and the cube is on the table.

    Rewards:
    - approach: five times the speed (m/s) at which the gripper nears the spot in front of the cube,
      from which a push is straight.
    - push: ten times the speed at which the cube nears the middle of the square.

    Termination:
    The cube has fallen off the table.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [0.5, 0.6, 0.05], [0.3, 0.0, -0.05], WOOD)
        self.cube = self.create_box(0.2, [HALF_M] * 3, [0.44, 0.0, HALF_M], BLUE)
        paint = self._p.createVisualShape(
            self._p.GEOM_BOX, halfExtents=[ZONE_HALF_M, ZONE_HALF_M, 0.002], rgbaColor=GREEN
        )
        self._p.createMultiBody(baseVisualShapeIndex=paint, basePosition=[*ZONE, 0.002])

    def reset(self):
        observation = super().reset()
        place = self.np_random.uniform([0.38, -0.1], [0.43, 0.1])
        self._p.resetBasePositionAndOrientation(self.cube, [*place, HALF_M], [0, 0, 0, 1])
        self.to_spot, self.to_zone = self.measure_distances()
        return observation

    def measure_distances(self):
        """From the gripper to the spot to push from, and from the cube to the square, m."""
        cube = self.get_object_position(self.cube)
        way = ZONE - cube[:2]
        to_zone = np.linalg.norm(way)
        spot = cube - 0.06 * np.array([*way / max(to_zone, 0.02), 0.0])
        return np.linalg.norm(self.robot.gripper_position - spot), to_zone

    def get_task_rewards(self, action):
        to_spot, to_zone = self.measure_distances()
        approach = 5.0 * (self.to_spot - to_spot) / self.dt
        push = 10.0 * (self.to_zone - to_zone) / self.dt
        self.to_spot, self.to_zone = to_spot, to_zone
        return {"approach": np.clip(approach, -10, 10), "push": np.clip(push, -10, 10)}

    def get_terminated(self, action):
        return self.get_object_position(self.cube)[2] < -0.1

    def get_success(self):
        cube = self.get_object_position(self.cube)
        return np.max(np.abs(cube[:2] - ZONE)) < ZONE_HALF_M and 0.0 < cube[2] < 0.04
