"""Episodes that are played to be shown: their actions are written down, and since episodes are
reproducible, they can be replayed wherever somebody wants to look."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...sandbox.episodes import episode_seed
from ...sandbox.vector import SandboxedEpisodes
from ..learners.network import PolicyNetwork
from ..policies import Policy, Random, Trained, network_in


@dataclass
class Played:
    """An episode: what settles how it begins, and what was done in it."""

    seed: int
    actions: list[NDArray[Any]] = field(default_factory=list)
    success: bool | None = None
    """None where nobody acts."""


def who_acts(episodes: SandboxedEpisodes, policy: bytes | None, seed: int) -> Policy:
    """The policy in the bytes of a policy file, or random actions where there is none."""
    if policy is None:
        return Random(episodes.action_space, seed)
    return Trained(_network(episodes, policy), seed)


def untrained(episodes: SandboxedEpisodes, policy: bytes | None, seed: int) -> Policy:
    """The network that training with this seed begins with, of the shape of a trained one."""
    spaces = episodes.observation_space, episodes.action_space
    network = PolicyNetwork(*spaces, seed)
    if policy is not None:
        kept = _network(episodes, policy)
        network = PolicyNetwork(*spaces, seed, kept.hidden, activation=kept.activation)
    return Trained(network, seed)


def _network(episodes: SandboxedEpisodes, policy: bytes) -> PolicyNetwork:
    spaces = episodes.observation_space, episodes.action_space
    return network_in(*spaces, policy, "of the trained agent")


def play_until_success(
    episodes: SandboxedEpisodes,
    policy: Policy,
    seed: int,
    limit: int,
) -> Played:
    """The first of at most `limit` episodes that succeeds; where none does, the last."""
    observations = episodes.reset(seed)
    for number in range(limit):
        # That of environment 0, the only one.
        played, observations = _play_on(
            episodes, policy, episode_seed(seed, 0, number), observations
        )
        if played.success:
            break
    return played


def play_from(episodes: SandboxedEpisodes, policy: Policy, seed: int) -> Played:
    """The one episode that `TaskEnv.reset(seed=seed)` begins."""
    observations = episodes.begin([seed], np.array([True]))
    return _play_on(episodes, policy, seed, observations)[0]


def _play_on(
    episodes: SandboxedEpisodes, policy: Policy, seed: int, observations: NDArray[np.float32]
) -> tuple[Played, NDArray[np.float32]]:
    """An episode that has begun, to its end or its success, and what the next one begins with."""
    played = Played(seed)
    while True:
        action = policy.act(observations)
        played.actions.append(np.asarray(action, dtype=np.float32).reshape(-1))
        steps = episodes.step(action)
        observations = steps.observations
        if steps.terminated[0] or steps.truncated[0]:
            played.success = bool(steps.successes[0])
            return played, observations
