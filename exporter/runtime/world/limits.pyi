from ....world.limits import TellsItsLimit as TellsItsLimit
from ....world.limits import longest_episode as longest_episode
from ....world.limits import positive as positive
