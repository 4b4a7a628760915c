import numpy as np

from taskwright.world import R2D2Env

CONCRETE = [0.62, 0.63, 0.65, 1.0]
WOOD = [0.75, 0.5, 0.22, 1.0]
GREEN = [0.2, 0.7, 0.3, 1.0]
ZONE_HALF_M = 1.5
ZONE_CENTRE = np.array([6.0, 0.0])


class Env(R2D2Env):
    """Push the crate into the zone

    Description:
    A wooden crate of 10 kg and 1 m side stands between the robot and a green zone painted on the
    concrete, a square of 3 m side whose centre is 6 m ahead of the robot. The crate begins 3 m
    ahead and up to 0.6 m to the left or right, so the robot has to line up behind it and push it.

    Success:
    The crate's centre is inside the green zone.

    Rewards:
    - approach: how fast the robot nears the spot right behind the crate, as seen from the zone's
      centre, m/s, at half weight: from there a push is straight.
    - push: how fast the distance from the crate to the zone's centre shrinks, m/s.
    - delivery: 10 in each step in which the crate's centre is inside the zone.

    Termination:
    The robot or the crate has fallen off the concrete.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [6, 4, 0.5], [3.5, 0, -0.5], CONCRETE)
        self.crate = self.create_box(10.0, [0.5, 0.5, 0.5], [3, 0, 0.5], WOOD)
        # The zone can be seen but not touched: it has no collision shape.
        paint = self._p.createVisualShape(
            self._p.GEOM_BOX, halfExtents=[ZONE_HALF_M, ZONE_HALF_M, 0.01], rgbaColor=GREEN
        )
        self._p.createMultiBody(baseVisualShapeIndex=paint, basePosition=[*ZONE_CENTRE, 0.01])

    def reset(self):
        observation = super().reset()
        self._p.resetBasePositionAndOrientation(self.robot.robot_id, [0, 0, 0.5], [0, 0, 0, 1])
        place = [3, self.np_random.uniform(-0.6, 0.6), 0.5]
        self._p.resetBasePositionAndOrientation(self.crate, place, [0, 0, 0, 1])
        self.robot_to_spot, self.crate_to_zone = self.measure_distances()
        return observation

    def measure_distances(self):
        """From the robot to the spot to push from, and from the crate to the zone's centre, m."""
        crate = self.get_object_position(self.crate)[:2]
        crate_to_zone = np.linalg.norm(ZONE_CENTRE - crate)
        spot = crate - 0.7 * (ZONE_CENTRE - crate) / max(crate_to_zone, 0.1)
        return np.linalg.norm(spot - self.robot.links["base"].position[:2]), crate_to_zone

    def get_task_rewards(self, action):
        robot_to_spot, crate_to_zone = self.measure_distances()
        approach = (self.robot_to_spot - robot_to_spot) / self.dt
        push = (self.crate_to_zone - crate_to_zone) / self.dt
        self.robot_to_spot, self.crate_to_zone = robot_to_spot, crate_to_zone
        return {
            "approach": 0.5 * np.clip(approach, -10, 10),
            "push": np.clip(push, -10, 10),
            "delivery": 10.0 * self.get_success(),
        }

    def get_terminated(self, action):
        robot_z = self.robot.links["base"].position[2]
        return min(robot_z, self.get_object_position(self.crate)[2]) < -1.0

    def get_success(self):
        crate = self.get_object_position(self.crate)
        return np.max(np.abs(crate[:2] - ZONE_CENTRE)) < ZONE_HALF_M and crate[2] > 0.0
