"""The gallery: every record as a card, filtered, searched, sorted; the address holds the view."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from .index import View
from .site import Link, Site

LINK = Link("Gallery", "/")


def routes(site: Site) -> list[BaseRoute]:
    def gallery(request: Request) -> Response:
        view = View()
        return site.render(request, "gallery.html.j2", rows=site.index.page(view))

    return [Route("/", gallery)]
