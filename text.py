"""What may be shown of a text that is not ours, wherever it is shown.

What a model, a server, a task or a file says may hold characters that a terminal obeys instead of
showing them, and more of them than the eye can see. Imports nothing but Python: exported packages
carry a copy of this file.
"""

from __future__ import annotations

import codecs
import re
import unicodedata

INSTEAD = "\N{REPLACEMENT CHARACTER}"
"""Shown for characters that would be obeyed."""
MAX_MARKS = 5
"""So many accents and the like on one letter are writing; more of them are a tower."""

_VISIBLE_FORMATS = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
"""Unicode counts these signs, which stand over Arabic and Kaithi numbers, among the invisible."""
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2065\u3164\uffa0")
"""Letters and marks that show nothing."""
_JOINERS = frozenset("\u200c\u200d")
_JOINED = frozenset(("Lo", "Mn", "Mc", "So", "Sk"))
"""Kinds of characters that a joiner stands after: letters of scripts that join, and emoji."""


def readable(text: str) -> str:
    """The text with nothing in it that a terminal would obey: no escape sequence, no control
    character, no mark that turns the direction of writing. `�` stands for each run of them.

    What cannot be seen at all (zero-width spaces, tags, needless joiners and variation selectors)
    is left out, and so are marks beyond the fifth on one letter. Letters of every language, accents
    and emoji stay as they are. So do tabs and line breaks, whose three spellings become one; see
    `one_line` for what must not have any.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(
        line if line.isascii() and line.isprintable() else _readable_line(line) for line in lines
    )


def _readable_line(line: str) -> str:
    shown: list[str] = []
    # How many are on the letter so far; without a letter there is no room for any.
    marks = MAX_MARKS
    for character in line:
        if " " <= character <= "~":
            shown.append(character)
            marks = 0
            continue
        if character == "\t":
            shown.append(character)
            marks = MAX_MARKS
            continue
        kind = unicodedata.category(character)
        if _is_obeyed(character, kind):
            if not (shown and shown[-1] == INSTEAD):
                shown.append(INSTEAD)
            marks = MAX_MARKS
        elif _is_mark(character, kind):
            if marks < MAX_MARKS and _may_follow(character, shown[-1]):
                shown.append(character)
                marks += 1
        elif not _is_invisible(character, kind):
            shown.append(character)
            marks = 0
    return "".join(shown)


def one_line(text: str) -> str:
    """The readable text with a space for each line break and tab, for a row, a title or a
    warning."""
    return re.sub(r" *[\n\t][ \n\t]*", " ", readable(text))


def _is_obeyed(character: str, kind: str) -> bool:
    """Whether it is a control character, a separator of lines, a lone surrogate, or turns the
    direction of writing."""
    return kind in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(character) in (
        ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    )


def _is_invisible(character: str, kind: str) -> bool:
    if kind == "Cf":
        return character not in _VISIBLE_FORMATS
    # Of what is not assigned yet, only the ranges that are set aside for the invisible.
    unassigned = kind == "Cn" and (
        "\ufff0" <= character <= "\ufff8" or "\U000e0000" <= character <= "\U000e0fff"
    )
    return unassigned or character in _INVISIBLE


def _is_mark(character: str, kind: str) -> bool:
    """Whether it takes no room of its own, but joins or changes the letter before it."""
    return (
        (kind in ("Mn", "Me", "Mc") and character not in _INVISIBLE)
        or character in _JOINERS
        # Vowels and finals of Korean syllables that are written letter by letter.
        or "\u1161" <= character <= "\u11ff"
        or "\ud7b0" <= character <= "\ud7ff"
    )


def _may_follow(mark: str, before: str) -> bool:
    """Whether a joiner or a variation selector has a use after this character; other marks do."""
    is_selector = _is_selector(mark)
    if not is_selector and mark not in _JOINERS:
        return True
    if before in _JOINERS or (is_selector and _is_selector(before)):
        return False
    kind = unicodedata.category(before)
    if mark >= "\U000e0100":
        return kind == "Lo"
    if is_selector:
        # Also digits, which with two marks become keys.
        return not before.isascii() or before in "0123456789#*"
    return kind in _JOINED and not before.isascii()


def _is_selector(character: str) -> bool:
    """Whether it chooses among the shapes of the character before it."""
    return (
        "\ufe00" <= character <= "\ufe0f"
        or "\u180b" <= character <= "\u180f"
        or "\U000e0100" <= character <= "\U000e01ef"
    )


def encodable(text: str, encoding: str) -> str:
    """The text in characters that an encoding has: `→` becomes `->`, `é` becomes `e`, and what has
    no such likeness `?`."""
    if encoding.lower().startswith("utf"):
        return text
    return text.encode(encoding, LIKENESS).decode(encoding)


LIKENESS = "taskwright-likeness"
"""What Python calls this way of encoding what an encoding lacks."""
_LIKENESSES = {
    **{"→": "->", "←": "<-", "…": "...", "·": "-", "•": "*", "×": "x", "−": "-", "±": "+-"},
    **{"–": "-", "—": "--", "‘": "'", "’": "'", "“": '"', "”": '"', "≤": "<=", "≥": ">="},
    # The blocks that curves are drawn with.
    **dict(zip("▁▂▃▄▅▆▇█", "_.-:=+*#", strict=True)),
    "\N{NO-BREAK SPACE}": " ",
}


def _likeness(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(map(_like, lacking)), error.end


def _like(character: str) -> str:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return ""  # A combining mark: the letter that it belongs to is written already.
    plain = _LIKENESSES.get(character) or unicodedata.normalize("NFD", character)[0]
    return plain if plain.isascii() else "?"


codecs.register_error(LIKENESS, _likeness)
