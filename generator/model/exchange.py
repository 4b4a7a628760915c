"""One request on its way: where it went, and whether anything of it was sent.

What was never sent costs nothing, and the library that sends it knows best whether it was: it tells
of each step. The body of a request is its last part, so a server that has none of it has no prompt.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

SHORTEST_SECRET = 12
"""Shorter keys are placeholders such as `none` or `ollama`, which may occur in any text."""


class Exchange:
    """A request and its answer. One thread waits for it, and the thread of the wire works on it."""

    def __init__(self, key: str | None, before_it_is_sent: Callable[[], None]) -> None:
        """`before_it_is_sent` is called once at most, just before the first byte of the body, in
        the thread of the wire; where it raises, nothing is sent."""
        self._secret = _pattern(key) if key and len(key) >= SHORTEST_SECRET else None
        self._before_it_is_sent = before_it_is_sent
        self._lock = threading.Lock()
        self._is_given_up = False
        self.was_sent = False
        self.peer: tuple[str, int] | None = None
        """Host and port of the connection that was made for it; None where there was one, or none
        was tried."""

    def give_up(self) -> None:
        """From now on nothing of the request is sent."""
        with self._lock:
            self._is_given_up = True

    async def trace(self, event: str, details: Mapping[str, Any]) -> None:
        """Take note of what the HTTP library is about to do, by its trace extension."""
        if event.endswith("connect_tcp.started"):
            self.peer = (_text(details["host"]), details["port"])
        # A proxy is asked for a tunnel before the request proper.
        elif (
            event.endswith("send_request_body.started") and details["request"].method != b"CONNECT"
        ):
            with self._lock:
                if self._is_given_up:
                    raise asyncio.CancelledError
                if not self.was_sent:
                    self._before_it_is_sent()
                    self.was_sent = True

    def without_key(self, text: str) -> str:
        """A server's words without the key, which some repeat, also as JSON may write it."""
        return self._secret.sub("[key]", text) if self._secret else text


CURRENT: ContextVar[Exchange] = ContextVar("CURRENT")
"""The exchange that the running task of the wire works on."""


def _pattern(key: str) -> re.Pattern[str]:
    written = (rf"(?:\\?{re.escape(c)}|\\u{ord(c):04x})" for c in key)
    return re.compile("".join(written), re.IGNORECASE)


def _text(host: str | bytes) -> str:
    return host if isinstance(host, str) else host.decode("ascii", "replace")
