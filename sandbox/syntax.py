"""Python source that somebody else wrote, as a syntax tree; loads nothing of ours.

Whoever looks at foreign source without running it parses it here: Python's own parser raises one
of six exceptions, as the source happens to break it.
"""

from __future__ import annotations

import ast
import re
import warnings

_NAME = "<task>"

# Python would print a warning about each oddity in a source, such as `1if`, on standard error,
# perhaps a hundred thousand times. This suppresses those and leaves all other warnings as they are.
warnings.filterwarnings("ignore", module=re.escape(_NAME))


def parsed(source: str) -> ast.Module:
    """The syntax tree of a source. Raises SyntaxError for whatever is wrong with it: also where it
    is nested too deeply for Python's parser, or holds what cannot be encoded."""
    try:
        return ast.parse(source, _NAME)
    except SyntaxError:
        raise
    except (ValueError, OverflowError, RecursionError, MemoryError, SystemError) as error:
        # Python's parser raises a MemoryError without a message where the nesting is too deep.
        reason = str(error) or "it is nested too deeply"
        raise SyntaxError(f"the source cannot be parsed ({reason})") from None
