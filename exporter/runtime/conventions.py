"""What Gymnasium's own `make` and `make_vec` take and tell, taken and told here too: limits,
checkers and specifications."""

from __future__ import annotations

from typing import Any

import gymnasium
from gymnasium.envs.registration import EnvSpec

from .catalogue import MAX_IDS, PACKAGE, SUITE, TASKS
from .world.limits import longest_episode, positive
from .world.task_env import ACTION_REPEAT, TIME_LIMIT

GYMNASIUM = tuple(int(part) for part in gymnasium.__version__.split(".")[:2] if part.isdigit())
OF_OLD = GYMNASIUM < (1, 0)


class TaskSpec(EnvSpec):
    """A specification in Gymnasium's registry.

    There it says nothing of a limit: Gymnasium would set that around each environment, whatever
    `time_limit` and `action_repeat` it is made with, and the tasks end their episodes themselves.
    But the copy that tells of a vector environment says it; `env.spec` of a single one does too.
    """

    _limit: int | None = None

    @property
    def max_episode_steps(self) -> int | None:
        if "vectorization_mode" not in self.kwargs:
            return self._limit
        given = self.kwargs.get
        own = longest_episode(
            given("time_limit", TIME_LIMIT), given("action_repeat", ACTION_REPEAT)
        )
        return min(own, outer_limit(given("max_episode_steps")) or own)

    @max_episode_steps.setter
    def max_episode_steps(self, steps: int | None) -> None:
        self._limit = steps


def spec_of(task: str | None, keywords: dict[str, Any]) -> TaskSpec:
    """The specification of a task by its name, or of the suite of all; `keywords` are those of
    `make` or `make_vec` that go with it."""
    name = task if task is not None and len(TASKS) <= MAX_IDS else SUITE
    return TaskSpec(
        f"{name}-v0",
        entry_point=f"{PACKAGE}:make",
        # Before 1.0, Gymnasium did not tell it the task; call `make_vec` of the package there.
        vector_entry_point=None if OF_OLD else f"{PACKAGE}:make_vec",
        kwargs={**({} if task is None else {"task": task}), **keywords},
    )


def outer_limit(max_episode_steps: Any) -> int | None:
    """The actions after which an episode is cut short from outside; None where it is not, which -1
    says too. Raises ValueError."""
    if max_episode_steps is None or max_episode_steps == -1:
        return None
    return positive("max_episode_steps", max_episode_steps)


def wrapped(
    env: gymnasium.Env[Any, Any], max_episode_steps: int | None, disable_env_checker: bool | None
) -> gymnasium.Env[Any, Any]:
    """An environment with the limit and the checker of Gymnasium's that were asked for."""
    if disable_env_checker is False:
        env = gymnasium.wrappers.PassiveEnvChecker(env)
    return (
        env if max_episode_steps is None else gymnasium.wrappers.TimeLimit(env, max_episode_steps)
    )
