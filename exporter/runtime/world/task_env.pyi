from ....world.task_env import ACTION_REPEAT as ACTION_REPEAT
from ....world.task_env import TIME_LIMIT as TIME_LIMIT
