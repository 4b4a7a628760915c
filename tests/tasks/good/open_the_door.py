import numpy as np

from taskwright.world import R2D2Env


class Env(R2D2Env):
    """Open the door.

    A door hangs on a hinge between two posts. The robot pushes it open by more than half a radian.
    """

    def __init__(self):
        super().__init__()
        p = self._p
        self.floor = self.create_box(0.0, [20, 20, 0.5], [0, 0, -0.5], [0.4, 0.4, 0.5, 1])
        self.posts = tuple(
            self.create_box(0.0, [0.1, 0.1, 0.8], [3, y, 0.8], [0.3, 0.3, 0.3, 1]) for y in (-1, 1)
        )
        half_extents = [0.05, 0.85, 0.6]
        leaf = p.createCollisionShape(
            p.GEOM_BOX, halfExtents=half_extents, collisionFramePosition=[0, 0.87, 0]
        )
        look = p.createVisualShape(
            p.GEOM_BOX,
            halfExtents=half_extents,
            visualFramePosition=[0, 0.87, 0],
            rgbaColor=[0.7, 0.4, 0.1, 1],
        )
        self.door = p.createMultiBody(
            baseMass=0.0,
            basePosition=[3, -0.87, 0.7],
            linkMasses=[5.0],
            linkCollisionShapeIndices=[leaf],
            linkVisualShapeIndices=[look],
            linkPositions=[[0, 0, 0]],
            linkOrientations=[[0, 0, 0, 1]],
            linkInertialFramePositions=[[0, 0.87, 0]],
            linkInertialFrameOrientations=[[0, 0, 0, 1]],
            linkParentIndices=[0],
            linkJointTypes=[p.JOINT_REVOLUTE],
            linkJointAxis=[[0, 0, 1]],
        )
        for post in self.posts:
            p.setCollisionFilterPair(post, self.door, -1, 0, 0)
        p.setJointMotorControl2(self.door, 0, p.VELOCITY_CONTROL, targetVelocity=0, force=0.5)

    def reset(self):
        observation = super().reset()
        self._p.resetJointState(self.door, 0, targetValue=0.0, targetVelocity=0.0)
        x = -np.random.rand()
        self._p.resetBasePositionAndOrientation(self.robot.robot_id, [x, 0, 0.5], [0, 0, 0, 1])
        self.angle = self.get_angle()
        return observation

    def get_angle(self):
        return abs(self._p.getJointState(self.door, 0)[0])

    def get_task_rewards(self, action):
        before, self.angle = self.angle, self.get_angle()
        opening = np.clip((self.angle - before) / self.dt, -5, 5)
        return {"opening": opening, "near": -0.02 * self.get_distance_to_object(self.door)}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return self.get_angle() > 0.5
