"""For type checkers: an exported package has a copy of `text.py` in this place."""

from ...text import LIKENESS as LIKENESS
from ...text import one_line as one_line
