import numpy as np

from taskwright.world import R2D2Env

GREY = [0.6, 0.6, 0.6, 1.0]
RED = [0.8, 0.2, 0.2, 1.0]


class Env(R2D2Env):
    """
    Face the drone

    Description:
    A red drone hangs in the air 4 m from the robot, in any direction.

    Success:
    The robot has faced the drone, within 0.3 rad, for half a second without a break.

    Rewards:
    How fast the angle to the drone shrinks, rad/s, and 1 while the robot faces it.

    Termination:
    None.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [20.0, 20.0, 0.5], [0.0, 0.0, -0.5], GREY)
        self.drone = self.create_sphere(0.0, 0.4, [4.0, 0.0, 1.5], RED)

    def reset(self):
        observation = super().reset()
        angle = self.np_random.uniform(-np.pi, np.pi)
        place = [4.0 * np.cos(angle), 4.0 * np.sin(angle), 1.5]
        self._p.resetBasePositionAndOrientation(self.drone, place, [0.0, 0.0, 0.0, 1.0])
        self.angle, self.faced_s = self.measure_angle(), 0.0
        return observation

    def measure_angle(self):
        base = self.robot.links["base"]
        heading = self._p.getEulerFromQuaternion(base.orientation)[2]
        x, y, _ = self.get_object_position(self.drone) - base.position
        off = np.arctan2(y, x) - heading
        return abs(np.arctan2(np.sin(off), np.cos(off)))

    def get_task_rewards(self, action):
        angle = self.measure_angle()
        turn = (self.angle - angle) / self.dt
        self.angle = angle
        self.faced_s = self.faced_s + self.dt if angle < 0.3 else 0.0
        return {"turn": np.clip(turn, -10.0, 10.0), "facing": 1.0 * (angle < 0.3)}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return self.faced_s > 0.5
