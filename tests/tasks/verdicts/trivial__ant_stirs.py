import numpy as np

from taskwright.world import AntEnv

GREY = [0.6, 0.6, 0.6, 1.0]


class Env(AntEnv):
    """
    Stir

    Description:
    The ant stands on an open floor.

    Success:
    One of the ant's links moves faster than 1 m/s.

    Rewards:
    The speed of the torso, m/s.

    Termination:
    None.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [20.0, 20.0, 0.5], [0.0, 0.0, -0.5], GREY)

    def get_task_rewards(self, action):
        speed = np.linalg.norm(self.robot.links["base"].linear_velocity)
        return {"speed": np.clip(speed, 0.0, 10.0)}

    def get_terminated(self, action):
        return False

    def get_success(self):
        speeds = [np.linalg.norm(link.linear_velocity) for link in self.robot.links.values()]
        return bool(max(speeds) > 1.0)
