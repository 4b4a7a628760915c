"""Which ways of writing `step` need the observation that `super().step` makes."""

from __future__ import annotations

import textwrap

import pytest

from taskwright.world.unseen import observation_is_seen

UNSEEN = {
    "no step": "pass",
    "handed on at once": "def step(self, action):\n    return super().step(action)",
    "handed on by name": """
        def step(self, action):
            self.count += 1
            observation, reward, terminated, truncated, info = super().step(action)
            info["count"] = self.count
            return observation, reward, terminated, truncated, info
    """,
    "handed on in two places": """
        def step(self, action):
            obs, *rest = super().step(action)
            if self.over:
                return obs, *rest
            return obs, 0.0, True, False, {}
    """,
}
SEEN = {
    "looked at": """
        def step(self, action):
            observation, reward, terminated, truncated, info = super().step(action)
            self.speed = observation[0]
            return observation, reward, terminated, truncated, info
    """,
    "kept whole": """
        def step(self, action):
            result = super().step(action)
            self.last = result[0]
            return result
    """,
    "kept on self": """
        def step(self, action):
            self.seen, reward, terminated, truncated, info = super().step(action)
            return self.seen, reward, terminated, truncated, info
    """,
    "passed to a function": """
        def step(self, action):
            observation, *rest = super().step(action)
            return self.changed(observation), *rest
    """,
    "seen from within": """
        def step(self, action):
            observation, *rest = super().step(action)
            self.look = lambda: observation
            return observation, *rest
    """,
    "another method's": """
        def step(self, action):
            return self.advance(action)

        def advance(self, action):
            observation, *rest = super().step(action)
            self.speed = observation[0]
            return observation, *rest
    """,
    "a method of another name": """
        def advance(self, action):
            observation, *rest = super().step(action)
            self.speed = observation[0]
            return observation, *rest

        step = advance
    """,
    "returned within": """
        def step(self, action):
            observation, *rest = super().step(action)
            def look():
                return observation, 0
            self.speed = look()[0][0]
            return observation, *rest
    """,
    "the base's by its name": """
        def step(self, action):
            observation, *rest = R2D2Env.step(self, action)
            return observation, *rest
    """,
    "looked at from outside": """
        def step(self, action):
            return super().step(action)

        def get_success(self):
            return self.step(0)[0][0] > 1.0
    """,
    "handed on in another place": """
        def step(self, action):
            observation, reward, *rest = super().step(action)
            return 0, observation, *rest
    """,
}


def in_class(body: str) -> str:
    return "class Env(R2D2Env):\n" + textwrap.indent(textwrap.dedent(body).strip(), "    ")


@pytest.mark.parametrize("way", UNSEEN)
def test_is_not_made_where_it_is_only_handed_on(way: str) -> None:
    assert not observation_is_seen(in_class(UNSEEN[way]))


@pytest.mark.parametrize("way", SEEN)
def test_is_made_where_a_task_may_look(way: str) -> None:
    assert observation_is_seen(in_class(SEEN[way]))


@pytest.mark.parametrize("source", ["x = " + "-" * 90_000 + "1", "x = a" + ".a" * 9000, "\0", "("])
def test_is_made_where_the_source_cannot_be_looked_at(source: str) -> None:
    assert observation_is_seen(source)
