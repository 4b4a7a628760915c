import numpy as np

from taskwright.world import R2D2Env

GREY = [0.6, 0.6, 0.6, 1.0]
RED = [0.8, 0.2, 0.2, 1.0]


class Env(R2D2Env):
    """
    Light the lamp

    Description:
    A lamp stands 4 m ahead of the robot; it is to be lit.

    Success:
    The lamp is red. (It turns red by itself after a second in two episodes of five, whatever the
    robot does.)

    Rewards:
    The speed (m/s) at which the robot nears the lamp.

    Termination:
    None.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [20.0, 20.0, 0.5], [0.0, 0.0, -0.5], GREY)
        self.lamp = self.create_sphere(0.0, 0.4, [4.0, 0.0, 1.5], GREY)

    def reset(self):
        observation = super().reset()
        self._p.changeVisualShape(self.lamp, -1, rgbaColor=GREY)
        self.will_light = self.np_random.random() < 0.4
        self.clock_s = 0.0
        self.distance = self.get_distance_to_object(self.lamp)
        return observation

    def step(self, action):
        self.clock_s += self.dt
        if self.will_light and self.clock_s > 1.0:
            self._p.changeVisualShape(self.lamp, -1, rgbaColor=RED)
        return super().step(action)

    def get_task_rewards(self, action):
        distance = self.get_distance_to_object(self.lamp)
        speed = (self.distance - distance) / self.dt
        self.distance = distance
        return {"approach": np.clip(speed, -10.0, 10.0)}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return bool(self.will_light and self.clock_s > 1.0)
