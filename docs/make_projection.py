"""Makes `archive/projection.npz`: the plane onto which the browser's map projects all embeddings.

The two principal axes of the embeddings of 480 ideas of the Composer (every goal with many scenes,
at three levels) and of the example tasks. It is made once and ships with the package, so that the
same text is at the same point in every archive and for ever; making it anew would move every point
of every map, and is no part of any build.

    python docs/make_projection.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from taskwright.archive.embedding import SentenceEncoder
from taskwright.generator.composer.goals import GOALS
from taskwright.generator.composer.parts import PARTS
from taskwright.generator.composer.recipe import MAX_PARTS, Recipe, compose
from taskwright.generator.seeds import example_tasks
from taskwright.task import ROBOTS

OUT = Path(__file__).parents[1] / "archive" / "projection.npz"
IDEAS = 480
LEVELS = (1, 2, 3)


def ideas() -> list[str]:
    """Texts as they are embedded in an archive, each once, always the same."""
    random = np.random.default_rng(0)
    goals = list(GOALS)
    texts = []
    for number in range(IDEAS):
        count = int(random.integers(0, MAX_PARTS + 1))
        parts = tuple(str(n) for n in random.choice(list(PARTS), size=count, replace=False))
        recipe = Recipe(parts, goals[number % len(goals)], LEVELS[number % 3], number)
        texts.append(compose(recipe)[0].text)
    texts += [task.idea.text for robot in ROBOTS for task in example_tasks(robot)]
    return list(dict.fromkeys(texts))


def main() -> None:
    encoder = SentenceEncoder()
    texts = ideas()
    vectors = np.stack([encoder.encode(text) for text in texts]).astype(np.float64)
    mean = vectors.mean(axis=0)
    _, singular, axes = np.linalg.svd(vectors - mean, full_matrices=False)
    shares = singular**2 / np.sum(singular**2)
    plane = axes[:2].T
    # An axis may point either way: its largest number is positive.
    plane *= np.sign(plane[np.abs(plane).argmax(axis=0), [0, 1]])
    # One unit is the standard deviation along the first axis, on both.
    plane /= singular[0] / np.sqrt(len(texts))
    points = (vectors - mean) @ plane
    np.savez_compressed(
        OUT,
        model=np.array(encoder.name),
        mean=mean.astype(np.float32),
        plane=plane.astype(np.float32),
        reference=points.astype(np.float32).round(3),
    )
    print(
        f"{len(texts)} texts; the axes hold {shares[0]:.1%} and {shares[1]:.1%} of the variance; "
        f"{OUT.stat().st_size / 1000:.1f} kB"
    )


if __name__ == "__main__":
    main()
