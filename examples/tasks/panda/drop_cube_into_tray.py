import numpy as np

from taskwright.world import PandaEnv

WOOD = [0.72, 0.58, 0.42, 1.0]
YELLOW = [0.95, 0.8, 0.1, 1.0]
STEEL = [0.5, 0.55, 0.62, 1.0]
HALF_M = 0.025
TRAY = np.array([0.46, 0.22])
TRAY_HALF_M, RIM_M = 0.1, 0.03


class Env(PandaEnv):
    """Drop the cube into the tray

    Description:
    A yellow cube of 0.05 m and 0.1 kg lies on a wooden table, 0.38 to 0.52 m ahead of the arm and
    0.05 to 0.2 m to the right. To the left stands a steel tray, 0.2 m long and wide, with a rim of
    0.03 m. The arm has to carry the cube there and let go of it.

    Success:
    The cube lies in the tray, and the gripper does not hold it.

    Rewards:
    - approach: five times the speed (m/s) at which the gripper nears the cube, until it holds it.
    - grasp: 10 when the gripper gets hold of the cube, -10 when it loses it outside the tray.
    - carry: ten times the speed at which the cube that is held nears a spot 0.1 m above the tray.

    Termination:
    The cube has fallen off the table.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [0.5, 0.6, 0.05], [0.3, 0.0, -0.05], WOOD)
        for side in (-1, 1):
            along = [TRAY_HALF_M + 0.005, 0.005, RIM_M / 2]
            for half_extents, way in ((along, [0, side]), ([0.005, *along[::2]], [side, 0])):
                at = TRAY + TRAY_HALF_M * np.array(way)
                self.create_box(0.0, half_extents, [*at, RIM_M / 2], STEEL)
        self.cube = self.create_box(0.1, [HALF_M] * 3, [0.44, -0.1, HALF_M], YELLOW)

    def reset(self):
        observation = super().reset()
        place = self.np_random.uniform([0.38, -0.2], [0.52, -0.05])
        self._p.resetBasePositionAndOrientation(self.cube, [*place, HALF_M], [0, 0, 0, 1])
        self.to_cube, self.to_tray, self.held = *self.measure_distances(), False
        return observation

    def measure_distances(self):
        """From the gripper to the cube, and from that to the spot above the tray, m."""
        cube = self.get_object_position(self.cube)
        to_tray = np.linalg.norm(cube - [*TRAY, 0.1])
        return np.linalg.norm(cube - self.robot.gripper_position), to_tray

    def is_inside(self):
        return np.max(np.abs(self.get_object_position(self.cube)[:2] - TRAY)) < TRAY_HALF_M - 0.02

    def get_task_rewards(self, action):
        to_cube, to_tray = self.measure_distances()
        held = self.robot.holds(self.cube)
        approach = 0.0 if held else 5.0 * (self.to_cube - to_cube) / self.dt
        carry = 10.0 * (self.to_tray - to_tray) / self.dt if held and self.held else 0.0
        lost = self.held and not held and not self.is_inside()
        grasp = 10.0 * (held and not self.held) - 10.0 * lost
        self.to_cube, self.to_tray, self.held = to_cube, to_tray, held
        return {
            "approach": np.clip(approach, -10, 10),
            "grasp": grasp,
            "carry": np.clip(carry, -10, 10),
        }

    def get_terminated(self, action):
        return self.get_object_position(self.cube)[2] < -0.1

    def get_success(self):
        low = self.get_object_position(self.cube)[2] < 0.04
        return self.is_inside() and low and not self.robot.holds(self.cube)
