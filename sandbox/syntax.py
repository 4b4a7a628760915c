"""Python source that somebody else wrote, as a syntax tree; loads nothing of ours.

Whoever looks at foreign source without running it parses it here: Python's own parser raises one
of six exceptions, as the source happens to break it.
"""

from __future__ import annotations

import ast


def parsed(source: str) -> ast.Module:
    """The syntax tree of a source. Raises SyntaxError for whatever is wrong with it: also where it
    is nested too deeply for Python's parser, or holds what cannot be encoded."""
    try:
        return ast.parse(source, "<task>")
    except SyntaxError:
        raise
    except (ValueError, OverflowError, RecursionError, MemoryError, SystemError) as error:
        # A parser that is out of its depth says so as a lack of memory, and without a word.
        reason = str(error) or "it is nested too deeply"
        raise SyntaxError(f"the source cannot be parsed ({reason})") from None
