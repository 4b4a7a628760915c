import numpy as np

from taskwright.world import R2D2Env

GREY = [0.6, 0.6, 0.6, 1.0]
BLUE = [0.2, 0.3, 0.8, 1.0]


class Env(R2D2Env):
    """
    Bump a ball

    Description:
    Ten light blue balls lie in a circle around the robot, 1.3 m away.

    Success:
    The robot has touched any of the balls.

    Rewards:
    1 in each step in which the robot moves faster than 0.5 m/s.

    Termination:
    None.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [20.0, 20.0, 0.5], [0.0, 0.0, -0.5], GREY)
        angles = np.linspace(0.0, 2 * np.pi, 10, endpoint=False)
        self.balls = [
            self.create_sphere(0.5, 0.3, [1.3 * np.cos(a), 1.3 * np.sin(a), 0.3], BLUE)
            for a in angles
        ]

    def reset(self):
        observation = super().reset()
        self.touched = False
        return observation

    def get_task_rewards(self, action):
        robot = self.robot
        if any(self._p.getContactPoints(robot.robot_id, ball) for ball in self.balls):
            self.touched = True
        speed = np.linalg.norm(robot.links["base"].linear_velocity)
        return {"motion": 1.0 * (speed > 0.5)}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return self.touched
