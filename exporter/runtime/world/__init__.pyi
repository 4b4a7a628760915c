"""For type checkers: an exported package has a copy of the world in this place."""

from ....world import TaskEnv as TaskEnv
