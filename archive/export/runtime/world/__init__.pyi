"""For type checkers: an exported package has a copy of the world in this place."""

from .....sandbox.world import TaskEnv as TaskEnv
