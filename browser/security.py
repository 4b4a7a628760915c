"""What is asked of every request, and what is said in every answer.

The archive holds text and code that models wrote, and the server runs on the user's own machine:
a page of another site must neither read it nor act in it, and text that it shows must only show.
"""

from __future__ import annotations

import ipaddress
from collections.abc import MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
READING = ("GET", "HEAD")
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
WRITE_LIMIT_BYTES = 1_000_000
LONGEST_PATH = 1_000
"""Characters, the query left out."""


class Security:
    """ASGI middleware.

    - The Host must be one that the user could have typed: a foreign name that resolves to this
      machine (DNS rebinding) is refused.
    - An Origin must be our own; a browser that says it asks for another site is refused unless it
      follows a link. A WebSocket or a write must bring its Origin.
    - Other methods than GET and HEAD are refused unless `writes`.
    - Every answer carries a strict Content-Security-Policy and its companions.
    """

    def __init__(
        self, app: ASGIApp, *, writes: bool = False, hosts: frozenset[str] = frozenset()
    ) -> None:
        self._app = app
        self._writes = writes
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        status, problem = self._refusal(scope)
        if problem and scope["type"] == "websocket":
            await WebSocketClose(1008, problem)(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                # Kept by the browser, but asked for anew: a run may have changed it.
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        app = PlainTextResponse(f"{problem}\n", status) if problem else self._app
        await app(scope, receive, guarded)

    def _refusal(self, scope: MutableMapping[str, Any]) -> tuple[int, str]:
        """Status and reason where a request is refused; an empty reason where it may pass."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if len(scope["path"]) > LONGEST_PATH:
            return 404, "There is no such page."
        if not self._is_ours(host):
            return 421, "This server is not known by that Host."
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{host}":
            return 403, "Requests from other sites are refused."
        if scope["type"] == "websocket":
            return (0, "") if origin else (403, "A WebSocket must bring its Origin.")
        reading = scope["method"] in READING
        follows_link = reading and headers.get("sec-fetch-mode") == "navigate"
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and not follows_link:
            return 403, "Requests from other sites are refused."
        if reading:
            return 0, ""
        if not self._writes:
            return 405, "This archive is shown read-only; --allow-feedback lets answers be stored."
        if origin is None:
            return 403, "A write must bring its Origin."
        length = headers.get("content-length", "")
        if not length.isdecimal() or int(length) > WRITE_LIMIT_BYTES:
            return 413, f"A write must tell its length, at most {WRITE_LIMIT_BYTES} bytes."
        return 0, ""

    def _is_ours(self, host: str) -> bool:
        name = host_name(host)
        if name in LOOPBACK_NAMES or name in self._hosts:
            return True
        # Bound to every address of this machine: an address can be no name that is rebound.
        return "*" in self._hosts and is_address(name)


def host_name(host: str) -> str:
    """The Host header without its port and brackets, in lower case."""
    name = host.lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0]


def is_address(name: str) -> bool:
    """Whether it is an IP address rather than a name."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
