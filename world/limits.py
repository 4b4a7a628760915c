"""How long an episode may be, as `spec` tells it.

A task ends its episodes by itself, after `time_limit` physics steps, so that it needs no
`TimeLimit` of Gymnasium's. But wrappers and trainers ask `spec.max_episode_steps`, which Gymnasium
leaves at None where it has set no limit: environments with a limit of their own say it there.
"""

from __future__ import annotations

import dataclasses
import operator
from typing import Any

from gymnasium.envs.registration import EnvSpec


class LimitedSpec(EnvSpec):
    """An `EnvSpec` of an environment that ends its episodes after `own_limit` steps by itself: a
    longer `TimeLimit` around it changes nothing, so `max_episode_steps` is never more."""

    own_limit: int | None = None
    _outer_limit: int | None = None

    @classmethod
    def of(cls, spec: EnvSpec, own_limit: int) -> LimitedSpec:
        """The same specification with the environment's own limit, in agent steps."""
        given = {f.name: getattr(spec, f.name) for f in dataclasses.fields(spec) if f.init}
        limited = cls(**given)
        limited.own_limit = own_limit
        return limited

    @property
    def max_episode_steps(self) -> int | None:
        limits = [n for n in (self.own_limit, self._outer_limit) if n is not None]
        return min(limits, default=None)

    @max_episode_steps.setter
    def max_episode_steps(self, steps: int | None) -> None:
        self._outer_limit = steps


class TellsItsLimit:
    """In front of `gymnasium.Env` or `VectorEnv`: whatever `spec` it is given, by `gymnasium.make`
    say, that tells its limit."""

    max_episode_steps: int
    """Agent steps in the longest episode."""
    _spec: EnvSpec | None = None

    @property
    def spec(self) -> EnvSpec | None:
        return self._spec

    @spec.setter
    def spec(self, spec: EnvSpec | None) -> None:
        self._spec = spec and LimitedSpec.of(spec, self.max_episode_steps)


def longest_episode(time_limit: int, action_repeat: int) -> int:
    """Agent steps in an episode of so many physics steps."""
    return -(-time_limit // action_repeat)


def positive(name: str, value: Any) -> int:
    """A whole number from 1 up, as an int. Raises ValueError."""
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if number < 1 or isinstance(value, bool):
        raise ValueError(f"{name} is {value!r}; it must be a whole number, one or more.")
    return number
