"""What the world would refuse late in an episode is refused before: by what can be seen of it."""

from __future__ import annotations

import pytest

from taskwright.sandbox.checks import Rejection
from taskwright.sandbox.checks.source import check_policy
from taskwright.sandbox.forbidden_calls import forbidden_calls
from taskwright.world import TaskEnv
from taskwright.world.contract import CallError

SOURCE = """
from taskwright.world import R2D2Env

{module}

class Env(R2D2Env):
    '''Fetch the ball.'''

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [8, 8, 0.5], [0, 0, -0.5], [0.5, 0.5, 0.5, 1])
        self.ball = self.create_sphere(1.0, 0.2, [2, 0, 0.2], [1, 0, 0, 1])
        self.tie_now = False
        {init}

    def reset(self):
        observation = super().reset()
        self.tied = None
        {reset}
        return observation

    def tie(self, body):
        return self._p.createConstraint(body, -1, self.ball, -1, 4, [0] * 3, [0] * 3, [0] * 3)

    def place(self, body, x=0.0):
        self._p.resetBasePositionAndOrientation(body, [x, 0, 0.6], [0, 0, 0, 1])

    {methods}

    def step(self, action):
        if self.tie_now:
            {step}
        return super().step(action)

    def get_task_rewards(self, action):
        if self.tie_now:
            {rewards}
        return {{}}

    def get_terminated(self, action):
        return False

    def get_success(self):
        if self.tie_now:
            {success}
        return False
"""
TIE = "self._p.createConstraint({}, -1, self.ball, -1, 4, [0] * 3, [0] * 3, [0] * 3)"
ROBOT = "self.robot.robot_id"


def source(**parts: str) -> str:
    names = ("module", "init", "reset", "methods", "step", "rewards", "success")
    return SOURCE.format(**{name: parts.get(name, "pass") for name in names})


CHANGES: dict[str, dict[str, str]] = {
    "in step": {"step": TIE.format(ROBOT)},
    "in get_task_rewards": {"rewards": TIE.format(ROBOT)},
    "as the child": {
        "step": f"self._p.createConstraint(self.ball, -1, {ROBOT}, -1, 4, [0]*3, [0]*3, [0]*3)"
    },
    "by keywords": {"step": f"self._p.resetBaseVelocity(objectUniqueId={ROBOT})"},
    "by a variable": {"step": f"me = {ROBOT}; p = self._p; p.resetBaseVelocity(me, [0, 0, 9])"},
    "by unpacking": {"step": f"p, me = self._p, {ROBOT}; p.resetBaseVelocity(me, [0, 0, 9])"},
    "by an attribute": {
        "init": "self.me = self.robot.robot_id",
        "step": "self._p.resetBaseVelocity(self.me, [0, 0, 9])",
    },
    "by a helper": {"step": f"self.tied = self.tie({ROBOT})"},
    "by a helper's keyword": {"step": f"self.place(x=1.0, body={ROBOT})"},
    "by two helpers": {
        "methods": "def grab(self, body):\n        self.tied = self.tie(body)",
        "step": f"self.grab({ROBOT})",
    },
    "by a property of its own": {
        "methods": "def me(self):\n        return self.robot.robot_id",
        "step": "self.place(self.me())",
    },
    "by a function": {
        "module": "def throw(p, body):\n    p.resetBaseVelocity(body, [0, 0, 9])",
        "step": f"throw(self._p, {ROBOT})",
    },
    "by an object": {
        "module": "class Hand:\n    def __init__(self, p, owner):\n"
        "        self.p, self.owner = p, owner\n"
        "    def throw(self):\n        self.p.resetBaseVelocity(self.owner, [0, 0, 9])",
        "init": f"self.hand = Hand(self._p, {ROBOT})",
        "step": "self.hand.throw()",
    },
    "in a loop": {"step": f"for body in ({ROBOT}, self.ball): self.place(body)"},
    "in a lambda": {"step": f"(lambda: self._p.resetBaseVelocity({ROBOT}, [0, 0, 9]))()"},
    "by a condition": {"step": f"self.place({ROBOT} if self.tied is None else self.ball)"},
    "a tie is let go": {
        "reset": f"self.tied = self.tie({ROBOT}); self.tied = {TIE.format(ROBOT)}",
        "step": "self._p.removeConstraint(self.tied)",
    },
}
WHILE_JUDGING = {
    "in get_success": {"success": TIE.format("self.ball")},
    "by a helper": {"success": "self.place(self.ball)"},
    "a body is made": {"success": "self.create_box(0.0, [1] * 3, [5, 0, 1], [1, 0, 0, 1])"},
    "a body is pushed": {"success": "self._p.applyExternalTorque(self.ball, -1, [0, 0, 1], 1)"},
}


def refused_late(text: str) -> CallError:
    """What the world says of the same call when it comes."""
    env = TaskEnv(text)
    env.reset(seed=0)
    env.step(0)
    env.env.tie_now = True  # type: ignore[attr-defined]
    with pytest.raises(CallError) as found:
        env.step(0)
    env.close()
    return found.value


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_the_robot_is_refused_in_the_words_of_the_world(name: str) -> None:
    text = source(**CHANGES[name])
    with pytest.raises(Rejection, match="was called on the robot during a step") as found:
        check_policy(text)
    late = refused_late(text)
    assert late.finding.removesuffix(".") in found.value.symptom
    assert found.value.fix == late.fix


@pytest.mark.parametrize("name", WHILE_JUDGING)
def test_a_change_by_what_judges_is_refused_in_the_words_of_the_world(name: str) -> None:
    text = source(**WHILE_JUDGING[name])
    with pytest.raises(Rejection, match="while termination or success is computed") as found:
        check_policy(text)
    assert found.value.fix == refused_late(text).fix


@pytest.mark.parametrize(
    "parts",
    [
        {"reset": f"self.tied = self.tie({ROBOT}); self.place({ROBOT})"},
        {"reset": f"self.place({ROBOT})", "step": "self.place(self.ball)"},
        {"step": f"if self._p.getContactPoints({ROBOT}, self.ball): self.tie(self.ball)"},
        {"success": "{'a': 1}.update(b=2); self._p.changeVisualShape(self.ball, -1)"},
        {"init": "self.me = self.ball", "step": "self.place(self.me)"},
        {"step": f"self._p.applyExternalForce({ROBOT}, -1, [9, 0, 0], [0, 0, 0], 1)"},
    ],
)
def test_leaves_alone_what_the_world_allows(parts: dict[str, str]) -> None:
    assert forbidden_calls(source(**parts)) == []
