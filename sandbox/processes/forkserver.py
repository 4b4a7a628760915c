"""The process that sandboxed children are forked from.

Started as `python -m taskwright.sandbox.processes.forkserver PARENT_PID WITHOUT`, under Bubblewrap
with 0 for the parent's process id, which has no meaning in there. It is started by exec and with an
emptied environment, so that no key was ever in its memory. It loads numpy, PyBullet and our own
code once and runs a task of ours to bring in what is loaded late; a child is then a fork that takes
a millisecond instead of half a second of imports. It runs no other task's code itself.

Requests come one at a time on standard input, a socket:

====== ===================== ==================================================================
op     further fields        answer
====== ===================== ==================================================================
spawn  memory_mb, cpu_s      pid, and a descriptor of the process; the child's own descriptors
                             come with the request: requests, replies, and memory to share
end    pid, grace_s          status (as `Popen.returncode`), and by_itself: whether it ended
                             within that time without being killed
====== ===================== ==================================================================

It ends when its parent does or hangs up, and takes all children along.
"""

from __future__ import annotations

import contextlib
import encodings
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys
from collections.abc import Collection, Sequence
from typing import Any

from ..isolation import landlock, namespaces
from ..isolation.limits import die_with_parent, hide, set_name
from .child import serve
from .ending import end_group
from .memory import shared_memory
from .readable import readable_paths

MAX_REQUEST_BYTES = 4096
MAX_DESCRIPTORS = 8

WARM_UP_TASK = '''
import numpy as np
from taskwright.world import R2D2Env

class Env(R2D2Env):
    """A floor and a goal."""

    def __init__(self):
        super().__init__()
        self.floor = self.create_box(0.0, [9.0, 9.0, 0.5], [0.0, 0.0, -0.5], [0.5, 0.5, 0.5, 1.0])
        self.goal = np.random.uniform(3.0, 5.0, size=2)

    def get_task_rewards(self, action):
        offset = self.goal - self.robot.links["base"].position[:2]
        return {"distance": -0.1 * np.linalg.norm(offset)}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return self.get_distance_to_object(self.floor) > 8.0
'''


def main(parent_pid: int, without: Collection[str]) -> None:
    connection = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.close(nothing)
    wrapped = parent_pid == 0
    if sys.platform == "linux":
        parent = [] if wrapped else [os.pidfd_open(parent_pid)]
        if not wrapped and os.getppid() != parent_pid:
            return
    own_namespaces = not wrapped and "namespaces" not in without and namespaces.enter()
    if sys.platform == "linux":
        # Only the children of a process live in the new process table that it has made.
        watcher = os.getpid()
        if server := os.fork():
            _watch(server, connection, parent)
            return
        # In a new process table the parent has no process id.
        die_with_parent(0 if own_namespaces else watcher)
    set_name("taskwright-fork")
    # Children share our user; on some hosts that would let them read and change our memory.
    hide()
    _warm_up()
    ruleset = None
    if "landlock" not in without and landlock.version():
        ruleset = landlock.make_ruleset(readable_paths())
    if sys.platform == "linux" and len(os.listdir("/proc/self/task")) > 1:
        raise RuntimeError("a library has started a thread, and forking would be unsafe")
    # All objects so far stay alive, so children's garbage collection need not visit them.
    gc.collect()
    gc.freeze()
    _answer(connection, {"ready": True})
    confinement = {
        "ruleset": ruleset,
        "bubblewrap": wrapped,
        "namespaces": own_namespaces or wrapped,
        "without": without,
    }
    while True:
        data, descriptors, _, _ = socket.recv_fds(connection, MAX_REQUEST_BYTES, MAX_DESCRIPTORS)
        if not data:
            return
        request = json.loads(data)
        if request.pop("op") == "spawn":
            _spawn(connection, descriptors, {**confinement, **request})
        else:
            _answer(connection, _end(**request))


def _spawn(
    connection: socket.socket, descriptors: Sequence[int], confinement: dict[str, Any]
) -> None:
    """Fork a child and tell the parent of it."""
    server = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            serve(server, descriptors, confinement)
        finally:
            os._exit(1)
    process = [os.pidfd_open(pid)] if sys.platform == "linux" else []
    _answer(connection, {"pid": pid}, process)
    for descriptor in (*descriptors, *process):
        os.close(descriptor)


def _watch(server: int, connection: socket.socket, parent: Sequence[int]) -> None:
    """Wait until the server, our parent or its end of the connection is gone, then see to it that
    the server is. It may be busy and not notice; its children end with it."""
    set_name("taskwright-wait")
    poll = select.poll()
    # No events are asked of the connection: a hang-up is always reported.
    poll.register(connection, 0)
    for process in (*parent, os.pidfd_open(server)):
        poll.register(process, select.POLLIN)
    poll.poll()
    os.kill(server, signal.SIGKILL)
    os.waitpid(server, 0)


def _answer(
    connection: socket.socket, message: dict[str, Any], descriptors: Collection[int] = ()
) -> None:
    socket.send_fds(connection, [json.dumps(message).encode()], list(descriptors))


def _end(pid: int, grace_s: float) -> dict[str, Any]:
    """See to it that a child and all it started have ended."""
    by_itself = end_group(pid, grace_s)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return {"status": status, "by_itself": by_itself}


def _load_what_python_loads_late() -> None:
    """Load the parts of Python that it loads when they are first needed: for names and characters
    beyond ASCII, and for text in other encodings. In a locked process shared objects cannot be
    mapped, and which parts are shared objects depends on how Python was built."""
    importlib.import_module("unicodedata")
    for module in pkgutil.iter_modules(encodings.__path__, "encodings."):
        # Some are for other systems, or were left out of this Python: then they are unknown here.
        with contextlib.suppress(ImportError):
            importlib.import_module(module.name)


def _warm_up() -> None:
    """Use everything that task code, or our messages about it, may need, so that it is loaded."""
    from ..checks import run_checks
    from ..episodes import EpisodeServer
    from ..replays import record
    from ..success_reads import read_success

    _load_what_python_loads_late()
    # It passes all stages up to the first step and then fails, so that both are seen.
    mistaken = WARM_UP_TASK.replace("self.goal =", "self.gaol =")
    found = run_checks(mistaken, "r2d2", tell=lambda stage: None)
    if found["stage"] != "step" or "AttributeError" not in found["symptom"]:
        raise RuntimeError(f"the check of the warm-up task gave {found}")
    with shared_memory(64 * 48 * 3) as (descriptor, _):
        EpisodeServer([descriptor]).film(WARM_UP_TASK, 0, [], "overview", 64, 48)
    with shared_memory(65_536) as (descriptor, _):
        record([descriptor], WARM_UP_TASK, "r2d2", "idle", 0, [], 65_536)
        read_success([descriptor], WARM_UP_TASK, [{"seed": 0, "actions": [[0.0]]}])


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2].split(","))
