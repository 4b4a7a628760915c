import random

import numpy as np

from taskwright.world import R2D2Env


class Env(R2D2Env):
    """Go to the box that differs.

    Four blue boxes and a yellow one stand on a line in random order; the robot touches the yellow
    one, or comes within 1.1 m of its centre.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [30, 30, 0.5], [0, 0, -0.5], [0.5, 0.5, 0.5, 1])
        paint = lambda odd: [1, 0.9, 0, 1] if odd else [0.1, 0.2, 0.9, 1]  # noqa: E731
        self.boxes = [
            self.create_box(0.0, [0.3, 0.3, 0.3], [4, 3 * (n - 2), 0.3], paint(n == 0))
            for n in range(5)
        ]
        self.odd = self.boxes[0]

    def reset(self):
        observation = super().reset()
        places = [3 * (n - 2) for n in range(5)]
        random.shuffle(places)
        jitter = np.random.default_rng().normal(scale=0.1, size=5)

        def place(box, y, offset):
            x = 4.0 + random.random() + np.random.uniform(-0.2, 0.2)
            self._p.resetBasePositionAndOrientation(box, [x, y + offset, 0.3], [0, 0, 0, 1])

        for box, y, offset in zip(self.boxes, places, jitter):  # noqa: B905
            place(box, y, offset)
        facing = self._p.getQuaternionFromEuler([0, 0, self.np_random.uniform(-np.pi, np.pi)])
        self._p.resetBasePositionAndOrientation(self.robot.robot_id, [0, 0, 0.5], facing)
        self.distance = self.get_distance_to_object(self.odd)
        return observation

    def get_task_rewards(self, action):
        distance = self.get_distance_to_object(self.odd)
        try:
            bonus = min(0.1 / (distance - 1.1), 0.1)
        except ZeroDivisionError:
            bonus = 0.1
        rewards = {"progress": (self.distance - distance) / self.dt}
        rewards["near"] = max(bonus, 0.0)
        self.distance = distance
        return rewards

    def get_terminated(self, action):
        return False

    def get_success(self):
        touching = len(self._p.getContactPoints(self.robot.robot_id, self.odd)) > 0
        return touching or self.get_distance_to_object(self.odd) < 1.1
