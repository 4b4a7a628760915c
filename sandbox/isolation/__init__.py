"""What a sandboxed process gives up before any task code runs: the security boundary.

- `limits`: resource limits, capabilities, death with the parent
- `namespaces`: a network and a process table of its own
- `landlock`: which files can be read; none can be written
- `bubblewrap`: stands in where the kernel has no Landlock
- `seccomp`: which system calls exist
- `confine`: applies all of these, and says what came into force
- `probes`: forbidden things, to be tried from inside

All but Bubblewrap is the kernel's own and needs neither root nor a package. Depends on the standard
library alone, and on nothing else of ours.
"""

from .confine import LEVELS, Isolation, Level, confine

__all__ = ["LEVELS", "Isolation", "Level", "confine"]
