"""`taskwright report`: what runs have come to, as a page that can be attached to a paper.

- `run_data`: what a run folder holds, read as it is found, without torch or PyBullet
- `numbers`: every measure of a run, with its label and definition
- `causes`: what failed and why
- `comparison`: runs in groups, by what differs in their settings
- `drawing`: figures as shapes, drawn once as SVG and once as PNG; `plots` adds axes and legends
- `charts`, `maps`, `compared_charts`: the figures
- `contents`: what a report shows
- `page`, `tables`, `write`: the page, Markdown, CSV, and the folder that holds them all
"""

from .write import write_report

__all__ = ["write_report"]
