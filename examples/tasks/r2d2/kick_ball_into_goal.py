import numpy as np

from taskwright.world import R2D2Env

TURF = [0.35, 0.58, 0.33, 1.0]
ORANGE = [0.95, 0.5, 0.1, 1.0]
WHITE = [0.95, 0.95, 0.95, 1.0]
GOAL_LINE_X_M = 6.0
GOAL_HALF_WIDTH_M = 2.5
CROSSBAR_Z_M = 2.0
GOAL_CENTRE = np.array([GOAL_LINE_X_M, 0.0])


class Env(R2D2Env):
    """Kick the ball into the goal

    Description:
    An orange ball of 1 kg and 0.5 m radius lies 3 m ahead of the robot, up to 0.6 m to the left or
    right. The goal, two white posts 5 m apart with a crossbar 2 m up, stands 6 m ahead. The robot
    has to drive into the ball so that it rolls between the posts. It can dribble, but once the ball
    has crossed the line there is no second shot.

    Success:
    The ball's centre is behind the goal line, between the posts and below the crossbar.

    Rewards:
    - approach: how fast the robot nears the spot right behind the ball, as seen from the middle of
      the goal, m/s, at half weight.
    - kick: how fast the distance from the ball to the middle of the goal shrinks, m/s.
    - goal: 10 in each step in which the ball is in the goal.

    Termination:
    The ball has crossed the goal line outside the goal, or the robot or the ball has fallen off the
    turf.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [5, 3.2, 0.5], [3, 0, -0.5], TURF)
        self.ball = self.create_sphere(1.0, 0.5, [3, 0, 0.5], ORANGE)
        # Slowed down like a ball on grass: otherwise it would roll for ever.
        self._p.changeDynamics(self.ball, -1, linearDamping=0.1)
        for side in (-1, 1):
            post = [GOAL_LINE_X_M, side * (GOAL_HALF_WIDTH_M + 0.1), CROSSBAR_Z_M / 2]
            self.create_cylinder(0.0, 0.1, CROSSBAR_Z_M, post, WHITE)
        crossbar = [GOAL_LINE_X_M, 0, CROSSBAR_Z_M + 0.1]
        self.create_box(0.0, [0.1, GOAL_HALF_WIDTH_M + 0.2, 0.1], crossbar, WHITE)

    def reset(self):
        observation = super().reset()
        self._p.resetBasePositionAndOrientation(self.robot.robot_id, [0, 0, 0.5], [0, 0, 0, 1])
        place = [3, self.np_random.uniform(-0.6, 0.6), 0.5]
        self._p.resetBasePositionAndOrientation(self.ball, place, [0, 0, 0, 1])
        self.robot_to_spot, self.ball_to_goal = self.measure_distances()
        return observation

    def measure_distances(self):
        """From the robot to the spot to kick from, and from the ball to the goal's middle, m."""
        ball = self.get_object_position(self.ball)[:2]
        ball_to_goal = np.linalg.norm(GOAL_CENTRE - ball)
        spot = ball - 0.7 * (GOAL_CENTRE - ball) / max(ball_to_goal, 0.1)
        return np.linalg.norm(spot - self.robot.links["base"].position[:2]), ball_to_goal

    def get_task_rewards(self, action):
        robot_to_spot, ball_to_goal = self.measure_distances()
        approach = (self.robot_to_spot - robot_to_spot) / self.dt
        kick = (self.ball_to_goal - ball_to_goal) / self.dt
        self.robot_to_spot, self.ball_to_goal = robot_to_spot, ball_to_goal
        return {
            "approach": 0.5 * np.clip(approach, -10, 10),
            "kick": np.clip(kick, -10, 10),
            "goal": 10.0 * self.get_success(),
        }

    def get_terminated(self, action):
        x, _, z = self.get_object_position(self.ball)
        missed = x > GOAL_LINE_X_M and not self.get_success()
        return missed or min(z, self.robot.links["base"].position[2]) < -1.0

    def get_success(self):
        x, y, z = self.get_object_position(self.ball)
        return x > GOAL_LINE_X_M and abs(y) < GOAL_HALF_WIDTH_M and 0.0 < z < CROSSBAR_Z_M
