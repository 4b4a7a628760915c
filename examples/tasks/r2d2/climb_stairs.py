import numpy as np

from taskwright.world import R2D2Env

PAVING = [0.6, 0.6, 0.62, 1.0]
SANDSTONE = [0.82, 0.7, 0.48, 1.0]
BLUE = [0.2, 0.4, 0.85, 1.0]
STEPS = 5  # the platform is the last
RISE_M = 0.4
TREAD_M = 1.5
FIRST_STEP_X_M = 2.5


class Env(R2D2Env):
    """Climb the stairs

    Description:
    Four sandstone steps lead up along +x to a blue platform. Every step is 0.4 m high, 1.5 m deep
    and 3 m wide; the platform is another 0.4 m higher, 2 m above the paving, and 3 m long. The
    robot starts 2 to 4 m before the stairs, a little to the left or right. It cannot drive up a
    step: it has to jump while driving.

    Success:
    The robot stands on the blue platform.

    Rewards:
    - approach: how fast the horizontal distance to the middle of the platform shrinks, m/s.
    - climb: 10 when the robot stands on a higher step than ever before in the episode.
    - arrival: 10 in each step of time in which the robot stands on the platform.

    Termination:
    The robot has fallen off the paving around the stairs.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [7, 3, 0.5], [4.5, 0, -0.5], PAVING)
        self.stairs = [self.create_step(number, TREAD_M, SANDSTONE) for number in range(1, STEPS)]
        self.platform = self.create_step(STEPS, 3.0, BLUE)
        self.stairs.append(self.platform)

    def create_step(self, number, depth, color):
        """A block from the paving to the top of a step; the lowest is number 1."""
        half_height = number * RISE_M / 2
        x = FIRST_STEP_X_M + (number - 1) * TREAD_M + depth / 2
        return self.create_box(0.0, [depth / 2, 1.5, half_height], [x, 0, half_height], color)

    def reset(self):
        observation = super().reset()
        start = [self.np_random.uniform(-1.5, 0.5), self.np_random.uniform(-1, 1), 0.5]
        self._p.resetBasePositionAndOrientation(self.robot.robot_id, start, [0, 0, 0, 1])
        self.distance = self.get_distance_to_object(self.platform)
        self.highest = 0
        return observation

    def find_step_under_robot(self):
        """Number of the highest step that the robot stands on, 0 where it stands on none."""
        z = self.robot.links["base"].position[2]
        touched = {contact[2] for contact in self._p.getContactPoints(self.robot.robot_id)}
        # Standing on a step, the base is 0.47 m above it; lower, the robot touches its front only.
        return max(
            (
                number
                for number, step in enumerate(self.stairs, start=1)
                if step in touched and z > number * RISE_M + 0.4
            ),
            default=0,
        )

    def get_task_rewards(self, action):
        distance = self.get_distance_to_object(self.platform)
        approach = (self.distance - distance) / self.dt
        self.distance = distance
        step = self.find_step_under_robot()
        climbed = step > self.highest
        self.highest = max(step, self.highest)
        return {
            "approach": np.clip(approach, -10, 10),
            "climb": 10.0 * climbed,
            "arrival": 10.0 * self.get_success(),
        }

    def get_terminated(self, action):
        return self.robot.links["base"].position[2] < -1.0

    def get_success(self):
        return self.find_step_under_robot() == STEPS
