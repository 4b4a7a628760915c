"""PyBullet, as trusted code and as tasks use it.

- `bullet`: PyBullet itself, imported without a word on standard output
- `client`: PyBullet bound to one world, for trusted code
- `task_client`: the part of it that a task gets as `self._p`
- `calls`: every call that a task may make; `arguments`: the ranges of their parameters
"""
