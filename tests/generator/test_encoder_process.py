"""The encoder in a process of its own gives the vectors of the one in this, whatever happens."""

from __future__ import annotations

import os
import signal
import threading
import time

import numpy as np
import pytest
from processes import descendants, wait_until_gone

from taskwright.archive.embedding import SentenceEncoder
from taskwright.errors import BrokenError
from taskwright.executor.job import JobCancelled
from taskwright.generator.encoder_process import EncoderProcess

TEXTS = ["A robot reaches a beacon.", "It pushes a crate.\n\nÜber die Brücke", ""]


@pytest.fixture
def encoder():
    with EncoderProcess() as encoder:
        yield encoder


def worker() -> int:
    """The process that embeds; the only one that this process has started for this test."""
    (found,) = {pid for pid in descendants(os.getpid()) if "encoder_worker" in command_line(pid)}
    return found


def command_line(pid: int) -> str:
    with open(f"/proc/{pid}/cmdline") as file:
        return file.read()


def test_vectors_are_equal_to_the_last_bit_also_after_its_process_was_killed(encoder):
    expected = SentenceEncoder().encode_all(TEXTS)
    assert np.array_equal(encoder.encode_all(TEXTS), expected)
    pid = worker()
    os.kill(pid, signal.SIGKILL)
    assert np.array_equal(encoder.encode(TEXTS[0]), expected[0])
    assert worker() != pid
    assert encoder.name == SentenceEncoder.name


def test_a_text_that_no_model_reads_is_broken_and_the_next_one_is_not(encoder):
    with pytest.raises(BrokenError, match="cannot be embedded"):
        encoder.encode("half a letter: \ud800")
    assert encoder.encode(TEXTS[0]).shape == (384,)


def test_closing_ends_its_process_and_whoever_waits(encoder):
    ends: list[BaseException] = []
    begun = threading.Event()

    def wait() -> None:
        begun.set()
        try:
            # More than a process does before it is closed.
            encoder.encode_all(["word " * 200] * 2000)
        except BaseException as error:
            ends.append(error)

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert begun.wait(5.0)
    deadline = time.monotonic() + 10.0
    while not (found := {p for p in descendants(os.getpid()) if "encoder_" in command_line(p)}):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    began = time.monotonic()
    encoder.close()
    for thread in threads:
        thread.join(5.0)
    assert time.monotonic() - began < 5.0
    assert [type(end) for end in ends] == [JobCancelled] * 3
    assert wait_until_gone(found)
    with pytest.raises(JobCancelled):
        encoder.encode("later")
    encoder.close()
