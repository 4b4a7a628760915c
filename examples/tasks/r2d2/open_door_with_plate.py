import numpy as np

from taskwright.world import R2D2Env

TILES = [0.72, 0.74, 0.77, 1.0]
WALL = [0.42, 0.44, 0.52, 1.0]
BROWN = [0.6, 0.32, 0.12, 1.0]
YELLOW = [0.95, 0.8, 0.1, 1.0]
GREEN = [0.2, 0.75, 0.3, 1.0]
PLATE_HALF_M = 0.7
DOOR_X_M = 3.0
BEHIND_X_M = 4.5
OPENING_SPEED_M_S = 2.0


class Env(R2D2Env):
    """Open the door with the plate

    Description:
    A wall from edge to edge divides a tiled floor, 3 m ahead of the robot. The only way through it
    is a brown door, 2 m wide and closed. A yellow pressure plate lies 3 m to the left or to the
    right of the robot. When the robot drives onto it, the plate turns green and the door sinks into
    the floor within a second, for good. The robot has to open the door and go through.

    Success:
    The plate has been pressed and the robot is at least 1.5 m behind the door.

    Rewards:
    - progress: how fast the way to the plate shrinks, m/s; once the plate is pressed, how fast the
      way through the door shrinks.
    - press: 10 when the plate is pressed.
    - passage: 10 in each step in which the task is accomplished.

    Termination:
    The robot has fallen off the floor.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [4, 5, 0.5], [2, 0, -0.5], TILES)
        for y in (-3, 3):
            self.create_box(0.0, [0.2, 2, 1], [DOOR_X_M, y, 1], WALL)
        self.door = self.create_box(0.0, [0.15, 1, 1], [DOOR_X_M, 0, 1], BROWN)
        paint = self._p.createVisualShape(
            self._p.GEOM_BOX, halfExtents=[PLATE_HALF_M, PLATE_HALF_M, 0.02], rgbaColor=YELLOW
        )
        self.plate = self._p.createMultiBody(baseVisualShapeIndex=paint)

    def reset(self):
        observation = super().reset()
        self._p.resetBasePositionAndOrientation(self.robot.robot_id, [0, 0, 0.5], [0, 0, 0, 1])
        place = [0, self.np_random.choice([-3, 3]), 0.02]
        self._p.resetBasePositionAndOrientation(self.plate, place, [0, 0, 0, 1])
        self._p.changeVisualShape(self.plate, -1, rgbaColor=YELLOW)
        self.move_door(1.0)
        self.pressed = False
        self.way = self.measure_way()
        return observation

    def move_door(self, z):
        """Put the door's centre at this height, m: 1.0 is closed, -1.0 is open."""
        self.door_z = z
        self._p.resetBasePositionAndOrientation(self.door, [DOOR_X_M, 0, z], [0, 0, 0, 1])

    def step(self, action):
        if self.pressed and self.door_z > -1.0:
            self.move_door(max(self.door_z - OPENING_SPEED_M_S * self.dt, -1.0))
        return super().step(action)

    def is_on_plate(self):
        offset = self.robot.links["base"].position - self.get_object_position(self.plate)
        return np.max(np.abs(offset[:2])) < PLATE_HALF_M

    def measure_way(self):
        """To the plate, or once it is pressed, through the door to where the task ends, m."""
        if not self.pressed:
            return self.get_distance_to_object(self.plate)
        x, y, _ = self.robot.links["base"].position
        if x > DOOR_X_M:
            return BEHIND_X_M - x
        return np.hypot(DOOR_X_M - x, y) + BEHIND_X_M - DOOR_X_M

    def get_task_rewards(self, action):
        way = self.measure_way()
        progress = (self.way - way) / self.dt
        self.way = way
        pressed_now = not self.pressed and self.is_on_plate()
        if pressed_now:
            self.pressed = True
            self._p.changeVisualShape(self.plate, -1, rgbaColor=GREEN)
            self.way = self.measure_way()
        return {
            "progress": np.clip(progress, -10, 10),
            "press": 10.0 * pressed_now,
            "passage": 10.0 * self.get_success(),
        }

    def get_terminated(self, action):
        return self.robot.links["base"].position[2] < -1.0

    def get_success(self):
        x, _, z = self.robot.links["base"].position
        return self.pressed and x > BEHIND_X_M and z > 0.0
