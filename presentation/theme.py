"""Typefaces and colours, declared once in `static/theme.css`.

The browser serves that file. The report puts it into its page, and takes from it the colours of the
figures that it writes as files of their own.
"""

from __future__ import annotations

import base64
import functools
import re
from pathlib import Path

from ..task import STATUSES

STATIC = Path(__file__).parent / "static"
FONT = STATIC / "fonts" / "inter.woff2"
"""Inter, a variable font: its one axis is the weight."""


def theme_css() -> str:
    """The style sheet as it is served."""
    return (STATIC / "theme.css").read_text(encoding="utf-8")


def css_variable(color: str) -> str:
    """The variable of the style sheet that holds a colour.

    Args:
        color: A status, or the name of a variable without its dashes, such as `muted`.
    """
    return f"--status-{color}" if color in STATUSES else f"--{color}"


@functools.cache
def light_colors() -> dict[str, str]:
    """The colours of the light theme, such as `#1c1d1f`, by the variables that hold them."""
    light = theme_css().partition(":root {")[2].partition("}")[0]
    return dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{6});", light))


def embedded_css() -> str:
    """The style sheet for a page that loads nothing: Inter is in it, other typefaces are the
    reader's own, and on paper the page is light whatever the screen is."""
    css = theme_css()
    inter, others = re.findall(r"@font-face \{.*?\}\n", css, re.DOTALL)
    font = base64.b64encode(FONT.read_bytes()).decode()
    embedded = inter.replace('url("fonts/inter.woff2")', f'url("data:font/woff2;base64,{font}")')
    return (
        css.replace(others, "")
        .replace(inter, embedded)
        .replace("@media (prefers-color", "@media screen and (prefers-color")
    )
