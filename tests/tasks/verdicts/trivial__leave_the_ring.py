import numpy as np

from taskwright.world import R2D2Env

GREY = [0.6, 0.6, 0.6, 1.0]
RED = [0.8, 0.2, 0.2, 1.0]


class Env(R2D2Env):
    """
    Leave the ring

    Description:
    The robot stands on an open floor in the middle of a flat red ring of 1.5 m.

    Success:
    The robot is 1.5 m from where it began.

    Rewards:
    The speed (m/s) at which the robot gets away from the middle.

    Termination:
    None.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [20.0, 20.0, 0.5], [0.0, 0.0, -0.5], GREY)
        self.ring = self._p.createMultiBody(
            baseVisualShapeIndex=self._p.createVisualShape(
                self._p.GEOM_CYLINDER, radius=1.5, length=0.02, rgbaColor=RED
            ),
            basePosition=[0.0, 0.0, 0.01],
        )

    def reset(self):
        observation = super().reset()
        self.distance = self.get_distance_to_object(self.ring)
        return observation

    def get_task_rewards(self, action):
        distance = self.get_distance_to_object(self.ring)
        speed = (distance - self.distance) / self.dt
        self.distance = distance
        return {"away": np.clip(speed, -10.0, 10.0)}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return self.get_distance_to_object(self.ring) > 1.5
