"""Whether a task's rewards lead to its success, and whether its success means what it says.

A trial plays a task with policies of growing skill: idle, random, archived ones, the learner at
each point of its curve, the trained one. `EpisodeRecorder` takes down what their steps show;
`findings` says, with the numbers, what of it makes the task doubtful, and `experiments` asks what
is left open. Nothing here runs task code, and no finding changes a verdict.

docs/sanity.md explains each kind of finding.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...errors import BrokenError
from ...sandbox.processes.channel import ChildFault
from ...task import Finding, Trial
from ...world.base import BaseEnv
from ...world.robots import robot_class
from ...world.task_env import ACTION_REPEAT
from ..learners.network import PolicyNetwork
from ..policies import Trained
from ..requests import TrialRequest
from .episode_recorder import TRAINED, TRAINING, EpisodeRecorder, EpisodeSeen, Term
from .experiments import cannot_be, more_time
from .trial_evidence import MIN_EPISODES, TrialEvidence, correlation

ACTION_S = ACTION_REPEAT * BaseEnv.dt

TIMELESS = ("untouchable", "nothing_moves", "success_at_start", "decided_at_start")
"""Findings of which no more time would mend anything."""
PAIRED_EPISODES = 8
"""Episodes that begin alike for several policies, for what their start decides to show."""
ENOUGH_EPISODES = 48
"""Without a success among them, the success rate is below 6 % (95 %, rule of three)."""
RISE = 1.0
"""Standard deviations of an episode's return by which the mean return must have risen."""
FALL = 0.15
"""How far the success rate must have fallen meanwhile."""
DROWNING_SHARE = 0.95
"""Of all that episodes earn or lose, that one term makes up."""


def findings(evidence: TrialEvidence) -> tuple[Finding, ...]:
    """What makes the task doubtful, the gravest first; empty where nothing does."""
    found = [
        _success_at_start(evidence),
        _decided_at_start(evidence) or _idle_succeeds(evidence),
        _unreached(evidence),
        _return_without_success(evidence),
        _success_costs(evidence),
        _drowning_term(evidence),
        *_dead_terms(evidence),
    ]
    return tuple(finding for finding in found if finding is not None)


def _percent(rate: float) -> str:
    return f"{100 * rate:.0f} %"


def _success_at_start(evidence: TrialEvidence) -> Finding | None:
    seen = evidence.seen
    early = [each for each in seen if each.success and each.actions <= 1]
    if not early:
        return None
    return Finding(
        "success_at_start",
        f"In {len(early)} of {len(seen)} episodes success came within {ACTION_S:.2f} s of the "
        "reset, before the robot can have done anything.",
        "Measure success from where the episode begins (note the place in `reset`), or place the "
        "robot and the bodies so that it cannot hold yet for any seed.",
        {"episodes_at_start": len(early), "episodes": len(seen)},
    )


def _decided_at_start(evidence: TrialEvidence) -> Finding | None:
    """Episodes that begin alike end alike, whoever acts."""
    outcomes: dict[tuple[int, int, int], dict[str, bool]] = {}
    for name in evidence.screening:
        for seen in evidence.episodes(name):
            outcomes.setdefault(seen.start, {})[name] = seen.success
    shared = [results for results in outcomes.values() if {"idle", "random"} <= results.keys()]
    successes = sum(results["idle"] for results in shared)
    failures = len(shared) - successes
    alike = sum(len(set(results.values())) == 1 for results in shared)
    if len(shared) < PAIRED_EPISODES or min(successes, failures) < 3 or alike < len(shared):
        return None
    policies = len(evidence.screening)
    return Finding(
        "decided_at_start",
        f"Where the episode begins decides it: of {len(shared)} beginnings, {successes} succeed "
        f"and {failures} fail with each of {policies} policies, idle and random actions among "
        "them.",
        "Let `get_success` depend on what the robot does, not on what `reset` draws or on the "
        "clock.",
        {"beginnings": len(shared), "successes": successes, "policies": policies},
    )


def _idle_succeeds(evidence: TrialEvidence) -> Finding | None:
    idle = evidence.rung("idle") if "idle" in evidence.screening else None
    if idle is None or idle.success_rate == 0.0:
        return None
    return Finding(
        "idle_succeeds",
        f"Doing nothing succeeds in {_percent(idle.success_rate)} of {idle.episodes} episodes.",
        "Ask in `get_success` for something that only the robot can bring about, and place bodies "
        "so that it does not come about by itself for any seed.",
        {"idle_success_rate": round(idle.success_rate, 4), "episodes": idle.episodes},
    )


def _unreached(evidence: TrialEvidence) -> Finding | None:
    seen = evidence.seen
    if len(seen) < ENOUGH_EPISODES or any(each.success for each in seen):
        return None
    return Finding(
        "unreached",
        f"Success was not seen once in {len(seen)} episodes, neither by chance nor in training "
        f"({evidence.recorder.steps} steps with those of screening and examination); so it "
        f"comes about in less than {100 * 3 / len(seen):.2g} % of them.",
        "Make sure that it can be reached at all, in the time there is, and let success begin "
        "nearer: a shorter way, a wider goal, fewer things at once.",
        {"episodes": len(seen), "steps": evidence.recorder.steps},
    )


def _return_without_success(evidence: TrialEvidence) -> Finding | None:
    """The return has risen while success has stayed at zero, or fallen."""
    points = [point for point in evidence.curve if point.episodes]
    if evidence.learned or len(points) < 4:
        return None
    tenth = max(len(points) // 10, 1)
    late = points[-tenth:]
    end_rate = float(np.mean([p.success_rate for p in late]))
    end_return = float(np.mean([p.mean_return for p in late]))
    # Success may have risen first: from where it was highest, in a mean of as many points.
    rates = [
        float(np.mean([p.success_rate for p in points[n : n + tenth]]))
        for n in range(len(points) - tenth + 1)
    ]
    best = int(np.argmax(rates))
    falls = rates[best] - end_rate >= FALL
    if not falls and end_rate > 0.02:
        return None
    begin = best if falls else 0
    begin_rate = rates[begin]
    begin_return = float(np.mean([p.mean_return for p in points[begin : begin + tenth]]))
    returns = [seen.earned for seen in evidence.seen if seen.policy == TRAINING]
    quarter = max(len(returns) // 4, 1)
    spread = float(np.mean([np.std(returns[:quarter]), np.std(returns[-quarter:])]))
    rise = (end_return - begin_return) / max(spread, 1e-9)
    if rise < RISE:
        return None
    success = (
        f"fell from {_percent(begin_rate)} to {_percent(end_rate)}"
        if falls
        else f"stayed at {_percent(end_rate)}"
    )
    name, share = _what_rose(evidence)
    blame = f" `{name}` makes up {_percent(share)} of the rise." if name else ""
    return Finding(
        "return_without_success",
        f"While training, the mean return rose from {begin_return:.1f} to {end_return:.1f} "
        f"({min(rise, 99.0):.1f} standard deviations) and success {success}: rewards are earned "
        f"without it.{blame}",
        f"Reward what success needs: nearing it, step by step, and its last step most; pay nothing "
        f"for {f'`{name}`' if name else 'what can be had'} elsewhere.",
        {
            "return_begin": round(begin_return, 2),
            "return_end": round(end_return, 2),
            "rise_standard_deviations": round(min(rise, 99.0), 2),
            "success_begin": round(begin_rate, 4),
            "success_end": round(end_rate, 4),
        },
    )


def _what_rose(evidence: TrialEvidence) -> tuple[str, float]:
    """The task's reward term that rose most in training, and its share of what all rises add up to;
    an empty name where none did."""
    episodes = [seen for seen in evidence.seen if seen.policy == TRAINING]
    quarter = len(episodes) // 4
    names = evidence.recorder.term_names
    if not quarter:
        return "", 0.0
    begin, end = (_mean_terms(part, names) for part in (episodes[:quarter], episodes[-quarter:]))
    rises = np.maximum(end - begin, 0.0)
    own = robot_class(evidence.robot).reward_names
    rises[[names.index(name) for name in own if name in names]] = 0.0
    if not rises.sum() > 0.0:
        return "", 0.0
    most = int(np.argmax(rises))
    return names[most], float(rises[most] / rises.sum())


def _mean_terms(episodes: Sequence[EpisodeSeen], names: Sequence[str]) -> NDArray[np.float64]:
    sums = np.zeros(len(names))
    for seen in episodes:
        sums[: len(seen.terms)] += seen.terms
    return sums / max(len(episodes), 1)


def _success_costs(evidence: TrialEvidence) -> Finding | None:
    """Episodes that succeed earn clearly less than those of the same policy that fail."""
    policy = evidence.trained or TRAINING
    episodes = evidence.episodes(policy)
    if not evidence.trained:
        return None
    training = [seen for seen in evidence.seen if seen.policy == TRAINING]
    # What a policy that has learned it all never fails in, the learner did on its way.
    episodes = [*training[len(training) // 2 :], *episodes]
    won = [seen.earned for seen in episodes if seen.success]
    lost = [seen.earned for seen in episodes if not seen.success]
    if min(len(won), len(lost)) < MIN_EPISODES:
        return None
    mean_won, mean_lost = float(np.mean(won)), float(np.mean(lost))
    spread = float(np.std([*won, *lost]))
    if mean_lost <= 0.0 or mean_won > 0.5 * mean_lost or mean_lost - mean_won < spread:
        return None
    return Finding(
        "success_costs",
        f"Episodes that succeed earn {mean_won:.1f} on average ({len(won)} of them), those that "
        f"fail {mean_lost:.1f} ({len(lost)}): success ends an episode, and going without it goes "
        "on earning.",
        "Pay for progress, once, and not for each step of being somewhere; or let success itself "
        "be worth more than the rest of an episode.",
        {
            "return_with_success": round(mean_won, 2),
            "return_without_success": round(mean_lost, 2),
            "successes": len(won),
            "failures": len(lost),
        },
    )


def _own_terms(evidence: TrialEvidence) -> dict[str, Term]:
    """The task's reward terms, without those that every task of the robot has."""
    robots = robot_class(evidence.robot).reward_names
    terms = evidence.recorder.terms
    return {name: terms[name] for name in sorted(terms) if name not in robots}


def _dead_terms(evidence: TrialEvidence) -> list[Finding]:
    ends = any(seen.terminated for seen in evidence.seen)
    found = []
    for name, term in _own_terms(evidence).items():
        value = term.constant
        # A constant one pays for lasting, where an episode can end before its time.
        if value is None or (value and ends) or len(evidence.seen) < MIN_EPISODES:
            continue
        found.append(
            Finding(
                "dead_term",
                f"The reward `{name}` was {value:.3g} in all {evidence.recorder.steps} steps of "
                f"{len(evidence.seen)} episodes, screening and examination included, "
                "whatever the robot did.",
                f"Let `{name}` change with what the robot does, set what it compares with in "
                "`reset`, or leave it out.",
                {"value": round(float(value), 6), "steps": evidence.recorder.steps},
            )
        )
    return found


def _drowning_term(evidence: TrialEvidence) -> Finding | None:
    """One term is nearly all that is earned, and what it pays for is not success."""
    terms = {n: t for n, t in _own_terms(evidence).items() if t.constant is None}
    total = sum(term.absolute for term in terms.values())
    if evidence.learned or len(terms) < 2 or not total > 0.0:
        return None
    name = max(terms, key=lambda name: terms[name].absolute)
    share = terms[name].absolute / total
    column = evidence.recorder.term_names.index(name)
    mine = [(s.terms[column], s.success) for s in evidence.seen if column < len(s.terms)]
    sums, successes = np.array([m[0] for m in mine]), np.array([m[1] for m in mine], dtype=float)
    together = 0.0
    if len(mine) >= MIN_EPISODES and np.std(sums) > 0.0 and np.std(successes) > 0.0:
        together = float(np.corrcoef(sums, successes)[0, 1])
    if share < DROWNING_SHARE or together > 0.2:
        return None
    others = [other for other in terms if other != name]
    with_success = (
        f"does not go with success (correlation {together:+.2f})"
        if np.any(successes)
        else "has not led to success"
    )
    return Finding(
        "drowning_term",
        f"`{name}` makes up {_percent(share)} of all that episodes earn or lose, and "
        f"{with_success}; beside it "
        f"{', '.join(f'`{other}`' for other in others[:4])} cannot be felt.",
        f"Scale `{name}` down, or the others up, until what success needs is worth most.",
        {"share": round(share, 4), "correlation_with_success": round(together, 3)},
    )


def examined(
    trial: Trial, request: TrialRequest, recorder: EpisodeRecorder, network: PolicyNetwork
) -> Trial:
    """The trial with what its evidence says of the task's rewards and success."""
    evidence = TrialEvidence(
        recorder,
        request.robot,
        trial.curve,
        trial.verdict == "learned",
        TRAINED if trial.success_after is not None else "",
    )
    found = list(findings(evidence))
    # Where the clock has ended a trial, there is no time for more; after few episodes, no need.
    is_worth_asking = trial.rule != "clock" and len(evidence.seen) >= ENOUGH_EPISODES
    if trial.verdict == "too_hard" and is_worth_asking:
        # The verdict stands, and a task that fails only here has shown nothing more.
        with contextlib.suppress(ChildFault, BrokenError):
            found = _with_experiments(found, evidence, trial, request, network)
    return replace(trial, return_and_success=correlation(evidence.ladder()), findings=tuple(found))


def _with_experiments(
    found: list[Finding],
    evidence: TrialEvidence,
    trial: Trial,
    request: TrialRequest,
    network: PolicyNetwork,
) -> list[Finding]:
    unseen = not any(seen.success for seen in evidence.seen)
    if unseen and (finding := cannot_be(request, network)):
        found = [finding, *found]
    failed = [seen for seen in evidence.episodes(TRAINED) if not seen.success]
    by_time = sum(not seen.terminated for seen in failed) / max(len(failed), 1)
    if any(finding.kind in TIMELESS for finding in found):
        return found
    longer = more_time(request, Trained(network, request.seed), trial.success_after or 0.0, by_time)
    return [*found, longer] if longer else found
