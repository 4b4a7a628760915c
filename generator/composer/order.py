"""Two goals in order: the second counts from when the first has been accomplished.

The arena turns green at that moment, since the agent sees nothing but the scene.
"""

from __future__ import annotations

import textwrap

from .pieces import Piece, code

FIRST = (
    "reach",
    "pads",
    "collect",
    "push",
    "kick",
    "stay",
    "follow",
    "survive",
    "topple",
    "clear",
    "summit",
    "catch",
    "shuttle",
    "dominoes",
    "flee",
    "stars",
)
"""Goals that another one may follow: nothing of them stands for good where that one may be."""
THEN = ("reach", "pads", "collect", "stay", "follow", "catch", "shuttle", "stars")
"""Goals that may follow another one: nothing of them can be touched, so neither is in the other's
way, and nothing about them can be done or spoilt before their turn."""


def in_order(first: Piece, second: Piece) -> Piece:
    """The goal of accomplishing one goal and then the other."""
    names = [*first.rewards, *second.rewards]
    begin = [f"{' = '.join(f'{name}_reward' for name in names)} = 0.0"] if names else []
    turns = [
        *begin,
        "is_first = not self.first_done",
        "if is_first:",
        _indented(
            first.after_step,
            *_assigned(first),
            f"self.first_done = bool({first.success})",
            "if self.first_done:",
            "    self._p.changeVisualShape(self.arena, -1, rgbaColor=GREEN)",
        ),
    ]
    if second.after_step or second.rewards:
        turns += ["else:", _indented(second.after_step, *_assigned(second))]
    failed = f"def first_failed(self):\n    return {first.failure}" if first.failure else ""
    targets = code(f"""
        def first_target(self):
            return {first.target}

        def second_target(self):
            return {second.target}
    """)
    return Piece(
        phrase=f"{first.phrase}, then {second.phrase}",
        sentence=f"{first.sentence} {second.sentence}",
        init=f"{first.init}\n{second.init}",
        reset="\n".join(filter(None, ["self.first_done = False", first.reset, second.reset])),
        step="\n".join(filter(None, [first.step, second.step])),
        methods="\n\n".join(filter(None, [first.methods, second.methods, targets, failed])),
        target="self.second_target() if self.first_done else self.first_target()",
        rewards={name: f"{name}_reward" for name in names}
        | {"first_done": "5.0 * (is_first and self.first_done)"},
        after_step="\n".join(turns),
        success=f"self.first_done and {second.success}",
        success_text=f"First: {first.success_text} After that: {second.success_text}",
        rewards_text=" ".join(
            filter(
                None,
                [
                    first.rewards_text,
                    "5 once that is accomplished, when the arena turns green; what comes after it "
                    "counts from then on.",
                    second.rewards_text,
                ],
            )
        ),
        failure="not self.first_done and self.first_failed()" if failed else "",
        failure_text=first.failure_text,
    )


def _assigned(goal: Piece) -> list[str]:
    """Statements that keep the rewards of a goal in variables."""
    return [f"{name}_reward = {expression}" for name, expression in goal.rewards.items()]


def _indented(*statements: str) -> str:
    return textwrap.indent("\n".join(filter(None, statements)), "    ")
