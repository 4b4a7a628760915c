"""The application: page modules put together behind the security layer."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from ..archive.embedding import Encoder
from ..errors import ArchiveError, TaskwrightError
from . import explore, files, gallery, judge, play, run_page, task_page
from .security import Security
from .site import Site

PAGES: tuple[ModuleType, ...] = (
    gallery,
    explore,
    run_page,
    play,
    judge,
    task_page,
    files,
)
"""In the order of the menu."""


def create_app(
    run_dir: Path,
    *,
    feedback: bool = False,
    hosts: Iterable[str] = (),
    make_encoder: Callable[[], Encoder] | None = None,
) -> Starlette:
    """Make the browser of a run folder.

    Args:
        run_dir: The run folder, which a run may still be writing, or is about to fill.
        feedback: Whether people's answers are stored. Otherwise no route writes anything.
        hosts: Names, beside those of loopback, that the server may be asked for by.
        make_encoder: Gives the run's encoder where it is not the default one.

    Returns:
        An ASGI application; its `state.site` is the `Site` that it shows.

    Raises:
        ArchiveError: `run_dir` is no run folder, and not an empty one either.
    """
    site = Site(run_dir, feedback=feedback, make_encoder=make_encoder)
    routes: list[BaseRoute] = []
    for page in PAGES:
        added = page.routes(site)
        routes += added
        if added:
            site.menu += getattr(page, "LINKS", ())

    def problem(request: Request, status: int, message: str, remedy: str) -> Response:
        return site.render(request, "error.html.j2", status=status, message=message, remedy=remedy)

    def explain(request: Request, error: Exception) -> Response:
        assert isinstance(error, TaskwrightError)
        status = 404 if isinstance(error, ArchiveError) else 500
        return problem(request, status, error.message, error.remedy)

    def unreadable(request: Request, error: Exception) -> Response:
        remedy = "Nothing was changed. If this stays, restore the file from a copy."
        return problem(request, 503, f"The archive cannot be read: {error}.", remedy)

    def not_found(request: Request, error: Exception) -> Response:
        remedy = "The gallery lists everything in this archive."
        return problem(request, 404, "There is no such page.", remedy)

    app = Starlette(
        routes=routes,
        middleware=[Middleware(Security, writes=feedback, hosts=frozenset(hosts))],
        exception_handlers={TaskwrightError: explain, sqlite3.Error: unreadable, 404: not_found},
    )
    app.state.site = site
    return app
