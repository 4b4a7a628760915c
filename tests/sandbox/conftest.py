"""What the sandbox's tests share: what is really there, a good task, children without policy."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_TEMPLATE = """\
import math
import random

import numpy as np
from taskwright.world import R2D2Env


class Env(R2D2Env):
    \"\"\"Go to the goal.\"\"\"

    def __init__(self):
        super().__init__()
        self.ground = self.create_box(0.0, [20, 20, 0.5], [0, 0, -0.5], [0.5, 0.6, 0.5, 1])
        self.box = self.create_box(2.0, [0.2, 0.2, 0.2], [2, 2, 0.2], [1, 0, 0, 1])
        self.goal = np.array([5.0, 0.0])
        self.d = 5.0
        {init}

    def dist(self):
        return np.linalg.norm(self.robot.links["base"].position[:2] - self.goal)

    def reset(self):
        observation = super().reset()
        self.d = self.dist()
        {reset}
        return observation

    def step(self, action):
        {prestep}
        observation, reward, terminated, truncated, info = super().step(action)
        {poststep}
        return observation, reward, terminated, truncated, info

    def get_task_rewards(self, action):
        {score}
        before, self.d = self.d, self.dist()
        return {rew}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return {succ}

    {extra}
"""
_PLACES = {
    "init": "pass",
    "reset": "pass",
    "prestep": "pass",
    "poststep": "pass",
    "score": "pass",
    "rew": '{"progress": before - self.d}',
    "succ": "self.d < 1.0",
    "extra": "",
}

PR_SET_CHILD_SUBREAPER = 36


class Processes:
    """Reads /proc. A process that has ended but was not waited for yet does not count as alive."""

    def sandboxed_by(self, parent_pid: int) -> list[int]:
        """Ids of the sandboxed children that a process has had forked for it."""
        return [pid for pid in self.serving(parent_pid) if self._name(pid) == "taskwright-task"]

    def serving(self, parent_pid: int) -> list[int]:
        """Ids of the fork server of a process and of all that was forked from it."""
        marks = {"taskwright.sandbox.processes.forkserver", str(parent_pid)}
        return [pid for pid in self._all() if marks <= set(self._command(pid))]

    def in_session(self, session: int) -> list[int]:
        """Ids of the living processes of a session; a sandboxed child leads one of its own."""
        return [pid for pid in self._all() if self._stat(pid)[3:4] == [str(session)]]

    def descendants_of(self, ancestor: int) -> set[int]:
        """Ids of the living processes that a process started, or that those started."""
        parents = {pid: int((self._stat(pid)[1:2] or [0])[0]) for pid in self._all()}
        found: set[int] = set()
        while new := {pid for pid, up in parents.items() if up in found | {ancestor}} - found:
            found |= new
        return found

    def is_alive(self, pid: int) -> bool:
        return self._stat(pid)[:1] not in ([], ["Z"], ["X"])

    def cpu_s(self, pid: int) -> float:
        """Computing time a process has used."""
        user, system = self._stat(pid)[11:13] or (0, 0)
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def _all(self) -> Iterator[int]:
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and self.is_alive(int(entry.name)):
                yield int(entry.name)

    def _command(self, pid: int) -> list[str]:
        try:
            command = (Path("/proc") / str(pid) / "cmdline").read_bytes()
            # Other people's commands may be in any encoding.
            return command.decode(errors="replace").split("\0")
        except OSError:
            return []

    def _name(self, pid: int) -> str:
        try:
            return (Path("/proc") / str(pid) / "comm").read_text().strip()
        except OSError:
            return ""

    def _stat(self, pid: int) -> list[str]:
        """The fields of /proc/PID/stat from the state on; empty where there is no such process."""
        try:
            return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            return []


@pytest.fixture(scope="session")
def processes() -> Processes:
    if sys.platform != "linux":
        pytest.skip("needs /proc")
    return Processes()


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., None]:
    def wait(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
        """Poll until a condition holds; fails where it does not in time."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, f"not so within {timeout_s:g} s"
            time.sleep(0.01)

    return wait


@pytest.fixture(scope="session")
def spliced() -> Callable[[str, str], str]:
    """A good task with a fragment at one of its places; "" for the good task itself."""

    def splice(place: str, fragment: str) -> str:
        indent = "    " if place == "extra" else "        "
        source = _TEMPLATE
        for name, usual in _PLACES.items():
            text = fragment if name == place else usual
            source = source.replace("{" + name + "}", textwrap.indent(text, indent).lstrip())
        return source

    return splice


class Remains:
    """What code could leave behind on a machine: files, processes and shared memory.

    While this process is the one that orphans go to, whatever code starts stays a descendant of it,
    however it tries to get away.
    """

    def __init__(self, folder: Path, processes: Processes) -> None:
        self.folder = folder
        """Stays as it is, unless somebody writes there."""
        self._processes = processes
        self.remember()

    def remember(self) -> None:
        """What is there now is not left behind: what the sandbox starts once and keeps, say."""
        self._known = self._now()

    def assert_none(self, timeout_s: float = 2.0) -> None:
        """What is killed, the kernel still has to clear away: hence the time."""
        deadline = time.monotonic() + timeout_s
        while (left := self._now() - self._known) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not left, f"left behind: {sorted(left)}"

    def _now(self) -> set[str]:
        places = (self.folder, Path("/dev/shm"))
        things = {f"{path} {path.stat()[:7]}" for place in places for path in place.iterdir()}
        segments = Path("/proc/sysvipc/shm").read_text().splitlines()
        things |= {f"segment {line.split()[1]}" for line in segments[1:]}
        return things | {f"process {pid}" for pid in self._processes.descendants_of(os.getpid())}


@pytest.fixture(scope="module")
def remains(tmp_path_factory: pytest.TempPathFactory, processes: Processes) -> Iterator[Remains]:
    prctl = ctypes.CDLL(None).prctl
    assert prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    yield Remains(tmp_path_factory.mktemp("watched"), processes)
    prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


@pytest.fixture(scope="session")
def raw_child() -> Callable[..., str]:
    """Runs Python statements in a sandboxed child with the policy off: see `hostile/raw.py`."""
    path = Path(__file__).parent / "hostile" / "raw.py"
    spec = importlib.util.spec_from_file_location("hostile_raw", path)
    assert spec is not None
    assert spec.loader is not None
    raw: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(raw)
    run: Callable[..., str] = raw.run_in_child
    return run
