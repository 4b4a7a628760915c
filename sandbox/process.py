"""The process seam: a child that runs distrusted code, and the parent's grip on it.

Messages are JSON with a four-byte length before them, over the child's standard input and output.
The parent never unpickles, evaluates or waits without a deadline; what does not parse, comes too
late or too long ends the child, and the caller learns which of these it was.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any, Self

from ..errors import BrokenError

MAX_REPLY_BYTES = 1_000_000
MAX_TEXT_CHARACTERS = 2000
START_TIMEOUT_S = 60.0
"""A cold disk can take this long to import numpy and pybullet; it is not the task's time."""

DEFAULT_MEMORY_MB = 1024


class ChildFault(Exception):
    """The code in the child did something that ended the child."""

    def __init__(self, symptom: str, cause: str, fix: str) -> None:
        super().__init__(symptom)
        self.symptom, self.cause, self.fix = symptom, cause, fix


class ChildTimeout(ChildFault):
    """No answer before the deadline."""

    def __init__(self, what: str, timeout_s: float) -> None:
        super().__init__(
            f"{what} did not finish within {timeout_s:g} s and was stopped.",
            "A loop that never ends, or far too much work in one call.",
            "Bound every loop, and keep per-step work to a few queries per body.",
        )


class ChildDied(ChildFault):
    """The child process ended before it answered."""

    def __init__(self, status: int) -> None:
        how = f"exit status {status}"
        if status < 0:
            how = f"signal {signal.Signals(-status).name}"
        super().__init__(
            f"The process that ran the task died ({how}).",
            "PyBullet or numpy crashed on an argument, such as a body or link id that does not "
            "exist, a vector of the wrong length, or far too much memory.",
            "Check the ids and the lengths of vectors passed to self._p, and the sizes of arrays.",
        )
        self.status = status


class ChildProtocolError(ChildFault):
    """The child sent something that is not an answer."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            f"The process that ran the task sent a malformed answer ({detail}).",
            "The task's code tampered with the process it runs in.",
            "Use only the task interface.",
        )


def plain_text(value: Any) -> str:
    """What a child says, cut short and fit for printing and storing: it may be anything."""
    return str(value)[:MAX_TEXT_CHARACTERS].encode(errors="replace").decode()


def fault_in(reply: dict[str, Any]) -> ChildFault:
    """The fault that a child reports."""
    if set(reply) != {"symptom", "cause", "fix"}:
        return ChildProtocolError("an unknown answer")
    return ChildFault(*(plain_text(reply[name]) for name in ("symptom", "cause", "fix")))


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


class JsonProcess:
    """A Python process of ours that answers JSON messages. Use as a context manager, or `close`.

    `module` is run with this process's id as its first argument, and sends one message of its own
    when it is ready.
    """

    def __init__(self, module: str, *arguments: str, pass_fds: Sequence[int] = ()) -> None:
        # What the child says on standard error before it is ready explains a failure of ours.
        # It goes to a file, because an unread pipe would block the child when full.
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (closed in `close`)
        command = [sys.executable, "-s", "-P", "-m", module, str(os.getpid()), *arguments]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=child_environment(),
            cwd="/",
            pass_fds=pass_fds,
            start_new_session=True,
            bufsize=0,
        )
        self.pid = self._process.pid
        self._buffer = b""
        self._last_words = ""
        self.greeting: dict[str, Any] | None = None
        """What the process said when it was ready; None until then."""

    def wait_until_ready(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Wait for the process's imports. Raises BrokenError: no task code has run yet."""
        if self.greeting is not None:
            return
        try:
            self.greeting = self._receive("Starting the process", timeout_s)
        except ChildFault as fault:
            raise BrokenError(
                f"A process of ours did not start: {fault} {self._last_words}".rstrip(),
                "Run `taskwright doctor` to see what this machine lacks.",
            ) from fault

    def request(self, message: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Send one message and wait for its answer. Raises ChildFault."""
        self.send(message)
        return self.receive(str(message["op"]), timeout_s)

    def send(self, message: dict[str, Any]) -> None:
        self.wait_until_ready()
        assert self._process.stdin is not None
        data = json.dumps(message).encode()
        try:
            self._process.stdin.write(struct.pack(">I", len(data)) + data)
        except BrokenPipeError:
            raise self._end() from None

    def receive(self, what: str, timeout_s: float) -> dict[str, Any]:
        """The answer to an earlier `send`. Raises ChildFault; then the child is gone."""
        return self._receive(what, timeout_s)

    def _receive(self, what: str, timeout_s: float) -> dict[str, Any]:
        deadline = time.monotonic() + timeout_s
        try:
            (length,) = struct.unpack(">I", self._read(4, what, timeout_s, deadline))
            if length > MAX_REPLY_BYTES:
                raise ChildProtocolError(f"{length} bytes long")
            data = self._read(length, what, timeout_s, deadline)
            try:
                reply = json.loads(data)
            except (ValueError, RecursionError):
                raise ChildProtocolError("not JSON") from None
            if not isinstance(reply, dict):
                raise ChildProtocolError("not an object")
        except ChildFault:
            self.close()
            raise
        return reply

    def _read(self, count: int, what: str, timeout_s: float, deadline: float) -> bytes:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        while len(self._buffer) < count:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise ChildTimeout(what, timeout_s)
            data = os.read(descriptor, 65536)
            if not data:
                raise self._end()
            self._buffer += data
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def _end(self) -> ChildFault:
        """Close a child whose pipe is closed; returns what became of it."""
        try:
            # It is about to end by itself: learn how, for the message.
            return ChildDied(self._process.wait(1.0))
        except subprocess.TimeoutExpired:
            return ChildProtocolError("its pipe is closed, but it goes on")
        finally:
            self.close()

    def close(self) -> None:
        """End the child and all it started, now. Calling it twice is harmless."""
        if self._stderr.closed:
            # By now its process id may be another's.
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._stderr.seek(0)
        lines = self._stderr.read().decode(errors="replace").strip().splitlines()
        self._last_words = plain_text(lines[-1]) if lines else ""
        for stream in (self._process.stdin, self._process.stdout, self._stderr):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Child(JsonProcess):
    """A sandboxed process, which runs distrusted code. Its greeting names the limits in force."""

    def __init__(self, pass_fds: Sequence[int] = (), memory_mb: int = DEFAULT_MEMORY_MB) -> None:
        super().__init__("taskwright.sandbox.child", str(memory_mb), pass_fds=pass_fds)
