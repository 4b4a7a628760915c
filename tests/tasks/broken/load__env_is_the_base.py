# Broken on purpose: the base itself is imported as Env, and the task is another class.
from taskwright.world import R2D2Env as Env


class Task(Env):
    """Wait at the start."""

    def get_task_rewards(self, action):
        return {"wait": 0.0}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return self.robot.links["base"].position[2] > 1.0
