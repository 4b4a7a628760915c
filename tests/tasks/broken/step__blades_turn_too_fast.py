# Broken on purpose: the tip of a windmill's blade moves far faster than any body should.
from taskwright.world import R2D2Env


class Env(R2D2Env):
    """Go to the windmill.

    Description:
    The robot stands on a large plain with a red windmill 4 m away and drives to it.

    Success:
    The robot is within 1 m of the windmill.

    Rewards:
    Progress towards the windmill.

    Termination:
    None.
    """

    def __init__(self):
        super().__init__()
        p = self._p
        self.ground = self.create_box(0.0, [20, 20, 0.5], [0, 0, -0.5], [0.5, 0.6, 0.5, 1])
        self.pillar = self.create_cylinder(0.0, 0.3, 2.0, [4, 0, 1.0], [0.9, 0.1, 0.1, 1])
        blade = p.createCollisionShape(p.GEOM_BOX, halfExtents=[2.0, 0.1, 0.1])
        self.mill = p.createMultiBody(
            baseMass=0.0,
            basePosition=[4, 0, 6],
            linkMasses=[1.0],
            linkCollisionShapeIndices=[blade],
            linkVisualShapeIndices=[-1],
            linkPositions=[[0, 0, 0]],
            linkOrientations=[[0, 0, 0, 1]],
            linkInertialFramePositions=[[2, 0, 0]],
            linkInertialFrameOrientations=[[0, 0, 0, 1]],
            linkParentIndices=[0],
            linkJointTypes=[p.JOINT_REVOLUTE],
            linkJointAxis=[[0, 0, 1]],
        )

    def reset(self):
        observation = super().reset()
        self.distance = self.get_distance_to_object(self.pillar)
        return observation

    def step(self, action):
        p = self._p
        p.setJointMotorControl2(
            self.mill, 0, p.VELOCITY_CONTROL, targetVelocity=900.0, force=100000.0
        )
        return super().step(action)

    def get_task_rewards(self, action):
        before, self.distance = self.distance, self.get_distance_to_object(self.pillar)
        return {"progress": (before - self.distance) / self.dt}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return self.get_distance_to_object(self.pillar) < 1.0
