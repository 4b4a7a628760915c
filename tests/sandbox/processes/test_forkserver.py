"""The server that children are forked from: it lasts as long as its parent, and leaves nothing."""

from __future__ import annotations

import contextlib
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
from taskwright.sandbox.checker import check_task
from taskwright.sandbox.processes import process
from taskwright.sandbox.processes.channel import ChildDied, ChildTimeout
from taskwright.sandbox.processes.forkserver import WARM_UP_TASK
from taskwright.sandbox.processes.process import Child
from taskwright.task import Task

DEFECTIVE = [
    "class Env(",
    "import os",
    "x = 1",
    "from taskwright.world import R2D2Env\n\n\nclass Env(R2D2Env):\n    x = 1 / 0",
    WARM_UP_TASK.replace("self.goal =", "self.goal = self._p.getBaseVelocity(99); self.goal ="),
]


@pytest.mark.slow
def test_two_hundred_checks_in_a_row_leave_nothing_behind_and_do_not_grow(processes: Any) -> None:
    def check(count: int) -> None:
        for number in range(count):
            outcome = check_task(Task(DEFECTIVE[number % len(DEFECTIVE)]))
            assert outcome.verdict == "rejected", outcome

    def remains() -> tuple[object, ...]:
        descriptors = len(os.listdir("/proc/self/fd"))
        return processes.serving(os.getpid()), descriptors, set(os.listdir("/dev/shm"))

    def memory_mb() -> float:
        pids = [os.getpid(), *processes.serving(os.getpid())]
        pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids]
        return sum(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20

    check(20)
    before, memory_before_mb = remains(), memory_mb()
    check(200)
    assert remains() == before
    assert memory_mb() - memory_before_mb < 4.0


def test_a_child_that_was_never_closed_ends_with_the_server(
    processes: Any, wait_until: Callable[..., None]
) -> None:
    program = (
        "from taskwright.sandbox.processes.process import Child\n"
        "child = Child()\n"
        "child.wait_until_ready()\n"
        "print(child.pid, flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0
    child = int(done.stdout.split()[-1])
    wait_until(lambda: not processes.is_alive(child), timeout_s=1.0)


PARENT = """
import os, signal, sys, threading
from taskwright.sandbox.processes.process import Child
from taskwright.task import Task
children = []
def start():
    children.extend(Child() for _ in range(3))
    for child in children:
        child.wait_until_ready()
# The thread that starts the server ends before everything else.
thread = threading.Thread(target=start)
thread.start()
thread.join()
assert children[0].request({"op": "probe", "name": "read a file", "surroundings": {
    "secret_path": "/", "folder": "/", "port": 1, "parent_pid": 1, "secret": ""}}, 5.0)
print("ready", flush=True)
signal.pause()
"""


@pytest.mark.parametrize("pause_s", [0.0, 0.3, 0.6, 0.9, None])
def test_nothing_survives_a_parent_that_is_killed_at_any_moment(
    pause_s: float | None, processes: Any, wait_until: Callable[..., None]
) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert parent.stdout is not None
    if pause_s is None:
        # Once all is in place; `pause_s` are moments on the way there.
        while parent.stdout.readline() != b"ready\n":
            pass
        assert len(processes.sandboxed_by(parent.pid)) == 3
    else:
        time.sleep(pause_s)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: processes.serving(parent.pid) == [], timeout_s=1.0)


def test_children_outlive_the_thread_that_started_the_server() -> None:
    # The program says "ready" only after a child has answered.
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE)
    try:
        assert parent.stdout is not None
        lines = iter(parent.stdout.readline, b"")
        assert b"ready\n" in lines
    finally:
        parent.kill()
        parent.wait()


def test_a_server_that_was_killed_is_replaced(processes: Any) -> None:
    with Child() as child:
        child.wait_until_ready()
        for pid in processes.serving(os.getpid()):
            # Those that a killed one has forked may be gone before it is their turn.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with pytest.raises(ChildDied, match="SIGKILL"):
            child.request({"op": "reset", "seed": 0}, timeout_s=5.0)
    with Child() as child:
        child.wait_until_ready()


def test_a_server_that_cannot_start_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_servers", {})
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(BrokenError, match="sandboxes are forked from") as broken:
        Child()
    assert "taskwright doctor" in broken.value.remedy


def test_a_child_that_does_not_take_in_its_request_is_stopped(processes: Any) -> None:
    with Child() as child:
        child.wait_until_ready()
        os.kill(child.pid, signal.SIGSTOP)
        started = time.monotonic()
        with pytest.raises(ChildTimeout, match="Taking in a request"):
            child._channel.send({"op": "check", "source": "x" * 10**7}, timeout_s=0.5)
        assert 0.5 <= time.monotonic() - started < 1.5
        pid = child.pid
    assert not processes.is_alive(pid)


def test_serves_a_process_that_was_forked_from_this_one(tmp_path: Path) -> None:
    with Child() as child:
        child.wait_until_ready()
    if (pid := os.fork()) == 0:
        try:
            with Child() as child:
                child.wait_until_ready()
                (tmp_path / "level").write_text(child.isolation.level)
            process._close_fork_servers()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    assert (tmp_path / "level").read_text() in ("full", "partial", "none")
    # Ours is not disturbed.
    with Child() as child:
        child.wait_until_ready()
