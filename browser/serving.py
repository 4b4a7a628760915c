"""What `taskwright browse` runs: the application behind uvicorn, on this machine."""

from __future__ import annotations

import contextlib
import socket
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from ..archive.embedding import Encoder
from ..errors import UsageError
from ..output import say
from .app import create_app
from .security import LOOPBACK_NAMES, is_address
from .site import Site

MOST_CONNECTIONS = 100
"""The most connections open at once, of all pages together; further ones are asked to come back."""
MESSAGE_BYTES = 20_000
"""Of what a page says over a WebSocket. A longer message ends the connection."""
PORTS_TRIED = 20
"""Where no port was named, the first free one of so many is taken."""


def serve(
    run_dir: Path,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    feedback: bool = False,
    open_browser: bool = False,
    tell: Callable[[str], None] = say,
    make_encoder: Callable[[], Encoder] | None = None,
) -> None:
    """Show a run folder in the browser until Ctrl-C.

    Args:
        run_dir: The run folder.
        host: The address to listen on.
        port: The port to listen on; None takes the first free one.
        feedback: Whether people's answers are stored.
        open_browser: Whether a web browser is opened as well.
        tell: What is called with each sentence for the user.
        make_encoder: Gives the run's encoder where it is not the default one.

    Raises:
        ArchiveError: The folder holds no archive.
        UsageError: The address cannot be listened on.
    """
    app = create_app(run_dir, feedback=feedback, hosts=_hosts(host), make_encoder=make_encoder)
    mode = "answers are stored" if feedback else "read-only"
    serve_app(
        app, f"{run_dir} is shown", mode, host=host, port=port, open_browser=open_browser, tell=tell
    )


def serve_app(
    app: Starlette,
    what: str,
    mode: str,
    *,
    page: str = "",
    host: str = "127.0.0.1",
    port: int | None = None,
    open_browser: bool = False,
    tell: Callable[[str], None] = say,
) -> None:
    """Serve an application until Ctrl-C, telling `what` is where; `page` is the one to open first.
    Its `state.site` is the `Site` that it shows.

    Raises UsageError where the address cannot be used.
    """
    with contextlib.closing(_listen(host, port)) as listener:
        shown = "localhost" if host in ("0.0.0.0", "::") else host
        shown = f"[{shown}]" if ":" in shown else shown
        url = f"http://{shown}:{listener.getsockname()[1]}/{page}"
        tell(f"{what} at {url} ({mode}; Ctrl-C ends it).")
        if host not in LOOPBACK_NAMES:
            tell(f"Bound to {host}: whoever reaches this machine can look; there is no password.")
        if open_browser:
            threading.Timer(0.5, webbrowser.open, [url]).start()
        # Ctrl-C is how this is meant to end, and no failure.
        with contextlib.suppress(KeyboardInterrupt):
            Server(settings_for(app), app.state.site).run(sockets=[listener])


def settings_for(app: Starlette, **more: Any) -> uvicorn.Config:
    """How an application is served, and how much whoever asks may ask for."""
    return uvicorn.Config(
        app,
        log_level="warning",
        # Only what we print ourselves may colour a terminal.
        use_colors=False,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
        limit_concurrency=MOST_CONNECTIONS,
        ws_max_size=MESSAGE_BYTES,
        # What is sent is small, and what came packed could be large.
        ws_per_message_deflate=False,
        **more,
    )


class Server(uvicorn.Server):
    """Uvicorn, which first tells the streams of pages that are open to end."""

    def __init__(self, settings: uvicorn.Config, site: Site) -> None:
        super().__init__(settings)
        self._site = site

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._site.closing.set()
        await super().shutdown(sockets)


def _hosts(host: str) -> frozenset[str]:
    """Names, beside loopback's, that a server bound to `host` is asked for by."""
    if host in ("0.0.0.0", "::"):
        return frozenset(("*", socket.gethostname().lower()))
    return frozenset((host.lower(),))


def _listen(host: str, port: int | None) -> socket.socket:
    family = socket.AF_INET6 if ":" in host and is_address(host) else socket.AF_INET
    ports = range(8000, 8000 + PORTS_TRIED) if port is None else [port]
    for candidate in ports:
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, candidate))
        except (OSError, TypeError) as error:  # The latter for what cannot be a name of a host.
            listener.close()
            reason = getattr(error, "strerror", None) or str(error)
            if candidate == ports[-1]:
                raise UsageError(
                    f"{host}:{candidate} cannot be listened on: {reason}.",
                    "Choose another --port, or leave it out.",
                ) from None
            continue
        listener.listen(128)
        return listener
    raise AssertionError("a port list is never empty")
