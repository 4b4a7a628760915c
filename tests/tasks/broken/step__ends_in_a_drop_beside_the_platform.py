# Broken on purpose: the platform begins beside the robot, which falls onto a lower floor.
from taskwright.world import R2D2Env


class Env(R2D2Env):
    """Go to the pillar.

    Description:
    The robot stands on a large plain with a red pillar 4 m away and drives to it.

    Success:
    The robot is within 1 m of the pillar.

    Rewards:
    Progress towards the pillar.

    Termination:
    None.
    """

    def __init__(self):
        super().__init__()
        self.ground = self.create_box(0.0, [3, 1, 0.5], [5, 0, -0.5], [0.5, 0.6, 0.5, 1])
        self.create_box(0.0, [9, 9, 0.5], [0, 0, -1.4], [0.9, 0.3, 0.1, 1])
        self.pillar = self.create_cylinder(0.0, 0.3, 2.0, [4, 0, 1.0], [0.9, 0.1, 0.1, 1])

    def reset(self):
        observation = super().reset()
        self._p.resetBasePositionAndOrientation(self.robot.robot_id, [0, 0, 0.5], [0, 0, 0, 1])
        self.distance = self.get_distance_to_object(self.pillar)
        return observation

    def get_task_rewards(self, action):
        before, self.distance = self.distance, self.get_distance_to_object(self.pillar)
        return {"progress": (before - self.distance) / self.dt}

    def get_terminated(self, action):
        return bool(self.robot.links["base"].position[2] < 0.0)

    def get_success(self):
        return self.get_distance_to_object(self.pillar) < 1.0
