"""What many threads write at the same time is synced together, and each of them can rely on it."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from taskwright.archive import tampering
from taskwright.archive.store import FILE_NAME, Archive
from taskwright.errors import StorageError
from taskwright.task import Idea

JOURNEYS = 24
WRITER = f"""
import os, sys, threading
from taskwright.archive.store import Archive
from taskwright.task import Idea

archive = Archive.create_or_open(sys.argv[1])

def write(number):
    journal = archive.journal(number)
    for step in range(10_000):
        journal.once(f"step {{step}}", Idea, lambda: Idea(str(step), "", "", "", ""))
        os.write(1, f"{{number}} {{step}}\\n".encode())

for number in range(1, {JOURNEYS} + 1):
    archive.start_journey()
for number in range(1, {JOURNEYS} + 1):
    threading.Thread(target=write, args=(number,)).start()
"""


def test_nothing_that_was_written_is_lost_when_the_writer_is_killed(tmp_path):
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    said = [writer.stdout.readline() for _ in range(20 * JOURNEYS)]
    writer.send_signal(signal.SIGKILL)
    said += writer.stdout.readlines()
    writer.wait()
    written = {tuple(map(int, line.split())) for line in said if line.endswith("\n")}
    assert len(written) >= 20 * JOURNEYS
    with Archive.create_or_open(tmp_path) as archive:
        for number in range(1, JOURNEYS + 1):
            steps = [name for name, _ in archive.journal(number).steps()]
            # What follows a step was not begun before that was safe.
            assert steps == [f"step {n}" for n in range(len(steps))]
            last = max(step for journey, step in written if journey == number)
            assert last < len(steps) <= last + 2


def write_step(archive, number, name, text=""):
    archive.journal(number).once(name, Idea, lambda: Idea(text, "", "", "", ""))


def in_threads(work, count):
    threads = [threading.Thread(target=work, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_writes_of_many_threads_share_a_transaction(tmp_path):
    with Archive.create_or_open(tmp_path) as archive:
        for _ in range(JOURNEYS):
            archive.start_journey()
        statements = []
        archive._connection.set_trace_callback(statements.append)

        def write(place):
            for step in range(10):
                write_step(archive, place + 1, str(step))

        # The disk is slow, and all of them have come before it is done.
        with archive._connection._lock:
            threading.Thread(target=in_threads, args=(write, JOURNEYS)).start()
            time.sleep(0.2)
        while len(archive.journal(JOURNEYS).steps()) < 10 or archive._connection._somebody_writes:
            time.sleep(0.01)
        archive._connection.set_trace_callback(None)
        assert sum(s.startswith("INSERT INTO steps") for s in statements) == 10 * JOURNEYS
        assert statements.count("COMMIT") < 5 * JOURNEYS


def test_a_write_that_fails_fails_alone(tmp_path):
    ends = {}
    with Archive.create_or_open(tmp_path) as archive:
        for _ in range(JOURNEYS):
            archive.start_journey()

        def write(place):
            # Every third journey does not exist.
            number = place + 1 if place % 3 else 1000 + place
            try:
                write_step(archive, number, "step")
            except sqlite3.IntegrityError as error:
                ends[place] = str(error)

        in_threads(write, JOURNEYS)
        for place in range(JOURNEYS):
            assert len(archive.journal(place + 1).steps()) == (1 if place % 3 else 0)
    assert ends == dict.fromkeys(range(0, JOURNEYS, 3), "FOREIGN KEY constraint failed")


def test_a_full_disk_is_told_to_everybody_whose_write_is_lost(tmp_path):
    done, failed = [], []
    with Archive.create_or_open(tmp_path) as archive:
        for _ in range(JOURNEYS):
            archive.start_journey()
        ((pages,),) = archive._connection.rows("PRAGMA page_count")
        archive._connection.rows(f"PRAGMA max_page_count = {pages + 20}")

        def write(place):
            for step in range(100):
                try:
                    write_step(archive, place + 1, f"{step}", os.urandom(400).hex())
                    done.append((place + 1, f"{step}"))
                except StorageError:
                    failed.append((place + 1, f"{step}"))
                    return

        in_threads(write, JOURNEYS)
    with Archive.open(tmp_path) as archive:
        kept = [(n, name) for n in range(1, JOURNEYS + 1) for name, _ in archive.journal(n).steps()]
    assert len(failed) == JOURNEYS
    assert sorted(kept) == sorted(done)


def test_the_time_limit_of_a_question_is_none_of_a_write_after_it(tmp_path, monkeypatch):
    with Archive.create_or_open(tmp_path) as archive:
        with archive.transaction():
            for number in range(5_000):
                archive.keep_embedding(str(number), "one", np.ones(1, np.float32))
        # Too little for any statement of more than some instructions.
        monkeypatch.setattr(tampering, "STATEMENT_S", -1.0)
        assert archive.last_number() == 0
        archive.drop_embeddings_but("another")
        assert archive.embedder() is None


def test_a_transaction_takes_in_what_others_write_meanwhile(tmp_path):
    with Archive.create_or_open(tmp_path) as archive:

        def fail():
            with archive.transaction():
                in_threads(lambda place: archive.start_journey(), 1)
                raise KeyError

        with pytest.raises(KeyError):
            fail()
        assert archive.last_number() == 0
        with archive.transaction():
            archive.start_journey()
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        assert connection.execute("SELECT number FROM journeys").fetchall() == [(1,)]
