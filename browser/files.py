"""Files as they are: our scripts and styles, and the pictures and replays of the run folder."""

from __future__ import annotations

import os
from pathlib import Path, PurePath

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from .. import presentation
from ..archive.folder import REPLAY_ENDING
from ..archive.replays import replay_problem
from .site import FOLDER, Site

MEDIA_TYPES = {
    ".png": "image/png",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".jpg": "image/jpeg",
    ".mp4": "video/mp4",
    ".gz": "application/gzip",
    ".json": "application/json",
}
"""What is served from a run folder. Nothing that a browser would run as a page or a script."""


class Media(StaticFiles):
    """Files of `media/` whose kind is listed; links that lead out of it are not followed, and of
    replays only those that a page can play."""

    async def check_config(self) -> None:
        """A run that has drawn nothing yet has no such folder, and that is no error."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        kind = MEDIA_TYPES.get(PurePath(path).suffix)
        if kind is None or any(part.startswith(".") for part in PurePath(path).parts):
            raise HTTPException(404)
        is_replay = path.endswith(REPLAY_ENDING)
        if is_replay and (problem := await run_in_threadpool(self._problem, path)):
            # Told on the page. With the status of a failure, it would be one in the console, too.
            return PlainTextResponse(problem)
        response = await super().get_response(path, scope)
        if "content-type" in response.headers:
            response.headers["content-type"] = kind
        return response

    def _problem(self, path: str) -> str:
        """Why a replay is not shown; empty where it is, or is none of ours to begin with."""
        place, found = self.lookup_path(path)
        return replay_problem(Path(place)) if found else ""


def static_files() -> StaticFiles:
    """Our scripts and styles, and the typefaces and colours that the report has too."""
    return StaticFiles(directory=FOLDER / "static", packages=[(presentation.__name__, "static")])


def routes(site: Site) -> list[BaseRoute]:
    media = os.path.realpath(site.run_dir / "media")

    def icon(request: Request) -> Response:
        """Where browsers look for it on their own, as on a part of a page."""
        return FileResponse(FOLDER / "static" / "icon.svg")

    return [
        Route("/favicon.ico", icon),
        Mount("/static", static_files(), name="static"),
        Mount("/media", Media(directory=media, check_dir=False), name="media"),
    ]
