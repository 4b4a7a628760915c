import numpy as np

from taskwright.world import AntEnv

SAND = [0.78, 0.7, 0.52, 1.0]
WOOD = [0.6, 0.4, 0.2, 1.0]
SHOVED_M = 1.5


class Env(AntEnv):
    """Shove the crate out of its place

    Description:
    A wooden crate, a cube of 0.8 m that weighs 20 kg, stands on sand, 3 to 5 m away from the robot
    and at most 30 degrees to the left or right of where it looks. The robot has to walk up to it
    and push it away with its weight.

    Success:
    The crate is 1.5 m away from where it stood, measured along the ground.

    Rewards:
    - approach: how fast the distance between robot and crate shrinks, m/s.
    - shove: three times the speed at which the crate moves away from its place, m/s.

    Termination:
    The robot's torso touches the sand.
    """

    def __init__(self):
        super().__init__()
        self.ground = self.create_box(0.0, [30, 30, 0.5], [0, 0, -0.5], SAND)
        self.crate = self.create_box(20.0, [0.4, 0.4, 0.4], [4, 0, 0.4], WOOD)

    def reset(self):
        observation = super().reset()
        base = self.robot.links["base"]
        self._p.resetBasePositionAndOrientation(
            self.robot.robot_id, [0, 0, base.position_init[2]], [0, 0, 0, 1]
        )
        direction = self.np_random.uniform(-np.pi / 6, np.pi / 6)
        distance = self.np_random.uniform(3, 5)
        self.place = np.array([distance * np.cos(direction), distance * np.sin(direction)])
        self._p.resetBasePositionAndOrientation(self.crate, [*self.place, 0.4], [0, 0, 0, 1])
        self.distance = self.get_distance_to_object(self.crate)
        self.shoved = 0.0
        return observation

    def get_shoved(self):
        return float(np.linalg.norm(self.get_object_position(self.crate)[:2] - self.place))

    def get_task_rewards(self, action):
        distance, shoved = self.get_distance_to_object(self.crate), self.get_shoved()
        approach = (self.distance - distance) / self.dt
        shove = 3.0 * (shoved - self.shoved) / self.dt
        self.distance, self.shoved = distance, shoved
        return {"approach": np.clip(approach, -10, 10), "shove": np.clip(shove, -10, 10)}

    def get_terminated(self, action):
        base = self.robot.links["base"]
        touching = self._p.getContactPoints(
            bodyA=self.robot.robot_id, bodyB=self.ground, linkIndexA=base.index
        )
        return len(touching) > 0

    def get_success(self):
        return self.get_shoved() > SHOVED_M
