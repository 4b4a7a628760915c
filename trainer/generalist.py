"""One policy for many tasks: PPO over task slots, with a curriculum.

What is earned lasts: a checkpoint holds the policy with its optimiser, what the sampler has learned
and the learning curves, and is handed out anew after every rollout. The same request goes on from
it.
"""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import time
import zipfile
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback

from ..curriculum import TaskSampler
from ..errors import UsageError
from ..files import FileProblem
from ..generalist import Generalist, GeneralistPoint, TaskSkill
from ..sandbox.processes.channel import ChildFault
from ..sandbox.vector import SandboxedEpisodes
from ..task import Noun, from_json, to_json
from .evidence.evaluation import evaluate, wilson_interval
from .learners.network import PolicyNetwork
from .learners.ppo import PPO_SETTINGS
from .policies import Trained
from .requests import NO_INPUTS, GeneralistNews, GeneralistRequest, GeneralistTask, Inputs
from .sb3_files import Arrays, Moments, training_in
from .task_slots import RewardScales, TaskSlots, Worlds

STATE_NAME = "taskwright.json"
"""In a checkpoint, beside what stable-baselines3 writes there."""
WINDOW_EPISODES = 24
"""The number of training episodes over which a task's success rate is measured."""
CURVE_POINTS = 100
EVALUATION_ENVIRONMENTS = 8
REMEDY = "Remove its policy.zip, or train one with another --seed or --sampler."


@dataclass(frozen=True)
class _State(Noun):
    """What a command leaves for the next one, beside the weights."""

    generalist: Generalist
    sampler: dict[str, Any]
    scales: dict[str, tuple[float, float, float]]
    trained_episodes: dict[str, int]


Tell = Callable[[GeneralistNews], None]
"""Hears how it goes after every rollout that was trained on, and after every task evaluated."""


def train_generalist(
    request: GeneralistRequest, tell: Tell = lambda news: None, inputs: Inputs = NO_INPUTS
) -> tuple[Generalist, bytes]:
    """Train until the request's steps or its time are over, then evaluate every task.

    A task whose code fails is dropped with its reason, and the rest goes on. Returns what has come
    of it, and the last checkpoint. Raises UsageError where no task is left or the checkpoint that
    the request names is something else, and BrokenError for failures of ours. Whatever ends it,
    what was trained is in the last checkpoint that was told.
    """
    # More threads make a policy of this size slower, and results depend on their number.
    torch.set_num_threads(1)
    before = None if request.checkpoint is None else inputs[request.checkpoint]
    training = _Training(request, tell, before)
    try:
        training.train()
    finally:
        training.close()
    return training.evaluate()


class _Training:
    def __init__(self, request: GeneralistRequest, tell: Tell, checkpoint: bytes | None) -> None:
        self.request = request
        self.tell = tell
        self.tasks = {task.task_id: task for task in request.tasks}
        self.generalist = Generalist(request.name, request.robot, request.sampler, request.seed)
        self.trained_episodes = dict.fromkeys(self.tasks, 0)
        self.sampler = _sampler_for(request)
        self.scales = RewardScales(PPO_SETTINGS.discount)
        before = None if checkpoint is None else _training_in(checkpoint, request.name)
        if before:
            self._restore(before[0])
        self.steps_before = self.generalist.steps
        self.seconds_before = self.generalist.seconds
        # What a later command does differs from what this one does, whatever it begins with.
        seed = _seed(request, "training", self.steps_before)
        worlds = Worlds({t.task_id: t.source for t in request.tasks}, request.robot, seed)
        self.env = TaskSlots(
            worlds,
            request.robot,
            request.slots,
            self.sampler.sample,
            self._drop,
            self.scales,
            PPO_SETTINGS,
        )
        self.model = PPO(
            "MlpPolicy", self.env, seed=seed, device="cpu", **PPO_SETTINGS.for_stable_baselines3
        )
        if before:
            _give(self.model, request.name, *before[1:])
        self.model.num_timesteps = self.steps_before

    def train(self) -> None:
        left = self.request.max_steps - self.steps_before
        if left <= 0:
            return
        self.model.learn(left, callback=_Watch(self), reset_num_timesteps=False)

    def evaluate(self) -> tuple[Generalist, bytes]:
        """Play every task on seeds that training has not seen; those that were evaluated by a
        command before, after the same steps, are left as they are."""
        now = self.generalist.curve[-1] if self.generalist.curve else _NOWHERE
        for task in self.request.tasks:
            done = {skill.task_id for skill in self.generalist.tasks}
            if task.task_id in self.generalist.dropped or task.task_id in done:
                continue
            try:
                skill = self._skill(task)
            except ChildFault as fault:
                self._drop(task.task_id, fault)
            else:
                self.update(tasks=(*self.generalist.tasks, skill))
            self.tell(GeneralistNews(self.generalist, now, self.checkpoint()))
        skills = self.generalist.tasks
        successes = sum(skill.successes for skill in skills)
        episodes = sum(skill.episodes for skill in skills)
        self.update(finished=True, interval=wilson_interval(successes, episodes))
        checkpoint = self.checkpoint()
        self.tell(GeneralistNews(self.generalist, now, checkpoint))
        return self.generalist, checkpoint

    def _skill(self, task: GeneralistTask) -> TaskSkill:
        request = self.request
        count = min(EVALUATION_ENVIRONMENTS, request.evaluation_episodes)
        seed = _seed(request, "evaluation", self.generalist.steps)
        # No task's result hangs on which were evaluated before it.
        torch.manual_seed(seed)
        policy = Trained(PolicyNetwork.of_stable_baselines3(self.model.policy))
        with SandboxedEpisodes(task.source, request.robot, count, request.processes) as episodes:
            found = evaluate(episodes, policy, seed, request.evaluation_episodes)
        return TaskSkill(
            task.task_id,
            task.title,
            successes=found.successes,
            episodes=found.episodes,
            interval=found.interval,
            mean_return=round(found.mean_return, 3),
            trained_episodes=self.trained_episodes[task.task_id],
            alone=task.alone,
        )

    def _drop(self, task_id: str, fault: ChildFault) -> None:
        """Give a task up."""
        if task_id in self.generalist.dropped:
            return
        reason = f"{fault.symptom} Likely cause: {fault.cause}"
        self.update(
            dropped={**self.generalist.dropped, task_id: reason},
            tasks=tuple(skill for skill in self.generalist.tasks if skill.task_id != task_id),
        )
        if self.sampler.task_ids == [task_id]:
            raise UsageError(
                f"No task is left to train on; the last one failed too: {reason}",
                "Check the tasks with `taskwright check`.",
            )
        self.sampler.drop(task_id)

    def update(self, **changes: Any) -> None:
        self.generalist = dataclasses.replace(self.generalist, **changes)

    def checkpoint(self) -> bytes:
        """The policy, with all that is needed to go on."""
        state = {
            "generalist": json.loads(to_json(self.generalist)),
            "sampler": self.sampler.state(),
            "scales": self.scales.moments,
            "trained_episodes": self.trained_episodes,
        }
        policy = io.BytesIO()
        self.model.save(policy)
        with zipfile.ZipFile(policy, "a") as archive:
            archive.writestr(STATE_NAME, json.dumps(state, allow_nan=False))
        return policy.getvalue()

    def _restore(self, state: _State) -> None:
        before, asked = state.generalist, self.generalist
        for name in ("robot", "sampler", "seed"):
            if getattr(before, name) != getattr(asked, name):
                raise UsageError(
                    f"The policy of {asked.name} was begun with {name} {getattr(before, name)}; it "
                    f"cannot go on with {getattr(asked, name)}.",
                    REMEDY,
                )
        known = {skill.task_id for skill in before.tasks} | before.dropped.keys()
        # Tasks may have come to the archive, or have left it.
        self.generalist = dataclasses.replace(
            before,
            name=asked.name,
            tasks=tuple(skill for skill in before.tasks if skill.task_id in self.tasks),
            finished=before.finished and self.tasks.keys() <= known,
        )
        try:
            self.sampler.restore(state.sampler)
            # What it was given may be no chances at all, which shows only when it draws.
            copy.deepcopy(self.sampler).sample()
        except Exception as error:
            raise _no_generalist(asked.name, f"its sampler is none ({error})") from None
        self.scales.moments = {task_id: list(each) for task_id, each in state.scales.items()}
        self.trained_episodes.update(
            {t: n for t, n in state.trained_episodes.items() if t in self.tasks}
        )

    def close(self) -> None:
        self.env.close()


class _Watch(BaseCallback):
    """Tells the sampler how episodes went, draws the learning curves, and hands out checkpoints."""

    def __init__(self, training: _Training) -> None:
        super().__init__()
        self._training = training
        request = training.request
        self._started = time.monotonic()
        self._every_steps = max(request.max_steps // CURVE_POINTS, 1)
        self._recent: dict[str, deque[bool]] = {}
        self._since: dict[str, int] = {}
        """Episodes of each task since the last point of the curve."""
        self._ends: list[tuple[int, int, dict[str, Any]]] = []
        """Step of this rollout, slot and infos of the episodes that have ended in it."""
        self._step = 0
        self._losses = np.zeros((request.slots, 2))
        """Sum and number of absolute advantages of the episode that each slot is in."""
        self._untold: GeneralistPoint | None = None
        """How the tasks did in the last rollout, until the policy was trained on it."""

    def _on_rollout_start(self) -> None:
        self._tell()
        self._ends.clear()
        self._step = 0

    def _on_step(self) -> bool:
        for slot, info in enumerate(self.locals["infos"]):
            if "task_id" in info:
                self._ends.append((self._step, slot, info))
        self._step += 1
        # Between rollouts a policy is trained on the one before; here none of that is lost.
        limit_s = self._training.request.max_seconds
        return limit_s is None or self._step > 1 or self._seconds < limit_s

    def _on_training_end(self) -> None:
        self._tell()

    def _tell(self) -> None:
        now, self._untold = self._untold, None
        if now is not None:
            training = self._training
            training.tell(GeneralistNews(training.generalist, now, training.checkpoint()))

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._started

    def _on_rollout_end(self) -> None:
        training = self._training
        advantages = np.abs(self.model.rollout_buffer.advantages)  # type: ignore[attr-defined]
        begun = np.zeros(len(self._losses), np.int64)
        for step, slot, info in self._ends:
            self._weigh(slot, advantages[begun[slot] : step + 1, slot])
            begun[slot] = step + 1
            total, count = self._losses[slot]
            self._losses[slot] = 0.0
            if "is_success" in info:
                self._note(info["task_id"], info["is_success"], float(total / count))
        for slot, start in enumerate(begun):
            self._weigh(slot, advantages[start:, slot])
        # What was found out about the policy is not true of what it becomes.
        training.update(
            steps=self.num_timesteps,
            seconds=round(training.seconds_before + self._seconds, 1),
            tasks=(),
            interval=None,
            finished=False,
        )
        now = GeneralistPoint(
            self.num_timesteps,
            training.generalist.seconds,
            {task: round(float(np.mean(ends)), 4) for task, ends in self._recent.items()},
            dict(self._since),
        )
        curve = training.generalist.curve
        if now.steps - (curve[-1].steps if curve else 0) >= self._every_steps:
            training.update(curve=(*curve, now))
            self._since.clear()
        self._untold = now

    def _weigh(self, slot: int, advantages: Any) -> None:
        self._losses[slot] += (advantages.sum(), len(advantages))

    def _note(self, task_id: str, success: bool, value_loss: float) -> None:
        self._training.sampler.update(task_id, success=success, value_loss=value_loss)
        self._training.trained_episodes[task_id] += 1
        self._recent.setdefault(task_id, deque(maxlen=WINDOW_EPISODES)).append(success)
        self._since[task_id] = self._since.get(task_id, 0) + 1


_NOWHERE = GeneralistPoint(0, 0.0, {}, {})


def _sampler_for(request: GeneralistRequest) -> TaskSampler:
    settings: dict[str, Any] = {}
    if request.sampler == "learning_progress":
        settings["baselines"] = [task.baseline for task in request.tasks]
    if request.sampler == "alp_gmm":
        settings["embeddings"] = [task.embedding for task in request.tasks]
    ids = [task.task_id for task in request.tasks]
    # A slot plays several episodes of a task that is drawn: once shows enough of it.
    return TaskSampler(ids, request.sampler, seed=request.seed, first_visits=1, **settings)


def _seed(request: GeneralistRequest, purpose: str, steps: int) -> int:
    """A seed that no other purpose or command shares."""
    words = [request.seed, *purpose.encode(), steps]
    return int(np.random.SeedSequence(words).generate_state(1)[0])


def _training_in(checkpoint: bytes, name: str) -> tuple[_State, Arrays, Moments]:
    """What an earlier command has left of a generalist. Raises UsageError where it is something
    else."""
    try:
        data, weights, moments = training_in(checkpoint, STATE_NAME)
        state = from_json(_State, data)
        if any(count < 0 or squares < 0 for count, _, squares in state.scales.values()):
            raise FileProblem("its scales of rewards are none")
    except FileProblem as problem:
        raise _no_generalist(name, str(problem)) from None
    except ValueError:
        raise _no_generalist(name, f"its `{STATE_NAME}` is not what we write") from None
    return state, weights, moments


def _give(model: PPO, name: str, weights: Arrays, moments: Moments) -> None:
    """Give a model the weights of a checkpoint, and its optimiser what it remembers. How it learns
    is ours to say, whatever the checkpoint says. Raises UsageError where they are of another
    model."""
    named = {name: torch.from_numpy(array) for name, array in weights.items()}
    memory = {
        number: {name: torch.from_numpy(array) for name, array in each.items()}
        for number, each in moments.items()
    }
    if not _fits(named, model) or not _fits_optimiser(memory, model):
        raise _no_generalist(name, "it is of other observations or actions than the robot has now")
    model.policy.load_state_dict(named)
    optimiser = model.policy.optimizer
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": memory, "param_groups": groups})


def _fits(weights: dict[str, torch.Tensor], model: PPO) -> bool:
    shapes = {name: each.shape for name, each in model.policy.state_dict().items()}
    return shapes == {name: each.shape for name, each in weights.items()}


def _fits_optimiser(memory: dict[int, dict[str, torch.Tensor]], model: PPO) -> bool:
    """Whether it remembers nothing yet, or something of each parameter."""
    shapes = [parameter.shape for parameter in model.policy.parameters()]
    return not memory or (
        memory.keys() == set(range(len(shapes)))
        and all(
            each.keys() == {"step", "exp_avg", "exp_avg_sq"}
            and each["step"].shape == torch.Size()
            and each["step"].item() >= 1.0
            and each["exp_avg"].shape == each["exp_avg_sq"].shape == shapes[number]
            and bool((each["exp_avg_sq"] >= 0.0).all())
            for number, each in memory.items()
        )
    )


def _no_generalist(name: str, reason: str) -> UsageError:
    return UsageError(
        f"What was left of {name} is no policy that a generalist can go on from: {reason}.", REMEDY
    )
