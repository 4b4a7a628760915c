"""Exports: tasks as things that trainers can use without Taskwright.

- `package.export_package`: an installable Gymnasium package, as a source tree and a wheel
- `entries`: what `tasks.json` says of them; `provenance`: who wrote them, under which isolation;
  `policies`: trained weights as plain arrays
- `card`: the README and the other pages, from `templates/`; `wheel`: the wheel
- `runtime/`: the code that stands in every exported package, beside a copy of `world`
- `choice.choose`: which records are exported, and why others are not

What tasks are called is said by `presentation.names`. PyBullet is needed, which tells the spaces.
"""
