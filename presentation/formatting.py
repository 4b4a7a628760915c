"""How values are written for people, and the templates that print them.

Titles, reasons and sources come from models and may hold anything. So templates escape every text
that they print, and replace each character that would hide or reorder text by a visible sign.
"""

from __future__ import annotations

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined
from markupsafe import Markup

from ..archive.events import moment
from ..task import Status

STATUS_WORDS: dict[Status, str] = {
    "learned": "learned",
    "too_hard": "too hard",
    "too_easy": "too easy",
    "uninteresting": "uninteresting",
    "duplicate": "duplicate",
    "invalid": "invalid",
    "broken": "broken",
}
"""How each status is written, in the order in which they are listed."""

LONGEST_PRINTED = 50_000
"""Characters of one text on a page. A browser takes a minute to break 2 MB into lines."""

# Control characters but tab and line feed; what changes the direction of text or takes no room;
# halves of surrogate pairs, which cannot be sent.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """Replace each character that does something instead of showing itself by a visible sign."""
    return _HIDDEN.sub(_sign, text.replace("\r\n", "\n"))


def _sign(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"


def _printed(value: object) -> object:
    # Markup is ours already, numbers hide nothing, and a missing value must stay recognisable.
    if value is None or isinstance(value, Markup | int | float | Undefined):
        return value
    # Where a text belongs, somebody may have put a list.
    value = str(value)
    if len(value) > LONGEST_PRINTED:
        value = f"{value[:LONGEST_PRINTED]} … and {len(value) - LONGEST_PRINTED:,} more characters"
    return visible(value)


def percent(rate: float | None) -> str:
    """A rate from 0 to 1 as a whole percentage; a dash for None."""
    return "–" if rate is None else f"{rate:.0%}"


def decimal(value: float | None, digits: int = 2) -> str:
    """A number with so many digits; a dash for None."""
    return "–" if value is None else f"{value:.{digits}f}"


def duration(seconds: float | None) -> str:
    """Seconds for people: `48 s`, `3 min 20 s`, `3 min`, `2 h 05 min`; a dash for None."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    if minutes:
        return f"{minutes} min {rest:02} s" if rest else f"{minutes} min"
    return f"{rest} s"


def price(usd: float | None) -> str:
    """US dollars; a dash where the price is unknown."""
    return "–" if usd is None else f"${usd:.2f}" if usd >= 0.1 else f"${usd:.4f}"


def count(number: float | None) -> str:
    """A number in short: 950, 12.4 k, 3.1 M; a dash for None."""
    if number is None:
        return "–"
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= size:
            return f"{number / size:.1f} {letter}".replace(".0 ", " ")
    return f"{number:g}"


def when(time: str) -> str:
    """An ISO 8601 time in UTC as `2026-11-21 20:05`; as it is where it is none."""
    found = moment(time)
    return time if found is None else found.strftime("%Y-%m-%d %H:%M")


def words(status: str) -> str:
    """A status as it is written for people."""
    return status.replace("_", " ")


def make_environment(folder: Path) -> Environment:
    """Make the templates of a folder.

    Args:
        folder: Where the templates are.

    Returns:
        An environment that escapes, that refuses a variable it was not given, and that has the
        functions above as filters.
    """
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printed,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=percent,
        decimal=decimal,
        duration=duration,
        price=price,
        count=count,
        when=when,
        words=words,
        visible=visible,
    )
    environment.globals.update(STATUS_WORDS=STATUS_WORDS)
    return environment
