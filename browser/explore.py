"""What the lineage and the map tell of each record."""

from __future__ import annotations

from typing import Any

from .pages import STATUS_WORDS, visible
from .rows import Row
from .site import Site

TITLE_CHARACTERS = 90


def statuses() -> dict[str, list[str]]:
    return {"statuses": list(STATUS_WORDS), "words": list(STATUS_WORDS.values())}


def posters_of(site: Site) -> set[str]:
    """`task_id`s that have a picture: looked up once, and not for each of thousands."""
    folder = site.run_dir / "media"
    return {path.stem for path in folder.glob("*.png")} if folder.is_dir() else set()


def told(row: Row, posters: set[str]) -> dict[str, Any]:
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
