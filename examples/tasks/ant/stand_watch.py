import numpy as np

from taskwright.sandbox.world import AntEnv

GRASS = [0.45, 0.6, 0.4, 1.0]
YELLOW = [0.95, 0.8, 0.2, 1.0]
WATCH_S = 8.0
POST_M = 1.0


class Env(AntEnv):
    """Stand watch

    Description:
    The robot begins on a round yellow post, a mark on the grass of 1 m radius. It has to keep to
    its feet and to its post for 8 s. Whoever does nothing sinks to the ground.

    Success:
    8 s have passed, and the robot's torso is over the mark.

    Rewards:
    - watch: 1 in each step over the mark.
    - stillness: minus the speed of the torso, m/s, at most 2.

    Termination:
    The robot's torso touches the grass, or it is 2 m away from the middle of the mark.
    """

    def __init__(self):
        super().__init__()
        self.ground = self.create_box(0.0, [15, 15, 0.5], [0, 0, -0.5], GRASS)
        self.post = self.create_cylinder(0.0, POST_M, 0.02, [0, 0, 0.0], YELLOW)
        self.seconds = 0.0

    def reset(self):
        observation = super().reset()
        base = self.robot.links["base"]
        yaw = self.np_random.uniform(-np.pi, np.pi)
        self._p.resetBasePositionAndOrientation(
            self.robot.robot_id,
            [0, 0, base.position_init[2] + 0.01],
            [0, 0, np.sin(yaw / 2), np.cos(yaw / 2)],
        )
        self.seconds = 0.0
        return observation

    def step(self, action):
        self.seconds += self.dt
        return super().step(action)

    def get_task_rewards(self, action):
        speed = float(np.linalg.norm(self.robot.links["base"].linear_velocity))
        on_post = self.get_distance_to_object(self.post) < POST_M
        return {"watch": 1.0 * on_post, "stillness": -min(speed, 2.0)}

    def get_terminated(self, action):
        base = self.robot.links["base"]
        touching = self._p.getContactPoints(bodyA=self.robot.robot_id, linkIndexA=base.index)
        return len(touching) > 0 or self.get_distance_to_object(self.post) > 2.0

    def get_success(self):
        return self.seconds >= WATCH_S and self.get_distance_to_object(self.post) < POST_M
