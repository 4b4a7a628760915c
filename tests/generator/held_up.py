"""Programs in which Python stands still, or not, for `test_watchdog` to stop.

Arguments: how patient the watchdog is in seconds, a program, and what that wants. Each says "ready"
when it has come to where it stays.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import time
from pathlib import Path

from taskwright.generator import watchdog
from taskwright.generator.watchdog import Watchdog


def stand_still() -> None:
    """Compute in C, for ages, what lets no other thread of this process do anything."""
    print("ready", flush=True)
    re.fullmatch("(a*)*b", "a" * 100)


def in_another_thread() -> None:
    threading.Thread(target=stand_still, daemon=True).start()


def hung(seconds: str = "") -> None:
    """Python stands still; with so many seconds to live."""
    with Watchdog() as guard:
        # As a run does; but this will never be called.
        signal.signal(signal.SIGTERM, lambda *_: None)
        if seconds:
            guard.expect_end_within(float(seconds))
        in_another_thread()
        time.sleep(600)


def sound(seconds: str = "", then_s: str = "0") -> None:
    """Ends when it is told to, or its time is up, and then some."""
    stop = threading.Event()
    with Watchdog() as guard:
        for number in (signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, lambda *_: stop.set())
        if seconds:
            guard.expect_end_within(float(seconds))
        print("ready", flush=True)
        deadline = time.monotonic() + float(seconds or 600)
        while not stop.is_set() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(float(then_s))


def abandoned() -> None:
    """Its watchdog is killed, and then it gets a signal."""
    stopped = threading.Event()
    with Watchdog() as guard:
        signal.signal(signal.SIGINT, lambda *_: stopped.set())
        guard._process.kill()
        guard._process.wait()
        print("ready", flush=True)
        sys.exit(0 if stopped.wait(60) else 1)


def deaf_thread() -> None:
    """Watched over from another thread than the main one, to which signals do not come."""

    def work() -> None:
        with Watchdog() as guard:
            guard.expect_end_within(0.2)
            stand_still()

    threading.Thread(target=work).start()
    time.sleep(600)


def unread() -> None:
    """Nobody reads what it says on standard error, and no more fits in."""
    os.set_blocking(2, False)
    try:
        while True:
            os.write(2, b"." * 4096)
    except BlockingIOError:
        os.set_blocking(2, True)
    hung()


def run(signal_file: str, *arguments: str) -> None:
    """`taskwright run`, which stands still over the idea of its second journey once that file is
    there."""
    # They take long to load.
    from taskwright.cli import main as cli
    from taskwright.generator import model_author

    parse_idea = model_author.parse_idea

    def read(answer: str) -> object:
        if threading.current_thread().name != "journey 2":
            return parse_idea(answer)
        while not Path(signal_file).exists():
            time.sleep(0.02)
        stand_still()
        return None

    vars(model_author)["parse_idea"] = read
    sys.argv = ["taskwright", "run", *arguments]
    cli.main()


PROGRAMS = {program.__name__: program for program in (hung, sound, abandoned, unread, run)}
PROGRAMS["thread"] = deaf_thread

if __name__ == "__main__":
    watchdog.ENDING_S = float(sys.argv[1])
    PROGRAMS[sys.argv[2]](*sys.argv[3:])
