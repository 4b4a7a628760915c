"""What the pages share: the run folder, its index, and what visitors may do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse

from ..archive.embedding import Encoder
from ..archive.feedback import Feedback
from ..archive.folder import LOCK_NAME, check_folder
from ..archive.opening import MAX_NUMBER
from ..archive.store import FILE_NAME, Archive
from ..errors import ArchiveError
from ..presentation.formatting import make_environment
from .index import Index
from .search import Search

FOLDER = Path(__file__).parent

ANNOUNCING = ("config.yaml", "events.jsonl", LOCK_NAME)
"""Files that tell a run folder whose archive is not made yet."""


def journey_in(request: HTTPConnection) -> int:
    """The number of a journey in the address. Raises ArchiveError where none can have it."""
    number: int = request.path_params["number"]
    if number > MAX_NUMBER:
        raise ArchiveError("There is no such journey.", "The gallery lists all of this archive.")
    return number


class Link(NamedTuple):
    """An entry of the menu."""

    label: str
    path: str


class Site:
    """A run folder as it is browsed. `feedback` is whether anything may be written."""

    def __init__(
        self,
        run_dir: Path,
        *,
        feedback: bool = False,
        make_encoder: Callable[[], Encoder] | None = None,
    ) -> None:
        """`make_encoder` gives the run's encoder where it is not the default one.

        Raises ArchiveError where the folder is no run's, nor an empty one for a run to come.
        """
        self.run_dir = run_dir
        self.feedback = feedback
        self.menu: list[Link] = []
        self.closing = threading.Event()
        """Set when the server ends: streams that would go on for ever end then."""
        check_folder(run_dir)
        if not self.is_waiting():
            Archive.open(run_dir).close()
        self.index = Index(run_dir / FILE_NAME)
        self.search = Search(run_dir / FILE_NAME, self.index, make_encoder)

    def is_waiting(self) -> bool:
        """Whether a run has yet to make its archive here."""
        folder = self.run_dir
        if not folder.is_dir() or (folder / FILE_NAME).exists():
            return False
        return not any(folder.iterdir()) or any((folder / name).exists() for name in ANNOUNCING)

    def has_begun(self) -> bool:
        """Whether a run has ever written an event here."""
        return any((self.run_dir / name).exists() for name in (FILE_NAME, *ANNOUNCING))

    def archive(self) -> Archive:
        """The archive, opened for reading; close it, or use it as a context manager."""
        return Archive.open(self.run_dir)

    def media(self, task_id: str | None, ending: str = ".png") -> str | None:
        """The address of a task's picture or of another of its files; None where there is none."""
        name = f"{task_id}{ending}"
        return f"/media/{name}" if task_id and (self.run_dir / "media" / name).is_file() else None

    def times_done_by_hand(self, task_id: str | None) -> int:
        """In how many episodes that were kept a person has accomplished a task."""
        if task_id is None:
            return 0
        with Feedback.open(self.run_dir) as feedback:
            return feedback.shown_solvable().get(task_id, 0)

    def render(
        self, request: Request, template: str, *, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """A page. Besides `values`, templates know `site` and `here`, the path asked for."""
        text = render(template, site=self, here=request.url.path, **values)
        return HTMLResponse(text, status)


_environment = make_environment(FOLDER / "templates")


def render(template: str, **values: Any) -> str:
    """Render a template, or a part of a page.

    Args:
        template: The name of its file.
        values: Its variables. One that it lacks is an error.
    """
    return _environment.get_template(template).render(values)
