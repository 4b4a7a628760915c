"""Lineage and map: every record in one picture, by what it grew from or by what it means.

The server says what each record is and where it stands; the pictures are drawn in the browser.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ..archive.projection import fixed_projection
from ..presentation.formatting import STATUS_WORDS, visible
from ..presentation.lineage import Member, forest
from .rows import Row
from .site import Link, Site

LINKS = (Link("Lineage", "/lineage"), Link("Map", "/map"))
TITLE_CHARACTERS = 90
WORDS = {"statuses": list(STATUS_WORDS), "words": list(STATUS_WORDS.values())}
"""The statuses that entries refer to by their place, and how they are written."""


def routes(site: Site) -> list[BaseRoute]:
    def lineage(request: Request) -> Response:
        return site.render(request, "lineage.html.j2", count=site.index.refresh())

    def lineage_data(request: Request) -> Response:
        rows = site.index.rows()
        nodes, links = forest(
            [Member(row.task_id, row.parents, row.status == "learned") for row in rows]
        )
        posters = _posters(site)
        entries = [_entry(row, posters) | vars(node) for row, node in zip(rows, nodes, strict=True)]
        return JSONResponse({"nodes": entries, "links": links, **WORDS})

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
        posters = _posters(site)
        rows = {row.number: row for row in site.index.rows()}
        points = []
        if numbers and vectors.shape[1] == len(projection.mean):
            places = projection.project(vectors)
            for n in np.argsort(numbers, kind="stable"):
                row, (x, y) = rows.get(numbers[n]), places[n].tolist()
                if row is not None and np.isfinite([x, y]).all():
                    points.append(_entry(row, posters) | {"x": round(x, 4), "y": round(y, 4)})
        reference = projection.reference.round(3).tolist()
        return JSONResponse({"points": points, "reference": reference, **WORDS})

    return [
        Route("/lineage", lineage),
        Route("/lineage/data", lineage_data),
        Route("/map", map_page),
        Route("/map/data", map_data),
    ]


def _posters(site: Site) -> set[str]:
    """`task_id`s that have a picture: looked up once, and not for each of thousands."""
    folder = site.run_dir / "media"
    return {path.stem for path in folder.glob("*.png")} if folder.is_dir() else set()


def _entry(row: Row, posters: set[str]) -> dict[str, Any]:
    """What both pictures say of a record."""
    known: list[str] = list(STATUS_WORDS)
    return {
        "number": row.number,
        "title": visible(row.title[:TITLE_CHARACTERS]),
        "status": known.index(row.status) if row.status in known else len(known) - 1,
        "success": row.success_after,
        "generation": row.generation,
        "kept": row.status == "learned",
        "poster": f"/media/{row.task_id}.png" if row.task_id in posters else None,
    }
