"""What is typed and what is printed.

- `main`: the entry point, and how every error becomes one line
- `commands`: one file for each command; each parses, calls another room, and prints
- `display`: the live view of a run; `training_view`: the learning curve of a trial as it grows
- `terminal`: records, outcomes and summaries as text
- `doctor`: what this machine offers, and what a run folder lacks
"""
