"""The map: every record where its meaning puts it, on axes that never change."""

from __future__ import annotations

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ..archive.projection import fixed_projection
from .explore import posters_of, statuses, told
from .site import Link, Site

LINK = Link("Map", "/map")


def routes(site: Site) -> list[BaseRoute]:
    def map_page(request: Request) -> Response:
        numbers, vectors = site.search.embeddings.stored()
        return site.render(
            request,
            "map.html.j2",
            count=len(numbers),
            without=site.index.refresh() - len(numbers),
            fits=not numbers or vectors.shape[1] == len(fixed_projection().mean),
        )

    def map_data(request: Request) -> Response:
        numbers, vectors = site.search.embeddings.stored()
        projection = fixed_projection()
        posters = posters_of(site)
        rows = {row.number: row for row in site.index.rows()}
        points = []
        if numbers and vectors.shape[1] == len(projection.mean):
            places = projection.project(vectors)
            for n in np.argsort(numbers, kind="stable"):
                row, (x, y) = rows.get(numbers[n]), places[n].tolist()
                if row is not None and np.isfinite([x, y]).all():
                    points.append(told(row, posters) | {"x": round(x, 4), "y": round(y, 4)})
        reference = projection.reference.round(3).tolist()
        return JSONResponse({"points": points, "reference": reference, **statuses()})

    return [Route("/map", map_page), Route("/map/data", map_data)]
