from .....sandbox.world.limits import TellsItsLimit as TellsItsLimit
from .....sandbox.world.limits import longest_episode as longest_episode
from .....sandbox.world.limits import positive as positive
