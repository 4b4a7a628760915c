"""What journeys know of each other, and who is woken when one goes on."""

import contextlib
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskwright.generator.in_flight import InFlight, JourneyState, Stopped
from taskwright.task import Idea, Record, Task

IDEA = Idea("Cross", "A bridge.", "Done.", "", "")


def record(number):
    return Record(number, "learned", "", IDEA)


def nobody(number):
    raise AssertionError(f"nobody has to wait for {number}")


@given(st.lists(st.integers(1, 12), unique=True), st.integers(1, 5), st.data())
@settings(max_examples=50, deadline=None)
def test_a_journey_knows_all_that_have_ended_up_to_its_horizon(before, concurrency, data):
    """Whatever has ended before the command, in whatever order the others end, and with gaps."""
    in_flight = InFlight(concurrency, [record(number) for number in before])
    left = data.draw(st.permutations([n for n in range(1, 13) if n not in before]))
    ended = set(before)
    for number in left:
        in_flight.begin(number)
    for number in [*left, None]:
        for horizon in data.draw(st.lists(st.integers(0, 14), max_size=3)):
            past = in_flight.past(horizon)
            assert [r.number for r in past] == sorted(n for n in ended if n <= horizon)
        if number is not None:
            in_flight.end(record(number))
            ended.add(number)
    assert in_flight.records() == [record(number) for number in sorted(ended)]


@pytest.fixture
def looks(monkeypatch):
    """How often somebody who waits has looked whether it has come."""
    counted = []
    has_come_to = JourneyState.has_come_to

    def counting(state, what):
        counted.append((state.number, what))
        return has_come_to(state, what)

    monkeypatch.setattr(JourneyState, "has_come_to", counting)
    return counted


def in_threads(*works):
    threads = [threading.Thread(target=work, daemon=True) for work in works]
    for thread in threads:
        thread.start()
    return threads


def test_only_those_are_woken_who_wait_for_what_has_come(looks):
    in_flight = InFlight(100)
    for number in range(1, 101):
        in_flight.begin(number)
    waiting, found = threading.Semaphore(0), []

    def wait_for_end(number):
        with contextlib.suppress(Stopped):
            found.append(in_flight.end_of(number, lambda other: waiting.release()).number)

    threads = in_threads(*(lambda n=n: wait_for_end(n) for n in range(1, 101)))
    for _ in threads:
        assert waiting.acquire(timeout=10.0)
    while len(in_flight._awaited) < 100:
        time.sleep(0.001)
    before = len(looks)
    in_flight.share(50, idea=IDEA)
    in_flight.share(51, task=Task("x = 1\n"))
    in_flight.end(record(7))
    threads[6].join(timeout=10.0)
    assert found == [7]
    # Nobody waited for an idea or for code, and one for the end of 7.
    assert looks[before:] == [(7, "end")]
    in_flight.stop()
    for thread in threads:
        thread.join(timeout=10.0)
        assert not thread.is_alive()


def test_ideas_that_come_one_after_the_other_wake_each_journey_once(looks):
    """As where each idea follows from those before it."""
    count = 60
    in_flight = InFlight(count)
    for number in range(1, count + 1):
        in_flight.begin(number)
    seen = {}

    def propose(number):
        seen[number] = in_flight.beside(number, 0, "idea", lambda other: None)
        in_flight.share(number, idea=IDEA)

    # The last one first, so that all but one have to wait.
    threads = in_threads(*(lambda n=n: propose(n) for n in range(count, 0, -1)))
    for thread in threads:
        thread.join(timeout=10.0)
    assert [len(seen[n]) for n in range(1, count + 1)] == list(range(count))
    # Each looks over those before it at most twice, and whoever waits looks three times.
    assert len(looks) <= count * count + 4 * count


def test_what_a_journey_waits_for_may_end_or_go_no_further():
    in_flight = InFlight(4)
    for number in (1, 2, 3):
        in_flight.begin(number)
    in_flight.share(1, idea=IDEA)
    in_flight.end(Record(2, "broken", "", Idea("(no idea yet)", "", "", "", "")))
    assert [s.idea for s in in_flight.beside(3, 0, "idea", nobody)] == [IDEA, None]
    in_flight.suspend(1)
    # Its idea is known, but its end will not come.
    assert in_flight.beside(3, 0, "idea", nobody)[0].idea == IDEA
    with pytest.raises(Stopped):
        in_flight.end_of(1, lambda other: None)
    with pytest.raises(Stopped):
        in_flight.beside(3, 0, "task", lambda other: None)


@pytest.mark.parametrize("what_happens", ["stop", "suspend"])
def test_nobody_is_left_waiting(what_happens):
    in_flight = InFlight(4)
    for number in (1, 2, 3):
        in_flight.begin(number)
    waiting, ends = threading.Semaphore(0), []

    def wait(what):
        try:
            if what == "end":
                in_flight.end_of(1, lambda other: waiting.release())
            else:
                in_flight.beside(2, 0, what, lambda other: waiting.release())
        except Stopped:
            ends.append(what)

    threads = in_threads(*(lambda w=w: wait(w) for w in ("idea", "task", "end")))
    for _ in threads:
        assert waiting.acquire(timeout=10.0)
    in_flight.stop() if what_happens == "stop" else in_flight.suspend(1)
    for thread in threads:
        thread.join(timeout=10.0)
    assert sorted(ends) == ["end", "idea", "task"]
