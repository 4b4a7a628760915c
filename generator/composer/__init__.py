"""Tasks from a grammar of scenes and goals: offline, seeded, and without a model.

- `author.Composer`: proposes recipes that differ from what is known, and writes them as code
- `drawing`: how the idea strategies have it vary what is known
- `recipe`: what a recipe is, and `compose`, which turns one into an idea and its source
- `parts`, `goals`: the vocabulary; `pieces`: what both are made of
"""

from .author import Composer

__all__ = ["Composer"]
