"""The run as it goes on."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from .site import Link, Site

LINK = Link("Run", "/run")


def routes(site: Site) -> list[BaseRoute]:
    def run(request: Request) -> Response:
        return site.render(request, "run.html.j2")

    return [Route("/run", run)]
