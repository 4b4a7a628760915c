"""Questions that a trial's own steps leave open, put to a task that was not learned.

- Would more time help? The trained policy is evaluated once more with twice the time limit.
- Can what success asks for come about? `get_success` is overheard, see `sandbox/success_reads.py`.

Both run in the sandbox, and cost a few seconds. They explain a verdict and never change it.
"""

from __future__ import annotations

import numpy as np

from ...sandbox.episodes import episode_seed
from ...sandbox.processes.channel import ChildProtocolError, fault_in, plain_text
from ...sandbox.processes.memory import shared_memory
from ...sandbox.processes.process import Child
from ...sandbox.success_reads import BodyRead, SuccessReads
from ...sandbox.vector import SandboxedEpisodes
from ...task import Finding, from_json
from ...world.base import BaseEnv
from ...world.task_env import ACTION_REPEAT, TIME_LIMIT
from ..learners.network import PolicyNetwork
from ..media.playing import Played, play_from
from ..policies import Policy, Random, Trained
from ..requests import TrialRequest
from .evaluation import evaluate

MORE_TIME = 2
MORE_TIME_EPISODES = 32
MORE_TIME_GAIN = 0.25
"""By how much the success rate must be higher: with 32 episodes, two standard errors at 50 %."""
ENDED_BY_TIME = 0.5
"""Share of failed episodes that time has ended, for more time to be worth a try."""
READ_TIMEOUT_S = 60.0
ROOM_BYTES = 1_000_000


def more_time(
    request: TrialRequest,
    policy: Policy,
    success_rate: float,
    ended_by_time: float,
    episodes_at_most: int = MORE_TIME_EPISODES,
) -> Finding | None:
    """Whether the policy succeeds much more often with twice the time; `ended_by_time` is the share
    of its failures that time has ended."""
    if ended_by_time < ENDED_BY_TIME:
        return None
    with SandboxedEpisodes(
        request.source,
        request.robot,
        request.environments,
        request.processes,
        time_limit=MORE_TIME * TIME_LIMIT,
    ) as episodes:
        seed = int(np.random.SeedSequence([request.seed, *b"more time"]).generate_state(1)[0])
        longer = evaluate(
            episodes,
            policy,
            seed,
            min(episodes_at_most, request.evaluation_episodes),
            # Where the first episodes show next to nothing, the others would be wasted.
            enough=lambda won, of: won / of - success_rate < MORE_TIME_GAIN / 2,
        )
    if longer.success_rate - success_rate < MORE_TIME_GAIN:
        return None
    limit_s = TIME_LIMIT * BaseEnv.dt
    return Finding(
        "time_too_short",
        f"With {MORE_TIME * limit_s:.0f} s instead of {limit_s:.1f} s the same policy succeeds in "
        f"{longer.successes} of {longer.episodes} episodes instead of "
        f"{100 * success_rate:.0f} %: the time is too short.",
        "Shorten the way, or ask for fewer things, so that half the time is enough.",
        {
            "success_rate": round(success_rate, 4),
            "success_rate_with_twice_the_time": round(longer.success_rate, 4),
            "episodes": longer.episodes,
        },
    )


def success_reads(request: TrialRequest, network: PolicyNetwork | None) -> SuccessReads:
    """What `get_success` reads in an episode each of idle, random and (where there is a network)
    trained actions. Raises ChildFault where the task fails."""
    played = []
    with SandboxedEpisodes(request.source, request.robot, count=1, processes=1) as episodes:
        space = episodes.action_space
        random: list[Policy] = [Random(space, request.seed + n) for n in range(2)]
        trained: list[Policy] = [Trained(network)] * 2 if network else []
        for number, policy in enumerate([*random, *trained]):
            played.append(play_from(episodes, policy, episode_seed(request.seed, 0, number)))
        size = int(np.prod(space.shape or ())) or 1
    idle = [np.zeros(size, np.float32)] * (TIME_LIMIT // ACTION_REPEAT)
    played.append(Played(episode_seed(request.seed, 0, 0), idle))
    with shared_memory(ROOM_BYTES) as (descriptor, memory), Child([descriptor]) as child:
        reply = child.request(
            {
                "op": "read_success",
                "source": request.source,
                "episodes": [
                    {"seed": each.seed, "actions": [action.tolist() for action in each.actions]}
                    for each in played
                ],
            },
            READ_TIMEOUT_S,
        )
    size_bytes = reply.get("bytes")
    if reply.keys() != {"bytes"}:
        raise fault_in(reply)
    if type(size_bytes) is not int or not 0 < size_bytes <= ROOM_BYTES:
        raise ChildProtocolError("an answer of no size")
    try:
        return from_json(SuccessReads, memory[:size_bytes])
    except ValueError:
        raise ChildProtocolError("not what success reads") from None


def cannot_be(request: TrialRequest, network: PolicyNetwork | None) -> Finding | None:
    """Why success cannot come about, where what `get_success` reads shows it; for a task in which
    none was seen. Raises ChildFault where the task fails."""
    reads = success_reads(request, network)
    if reads.successes:
        return None
    ghosts = [each for each in reads.bodies if each.contacts_only and not each.solid]
    if ghosts:
        names = " and ".join(map(_name, ghosts))
        return Finding(
            "untouchable",
            f"`get_success` asks what touches {names}, which has no collision shape: nothing can "
            "ever touch it.",
            f"Give {names} a collision shape (`create_box` and the like do), or ask for a distance "
            "instead of a contact.",
            {"bodies": len(ghosts)},
        )
    if reads.changed or reads.robot or reads.places or not reads.bodies:
        return None
    bodies = "; ".join(
        f"{_name(each)} ("
        + ("fixed in place by its mass of 0" if each.mass == 0.0 else f"{each.mass:g} kg")
        + (", touched by the robot)" if each.touched else ", never touched by the robot)")
        for each in reads.bodies[:4]
    )
    return Finding(
        "nothing_moves",
        f"What `get_success` reads did not change once in {reads.episodes} episodes "
        f"({reads.steps} steps; idle, random and trained actions). It reads nothing but {bodies}.",
        "Give the body a mass that the robot can move (up to some 10 kg), put it where the robot "
        "gets at it, or ask for something that the robot changes.",
        {
            "episodes": reads.episodes,
            "steps": reads.steps,
            "moved_m": max(each.moved_m for each in reads.bodies),
        },
    )


def _name(read: BodyRead) -> str:
    return f"`self.{plain_text(read.name)}`" if read.name else f"body {read.body}"
