from ....world.actions import read_action as read_action
from ....world.actions import read_actions as read_actions
