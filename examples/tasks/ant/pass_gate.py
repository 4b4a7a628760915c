import numpy as np

from taskwright.world import AntEnv

STONE = [0.6, 0.6, 0.58, 1.0]
BLUE = [0.2, 0.35, 0.8, 1.0]
GATE_M = 6.0
HALF_WIDTH_M = 1.4


class Env(AntEnv):
    """Pass through the gate

    Description:
    Two blue pillars, 2.8 m apart, make a gate 6 m ahead of the robot, up to 0.5 m to the left or to
    the right. The robot has to walk through between them; around the outside does not count.

    Success:
    The robot's torso is 0.5 m beyond the gate, and it has crossed the gate's line between the
    pillars.

    Rewards:
    - ahead: how fast the robot moves towards the gate's middle, m/s, and once it is through, ahead.
    - upright: 0.2 in each step.

    Termination:
    The robot's torso touches the ground, or it has crossed the gate's line beside the gate.
    """

    def __init__(self):
        super().__init__()
        self.ground = self.create_box(0.0, [30, 30, 0.5], [0, 0, -0.5], STONE)
        self.pillars = [self.create_cylinder(0.0, 0.15, 1.6, [GATE_M, 0, 0.8], BLUE) for _ in "lr"]

    def reset(self):
        observation = super().reset()
        base = self.robot.links["base"]
        self._p.resetBasePositionAndOrientation(
            self.robot.robot_id, [0, 0, base.position_init[2]], [0, 0, 0, 1]
        )
        self.middle = self.np_random.uniform(-0.5, 0.5)
        for pillar, side in zip(self.pillars, (1, -1), strict=True):
            place = [GATE_M, self.middle + side * HALF_WIDTH_M, 0.8]
            self._p.resetBasePositionAndOrientation(pillar, place, [0, 0, 0, 1])
        self.through = self.beside = False
        self.position = base.position
        return observation

    def get_task_rewards(self, action):
        before, now = self.position, self.robot.links["base"].position
        if before[0] < GATE_M <= now[0]:
            self.through = abs(now[1] - self.middle) < HALF_WIDTH_M
            self.beside = not self.through
        if self.through:
            progress = now[0] - before[0]
        else:
            goal = np.array([GATE_M, self.middle])
            progress = np.linalg.norm(goal - before[:2]) - np.linalg.norm(goal - now[:2])
        self.position = now
        return {"ahead": np.clip(progress / self.dt, -10, 10), "upright": 0.2}

    def get_terminated(self, action):
        base = self.robot.links["base"]
        touching = self._p.getContactPoints(
            bodyA=self.robot.robot_id, bodyB=self.ground, linkIndexA=base.index
        )
        return len(touching) > 0 or self.beside

    def get_success(self):
        return self.through and self.robot.links["base"].position[0] > GATE_M + 0.5
