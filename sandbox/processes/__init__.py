"""Processes that run task code, and how the trusted side talks to them.

- `forkserver`: a small process without secrets that forks a confined child in milliseconds
- `process`: one such child, seen from the trusted side; `ending`: how it is ended
- `child`: what the child does, from its confinement to its last answer
- `channel`: the pipe between them, with deadlines; `messages`: what goes through it
- `memory`: arrays that both sides see; `readable`: the only folders that a child may read
- `cores`: how many cores there are for all of them
"""
