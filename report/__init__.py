"""`taskwright report`: what runs have come to, as a page that can be attached to a paper.

- `run_data`: what a run folder tells, read as it is found, without torch or PyBullet
- `numbers`: every metric of a run, with its label and definition
- `causes`: what failed and why
- `comparison`: runs in groups, by what differs in their settings
- `drawing`: figures as shapes, drawn once as SVG and once as PNG; `charts` and `plots` make them
- `page`, `tables`, `write`: the page, Markdown, CSV, and the folder that holds them all
"""

from .write import write_report

__all__ = ["write_report"]
