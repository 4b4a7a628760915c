import numpy as np

from taskwright.world import R2D2Env

GREY = [0.6, 0.6, 0.6, 1.0]
BLUE = [0.2, 0.3, 0.8, 1.0]


class Env(R2D2Env):
    """
    Shove the crate

    Description:
    A light blue crate of 3 kg stands 2 m from the robot, ahead of it to the left or right, on an
    open floor.

    Success:
    The crate is 3 m from where it stood.

    Rewards:
    The speed (m/s) at which the robot nears the crate, and, twice as much, that at which the
    crate gets away from its place.

    Termination:
    None.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [20.0, 20.0, 0.5], [0.0, 0.0, -0.5], GREY)
        self.crate = self.create_box(3.0, [0.4, 0.4, 0.4], [2.0, 0.0, 0.4], BLUE)

    def reset(self):
        observation = super().reset()
        angle = self.np_random.choice([-1.0, 1.0]) * self.np_random.uniform(0.6, 1.5)
        self.place = np.array([2.0 * np.cos(angle), 2.0 * np.sin(angle), 0.4])
        self._p.resetBasePositionAndOrientation(self.crate, list(self.place), [0, 0, 0, 1])
        self.distance, self.moved = self.get_distance_to_object(self.crate), 0.0
        return observation

    def measure_moved(self):
        return float(np.linalg.norm((self.get_object_position(self.crate) - self.place)[:2]))

    def get_task_rewards(self, action):
        distance, moved = self.get_distance_to_object(self.crate), self.measure_moved()
        approach = (self.distance - distance) / self.dt
        shove = 2.0 * (moved - self.moved) / self.dt
        self.distance, self.moved = distance, moved
        return {"approach": np.clip(approach, -10.0, 10.0), "shove": np.clip(shove, -10.0, 10.0)}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return self.measure_moved() > 3.0
