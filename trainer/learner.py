"""Proximal policy optimisation (Schulman et al. 2017, arXiv 1707.06347) on sandboxed episodes.

The networks, their initial weights and the file format are stable-baselines3's, and so is the
algorithm in all that decides what is learned; what is ours is the loop around it, because a trial
is short (`benchmarks/trial_profile.py` tells where its time goes):

- Environments are stepped in two groups: while one is stepped, the actions of the other are
  computed, so that the processes of the environments and this one all have something to do.
- Values are computed once for a whole rollout instead of at each step, and what an action would
  need for the gradient is not kept.
- All chance of a rollout is drawn before it begins. Which group is served first depends on the
  clock, and so nothing may depend on that: the same seed gives the same policy.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ..sandbox.vector import SandboxedEpisodes, Steps
from ..sandbox.world.robots import ROBOT_ENVS
from ..sandbox.world.scene import expand
from .actions import Actor
from .policies import make_model
from .settings import SETTINGS, Settings
from .visits import Visits

GROUPS = 2
"""Groups of environments in flight. What is learned depends on it: sums over rows differ in their
last bit with the number of rows."""
NORMALIZED_REWARD_LIMIT = 10.0
RECENT_EPISODES = 50
"""The learning rate and the exploration bonus follow the success rate of so many."""
SEEN_SUCCESS_RATE = 0.05
"""From this rate on a task is accomplished now and then: there is no need to look elsewhere."""


@dataclass(frozen=True)
class Episode:
    """One that ended in training."""

    environment: int
    success: bool
    earned: float
    """Sum of the task's own rewards."""
    steps: int
    """Agent steps."""


class Learner:
    """Trains a model, once `reset` has begun episodes. Between rollouts its weights may be read or
    replaced."""

    def __init__(
        self, episodes: SandboxedEpisodes, seed: int, settings: Settings = SETTINGS
    ) -> None:
        self.episodes = episodes
        self.settings = settings
        self.model = make_model(episodes, seed, settings)
        self.steps = 0
        """Agent steps so far, of all environments together."""
        self._actor_learns_from = 0
        """Until so many steps have been made, only the critic learns."""
        self._random = torch.Generator().manual_seed(seed)
        self._place = ROBOT_ENVS[episodes.robot].robot_class.place_numbers
        self._know_nothing()
        self._rollout = _Rollout(episodes, settings.steps)
        shares = np.array_split(np.arange(episodes.count), min(GROUPS, episodes.count))
        self._groups = [slice(int(share[0]), int(share[-1]) + 1) for share in shares]

    def reset(self, seed: int) -> None:
        """Begin new episodes everywhere: somebody else has used the environments."""
        self._observations = self.episodes.reset(seed)
        self._earned = np.zeros(self.episodes.count)
        self._lengths = np.zeros(self.episodes.count, dtype=np.int64)
        self._scale.forget_returns()

    def restart(self, weights: dict[str, Any], settings: Settings = SETTINGS) -> None:
        """Go on from other weights, with all else as at the very beginning.
        `settings` may change whatever does not change the shape of networks and rollouts."""
        self.settings = settings
        self._actor_learns_from = self.steps + settings.critic_steps
        policy: Any = self.model.policy
        policy.load_state_dict(weights)
        policy.optimizer = policy.optimizer_class(
            policy.parameters(), lr=settings.learning_rate, **policy.optimizer_kwargs
        )
        self._know_nothing()

    def _know_nothing(self) -> None:
        """Of the rewards, of what succeeds and of where the robot has been."""
        self._scale = _RewardScale(self.episodes.count, self.settings.discount)
        self._recent: deque[bool] = deque(maxlen=RECENT_EPISODES)
        self._visits = Visits()
        self.curious = False
        """Whether new places are worth something, while hardly any episode succeeds."""

    def improve(self) -> list[Episode]:
        """One rollout and the update that follows from it. Returns the episodes that ended, in the
        order of time and environment."""
        ended = self._collect()
        self._recent += [episode.success for episode in ended]
        self._update()
        return ended

    def _collect(self) -> list[Episode]:
        rollout, actor = self._rollout, Actor(self.model.policy)
        noise = actor.noise((rollout.steps, self.episodes.count), self._random)
        rollout.begin()
        moments = {rows.start: 0 for rows in self._groups}
        ended: list[tuple[int, Episode]] = []

        def act(rows: slice, observations: NDArray[np.float32]) -> None:
            moment = moments[rows.start]
            chosen = actor.choose(observations, noise[moment, rows])
            rollout.note_choice(moment, rows, observations, chosen)
            self.episodes.start(rows, chosen.played)

        for rows in self._groups:
            act(rows, self._observations[rows])
        under_way = len(self._groups)
        while under_way:
            rows, steps = self.episodes.finish()
            moment = moments[rows.start]
            ended += [(moment, episode) for episode in self._note_step(moment, rows, steps)]
            self._observations[rows] = steps.observations
            moments[rows.start] = moment + 1
            if moment + 1 < rollout.steps:
                act(rows, steps.observations)
            else:
                under_way -= 1
        self.steps += rollout.steps * self.episodes.count
        self.model.num_timesteps = self.steps
        ended.sort(key=lambda each: (each[0], each[1].environment))
        return [episode for _, episode in ended]

    def _note_step(self, moment: int, rows: slice, steps: Steps) -> list[Episode]:
        self._earned[rows] += steps.rewards
        self._lengths[rows] += 1
        ended = steps.terminated | steps.truncated
        rewards = steps.rewards
        episodes: list[Episode] = []
        if ended.any():
            earned = self._earned[rows]
            worth = self.settings.success_worth(earned, self._lengths[rows])
            # Success ends an episode here, so this is paid once.
            rewards = rewards + worth * (ended & steps.successes)
            episodes = [
                Episode(
                    environment=rows.start + int(row),
                    success=bool(steps.successes[row]),
                    earned=float(earned[row]),
                    steps=int(self._lengths[rows][row]),
                )
                for row in np.flatnonzero(ended)
            ]
            self._earned[rows][ended] = 0.0
            self._lengths[rows][ended] = 0
        self._rollout.note_step(moment, rows, rewards, ended, steps)
        return episodes

    def _update(self) -> None:
        policy: Any = self.model.policy
        settings, rollout = self.settings, self._rollout
        observations = torch.from_numpy(rollout.observations).flatten(0, 1)
        with torch.inference_mode():
            values = policy.predict_values(observations).reshape(rollout.steps, -1).numpy()
            last = policy.predict_values(torch.from_numpy(self._observations)).flatten().numpy()
            cut = rollout.values_where_cut_off(policy)
        rewards = self._scale.normalize(rollout.rewards, rollout.ended) + self._exploration_bonus()
        advantages = _advantages(
            rewards, values, last, cut, rollout.ended, settings.discount, settings.trace
        )
        data = {
            "observations": observations.clone(),
            "actions": torch.from_numpy(rollout.actions).flatten(0, 1),
            "log_probabilities": torch.from_numpy(rollout.log_probabilities).flatten(),
            "advantages": torch.from_numpy(advantages).flatten(),
            "returns": torch.from_numpy(advantages + values).flatten(),
        }
        optimizer = policy.optimizer
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * self._boldness
        policy.set_training_mode(True)
        count = len(data["returns"])
        for _ in range(settings.epochs):
            if self._divergence(policy, data) > settings.largest_divergence:
                break
            order = torch.randperm(count, generator=self._random)
            for start in range(0, count, settings.batch_size):
                chosen = order[start : start + settings.batch_size]
                loss = self._loss(policy, **{name: each[chosen] for name, each in data.items()})
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(policy.parameters(), settings.max_gradient_norm)
                optimizer.step()
        policy.set_training_mode(False)

    def _exploration_bonus(self) -> NDArray[np.float32]:
        """What the places that the steps of the rollout have led to are worth, for being new."""
        rollout = self._rollout
        if not self.curious:
            return np.zeros(rollout.shape, np.float32)
        led_to = np.concatenate([rollout.observations[1:], self._observations[None]])
        bonus = self._visits.add(expand(led_to[:, :, self._place]))
        if self.success_rate >= SEEN_SUCCESS_RATE:
            return np.zeros_like(bonus)
        # A step that ended an episode led to the beginning of the next one by no merit of its own.
        bonus[rollout.ended] = 0.0
        return np.float32(self.settings.exploration_bonus) * bonus

    @property
    def success_rate(self) -> float:
        """Of the last training episodes; fewer of them count as failures."""
        return sum(self._recent) / RECENT_EPISODES

    @property
    def _boldness(self) -> float:
        """From 1 down to a share that the settings tell, as more than half of the episodes
        succeed."""
        return min(max(2.0 * (1.0 - self.success_rate), self.settings.least_boldness), 1.0)

    def _divergence(self, policy: Any, data: dict[str, Tensor]) -> float:
        """How far the policy is from the one that acted (Schulman 2020, the estimate k3 of the KL
        divergence); 0.0 where nobody asks, since it takes time."""
        if math.isinf(self.settings.largest_divergence):
            return 0.0
        with torch.inference_mode():
            now, _ = Actor(policy).evaluate(data["observations"], data["actions"])
            moved = now - data["log_probabilities"]
            return float((moved.exp() - 1.0 - moved).mean())

    def _loss(
        self,
        policy: Any,
        observations: Tensor,
        actions: Tensor,
        log_probabilities: Tensor,
        advantages: Tensor,
        returns: Tensor,
    ) -> Tensor:
        settings = self.settings
        values = policy.predict_values(observations).flatten()
        value_loss = functional.mse_loss(values, returns)
        if self.steps < self._actor_learns_from:
            return settings.value_weight * value_loss
        if len(advantages) > 1:
            advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        now, entropy = Actor(policy).evaluate(observations, actions)
        ratio = torch.exp(now - log_probabilities)
        clipped = torch.clamp(ratio, 1.0 - settings.clip, 1.0 + settings.clip)
        gain = torch.min(advantages * ratio, advantages * clipped).mean()
        worth_of_entropy = settings.entropy * self._boldness
        return settings.value_weight * value_loss - gain - worth_of_entropy * entropy.mean()


class _Rollout:
    """What happened in some steps of all environments, in arrays of shape (steps, environments)."""

    def __init__(self, episodes: SandboxedEpisodes, steps: int) -> None:
        shape = self.shape = (steps, episodes.count)
        self.steps = steps
        (size,) = episodes.observation_space.shape or ()
        action_shape = episodes.action_space.shape or ()
        self.observations = np.zeros((*shape, size), np.float32)
        self.actions = np.zeros((*shape, *action_shape), np.float32 if action_shape else np.int64)
        self.log_probabilities = np.zeros(shape, np.float32)
        self.rewards = np.zeros(shape)
        self.ended = np.zeros(shape, dtype=np.bool_)
        self._cut_off: dict[tuple[int, int], NDArray[np.float32]] = {}

    def begin(self) -> None:
        self._cut_off.clear()

    def note_choice(
        self, moment: int, rows: slice, observations: NDArray[np.float32], chosen: Any
    ) -> None:
        self.observations[moment, rows] = observations
        self.actions[moment, rows] = chosen.actions
        self.log_probabilities[moment, rows] = chosen.log_probabilities

    def note_step(
        self,
        moment: int,
        rows: slice,
        rewards: NDArray[np.float64],
        ended: NDArray[np.bool_],
        steps: Steps,
    ) -> None:
        self.rewards[moment, rows] = rewards
        self.ended[moment, rows] = ended
        for row in np.flatnonzero(steps.truncated & ~steps.terminated):
            self._cut_off[moment, rows.start + int(row)] = steps.final_observations[row]

    def values_where_cut_off(self, policy: Any) -> NDArray[np.float32]:
        """The value of where an episode was cut off rather than over, and 0 elsewhere: it would
        have gone on."""
        values = np.zeros(self.shape, np.float32)
        if self._cut_off:
            places = sorted(self._cut_off)
            final = torch.from_numpy(np.stack([self._cut_off[place] for place in places]))
            values[tuple(np.array(places).T)] = policy.predict_values(final).flatten().numpy()
        return values


class _RewardScale:
    """Rewards differ by orders of magnitude between tasks: they are divided by the standard
    deviation of the discounted return so far, as stable-baselines3's `VecNormalize` does, but all
    rewards of a rollout by the same."""

    def __init__(self, environments: int, discount: float) -> None:
        self._discount = discount
        self._returns = np.zeros(environments)
        self._count, self._mean, self._variance = 1e-4, 0.0, 1.0

    def forget_returns(self) -> None:
        self._returns[:] = 0.0

    def normalize(
        self, rewards: NDArray[np.float64], ended: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        returns = np.empty_like(rewards)
        for moment, (reward, end) in enumerate(zip(rewards, ended, strict=True)):
            self._returns = returns[moment] = self._returns * self._discount + reward
            self._returns = np.where(end, 0.0, self._returns)
        self._learn(returns)
        scaled = rewards / np.sqrt(self._variance + 1e-8)
        limit = NORMALIZED_REWARD_LIMIT
        clipped: NDArray[np.float32] = scaled.clip(-limit, limit).astype(np.float32)
        return clipped

    def _learn(self, returns: NDArray[np.float64]) -> None:
        """Chan et al. 1979, on joining the moments of two samples."""
        total = self._count + returns.size
        apart = float(returns.mean()) - self._mean
        spread = self._variance * self._count + float(returns.var()) * returns.size
        spread += apart * apart * self._count * returns.size / total
        self._mean += apart * returns.size / total
        self._variance, self._count = spread / total, total


def _advantages(
    rewards: NDArray[np.float32],
    values: NDArray[np.float32],
    last: NDArray[np.float32],
    cut: NDArray[np.float32],
    ended: NDArray[np.bool_],
    discount: float,
    trace: float,
) -> NDArray[np.float32]:
    """Generalised advantage estimates. All arrays have the shape (steps, environments), `last`,
    the values of what is observed after the last step, (environments,)."""
    advantages = np.empty_like(rewards)
    advantage = np.zeros_like(last)
    following = last
    for moment in range(len(rewards) - 1, -1, -1):
        goes_on = ~ended[moment]
        expected = np.where(goes_on, following, cut[moment])
        surprise = rewards[moment] + discount * expected - values[moment]
        advantage = surprise + discount * trace * goes_on * advantage
        advantages[moment] = advantage
        following = values[moment]
    return advantages
