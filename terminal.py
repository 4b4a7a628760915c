"""How a run looks while it goes on: a live picture on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from .generator.events import Event, Watcher

BLOCKS = "▁▂▃▄▅▆▇█"
CURVE_WIDTH = 24
JOURNEYS_SHOWN = 12
STATUS_STYLES = {
    "learned": "bold green",
    "too_hard": "yellow",
    "too_easy": "cyan",
    "uninteresting": "magenta",
    "duplicate": "magenta",
    "invalid": "red",
    "broken": "bold red",
}


@contextmanager
def watching(console: Console, *, live: bool) -> Iterator[Watcher]:
    """A watcher for `open_run` that draws on the console."""
    if not live:
        yield PlainView(console)
        return
    view = LiveView()
    with Live(view, console=console, refresh_per_second=4, transient=False):
        yield view


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


def cost(tokens: int, usd: float | None) -> str:
    """What model calls have cost so far."""
    return f"{tokens:,} tokens, {'price unknown' if usd is None else f'${usd:.4f}'}"


@dataclass
class _Journey:
    title: str = ""
    stage: str = ""
    reason: str = ""
    seconds: float | None = None
    started: float = field(default_factory=time.monotonic)
    curve: list[float] = field(default_factory=list)
    steps: int = 0


class LiveView:
    """Draws the journeys, what they came to, and what is left of the limits."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._run: Event = {}
        self._journeys: dict[int, _Journey] = {}
        self._counts: dict[str, int] = {}
        self._kept_before = 0
        self._tokens = 0
        self._usd: float | None = None
        self._last = ""

    def __call__(self, event: Event) -> None:
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
            if kind == "stage":
                journey.stage = event["stage"]
            elif kind == "curve":
                journey.curve.append(event["success_rate"])
                journey.steps = event["steps"]
            elif kind == "record":
                journey.stage, journey.reason = event["status"], event["reason"]
                journey.seconds = event["seconds"]
                self._counts[event["status"]] = self._counts.get(event["status"], 0) + 1

    def __rich__(self) -> Group:
        table = Table(box=None, padding=(0, 1), expand=False)
        for name in ("#", "stage", "time", "success while training", "task"):
            table.add_column(name, header_style="dim", no_wrap=name != "task")
        for number in sorted(self._journeys)[-JOURNEYS_SHOWN:]:
            journey = self._journeys[number]
            style = STATUS_STYLES.get(journey.stage, "bold")
            seconds = journey.seconds or time.monotonic() - journey.started
            curve = sparkline(journey.curve)
            if journey.curve and journey.seconds is None:
                curve += f" {journey.curve[-1]:.0%} {journey.steps // 1000}k"
            table.add_row(
                str(number),
                Text(journey.stage.replace("_", " "), style=style),
                duration(seconds),
                curve,
                escape(journey.title),
            )
        return Group(self._headline(), table, Text(self._last, style="yellow"))

    def _headline(self) -> Text:
        elapsed = time.monotonic() - self._started
        parts = [f"{duration(elapsed)} by {self._run.get('author', '…')}"]
        for status, count in sorted(self._counts.items(), key=lambda item: item[0] != "learned"):
            parts.append(f"{count} {status.replace('_', ' ')}")
        if self._tokens:
            parts.append(cost(self._tokens, self._usd))
        left = self._time_left(elapsed)
        if left is not None:
            parts.append(f"about {duration(left)} left")
        return Text(" · ".join(parts), style="bold")

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
        line = f"{clock} #{event.get('journey', '-')} {text}"
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)
