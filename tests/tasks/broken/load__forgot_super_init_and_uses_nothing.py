# Broken on purpose: __init__ sets a number and does not call super().__init__().
from taskwright.world import R2D2Env


class Env(R2D2Env):
    """Jump high.

    The robot jumps until its base is 1 m above the ground.
    """

    def __init__(self):
        self.goal_height = 1.0

    def reset(self):
        return super().reset()

    def get_task_rewards(self, action):
        return {"height": self.robot.links["base"].position[2]}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return self.robot.links["base"].position[2] > self.goal_height
