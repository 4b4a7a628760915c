"""Reading an answer, whatever it holds, and knowing of one that has brought a process down."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from taskwright.errors import BrokenError, ModelError
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


def begin_to_read(run_dir, url: str, ending: str, cache="") -> subprocess.Popen[bytes]:
    """Start a process that asks, and dies of the answer or reads it for a long time."""
    command = [sys.executable, "-c", READ, str(run_dir), url, str(cache), ending]
    return subprocess.Popen(command, env={**os.environ, "OPENAI_API_KEY": ""})


@pytest.fixture(scope="module")
def dead(tmp_path_factory, model_server_type):
    """The folder `run` of a run that was killed while it read an answer, and that of the answers it
    `shared`."""
    folder = tmp_path_factory.mktemp("dead")
    server = model_server_type()
    server.answer = lambda prompt: "deadly"
    reader = begin_to_read(folder / "run", server.url, "dies", folder / "shared")
    assert reader.wait(60) == -signal.SIGKILL
    server.close()
    return folder


@pytest.fixture
def left(dead, tmp_path):
    """A copy of it."""
    return shutil.copytree(dead, tmp_path / "left")


def ask_again(asked, parse=str):
    """What a step that was cut off does when it is done again."""
    meter = Meter(7)
    meter.begin("idea")
    return asked.ask("idea", "?", parse, meter)


def unless_deadly(answer: str) -> str:
    assert answer != "deadly", "it was read again"
    return answer


@pytest.fixture
def counting(model_server):
    """A server whose answers are all different."""
    model_server.answer = lambda prompt: f"answer {len(model_server.requests)}"
    return model_server


def test_an_answer_that_killed_its_reader_is_not_read_again_but_asked_for_anew(
    model, counting, left, warnings
):
    assert ask_again(model(left / "run"), unless_deadly) == "answer 1"
    _, sent_back, reason = counting.requests[0]["messages"]
    assert sent_back["content"] == "deadly"
    assert "the program that read it came to no end" in reason["content"]
    assert len(warnings) == 1
    assert "being read when an earlier process ended" in warnings[0]
    # Nor by any later process, which pays for nothing.
    assert ask_again(model(left / "run"), unless_deadly) == "answer 1"
    assert len(counting.requests) == 1
    assert [entry["answer"] for entry in read_calls(left / "run")] == ["deadly", "answer 1"]


def test_an_answer_that_kills_its_reader_each_time_breaks_the_journey_and_nothing_else(
    model, counting, left
):
    reader = begin_to_read(left / "run", counting.url, "dies")
    assert reader.wait(60) == -signal.SIGKILL
    assert len(counting.requests) == 1
    asked = model(left / "run")
    with pytest.raises(BrokenError, match="twice: The answer could not be read: the program"):
        ask_again(asked)
    assert len(counting.requests) == 1
    assert asked.ask("idea", "another", str, Meter(8)) == "answer 2"


@pytest.fixture
def busy(counting, tmp_path):
    """A process in the middle of reading an answer, in the folder `busy`, which it `shared`."""
    with begin_to_read(tmp_path / "busy", counting.url, "hangs", tmp_path / "shared") as reader:
        while not (tmp_path / "busy" / "reads").exists():
            time.sleep(0.02)
        yield reader
        reader.kill()


def test_an_answer_that_another_process_is_reading_is_read_here_as_well(
    model, counting, busy, tmp_path, warnings
):
    shared = tmp_path / "shared"
    assert ask_again(model(tmp_path / "here", cache=shared)) == "answer 1"
    assert warnings == []
    assert len(list(shared.glob("*/*.reading"))) == 1, "the other one's is left alone"
    # Once it has hung until somebody killed it, nobody reads that answer again.
    busy.kill()
    busy.wait(10)
    assert ask_again(model(tmp_path / "busy", cache=shared)) == "answer 2"
    assert ask_again(model(tmp_path / "there", cache=shared)) == "answer 2"


def test_runs_that_share_answers_know_of_one_that_killed_a_reader(model, counting, left):
    for name in "ab":
        other = model(left / name, cache=left / "shared")
        assert ask_again(other, unless_deadly) == "answer 1"
    assert len(counting.requests) == 1


def test_a_replay_does_not_read_it_either_and_leaves_the_recorded_run_as_it_is(
    model, counting, left, tmp_path
):
    recorded = left / "run"
    (marker,) = recorded.glob("answers/*/*.reading")
    with pytest.raises(ModelError, match="never asked this"):
        ask_again(model(tmp_path / "a", replay=recorded), unless_deadly)
    assert marker.exists()
    assert ask_again(model(recorded), unless_deadly) == "answer 1"
    for source, name in ((recorded, "b"), (tmp_path / "b", "c")):
        replay = model(tmp_path / name, replay=source)
        assert ask_again(replay, unless_deadly) == "answer 1"


def test_a_new_answer_in_place_of_a_lost_one_has_no_past(model, counting, left):
    (kept,) = left.glob("run/answers/*/*.json")
    kept.unlink()
    assert ask_again(model(left / "run")) == "answer 1"
    assert ask_again(model(left / "run")) == "answer 1"


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
        assert set(pool.map(read, range(200))) == {ANSWER}
    assert [path.suffix for path in tmp_path.rglob("*.*")] == [".json"]


STORM = """
import sys
from pathlib import Path
from taskwright.generator.model.cache import AnswerCache

cache = AnswerCache(Path(sys.argv[1]))
for _ in range(150):
    with cache.reading(sys.argv[2]):
        found = cache.find(sys.argv[2])
    assert found.finish_reason == "stop", found
"""


def test_processes_that_come_and_go_never_take_each_other_for_dead(tmp_path):
    cache = AnswerCache(tmp_path)
    cache.keep(KEY, ANSWER)
    command = [sys.executable, "-c", STORM, str(tmp_path), KEY]
    storms = [subprocess.Popen(command) for _ in range(2)]
    while any(storm.poll() is None for storm in storms):
        assert cache.find(KEY) == ANSWER
    assert [storm.returncode for storm in storms] == [0, 0]


@pytest.mark.skipif(os.geteuid() == 0, reason="Root may write everywhere.")
def test_answers_in_a_folder_that_may_not_be_written_to_are_read(model, counting, tmp_path):
    shared = tmp_path / "shared"
    ask_again(model(tmp_path / "a", cache=shared))
    for folder in (*shared.iterdir(), shared):
        folder.chmod(0o555)
    assert ask_again(model(tmp_path / "b", cache=shared)) == "answer 1"
    for folder in (shared, *shared.iterdir()):
        folder.chmod(0o755)
