"""The scheduler begins journeys, writes the records of those that have ended, and stops the run.

It runs in the main thread, and it alone writes records. Each journey has a thread of its own, which
mostly waits: for the model, for a worker of the executor, or for another journey. Threads and
signal handlers send messages through one queue, so that nothing interrupts the scheduler half way.
"""

from __future__ import annotations

import contextlib
import math
import queue
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Literal

from ..errors import BrokenError, BudgetSpent, ModelError, ModelStopped
from ..executor.job import JobCancelled
from ..task import Record
from .in_flight import Stopped
from .journey import run_journey
from .run_context import RunContext
from .tally import Tally

MAX_BROKEN_IN_A_ROW = 3
"""After this many failures of our machinery in a row, a run stops."""
SHUTDOWN_S = 2.0
"""How long a stopped run waits for its threads by default. What has not ended by then is left to
itself, which suits a command whose process ends at once."""
CANCEL_AGAIN_S = 0.1
"""Jobs are cancelled again at this interval: one may be asked for while others are cancelled."""

STOPPED = "It was stopped."
TIME_IS_UP = "Time is up."


class Scheduler:
    """Runs the journeys of one command. Some of them may have ended or be under way before it."""

    def __init__(
        self,
        context: RunContext,
        close_model: Callable[[], None] = lambda: None,
        expect_end_within: Callable[[float], None] = lambda seconds: None,
        *,
        only_under_way: bool = False,
        stop: threading.Event | None = None,
        shutdown_s: float = SHUTDOWN_S,
    ) -> None:
        self._only_under_way = only_under_way
        """Whether no new journey begins."""
        self._stop = stop
        """Set by another thread that wants the run to end."""
        self._shutdown_s = shutdown_s
        self._context = context
        self._close_model = close_model
        """Gives up the questions that the model has not answered yet."""
        self._expect_end_within = expect_end_within
        """Tells a watchdog in how many seconds the run ends at the latest."""
        self._limits = context.config.run
        if only_under_way:
            no_limits = {"tasks": None, "attempts": None, "minutes": None}
            self._limits = self._limits.model_copy(update=no_limits)
        self._ended = Tally({r.number: r.status for r in context.in_flight.records()})
        self._held: dict[int, Record] = {}
        """Records of journeys that may come after the end of the run, which is not decided yet."""
        self._to_resume = deque(context.archive.unfinished())
        self._in_flight: set[int] = set()
        self._last_begun = 0
        self._messages: queue.SimpleQueue[tuple[int, Record | BaseException] | Literal["stop"]]
        self._messages = queue.SimpleQueue()
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
                self._begin_journeys()
                while self._in_flight and not self._is_over:
                    self._handle_next()
                    self._begin_journeys()
            finally:
                self._shut_down()
        if self._error is not None:
            raise self._error
        # While no journey is under way, nothing else prevents one from beginning.
        self.reason = self.reason or f"{self._limits.attempts} journeys have ended."

    @property
    def recorded(self) -> list[Record]:
        """The records in the archive, in the order of their journeys."""
        ended = self._context.in_flight.records()
        return [record for record in ended if record.number not in self._held]

    # Beginning journeys. This decides when one begins, never its result.

    def _begin_journeys(self) -> None:
        while not self._is_over and self._may_begin(number := self._next):
            if self._to_resume:
                self._to_resume.popleft()
            else:
                assert self._context.archive.start_journey() == number
            self._context.in_flight.begin(number)
            self._in_flight.add(number)
            self._last_begun = max(number, self._last_begun)
            name = f"journey {number}"
            thread = threading.Thread(
                target=self._run_journey, args=(number,), name=name, daemon=True
            )
            thread.start()

    @property
    def _next(self) -> int:
        if self._to_resume:
            return self._to_resume[0]
        return max(self._ended.last, self._last_begun) + 1

    def _may_begin(self, number: int) -> bool:
        tasks, attempts = self._limits.tasks, self._limits.attempts
        if tasks is not None and self._ended.kept - self._kept_but_held >= tasks:
            self.reason, self._is_over = f"{tasks} tasks are kept.", True
        if self._only_under_way and not self._to_resume:
            self.reason = self.reason or "The journeys that were under way have ended."
        if self.reason or (attempts is not None and number > attempts):
            return False
        # All journeys up to its horizon have ended.
        first = min(self._in_flight, default=number)
        may = first > self._context.in_flight.horizon(number)
        return may and len(self._in_flight) < self._most_useful()

    @property
    def _kept_but_held(self) -> int:
        return sum(record.status == "learned" for record in self._held.values())

    def _most_useful(self) -> float:
        """The number of journeys that the tasks still wanted are likely to take: more of them would
        probably be begun in vain."""
        if self._limits.tasks is None:
            return math.inf
        rate = (self._ended.kept + 1) / (self._ended.count + 2)
        return math.ceil((self._limits.tasks - self._ended.kept) / rate)

    def _run_journey(self, number: int) -> None:
        try:
            self._messages.put((number, run_journey(self._context, number)))
        except BaseException as error:
            self._messages.put((number, error))

    # Ending journeys.

    def _handle_next(self) -> None:
        """Wait for the next message or deadline, and act on it."""
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            self._handle_deadline()
            return
        if is_ending := self._context.in_flight.is_stopped:
            self._context.executor.cancel(running=False)
        longest_s = CANCEL_AGAIN_S if is_ending or self._stop else threading.TIMEOUT_MAX
        try:
            message = self._messages.get(timeout=min(left_s, longest_s))
        except queue.Empty:
            if not (self._stop and self._stop.is_set()):
                return
            message = "stop"
        if message == "stop":
            self.reason, self._is_over = STOPPED, True
            return
        number, end = message
        self._in_flight.remove(number)
        match end:
            case Record():
                self._record(end)
            case Stopped() | JobCancelled() | ModelStopped():
                self._context.in_flight.suspend(number)
            case BudgetSpent() | ModelError():
                # The other journeys may still have work that needs no model.
                self._context.in_flight.suspend(number)
                self._begin_no_more(end)
            case _:
                self._error, self._is_over = end, True

    def _handle_deadline(self) -> None:
        """Let no further step begin; the second time, do not wait for those under way either."""
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

    def _record(self, record: Record) -> None:
        self._ended.add(record.number, record.status)
        self._held[record.number] = record
        for number in sorted(self._held):
            if self._comes_before_the_end(number):
                self._write(self._held.pop(number))
                self._ended.settle(number)
        self._context.in_flight.end(record)

    def _comes_before_the_end(self, number: int) -> bool:
        """Whether a journey belongs to the run whatever becomes of earlier ones: with `--tasks T`
        the run ends with the journey that brings the T-th kept task, by number."""
        if self._limits.tasks is None:
            return True
        ended, kept = self._ended.before(number)
        return kept + number - 1 - ended < self._limits.tasks

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

    def _shut_down(self) -> None:
        """Stop what is still under way; nothing of ours goes on after this."""
        self._context.in_flight.stop()
        self._context.executor.cancel()
        self._close_model()
        deadline = time.monotonic() + self._shutdown_s
        while self._in_flight and time.monotonic() < deadline:
            self._context.executor.cancel()
            with contextlib.suppress(queue.Empty):
                message = self._messages.get(timeout=CANCEL_AGAIN_S)
                if message != "stop":
                    self._in_flight.discard(message[0])

    @contextlib.contextmanager
    def _listening_to_signals(self) -> Iterator[None]:
        """Turn Ctrl-C and SIGTERM into messages. A signal that is ignored, as under `nohup`, stays
        ignored, and one that has a handler in C keeps it."""
        if threading.current_thread() is not threading.main_thread():
            # Python hands signals to its main thread alone.
            yield
            return

        def stop(signum: int, frame: FrameType | None) -> None:
            # A second Ctrl-C while we are ending must not interrupt that.
            signal.signal(signum, signal.SIG_IGN)
            self._messages.put("stop")

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
