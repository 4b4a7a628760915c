# Broken on purpose: objects in a set have another order in every process.
from taskwright.world import R2D2Env


class Env(R2D2Env):
    """Go to the pillar.

    Description:
    The robot stands on a large plain with a red pillar 4 m away and drives to it.

    Success:
    The robot is within 1 m of the pillar.

    Rewards:
    Progress towards the pillar.

    Termination:
    None.
    """

    def __init__(self):
        super().__init__()
        self.ground = self.create_box(0.0, [20, 20, 0.5], [0, 0, -0.5], [0.5, 0.6, 0.5, 1])
        self.pillar = self.create_cylinder(0.0, 0.3, 2.0, [4, 0, 1.0], [0.9, 0.1, 0.1, 1])
        places = [[x, y, 1.0] for x in (5.0, 7.0, 9.0) for y in (-4.0, -2.0, 2.0, 4.0)]
        self.posts = {Post(place) for place in places}
        for post in self.posts:
            post.build(self)

    def reset(self):
        observation = super().reset()
        self._p.resetBasePositionAndOrientation(self.robot.robot_id, [0, 0, 0.5], [0, 0, 0, 1])
        self.distance = self.get_distance_to_object(self.pillar)
        return observation

    def get_task_rewards(self, action):
        distances = [self.get_distance_to_object(post.body) for post in self.posts]
        return {"posts": -0.1 * sum(distance / n for n, distance in enumerate(distances, 1))}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return self.get_distance_to_object(self.pillar) < 1.0


class Post:
    def __init__(self, place):
        self.place = place

    def build(self, env):
        self.body = env.create_box(0.0, [0.1, 0.1, 1.0], self.place, [0.2, 0.2, 0.8, 1])
