"""The run as it goes on: journeys in flight, what became of the others, limits, costs, trouble.

The page is the same part rendered anew whenever something happened, sent as server-sent events.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from ..archive.events import is_number, moment
from ..archive.metrics.funnel import funnel
from ..archive.run_lock import lock_holder
from ..config import stored_settings
from ..presentation import formatting
from .index import View
from .site import Link, Site, render
from .watch import STAGES, InFlight, Run, Watch

LINKS = (Link("Run", "/run"),)

LOOKS_EVERY_S = 0.5
HEARTBEAT_S = 10.0
"""A stream without news sends a sign of life: clocks on the page and the driver's death show."""
MOST_STREAMS = 50
"""Pages that follow a run at once."""
CHART_POINTS = 240


@dataclass(frozen=True)
class Limit:
    """What a run has used of something, and the cap on it, if it has one."""

    name: str
    used: float
    cap: float | None
    shown: str
    shown_cap: str = ""

    @property
    def share(self) -> float:
        """Of the cap, from 0 to 1."""
        return min(self.used / self.cap, 1.0) if self.cap else 0.0


def kept_over_time(endings: Sequence[tuple[str, str]]) -> dict[str, Any] | None:
    """Two lines for a chart of 100 by 100, in SVG's `points`: journeys ended and tasks kept.

    None where there is no stretch of time to show.
    """
    times = []
    for text, status in endings:
        if (ended_at := moment(text)) is not None:
            times.append((ended_at.timestamp(), status))
    times.sort(key=lambda each: each[0])
    if len(times) < 2 or times[-1][0] <= times[0][0]:
        return None
    start, end, total = times[0][0], times[-1][0], len(times)
    every = max(total // CHART_POINTS, 1)
    ended, kept, count = ["0,100"], ["0,100"], 0
    for n, (at, status) in enumerate(times, 1):
        count += status == "learned"
        if n % every and n < total:
            continue
        x = 100 * (at - start) / (end - start)
        # Steps, not slopes: nothing happened between two endings.
        for line, value in ((ended, n), (kept, count)):
            before = line[-1].partition(",")[2]
            line += [f"{x:.2f},{before}", f"{x:.2f},{100 - 100 * value / total:.2f}"]
    return {
        "ended": " ".join(ended),
        "kept": " ".join(kept),
        "total": total,
        "count": count,
        "from": datetime.fromtimestamp(start, UTC),
        "to": datetime.fromtimestamp(end, UTC),
        "seconds": end - start,
    }


def sparkline(journey: InFlight) -> str:
    """A journey's learning curve as `points` of a chart of 100 by 20."""
    rates = journey.success
    last = max(len(rates) - 1, 1)
    return " ".join(f"{100 * n / last:.1f},{19 - 18 * rate:.1f}" for n, rate in enumerate(rates))


def limits(site: Site, run: Run, elapsed_s: float | None) -> list[Limit]:
    """How much the run has used of each limit. Tokens and cost are left out where they have no
    limit and none were used."""

    def cap(section: str, name: str) -> float | None:
        values = settings_.get(section)
        value = values.get(name) if isinstance(values, dict) else None
        value = run.command.get(name, value) if section == "run" else value
        return value if is_number(value) and value > 0 else None

    settings_ = stored_settings(site.run_dir)
    facets = site.index.facets(View())
    totals = site.index.totals()
    kept = facets.status.get("learned", 0)
    # What journeys in flight have used is in no record yet, but the run tells its own sum.
    tokens = max(totals.tokens, run.tokens)
    usd = run.usd if run.calls else totals.usd
    usd = None if usd is None else max(usd, totals.usd or 0.0)
    minutes = cap("run", "minutes")
    most_s = 60 * minutes if minutes else None
    most_tokens, most_usd = cap("model", "max_tokens"), cap("model", "max_usd")
    found = [
        _limit("kept", kept, cap("run", "tasks"), "{:.0f}".format),
        _limit("journeys", facets.total, cap("run", "attempts"), "{:.0f}".format),
        _limit("time", elapsed_s, most_s, formatting.duration),
    ]
    if tokens or most_tokens:
        found.append(_limit("tokens", tokens, most_tokens, formatting.count))
        found.append(_limit("cost", usd, most_usd, _price))
    return found


def _limit(
    name: str, used: float | None, cap: float | None, write: Callable[[float | None], str]
) -> Limit:
    return Limit(name, used or 0.0, cap, write(used), write(cap) if cap else "")


def _price(usd: float | None) -> str:
    return "price unknown" if usd is None else formatting.price(usd)


def seconds_between(start: str, end: str | None = None) -> float | None:
    """From one ISO 8601 time to another, or to now; None where one is no time."""
    began, ended = moment(start), moment(end) if end else datetime.now(UTC)
    if began is None or ended is None:
        return None
    return max((ended - began).total_seconds(), 0.0)


def summary(site: Site, run: Run) -> dict[str, Any]:
    """The values of the template: what a run is doing and what it has come to."""
    process_id = lock_holder(site.run_dir)
    if not run.command:
        state = "waiting"
    elif run.end:
        state = "ended"
    else:
        state = "running" if process_id else "lost"
    begun = str(run.command.get("time", ""))
    over = {"ended": str(run.end.get("time", "")), "lost": run.last_time}.get(state)
    elapsed_s = seconds_between(begun, over)
    facets = site.index.facets(View())
    return {
        "run": run,
        "state": state,
        "process_id": process_id,
        "elapsed_s": elapsed_s,
        "limits": limits(site, run, elapsed_s),
        # A command that has ended or was killed has nothing in flight.
        "in_flight": sorted(run.in_flight.values(), key=lambda journey: journey.number)
        if state == "running"
        else [],
        "stages": STAGES,
        "funnel": funnel(facets.status, site.index.failures()) if facets.total else [],
        "broken": facets.status.get("broken", 0),
        "chart": kept_over_time(site.index.endings()),
        "latest": site.index.page(View(), count=8),
        "troubles": site.index.page(View(status=("broken",)), count=4),
        "sparkline": sparkline,
        "seconds_between": seconds_between,
    }


def routes(site: Site) -> list[BaseRoute]:
    watch = Watch(site.run_dir / "events.jsonl")

    def page(request: Request) -> Response:
        run, _ = watch.read()
        return site.render(request, "run.html.j2", **summary(site, run))

    def state() -> tuple[int, int, int | None]:
        """Differs when the page does."""
        return watch.read()[1], site.index.refresh(), lock_holder(site.run_dir)

    def part() -> str:
        return render("run_state.html.j2", site=site, **summary(site, watch.run))

    streams = 0

    async def stream() -> AsyncIterator[str]:
        nonlocal streams
        streams += 1
        try:
            async for message in news():
                yield message
        finally:
            streams -= 1

    async def news() -> AsyncIterator[str]:
        shown: tuple[int, int, int | None] | None = None
        sent = 0.0
        while not site.closing.is_set():
            now = await run_in_threadpool(state)
            if now != shown or time.monotonic() - sent > HEARTBEAT_S:
                shown, sent = now, time.monotonic()
                yield as_message(await run_in_threadpool(part))
            await asyncio.sleep(LOOKS_EVERY_S)

    async def events(request: Request) -> Response:
        if streams >= MOST_STREAMS:
            return PlainTextResponse("Too many pages follow the run already.\n", 503)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(stream(), media_type="text/event-stream", headers=headers)

    return [Route("/run", page), Route("/run/events", events)]


def as_message(text: str) -> str:
    """A text as a server-sent event."""
    return "".join(f"data: {line}\n" for line in text.split("\n")) + "\n"
