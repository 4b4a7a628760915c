"""An executor that another package adds by an entry point: real files of an installed distribution,
found as any other is."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from taskwright.archive.store import Archive
from taskwright.cli.main import cli
from taskwright.config import RunConfig
from taskwright.errors import UsageError
from taskwright.executor import EXECUTORS, GROUP, executors, make_executor
from taskwright.executor.job import Executor

MODULE = '''
from taskwright.executor.job import Executor, JobResult, ignore_news, ignore_state
from taskwright.task import Outcome, Trial, to_json
from taskwright.trainer.requests import Film, Replay


class Oracle(Executor):
    """Knows what comes of every job."""

    did = []

    def __init__(self, run):
        self.workers = run.workers or 7

    def run(self, job, tell=ignore_news, at_work=ignore_state):
        self.did.append(job.kind)
        noun, outputs = {
            "check": (Outcome("passed"), {}),
            "trial": (Trial("learned", "It was.", 0.0, 1.0), {"policy": b"a policy"}),
            "film": (Film(1, True), {"film": b"a film"}),
            "replay": (Replay(3, 8), {"replay": b"a replay"}),
        }[job.kind]
        return JobResult(job.job_id, to_json(noun), outputs=outputs)

    def cancel(self, *, running=True):
        pass

    def close(self):
        pass


def nothing(run):
    return "nothing"
'''
ENTRY_POINTS = f"""
[{GROUP}]
delphi = oracles:Oracle
empty = oracles:nothing
gone = no_such_module:Oracle
local = oracles:Oracle
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A distribution as `pip install --target` leaves it, in a folder on `sys.path`. Gives what its
    executor did."""
    site = tmp_path / "site-packages"
    about = site / "oracles-1.0.dist-info"
    about.mkdir(parents=True)
    (site / "oracles.py").write_text(MODULE)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: oracles\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(site)
    import oracles

    yield oracles.Oracle.did
    del sys.modules["oracles"]


def taskwright(*arguments: object) -> tuple[int, dict]:
    result = CliRunner().invoke(cli, [*map(str, arguments), "--json"], catch_exceptions=False)
    return result.exit_code, json.loads(result.stdout)


def test_it_is_listed_and_made_with_the_workers_that_were_asked_for(installed):
    added = {"delphi": "oracles", "empty": "oracles", "gone": "oracles"}
    assert executors() == {**dict.fromkeys(EXECUTORS, "taskwright"), **added}
    with make_executor(RunConfig(executor="delphi", workers=3)) as executor:
        assert isinstance(executor, Executor)
        assert executor.workers == 3
    with make_executor(RunConfig(executor="delphi")) as executor:
        assert executor.workers == 7, "what suits it"


def test_none_of_ours_can_be_replaced(installed):
    with make_executor(RunConfig(executor="local", workers=1)) as executor:
        assert type(executor).__name__ == "LocalExecutor"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("empty", "it makes a str, and no `Executor`"),
        ("gone", "ModuleNotFoundError: No module named 'no_such_module'"),
    ],
)
def test_a_package_that_does_not_work_is_named(installed, name, reason):
    with pytest.raises(UsageError) as caught:
        make_executor(RunConfig(executor=name))
    assert f"The executor '{name}' of the package oracles does not work ({reason})" in str(
        caught.value
    )
    assert "local" in caught.value.remedy


def test_a_name_that_nothing_has_is_refused_with_all_that_there_are(installed):
    with pytest.raises(UsageError, match="There is no executor 'delhi'") as caught:
        make_executor(RunConfig(executor="delhi"))
    assert "local, " in caught.value.remedy
    assert "delphi, empty, gone" in caught.value.remedy


def test_train_goes_through_it(installed, tmp_path, easy_source):
    file, film = tmp_path / "task.py", tmp_path / "film.mp4"
    file.write_text(easy_source)
    status, document = taskwright("train", file, "--video", film, "--executor", "delphi")
    assert (status, document["verdict"]) == (0, "learned")
    assert film.read_bytes() == b"a film"
    assert installed == ["trial", "film"]


@pytest.mark.slow
def test_import_run_and_replay_go_through_it_and_doctor_lists_it(installed, tmp_path, easy_source):
    run, file = tmp_path / "run", tmp_path / "task.py"
    file.write_text(easy_source)
    by = ("--executor", "delphi")
    status, document = taskwright("import", run, file, *by)
    assert (status, len(document["imported"])) == (0, 1)
    assert installed == ["check"]
    status, document = taskwright("run", run, "--attempts", 1, "--seed", 3, *by, "--quiet")
    assert status == 0
    assert installed[1:] == ["film", "trial", "replay"]
    assert "executor: delphi" in (run / "config.yaml").read_text()
    (record,) = Archive.open(run).records()
    for path in Path(run, "media").glob("*.gz"):
        path.unlink()
    status, document = taskwright("replay", run, *by)
    assert [row["task_id"] for row in document["replays"]] == [record.task_id]
    assert Path(document["replays"][0]["path"]).read_bytes() == b"a replay"
    assert installed[4:] == ["replay"]
    _, document = taskwright("doctor")
    (listed,) = (each for each in document["findings"] if each["name"] == "executors")
    assert "delphi (oracles)" in listed["detail"]
