"""The report as one HTML page and as Markdown.

The page holds everything it shows, and no script at all: its content policy forbids whatever is not
in it. All text of models goes through the escaping of the templates, and what it would hide is made
visible, as in the browser.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from jinja2 import Undefined
from markupsafe import Markup

from ..config import Config
from ..presentation import formatting
from ..presentation.code import highlight
from ..presentation.formatting import make_environment
from ..presentation.theme import embedded_css
from .comparison import flattened, written
from .contents import story
from .drawing import Drawing, svg
from .numbers import BY_KEY
from .run_data import RunData

TEMPLATES = Path(__file__).parent / "templates"
EXAMPLE_CHARACTERS = 700
COMMANDS_SHOWN = 8


def styles() -> Markup:
    """The page's style: the typefaces and colours of the browser, and its own."""
    own = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    return Markup(f"{embedded_css()}\n{own}")


def drawn(drawing: Drawing, css_class: str) -> Markup:
    """A drawing for the page, in the colours of its style."""
    return Markup(svg(drawing, css_class=css_class))


def settings_rows(run: RunData) -> list[tuple[str, str, bool]]:
    """Each setting, its value, and whether it is another than the default."""
    defaults = {
        name: written(value) for name, value in flattened(Config().model_dump(mode="json")).items()
    }
    rows = []
    for name, value in flattened(run.settings).items():
        text = written(value)
        if name.endswith("base_url") and value is not None:
            text = "set; not shown"
        rows.append((name, text, text != defaults.get(name)))
    return rows


def command_rows(run: RunData) -> list[tuple[str, ...]]:
    """The last commands that drove a run: when, by whom, with what."""
    rows = []
    for command in run.history.commands[-COMMANDS_SHOWN:]:
        versions = command.get("versions")
        written_versions = "not recorded"
        if isinstance(versions, dict):
            written_versions = ", ".join(f"{name} {version}" for name, version in versions.items())
        values = (command.get(name) for name in ("author", "seed", "concurrency", "workers"))
        texts = (*map(written, values), written(command.get("isolation")))
        rows.append((formatting.when(str(command.get("time") or "")), *texts, written_versions))
    return rows


def interval_text(key: str, interval: Any) -> str:
    """A mean with its interval, as its measure is written."""
    if interval is None:
        return "–"
    write = BY_KEY[key].write
    if interval.low is None:
        return write(interval.mean)
    return f"{write(interval.mean)} [{write(interval.low)}, {write(interval.high)}]"


def in_markdown(value: object) -> Markup:
    """A text as one line of Markdown that shows it and does nothing else: not HTML, no table
    cell's end, no emphasis, link or picture."""
    text = " ".join(formatting.visible(str(value)).split())
    text = re.sub(r"([\\`*_{}\[\]!|~$])", r"\\\1", text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # What would become a link by itself.
    text = re.sub(r"(?i)(https?|ftp|www|mailto|xmpp)(:|\.)", r"\1&#8203;\2", text)
    return Markup(text.replace("@", "&#64;"))


_environment = make_environment(TEMPLATES)
_environment.filters.update(
    written=written,
    highlight=highlight,
    example=lambda text: text if len(text) <= EXAMPLE_CHARACTERS
    else f"{text[:EXAMPLE_CHARACTERS].rstrip()}…",
)  # fmt: skip
_environment.globals.update(
    drawn=drawn, story=story, settings_rows=settings_rows, command_rows=command_rows,
    interval_text=interval_text,
)  # fmt: skip


def as_html(values: dict[str, Any]) -> str:
    """The page."""
    return _environment.get_template("report.html.j2").render(styles=styles(), **values)


_markdown = make_environment(TEMPLATES)
_markdown.autoescape = False
_markdown.finalize = lambda value: (
    value
    if value is None or isinstance(value, Markup | int | float | Undefined)
    else in_markdown(value)
)
_markdown.filters.update(_environment.filters)
_markdown.globals.update(_environment.globals)


def as_markdown(values: dict[str, Any]) -> str:
    """The report in Markdown; its figures are the files beside it."""
    text = _markdown.get_template("report.md.j2").render(**values)
    return re.sub(r"\n{3,}", "\n\n", text)
