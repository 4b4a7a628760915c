import numpy as np

from taskwright.world import HumanoidEnv

FLOOR = [0.55, 0.55, 0.6, 1.0]
COLORS = [[0.9, 0.3, 0.2, 1.0], [0.2, 0.5, 0.9, 1.0]]
HEIGHT_M = 1.4
LOWERED_M = 0.4


class Env(HumanoidEnv):
    """Topple the columns

    Description:
    Two columns of 3 kg, 1.4 m tall, red and blue, stand 3 and 6 m ahead of the robot, each up to
    1 m to the left or to the right. The robot has to run into both of them.

    Success:
    Both columns have fallen.

    Rewards:
    - approach: how fast the distance to the nearest column that stands shrinks, m/s.
    - topple: 10 when a column falls.

    Termination:
    The robot is more than 12 m away from where it began.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [20, 20, 0.5], [0, 0, -0.5], FLOOR)
        self.columns = [
            self.create_box(3.0, [0.3, 0.3, HEIGHT_M / 2], [3 + 3 * n, 0, HEIGHT_M / 2], color)
            for n, color in enumerate(COLORS)
        ]

    def reset(self):
        observation = super().reset()
        base = self.robot.links["base"]
        self._p.resetBasePositionAndOrientation(
            self.robot.robot_id, [0, 0, base.position_init[2]], [0, 0, 0, 1]
        )
        for n, column in enumerate(self.columns):
            place = [3 + 3 * n, self.np_random.uniform(-1, 1), HEIGHT_M / 2]
            self._p.resetBasePositionAndOrientation(column, place, [0, 0, 0, 1])
        self.standing = list(self.columns)
        self.distance = self.measure_distance()
        return observation

    def measure_distance(self):
        return min((self.get_distance_to_object(column) for column in self.standing), default=0.0)

    def get_task_rewards(self, action):
        distance = self.measure_distance()
        approach = (self.distance - distance) / self.dt
        standing = [c for c in self.standing if self.get_object_position(c)[2] > LOWERED_M]
        fallen = len(self.standing) - len(standing)
        self.standing = standing
        self.distance = self.measure_distance()
        return {"approach": np.clip(approach, -10, 10), "topple": min(10.0 * fallen, 10.0)}

    def get_terminated(self, action):
        return np.hypot(*self.robot.links["base"].position[:2]) > 12.0

    def get_success(self):
        return len(self.standing) == 0
