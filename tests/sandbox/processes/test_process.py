"""The process seam, tested with real processes: a child that lies, hangs, dies or is orphaned."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taskwright.errors import BrokenError
from taskwright.sandbox.processes.channel import (
    MAX_REPLY_BYTES,
    ChildDied,
    ChildProtocolError,
    ChildTimeout,
)
from taskwright.sandbox.processes.process import Child, ModuleProcess

# Greets, then answers the first request as it was told on the command line.
ROGUE = """
import json, os, signal, struct, subprocess, sys, time

def message(data, length=None):
    os.write(1, struct.pack(">I", len(data) if length is None else length) + data)

def flood(data):
    while True:
        os.write(1, data)

def hang():
    time.sleep(1000)

message(b'{"ready": true}')
os.read(0, 1000)
exec(sys.argv[2])
hang()
"""


@pytest.fixture
def rogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleProcess]:
    """Starts a process that runs the given statements when it is asked something."""
    (tmp_path / "rogue.py").write_text(ROGUE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def start(statements: str, **limits: int) -> ModuleProcess:
        return ModuleProcess("rogue", statements, **limits)

    return start


MALFORMED = {
    "oversized": (f"message(b'x', {MAX_REPLY_BYTES + 1})", "1000001 bytes long"),
    "flood": ("flood(b'x' * 65536)", "bytes long"),
    "flood-after-a-length": (
        f"os.write(1, struct.pack('>I', {MAX_REPLY_BYTES})); flood(b'x' * 65536)",
        "not JSON",
    ),
    "not-json": ("message(b'yes')", "not JSON"),
    "pickle": ("import pickle; message(pickle.dumps({'passed': True}))", "not JSON"),
    "not-utf-8": ("message(b'\\xff\\xfe{}')", "not JSON"),
    "empty": ("message(b'')", "not JSON"),
    "not-an-object": ("message(b'[1, 2]')", "not an object"),
    "too-deep": ("message(b'[' * 100_000)", "not JSON"),
    "huge-number": ("message(b'9' * 10_000)", "not JSON"),
    "closed-pipe": ("os.close(1); hang()", "its pipe is closed"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_refuses_malformed_reply(
    name: str, rogue: Callable[[str], ModuleProcess], processes: Any
) -> None:
    statements, detail = MALFORMED[name]
    with rogue(statements) as process:
        with pytest.raises(ChildProtocolError, match=detail):
            process.request({"op": "work"}, timeout_s=10.0)
        assert processes.in_session(process.pid) == []


def test_a_process_that_is_trusted_may_say_more_at_once(
    rogue: Callable[..., ModuleProcess],
) -> None:
    size = 8 * MAX_REPLY_BYTES
    answer = f"message(b'{{\"data\": \"' + b'x' * {size} + b'\"}}')"
    with rogue(answer, max_reply_bytes=2 * size) as process:
        assert process.request({"op": "work"}, timeout_s=10.0) == {"data": "x" * size}
    with (
        rogue(answer, max_reply_bytes=size) as process,
        pytest.raises(ChildProtocolError, match="bytes long"),
    ):
        process.request({"op": "work"}, timeout_s=10.0)


@pytest.mark.parametrize(
    "statements",
    ["hang()", "message(b'half', 100)", "signal.signal(signal.SIGTERM, signal.SIG_IGN); hang()"],
    ids=["silent", "half-a-reply", "ignores-signals"],
)
def test_stops_waiting_at_the_deadline(
    statements: str, rogue: Callable[[str], ModuleProcess], processes: Any
) -> None:
    with rogue(statements) as process:
        process.wait_until_ready()
        started = time.monotonic()
        with pytest.raises(ChildTimeout, match=r"work did not finish within 0\.5 s"):
            process.request({"op": "work"}, timeout_s=0.5)
        assert 0.5 <= time.monotonic() - started < 1.5
        assert processes.in_session(process.pid) == []


def test_stops_waiting_for_a_reply_that_only_drips(rogue: Callable[[str], ModuleProcess]) -> None:
    drip = "os.write(1, struct.pack('>I', 1000))\nwhile True: os.write(1, b'x'); time.sleep(0.01)"
    with rogue(drip) as process:
        process.wait_until_ready()
        started = time.monotonic()
        with pytest.raises(ChildTimeout):
            process.request({"op": "work"}, timeout_s=0.5)
        assert time.monotonic() - started < 1.5


@pytest.mark.parametrize(
    ("statements", "status", "how"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV, "signal SIGSEGV"),
        ("os.abort()", -signal.SIGABRT, "signal SIGABRT"),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL, "signal SIGKILL"),
        ("os._exit(0)", 0, "exit status 0"),
        ("raise SystemExit(3)", 3, "exit status 3"),
    ],
)
def test_tells_how_the_child_died(
    statements: str, status: int, how: str, rogue: Callable[[str], ModuleProcess]
) -> None:
    with rogue(statements) as process:
        with pytest.raises(ChildDied, match=how) as died:
            process.request({"op": "work"}, timeout_s=10.0)
        assert died.value.status == status


def test_tells_that_the_child_died_before_it_was_asked(
    processes: Any, wait_until: Callable[..., None]
) -> None:
    with Child() as child:
        child.wait_until_ready()
        os.kill(child.pid, signal.SIGSEGV)
        wait_until(lambda: not processes.is_alive(child.pid))
        with pytest.raises(ChildDied, match="SIGSEGV"):
            child.request({"op": "check", "source": "", "robot": "r2d2"}, timeout_s=10.0)


def test_calls_a_process_that_cannot_start_broken() -> None:
    with ModuleProcess("taskwright.no_such_module") as process:
        with pytest.raises(BrokenError, match="No module named") as broken:
            process.wait_until_ready()
        assert "taskwright doctor" in broken.value.remedy


def test_kills_descendants_with_the_child(
    rogue: Callable[[str], ModuleProcess], processes: Any, wait_until: Callable[..., None]
) -> None:
    spawn = "child = subprocess.Popen(['sleep', '1000']); message(b'{\"pid\": %d}' % child.pid)"
    with rogue(spawn) as process:
        grandchild = process.request({"op": "work"}, timeout_s=10.0)["pid"]
        assert sorted(processes.in_session(process.pid)) == sorted([process.pid, grandchild])
    wait_until(lambda: processes.in_session(process.pid) == [], timeout_s=2.0)
    assert not processes.is_alive(grandchild)


def test_kills_descendants_of_a_child_that_is_dead(
    rogue: Callable[[str], ModuleProcess], processes: Any, wait_until: Callable[..., None]
) -> None:
    spawn = "subprocess.Popen(['sleep', '1000'], stdout=subprocess.DEVNULL); os._exit(1)"
    with rogue(spawn) as process:
        with pytest.raises(ChildDied):
            process.request({"op": "work"}, timeout_s=10.0)
        wait_until(lambda: processes.in_session(process.pid) == [], timeout_s=2.0)


def test_closing_twice_is_harmless(rogue: Callable[[str], ModuleProcess]) -> None:
    process = rogue("hang()")
    process.close()
    process.close()


def test_no_key_reaches_the_child(
    monkeypatch: pytest.MonkeyPatch, rogue: Callable[[str], ModuleProcess]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-this-test")
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret-of-this-test@proxy")
    with rogue("message(json.dumps(dict(os.environ)).encode())") as process:
        seen = process.request({"op": "work"}, timeout_s=10.0)
    assert seen["PYTHONHASHSEED"] == "0"
    assert not any("secret-of-this-test" in value for value in seen.values())


def test_only_the_descriptors_that_are_passed_reach_the_child(
    tmp_path: Path, rogue: Callable[[str], ModuleProcess]
) -> None:
    with (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)
        say = (
            "names = {}\n"
            "for n in os.listdir('/proc/self/fd'):\n"
            "    try: names[n] = os.readlink('/proc/self/fd/' + n)\n"
            "    except OSError: pass\n"
            "message(json.dumps(names).encode())"
        )
        with rogue(say) as process:
            descriptors = process.request({"op": "work"}, timeout_s=10.0)
    assert {"0", "1", "2"} <= descriptors.keys()
    assert str(tmp_path / "secret") not in descriptors.values()


def test_child_has_its_limits_in_force() -> None:
    with Child(memory_mb=512) as child:
        child.wait_until_ready()
        assert {
            "memory",
            "computing time",
            "processes",
            "file size",
            "open files",
            "core dumps",
        } == set(child.isolation.limits)
        limits = (Path("/proc") / str(child.pid) / "limits").read_text()
    rows = {line[:25].strip(): line[25:].split()[:2] for line in limits.splitlines()[1:]}
    assert rows["Max address space"] == [str(512 * 2**20)] * 2
    assert rows["Max file size"] == ["0", "0"]
    assert rows["Max core file size"] == ["0", "0"]


PARENT = """
import sys
from taskwright.sandbox.checker import check_task
from taskwright.task import Task
check_task(Task(sys.stdin.read()), timeout_s=100)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_child_dies_with_its_parent(
    how: signal.Signals, processes: Any, wait_until: Callable[..., None]
) -> None:
    source = (Path(__file__).parents[2] / "tasks/broken/step__never_returns.py").read_bytes()
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE)
    try:
        assert parent.stdin is not None
        parent.stdin.write(source)
        parent.stdin.close()
        wait_until(lambda: len(processes.sandboxed_by(parent.pid)) == 1)
        (child,) = processes.sandboxed_by(parent.pid)
        # Busy in the task's endless loop by now, it would not notice a closed pipe.
        wait_until(lambda: processes.cpu_s(child) > 1.0)
        parent.send_signal(how)
        parent.wait()
        wait_until(lambda: not processes.is_alive(child), timeout_s=2.0)
    finally:
        parent.kill()
        parent.wait()
