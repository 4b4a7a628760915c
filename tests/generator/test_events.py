"""Each event is a whole line of the file as soon as it has been reported."""

import json
import os
import resource
import threading

import pytest

from taskwright.errors import StorageError
from taskwright.generator.events import Events


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_event_is_in_the_file_when_it_has_been_reported(tmp_path):
    path, seen = tmp_path / "events.jsonl", []
    events = Events(path, seen.append)
    for number in range(3):
        events("warning", text=f"größer {number}")
        assert [event["text"] for event in lines(path)] == [
            f"größer {n}" for n in range(number + 1)
        ]
    assert lines(path) == seen
    events.close()
    events("warning", text="too late")
    assert len(lines(path)) == len(seen) == 3


def test_threads_report_whole_lines_in_one_order(tmp_path):
    path, seen = tmp_path / "events.jsonl", []
    events = Events(path, seen.append)

    def report(journey):
        for step in range(50):
            events("curve", journey=journey, steps=step, text="x" * 500)

    threads = [threading.Thread(target=report, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events.close()
    assert lines(path) == seen
    assert len(seen) == 400


def test_half_a_line_of_a_run_that_was_killed_spoils_no_other(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"event": "war')
    events = Events(path, lambda event: None)
    events("warning", text="a")
    events.close()
    assert path.read_bytes().startswith(b'{"event": "war\n')
    assert [json.loads(line)["text"] for line in path.read_bytes().splitlines()[1:]] == ["a"]


def test_a_line_that_a_full_disk_has_cut_off_spoils_no_other(tmp_path):
    """A limit on the size of files stands for a full disk: both cut a line off in the middle."""
    path = tmp_path / "events.jsonl"
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            events = Events(path, lambda event: None)
            events("warning", text="a")
            size = path.stat().st_size
            most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, most))
            with pytest.raises(StorageError):
                events("warning", text="b")
            assert path.stat().st_size == size + 20
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
            events("warning", text="c")
            events.close()
            os.write(writer, b"done")
        finally:
            os._exit(0)
    os.close(writer)
    assert os.read(reader, 4) == b"done"
    os.waitpid(child, 0)
    os.close(reader)
    first, cut_off, last = path.read_bytes().splitlines()
    assert [json.loads(line)["text"] for line in (first, last)] == ["a", "c"]
    assert len(cut_off) == 20
