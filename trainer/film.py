"""Pictures of a task: a poster of how it begins, or a film of an episode.

An episode is played by a policy while its actions are written down, then replayed and drawn in the
sandbox; since episodes are reproducible, the two are the same.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

import imageio.v3
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import BrokenError
from ..sandbox.channel import ChildFault, fault_in
from ..sandbox.episodes import episode_seed
from ..sandbox.memory import shared_memory
from ..sandbox.process import Child
from ..sandbox.vector import SandboxedEpisodes
from .plans import Film, FilmPlan
from .playing import Played, play_until_success, who_acts

FILM_TIMEOUT_S = 120.0
FILM_EPISODES = 10
"""Of how many episodes the first that succeeds is filmed; of none, the last."""
POSTER_SAMPLING = 2
"""Posters are drawn larger and scaled down, since the CPU renderer leaves jagged edges."""
FRAMES_PER_SECOND = 15
"""One frame per agent step of 4 times 0.0165 s: films run at real speed."""


def make_film(plan: FilmPlan) -> Film:
    """Draw the picture or film and write it. Raises BrokenError where that fails."""
    path = Path(plan.path)
    still = path.suffix == ".png"
    try:
        episode = Played(episode_seed(plan.seed, 0, 0)) if still else _play(plan)
        frames = _draw(plan, episode, POSTER_SAMPLING if still else 1)
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
    return Film(plan.path, len(frames), episode.success)


def _play(plan: FilmPlan) -> Played:
    with SandboxedEpisodes(plan.source, plan.robot, count=1, processes=1) as episodes:
        policy = who_acts(episodes, plan.policy_path, plan.seed)
        return play_until_success(episodes, policy, plan.seed, FILM_EPISODES)


def _draw(plan: FilmPlan, episode: Played, sampling: int) -> NDArray[np.uint8]:
    """Frames of shape (count, height, width, 3), drawn `sampling` times as large as asked for."""
    height, width = sampling * plan.height, sampling * plan.width
    shape = (len(episode.actions) + 1, height, width, 3)
    with shared_memory(math.prod(shape)) as (descriptor, memory), Child([descriptor]) as child:
        reply = child.request(
            {
                "op": "film",
                "source": plan.source,
                "seed": episode.seed,
                "actions": [action.tolist() for action in episode.actions],
                "camera": plan.camera,
                "width": width,
                "height": height,
            },
            FILM_TIMEOUT_S,
        )
    if reply.keys() != {"frames"}:
        raise fault_in(reply)
    count = min(int(reply["frames"]), shape[0])
    return np.frombuffer(memory, np.uint8).reshape(shape)[:count].copy()
