"""The process seam: processes that run distrusted code or heavy work, and our grip on them.

- `Child`: a sandboxed process, forked from a server that holds no secret (see `forkserver`)
- `ModuleProcess`: a module of ours in a process of its own, such as the executor's worker

Both answer JSON messages (see `channel`), and both are gone, with all they started, once `close`
has been called, a deadline has passed or this process has ended.
"""

from __future__ import annotations

import abc
import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import IO, Any, Self

from ...errors import BrokenError
from ..isolation import Isolation, bubblewrap, landlock
from .channel import (
    MAX_REPLY_BYTES,
    Channel,
    ChannelClosed,
    ChildDied,
    ChildFault,
    ChildProtocolError,
    plain_text,
)
from .ending import end_group
from .readable import interpreter_paths, readable_paths

START_TIMEOUT_S = 60.0
"""A cold disk can take this long to import numpy and pybullet; it is not the task's time."""
SERVER_TIMEOUT_S = 20.0
"""The timeout of a fork, or of the end of a process; both typically take 2 ms."""
MAX_ANSWER_BYTES = 4096
LAST_MOMENT_S = 1.0
"""How long to wait for the exit status of a process that has closed its pipe."""

DEFAULT_MEMORY_MB = 1024
MAX_CPU_S = 7200
"""Limits a child's computing time in case the parent is stopped, whose deadlines are shorter."""


def child_environment() -> dict[str, str]:
    """The environment of every process we start: a fixed minimum, so that no key reaches it."""
    environment = {
        # Sets of strings would otherwise iterate in another order in each process.
        "PYTHONHASHSEED": "0",
        # Two processes on two cores: more threads than that only get in each other's way.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "LANG": "C.UTF-8",
        "PATH": os.defpath,
    }
    if "PYTHONPATH" in os.environ:
        environment["PYTHONPATH"] = os.environ["PYTHONPATH"]
    return environment


def _start(
    module: str, *arguments: str, stdin: Any, stdout: Any, stderr: Any, wrapped: bool = False
) -> Any:
    """Start a module of ours; its first argument is our process id, or 0 where it is `wrapped` into
    a file system and a process table of its own."""
    own_pid = 0 if wrapped else os.getpid()
    words = [sys.executable, "-s", "-P", "-m", module, str(own_pid), *arguments]
    if wrapped:
        words = [*bubblewrap.command([*readable_paths(), *interpreter_paths()]), *words]
    return subprocess.Popen(
        words,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env=child_environment(),
        cwd="/",
        start_new_session=True,
        bufsize=0,
    )


def _last_line(file: IO[bytes]) -> str:
    """What a process of ours said last; it explains why it did not start."""
    file.seek(0)
    lines = file.read().decode(errors="replace").strip().splitlines()
    return plain_text(lines[-1]) if lines else ""


class JsonProcess(abc.ABC):
    """A process that greets and then answers JSON messages. Use as a context manager, or `close`.

    The greeting, its first message, says that it is ready.
    """

    pid: int
    _channel: Channel

    def __init__(self) -> None:
        self.greeting: dict[str, Any] | None = None
        """The greeting of the process; None until it has come."""

    @abc.abstractmethod
    def _finish(self, grace_s: float) -> tuple[int, bool]:
        """End the process and all it started. Returns its exit status, and whether it ended within
        that time without being killed."""

    def _last_words(self) -> str:
        return ""

    def wait_until_ready(self) -> None:
        """Wait for the greeting. Raises BrokenError: no task code has run yet."""
        if self.greeting is not None:
            return
        try:
            self.greeting = self.receive("Starting the process", START_TIMEOUT_S)
        except ChildFault as fault:
            raise BrokenError(
                f"A process of ours did not start: {fault} {self._last_words()}".rstrip(),
                "Run `taskwright doctor` to see what this machine lacks.",
            ) from fault

    def request(self, message: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Send one message and wait for its answer. Raises ChildFault."""
        self.send(message)
        return self.receive(str(message["op"]), timeout_s)

    def send(self, message: dict[str, Any]) -> None:
        """Raises ChildFault; then the process is gone."""
        self.wait_until_ready()
        try:
            self._channel.send(message)
        except ChannelClosed:
            raise self._end() from None
        except ChildFault:
            self.close()
            raise

    def receive(self, what: str, timeout_s: float) -> dict[str, Any]:
        """The answer to an earlier `send`. Raises ChildFault; then the process is gone."""
        try:
            return self._channel.receive(what, timeout_s)
        except ChannelClosed:
            raise self._end() from None
        except ChildFault:
            self.close()
            raise

    def _end(self) -> ChildFault:
        """Close a process that has hung up; returns what became of it."""
        self._channel.close()
        status, by_itself = self._finish(LAST_MOMENT_S)
        if by_itself:
            return ChildDied(status)
        return ChildProtocolError("its pipe is closed, but it goes on")

    def close(self) -> None:
        """End the process and all it started, now. Calling it twice is harmless."""
        if not self._channel.is_closed:
            self._channel.close()
            self._finish(grace_s=0.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class ModuleProcess(JsonProcess):
    """A Python module of ours, run with this process's id as its first argument. One that is
    trusted may be allowed to say more at once."""

    def __init__(
        self, module: str, *arguments: str, max_reply_bytes: int = MAX_REPLY_BYTES
    ) -> None:
        super().__init__()
        # What it says on standard error goes to a file, because an unread pipe would block it.
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (closed in `_finish`)
        pipe = subprocess.PIPE
        self._process = _start(module, *arguments, stdin=pipe, stdout=pipe, stderr=self._stderr)
        self.pid = self._process.pid
        stdin, stdout = self._process.stdin, self._process.stdout
        self._channel = Channel(os.dup(stdin.fileno()), os.dup(stdout.fileno()), max_reply_bytes)
        # The channel owns descriptors of its own.
        stdin.close()
        stdout.close()
        self._said = ""

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """End the process from another thread than the one that talks with it; to that one it then
        looks as if it had died."""
        self._process.kill()

    def _finish(self, grace_s: float) -> tuple[int, bool]:
        try:
            by_itself = end_group(self.pid, grace_s)
        except ChildProcessError:
            by_itself = True  # It had ended already, and `kill` or `is_alive` has reaped it.
        status: int = self._process.wait()
        self._said = _last_line(self._stderr)
        self._stderr.close()
        return status, by_itself

    def _last_words(self) -> str:
        return self._said


class _ForkServer:
    """The connection of this process to its fork server (see `forkserver`)."""

    def __init__(self, without: Collection[str]) -> None:
        self._lock = threading.Lock()
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (closed in `close`)
        self._connection, theirs = socket.socketpair()
        with theirs:
            self._process = _start(
                "taskwright.sandbox.processes.forkserver",
                ",".join(without),
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                wrapped=_needs_bubblewrap(without),
            )
        self._connection.settimeout(START_TIMEOUT_S)
        self._read()
        self._connection.settimeout(SERVER_TIMEOUT_S)

    def spawn(self, descriptors: Sequence[int], limits: dict[str, int]) -> tuple[int, int]:
        """Fork a child that owns these descriptors. Returns its process id as the server knows it
        and as we do; in a process namespace the two differ. Raises BrokenError."""
        answer, process = self._ask({"op": "spawn", **limits}, descriptors)
        pid = seen_as = answer["pid"]
        for descriptor in process:
            information = Path(f"/proc/self/fdinfo/{descriptor}").read_text()
            seen_as = int(information.partition("Pid:")[2].split()[0])
            os.close(descriptor)
        return pid, seen_as

    def end(self, pid: int, grace_s: float) -> tuple[int, bool]:
        """See to it that a child has ended; returns its exit status, and whether it ended by itself
        in time. A server that is gone has taken its children along."""
        try:
            answer, _ = self._ask({"op": "end", "pid": pid, "grace_s": grace_s})
        except BrokenError:
            return -signal.SIGKILL, True
        return answer["status"], answer["by_itself"]

    def _ask(
        self, message: dict[str, Any], descriptors: Sequence[int] = ()
    ) -> tuple[dict[str, Any], list[int]]:
        with self._lock:
            try:
                socket.send_fds(self._connection, [json.dumps(message).encode()], list(descriptors))
            except OSError:
                raise self._broken() from None
            return self._read()

    def _read(self) -> tuple[dict[str, Any], list[int]]:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._connection, MAX_ANSWER_BYTES, 1)
        except OSError:
            data = b""
        if not data:
            raise self._broken()
        return json.loads(data), descriptors

    def _broken(self) -> BrokenError:
        """Give up a server that does not answer."""
        self.close()
        return BrokenError(
            f"The process that sandboxes are forked from does not answer. {self._said}".rstrip(),
            "Run `taskwright doctor` to see what this machine lacks.",
        )

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        """End the server and all its children. Calling it twice is harmless."""
        if not self._stderr.closed:
            self._connection.close()
            if self.is_alive:
                end_group(self._process.pid, grace_s=0.0)
                self._process.wait()
            self._said = _last_line(self._stderr)
            self._stderr.close()


def _needs_bubblewrap(without: Collection[str]) -> bool:
    """Whether Bubblewrap must, and can, stand in for Landlock."""
    if landlock.version() and "landlock" not in without:
        return False
    return "bubblewrap" not in without and bubblewrap.is_usable()


_servers: dict[tuple[int, tuple[str, ...]], _ForkServer] = {}
_servers_lock = threading.Lock()


def _fork_server(without: Collection[str]) -> _ForkServer:
    """The fork server of this process, started on first use. Raises BrokenError."""
    # A process that was forked from this one must not share our connection.
    key = os.getpid(), tuple(sorted(without))
    with _servers_lock:
        server = _servers.get(key)
        if server is not None and not server.is_alive:
            server.close()
            server = None
        if server is None:
            server = _servers[key] = _ForkServer(without)
        return server


@atexit.register
def _close_fork_servers() -> None:
    for (pid, _), server in _servers.items():
        if pid == os.getpid():
            server.close()


class Child(JsonProcess):
    """A sandboxed process, which runs distrusted code.

    `shared` are descriptors of memory to share with it (see `memory`), which it counts from 0.
    Protections named in `without` ("namespaces", "landlock", "bubblewrap", "seccomp") are left out,
    so that tests see how a weaker host would fare. Raises BrokenError where it cannot be started.
    """

    def __init__(
        self,
        shared: Sequence[int] = (),
        *,
        memory_mb: int = DEFAULT_MEMORY_MB,
        without: Collection[str] = (),
    ) -> None:
        super().__init__()
        self._server = _fork_server(without)
        their_requests, requests = os.pipe()
        replies, their_replies = os.pipe()
        self._channel = Channel(requests, replies)
        try:
            self._server_pid, self.pid = self._server.spawn(
                [their_requests, their_replies, *shared],
                {"memory_mb": memory_mb, "cpu_s": MAX_CPU_S},
            )
        except BrokenError:
            self._channel.close()
            raise
        finally:
            os.close(their_requests)
            os.close(their_replies)

    @property
    def isolation(self) -> Isolation:
        """What is in force in the process. Raises BrokenError where it does not start."""
        self.wait_until_ready()
        assert self.greeting is not None
        return Isolation(**self.greeting["isolation"])

    def _finish(self, grace_s: float) -> tuple[int, bool]:
        return self._server.end(self._server_pid, grace_s)
