"""How a run looks: a live picture on a terminal, or plain lines, and at last a summary."""

from __future__ import annotations

import heapq
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Group

from ..output import Console, Grid, Line, live
from ..task import Cost
from ..text import one_line

if TYPE_CHECKING:
    from ..generator.events import Event, Watcher
    from ..generator.summary import Ending

BLOCKS = "▁▂▃▄▅▆▇█"
CURVE_WIDTH = 24
JOURNEYS_SHOWN = 14
"""Those under way, and with what room is left the last that have ended."""
TEXT_LENGTH = 200
"""Of a title or a warning in the live view, in characters."""
STATUS_STYLES = {
    "learned": "bold green",
    "too_hard": "yellow",
    "too_easy": "cyan",
    "uninteresting": "magenta",
    "duplicate": "magenta",
    "invalid": "red",
    "broken": "bold red",
}


View = Literal["live", "plain", "quiet"]


@contextmanager
def watching(console: Console, how: View) -> Iterator[Watcher]:
    """A watcher for `open_run` that draws on the console, or not."""
    match how:
        case "live":
            view = LiveView()
            with live(view, console):
                yield view
        case "plain":
            yield PlainView(console)
        case "quiet":
            yield lambda event: None


def sparkline(values: list[float], width: int = CURVE_WIDTH) -> str:
    """Values from 0 to 1 as little blocks, the last of `width` of them; empty for none."""
    if len(values) > width:
        step = len(values) / width
        values = [values[int((n + 1) * step) - 1] for n in range(width)]
    return "".join(BLOCKS[round(min(max(v, 0.0), 1.0) * (len(BLOCKS) - 1))] for v in values)


def duration(seconds: float) -> str:
    """Seconds as `m:ss` or `h:mm:ss`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def shortened(text: str, length: int) -> str:
    """The beginning of a text, readable and on one line."""
    flat = one_line(text).strip()
    return flat if len(flat) <= length else flat[: length - 1] + "…"


def cost(tokens: int, usd: float | None) -> str:
    """What model calls have cost so far."""
    return f"{tokens:,} tokens, {'price unknown' if usd is None else f'${usd:.4f}'}"


@dataclass
class _Journey:
    title: str = ""
    stage: str = ""
    waits_for: str = ""
    is_computing: bool = False
    has_ended: bool = False
    seconds: float | None = None
    """Of work, once it has its record."""
    started: float = field(default_factory=time.monotonic)
    curve: list[float] = field(default_factory=list)
    steps: int = 0

    @property
    def doing(self) -> str:
        """What goes on, or is waited for."""
        if self.has_ended:
            return ""
        if self.is_computing:
            return "computing"
        return {"model": "asks the model", "worker": "queued"}.get(self.waits_for, self.waits_for)


class LiveView:
    """Draws the journeys, what they came to, and what is left of the limits."""

    def __init__(self) -> None:
        # The picture is drawn by a thread of its own.
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._run: Event = {}
        self._journeys: dict[int, _Journey] = {}
        self._ended: list[int] = []
        """A heap: the last of those that have ended. The others are forgotten."""
        self._counts: dict[str, int] = {}
        self._kept_before = 0
        self._tokens = 0
        self._usd: float | None = None
        self._last = ""

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._take_in(event)

    def _take_in(self, event: Event) -> None:
        kind = event["event"]
        if kind == "run":
            self._run = event
            self._counts = dict(event["counts"])
            self._kept_before = self._counts.get("learned", 0)
        elif kind == "model":
            self._tokens, self._usd = event["total_tokens"], event["total_usd"]
        elif kind == "warning":
            self._last = event["text"]
        elif "journey" in event:
            journey = self._journeys.setdefault(event["journey"], _Journey())
            journey.title = event.get("title", journey.title)
            had_ended = journey.has_ended
            if kind == "stage":
                journey.stage = event["stage"]
                journey.waits_for = event["waits_for"] or ""
                if "other" in event:
                    journey.waits_for = f"#{event['other']}"
                journey.has_ended = journey.stage in STATUS_STYLES
            elif kind == "job":
                journey.is_computing = event["state"] == "begun"
            elif kind == "curve":
                journey.curve.append(event["success_rate"])
                journey.steps = event["steps"]
            elif kind == "record":
                journey.stage, journey.seconds = event["status"], event["seconds"]
                journey.has_ended = True
                self._counts[event["status"]] = self._counts.get(event["status"], 0) + 1
            if journey.has_ended and not had_ended:
                heapq.heappush(self._ended, event["journey"])
                if len(self._ended) > JOURNEYS_SHOWN:
                    del self._journeys[heapq.heappop(self._ended)]

    def __rich__(self) -> Group:
        with self._lock:
            grid = Grid("#", "stage", "", "time", "success while training", "task")
            for number in self._shown():
                self._draw(grid, number, self._journeys[number])
            warning = Line((shortened(self._last, TEXT_LENGTH), "yellow"))
            return Group(self._headline(), self._business(), grid, warning)

    def _shown(self) -> list[int]:
        under_way = sorted(self._journeys.keys() - set(self._ended))[:JOURNEYS_SHOWN]
        room = JOURNEYS_SHOWN - len(under_way)
        return sorted([*heapq.nlargest(room, self._ended), *under_way])

    def _draw(self, grid: Grid, number: int, journey: _Journey) -> None:
        seconds = journey.seconds
        if seconds is None:
            seconds = time.monotonic() - journey.started
        curve = sparkline(journey.curve)
        if journey.curve and not journey.has_ended:
            curve += f" {journey.curve[-1]:.0%} {journey.steps // 1000}k"
        grid.row(
            str(number),
            (journey.stage.replace("_", " "), STATUS_STYLES.get(journey.stage, "bold")),
            (journey.doing, "dim"),
            duration(seconds),
            curve,
            shortened(journey.title, TEXT_LENGTH),
        )

    def _business(self) -> Line:
        """Who computes and who waits."""
        workers = self._run.get("workers")
        if workers is None:
            return Line("")
        under_way = [journey for journey in self._journeys.values() if not journey.has_ended]
        doings = Counter(journey.doing for journey in under_way)
        parts = [
            f"{doings['computing']} of {workers} workers busy",
            f"{doings['queued']} queued",
            f"{doings['asks the model']} ask the model",
            f"{sum(n for doing, n in doings.items() if doing.startswith('#'))} wait for others",
        ]
        return Line((" · ".join(part for part in parts if not part.startswith("0 ")), "dim"))

    def _headline(self) -> Line:
        elapsed = time.monotonic() - self._started
        author = shortened(self._run.get("author", "…"), TEXT_LENGTH)
        parts = [f"{duration(elapsed)} by {author}"]
        for status, count in sorted(self._counts.items(), key=lambda item: item[0] != "learned"):
            parts.append(f"{count} {status.replace('_', ' ')}")
        if self._tokens:
            parts.append(cost(self._tokens, self._usd))
        left = self._time_left(elapsed)
        if left is not None:
            parts.append(f"about {duration(left)} left")
        return Line((" · ".join(parts), "bold"))

    def _time_left(self, elapsed: float) -> float | None:
        """Until the nearest limit, going by the pace so far; None where there is no telling."""
        ends = []
        if self._run.get("minutes"):
            ends.append(60 * self._run["minutes"] - elapsed)
        kept = self._counts.get("learned", 0)
        new = kept - self._kept_before
        if self._run.get("tasks") and new:
            ends.append(elapsed / new * (self._run["tasks"] - kept))
        return max(min(ends), 0.0) if ends else None


class PlainView:
    """One line per stage and record: for logs, pipes and `nohup`."""

    stages = ("code", "repair", "train")

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, event: Event) -> None:
        kind = event["event"]
        if kind == "stage" and event["stage"] in self.stages:
            self._say(event, f"{event['stage']}: {event['title']}")
        elif kind == "record":
            status = event["status"].replace("_", " ")
            self._say(event, f"{status} ({event['seconds']:.0f} s): {event['title']}")
            self._say(event, f"    {event['reason']}")
        elif kind == "warning":
            self._say(event, f"warning: {event['text']}")

    def _say(self, event: dict[str, Any], text: str) -> None:
        clock = event["time"][11:19]
        self._console.say(f"{clock} #{event.get('journey', '-')} {text}")


def summary(ending: Ending, run_dir: str) -> str:
    """How a command ended and what the run has come to, for people."""
    from ..generator.strategies.bandit import summary as summary_of_strategies

    counts = dict(ending.counts)
    kept = counts.pop("learned", 0)
    lines = [f"{ending.reason} In {run_dir}, the same command goes on."]
    lines.append(
        f"{kept} kept, {ending.kept} of them in these {duration(ending.seconds)}: "
        f"{ending.kept_per_hour:g} per hour."
    )
    if counts:
        lines.append("Turned down: " + ", ".join(_turned_down(ending, counts)) + ".")
    if tried := summary_of_strategies(ending.strategies):
        lines.append(f"Kept by strategy, and the chance of its next idea: {tried}.")
    if ending.agreement:
        lines.append(ending.agreement.summary)
    if ending.cost.calls:
        each = ""
        if ending.tokens_per_kept is not None:
            each = f" {cost(ending.tokens_per_kept, ending.usd_per_kept)} for each task kept."
        lines.append(
            f"{ending.cost.calls} model calls: {cost(ending.cost.tokens, ending.cost.usd)}"
            f"{_estimated(ending.cost)}.{each}"
        )
        lines.append(
            "Tokens: "
            + ", ".join(
                f"{role} {spent.prompt_tokens:,} + {spent.completion_tokens:,}"
                for role, spent in sorted(ending.roles.items())
            )
            + " (prompts + answers)."
        )
    return "\n".join(map(one_line, lines))


def _estimated(cost: Cost) -> str:
    tokens = cost.estimated_tokens
    return f" ({tokens:,} of the tokens are estimates)" if tokens else ""


def _turned_down(ending: Ending, counts: dict[str, int]) -> Iterator[str]:
    for status, count in sorted(counts.items(), key=lambda item: -item[1]):
        stages = ", ".join(f"{stage} {n}" for stage, n in ending.invalid_at.items())
        where = f" ({stages})" if status == "invalid" else ""
        yield f"{count} {status.replace('_', ' ')}{where}"
