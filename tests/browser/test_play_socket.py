"""The WebSocket of play, as somebody speaks to it who means harm."""

from __future__ import annotations

import contextlib
import json
import os
import socket as sockets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import SANDBOXED, descendants
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from taskwright.archive.feedback import FILE_NAME
from taskwright.archive.store import Archive
from taskwright.browser import play
from taskwright.browser.play import MAX_SESSIONS, Allowance
from taskwright.browser.serving import MESSAGE_BYTES
from taskwright.task import Record, Task

NOT_TOLD = 0
"""A reason is lost where its connection is reset, since more was sent than was still read."""


@pytest.fixture
def run_dir(tmp_path: Path, easy_source: str, make_record: Callable[..., Record]) -> Path:
    """A run with one task that is done by driving ahead."""
    with Archive.create_or_open(tmp_path) as archive:
        archive.start_journey()
        archive.add(make_record(1, task=Task(easy_source)))
    return tmp_path


@pytest.fixture
def talk(serve: Callable[..., str], run_dir: Path) -> Callable[..., Any]:
    """Connects to the socket of the task, read-only; anything of the handshake can be given."""
    address = serve(run_dir).removeprefix("http://")

    @contextlib.contextmanager
    def go(number: object = 1, **options: Any) -> Iterator[ClientConnection]:
        options = {"origin": f"http://{address}", "open_timeout": 20, **options}
        with connect(f"ws://{address}/play/{number}/socket", **options) as socket:
            yield socket

    return go


def begin(socket: ClientConnection) -> dict[str, Any]:
    """The first frame of an episode."""
    socket.send(json.dumps({"restart": True, "seed": 4}))
    message: dict[str, Any] = json.loads(socket.recv(60))
    return message


def sandboxed() -> set[int]:
    """Ids of the sandboxed processes below this one."""
    return descendants(os.getpid(), SANDBOXED)


def ending_of(work: Callable[[], object]) -> int:
    """With which code the connection ends while something is done over and over."""
    try:
        while True:
            work()
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else NOT_TOLD
    except OSError:
        return NOT_TOLD


def wait_until(is_so: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    "options",
    [
        {"origin": None},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"additional_headers": {"Host": "evil.example"}},
    ],
)
def test_no_other_site_and_no_foreign_name_gets_through(talk, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidHandshake), talk(**options):
        pass


def test_what_no_page_says_is_not_heeded_and_play_goes_on(talk) -> None:
    strange: list[str | bytes] = [
        "",
        "nonsense",
        b"\x00\xff" * 100,
        b'{"restart": true}',
        "[" * 2_000,
        '{"held": ' + "[" * 1_000 + "]" * 1_000 + "}",
        '{"seed": NaN, "restart": true}',
        '{"seed": 1e999, "restart": true}',
        '{"seed": ' + "9" * 3_000 + ', "restart": true}',
        '{"serial": ' + "9" * 3_000 + ', "held": []}',
        '{"held": [5, null, {}], "pressed": "forward"}',
        '{"held": ["' + "x" * 3_900 + '"]}',
        '{"unknown": 1}',
        '{"held": ["__class__", "../../etc"]}',
        "\N{GRINNING FACE}" * 50,
    ]
    with talk() as socket:
        for text in strange:
            socket.send(text)
        # What was in between is answered in its order: nothing was.
        assert begin(socket)["seed"] == 4
        socket.send('{"held": ["forward"], "serial": 7}')
        assert json.loads(socket.recv(20))["serial"] == 7


def test_a_message_without_end_ends_its_connection_and_no_other(talk) -> None:
    with talk() as other:
        begin(other)
        with talk() as socket:
            socket.send("x" * (MESSAGE_BYTES + 1))
            assert ending_of(lambda: socket.recv(20)) == 1009
        with talk() as socket:
            assert ending_of(lambda: socket.send("x" * 5_000_000)) in (1009, NOT_TOLD)
        assert begin(other)["kind"] == "episode"


def test_who_floods_is_shown_the_door_and_others_play_on(talk) -> None:
    with talk() as other:
        begin(other)
        started = time.monotonic()
        with talk() as socket:
            assert ending_of(lambda: socket.send('{"held": []}')) in (1008, NOT_TOLD)
        assert time.monotonic() - started < 20.0
        other.send('{"held": ["forward"], "serial": 3}')
        assert json.loads(other.recv(20))["serial"] == 3


def test_an_allowance_is_used_up_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(play.time, "monotonic", lambda: now[0])
    allowance = Allowance()
    assert sum(allowance.takes_one() for _ in range(1_000)) == int(play.MESSAGES_AT_ONCE)
    now[0] += 1_000.0
    assert allowance.takes_one()


def test_as_many_play_as_may_and_whoever_leaves_takes_his_process_along(talk) -> None:
    before = sandboxed()
    with contextlib.ExitStack() as stack:
        players = [stack.enter_context(talk()) for _ in range(MAX_SESSIONS)]
        for player in players:
            begin(player)
            player.send('{"held": ["forward"], "serial": 1}')
        for _ in range(5):
            with talk() as late:
                told = json.loads(late.recv(20))
                assert "being played already" in told["problem"]
        assert len(sandboxed() - before) == MAX_SESSIONS
        # One leaves in the middle of a step, without a word.
        players[0].socket.shutdown(sockets.SHUT_RDWR)
        wait_until(lambda: len(sandboxed() - before) == MAX_SESSIONS - 1)
    wait_until(lambda: sandboxed() <= before)


def test_malformed_frames_end_their_connection_alone(talk) -> None:
    for data in (b"\xff" * 64, b"\x81\x7f" + b"\xff" * 8, b"\xc1\x85\0\0\0\0hello", b"\x01\x00"):
        with talk() as socket:
            begin(socket)
            socket.socket.sendall(data)
            # The other side may have ended it already.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sockets.SHUT_WR)
            assert ending_of(lambda: socket.recv(10)) != 1000
    with talk() as socket:
        assert begin(socket)["kind"] == "episode"


def test_a_read_only_page_changes_nothing_whatever_it_asks(talk, run_dir: Path) -> None:
    with talk() as socket:
        begin(socket)
        socket.send('{"held": ["forward"], "pressed": ["forward"], "serial": 1}')
        while not json.loads(socket.recv(20))["frame"]["success"]:
            pass
        socket.send('{"keep": true}')
        assert begin(socket)["kind"] == "episode"
    assert not (run_dir / FILE_NAME).exists()


def test_no_journey_is_played_that_there_cannot_be(talk) -> None:
    for number in (2, 10**12, "9" * 900):
        with talk(number) as socket:
            assert json.loads(socket.recv(20))["problem"]
    for number in ("9" * 5_000, "x", "../1"):
        with pytest.raises(InvalidHandshake), talk(number):
            pass


def test_a_session_ends_after_its_time(talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play, "SESSION_S", 0.5)
    with talk() as socket:
        begin(socket)
        socket.send('{"held": ["forward"], "serial": 1}')
        told = ""
        with contextlib.suppress(ConnectionClosed):
            while told != "asleep":
                told = json.loads(socket.recv(20))["kind"]
    assert told == "asleep"


@pytest.mark.slow
def test_a_page_that_takes_no_frames_is_given_up(talk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads nothing, so that what is sent to it fills the buffers on the way."""
    monkeypatch.setattr(play, "STEP_S", 0.0005)
    monkeypatch.setattr(play, "SEND_S", 1.0)
    monkeypatch.setattr(play, "PHYSICS_STEPS", 10**9)
    before = sandboxed()
    with talk(max_queue=1) as socket:
        socket.socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        socket.send(json.dumps({"restart": True, "seed": 4}))
        wait_until(lambda: len(sandboxed() - before) == 1, 30)
        turn = '{"held": ["left"], "serial": 1}'
        deadline = time.monotonic() + 120
        while sandboxed() - before:
            assert time.monotonic() < deadline
            with contextlib.suppress(ConnectionClosed):
                socket.send(turn)
                socket.send(json.dumps({"restart": True, "seed": 4}))
            time.sleep(0.2)
