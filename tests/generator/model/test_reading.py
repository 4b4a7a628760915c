"""Reading an answer, whatever it holds, and knowing of one that has brought a process down."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from taskwright.errors import BrokenError
from taskwright.generator.answers import AnswerError
from taskwright.generator.model.cache import Answer, AnswerCache
from taskwright.generator.model.log import read_calls
from taskwright.generator.model.meter import Meter
from taskwright.task import Cost

KEY = "ab" * 32
ANSWER = Answer("hello", "stop", Cost(1))


def too_deep(answer: str) -> str:
    return too_deep(answer)


def out_of_memory(answer: str) -> str:
    raise MemoryError


def of_its_own_fault(answer: str) -> str:
    return answer[len(answer)]


@pytest.mark.parametrize(
    ("parse", "named"),
    [
        (too_deep, "RecursionError"),
        (out_of_memory, "MemoryError"),
        (of_its_own_fault, "IndexError"),
        (lambda answer: re.compile(answer), "error"),
        (lambda answer: answer.encode("ascii"), "UnicodeEncodeError"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_whatever_a_parser_raises_is_an_answer_that_cannot_be_read(
    model, meter, model_server, reply, parse, named
):
    model_server.answer = lambda prompt: "(é"
    asked = model()
    with pytest.raises(BrokenError, match=rf"twice: The answer could not be read \({named}\)"):
        asked.ask("idea", "?", parse, meter)
    second = model_server.requests[1]
    assert "could not be read" in second["messages"][2]["content"]
    # It concerns that journey alone.
    assert asked.ask("idea", "another", str, meter) == "(é"


def test_a_parser_that_quotes_the_whole_answer_does_not_have_it_sent_back(
    model, meter, model_server, reply
):
    def quoting(answer: str) -> str:
        raise AnswerError(f"This is no good: {answer}")

    model_server.answer = lambda prompt: "x" * 150_000
    with pytest.raises(BrokenError) as caught:
        model().ask("idea", "?", quoting, meter)
    assert len(model_server.requests[1]["messages"][2]["content"]) <= 2_000
    assert len(str(caught.value)) < 3_000


# An answer that ends the process which reads it.

READ = """
import os, signal, sys, time
from pathlib import Path
from taskwright.config import ModelConfig
from taskwright.generator.model.client import FoundationModel
from taskwright.generator.model.meter import Meter

run_dir, url, cache, ending = sys.argv[1:]

def parse(answer):
    if ending == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    Path(run_dir, "reads").touch()
    time.sleep(60)

config = ModelConfig(name="scripted", base_url=url, cache=cache or None)
Path(run_dir).mkdir(exist_ok=True)
with FoundationModel(config, Path(run_dir), lambda *_, **__: None) as model:
    meter = Meter(7)
    meter.begin("idea")
    model.ask("idea", "?", parse, meter)
"""


@pytest.fixture
def reader(model_server, tmp_path):
    """Starts a process that asks, and dies of the answer or reads it for a long time."""
    begun = []

    def read(run_dir=tmp_path, ending="dies", cache=""):
        command = [sys.executable, "-c", READ, str(run_dir), model_server.url, str(cache), ending]
        begun.append(subprocess.Popen(command, env={**os.environ, "OPENAI_API_KEY": ""}))
        return begun[-1]

    yield read
    for process in begun:
        process.kill()
        process.wait(10)


def ask_again(asked, parse=str):
    """What a step that was cut off does when it is done again."""
    meter = Meter(7)
    meter.begin("idea")
    return asked.ask("idea", "?", parse, meter)


def unless_it_is(bad):
    def parse(answer: str) -> str:
        assert answer != bad, "it was read again"
        return answer

    return parse


@pytest.fixture
def counting(model_server):
    """A server whose answers are all different."""
    model_server.answer = lambda prompt: f"answer {len(model_server.requests)}"
    return model_server


def test_an_answer_that_killed_its_reader_is_not_read_again_but_asked_for_anew(
    model, counting, reader, warnings, tmp_path
):
    assert reader().wait(60) == -signal.SIGKILL
    assert ask_again(model(), unless_it_is("answer 1")) == "answer 2"
    _, sent_back, reason = counting.requests[1]["messages"]
    assert sent_back["content"] == "answer 1"
    assert "the program that read it came to no end" in reason["content"]
    assert len(warnings) == 1
    assert "being read when an earlier process ended" in warnings[0]
    # Nor by any later process, which pays for nothing.
    assert ask_again(model(), unless_it_is("answer 1")) == "answer 2"
    assert len(counting.requests) == 2
    assert [entry["answer"] for entry in read_calls(tmp_path)] == ["answer 1", "answer 2"]


def test_an_answer_that_kills_its_reader_each_time_breaks_the_journey_and_nothing_else(
    model, model_server, reader
):
    for _ in range(2):
        assert reader().wait(60) == -signal.SIGKILL
    asked = model()
    with pytest.raises(BrokenError, match="twice: The answer could not be read: the program"):
        ask_again(asked)
    assert len(model_server.requests) == 2
    assert asked.ask("idea", "another", str, Meter(8)) == "hello"


def test_an_answer_over_which_a_process_hung_until_it_was_killed_is_not_read_again(
    model, counting, reader, tmp_path
):
    hanging = reader(ending="hangs")
    while not (tmp_path / "reads").exists():
        time.sleep(0.02)
    hanging.kill()
    hanging.wait(10)
    assert ask_again(model(), unless_it_is("answer 1")) == "answer 2"


def test_an_answer_that_another_process_is_reading_is_read_here_as_well(
    model, counting, reader, tmp_path, warnings
):
    shared = tmp_path / "shared"
    busy = reader(tmp_path / "a", "hangs", shared)
    while not (tmp_path / "a" / "reads").exists():
        time.sleep(0.02)
    assert ask_again(model(tmp_path / "b", cache=shared)) == "answer 1"
    assert warnings == []
    assert busy.poll() is None
    assert len(list(shared.glob("*/*.reading"))) == 1, "the other one's is left alone"


def test_runs_that_share_answers_know_of_one_that_killed_a_reader(
    model, counting, reader, tmp_path
):
    shared = tmp_path / "shared"
    assert reader(tmp_path / "a", cache=shared).wait(60) == -signal.SIGKILL
    for name in "bc":
        other = model(tmp_path / name, cache=shared)
        assert ask_again(other, unless_it_is("answer 1")) == "answer 2"
    assert len(counting.requests) == 2


def test_a_replay_does_not_read_it_either_and_leaves_the_recorded_run_as_it_is(
    model, counting, reader, tmp_path
):
    recorded = tmp_path / "a"
    assert reader(recorded).wait(60) == -signal.SIGKILL
    (marker,) = recorded.glob("answers/*/*.reading")
    with pytest.raises(Exception, match="never asked this"):
        ask_again(model(tmp_path / "b", replay=recorded), unless_it_is("answer 1"))
    assert marker.exists()
    assert ask_again(model(recorded), unless_it_is("answer 1")) == "answer 2"
    for source, name in ((recorded, "c"), (tmp_path / "c", "d")):
        replay = model(tmp_path / name, replay=source)
        assert ask_again(replay, unless_it_is("answer 1")) == "answer 2"


def test_nothing_is_left_beside_answers_that_were_read_whatever_came_of_it(
    model, meter, counting, tmp_path
):
    asked = model(cache=tmp_path / "shared")
    asked.ask("idea", "?", str, meter)
    with pytest.raises(BrokenError):
        asked.ask("idea", "other", of_its_own_fault, meter)

    def interrupted(answer: str) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asked.ask("idea", "third", interrupted, meter)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".jsonl"}


def test_many_threads_read_one_answer_at_once(tmp_path):
    cache = AnswerCache(tmp_path)
    cache.keep(KEY, ANSWER)

    def read(_: int) -> Answer | None:
        with cache.reading(KEY):
            return cache.find(KEY)

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(read, range(400))) == {ANSWER}
    assert [path.suffix for path in tmp_path.rglob("*.*")] == [".json"]


STORM = """
import sys
from pathlib import Path
from taskwright.generator.model.cache import AnswerCache

cache = AnswerCache(Path(sys.argv[1]))
for _ in range(400):
    with cache.reading(sys.argv[2]):
        found = cache.find(sys.argv[2])
    assert found.finish_reason == "stop", found
"""


def test_processes_that_come_and_go_never_take_each_other_for_dead(tmp_path):
    cache = AnswerCache(tmp_path)
    cache.keep(KEY, ANSWER)
    command = [sys.executable, "-c", STORM, str(tmp_path), KEY]
    storms = [subprocess.Popen(command) for _ in range(3)]
    while any(storm.poll() is None for storm in storms):
        assert cache.find(KEY) == ANSWER
    assert [storm.returncode for storm in storms] == [0, 0, 0]


def test_a_new_answer_in_place_of_a_lost_one_has_no_past(model, counting, reader, tmp_path):
    assert reader().wait(60) == -signal.SIGKILL
    (kept,) = tmp_path.glob("answers/*/*.json")
    kept.unlink()
    assert ask_again(model()) == "answer 2"
    assert ask_again(model()) == "answer 2"


@pytest.mark.skipif(os.geteuid() == 0, reason="Root may write everywhere.")
def test_answers_in_a_folder_that_may_not_be_written_to_are_read(model, counting, tmp_path):
    shared = tmp_path / "shared"
    ask_again(model(tmp_path / "a", cache=shared))
    for folder in (*shared.iterdir(), shared):
        folder.chmod(0o555)
    assert ask_again(model(tmp_path / "b", cache=shared)) == "answer 1"
    for folder in (shared, *shared.iterdir()):
        folder.chmod(0o755)
