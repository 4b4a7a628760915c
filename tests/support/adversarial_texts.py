"""Texts that make careless readers slow: each is some beginning, one thing many times over, an end.

A model, or whoever wrote a file that is imported, may send any of them.
"""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable

SIZES = (2_000, 20_000, 200_000)
"""Characters. A longer answer of a model is not read at all."""
LONGEST_S = 2.0
"""Of processor time, for any of them. Nearly all take some milliseconds."""
WORTH_COMPARING_S = 0.25
MOST_GROWTH = 30.0
"""How much longer a text of ten times the length may take. In proportion it takes ten times as
long, with the square of the length a hundred times."""

FENCE = "`" * 3
MODULE = f'{FENCE}python\nimport x\nclass Env(R2D2Env):\n    """Title."""\n'

# Name: beginning, what is repeated, end.
SHAPES: dict[str, tuple[str, str, str]] = {
    "nothing but blanks": ("", " ", ""),
    "blank lines": ("", "\n", "x"),
    "lines of blanks": ("", "   \n", "x"),
    "carriage returns": ("TITLE: a", "\r", "x"),
    "form feeds": ("", "\f", "TITLE: a"),
    "line separators": ("TITLE: a", "\u2028", "DESCRIPTION: b"),
    "null characters": ("TITLE: a", "\0", "b"),
    "lone surrogates": ("TITLE: a", "\ud800", "b"),
    "surrogate pairs apart": ("TITLE: a", "\ud83d\ude00\udc00", "b"),
    "one huge word": ("", "a", ""),
    "one huge line of words": ("", "word ", ""),
    "short lines": ("", "x\n", ""),
    "deep indentation": ("", " ", "x\n    y"),
    "each line deeper": ("", "", "".join(f"{' ' * n}x\n" for n in range(600))),
    "letters that grow in lower case": ("TITLE: ", "İ", "</think>"),
    # Fences.
    "a fence, blanks and a backtick": (FENCE, " ", "`"),
    "backticks": ("", "`", ""),
    "tildes": ("", "~", "x`"),
    "fences": ("", f"{FENCE}\n", ""),
    "fences with words": ("", f"{FENCE}py\n", ""),
    "fences of two kinds": ("", f"{FENCE}\n~~~\n", ""),
    "a block in every second line": ("", f"{FENCE}\nx\n", ""),
    "a fence that no other closes": ("`" * 1000 + "\n", f"{FENCE}\n", ""),
    "an indented module": (f"{FENCE}\n", "    import x\n\tclass Env:\n", f"{FENCE}"),
    # Thoughts.
    "thoughts that never end": ("", "<think>", ""),
    "thoughts in mixed case": ("", "<tHiNk>x</REASONING>", ""),
    "thoughts within thoughts": ("<think>" * 10_000, "</think>", "x"),
    "ends of thoughts": ("", "</think>", "x"),
    "thoughts in brackets": ("", "[THINK]", ""),
    "beginnings of tags": ("", "<", "think>"),
    "channels": ("", "<|channel|>final<|message|>", ""),
    "channels with blanks": ("<|message|>", "<|channel|> ", "final <|message|>"),
    "channels with a constraint": ("", "<|channel|>final<|constrain|>", "<|message|>"),
    "control tokens": ("<|message|>", "<|a", ""),
    # Labels.
    "labels": ("", "TITLE: ", ""),
    "labels on lines": ("", "TITLE: a\n", ""),
    "labels without colons": ("", "# TITLE\n", ""),
    "a label and blanks": ("TITLE", " ", "x"),
    "wide colons": ("", "TITLE：", "a"),
    "verdicts": ("SEEN: a\nCLOSEST: 1\nREASON: b\n", "VERDICT: INTERESTING\n", ""),
    "a verdict and blanks": ("SEEN: a\nCLOSEST: 1\nREASON: b\nVERDICT: ", " -", "x"),
    "a number without end": ("REASON: b\nVERDICT: INTERESTING\nCLOSEST: ", "1", ""),
    "a number after signs": ("REASON: b\nVERDICT: INTERESTING\nCLOSEST: ", "# ", "1"),
    "a number that is none": ("REASON: b\nVERDICT: INTERESTING\nCLOSEST: ", "٣", "rd"),
    "the closest named often": (
        "REASON: b\nVERDICT: INTERESTING\nCLOSEST: ",
        "Climb the stair",
        "",
    ),
    "numbers": ("CLOSEST: 1\nREASON: b\nREACH: 3\n", "NEW: 1\n", ""),
    "a number of a scale": ("CLOSEST: 1\nREASON: b\nNEW: 2\nREACH: ", "1", " of 4"),
    "a number and blanks": ("CLOSEST: 1\nREASON: b\nREACH: 3\nNEW: 1", " ", "/ 4 x"),
    "headings": ("", "#", " TITLE"),
    "stars": ("", "*", "TITLE:"),
    "underscores": ("", "_", ""),
    "quotes": ("", ">", ""),
    "dashes": ("", "-", "x"),
    "digits": ("", "1", ". TITLE: a"),
    "unicode digits": ("", "٣", ") TITLE: a"),
    "colons": ("", ":", ""),
    # JSON.
    "braces": ("", "{", ""),
    "brackets": ("{", "[", ""),
    "objects in objects": ("", '{"a":', ""),
    "objects that fail late": ('{"a":[' * 450, "1,", ""),
    "objects": ("", '{"TITLE":"a"}', ""),
    "texts without end": ("", '{"a":"', ""),
    "a text without end": ('{"a":"', "{", ""),
    "escapes": ('{"TITLE":"', "\\u0061", '"}'),
    "surrogates in escapes": ('{"TITLE":"', "\\ud800", '"}'),
    "a number of many digits": ('{"TITLE":', "1", "}"),
    "an infinite number": ('{"TITLE":1', "e9", "}"),
    # Python.
    "a module and blank lines": (MODULE, "\n", f"x=1\n{FENCE}"),
    "a module and hashes": (MODULE, "#", f"\n{FENCE}"),
    "a module and comments": (MODULE, "# the rest ", f"\n{FENCE}"),
    "a module and comment lines": (MODULE, "# rest of it\n", f"{FENCE}"),
    "elif": (f"{MODULE}if 1:\n pass\n", "elif 1:\n pass\n", FENCE),
    "minus": (f"{MODULE}x = ", "-", f"1\n{FENCE}"),
    "not": (f"{MODULE}x = ", "not ", f"1\n{FENCE}"),
    "plus": (f"{MODULE}x = ", "1+", f"1\n{FENCE}"),
    "attributes": (f"{MODULE}x = a", ".a", f"\n{FENCE}"),
    "round brackets": (f"{MODULE}x = ", "(", f"\n{FENCE}"),
    "nested f-strings": (f"{MODULE}x = ", "f'{", f"\n{FENCE}"),
    "blocks in blocks": (MODULE, "if 1:", f"\n{FENCE}"),
    "continued lines": (f"{MODULE}x = \\\n", "\\\n", f"1\n{FENCE}"),
    "classes": ("", "class Env(", ""),
    "classes on lines": ("", "class Env(\n", "R2D2Env)"),
    "a class and blanks": ("class", " ", "Env(R2D2Env)"),
    "a class with blanks and dots": ("class Env(", "a . ", "R2D2Env)"),
    "a class and a huge name": ("class Env(", "a", ""),
    "docstrings": ('class Env:\n    """', "Success:\n", '"""'),
}


def hostile_text(name: str, size: int) -> str:
    """A text of about this many characters; no shorter than its beginning and its end."""
    beginning, repeated, end = SHAPES[name]
    room = size - len(beginning) - len(end)
    return beginning + repeated * (room // len(repeated) if repeated else 0) + end


def assert_linear(read: Callable[[str], object], name: str, ignoring: type[Exception]) -> None:
    """That reading such a text takes time in proportion to its length, whatever comes of it.

    The texts grow, so that a reader who is far too slow fails before it takes hours. It is the
    processor time of this thread, which a busy machine does not lengthen.
    """
    before = LONGEST_S
    for size in SIZES:
        text = hostile_text(name, size)
        most = min(LONGEST_S, max(WORTH_COMPARING_S, MOST_GROWTH * before))
        seconds = _seconds(read, text, ignoring)
        for _ in range(2):
            if most < seconds < LONGEST_S:
                seconds = min(seconds, _seconds(read, text, ignoring))
        assert seconds <= most, (
            f"{name}: {len(text)} characters took {seconds:.2f} s, and a tenth of them {before:.4f}"
        )
        before = seconds


def _seconds(read: Callable[[str], object], text: str, ignoring: type[Exception]) -> float:
    # What the rest of the process has on its heap is not looked through meanwhile.
    gc.disable()
    started = time.thread_time()
    try:
        with contextlib.suppress(ignoring):
            read(text)
        return time.thread_time() - started
    finally:
        gc.enable()
