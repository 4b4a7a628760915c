import numpy as np

from taskwright.world import PandaEnv

ICE = [0.78, 0.86, 0.92, 1.0]
BLACK = [0.15, 0.15, 0.18, 1.0]
RED = [0.85, 0.2, 0.2, 1.0]
LINE_X_M = 0.85


class Env(PandaEnv):
    """Slide the puck across the line

    Description:
    A black puck, 0.08 m wide, 0.04 m high and 0.1 kg, lies on a table of smooth ice, 0.42 to 0.48 m
    ahead of the arm and up to 0.12 m to the left or to the right. A red line crosses the table
    0.85 m ahead, where the arm does not reach. The arm has to give the puck a push, so that it
    slides across the line.

    Success:
    The puck is beyond the line, on the table.

    Rewards:
    - approach: five times the speed (m/s) at which the gripper nears the spot before the puck, as
      seen from the line.
    - slide: five times the speed at which the puck nears the line.

    Termination:
    The puck has fallen off the table.
    """

    def __init__(self):
        super().__init__()
        table = self.create_box(0.0, [0.7, 0.6, 0.05], [0.5, 0.0, -0.05], ICE)
        self._p.changeDynamics(table, -1, lateralFriction=0.1)
        self.puck = self.create_cylinder(0.1, 0.04, 0.04, [0.45, 0.0, 0.02], BLACK)
        self._p.changeDynamics(self.puck, -1, lateralFriction=0.2)
        paint = self._p.createVisualShape(
            self._p.GEOM_BOX, halfExtents=[0.01, 0.6, 0.001], rgbaColor=RED
        )
        self._p.createMultiBody(baseVisualShapeIndex=paint, basePosition=[LINE_X_M, 0.0, 0.001])

    def reset(self):
        observation = super().reset()
        place = self.np_random.uniform([0.42, -0.12], [0.48, 0.12])
        self._p.resetBasePositionAndOrientation(self.puck, [*place, 0.02], [0, 0, 0, 1])
        self.to_spot, self.to_line = self.measure_distances()
        return observation

    def measure_distances(self):
        """From the gripper to the spot to push from, and from the puck to the line, m."""
        puck = self.get_object_position(self.puck)
        to_spot = np.linalg.norm(puck - [0.07, 0.0, 0.0] - self.robot.gripper_position)
        return to_spot, LINE_X_M - puck[0]

    def get_task_rewards(self, action):
        to_spot, to_line = self.measure_distances()
        approach = 5.0 * (self.to_spot - to_spot) / self.dt
        slide = 5.0 * (self.to_line - to_line) / self.dt
        self.to_spot, self.to_line = to_spot, to_line
        # What slides away by itself is not to be followed.
        return {
            "approach": np.clip(approach, -10, 10) * (to_line > 0.2),
            "slide": np.clip(slide, -10, 10),
        }

    def get_terminated(self, action):
        return self.get_object_position(self.puck)[2] < -0.1

    def get_success(self):
        puck = self.get_object_position(self.puck)
        return puck[0] > LINE_X_M and puck[2] > 0.0
