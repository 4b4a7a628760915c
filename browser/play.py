"""Play: a person drives the robot with keys, and sees what the task pays and when it is done.

The episode runs in a sandboxed process that ends with its page. Keys come in and frames go out over
a WebSocket, an action every 66 ms as robots take them; nothing moves before the first key.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from ..archive.demonstrations import DEFAULT_ACTION_REPEAT, keep_demonstration
from ..archive.feedback import Demonstration, Feedback
from ..errors import ArchiveError, TaskwrightError
from ..sandbox.live import Frame
from ..sandbox.processes.channel import ChildFault
from ..sandbox.session import PlaySession
from ..task import Idea, Record, Task
from ..world.manual import Driving
from ..world.robots import ROBOTS, robot_class
from .files import static_files
from .index import View
from .security import Security
from .site import Link, Site, journey_in

LINKS = (Link("Play", "/play"),)

STEP_S = 0.066
"""An action: four physics steps of 0.0165 s."""
PHYSICS_STEPS = 1000
"""Of an episode, at most."""
MAX_SESSIONS = 3
"""Episodes that are played at once: each is a process that computes a tenth of the time."""
IDLE_S = 300.0
"""Without a key or a word for so long, a page's process is ended; a key begins anew."""
SESSION_S = 3600.0
"""After so long a page's process is ended in any case; a key begins anew."""
SEND_S = 5.0
"""A page that takes no frame for so long has gone, though its connection is still open."""
MESSAGES_PER_S, MESSAGES_AT_ONCE = 60.0, 200.0
"""That a page may send, on average and in a burst; hands press keys a tenth as often."""
MESSAGE_CHARACTERS = 4_000
BEHIND_S = 0.25
"""A step that was late by more is not made up for: the world would race."""

T = TypeVar("T")


@dataclass(frozen=True)
class Playable:
    """A task as the page shows it."""

    task: Task
    idea: Idea
    back: str
    """Where the page came from; empty where it came from nowhere."""
    run_dir: Path | None
    """Where a demonstration is kept; None where none may be."""


class Message(BaseModel):
    """What a page says."""

    model_config = ConfigDict(extra="forbid", strict=True)

    held: list[str] | None = Field(None, max_length=32)
    """The controls that are held down now."""
    pressed: list[str] = Field([], max_length=32)
    """Those that were pressed since the last message."""
    serial: int = Field(0, ge=0, lt=2**53)
    """Told again with the first frame that follows, so that the page knows how long it took."""
    restart: bool = False
    seed: int | None = Field(None, ge=0, lt=2**31)
    """With `restart`: the episode to begin. None: one drawn by chance."""
    paused: bool | None = None
    keep: bool = False
    """Keep the episode, which has succeeded, as a demonstration."""


def routes(site: Site) -> list[BaseRoute]:
    sessions = asyncio.Semaphore(MAX_SESSIONS)

    def playable(number: int) -> Playable:
        with site.archive() as archive:
            record = archive.find(str(number))
        return _playable(record, site)

    def page(request: Request) -> Response:
        return _page(site, request, playable(journey_in(request)))

    def overview(request: Request) -> Response:
        rows = site.index.page(View(status=("learned", "too_hard", "too_easy")), count=60)
        with Feedback.open(site.run_dir) as feedback:
            solved = feedback.shown_solvable()
        chosen = [row for row in rows if row.robot and ROBOTS[row.robot].played]
        return site.render(request, "play_index.html.j2", rows=chosen, solved=solved)

    async def socket(websocket: WebSocket) -> None:
        await _attend(websocket, sessions, lambda: playable(journey_in(websocket)))

    return [
        Route("/play", overview),
        Route("/play/{number:int}", page),
        WebSocketRoute("/play/{number:int}/socket", socket),
    ]


def create_file_app(path: Path, task: Task, idea: Idea) -> Starlette:
    """The page of a task file that is in no archive: it is played, and nothing is written."""
    site = _FileSite(path)
    sessions = asyncio.Semaphore(MAX_SESSIONS)
    shown = Playable(task, idea, "", None)

    def page(request: Request) -> Response:
        return _page(site, request, shown)

    async def socket(websocket: WebSocket) -> None:
        await _attend(websocket, sessions, lambda: shown)

    app = Starlette(
        routes=[
            Route("/", page),
            WebSocketRoute("/socket", socket),
            Mount("/static", static_files(), name="static"),
        ],
        middleware=[Middleware(Security)],
    )
    app.state.site = site
    return app


class _FileSite(Site):
    """What the frame of a page asks for, of a file."""

    def __init__(self, path: Path) -> None:
        self.run_dir = path
        self.feedback = False
        self.menu = []
        self.closing = threading.Event()


def _playable(record: Record, site: Site) -> Playable:
    if record.task is None:
        raise ArchiveError(
            f"Journey {record.number} ended before code was written; there is nothing to play.",
            "Choose a task that has a picture.",
        )
    kept_in = site.run_dir if site.feedback else None
    return Playable(record.task, record.idea, f"/task/{record.number}", kept_in)


def _page(site: Site, request: Request, shown: Playable) -> Response:
    robot = robot_class(shown.task.robot)
    return site.render(
        request,
        "play.html.j2",
        shown=shown,
        controls=robot.controls,
        codes={code: control.name for control in robot.controls for code in control.codes},
        follows=not robot.is_fixed,
        not_played=robot.not_played,
        seconds=PHYSICS_STEPS * STEP_S / 4,
    )


async def _attend(
    websocket: WebSocket, sessions: asyncio.Semaphore, playable: Callable[[], Playable]
) -> None:
    """One page, from its first word to its last."""
    await websocket.accept()
    try:
        if sessions.locked():
            raise ArchiveError(
                f"{MAX_SESSIONS} episodes are being played already.", "Close one of their pages."
            )
        async with sessions:
            await _Player(websocket, await run_in_threadpool(playable)).run()
    except TaskwrightError as error:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await websocket.send_json({"kind": "problem", "problem": str(error)})
            await websocket.close(1000)


class _Player:
    """An episode after the other, as a page asks for them."""

    def __init__(self, websocket: WebSocket, shown: Playable) -> None:
        self._websocket = websocket
        self._shown = shown
        self._robot = robot_class(shown.task.robot)
        self._names = {control.name for control in self._robot.controls}
        self._session: PlaySession | None = None
        self._frame: Frame | None = None
        self._seed = 0
        self._actions: list[list[float]] = []
        self._kept = False
        # What the page has said and nobody has heeded yet.
        self._news = asyncio.Event()
        self._held: set[str] = set()
        self._pressed: set[str] = set()
        self._serial = 0
        self._restart: Message | None = None
        self._keep = False
        self._paused = True
        self._gone = False
        self._allowance = Allowance()

    async def run(self) -> None:
        """Until the page is closed, nobody has touched it for `IDLE_S`, or `SESSION_S` are over."""
        listener = asyncio.create_task(self._listen())
        try:
            due = began = time.monotonic()
            while not self._gone:
                if time.monotonic() - began > SESSION_S:
                    await self._say(kind="asleep")
                    await self._websocket.close(1000)
                    return
                if self._keep:
                    await self._keep_demonstration()
                elif self._restart is not None:
                    await self._begin(self._restart.seed)
                elif self._is_running():
                    now = time.monotonic()
                    due = max(due + STEP_S, now - BEHIND_S)
                    await asyncio.sleep(due - now)
                    await self._act()
                elif await self._is_silent():
                    await self._say(kind="asleep")
                    await self._websocket.close(1000)
                    return
                else:
                    # What was asked for is answered at once: the first step is due now.
                    due = time.monotonic() - STEP_S
        except (WebSocketDisconnect, RuntimeError):
            # The page has gone while a message was sent to it.
            if not self._gone and not listener.done():
                listener.cancel()
        finally:
            listener.cancel()
            if self._session is not None:
                self._session.close()

    async def _listen(self) -> None:
        try:
            while True:
                message = await self._websocket.receive()
                if message["type"] == "websocket.disconnect":
                    break
                if not self._allowance.takes_one():
                    await self._websocket.close(1008, "Too many messages.")
                    break
                # Our page sends texts, and short ones.
                text = message.get("text") or ""
                if len(text) <= MESSAGE_CHARACTERS:
                    self._heed(text)
                self._news.set()
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            self._gone = True
            self._news.set()

    def _heed(self, text: str) -> None:
        try:
            message = Message.model_validate_json(text)
        except ValidationError:
            # Our page says nothing else; whoever does is not answered.
            return
        if message.held is not None:
            self._held = self._names.intersection(message.held)
            self._pressed |= self._names.intersection(message.pressed)
            self._serial = message.serial
            if self._held or self._pressed:
                self._paused = False
        if message.paused is not None:
            self._paused = message.paused
        if message.restart:
            self._restart = message
        self._keep |= message.keep

    def _is_running(self) -> bool:
        return self._frame is not None and not self._paused and not self._is_over()

    def _is_over(self) -> bool:
        return self._frame is not None and (self._frame.ended or self._frame.success)

    async def _is_silent(self) -> bool:
        """Wait for news; whether none came for `IDLE_S`."""
        self._news.clear()
        if self._gone or self._restart or self._keep or self._is_running():
            return False
        try:
            await asyncio.wait_for(self._news.wait(), IDLE_S)
        except TimeoutError:
            return True
        return False

    async def _begin(self, seed: int | None) -> None:
        self._restart = None
        self._seed = secrets.randbelow(2**31) if seed is None else seed
        self._actions, self._kept, self._paused = [], False, True
        self._held.clear()
        self._pressed.clear()

        def begin() -> Frame:
            if self._session is None:
                self._session = PlaySession(self._shown.task.source, self._shown.task.robot)
            return self._session.begin(self._seed)

        self._frame = await self._guarded(begin)
        if self._frame is not None:
            await self._say(kind="episode", seed=self._seed, frame=asdict(self._frame))

    async def _act(self) -> None:
        assert self._frame is not None
        assert self._session is not None
        before = self._frame
        action = self._robot.choose_action(
            Driving(self._held, self._pressed, before.turn_rad_s, before.speed_m_s)
        )
        self._pressed.clear()
        serial = self._serial
        self._frame = await self._guarded(functools.partial(self._session.act, action))
        if self._frame is None:
            return
        self._actions.append(action)
        await self._say(kind="frame", frame=asdict(self._frame), serial=serial)

    async def _guarded(self, work: Callable[[], T]) -> T | None:
        """Do something in the sandbox; a failure is sent to the page and ends the session."""
        try:
            return await run_in_threadpool(work)
        except ChildFault as fault:
            problem = f"{fault.symptom} {fault.fix}"
        except TaskwrightError as error:
            problem = str(error)
        if self._session is not None:
            self._session.close()
            self._session = None
        await self._say(kind="problem", problem=problem)
        return None

    async def _keep_demonstration(self) -> None:
        self._keep = False
        run_dir = self._shown.run_dir
        if run_dir is None or self._kept or self._frame is None or not self._frame.success:
            return
        self._kept = True
        demonstration = Demonstration(
            self._shown.task.task_id,
            self._shown.task.robot,
            self._seed,
            DEFAULT_ACTION_REPEAT,
            tuple(tuple(action) for action in self._actions),
            True,
        )
        keep = functools.partial(keep_demonstration, run_dir, self._shown.task, demonstration)
        kept = await self._guarded(keep)
        if kept is not None:
            await self._say(kind="kept", text=kept)

    async def _say(self, **message: Any) -> None:
        try:
            await asyncio.wait_for(self._websocket.send_json(message), SEND_S)
        except TimeoutError:
            self._gone = True
            raise WebSocketDisconnect(1006) from None


class Allowance:
    """How many messages may come: so many at once, and then so many a second."""

    def __init__(self) -> None:
        self._left = MESSAGES_AT_ONCE
        self._counted_at = time.monotonic()

    def takes_one(self) -> bool:
        """Whether one more is within it."""
        now = time.monotonic()
        gained = MESSAGES_PER_S * (now - self._counted_at)
        self._left = min(self._left + gained, MESSAGES_AT_ONCE) - 1.0
        self._counted_at = now
        return self._left >= 0.0
