"""Pictures of a task: a poster of how it begins, some frames of an episode, or a film of one.

An episode is played by a policy while its actions are written down, then replayed and drawn in the
sandbox; since episodes are reproducible, the two are the same.
"""

from __future__ import annotations

import io
import math
import tempfile
from pathlib import Path
from typing import Any

import imageio.v3
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ...errors import BrokenError
from ...sandbox.episodes import episode_seed
from ...sandbox.processes.channel import ChildFault, fault_in
from ...sandbox.processes.memory import shared_memory
from ...sandbox.processes.process import Child
from ...sandbox.vector import SandboxedEpisodes
from ...world.base import BaseEnv
from ...world.task_env import ACTION_REPEAT
from ..requests import NO_INPUTS, Film, FilmRequest, Inputs
from .playing import Played, play_from, play_until_success, untrained, who_acts

FILM_TIMEOUT_S = 120.0
FILM_EPISODES = 10
"""Of how many episodes the first that succeeds is filmed; of none, the last."""
POSTER_SAMPLING = 2
"""Posters are drawn larger and scaled down, since the CPU renderer leaves jagged edges."""
ACTION_S = ACTION_REPEAT * BaseEnv.dt
SEAM_PIXELS = 2
LINGERING_FRAMES = 15
"""How long a film of two stands still at its end: they end at different times."""
FRAMES_PER_SECOND = 15
"""One frame per agent step of 4 times 0.0165 s: films run at real speed."""

Frames = NDArray[Any]
"""uint8; shape (count, height, width, 3), or without the count for one picture."""


def make_film(request: FilmRequest, inputs: Inputs = NO_INPUTS) -> tuple[Film, bytes]:
    """Draw a picture or a film. Returns what was drawn, and the file. Raises BrokenError where that
    fails, and OSError where this machine has no room for a film while it is made."""
    policy = None if request.policy is None else inputs[request.policy]
    try:
        if request.format != "png":
            frames, film = _film(request, policy)
        elif request.frames:
            frames, film = _frame_strip(request, policy)
        else:
            frames, film = _poster(request)
    except ChildFault as fault:
        raise BrokenError(f"The task failed while it was drawn: {fault}", fault.fix) from None
    if request.format == "mp4":
        return film, _mp4(frames)
    file = io.BytesIO()
    if request.format == "png":
        Image.fromarray(frames[0]).save(file, "PNG")
    else:
        pace_ms = 1000 / FRAMES_PER_SECOND
        imageio.v3.imwrite(file, frames, extension=".gif", duration=pace_ms, loop=0)
    return film, file.getvalue()


def _mp4(frames: Frames) -> bytes:
    # Its writer is another program, which knows files only.
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "film.mp4")
        imageio.v3.imwrite(path, frames, fps=FRAMES_PER_SECOND)
        return path.read_bytes()


def _poster(request: FilmRequest) -> tuple[Frames, Film]:
    """How an episode begins."""
    drawn, _ = _draw(request, Played(episode_seed(request.seed, 0, 0)), sampling=POSTER_SAMPLING)
    picture = Image.fromarray(drawn[0]).resize(
        (request.width, request.height), Image.Resampling.LANCZOS
    )
    return np.asarray(picture)[None], Film(1)


def _frame_strip(request: FilmRequest, policy: bytes | None) -> tuple[Frames, Film]:
    """Frames of an episode from its beginning to its end, in one picture."""
    (episode,) = _play(request, policy)
    last = len(episode.actions)
    numbers = np.linspace(0, last, min(request.frames, last + 1)).round().astype(int)
    drawn, at_the_end = _draw(request, episode, [int(number) for number in numbers])
    times = [f"{number * ACTION_S:.1f} s" for number in numbers]
    labelled = [_labelled(frame, time) for frame, time in zip(drawn, times, strict=True)]
    columns = math.ceil(math.sqrt(len(labelled)))
    labelled += [np.full_like(drawn[0], 255)] * (-len(labelled) % columns)
    rows = [labelled[at : at + columns] for at in range(0, len(labelled), columns)]
    sheet = np.concatenate([np.concatenate(row, axis=1) for row in rows])
    apart_s = round(last * ACTION_S / max(len(numbers) - 1, 1), 2)
    return sheet[None], Film(len(numbers), episode.success, apart_s, at_the_end)


def _film(request: FilmRequest, policy: bytes | None) -> tuple[Frames, Film]:
    """An episode, with one of the untrained agent beside it where that is wanted."""
    episode, *others = _play(request, policy)
    frames, at_the_end = _draw(request, episode)
    if others:
        (other,) = others
        count = max(len(episode.actions), len(other.actions)) + 1 + LINGERING_FRAMES
        halves = (
            _half(_draw(request, other)[0], "untrained", other, count),
            _half(frames, "trained", episode, count),
        )
        frames = np.concatenate(halves, axis=2)
        frames[:, :, request.width - SEAM_PIXELS : request.width + SEAM_PIXELS] = 255
    return frames, Film(len(frames), episode.success, at_the_end=at_the_end)


def _half(frames: Frames, who: str, episode: Played, count: int) -> Frames:
    """One side of a film: labelled, and standing still where its episode has ended before."""
    ended = f"{who}: {'success' if episode.success else 'no success'}"
    seconds = len(episode.actions) * ACTION_S
    still = _labelled(frames[-1], f"{ended} after {seconds:.1f} s", episode.success)
    moving = [_labelled(frame, who) for frame in frames[:-1]]
    return np.stack([*moving, *[still] * (count - len(moving))])


def _labelled(frame: Frames, text: str, is_good: bool | None = None) -> Frames:
    """A picture with a few words in its upper left corner, on a strip that makes them readable."""
    picture = Image.fromarray(frame)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(max(len(frame) // 18, 10))
    margin = len(frame) // 50
    left, top, right, bottom = draw.textbbox((2 * margin, 2 * margin), text, font=font)
    strip = {True: (20, 110, 50), False: (150, 45, 35), None: (35, 38, 42)}[is_good]
    box = (left - margin, top - margin, right + margin, bottom + margin)
    draw.rounded_rectangle(box, margin, fill=strip)
    draw.text((2 * margin, 2 * margin), text, font=font, fill=(255, 255, 255))
    return np.asarray(picture)


def _play(request: FilmRequest, policy: bytes | None) -> list[Played]:
    """The episode to show, and that of the untrained agent where it is wanted."""
    with SandboxedEpisodes(request.source, request.robot, count=1, processes=1) as episodes:
        agent = who_acts(episodes, policy, request.seed)
        played = [play_until_success(episodes, agent, request.seed, FILM_EPISODES)]
        if request.beside_untrained:
            beginner = untrained(episodes, policy, request.seed)
            played.append(play_from(episodes, beginner, played[0].seed))
    return played


def _draw(
    request: FilmRequest, episode: Played, after: list[int] | None = None, sampling: int = 1
) -> tuple[Frames, bool]:
    """Frames of shape (count, height, width, 3), drawn `sampling` times as large as asked for, and
    whether success counts only at the end. They are those `after` so many actions; None:
    after the reset and each action."""
    height, width = sampling * request.height, sampling * request.width
    count = len(episode.actions) + 1 if after is None else len(after)
    shape = (count, height, width, 3)
    with shared_memory(math.prod(shape)) as (descriptor, memory), Child([descriptor]) as child:
        reply = child.request(
            {
                "op": "film",
                "source": request.source,
                "seed": episode.seed,
                "actions": [action.tolist() for action in episode.actions],
                "camera": request.camera,
                "width": width,
                "height": height,
                "after": after,
            },
            FILM_TIMEOUT_S,
        )
    if reply.keys() != {"frames", "at_the_end"}:
        raise fault_in(reply)
    drawn = min(max(int(reply["frames"]), 1), count)
    frames = np.frombuffer(memory, np.uint8).reshape(shape)[:drawn].copy()
    return frames, bool(reply["at_the_end"])
