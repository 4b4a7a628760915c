import numpy as np

from taskwright.world import R2D2Env

MEADOW = [0.52, 0.62, 0.45, 1.0]
RED = [0.85, 0.15, 0.1, 1.0]
ARRIVED_M = 1.0


class Env(R2D2Env):
    """Drive to the beacon

    Description:
    A red beacon, a pillar 2 m tall, stands on an open meadow. It is 5 to 9 m away from the robot,
    in any direction. The robot has to turn towards it and drive there.

    Success:
    The robot is within 1 m of the beacon's axis, measured along the ground.

    Rewards:
    - approach: how fast the distance to the beacon shrinks, m/s.
    - arrival: 10 in each step spent within 1 m of the beacon's axis.

    Termination:
    The robot has fallen off the meadow, which ends 15 m from where the robot starts.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [15, 15, 0.5], [0, 0, -0.5], MEADOW)
        self.beacon = self.create_cylinder(0.0, 0.3, 2.0, [6, 0, 1], RED)

    def reset(self):
        observation = super().reset()
        self._p.resetBasePositionAndOrientation(self.robot.robot_id, [0, 0, 0.5], [0, 0, 0, 1])
        direction = self.np_random.uniform(-np.pi, np.pi)
        distance = self.np_random.uniform(5, 9)
        place = [distance * np.cos(direction), distance * np.sin(direction), 1.0]
        self._p.resetBasePositionAndOrientation(self.beacon, place, [0, 0, 0, 1])
        self.distance = self.get_distance_to_object(self.beacon)
        return observation

    def get_task_rewards(self, action):
        distance = self.get_distance_to_object(self.beacon)
        approach = (self.distance - distance) / self.dt
        self.distance = distance
        return {
            "approach": np.clip(approach, -10, 10),
            "arrival": 10.0 * self.get_success(),
        }

    def get_terminated(self, action):
        return self.robot.links["base"].position[2] < -1.0

    def get_success(self):
        return self.get_distance_to_object(self.beacon) < ARRIVED_M
