"""What servers say when something is wrong, as a person reads it.

Their words come as JSON of many shapes, as web pages or as plain text, and may hold anything. What
is quoted is one line of printable text; what it means is left to the reader.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

LONGEST = 400
"""Characters of a server's words that are quoted."""
READ = 100_000
"""Characters of a body that are looked at for words."""
DEEPEST = 8
"""Levels of JSON that are looked at."""

TELLING = ("message", "msg", "error", "errors", "detail", "details", "description", "title")
"""The fields in which servers put their words, the most informative first."""
BESIDE = ("error_description", "reason", "reasons", "hint", "raw")
"""Fields that add to a message; `raw` holds the words of a server behind a gateway."""
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|.)", re.DOTALL)
_MARKUP = re.compile(
    r"(?:<!--(?>.*?-->)\s*)*+<(?:!doctype|\?xml|[a-z][a-z0-9]*[\s>/])", re.I | re.S
)

# Each takes time in proportion to the text, whatever stands there: Python's own parser does not.
_HIDDEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|template|noscript|svg)\b.*?(?:</\1\s*>|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(r"<[^<>]*>")


def one_line(text: str, longest: int = LONGEST) -> str:
    """Printable text on one line, with an ellipsis where it is cut."""
    plain = " ".join(_ESCAPE.sub("", text).split())
    # No control or bidirectional characters, nor half a surrogate pair, which no file takes.
    plain = "".join(c for c in plain if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    return plain if len(plain) <= longest else plain[: longest - 1].rstrip() + "…"


def words_in(body: str) -> str:
    """The words in the body of an answer that tells of an error; empty where there are none."""
    text = body[:READ].strip().removeprefix("\ufeff")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return one_line(_text_of_page(text) if _MARKUP.match(text) else text)
    found = list(dict.fromkeys(filter(None, map(one_line, _words_of(document)))))
    if found:
        return one_line(": ".join(found))
    return one_line(text) if document else ""


def code_in(body: str) -> str:
    """The code or the type of an error, as OpenAI's servers give one; empty where there is none."""
    document = _json(body[:READ])
    error = document.get("error") if isinstance(document, dict) else None
    code = (error.get("code") or error.get("type")) if isinstance(error, dict) else None
    return str(code or "")


def phrase(status: int) -> str:
    """The standard phrase of an HTTP status in brackets, after a blank; empty where it has none."""
    try:
        return f" ({HTTPStatus(status).phrase})"
    except ValueError:
        return ""


def named(status: int, words: str) -> str:
    """A status with the words that came with it, else with its standard phrase."""
    return f"status {status}: {words}" if words else f"status {status}{phrase(status)}"


def _words_of(value: Any, depth: int = 0) -> Iterator[str]:
    """The words in a JSON document, the most telling first."""
    if depth == DEEPEST:
        return
    if isinstance(value, str):
        # Words that are JSON themselves, as gateways pass them on.
        inner = _json(value) if value.lstrip()[:1] in ("{", "[") else None
        inside = list(_words_of(inner, depth + 1)) if inner else []
        yield from inside or [value]
    elif isinstance(value, list):
        for item in value:
            yield from _words_of(item, depth + 1)
    elif isinstance(value, dict):
        by_name = {str(name).lower(): item for name, item in value.items()}
        words = next(
            filter(None, (list(_words_of(by_name.get(n), depth + 1)) for n in TELLING)), []
        )
        place = by_name.get("loc")
        if isinstance(place, list) and words:
            # The place of the mistake, as FastAPI reports it.
            words[0] = f"{'.'.join(map(str, place))}: {words[0]}"
        yield from words
        for name in (*BESIDE, "metadata"):
            yield from _words_of(by_name.get(name), depth + 1)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _text_of_page(markup: str) -> str:
    """What a web page says, its title first. One that shows nothing is quoted as it is written."""
    parts = _TAG.split(_HIDDEN.sub("<>", markup))
    shown = [" ".join(html.unescape(part).split()) for part in parts]
    return " ".join(dict.fromkeys(filter(None, shown))) or markup
