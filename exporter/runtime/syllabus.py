"""The tasks in the form that Syllabus (`pip install syllabus-rl`) asks for.

    from syllabus.core import GymnasiumSyncWrapper, make_multiprocessing_curriculum
    from syllabus.curricula import DomainRandomization

    curriculum = make_multiprocessing_curriculum(DomainRandomization(task_space()))
    env = GymnasiumSyncWrapper(SyllabusEnv(), task_space(), curriculum.components)

Syllabus' own `ReinitTaskWrapper` takes a seed for a task and keeps every world it has ever opened.
Its 0.7 needs matplotlib and scipy without saying so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from syllabus.core import TaskWrapper
from syllabus.task_space import DiscreteTaskSpace

from .catalogue import TASKS
from .suite import SuiteEnv


def task_space(tasks: Sequence[str] | None = None) -> Any:
    """All tasks, or the named ones, as a task space: numbers for curricula, names for people."""
    names = list(TASKS if tasks is None else tasks)
    return DiscreteTaskSpace(len(names), names)


class SyllabusEnv(TaskWrapper):  # type: ignore[misc]
    """A `SuiteEnv` whose task a curriculum sets; keywords are those of `SuiteEnv`.

    A new task begins with the next episode. `info["task_completion"]` is 1.0 from the step on in
    which the task is accomplished, and 0.0 before. Worlds that are not used are closed.
    """

    def __init__(self, tasks: Sequence[str] | None = None, **keywords: Any) -> None:
        suite = SuiteEnv(tasks, **keywords)
        super().__init__(suite)
        self.suite = suite
        self.task_space = task_space(suite.tasks)
        self.task = self._next = suite.task

    def reset(
        self,
        new_task: str | None = None,
        *,
        seed: int | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        if new_task is not None:
            self.change_task(new_task)
        chosen = {"task": self._next, **(options or {})}
        observation, info = self.suite.reset(seed=seed, options=chosen)
        self.task = self._next = info["task"]
        self.task_completion = 0.0
        return observation, {**info, "task_completion": 0.0}

    def change_task(self, new_task: str) -> None:
        """From the next episode on; the one under way is not disturbed."""
        self._next = new_task

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.suite.step(action)
        self.task_completion = float(info["is_success"])
        info = {**info, "task_completion": self.task_completion}
        return observation, reward, terminated, truncated, info
