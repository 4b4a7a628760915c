"""Pictures of a task: a poster of how it begins, or a film of an episode.

An episode is played by a policy while its actions are written down, then replayed and drawn in the
sandbox; since episodes are reproducible, the two are the same.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any

import imageio.v3
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from stable_baselines3 import PPO

from ..errors import BrokenError
from ..sandbox.episodes import episode_seed
from ..sandbox.process import Child, ChildFault, fault_in
from ..sandbox.vector import SandboxedEpisodes
from .plans import Film, FilmPlan
from .policies import Policy, Random, Trained, load_parameters
from .trial import PPO_SETTINGS
from .vec_env import SandboxedVecEnv

FILM_TIMEOUT_S = 120.0
POSTER_SAMPLING = 2
"""Posters are drawn larger and scaled down, since the CPU renderer leaves jagged edges."""
FRAMES_PER_SECOND = 15
"""One frame per agent step of 4 times 0.0165 s: films run at real speed."""


def make_film(plan: FilmPlan) -> Film:
    """Draw the picture or film and write it. Raises BrokenError where that fails."""
    path = Path(plan.path)
    still = path.suffix == ".png"
    try:
        frames = _draw(plan, [], POSTER_SAMPLING) if still else _draw(plan, _play(plan), 1)
    except ChildFault as fault:
        raise BrokenError(f"The task failed while it was drawn: {fault}", fault.fix) from None
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written beside its place and moved there, so that nobody ever sees half a picture.
    unfinished = path.with_name(f".{os.getpid()}-{path.name}")
    if still:
        picture = Image.fromarray(frames[0])
        picture.resize((plan.width, plan.height), Image.Resampling.LANCZOS).save(unfinished)
    elif path.suffix == ".gif":
        imageio.v3.imwrite(unfinished, frames, duration=1000 / FRAMES_PER_SECOND, loop=0)
    else:
        imageio.v3.imwrite(unfinished, frames, fps=FRAMES_PER_SECOND)
    unfinished.replace(path)
    return Film(plan.path, len(frames))


def _play(plan: FilmPlan) -> list[NDArray[Any]]:
    """The actions of one episode, to its end or its success."""
    with SandboxedEpisodes(plan.source, plan.robot, count=1, processes=1) as episodes:
        policy: Policy
        if plan.policy_path is None:
            policy = Random(episodes.action_space, plan.seed)
        else:
            env = SandboxedVecEnv(episodes)
            model = PPO("MlpPolicy", env, seed=plan.seed, device="cpu", **PPO_SETTINGS)
            model.policy.load_state_dict(load_parameters(plan.policy_path))
            policy = Trained(model)
        observations = episodes.reset(plan.seed)
        actions = []
        while True:
            action = policy.act(observations)
            actions.append(np.asarray(action, dtype=np.float32).reshape(-1))
            steps = episodes.step(action)
            observations = steps.observations
            if steps.terminated[0] or steps.truncated[0]:
                return actions


def _draw(plan: FilmPlan, actions: list[NDArray[Any]], sampling: int) -> NDArray[np.uint8]:
    """Frames of shape (count, height, width, 3), drawn `sampling` times as large as asked for."""
    height, width = sampling * plan.height, sampling * plan.width
    shape = (len(actions) + 1, height, width, 3)
    memory_fd = os.memfd_create("taskwright-film")
    os.ftruncate(memory_fd, int(np.prod(shape)))
    try:
        memory = mmap.mmap(memory_fd, int(np.prod(shape)))
        with Child(pass_fds=[memory_fd]) as child:
            reply = child.request(
                {
                    "op": "film",
                    "source": plan.source,
                    # The seed of episode 0 in environment 0, which `_play` has played.
                    "seed": episode_seed(plan.seed, 0, 0),
                    "actions": [action.tolist() for action in actions],
                    "memory_fd": memory_fd,
                    "camera": plan.camera,
                    "width": width,
                    "height": height,
                },
                FILM_TIMEOUT_S,
            )
    finally:
        os.close(memory_fd)
    if reply.keys() != {"frames"}:
        raise fault_in(reply)
    count = min(int(reply["frames"]), shape[0])
    return np.frombuffer(memory, np.uint8).reshape(shape)[:count].copy()
