"""Who solves a task without training, and from whom training had best begin.

The first half of the criterion: a task that is solved by doing nothing, by chance, by driving
straight ahead or by what was learned on another task teaches nothing. And what another policy does
untrained, rather than how alike two descriptions are, tells whether it is a good beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ...errors import BrokenError
from ...world.robots import robot_class
from ..learners.network import PolicyNetwork
from ..policies import Idle, Policy, Random, Scripted, Trained, network_in
from ..requests import ArchivedPolicy, Inputs, TrialRequest
from .episode_recorder import WatchedEpisodes
from .evaluation import Evaluation, evaluate


@dataclass
class Screening:
    """What policies do untrained."""

    shown: dict[str, Evaluation] = field(default_factory=dict)
    """By `idle`, `random`, what a script does, or the `task_id` of an archived policy."""
    solved_by: str = ""
    """Who solves the task, in words; empty where nobody does."""
    evidence: Evaluation | None = None
    """Of whoever solves it."""
    start: ArchivedPolicy | None = None
    """What training had best begin from; None: from scratch."""
    networks: dict[str, PolicyNetwork] = field(default_factory=dict)
    """By `task_id`, the archived policies that training could begin from."""
    left_out: dict[str, str] = field(default_factory=dict)
    """By `task_id`, why an archived policy could not be tried."""

    @property
    def best_success_rate(self) -> float:
        return max(each.success_rate for each in self.shown.values())

    @property
    def untrained_return(self) -> float:
        """The mean return of chance."""
        return self.shown["random"].mean_return


def screen(
    episodes: WatchedEpisodes,
    request: TrialRequest,
    inputs: Inputs,
    seed: int,
    takes_up: Callable[[PolicyNetwork], bool],
) -> Screening:
    """Let one policy after the other try; over as soon as one of them solves the task. `takes_up`
    says of an archived one whether training could begin from it."""
    screening = Screening()
    for name, who, policy, rate in _policies(episodes, request, inputs, screening, takes_up):
        episodes.policy = name
        evaluation = evaluate(episodes, policy, seed, request.screening_episodes)
        screening.shown[name] = evaluation
        if evaluation.success_rate >= rate:
            screening.solved_by, screening.evidence = who, evaluation
            return screening
    screening.start = _best_start(screening, request.archived)
    return screening


def _policies(
    episodes: WatchedEpisodes,
    request: TrialRequest,
    inputs: Inputs,
    screening: Screening,
    takes_up: Callable[[PolicyNetwork], bool],
) -> Iterator[tuple[str, str, Policy, float]]:
    """Name, who it is in words, the policy, and the success rate from which on it has solved the
    task."""
    space, easy = episodes.action_space, request.easy_success_rate
    yield "idle", "idle actions", Idle(space), easy
    yield "random", "random actions", Random(space, request.seed), easy
    # What a policy can do half of the time, it has not solved: there is something left to learn.
    for name, actions in robot_class(request.robot).scripts.items():
        yield name, name, Scripted(actions), max(easy, request.learned_success_rate)
    for archived in request.archived:
        try:
            kept = network_in(
                episodes.observation_space,
                episodes.action_space,
                inputs[archived.digest],
                f"of “{archived.title}” ({archived.task_id})",
            )
        except BrokenError as error:
            # What is wrong with the policy of another task says nothing of this one.
            screening.left_out[archived.task_id] = error.message
            continue
        if takes_up(kept):
            screening.networks[archived.task_id] = kept
        who = f"what was learned on “{archived.title}”"
        yield archived.task_id, who, Trained(kept, request.seed), request.learned_success_rate


def _best_start(
    screening: Screening, archived: tuple[ArchivedPolicy, ...]
) -> ArchivedPolicy | None:
    """The policy that succeeds most often, or earns most; None where chance does as well."""

    def skill(name: str) -> tuple[float, float]:
        shown = screening.shown[name]
        return shown.success_rate, shown.mean_return

    tried = [each for each in archived if each.task_id in screening.networks]
    best = max(tried, key=lambda each: skill(each.task_id), default=None)
    if best is None or skill(best.task_id) <= skill("random"):
        return None
    return best
