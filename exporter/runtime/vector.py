"""`TasksVectorEnv`: many environments in a few processes, as Gymnasium's `VectorEnv`."""

from __future__ import annotations

import contextlib
import itertools
import json
import operator
import os
import subprocess
import sys
import weakref
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.error import ClosedEnvironmentError, ResetNeeded
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from .catalogue import HERE, PACKAGE, TASKS, find, source
from .conventions import OF_OLD, outer_limit
from .shared import NO_SEED, Shared, shared_file
from .worker import RESET, STEP, _action
from .world import TaskEnv
from .world.actions import read_actions
from .world.limits import TellsItsLimit, positive

MODES = {"next_step": "NextStep", "same_step": "SameStep", "disabled": "Disabled"}
"""What happens where an episode has ended, as in `gymnasium.vector.AutoresetMode`."""
START = "import sys; sys.path.append({!r}); from {}.worker import main; main()"


class TasksVectorEnv(TellsItsLimit, gymnasium.vector.VectorEnv):
    """`num_envs` environments; environment i plays the task `tasks[i % len(tasks)]`.

    They are spread over `processes` worker processes, one for each core unless said otherwise. A
    worker is a program of its own: it needs no guard around your main module, and works from
    notebooks. All tasks must be for one robot. Other keywords are those of `TaskEnv`, except for
    pictures: those take `vectorization_mode="async"` of `gymnasium.make_vec`.

    What comes out is what `SyncVectorEnv` gives for the same `TaskEnv`s: `reset(seed=5)` begins in
    environment i the episode of `TaskEnv.reset(seed=5 + i)`. `autoreset_mode` is "next_step" (the
    default from Gymnasium 1.0 on: the step after an end begins the next episode), "same_step" (the
    default before: the step that ends an episode gives the first observation of the next one, and
    the last ones are in `infos["final_obs"]` and `infos["final_info"]`; before Gymnasium 1.0
    `final_observation`) or "disabled" (`reset(options={"reset_mask": mask})` begins episodes).

    As in `gymnasium.make`, `max_episode_steps` cuts episodes short from outside (-1 does not), and
    `disable_env_checker=False` has Gymnasium's checker look at each environment.
    `spec.max_episode_steps` tells the actions in the longest episode.

    Raises ActionError, a ValueError, for actions that are not in the action space, ValueError for
    other wrong calls, and RuntimeError with the worker's own traceback where a task's code fails.
    """

    viewer = None  # Gymnasium closed one, before 1.0.

    def __init__(
        self,
        tasks: Sequence[str],
        num_envs: int = 1,
        *,
        processes: int | None = None,
        autoreset_mode: Any = None,
        max_episode_steps: int | None = None,
        disable_env_checker: bool | None = None,
        **keywords: Any,
    ) -> None:
        names = [find(task)["name"] for task in tasks]
        robots = {TASKS[name]["robot"] for name in names}
        num_envs = positive("num_envs", num_envs)
        processes = min(num_envs, positive("processes", processes or _cores()))
        if len(robots) != 1:
            raise ValueError(
                f"{len(names)} tasks of {len(robots)} robots ({', '.join(sorted(robots))}) were "
                "asked for. Ask for tasks of a single robot."
            )
        outer = outer_limit(max_episode_steps)
        if unfit := {"render_mode", "vision"} & {k for k, v in keywords.items() if v is not None}:
            raise ValueError(
                f"{min(unfit)} is not for these environments, which give numbers only. Use "
                'gymnasium.make_vec(id, num_envs, vectorization_mode="async", ...).'
            )
        self.mode = mode_named(autoreset_mode)
        self.tasks = [names[i % len(names)] for i in range(num_envs)]
        self.metadata = {"render_modes": [], "autoreset_mode": _as_of_gymnasium(self.mode)}
        self.render_mode = None
        self.num_envs = num_envs
        # A world of its own looks at the keywords and tells the spaces; it is not needed for long.
        with contextlib.closing(TaskEnv(source(names[0]), **keywords)) as env:
            self.single_observation_space = env.observation_space
            self.single_action_space = env.action_space
            self.max_episode_steps = min(env.max_episode_steps, outer or env.max_episode_steps)
            # Plain numbers travel to the workers.
            keywords.update(action_repeat=env.action_repeat, time_limit=env.time_limit)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.closed = False
        path = shared_file()
        try:
            self._shared = Shared(
                path,
                num_envs,
                self.single_observation_space.shape[0],  # type: ignore[index]
                _action(self.single_action_space),
            )
            self._workers: list[_Worker] = []
            self._end = weakref.finalize(self, _end, self._workers)
            bounds = np.linspace(0, num_envs, processes + 1).astype(int)
            for first, last in itertools.pairwise(bounds):
                plan = {
                    "names": self.tasks[first:last],
                    "first": int(first),
                    "count": num_envs,
                    "path": path,
                    "mode": self.mode,
                    "max_episode_steps": outer,
                    "disable_env_checker": disable_env_checker,
                    "keywords": keywords,
                }
                self._workers.append(_Worker(plan))
            for worker in self._workers:
                worker.hear()
        except BaseException:
            self.close()
            raise
        finally:
            # Who has mapped it keeps it.
            os.unlink(path)
        self._before = np.zeros(num_envs, np.bool_)
        self._has_begun = False

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        self._require_open()
        seeds, chosen = self._seeds(seed), self._chosen((options or {}).get("reset_mask"))
        shared = self._shared
        shared.chosen[:] = chosen
        shared.seeds[:] = [NO_SEED if each is None else each for each in seeds]
        self._tell_all(RESET)
        self._has_begun = True
        self._before[shared.chosen] = False
        nothing = np.zeros(self.num_envs, np.bool_)
        return shared.observations.copy(), {
            "is_success": nothing,
            "_is_success": shared.chosen.copy(),
        }

    def step(
        self, actions: Any
    ) -> tuple[
        NDArray[np.float32],
        NDArray[np.float64],
        NDArray[np.bool_],
        NDArray[np.bool_],
        dict[str, Any],
    ]:
        self._require_open()
        if not self._has_begun:
            raise ResetNeeded("No episode has begun. Call `reset` before `step`.")
        if self.mode == "disabled" and self._before.any():
            ended = np.flatnonzero(self._before).tolist()
            raise ResetNeeded(
                f"The episodes of the environments {ended} have ended. Begin new ones there with "
                '`reset(options={"reset_mask": mask})`.'
            )
        shared = self._shared
        shared.actions[:] = read_actions(actions, self.single_action_space, self.num_envs)
        diagnoses = self._tell_all(STEP)
        terminated, truncated = shared.terminated.copy(), shared.truncated.copy()
        infos = self._infos(terminated | truncated, diagnoses)
        return shared.observations.copy(), shared.rewards.copy(), terminated, truncated, infos

    def _require_open(self) -> None:
        if self.closed:
            raise ClosedEnvironmentError(
                "The environments were closed, by `close` or after an error. Make new ones."
            )

    def _seeds(self, seed: Any) -> list[int | None]:
        """A seed for each environment."""
        if seed is None:
            return [None] * self.num_envs
        try:
            if isinstance(seed, int | np.integer):
                seeds: list[int | None] = [int(seed) + i for i in range(self.num_envs)]
            else:
                seeds = [None if each is None else operator.index(each) for each in seed]
        except TypeError:
            seeds = []
        if len(seeds) != self.num_envs or any(each is not None and each < 0 for each in seeds):
            raise ValueError(
                f"seed is {seed!r}; give a whole number from 0 up, or a list with one or None for "
                f"each of {self.num_envs} environments."
            )
        return seeds

    def _chosen(self, mask: Any) -> NDArray[np.bool_]:
        """Where episodes are to begin: a bool for each environment."""
        if mask is None:
            return np.ones(self.num_envs, np.bool_)
        chosen = np.asarray(mask)
        is_mask = chosen.shape == (self.num_envs,) and chosen.dtype == np.bool_
        if not is_mask or not (self._has_begun or chosen.all()):
            raise ValueError(
                f"options['reset_mask'] is {mask!r}; give an array of {self.num_envs} bools, and "
                "in the first reset none."
            )
        return chosen

    def _tell_all(self, command: bytes) -> dict[int, str]:
        """Let all workers do something, at the same time; what they say of broken worlds."""
        diagnoses: dict[int, str] = {}
        try:
            for worker in self._workers:
                worker.tell(command)
            for worker in self._workers:
                diagnoses.update({int(i): text for i, text in worker.hear().items()})
        except BaseException:
            self.close()
            raise
        return diagnoses

    def _infos(self, ended: NDArray[np.bool_], diagnoses: dict[int, str]) -> dict[str, Any]:
        """Infos in the layout of `SyncVectorEnv`."""
        everyone = np.ones(self.num_envs, np.bool_)
        successes = self._shared.successes.copy()
        begun = self._before if self.mode == "next_step" else ~everyone
        self._before = ended.copy()
        if self.mode != "same_step" or not ended.any():
            infos = self._details(~begun, diagnoses)
            return {**infos, "is_success": successes, "_is_success": everyone}
        final = self._details(ended, diagnoses)
        final.update(is_success=successes & ended, _is_success=ended.copy())
        observations = np.full(self.num_envs, None, object)
        for i in np.flatnonzero(ended):
            observations[i] = self._shared.final_observations[i].copy()
        last = "final_observation" if OF_OLD else "final_obs"
        return {
            **self._details(~ended, {}),
            last: observations,
            f"_{last}": ended.copy(),
            "final_info": _each(final, ended) if OF_OLD else final,
            "_final_info": ended.copy(),
            "is_success": successes & ~ended,
            "_is_success": everyone,
        }

    def _details(self, where: NDArray[np.bool_], diagnoses: dict[int, str]) -> dict[str, Any]:
        """Reward terms and diagnoses of some environments, each with a mask."""
        infos: dict[str, Any] = {}
        terms: dict[str, Any] = {}
        for worker in self._workers:
            rows = slice(worker.first, worker.last)
            for column, name in enumerate(worker.columns):
                values = self._shared.terms[rows, column]
                given = where[rows] & ~np.isnan(values)
                if given.any():
                    if name not in terms:
                        terms[name] = np.zeros(self.num_envs)
                        terms[f"_{name}"] = np.zeros(self.num_envs, np.bool_)
                    terms[name][rows] = np.where(given, values, 0.0)
                    terms[f"_{name}"][rows] = given
        if where.any():
            infos.update(reward_terms=terms, _reward_terms=where.copy())
        if diagnoses:
            texts = np.full(self.num_envs, None, object)
            for i, text in diagnoses.items():
                texts[i] = text
            infos.update(diagnosis=texts, _diagnosis=np.array([t is not None for t in texts]))
        return infos

    def close_extras(self, **_: Any) -> None:
        """End the workers; called by `close`."""
        if "_end" in vars(self):
            self._end()


class _Worker:
    """A worker process, as seen from here."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.first, self.last = plan["first"], plan["first"] + len(plan["names"])
        self.columns: list[str] = []
        # Found where this package was found, also where that is no place of installed packages.
        start = START.format(str(HERE.parent), PACKAGE)
        alone = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", start],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **alone},
            bufsize=0,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._commands = self._process.stdin
        self._answers = open(self._process.stdout.fileno(), "rb", closefd=False)  # noqa: SIM115
        self.tell(json.dumps(plan).encode() + b"\n")

    def tell(self, command: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._commands.write(command)

    def hear(self) -> dict[str, str]:
        """Wait for the answer: what is to be said of broken worlds. Raises RuntimeError."""
        line = self._answers.readline()
        if not line:
            status = self._process.wait()
            raise RuntimeError(f"A worker process of {PACKAGE} died with status {status}.")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"A worker process of {PACKAGE} failed:\n{answer['error']}")
        self.columns = answer.get("columns", self.columns)
        diagnoses: dict[str, str] = answer.get("diagnoses", {})
        return diagnoses

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._answers.close()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def _end(workers: list[_Worker]) -> None:
    for worker in workers:
        worker.end()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def mode_named(given: Any) -> str:
    """One of MODES, for its name or the member of Gymnasium's enumeration."""
    if given is None:
        return "same_step" if OF_OLD else "next_step"
    said = str(getattr(given, "value", given))
    for mode, value in MODES.items():
        if said in (mode, value):
            return mode
    raise ValueError(f"autoreset_mode is {given!r}; it must be one of {', '.join(MODES)}.")


def _as_of_gymnasium(mode: str) -> Any:
    """The member of Gymnasium's enumeration, which there is from 1.1 on."""
    enumeration = getattr(gymnasium.vector, "AutoresetMode", None)
    return enumeration(MODES[mode]) if enumeration else mode


def _each(infos: dict[str, Any], where: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Infos as Gymnasium had them before 1.0: a dict for each environment."""
    each = np.full(len(where), None, object)
    for i in np.flatnonzero(where):
        terms = infos["reward_terms"]
        each[i] = {
            "is_success": bool(infos["is_success"][i]),
            "reward_terms": {
                name: float(terms[name][i])
                for name in terms
                if not name.startswith("_") and terms[f"_{name}"][i]
            },
        }
    return each
