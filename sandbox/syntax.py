"""Python source that somebody else wrote, as a syntax tree; loads nothing of ours.

Whoever looks at foreign source without running it parses it here: Python's own parser raises one
of six exceptions, as the source happens to break it.
"""

from __future__ import annotations

import ast
import re
import warnings

_NAME = "<task>"

# What Python finds odd in a source, it would tell on standard error: `1if`, a hundred thousand
# times over where the source says so. This leaves warnings about everything else as they are.
warnings.filterwarnings("ignore", module=re.escape(_NAME))


def parsed(source: str) -> ast.Module:
    """The syntax tree of a source. Raises SyntaxError for whatever is wrong with it: also where it
    is nested too deeply for Python's parser, or holds what cannot be encoded."""
    try:
        return ast.parse(source, _NAME)
    except SyntaxError:
        raise
    except (ValueError, OverflowError, RecursionError, MemoryError, SystemError) as error:
        # A parser that is out of its depth says so as a lack of memory, and without a word.
        reason = str(error) or "it is nested too deeply"
        raise SyntaxError(f"the source cannot be parsed ({reason})") from None
