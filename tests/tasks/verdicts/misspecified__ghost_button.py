import numpy as np

from taskwright.world import R2D2Env

GREY = [0.6, 0.6, 0.6, 1.0]
RED = [0.8, 0.2, 0.2, 1.0]


class Env(R2D2Env):
    """
    Press the button

    Description:
    A red button stands 4 m ahead of the robot.

    Success:
    The robot touches the button. (The button has no collision shape, so nothing ever touches it.)

    Rewards:
    The speed (m/s) at which the robot nears the button.

    Termination:
    None.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [20.0, 20.0, 0.5], [0.0, 0.0, -0.5], GREY)
        shape = self._p.createVisualShape(
            self._p.GEOM_CYLINDER, radius=0.4, length=0.3, rgbaColor=RED
        )
        self.button = self._p.createMultiBody(
            baseVisualShapeIndex=shape, basePosition=[4.0, 0.0, 0.15]
        )

    def reset(self):
        observation = super().reset()
        self.distance = self.get_distance_to_object(self.button)
        return observation

    def get_task_rewards(self, action):
        distance = self.get_distance_to_object(self.button)
        speed = (self.distance - distance) / self.dt
        self.distance = distance
        return {"approach": np.clip(speed, -10.0, 10.0)}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return len(self._p.getContactPoints(self.robot.robot_id, self.button)) > 0
