"""`TaskVectorEnv`: a task as Gymnasium's `VectorEnv`, its environments in sandboxed processes."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from ..errors import UsageError
from ..task import ROBOT_BASES, robot_named_in
from ..world.actions import ActionError, read_actions
from ..world.limits import TellsItsLimit, longest_episode, positive
from ..world.robots import ROBOTS
from ..world.task_env import ACTION_REPEAT, TASK_ENV, TIME_LIMIT, task_env_id
from .processes.cores import cores
from .vector import SandboxedEpisodes, Steps

MAX_PER_PROCESS = 24
"""Environments: each takes about 28 MB of a process's memory."""

Mask = NDArray[np.bool_]


class UnfitActions(UsageError, ActionError):
    """Actions that are not in the action space; nothing has happened in the environments."""


class TaskVectorEnv(TellsItsLimit, VectorEnv[NDArray[np.float32], NDArray[Any], NDArray[Any]]):
    """`num_envs` environments of one task, given as source code. Use as a context manager.

    The task runs in sandboxed processes; the environments are spread evenly over them. What comes
    out is what `gymnasium.vector.SyncVectorEnv` gives for as many `TaskEnv`s in the autoreset mode
    SAME_STEP:

    **Observations, rewards, ends**: arrays with one row or number for each environment. Where an
    episode ended, the observation is the first one of the next episode, and `infos["final_obs"]`
    and `infos["final_info"]` hold how it ended.

    **Infos**: `is_success` and `reward_terms`, and in `final_info` where a world broke `diagnosis`,
    each with a mask (`_is_success`) of the environments it is told of. At most 32 names of reward
    terms travel; the reward counts them all.

    **Seeds**: `reset(seed=5)` begins in environment i the episode of `TaskEnv.reset(seed=5 + i)`,
    bit for bit, and later episodes are those that it would go on with, however many processes there
    are.

    **Limits**: `spec.max_episode_steps` tells the actions in the longest episode.

    **Errors**: after a `ChildFault` all processes are gone. It cannot be drawn: draw a `TaskEnv`
    with the same seed.

    Args:
        source: The task's code.
        num_envs: How many environments are stepped together; up to 24 for each process.
        processes: How many processes the task runs in; one for each core unless given.
        robot: Who acts in the task; the one that its base class names unless given.
        action_repeat: Physics steps (0.0165 s each) for which an action is repeated.
        time_limit: Physics steps after which the task's own episodes are truncated.
        steered: Whether the actions are the commands of the robot's gait.
        max_episode_steps: Actions after which episodes are cut short from outside, as Gymnasium's
            `TimeLimit` does; never unless given.

    Raises:
        UsageError: It is called wrongly.
        ChildFault: The task's code fails, hangs or dies; symptom, cause and fix say so in a
            sentence each. Every method may raise it.
        BrokenError: No process starts.
    """

    def __init__(
        self,
        source: str,
        num_envs: int,
        *,
        processes: int | None = None,
        robot: str | None = None,
        action_repeat: int = ACTION_REPEAT,
        time_limit: int = TIME_LIMIT,
        steered: bool = False,
        max_episode_steps: int | None = None,
    ) -> None:
        if processes is None:
            processes = cores()
        num_envs, processes = _count("num_envs", num_envs), _count("processes", processes)
        action_repeat = _count("action_repeat", action_repeat)
        time_limit = _count("time_limit", time_limit)
        self.max_episode_steps = longest_episode(time_limit, action_repeat)
        if max_episode_steps is not None:
            max_episode_steps = _count("max_episode_steps", max_episode_steps)
            self.max_episode_steps = min(self.max_episode_steps, max_episode_steps)
        robot = robot or _robot_in(source)
        if steered and not ROBOTS[robot].steered:
            raise UsageError(f"The {robot} has no gait to steer.", "Leave `steered` out.")
        if num_envs > MAX_PER_PROCESS * processes:
            raise UsageError(
                f"{num_envs} environments in {processes} processes do not fit into their memory, "
                f"which holds {MAX_PER_PROCESS} each.",
                f"Ask for {-(-num_envs // MAX_PER_PROCESS)} processes or for fewer environments.",
            )
        self.metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.SAME_STEP}
        self.num_envs = num_envs
        self._episodes = SandboxedEpisodes(
            source,
            robot,
            num_envs,
            processes,
            end_on_success=False,
            steered=steered,
            action_repeat=action_repeat,
            time_limit=time_limit,
            max_episode_steps=max_episode_steps,
        )
        # Also where it is forgotten, or this process ends.
        self._close = weakref.finalize(self, self._episodes.close)
        self.single_observation_space = self._episodes.observation_space
        self.single_action_space = self._episodes.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._has_begun = False
        self.spec = EnvSpec(
            task_env_id(source),
            entry_point=TASK_ENV,
            vector_entry_point=f"{TaskVectorEnv.__module__}:{TaskVectorEnv.__name__}",
            # As `gymnasium.make_vec` has it.
            kwargs={
                "source": source,
                "action_repeat": action_repeat,
                "time_limit": time_limit,
                "steered": steered,
                "num_envs": num_envs,
                "vectorization_mode": "vector_entry_point",
            },
        )

    @classmethod
    def from_file(cls, path: str | Path, num_envs: int, **keywords: Any) -> Self:
        """The task in a Python file.

        Args:
            path: The file, in UTF-8.
            num_envs: How many environments are stepped together.
            **keywords: The other ones of the class.

        Returns:
            The environments.

        Raises:
            OSError: The file cannot be read. Otherwise what the class raises.
        """
        return cls(Path(path).read_text(encoding="utf-8"), num_envs, **keywords)

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin a new episode in all environments, or in some.

        Args:
            seed: A whole number from 0 up: environment i begins the episode of `seed + i`. A
                sequence gives each environment its own; None goes on with the environment's stream
                of seeds.
            options: With `{"reset_mask": mask}` only the environments in the mask (bools, shape
                (num_envs,)) begin a new episode. The first reset has to be of all.

        Returns:
            Observations of all environments, float32, shape (num_envs, size), and infos, in which
            `is_success` is False and `_is_success` marks the environments that have begun anew.

        Raises:
            UsageError: Seeds or mask do not fit the environments.
            ChildFault: The task's code failed.
        """
        seeds = self._seeds(seed)
        chosen = np.ones(self.num_envs, dtype=np.bool_)
        if options and "reset_mask" in options:
            chosen = self._reset_mask(options["reset_mask"])
        observations = self._episodes.begin(seeds, chosen)
        self._has_begun = True
        nothing = np.zeros(self.num_envs, dtype=np.bool_)
        return observations, {"is_success": nothing, "_is_success": chosen}

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[NDArray[np.float32], NDArray[np.float64], Mask, Mask, dict[str, Any]]:
        """Act once in every environment.

        Args:
            actions: One action for each environment, shape (num_envs, *single_action_space.shape).

        Returns:
            Observations (float32, shape (num_envs, size)), rewards (float64), terminated, truncated
            (bools), each of shape (num_envs,), and infos. Where an episode ended, the observation
            is the first one of the next, and the last one is in `infos["final_obs"]`.

        Raises:
            UnfitActions: Some are not in the action space; nothing has happened. Also a ValueError.
            ResetNeeded: `reset` was not called yet.
            ChildFault: The task's code failed.
        """
        if not self._has_begun:
            raise ResetNeeded("The first episodes have not begun. Call `reset` before `step`.")
        try:
            actions = read_actions(actions, self.single_action_space, self.num_envs)
        except ActionError as error:
            raise UnfitActions(str(error), "`action_space.sample()` gives such actions.") from None
        steps = self._episodes.step(actions)
        infos = self._infos(steps)
        return steps.observations, steps.rewards, steps.terminated, steps.truncated, infos

    def _seeds(self, seed: int | Sequence[int | None] | None) -> list[int | None]:
        """A seed for each environment."""
        if seed is None:
            return [None] * self.num_envs
        if isinstance(seed, int | np.integer):
            seeds: list[int | None] = [int(seed) + n for n in range(self.num_envs)]
        else:
            seeds = [None if each is None else int(each) for each in seed]
        if len(seeds) != self.num_envs or any(each is not None and each < 0 for each in seeds):
            raise UsageError(
                f"`seed` is {seed!r} for {self.num_envs} environments.",
                "Give one whole number from 0 up, a list with one or None for each environment, or "
                "None.",
            )
        return seeds

    def _reset_mask(self, mask: Any) -> Mask:
        if (
            not isinstance(mask, np.ndarray)
            or mask.dtype != np.bool_
            or mask.shape != (self.num_envs,)
            or not (self._has_begun or mask.all())
            or not mask.any()
        ):
            raise UsageError(
                f"`options['reset_mask']` is {mask!r}.",
                f"Give an array of {self.num_envs} bools, one True at least, and in the first "
                "reset all of them.",
            )
        return mask.copy()

    def _infos(self, steps: Steps) -> dict[str, Any]:
        """Infos as `SyncVectorEnv` gives them."""
        ended = steps.terminated | steps.truncated
        names, terms = self._episodes.reward_terms()
        infos: dict[str, Any] = {}
        if ended.any():
            infos["final_obs"] = _where(dict(enumerate(steps.final_observations)), ended)
            infos["_final_obs"] = ended
            infos["final_info"] = _terms_of(ended, names, terms)
            infos["final_info"].update(is_success=steps.successes & ended, _is_success=ended.copy())
            infos["_final_info"] = ended.copy()
            if steps.diagnoses:
                diagnosed = np.isin(np.arange(self.num_envs), list(steps.diagnoses))
                infos["final_info"]["diagnosis"] = _where(steps.diagnoses, diagnosed)
                infos["final_info"]["_diagnosis"] = diagnosed
        if not ended.all():
            infos.update(_terms_of(~ended, names, terms))
        # Where an episode has just begun, this is the value after its `reset`.
        infos["is_success"] = steps.successes & ~ended
        infos["_is_success"] = np.ones(self.num_envs, dtype=np.bool_)
        return infos

    def render(self) -> None:
        """Is not possible, because the worlds are in other processes.

        Raises:
            UsageError: Always.
        """
        raise UsageError(
            "A `TaskVectorEnv` cannot be drawn.",
            "Play the episode in `TaskEnv(source, render_mode='rgb_array')`, with the same seed "
            "and actions, and draw that.",
        )

    def close_extras(self, **_: Any) -> None:
        """End all processes; called by `close`.

        Args:
            **_: What Gymnasium passes on; it is not used.
        """
        if "_close" in vars(self):
            self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _where(values: dict[int, Any], where: Mask) -> NDArray[np.object_]:
    """One value for each environment in the mask, None for the others."""
    column = np.full(len(where), None, dtype=object)
    for n in np.flatnonzero(where):
        column[n] = values[int(n)]
    return column


def _terms_of(where: Mask, names: list[str], terms: NDArray[np.float64]) -> dict[str, Any]:
    """The reward terms of the environments in the mask, by name."""
    given = where[:, None] & ~np.isnan(terms)
    numbers = np.where(given, terms, 0.0)
    named: dict[str, Any] = {}
    for column in np.flatnonzero(given.any(axis=0)):
        name = names[column]
        named[name], named[f"_{name}"] = numbers[:, column], given[:, column]
    return {"reward_terms": named, "_reward_terms": where.copy()}


def _count(name: str, value: Any) -> int:
    try:
        return positive(name, value)
    except ValueError:
        raise UsageError(f"`{name}` is {value!r}.", "Ask for 1 or more.") from None


def _robot_in(source: str) -> str:
    robot = robot_named_in(source)
    if robot is not None:
        return robot
    bases = " or ".join(ROBOT_BASES.values())
    raise UsageError(
        "The source has no class `Env` that is seen to be for a robot.",
        f"Derive it from {bases}, or say for which robot it is, such as robot='r2d2'.",
    )
