import numpy as np

from taskwright.world import R2D2Env

STONE = [0.75, 0.73, 0.7, 1.0]
STEEL = [0.35, 0.38, 0.42, 1.0]
RED = [0.85, 0.15, 0.1, 1.0]
ARM_HALF_LENGTH_M = 2.5
ARM_Z_M = 0.15
ARM_SPEED_RAD_S = 1.5
PASSES = 3


class Env(R2D2Env):
    """Jump over the sweeping arm

    Description:
    The robot stands on a square stone platform of 7 m side with a steel post in the middle. A red
    arm, 0.23 m high, reaches from the post beyond the corners and sweeps anticlockwise over the
    whole platform, once around in about 4 s. The robot has to stay on the platform and jump
    whenever the arm comes.

    Success:
    The arm has passed beneath the robot three times, without ever touching it.

    Rewards:
    - pass: 10 when the arm has passed beneath the robot.
    - touch: -10 when the arm touches the robot.

    Termination:
    The arm touches the robot, or the robot has fallen off the platform.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [3.5, 3.5, 0.25], [0, 0, -0.25], STONE)
        self.create_cylinder(0.0, 0.25, 2.0, [0, 0, 1], STEEL)
        half_extents = [ARM_HALF_LENGTH_M, 0.08, 0.08]
        self.arm = self.create_box(0.0, half_extents, [ARM_HALF_LENGTH_M, 0, ARM_Z_M], RED)

    def reset(self):
        observation = super().reset()
        direction = self.np_random.uniform(-np.pi, np.pi)
        self._p.resetBasePositionAndOrientation(
            self.robot.robot_id,
            [2 * np.cos(direction), 2 * np.sin(direction), 0.5],
            self._p.getQuaternionFromEuler([0, 0, direction]),
        )
        # How far the arm is beyond the robot, rad, whole turns included.
        self.lead = -self.np_random.uniform(1.0, 3.0)
        self.turn_arm(direction + self.lead)
        self.passes = 0
        self.touched = False
        return observation

    def turn_arm(self, angle):
        self.arm_angle = angle
        middle = [ARM_HALF_LENGTH_M * np.cos(angle), ARM_HALF_LENGTH_M * np.sin(angle), ARM_Z_M]
        orientation = self._p.getQuaternionFromEuler([0, 0, angle])
        self._p.resetBasePositionAndOrientation(self.arm, middle, orientation)

    def step(self, action):
        self.turn_arm(self.arm_angle + ARM_SPEED_RAD_S * self.dt)
        return super().step(action)

    def get_task_rewards(self, action):
        x, y, z = self.robot.links["base"].position
        change = self.arm_angle - np.arctan2(y, x) - self.lead
        self.lead += (change + np.pi) % (2 * np.pi) - np.pi  # the short way round
        # Only from 0.3 rad on is the robot clear of the arm.
        passed = z > 0.0 and self.lead > 2 * np.pi * self.passes + 0.3
        self.passes += int(passed)
        self.touched = len(self._p.getContactPoints(self.robot.robot_id, self.arm)) > 0
        return {"pass": 10.0 * passed, "touch": -10.0 * self.touched}

    def get_terminated(self, action):
        return self.touched or self.robot.links["base"].position[2] < -1.0

    def get_success(self):
        return self.passes >= PASSES and not self.touched
