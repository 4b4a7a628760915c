import numpy as np

from taskwright.world import R2D2Env


class Crate:
    """What the task remembers of its crate."""

    def __init__(self, body, start):
        self.body = body
        self.start = np.array(start)


class Env(R2D2Env):
    """Push the crate off the table.

    The robot stands on a large low table with a light crate near its edge, and pushes it down.
    Success is when the crate's centre is below the table's top; the episode ends there.
    """

    def __init__(self):
        super().__init__()
        self.ground = self.create_box(0.0, [20, 20, 0.5], [0, 0, -0.5], [0.5, 0.6, 0.5, 1])
        self.table = self.create_box(0.0, [5, 3, 0.5], [2, 0, 0.5], [0.6, 0.4, 0.2, 1])
        self.crate = Crate(
            self.create_box(5.0, [0.3, 0.3, 0.3], [5, 0, 1.3], [0.9, 0.7, 0.4, 1]), [5, 0, 1.3]
        )
        self.data = []

    def create_box(self, mass, half_extents, position, color):
        body = super().create_box(mass, half_extents, position, color)
        self._p.changeDynamics(body, -1, lateralFriction=0.5, restitution=0.1)
        return body

    def reset(self):
        observation = super().reset()
        crate = self.crate
        self._p.resetBasePositionAndOrientation(self.robot.robot_id, [0, 0, 1.5], [0, 0, 0, 1])
        self._p.resetBasePositionAndOrientation(crate.body, crate.start, [0, 0, 0, 1])
        self._p.resetBaseVelocity(crate.body, linearVelocity=[0, 0, 0], angularVelocity=[0, 0, 0])
        self.data = [0.0, 0.0]
        return observation

    def get_task_rewards(self, action):
        self.data[0] += 1.0
        self.data[1] = max(self.data[1], self.get_object_position(self.crate.body)[0])
        moved = self.get_object_position(self.crate.body)[0] - self.crate.start[0]
        assert np.isfinite(moved), "the crate is nowhere"
        return {
            "near": -0.01 * self.get_distance_to_object(self.crate.body),
            **{name: np.float32(0.1) * moved for name in ("moved",)},
        }

    def get_terminated(self, action):
        return self.get_success()

    def get_success(self):
        return self.get_object_position(self.crate.body)[2] < 1.0
