"""Numbers of a trial in words, as prompts tell them: short, and with the numbers that decide."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..task import CurvePoint, Idea, Record

LONGEST = 700
"""Characters of a text that are shown on one line; our own descriptions have 200 to 500."""
LITTLE, MUCH = 0.05, 0.15
"""Changes of a success rate that are mentioned, and that are called a rise or a fall."""


def learning_curve(curve: Sequence[CurvePoint]) -> str:
    """How training went; empty where there are fewer than two points to compare."""
    if len(curve) < 2:
        return ""
    tenth = max(len(curve) // 10, 1)
    rates = [point.success_rate for point in curve]
    begin, end = _mean(rates[:tenth]), _mean(rates[-tenth:])
    best = max(curve, key=lambda point: point.success_rate)
    if best.success_rate <= 0.02:
        success = f"success stayed at {percent(best.success_rate)}"
    elif best.success_rate - end >= MUCH and best.success_rate - begin >= MUCH:
        success = (
            f"success rose from {percent(begin)} to {percent(best.success_rate)} after "
            f"{best.steps} steps and fell back to {percent(end)}"
        )
    elif abs(end - begin) < LITTLE:
        success = f"success stayed at about {percent(end)}"
    else:
        half, late = (
            _mean(rates[at : at + tenth]) for at in (len(rates) // 2, len(rates) * 3 // 4)
        )
        verb = "rose" if end > begin else "fell"
        success = f"success {verb} from {percent(begin)} to {percent(end)}"
        if end - late >= LITTLE:
            success += " and was still rising"
        elif verb == "rose" and end - half < LITTLE:
            success += ", all of it in the first half"
    first, last = (_mean([p.mean_return for p in part]) for part in (curve[:tenth], curve[-tenth:]))
    spread = max(p.mean_return for p in curve) - min(p.mean_return for p in curve)
    went = f"stayed about {_short(last)}"
    if spread > 0.0 and abs(last - first) >= 0.25 * spread:
        verb = "rose" if last > first else "fell"
        went = f"{verb} from {_short(first)} to {_short(last)}"
    return f"{success}; the mean return {went}"


def success(record: Record) -> str:
    """Success before and after training, and how long it took; empty where nothing was trained."""
    trial = record.trial
    if trial is None or trial.success_before is None:
        return ""
    if trial.success_after is None:
        return f"{percent(trial.success_before)} without training"
    return (
        f"success {percent(trial.success_before)} before and {percent(trial.success_after)} "
        f"after {trial.steps} steps"
    )


def skill(idea: Idea) -> str:
    """What a task asks of the robot, on one line. Where the idea does not say it in a sentence of
    its own, as in older archives: what of its description the robot has to do, and its success."""
    if idea.skill:
        return flat(idea.skill)
    asked = " ".join(filter(_ASKS.search, _sentences(idea.description)))
    return f"{flat(asked or idea.description)} Success: {flat(idea.success)}"


def flat(text: str) -> str:
    """A text on one line, ending with a full stop. Where it is far longer than others, sentences
    are left out: some models describe a task on a page, and nine of them go into a prompt. What the
    robot has to do stays, rather than what stands where."""
    sentences = _sentences(text)
    room, kept = LONGEST, set[int]()
    # False comes first.
    for number in sorted(range(len(sentences)), key=lambda n: not _ASKS.search(sentences[n])):
        room -= len(sentences[number]) + 1
        if room >= 0:
            kept.add(number)
    line = " ".join(sentences[number] for number in sorted(kept))
    if not line and sentences:
        line = sentences[0][:LONGEST].rsplit(" ", 1)[0] + "…"
    return line if line.endswith((".", "!", "?", "…")) else f"{line}."


def plainly(text: str) -> str:
    """A description without the sentences in which it speaks of itself or of other tasks: a judge
    is to compare what the robot does. Unchanged where nothing would be left."""
    plain = " ".join(each for each in _sentences(text) if not _ADVOCATES.search(each))
    return plain or text


_ADVOCATES = re.compile(
    r"\b(?:novel(?:ty)?|unlike|(?:brand|entirely|completely|genuinely) new"
    r"|new (?:kind|skill|challenge|behaviou?r)s?|for the first time|never (?:been|before|seen)"
    r"|interesting(?:ly)?|(?:no|any|all|none of the|than the|from the) "
    r"(?:(?:earlier|previous|other|existing|archived|kept|learned|known) )+(?:tasks?|skills?)"
    r"|(?:earlier|previous|existing|archived|kept|learned) (?:tasks?|skills?))\b",
    re.IGNORECASE,
)
"""What sentences have in them that praise a task or compare it with others."""
_ASKS = re.compile(r"\b(?:has|have|needs?) to\b|\bmust\b|\brobot\b", re.IGNORECASE)
"""What sentences have in them that say what the robot has to do."""
_END = re.compile(r"(?<=[.!?])\s+")


def _sentences(text: str) -> list[str]:
    return _END.split(" ".join(text.split())) if text.strip() else []


def percent(rate: float) -> str:
    """A share as a whole percentage."""
    return f"{100 * rate:.0f} %"


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.2g}"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
