"""The gallery: every record as a card, filtered, searched, sorted; the address holds the view."""

from __future__ import annotations

import dataclasses
import re
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ..presentation.formatting import STATUS_WORDS
from ..task import ROBOTS
from .index import SORTS, Sort, View
from .site import Link, Site

LINKS = (Link("Gallery", "/"),)
PAGE_SIZE = 48
QUERY_LENGTH = 400
MOST_RANGES = 400
"""Characters of a query, and ranges of journey numbers, that an address may hold."""
SORT_WORDS: dict[Sort, str] = {
    "relevance": "Best match",
    "newest": "Newest",
    "oldest": "Oldest",
    "novelty": "Most novel",
    "success": "Highest success",
    "gain": "Most learned",
    "cost": "Most work",
    "title": "Title",
}


@dataclasses.dataclass(frozen=True)
class Address:
    """The gallery's view as its address says it. What makes no sense there is left out."""

    query: str
    view: View

    @classmethod
    def read(cls, values: QueryParams) -> Address:
        query = " ".join(values.get("q", "")[:QUERY_LENGTH].split())
        sort = values.get("sort", "")
        if sort not in SORTS or (sort == "relevance" and not query):
            sort = usual_sort(query)
        return cls(
            query,
            View(
                status=tuple(s for s in STATUS_WORDS if s in values.getlist("status")),
                robot=tuple(r for r in ROBOTS if r in values.getlist("robot")),
                strategy=tuple(s for s in values.getlist("strategy") if s.isidentifier()),
                generation=tuple(
                    int(g) for g in values.getlist("generation") if re.fullmatch(r"\d{1,6}", g)
                ),
                numbers=read_ranges(values.get("numbers", "")),
                sort=sort,
            ),
        )

    @property
    def usual_sort(self) -> Sort:
        """The order that need not be said."""
        return usual_sort(self.query)

    def url(self, path: str = "/", **more: Any) -> str:
        """The address of this view; what is as usual is left out."""
        pairs: list[tuple[str, Any]] = []
        if self.query:
            pairs.append(("q", self.query))
        for name in ("status", "robot", "strategy", "generation"):
            pairs += [(name, value) for value in getattr(self.view, name)]
        if self.view.numbers:
            pairs.append(("numbers", write_ranges(self.view.numbers)))
        if self.view.sort != self.usual_sort:
            pairs.append(("sort", self.view.sort))
        pairs += more.items()
        return f"{path}?{urlencode(pairs, safe=',-')}" if pairs else path

    @property
    def numbers(self) -> str:
        """The journeys it is limited to, as they are written in the address."""
        return write_ranges(self.view.numbers)

    @property
    def filtered(self) -> bool:
        """Whether anything is left out."""
        return self.url() != Address("", View(sort=self.view.sort)).url()

    def without(self, **changes: Any) -> str:
        """The address of this view with some of its filters changed."""
        query = changes.pop("query", self.query)
        return Address(query, dataclasses.replace(self.view, **changes)).url()


def usual_sort(query: str) -> Sort:
    return "relevance" if query else "newest"


def read_ranges(text: str) -> tuple[tuple[int, int], ...]:
    """Journey numbers as `1-5,9`; what makes no sense is left out."""
    parts = (re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", part.strip()) for part in text.split(","))
    ranges = [(int(part[1]), int(part[2] or part[1])) for part in parts if part]
    return tuple(ranges[:MOST_RANGES])


def write_ranges(ranges: tuple[tuple[int, int], ...]) -> str:
    return ",".join(f"{first}-{last}" if last > first else f"{first}" for first, last in ranges)


def routes(site: Site) -> list[BaseRoute]:
    def values(request: Request) -> tuple[Address, dict[str, Any]]:
        """The values of the templates, for the part of the view that begins at `offset`."""
        address = Address.read(request.query_params)
        view, found = address.view, None
        if address.query:
            found = site.search.find(address.query)
            view = dataclasses.replace(view, ranked=found.numbers)
        given = request.query_params.get("offset", "")
        offset = int(given) if re.fullmatch(r"\d{1,9}", given) else 0
        rows = site.index.page(view, offset, PAGE_SIZE)
        return address, {
            "address": address,
            "found": found,
            "rows": rows,
            "total": site.index.count(view),
            "facets": site.index.facets(view),
            "offset": offset,
            "next_offset": offset + PAGE_SIZE if len(rows) == PAGE_SIZE else None,
            "sorts": SORT_WORDS,
            "robots": ROBOTS,
        }

    def gallery(request: Request) -> Response:
        return site.render(request, "gallery.html.j2", partial=False, **values(request)[1])

    def results(request: Request) -> Response:
        """The cards alone, for htmx, and the address that shows the same when it is opened."""
        address, shown = values(request)
        response = site.render(request, "gallery_results.html.j2", partial=True, **shown)
        # A filter that was set is a step to go back from; letters being typed are none.
        step = request.headers.get("hx-source", "").startswith("form#")
        response.headers["HX-Push-Url" if step else "HX-Replace-Url"] = address.url()
        return response

    def more(request: Request) -> Response:
        """The next cards of a view that is scrolled through."""
        return site.render(request, "gallery_cards.html.j2", **values(request)[1])

    def fresh(request: Request) -> Response:
        """A word about records that were added since the page was made; nothing where none were."""
        known = request.query_params.get("known", "")
        new = site.index.refresh() - int(known) if re.fullmatch(r"\d{1,9}", known) else 0
        if new <= 0:
            return Response(status_code=204)
        address = Address.read(request.query_params)
        return site.render(request, "gallery_fresh.html.j2", address=address, new=new)

    return [
        Route("/", gallery),
        Route("/gallery", results),
        Route("/gallery/more", more),
        Route("/gallery/fresh", fresh),
    ]
