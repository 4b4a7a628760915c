"""Many tasks in one stable-baselines3 `VecEnv`: what a generalist trains on.

Each of a fixed number of slots plays one task at a time, in a sandboxed process of its own, so that
no task can meddle with another. When it has played some episodes, a slot is given its next task.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from ..sandbox.processes.channel import ChildFault
from ..sandbox.vector import SandboxedEpisodes
from ..world.robots import robot_spaces
from .learners.learner import Settings
from .learners.vec_env import RemoteVecEnv

EPISODES_PER_DRAW = 4
"""Episodes that a slot plays of a task before it is given another: making a world takes as long as
forty steps in it, while all other slots wait."""
MOST_IDLE = 16
"""Worlds that are kept for the next time their task is drawn, each of about 30 MB. The one that was
last used longest ago is closed first."""
REWARD_CLIP = 10.0
"""In standard deviations of the discounted return, as in stable-baselines3's `VecNormalize`."""


@dataclass
class World:
    """A task in a process of its own. Its next episode has always begun."""

    task_id: str
    episodes: SandboxedEpisodes
    observation: NDArray[np.float32]


class Worlds:
    """Makes worlds of tasks, given as sources by `task_id`, and keeps some that are not in use."""

    def __init__(self, sources: Mapping[str, str], robot: str, seed: int) -> None:
        self._sources = sources
        self._robot = robot
        self._seed = seed
        self._made = 0
        self._idle: list[World] = []
        """The latest used last."""

    def take(self, task_id: str) -> World:
        """A world of a task, an idle one if there is one. Raises ChildFault."""
        for world in reversed(self._idle):
            if world.task_id == task_id:
                self._idle.remove(world)
                return world
        self._made += 1
        words = [self._seed, self._made]
        episodes = SandboxedEpisodes(self._sources[task_id], self._robot, 1, 1)
        seed = int(np.random.SeedSequence(words).generate_state(1)[0])
        return World(task_id, episodes, episodes.reset(seed)[0])

    def give_back(self, world: World) -> None:
        self._idle.append(world)
        if len(self._idle) > MOST_IDLE:
            self._idle.pop(0).episodes.close()

    def close(self) -> None:
        for world in self._idle:
            world.episodes.close()
        self._idle.clear()


class RewardScales:
    """By what to divide the rewards of each task: the standard deviation of its discounted return.

    Rewards differ by orders of magnitude between tasks; without this, those of one would drown the
    others'. As `VecNormalize` does it, but for each task by itself.
    """

    def __init__(self, gamma: float) -> None:
        self._gamma = gamma
        self.moments: dict[str, list[float]] = {}
        """For each task: number of returns, their mean, sum of squared deviations from it (Welford
        1962)."""

    def scaled(self, task_id: str, reward: float, before: float) -> tuple[float, float]:
        """A reward as it is trained on, and the discounted return with it, given the one before."""
        discounted = before * self._gamma + reward
        moments = self.moments.setdefault(task_id, [0.0, 0.0, 0.0])
        moments[0] += 1.0
        offset = discounted - moments[1]
        moments[1] += offset / moments[0]
        moments[2] += offset * (discounted - moments[1])
        deviation = np.sqrt(moments[2] / moments[0] + 1e-8) if moments[0] > 1.0 else 1.0
        return float(np.clip(reward / deviation, -REWARD_CLIP, REWARD_CLIP)), discounted


class TaskSlots(RemoteVecEnv):
    """`slots` environments whose tasks `draw` chooses, one call for each.

    A success is worth what `settings` say, as in `SandboxedVecEnv`. `infos` of an ended episode
    hold `task_id`, `terminal_observation`, `TimeLimit.truncated`, `is_success` and `episode` (`r`:
    the return without that, `l`: agent steps). Where a task's code fails, `tell_fault` hears of it,
    and must see to it that `draw` names it no more; the episode is cut off, and its infos have no
    `is_success`.
    """

    def __init__(
        self,
        worlds: Worlds,
        robot: str,
        slots: int,
        draw: Callable[[], str],
        tell_fault: Callable[[str, ChildFault], None],
        scales: RewardScales,
        settings: Settings,
    ) -> None:
        observation_space, action_space = robot_spaces(robot, steered=True)
        super().__init__(slots, observation_space, action_space)
        self._worlds = worlds
        self._draw = draw
        self._tell_fault = tell_fault
        self._scales = scales
        self._settings = settings
        self._slots: list[World] = []
        self._faults: dict[int, ChildFault] = {}

    def reset(self) -> VecEnvObs:
        """Draw a task for every slot and begin."""
        self._vacate()
        while len(self._slots) < self.num_envs:
            self._slots.append(self._next_world())
        self._left = np.full(self.num_envs, EPISODES_PER_DRAW)
        self._returns = np.zeros(self.num_envs)
        self._discounted = np.zeros(self.num_envs)
        self._lengths = np.zeros(self.num_envs, dtype=np.int64)
        return np.stack([world.observation for world in self._slots])

    def step_async(self, actions: NDArray[Any]) -> None:
        self._faults = {}
        for n, world in enumerate(self._slots):
            try:
                world.episodes.start(actions[n : n + 1])
            except ChildFault as fault:
                self._faults[n] = fault

    def step_wait(self) -> VecEnvStepReturn:
        rewards = np.zeros(self.num_envs, np.float32)
        dones = np.zeros(self.num_envs, np.bool_)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for n, world in enumerate(self._slots):
            try:
                if n in self._faults:
                    raise self._faults[n]
                rewards[n], infos[n] = self._end_step(n, world)
            except ChildFault as fault:
                self._tell_fault(world.task_id, fault)
                self._left[n] = 0
                infos[n] = {
                    "task_id": world.task_id,
                    "terminal_observation": world.observation,
                    "TimeLimit.truncated": True,
                }
            if infos[n]:
                dones[n] = True
                self._begin_episode(n, broken="is_success" not in infos[n])
        return np.stack([world.observation for world in self._slots]), rewards, dones, infos

    def _end_step(self, n: int, world: World) -> tuple[float, dict[str, Any]]:
        """The reward to train on in a slot, and the infos of an episode that has ended there."""
        steps = world.episodes.finish()
        world.observation = steps.observations[0]
        reward = float(steps.rewards[0])
        self._returns[n] += reward
        self._lengths[n] += 1
        ended = bool(steps.terminated[0] or steps.truncated[0])
        success = bool(steps.successes[0])
        if ended and success:
            one = slice(n, n + 1)
            worth = self._settings.success_worth(self._returns[one], self._lengths[one])
            reward += float(worth[0])
        paid, self._discounted[n] = self._scales.scaled(world.task_id, reward, self._discounted[n])
        if not ended:
            return paid, {}
        return paid, {
            "task_id": world.task_id,
            "terminal_observation": steps.final_observations[0],
            "TimeLimit.truncated": bool(steps.truncated[0] and not steps.terminated[0]),
            "is_success": success,
            "episode": {"r": float(self._returns[n]), "l": int(self._lengths[n])},
        }

    def _begin_episode(self, n: int, broken: bool) -> None:
        """Another episode of the same task, or of the next one."""
        self._returns[n], self._discounted[n], self._lengths[n] = 0.0, 0.0, 0
        self._left[n] -= 1
        if self._left[n] <= 0:
            if not broken:
                self._worlds.give_back(self._slots[n])
            self._slots[n] = self._next_world()
            self._left[n] = EPISODES_PER_DRAW

    def _next_world(self) -> World:
        while True:
            task_id = self._draw()
            try:
                return self._worlds.take(task_id)
            except ChildFault as fault:
                self._tell_fault(task_id, fault)

    def _vacate(self) -> None:
        for world in self._slots:
            world.episodes.close()
        self._slots = []

    def close(self) -> None:
        """End all processes. Calling it twice is harmless."""
        self._vacate()
        self._worlds.close()
