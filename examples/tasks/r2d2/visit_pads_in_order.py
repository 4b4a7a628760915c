import numpy as np

from taskwright.world import R2D2Env

SLATE = [0.55, 0.58, 0.62, 1.0]
COLORS = [[0.9, 0.2, 0.15, 1.0], [0.2, 0.75, 0.3, 1.0], [0.15, 0.35, 0.95, 1.0]]
BLACK = [0.05, 0.05, 0.05, 1.0]
PAD_HALF_M = 1.0


class Env(R2D2Env):
    """Visit the pads in order

    Description:
    A red, a green and a blue pad, squares of 2 m side, lie on the floor around the robot: one 3 m
    ahead, the others 120 degrees to the left and to the right of it. Which lies where differs from
    episode to episode. The robot has to visit red first, then green, then blue. A pad turns black
    when the robot reaches it in its turn; driving over a pad before its turn does nothing.

    Success:
    All three pads have been visited in the order red, green, blue.

    Rewards:
    - approach: how fast the distance to the pad whose turn it is shrinks, m/s.
    - visit: 10 when the robot reaches a pad in its turn.

    Termination:
    The robot has fallen off the floor.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [5.5, 5.5, 0.5], [0, 0, -0.5], SLATE)
        self.pads = [self.create_pad(color) for color in COLORS]

    def create_pad(self, color):
        """A square that can be seen and driven over: it has no collision shape."""
        paint = self._p.createVisualShape(
            self._p.GEOM_BOX, halfExtents=[PAD_HALF_M, PAD_HALF_M, 0.01], rgbaColor=color
        )
        return self._p.createMultiBody(baseVisualShapeIndex=paint)

    def reset(self):
        observation = super().reset()
        self._p.resetBasePositionAndOrientation(self.robot.robot_id, [0, 0, 0.5], [0, 0, 0, 1])
        directions = self.np_random.permutation(3) * 2 * np.pi / 3
        for pad, color, direction in zip(self.pads, COLORS, directions, strict=True):
            place = [3 * np.cos(direction), 3 * np.sin(direction), 0.01]
            self._p.resetBasePositionAndOrientation(pad, place, [0, 0, 0, 1])
            self._p.changeVisualShape(pad, -1, rgbaColor=color)
        self.visited = 0
        self.distance = self.get_distance_to_object(self.pads[0])
        return observation

    def is_on(self, pad):
        offset = self.robot.links["base"].position - self.get_object_position(pad)
        return np.max(np.abs(offset[:2])) < PAD_HALF_M

    def get_task_rewards(self, action):
        if self.get_success():
            return {"approach": 0.0, "visit": 0.0}
        pad = self.pads[self.visited]
        distance = self.get_distance_to_object(pad)
        approach = np.clip((self.distance - distance) / self.dt, -10, 10)
        self.distance = distance
        if not self.is_on(pad):
            return {"approach": approach, "visit": 0.0}
        self._p.changeVisualShape(pad, -1, rgbaColor=BLACK)
        self.visited += 1
        if not self.get_success():
            # From now on the distance is the one to the next pad.
            self.distance = self.get_distance_to_object(self.pads[self.visited])
        return {"approach": approach, "visit": 10.0}

    def get_terminated(self, action):
        return self.robot.links["base"].position[2] < -1.0

    def get_success(self):
        return self.visited == len(self.pads)
