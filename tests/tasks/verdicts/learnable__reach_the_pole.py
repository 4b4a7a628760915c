import numpy as np

from taskwright.world import R2D2Env

GREY = [0.6, 0.6, 0.6, 1.0]
RED = [0.8, 0.2, 0.2, 1.0]


class Env(R2D2Env):
    """
    Reach the pole

    Description:
    A red pole stands 5 m from the robot, in any direction, on an open floor.

    Success:
    The robot touches the pole.

    Rewards:
    The speed (m/s) at which the robot nears the pole.

    Termination:
    None.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [20.0, 20.0, 0.5], [0.0, 0.0, -0.5], GREY)
        self.pole = self.create_cylinder(0.0, 0.25, 2.0, [5.0, 0.0, 1.0], RED)

    def reset(self):
        observation = super().reset()
        angle = self.np_random.uniform(-np.pi, np.pi)
        place = [5.0 * np.cos(angle), 5.0 * np.sin(angle), 1.0]
        self._p.resetBasePositionAndOrientation(self.pole, place, [0.0, 0.0, 0.0, 1.0])
        self.distance = self.get_distance_to_object(self.pole)
        return observation

    def get_task_rewards(self, action):
        distance = self.get_distance_to_object(self.pole)
        speed = (self.distance - distance) / self.dt
        self.distance = distance
        return {"approach": np.clip(speed, -10.0, 10.0)}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return len(self._p.getContactPoints(self.robot.robot_id, self.pole)) > 0
