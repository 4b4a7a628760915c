import numpy as np

from taskwright.world import R2D2Env

GREY = [0.6, 0.6, 0.6, 1.0]
RED = [0.8, 0.2, 0.2, 1.0]
BLUE = [0.2, 0.3, 0.8, 1.0]


class Env(R2D2Env):
    """
    Collect two coins

    Description:
    Two red coins stand on the floor: one 3 m from the robot, somewhere ahead of it, and one 3 m
    to the left or right of that. A coin turns blue when the robot has been within 0.8 m of it.

    Success:
    Both coins have been collected.

    Rewards:
    The speed (m/s) at which the robot nears the next coin, and 10 for each coin.

    Termination:
    None.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [20.0, 20.0, 0.5], [0.0, 0.0, -0.5], GREY)
        self.coins = [self.create_coin() for _ in range(2)]

    def create_coin(self):
        shape = self._p.createVisualShape(
            self._p.GEOM_CYLINDER, radius=0.3, length=0.1, rgbaColor=RED
        )
        return self._p.createMultiBody(baseVisualShapeIndex=shape, basePosition=[3, 0, 0.5])

    def reset(self):
        observation = super().reset()
        angle = self.np_random.uniform(-0.6, 0.6)
        side = self.np_random.choice([-1.0, 1.0])
        x, y = 3.0 * np.cos(angle), 3.0 * np.sin(angle)
        for coin, place in zip(self.coins, (y, y + 3.0 * side), strict=True):
            self._p.resetBasePositionAndOrientation(coin, [x, place, 0.5], [0, 0, 0, 1])
            self._p.changeVisualShape(coin, -1, rgbaColor=RED)
        self.collected = 0
        self.distance = self.get_distance_to_object(self.coins[0])
        return observation

    def get_task_rewards(self, action):
        if self.collected == 2:
            return {"approach": 0.0, "coin": 0.0}
        coin = self.coins[self.collected]
        distance = self.get_distance_to_object(coin)
        approach = (self.distance - distance) / self.dt
        self.distance = distance
        reached = distance < 0.8
        if reached:
            self._p.changeVisualShape(coin, -1, rgbaColor=BLUE)
            self.collected += 1
            if self.collected < 2:
                self.distance = self.get_distance_to_object(self.coins[self.collected])
        return {"approach": np.clip(approach, -10.0, 10.0), "coin": 10.0 * reached}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return self.collected == 2
