import numpy as np

from taskwright.world import R2D2Env

SAND = [0.78, 0.72, 0.57, 1.0]
BRICK = [0.62, 0.28, 0.22, 1.0]
BOARDS = [0.8, 0.6, 0.35, 1.0]
GREEN = [0.25, 0.7, 0.3, 1.0]
WALL_X_M = 3.0
FINISH_X_M = 5.0
DOORWAYS_Y_M = [-3.0, 0.0, 3.0]


class Env(R2D2Env):
    """Find the open doorway

    Description:
    A brick wall, too high to jump over, crosses a sandy yard from edge to edge, 3 m ahead of the
    robot. It has three doorways, each 1.6 m wide: in the middle, 3 m to the left and 3 m to the
    right. Two of them are boarded up, other ones in each episode. The robot has to find the one
    that is open and drive through it to the green strip behind the wall.

    Success:
    The robot is over the green strip, which begins 2 m behind the wall.

    Rewards:
    - progress: how fast the way to the strip, through the open doorway, shrinks, m/s.
    - finish: 10 in each step in which the robot is over the strip.

    Termination:
    The robot has fallen off the yard.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [4.5, 5, 0.5], [2.5, 0, -0.5], SAND)
        for left, right in [(-5, -3.8), (-2.2, -0.8), (0.8, 2.2), (3.8, 5)]:
            half_extents = [0.2, (right - left) / 2, 1]
            self.create_box(0.0, half_extents, [WALL_X_M, (left + right) / 2, 1], BRICK)
        self.boards = [
            self.create_box(0.0, [0.1, 0.8, 1], [WALL_X_M, y, 1], BOARDS) for y in (0, 3)
        ]
        # The strip can be seen but not touched: it has no collision shape.
        paint = self._p.createVisualShape(
            self._p.GEOM_BOX, halfExtents=[1, 5, 0.01], rgbaColor=GREEN
        )
        self._p.createMultiBody(baseVisualShapeIndex=paint, basePosition=[FINISH_X_M + 1, 0, 0.01])

    def reset(self):
        observation = super().reset()
        self._p.resetBasePositionAndOrientation(self.robot.robot_id, [0, 0, 0.5], [0, 0, 0, 1])
        self.open_y, *boarded = self.np_random.permutation(DOORWAYS_Y_M)
        for board, y in zip(self.boards, boarded, strict=True):
            self._p.resetBasePositionAndOrientation(board, [WALL_X_M, y, 1], [0, 0, 0, 1])
        self.way = self.measure_way()
        return observation

    def measure_way(self):
        """Length of the way from the robot to the strip, which leads through the doorway, m."""
        x, y, _ = self.robot.links["base"].position
        if x > WALL_X_M:
            return FINISH_X_M - x
        return np.hypot(WALL_X_M - x, self.open_y - y) + FINISH_X_M - WALL_X_M

    def get_task_rewards(self, action):
        way = self.measure_way()
        progress = (self.way - way) / self.dt
        self.way = way
        return {
            "progress": np.clip(progress, -10, 10),
            "finish": 10.0 * self.get_success(),
        }

    def get_terminated(self, action):
        return self.robot.links["base"].position[2] < -1.0

    def get_success(self):
        x, _, z = self.robot.links["base"].position
        return x > FINISH_X_M and z > 0.0
