import numpy as np

from taskwright.world import PandaEnv

WOOD = [0.72, 0.58, 0.42, 1.0]
OAK = [0.5, 0.33, 0.18, 1.0]
BRASS = [0.9, 0.7, 0.25, 1.0]
HANDLE_X_M = 0.56
OPEN_M = 0.12


class Env(PandaEnv):
    """Open the drawer

    Description:
    A brass post, 0.03 m thick and 0.08 m high, is the handle of a drawer in an oak cabinet at the
    far end of a wooden table. The post stands 0.56 m ahead of the arm and up to 0.15 m to the left
    or to the right. The drawer runs towards the arm and does not run by itself. The arm has to
    grasp the handle and pull.

    Success:
    The drawer is 0.12 m open.

    Rewards:
    - approach: five times the speed (m/s) at which the gripper nears the handle, until it holds it.
    - grasp: 10 when the gripper gets hold of the handle, -10 when it loses it.
    - pull: twenty times the speed at which the drawer opens.

    Termination:
    None.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [0.55, 0.6, 0.05], [0.35, 0.0, -0.05], WOOD)
        p = self._p

        def box(half_extents, color):
            solid = p.createCollisionShape(p.GEOM_BOX, halfExtents=half_extents)
            return solid, p.createVisualShape(p.GEOM_BOX, halfExtents=half_extents, rgbaColor=color)

        cabinet, front = box([0.06, 0.14, 0.06], OAK), box([0.01, 0.1, 0.04], OAK)
        rod, post = box([0.025, 0.01, 0.01], BRASS), box([0.015, 0.015, 0.04], BRASS)
        self.drawer = p.createMultiBody(
            0.0,
            *cabinet,
            [0.73, 0.0, 0.06],
            linkMasses=[0.5, 0.05, 0.1],
            linkCollisionShapeIndices=[front[0], rod[0], post[0]],
            linkVisualShapeIndices=[front[1], rod[1], post[1]],
            linkPositions=[[-0.075, 0, -0.01], [-0.035, 0, -0.01], [-0.06, 0, 0.0]],
            linkOrientations=[[0, 0, 0, 1]] * 3,
            linkInertialFramePositions=[[0, 0, 0]] * 3,
            linkInertialFrameOrientations=[[0, 0, 0, 1]] * 3,
            linkParentIndices=[0, 1, 1],
            linkJointTypes=[p.JOINT_PRISMATIC, p.JOINT_FIXED, p.JOINT_FIXED],
            linkJointAxis=[[-1, 0, 0]] * 3,
        )
        # It has to be pulled with 2 N.
        p.setJointMotorControl2(self.drawer, 0, p.VELOCITY_CONTROL, targetVelocity=0.0, force=2.0)

    def reset(self):
        observation = super().reset()
        y = self.np_random.uniform(-0.15, 0.15)
        self._p.resetBasePositionAndOrientation(self.drawer, [0.73, y, 0.06], [0, 0, 0, 1])
        self._p.resetJointState(self.drawer, 0, 0.0)
        self.distance, self.opened, self.held = self.measure_distance(), 0.0, False
        return observation

    def measure_distance(self):
        handle = np.array(self._p.getLinkState(self.drawer, 2)[0])
        return np.linalg.norm(handle - self.robot.gripper_position)

    def measure_opened(self):
        return self._p.getJointState(self.drawer, 0)[0]

    def get_task_rewards(self, action):
        distance, opened = self.measure_distance(), self.measure_opened()
        held = self.robot.holds(self.drawer)
        approach = 0.0 if held else 5.0 * (self.distance - distance) / self.dt
        pull = 20.0 * (opened - self.opened) / self.dt
        grasp = 10.0 * held - 10.0 * self.held
        self.distance, self.opened, self.held = distance, opened, held
        return {
            "approach": np.clip(approach, -10, 10),
            "grasp": grasp,
            "pull": np.clip(pull, -10, 10),
        }

    def get_terminated(self, action):
        return False

    def get_success(self):
        return self.measure_opened() > OPEN_M
