import numpy as np

from taskwright.world import AntEnv

MEADOW = [0.52, 0.62, 0.45, 1.0]
RED = [0.85, 0.15, 0.1, 1.0]
ARRIVED_M = 1.5


class Env(AntEnv):
    """Walk to the beacon

    Description:
    A red beacon, a pillar 2 m tall, stands on an open meadow. It is 4 to 10 m away from the robot,
    in any direction. The robot has to walk there on its four legs.

    Success:
    The robot is within 1.5 m of the beacon's axis, measured along the ground.

    Rewards:
    - approach: how fast the distance to the beacon shrinks, m/s.
    - arrival: 10 in each step spent within 1.5 m of the beacon's axis.

    Termination:
    The robot's torso touches the ground, or it has fallen off the meadow, which ends 20 m from
    where the robot starts.
    """

    def __init__(self):
        super().__init__()
        self.ground = self.create_box(0.0, [20, 20, 0.5], [0, 0, -0.5], MEADOW)
        self.beacon = self.create_cylinder(0.0, 0.3, 2.0, [6, 0, 1], RED)

    def reset(self):
        observation = super().reset()
        base = self.robot.links["base"]
        self._p.resetBasePositionAndOrientation(
            self.robot.robot_id, [0, 0, base.position_init[2]], [0, 0, 0, 1]
        )
        direction = self.np_random.uniform(-np.pi, np.pi)
        distance = self.np_random.uniform(4, 10)
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
        base = self.robot.links["base"]
        touching = self._p.getContactPoints(
            bodyA=self.robot.robot_id, bodyB=self.ground, linkIndexA=base.index
        )
        return len(touching) > 0 or base.position[2] < -1.0

    def get_success(self):
        return self.get_distance_to_object(self.beacon) < ARRIVED_M
