"""The lineage: the whole tree from its beginnings on, drawn in the browser."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .explore import posters_of, statuses, told
from .lineage import forest
from .site import Link, Site

LINK = Link("Lineage", "/lineage")


def routes(site: Site) -> list[BaseRoute]:
    def lineage(request: Request) -> Response:
        return site.render(request, "lineage.html.j2", count=site.index.refresh())

    def lineage_data(request: Request) -> Response:
        nodes, links = forest(site.index.rows())
        posters = posters_of(site)
        told_nodes = [
            told(node.row, posters)
            | {
                "parent": node.parent,
                "depth": node.depth,
                "order": node.order,
                "bearing": node.bearing,
            }
            for node in nodes
        ]
        return JSONResponse({"nodes": told_nodes, "links": links, **statuses()})

    return [Route("/lineage", lineage), Route("/lineage/data", lineage_data)]
