"""Many tasks as one environment, for agents that learn them all."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium

from .catalogue import TASKS, find, source
from .world import TaskEnv
from .world.limits import TellsItsLimit

MAX_OPEN = 8
"""Worlds that are kept open for when their task comes again: 30 MB each."""


class SuiteEnv(TellsItsLimit, gymnasium.Env[Any, Any]):
    """All tasks of a robot, or the named ones, in one observation and action space.

    **Which task**: `reset(options={"task": name})` says it. Otherwise `choose`, called without
    arguments, names one; without it, one is drawn uniformly, by the environment's seed. A
    curriculum is a `choose`. `info["task"]`, in `reset` and in `step`, is the name of the task.

    **Worlds**: the `max_open` used last stay open; what is used less is closed.

    Other keywords are those of `TaskEnv`. Raises UnknownTask for a name that the package has not,
    and ValueError where the tasks are for different robots.
    """

    metadata = TaskEnv.metadata

    def __init__(
        self,
        tasks: Sequence[str] | None = None,
        *,
        choose: Callable[[], str] | None = None,
        max_open: int = MAX_OPEN,
        **keywords: Any,
    ) -> None:
        self.tasks = [find(task)["name"] for task in (TASKS if tasks is None else tasks)]
        robots = sorted({TASKS[name]["robot"] for name in self.tasks})
        if len(robots) != 1 or max_open < 1:
            raise ValueError(
                f"{len(self.tasks)} tasks of {len(robots)} robots ({', '.join(robots)}) were asked "
                f"for, {max_open} of them to be kept open. Name tasks of one robot, and keep at "
                "least one open."
            )
        self._choose = choose
        self._max_open = max_open
        self._keywords = keywords
        self._open: OrderedDict[str, TaskEnv] = OrderedDict()
        self.task = self.tasks[0]
        first = self._playing = self._take_up(self.task)
        self.observation_space, self.action_space = first.observation_space, first.action_space
        self.max_episode_steps = first.max_episode_steps
        self.render_mode = first.render_mode

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        chosen = (options or {}).get("task")
        if chosen is None and self._choose is not None:
            chosen = self._choose()
        if chosen is None:
            chosen = self.tasks[int(self.np_random.integers(len(self.tasks)))]
        name = find(chosen)["name"]
        env = self._take_up(name)
        # A seed of its own, so that the episode does not depend on what was played before it.
        episode = seed if seed is not None else int(self.np_random.integers(2**31))
        observation, info = env.reset(seed=episode)
        self.task, self._playing = name, env
        return observation, {**info, "task": name}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self._playing.step(action)
        return observation, reward, terminated, truncated, {**info, "task": self.task}

    def render(self) -> Any:
        return self._playing.render()

    def close(self) -> None:
        while self._open:
            self._open.popitem()[1].close()

    def _take_up(self, name: str) -> TaskEnv:
        if name in self._open:
            self._open.move_to_end(name)
            return self._open[name]
        while len(self._open) >= self._max_open:
            self._open.popitem(last=False)[1].close()
        env = TaskEnv(source(name), **self._keywords)
        self._open[name] = env
        return env
