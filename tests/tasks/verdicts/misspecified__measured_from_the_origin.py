import numpy as np

from taskwright.world import R2D2Env

GREY = [0.6, 0.6, 0.6, 1.0]


class Env(R2D2Env):
    """
    Get away from the start

    Description:
    The robot begins on one side of an open floor, 3 m from its middle, and is to get away from
    there.

    Success:
    The robot is 5 m from where it began. (The code measures from the middle of the floor.)

    Rewards:
    The speed at which the robot gets away from the middle, m/s.

    Termination:
    None.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [20.0, 20.0, 0.5], [0.0, 0.0, -0.5], GREY)

    def reset(self):
        observation = super().reset()
        angle = self.np_random.uniform(-np.pi, np.pi)
        far = self.np_random.uniform(3.0, 6.5)
        place = [far * np.cos(angle), far * np.sin(angle), 0.5]
        self._p.resetBasePositionAndOrientation(self.robot.robot_id, place, [0, 0, 0, 1])
        self.distance = far
        return observation

    def measure_distance(self):
        return float(np.linalg.norm(self.robot.links["base"].position[:2]))

    def get_task_rewards(self, action):
        distance = self.measure_distance()
        speed = (distance - self.distance) / self.dt
        self.distance = distance
        return {"away": np.clip(speed, -10.0, 10.0)}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return self.measure_distance() > 5.0
