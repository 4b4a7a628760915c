import numpy as np

from taskwright.world import HumanoidEnv

LAWN = [0.42, 0.62, 0.4, 1.0]
LIGHT = [1.0, 0.85, 0.3, 1.0]
REACHED_M = 1.0


class Env(HumanoidEnv):
    """Run to the lamp

    Description:
    A lamp, 2 m tall, stands on a lawn, 4 to 8 m away from the robot in any direction. The robot has
    to turn towards it and run there without lying down.

    Success:
    The robot's torso is within 1 m of the lamp and higher than 0.8 m.

    Rewards:
    - approach: how fast the distance to the lamp shrinks, m/s.

    Termination:
    The robot has left the lawn, 15 m from its middle.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [15, 15, 0.5], [0, 0, -0.5], LAWN)
        self.lamp = self.create_cylinder(0.0, 0.1, 2.0, [5, 0, 1.0], LIGHT)

    def reset(self):
        observation = super().reset()
        base = self.robot.links["base"]
        self._p.resetBasePositionAndOrientation(
            self.robot.robot_id, [0, 0, base.position_init[2]], [0, 0, 0, 1]
        )
        direction = self.np_random.uniform(-np.pi, np.pi)
        away = self.np_random.uniform(4, 8)
        place = [away * np.cos(direction), away * np.sin(direction), 1.0]
        self._p.resetBasePositionAndOrientation(self.lamp, place, [0, 0, 0, 1])
        self.distance = self.get_distance_to_object(self.lamp)
        return observation

    def get_task_rewards(self, action):
        distance = self.get_distance_to_object(self.lamp)
        approach = (self.distance - distance) / self.dt
        self.distance = distance
        return {"approach": np.clip(approach, -10, 10)}

    def get_terminated(self, action):
        return self.robot.links["base"].position[2] < -1.0

    def get_success(self):
        is_up = self.robot.links["base"].position[2] > 0.8
        return is_up and self.get_distance_to_object(self.lamp) < REACHED_M
