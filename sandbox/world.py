"""The former address of `taskwright.world`, which older tasks and scripts import."""

from ..world import *  # noqa: F403
from ..world import __all__ as __all__
