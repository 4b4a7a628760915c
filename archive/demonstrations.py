"""Played episodes as evidence, and as Minari datasets that imitation learners read.

An episode counts once it was replayed, action by action, in a fresh process: all that is kept can
be repeated.
"""

from __future__ import annotations

import math
import os
import shutil
from pathlib import Path
from typing import Any

from ..errors import BrokenError
from ..sandbox.processes.channel import ChildFault
from ..sandbox.session import walk_through
from ..task import Task
from .feedback import Demonstration, Feedback
from .folder import check_folder

DEFAULT_ACTION_REPEAT = 4
"""Physics steps per action, as agents have them."""
FOLDER = "demonstrations"
"""In the run folder; laid out so that `MINARI_DATASETS_PATH` may point to it."""


def keep_demonstration(run_dir: Path, task: Task, demonstration: Demonstration) -> str:
    """Confirm an episode, store it, and write all episodes of the task as a Minari dataset.

    Returns what was done, in a sentence. Raises BrokenError where going through it again does not
    end in success, and ChildFault where the task's code fails.
    """
    walked = walk_through(
        task.source, demonstration.seed, demonstration.actions, demonstration.action_repeat
    )
    if not walked.success or len(walked.rewards) != len(demonstration.actions):
        raise BrokenError(
            "Gone through again, the episode does not end in success; it was not stored.",
            "The task depends on more than its seed: report it as a bug.",
        )
    check_folder(run_dir, to_write=True)
    with Feedback.create_or_open(run_dir) as feedback:
        feedback.add_demonstration(demonstration)
        count = feedback.shown_solvable()[task.task_id]
    stored = f"Stored: played to success {count} time{'s' if count > 1 else ''} so far."
    if not minari_is_there():
        return f"{stored} {MINARI_MISSING}"
    path = write_minari(run_dir, task)
    return f"{stored} Minari dataset: {path.relative_to(run_dir)}."


MINARI_MISSING = (
    "No Minari dataset was written: `pip install taskwright[demonstrations]` brings the package."
)


def minari_is_there() -> bool:
    """Whether Minari and what it writes with can be imported."""
    try:
        import h5py  # noqa: F401
        import minari  # noqa: F401
    except ImportError:
        return False
    return True


def dataset_id(task_id: str) -> str:
    """The name of a task's dataset, as `minari.load_dataset` knows it."""
    return f"taskwright/{task_id}/human-v0"


def write_minari(run_dir: Path, task: Task) -> Path:
    """Write the successful demonstrations of a task as a Minari dataset; returns its folder.

    It is made anew from what is stored, beside its place, and then put there in one piece. Each
    episode goes on from its seed; observations are those of `TaskEnv`.
    """
    import minari
    import numpy as np
    from minari.data_collector import EpisodeBuffer
    from minari.dataset.minari_storage import MinariStorage

    from ..world.robots import robot_spaces

    with Feedback.open(run_dir) as feedback:
        demonstrations = [d for d in feedback.demonstrations(task.task_id) if d.success]
    observation_space, action_space = robot_spaces(task.robot, steered=True)
    # Before the Ant could be steered, its joints were moved by hand.
    size = math.prod(action_space.shape or ())
    demonstrations = [d for d in demonstrations if {len(a) for a in d.actions} == {size}]
    assert observation_space.dtype is not None
    assert action_space.dtype is not None
    place = run_dir / FOLDER / dataset_id(task.task_id)
    unfinished = run_dir / FOLDER / f".{os.getpid()}-{task.task_id}"
    shutil.rmtree(unfinished, ignore_errors=True)
    (unfinished / "data").mkdir(parents=True)
    storage = MinariStorage.new(unfinished / "data", observation_space, action_space)
    for demonstration in demonstrations:
        try:
            walked = walk_through(
                task.source, demonstration.seed, demonstration.actions, demonstration.action_repeat
            )
        except ChildFault:
            # Another process has stored it meanwhile: it succeeded when we replayed it.
            continue
        count = len(walked.rewards)
        actions: Any = np.array(demonstration.actions[:count], action_space.dtype)
        ends = np.arange(1, count + 1) == count
        storage.update_episodes(
            [
                EpisodeBuffer(
                    seed=demonstration.seed,
                    observations=np.array(walked.observations, observation_space.dtype),
                    actions=actions.reshape(count, *(action_space.shape or ())),
                    rewards=np.array(walked.rewards),
                    terminations=ends & walked.terminated,
                    # A player stops at success, though the episode itself could go on.
                    truncations=ends & (not walked.terminated),
                )
            ]
        )
    storage.update_metadata(
        {
            "dataset_id": dataset_id(task.task_id),
            "minari_version": minari.__version__,
            "description": f"A person playing the Taskwright task {task.task_id}.",
            "algorithm_name": "human",
            "dataset_size": storage.get_size(),
        }
    )
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished.replace(place)
    return place
