import numpy as np

from taskwright.world import PandaEnv

WOOD = [0.72, 0.58, 0.42, 1.0]
RED = [0.9, 0.2, 0.2, 1.0]
BLUE = [0.2, 0.35, 0.9, 1.0]
HALF_M = 0.03
ZONES = np.array([[0.48, 0.2], [0.48, -0.2]])
ZONE_HALF_M = 0.08


class Env(PandaEnv):
    """Sort the cube by its colour

    Description:
    A cube of 0.06 m and 0.15 kg stands in the middle of a wooden table, 0.44 to 0.52 m ahead of the
    arm; it is red or blue. A red square of 0.16 m is painted on the table to its left and a blue
    one to its right. The arm has to bring the cube into the square of its own colour.

    Success:
    The cube's centre is over the square of its colour, and the cube is on the table.

    Rewards:
    - approach: five times the speed (m/s) at which the gripper nears the spot beside the cube, from
      which it can push it towards the square of its colour.
    - push: ten times the speed at which the cube nears the middle of that square.

    Termination:
    The cube is over the other square, or has fallen off the table.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [0.5, 0.6, 0.05], [0.3, 0.0, -0.05], WOOD)
        self.cube = self.create_box(0.15, [HALF_M] * 3, [0.48, 0.0, HALF_M], RED)
        for zone, color in zip(ZONES, (RED, BLUE), strict=True):
            paint = self._p.createVisualShape(
                self._p.GEOM_BOX, halfExtents=[ZONE_HALF_M, ZONE_HALF_M, 0.002], rgbaColor=color
            )
            self._p.createMultiBody(baseVisualShapeIndex=paint, basePosition=[*zone, 0.002])

    def reset(self):
        observation = super().reset()
        place = self.np_random.uniform([0.44, -0.03], [0.52, 0.03])
        self._p.resetBasePositionAndOrientation(self.cube, [*place, HALF_M], [0, 0, 0, 1])
        self.kind = self.np_random.integers(2)
        self._p.changeVisualShape(self.cube, -1, rgbaColor=(RED, BLUE)[self.kind])
        self.to_spot, self.to_zone = self.measure_distances()
        return observation

    def measure_distances(self):
        """From the gripper to the spot to push from, and from the cube to its square, m."""
        cube = self.get_object_position(self.cube)
        way = ZONES[self.kind] - cube[:2]
        to_zone = np.linalg.norm(way)
        spot = cube - 0.08 * np.array([*way / max(to_zone, 0.02), 0.0])
        return np.linalg.norm(self.robot.gripper_position - spot), to_zone

    def is_over(self, zone):
        cube = self.get_object_position(self.cube)
        return np.max(np.abs(cube[:2] - zone)) < ZONE_HALF_M and 0.0 < cube[2] < 0.04

    def get_task_rewards(self, action):
        to_spot, to_zone = self.measure_distances()
        approach = 5.0 * (self.to_spot - to_spot) / self.dt
        push = 10.0 * (self.to_zone - to_zone) / self.dt
        self.to_spot, self.to_zone = to_spot, to_zone
        return {"approach": np.clip(approach, -10, 10), "push": np.clip(push, -10, 10)}

    def get_terminated(self, action):
        has_fallen = self.get_object_position(self.cube)[2] < -0.1
        return bool(has_fallen or self.is_over(ZONES[1 - self.kind]))

    def get_success(self):
        return self.is_over(ZONES[self.kind])
