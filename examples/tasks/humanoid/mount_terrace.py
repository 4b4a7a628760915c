import numpy as np

from taskwright.world import HumanoidEnv

PAVING = [0.62, 0.6, 0.55, 1.0]
WOOD = [0.55, 0.38, 0.22, 1.0]
FLAG = [0.2, 0.65, 0.35, 1.0]
HEIGHT_M = 0.08
EDGE_M = 4.0


class Env(HumanoidEnv):
    """Step onto the terrace

    Description:
    A wooden terrace, 4 m wide and 8 cm high, begins 4 m ahead of the robot, up to 2 m to the left
    or to the right. A green flag stands on its middle, 2 m behind the edge. The robot has to step
    up and reach the flag.

    Success:
    The robot is within 1 m of the flag, a foot on the terrace and the torso 0.8 m above it.

    Rewards:
    - approach: how fast the distance to the flag shrinks, m/s.

    Termination:
    The robot has left the paving, 12 m from its middle.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [12, 12, 0.5], [0, 0, -0.5], PAVING)
        half = HEIGHT_M / 2
        self.terrace = self.create_box(0.0, [2, 2, half], [EDGE_M + 2, 0, half], WOOD)
        self.flag = self.create_cylinder(0.0, 0.05, 2.0, [EDGE_M + 2, 0, 1.0], FLAG)

    def reset(self):
        observation = super().reset()
        base = self.robot.links["base"]
        self._p.resetBasePositionAndOrientation(
            self.robot.robot_id, [0, 0, base.position_init[2]], [0, 0, 0, 1]
        )
        side = self.np_random.uniform(-2, 2)
        for body, height in ((self.terrace, HEIGHT_M / 2), (self.flag, HEIGHT_M + 1.0)):
            place = [EDGE_M + 2, side, height]
            self._p.resetBasePositionAndOrientation(body, place, [0, 0, 0, 1])
        self.distance = self.get_distance_to_object(self.flag)
        self.has_stepped_up = False
        return observation

    def get_task_rewards(self, action):
        self.has_stepped_up = self.has_stepped_up or self.is_on_terrace()
        distance = self.get_distance_to_object(self.flag)
        approach = (self.distance - distance) / self.dt
        self.distance = distance
        return {"approach": np.clip(approach, -10, 10)}

    def is_on_terrace(self):
        feet = [self.robot.links[name].index for name in ("left_foot", "right_foot")]
        robot = self.robot.robot_id
        return any(self._p.getContactPoints(robot, self.terrace, foot, -1) for foot in feet)

    def get_terminated(self, action):
        return self.robot.links["base"].position[2] < -1.0

    def get_success(self):
        is_up = self.robot.links["base"].position[2] > HEIGHT_M + 0.8
        return self.has_stepped_up and is_up and self.get_distance_to_object(self.flag) < 1.0
