"""The parent's end of a conversation with a process that may lie, lag, flood or die.

Messages are JSON with a four-byte length before them. The parent never unpickles or evaluates
anything, and all its waiting has a deadline, both for answers and for its own requests to be read.
"""

from __future__ import annotations

import json
import os
import select
import signal
import struct
import time
from typing import Any

from ...errors import BrokenError
from ...text import readable

MAX_REPLY_BYTES = 1_000_000
"""Of what a process that runs task code says at once."""
MAX_TEXT_CHARACTERS = 2000
SEND_TIMEOUT_S = 10.0
"""The timeout of sending a request, which goes to idle processes only: they read it at once."""


BROKEN_CHILD_REMEDY = "Run `taskwright doctor` to see what this machine lacks."


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
        if status == -signal.SIGSYS:
            super().__init__(
                "The process that ran the task was stopped when it tried something that no task "
                "may do: to start a program, to open a connection or to reach another process.",
                "The task's code got out of the language it is written in.",
                "Use only the task interface, numpy and math.",
            )
        else:
            how = f"exit status {status}"
            if status < 0:
                how = f"signal {signal.Signals(-status).name}"
            super().__init__(
                f"The process that ran the task died ({how}).",
                "PyBullet or numpy crashed on an argument, such as a body or link id that does "
                "not exist, a vector of the wrong length, or far too much memory.",
                "Check the ids and the lengths of vectors passed to self._p, and the sizes of "
                "arrays.",
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


class ChannelClosed(Exception):
    """The other side has closed its end."""


def plain_text(value: Any) -> str:
    """A text from a child, whatever it is, made fit for printing and storing."""
    return readable(str(value)[:MAX_TEXT_CHARACTERS])


def fault_in(reply: dict[str, Any]) -> ChildFault | BrokenError:
    """The fault that a child reports: the task's own, or one of this machine."""
    if set(reply) == {"broken"}:
        return BrokenError(plain_text(reply["broken"]), BROKEN_CHILD_REMEDY)
    if set(reply) != {"symptom", "cause", "fix"}:
        return ChildProtocolError("an unknown answer")
    return ChildFault(*(plain_text(reply[name]) for name in ("symptom", "cause", "fix")))


def _wait(descriptor: int, event: int, timeout_s: float) -> bool:
    """Whether a descriptor is ready in time. `select` cannot see descriptors above 1023."""
    poll = select.poll()
    poll.register(descriptor, event)
    # `poll` takes milliseconds in 31 bits, which is less than a month; no deadline here is as long.
    return bool(poll.poll(min(timeout_s * 1000, 2**31 - 1)))


class Channel:
    """Two descriptors, one to write requests to and one to read answers from; owns both."""

    def __init__(self, requests: int, replies: int, max_reply_bytes: int = MAX_REPLY_BYTES) -> None:
        self._requests, self._replies = requests, replies
        self._max_reply_bytes = max_reply_bytes
        os.set_blocking(requests, False)
        self._buffer = bytearray()
        self.is_closed = False

    def send(self, message: dict[str, Any], timeout_s: float = SEND_TIMEOUT_S) -> None:
        """Raises ChildTimeout where it is not taken in, and ChannelClosed."""
        text = json.dumps(message).encode()
        # A view, so that what is left to write of a long message is not copied each time.
        data = memoryview(struct.pack(">I", len(text)) + text)
        deadline = time.monotonic() + timeout_s
        while data:
            try:
                data = data[os.write(self._requests, data) :]
            except BlockingIOError:
                left = deadline - time.monotonic()
                if left <= 0 or not _wait(self._requests, select.POLLOUT, left):
                    raise ChildTimeout("Taking in a request", timeout_s) from None
            except BrokenPipeError:
                raise ChannelClosed from None

    def receive(self, what: str, timeout_s: float) -> dict[str, Any]:
        """The next message. Raises ChildTimeout, naming `what` was waited for, ChildProtocolError
        and ChannelClosed; after any of them the conversation is over."""
        deadline = time.monotonic() + timeout_s
        (length,) = struct.unpack(">I", self._read(4, what, timeout_s, deadline))
        if length > self._max_reply_bytes:
            raise ChildProtocolError(f"{length} bytes long")
        data = self._read(length, what, timeout_s, deadline)
        try:
            reply = json.loads(data)
        except (ValueError, RecursionError):
            raise ChildProtocolError("not JSON") from None
        if not isinstance(reply, dict):
            raise ChildProtocolError("not an object")
        return reply

    def _read(self, count: int, what: str, timeout_s: float, deadline: float) -> bytearray:
        while len(self._buffer) < count:
            left = deadline - time.monotonic()
            if left <= 0 or not _wait(self._replies, select.POLLIN, left):
                raise ChildTimeout(what, timeout_s)
            data = os.read(self._replies, 65536)
            if not data:
                raise ChannelClosed
            self._buffer += data
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def close(self) -> None:
        """Close both ends. Calling it twice is harmless."""
        if not self.is_closed:
            # Each descriptor is closed only once, since its number may be reused afterwards.
            self.is_closed = True
            os.close(self._requests)
            os.close(self._replies)
