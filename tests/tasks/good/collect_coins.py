import numpy as np

from taskwright.world import R2D2Env


class Env(R2D2Env):
    """Collect the coins.

    Three coins lie around the robot. One that the robot comes near to vanishes, a grey stone
    appears far below its place, and a lamp grows greener. Collecting all is success.
    """

    def __init__(self):
        super().__init__()
        self.floor = self.create_box(0.0, [20, 20, 0.5], [0, 0, -0.5], [0.4, 0.4, 0.5, 1])
        self.lamp = self.create_sphere(0.0, 0.3, [-3, 0, 2.0], [1, 0, 0, 1])
        self.coins, self.stones = [], []

    def reset(self):
        observation = super().reset()
        for body in self.coins + self.stones:
            self._p.removeBody(body)
        angles = np.random.uniform(0, 2 * np.pi) + np.arange(3) * 2 * np.pi / 3
        places = [(3 * np.cos(angle), 3 * np.sin(angle), 0.1) for angle in angles]
        self.coins = [self.create_cylinder(0.0, 0.2, 0.02, p, [1, 0.8, 0.1, 1]) for p in places]
        self.stones = []
        self.collected = 0
        self._p.changeVisualShape(self.lamp, -1, rgbaColor=[1, 0, 0, 1])
        return observation

    def step(self, action):
        observation, reward, terminated, truncated, info = super().step(action)
        for coin in list(self.coins):
            if self.get_distance_to_object(coin) >= 0.8:
                continue
            x, y, _ = self.get_object_position(coin)
            self._p.removeBody(coin)
            self.coins.remove(coin)
            self.stones.append(self.create_sphere(0.0, 0.1, [x, y, -2.0], [0.3, 0.3, 0.3, 1]))
            self.collected += 1
            green = self.collected / 3
            self._p.changeVisualShape(self.lamp, -1, rgbaColor=[1 - green, green, 0, 1])
        return observation, reward, terminated, truncated, info

    def get_task_rewards(self, action):
        near = min((self.get_distance_to_object(coin) for coin in self.coins), default=0.0)
        return {"near": -0.1 * near, "collected": float(self.collected)}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return self.collected == 3
