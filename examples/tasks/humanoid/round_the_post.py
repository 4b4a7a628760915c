import numpy as np

from taskwright.world import HumanoidEnv

TRACK = [0.66, 0.36, 0.28, 1.0]
RED = [0.85, 0.15, 0.15, 1.0]
GREEN = [0.2, 0.75, 0.3, 1.0]
POST_M = 7.0
HOME_M = 2.0


class Env(HumanoidEnv):
    """Run round the post and back

    Description:
    A red post stands 7 m ahead of the robot, up to 1 m to the left or to the right. The robot has
    to run past it, turn round behind it on either side, and come back to where it began. The post
    turns green when the robot has been behind it.

    Success:
    The robot has been behind the post, and is back within 2 m of its start, its torso higher than
    0.8 m.

    Rewards:
    - out: until the robot has been behind the post, how fast it nears a spot 1.5 m behind it, m/s.
    - back: after that, how fast it nears its start, m/s.
    - turned: 10 once, when it gets behind the post.

    Termination:
    The robot is more than 4 m to the side of the line on which it began.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [20, 20, 0.5], [0, 0, -0.5], TRACK)
        self.post = self.create_cylinder(0.0, 0.15, 1.5, [POST_M, 0, 0.75], RED)

    def reset(self):
        observation = super().reset()
        base = self.robot.links["base"]
        self._p.resetBasePositionAndOrientation(
            self.robot.robot_id, [0, 0, base.position_init[2]], [0, 0, 0, 1]
        )
        self.side = self.np_random.uniform(-1, 1)
        place = [POST_M, self.side, 0.75]
        self._p.resetBasePositionAndOrientation(self.post, place, [0, 0, 0, 1])
        self.turned = False
        self.spot = np.array([POST_M + 1.5, self.side])
        self.distance = np.linalg.norm(self.spot)
        return observation

    def get_task_rewards(self, action):
        place = self.robot.links["base"].position[:2]
        distance = np.linalg.norm(place - self.spot)
        speed = np.clip((self.distance - distance) / self.dt, -10, 10)
        self.distance = distance
        rewards = {"back" if self.turned else "out": speed, "turned": 0.0}
        if not self.turned and place[0] > POST_M + 0.5:
            rewards["turned"] = 10.0
            self.turned = True
            self._p.changeVisualShape(self.post, -1, rgbaColor=GREEN)
            self.spot = np.zeros(2)
            self.distance = np.linalg.norm(place)
        return rewards

    def get_terminated(self, action):
        return abs(self.robot.links["base"].position[1]) > 4.0

    def get_success(self):
        x, y, z = self.robot.links["base"].position
        return self.turned and np.hypot(x, y) < HOME_M and z > 0.8
