"""What the browser, the report and an export share, so that a thing looks the same in all of them.

- `formatting`: how values are written (statuses, rates, durations, prices), and templates that
  escape what models wrote and make visible what it hides
- `code`: source code as highlighted lines
- `lineage`: which record grew from which, laid out as a forest
- `names`: what a task is called when it is exported
- `theme`: typefaces and colours, in `static/theme.css` for pages and read from there for pictures

Nothing here knows of a server or of a report, and importing it loads neither PyBullet nor torch.
"""
