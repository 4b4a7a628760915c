"""What of a task should be embedded, and from which similarity on is an idea a near-copy?

Two questions, asked of several texts that could be embedded. On `data/pairs.yaml`: how well does
cosine similarity tell the same task in other words from the same scene with another goal, the same
goal in another scene, and unrelated tasks (ROC AUC: the chance that a pair of the first kind is
more similar than one of the other; 0.5 is guessing)? On OMNI-EPIC's 30 examples, if a checkout of
https://github.com/maxencefaldor/omni-epic is given: is the nearest file the same task on another
robot? Last, the error rates of thresholds for what is embedded now, with 95 % Wilson intervals.

Duration: under a minute.

    python benchmarks/embedding_choice.py [--omni-epic PATH]
"""

from __future__ import annotations

import argparse
import ast
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from taskwright.archive.embedding import SentenceEncoder
from taskwright.task import Idea
from taskwright.trainer.evidence.evaluation import wilson_interval

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples/tasks/r2d2"
KINDS = ("other_goal", "other_scene", "unrelated")

TEXTS: dict[str, Callable[[dict[str, str]], str]] = {
    "title": lambda idea: idea["title"],
    "description": lambda idea: idea["description"],
    "success": lambda idea: idea["success"],
    "title, description": lambda idea: f"{idea['title']}\n{idea['description']}",
    "description, success": lambda idea: f"{idea['description']}\n{idea['success']}",
    "title, success": lambda idea: f"{idea['title']}\n{idea['success']}",
    "title, description, success": lambda idea: (
        Idea(idea["title"], idea["description"], idea["success"], "", "").text
    ),
}
PRESENT = "title, description, success"


def idea_in(source: str) -> dict[str, str]:
    """Title and sections of the docstring of a task's class."""
    tree = ast.parse(source)
    task = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Env")
    title, *rest = (ast.get_docstring(task) or "").split("\n")
    idea, section = {"title": title}, ""
    for line in rest:
        if line.rstrip(":") in ("Description", "Success", "Rewards", "Termination"):
            section = line.rstrip(":").lower()
        elif section:
            idea[section] = f"{idea.get(section, '')} {line.strip()}".strip()
    return idea


def digest(source: str) -> str:
    """What the code builds, rewards and counts as success."""
    tree = ast.parse(source)
    built = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and "create" in ast.unparse(node.func)
    ]
    methods = {n.name: n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    wanted = [methods[n] for n in ("get_task_rewards", "get_success") if n in methods]
    return "\n".join([*built, *map(ast.unparse, wanted)])


def auc(same: np.ndarray, other: np.ndarray) -> float:
    """The chance that one of `same` exceeds one of `other`; a tie counts half."""
    above = (same[:, None] > other).mean() + 0.5 * (same[:, None] == other).mean()
    return float(above)


def pairs() -> list[tuple[str, dict[str, str], dict[str, str]]]:
    """Kind and the two ideas of each pair."""
    entries: list[dict[str, Any]] = yaml.safe_load((HERE / "data/pairs.yaml").read_text())
    bases, found = [], []
    for entry in entries:
        base = entry["base"]
        if "file" in base:
            base = idea_in((EXAMPLES / base["file"]).read_text(encoding="utf-8"))
        bases.append(base)
        found += [(kind, base, entry[kind]) for kind in ("same", "other_goal", "other_scene")]
    # Each base with the next but one, twice around: no two of the same entry.
    for step in (2, 5):
        for n, base in enumerate(bases):
            found.append(("unrelated", base, bases[(n + step) % len(bases)]))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--omni-epic", type=Path, help="a checkout of OMNI-EPIC")
    options = parser.parse_args()
    encoder = SentenceEncoder()
    labelled = pairs()
    kinds = np.array([kind for kind, _, _ in labelled])
    counts = {kind: int((kinds == kind).sum()) for kind in ("same", *KINDS)}
    print(", ".join(f"{count} pairs {kind}" for kind, count in counts.items()), "\n")
    print("| embedded | against all others | other goal | other scene | unrelated |")
    print("|---|---|---|---|---|")
    similarities = {
        name: np.array(
            [float(encoder.encode(text(a)) @ encoder.encode(text(b))) for _, a, b in labelled]
        )
        for name, text in TEXTS.items()
    }
    present = similarities[PRESENT]
    # The cosine of two vectors laid end to end.
    two_parts = 0.6 * similarities["description"] + 0.4 * similarities["success"]
    for name, similarity in {**similarities, "0.6 description, 0.4 success": two_parts}.items():
        same = similarity[kinds == "same"]
        columns = [auc(same, similarity[kinds != "same"])]
        columns += [auc(same, similarity[kinds == kind]) for kind in KINDS]
        print(f"| {name} | {' | '.join(f'{value:.3f}' for value in columns)} |")

    print(f"\nSimilarity of {PRESENT}: lowest, median, highest")
    for kind in ("same", *KINDS):
        low, middle, high = np.quantile(present[kinds == kind], [0, 0.5, 1])
        print(f"- {kind}: {low:.2f}, {middle:.2f}, {high:.2f}")
    print("\n| near-copy from | same task missed | another task turned down |\n|---|---|---|")
    for threshold in np.arange(0.60, 0.96, 0.05):
        missed = (int((present[kinds == "same"] < threshold).sum()), counts["same"])
        wrong = (int((present[kinds != "same"] >= threshold).sum()), int((kinds != "same").sum()))
        print(f"| {threshold:.2f} | {rate(*missed)} | {rate(*wrong)} |")

    if options.omni_epic:
        show_omni_epic(options.omni_epic, encoder)


def rate(part: int, whole: int) -> str:
    low, high = wilson_interval(part, whole)
    return f"{part} of {whole} ({low:.0%} to {high:.0%})"


def show_omni_epic(checkout: Path, encoder: SentenceEncoder) -> None:
    files = [
        path
        for robot in ("r2d2", "ant", "humanoid")
        for path in sorted((checkout / "omni_epic/envs" / robot).glob("*.py"))
        if path.stem not in ("base", "__init__")
    ]
    sources = [path.read_text(encoding="utf-8") for path in files]
    ideas = [idea_in(source) for source in sources]
    ways: dict[str, list[str]] = {
        name: [text(idea) for idea in ideas] for name, text in TEXTS.items()
    }
    ways["the whole docstring"] = ["\n".join(idea.values()) for idea in ideas]
    ways["built, rewards, success code"] = [digest(source) for source in sources]
    ways["the whole source"] = sources
    both = zip(ways[PRESENT], ways["built, rewards, success code"], strict=True)
    ways[f"{PRESENT}, and that code"] = ["\n".join(texts) for texts in both]
    print(f"\nOMNI-EPIC's {len(files)} examples\n")
    print("| embedded | nearest is the same task | least similar of one task | most of two |")
    print("|---|---|---|---|")
    same = np.array([[a.stem == b.stem for b in files] for a in files])
    for name, texts in ways.items():
        vectors = np.stack([encoder.encode(text) for text in texts])
        similarity = vectors @ vectors.T
        np.fill_diagonal(similarity, -1.0)
        right = sum(bool(same[n, row.argmax()]) for n, row in enumerate(similarity))
        apart = np.array([(a, b) for a, b in itertools.combinations(range(len(files)), 2)]).T
        values, alike = similarity[tuple(apart)], same[tuple(apart)]
        least, most = values[alike].min(), values[~alike].max()
        print(f"| {name} | {right} of {len(files)} | {least:.2f} | {most:.2f} |")


if __name__ == "__main__":
    main()
