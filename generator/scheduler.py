"""The scheduler: lets journeys take off, takes in their records, and knows when to stop.

It runs in the main thread and alone writes records. Each journey has a thread of its own, which
spends its time waiting: for the model, for a worker of the executor, or for another journey. What
threads and signals have to say comes through one queue, so that nothing interrupts it half way.
"""

from __future__ import annotations

import contextlib
import math
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Literal

from ..errors import BrokenError, BudgetSpent, ModelError, ModelStopped
from ..executor.job import JobCancelled
from ..task import Record
from .in_flight import Stopped
from .journey import run_journey
from .run_context import RunContext

MAX_BROKEN_IN_A_ROW = 3
"""Failures of our machinery, after which a run stops rather than go on failing."""
FAREWELL_S = 2.0
"""How long a stopped run waits for its threads; what does not end by then is left to itself."""
CANCEL_AGAIN_S = 0.1
"""A job may be asked for in the instant in which all were cancelled: so they are, repeatedly."""

STOPPED = "It was stopped."
TIME_IS_UP = "Time is up."


class Scheduler:
    """Conducts the journeys of one command, from any number of them ended or under way."""

    def __init__(
        self,
        context: RunContext,
        hang_up: Callable[[], None] = lambda: None,
        expect_end_within: Callable[[float], None] = lambda seconds: None,
        *,
        only_under_way: bool = False,
    ) -> None:
        self._only_under_way = only_under_way
        """Whether no new journey begins."""
        self._context = context
        self._hang_up = hang_up
        """Gives up the questions that the model has not answered yet."""
        self._expect_end_within = expect_end_within
        """Tells a watchdog in how many seconds the run ends at the latest."""
        self._limits = context.config.run
        if only_under_way:
            no_limits = {"tasks": None, "attempts": None, "minutes": None}
            self._limits = self._limits.model_copy(update=no_limits)
        self._statuses = {record.number: record.status for record in context.in_flight.records()}
        """Of the journeys that have ended."""
        self._held: dict[int, Record] = {}
        """Records of journeys of which it is open whether they come before the end of the run."""
        self._to_resume = context.archive.unfinished()
        self._in_flight: set[int] = set()
        self._news: queue.SimpleQueue[tuple[int, Record | BaseException] | Literal["stop"]]
        self._news = queue.SimpleQueue()
        minutes = self._limits.minutes
        self._deadline = math.inf if minutes is None else time.monotonic() + 60 * minutes
        self._broken_in_a_row = 0
        self._is_over = False
        self._error: BaseException | None = None
        self.reason = ""
        """Why no further journey begins; empty while one may."""

    def run(self) -> None:
        """Run journeys until a limit is reached or somebody stops it; `reason` then says which.

        Raises ModelError, BrokenError, StorageError and ArchiveError. What has not ended is left
        for the next command.
        """
        if self._limits.minutes is not None:
            self._expect_end_within(60 * (self._limits.minutes + self._limits.grace_minutes))
        with self._listening_to_signals():
            try:
                self._begin_what_may()
                while self._in_flight and not self._is_over:
                    self._heed_next()
                    self._begin_what_may()
            finally:
                self._leave()
        if self._error is not None:
            raise self._error
        # Nothing else keeps a journey from beginning while none is under way.
        self.reason = self.reason or f"{self._limits.attempts} journeys have ended."

    # Which journeys begin. This settles when one begins, never what becomes of it.

    def _begin_what_may(self) -> None:
        while not self._is_over and self._may_begin(number := self._next):
            if number in self._to_resume:
                self._to_resume.remove(number)
            else:
                assert self._context.archive.start_journey() == number
            self._context.in_flight.begin(number)
            self._in_flight.add(number)
            name = f"journey {number}"
            threading.Thread(target=self._fly, args=(number,), name=name, daemon=True).start()

    @property
    def _next(self) -> int:
        if self._to_resume:
            return self._to_resume[0]
        return max([*self._statuses, *self._in_flight], default=0) + 1

    def _may_begin(self, number: int) -> bool:
        tasks, attempts = self._limits.tasks, self._limits.attempts
        if tasks is not None and self._context.archive.counts().get("learned", 0) >= tasks:
            self.reason, self._is_over = f"{tasks} tasks are kept.", True
        if self._only_under_way and not self._to_resume:
            self.reason = self.reason or "The journeys that were under way have ended."
        if self.reason or (attempts is not None and number > attempts):
            return False
        # All journeys up to its horizon have ended.
        first = min(self._in_flight, default=number)
        may = first > self._context.in_flight.horizon(number)
        return may and len(self._in_flight) < self._worth_having()

    def _worth_having(self) -> float:
        """How many journeys in flight the tasks that are still wanted are likely to take: more of
        them would probably be begun in vain."""
        if self._limits.tasks is None:
            return math.inf
        kept = self._kept_before(math.inf)
        rate = (kept + 1) / (len(self._statuses) + 2)
        return math.ceil((self._limits.tasks - kept) / rate)

    def _fly(self, number: int) -> None:
        try:
            self._news.put((number, run_journey(self._context, number)))
        except BaseException as error:
            self._news.put((number, error))

    # What becomes of them.

    def _heed_next(self) -> None:
        """Wait for the next thing that happens, and act on it."""
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            self._end_of_time()
            return
        if is_ending := self._context.in_flight.is_stopped:
            self._context.executor.cancel(running=False)
        longest_s = CANCEL_AGAIN_S if is_ending else threading.TIMEOUT_MAX
        try:
            news = self._news.get(timeout=min(left_s, longest_s))
        except queue.Empty:
            return
        if news == "stop":
            self.reason, self._is_over = STOPPED, True
            return
        number, end = news
        self._in_flight.remove(number)
        match end:
            case Record():
                self._take_in(end)
            case Stopped() | JobCancelled() | ModelStopped():
                self._context.in_flight.leave(number)
            case BudgetSpent() | ModelError():
                # The others may have work before them that needs no model.
                self._context.in_flight.leave(number)
                self._begin_no_more(end)
            case _:
                self._error, self._is_over = end, True

    def _end_of_time(self) -> None:
        """First no step begins any more; later those under way are not waited for either."""
        self._is_over = self._context.in_flight.is_stopped
        self.reason = self.reason or TIME_IS_UP
        self._context.in_flight.stop()
        self._deadline += 60 * self._limits.grace_minutes

    def _begin_no_more(self, error: BudgetSpent | ModelError) -> None:
        if not self.reason:
            self.reason = str(error)
            if isinstance(error, ModelError):
                self._error = error
            if self._in_flight:
                text = f"{error.message} Work that needs no model is finished first."
                self._context.events("warning", text=text)

    def _take_in(self, record: Record) -> None:
        self._statuses[record.number] = record.status
        self._held[record.number] = record
        for number in sorted(self._held):
            if self._comes_before_the_end(number):
                self._write(self._held.pop(number))
        self._context.in_flight.land(record)

    def _comes_before_the_end(self, number: int) -> bool:
        """Whether a journey belongs to the run whatever becomes of earlier ones: with `--tasks T`
        the run ends with the journey that brings the T-th kept task, by number."""
        if self._limits.tasks is None:
            return True
        open_before = number - 1 - sum(n < number for n in self._statuses)
        return self._kept_before(number) + open_before < self._limits.tasks

    def _kept_before(self, number: float) -> int:
        return sum(n < number and s == "learned" for n, s in self._statuses.items())

    def _write(self, record: Record) -> None:
        self._context.archive.add(record)
        self._context.events(
            "record",
            journey=record.number,
            status=record.status,
            reason=record.reason,
            title=record.idea.title,
            task_id=record.task_id,
            seconds=record.seconds,
        )
        self._broken_in_a_row = self._broken_in_a_row + 1 if record.status == "broken" else 0
        if self._broken_in_a_row == MAX_BROKEN_IN_A_ROW:
            self._is_over = True
            self._error = BrokenError(
                f"{MAX_BROKEN_IN_A_ROW} journeys in a row broke, the last one because: "
                f"{record.reason}",
                "Run `taskwright doctor`; the same command goes on once the cause is mended.",
            )

    # The end.

    def _leave(self) -> None:
        """Stop what is still under way; nothing of ours goes on after this."""
        self._context.in_flight.stop()
        self._context.executor.cancel()
        self._hang_up()
        deadline = time.monotonic() + FAREWELL_S
        while self._in_flight and time.monotonic() < deadline:
            self._context.executor.cancel()
            with contextlib.suppress(queue.Empty):
                news = self._news.get(timeout=CANCEL_AGAIN_S)
                if news != "stop":
                    self._in_flight.discard(news[0])

    @contextlib.contextmanager
    def _listening_to_signals(self) -> Iterator[None]:
        """Turn Ctrl-C and SIGTERM into news. What `nohup` and the like ignore stays ignored, and
        what somebody else has a handler in C for stays his."""
        if threading.current_thread() is not threading.main_thread():
            # Python hands signals to its main thread alone.
            yield
            return

        def stop(signum: int, frame: FrameType | None) -> None:
            # A second Ctrl-C while we are ending must not interrupt that.
            signal.signal(signum, signal.SIG_IGN)
            self._news.put("stop")

        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.getsignal(number) for number in numbers}
        before = {n: old for n, old in before.items() if old not in (signal.SIG_IGN, None)}
        for signum in before:
            signal.signal(signum, stop)
        try:
            yield
        finally:
            for signum, handler in before.items():
                signal.signal(signum, handler)
