"""What a journey does with the files of its jobs: which go along, and where those that were made
are kept."""

from __future__ import annotations

import resource
import signal
from types import SimpleNamespace

import pytest

from taskwright.archive.folder import policy_path, poster_path, replay_path
from taskwright.archive.novelty import Neighbour
from taskwright.config import Config
from taskwright.errors import BrokenError, StorageError
from taskwright.executor.contents import Contents, digest_of
from taskwright.executor.job import Executor, Job, JobResult
from taskwright.generator.in_flight import InFlight
from taskwright.generator.job_client import JobClient, keep, record_replay
from taskwright.task import Task, Trial, from_json, to_json
from taskwright.trainer.requests import Film, Replay, ReplayRequest, TrialRequest

TASK = Task("the task")


class Elsewhere(Executor):
    """Does jobs without a look at this machine's files, and remembers them."""

    workers = 1

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def run(self, job, tell=None, at_work=None):
        self.jobs.append(job)
        noun, made = {
            "trial": (Trial("learned", "It was.", 0.0, 0.9), {"policy": b"a policy"}),
            "film": (Film(1), {"film": b"a film"}),
            "replay": (Replay(1, 8), {"replay": b"a replay"}),
        }[job.kind]
        return JobResult(job.job_id, to_json(noun), outputs=made)

    def cancel(self, *, running=True):
        pass

    def close(self):
        pass


class Broken(Elsewhere):
    def run(self, job, tell=None, at_work=None):
        return JobResult(job.job_id, broken="The node is gone.")


@pytest.fixture
def client(tmp_path):
    """Makes a client of a run folder, and a list of the warnings that it gives."""

    def make(executor: Executor) -> tuple[JobClient, list[str]]:
        warnings: list[str] = []

        def events(kind, **fields):
            if kind == "warning":
                warnings.append(fields["text"])

        context = SimpleNamespace(
            run_dir=tmp_path,
            config=Config(),
            executor=executor,
            events=events,
            in_flight=InFlight(1, []),
            policies=Contents(),
        )
        return JobClient(context, 1), warnings

    return make


def neighbours(make_record, *sources: str) -> list[Neighbour]:
    records = [make_record(n, task=Task(source)) for n, source in enumerate(sources, 1)]
    return [Neighbour(record, 0.5) for record in records]


def test_what_jobs_make_is_in_the_run_folder_and_nowhere_else(client, tmp_path):
    jobs, warnings = client(Elsewhere())
    jobs.draw_poster(TASK)
    trial = jobs.train(TASK, 0, [])
    jobs.record_replay(TASK, trial)
    found = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert {str(path): data for path, data in found.items()} == {
        poster_path(tmp_path, TASK.task_id): b"a film",
        policy_path(tmp_path, TASK.task_id): b"a policy",
        str(replay_path(tmp_path, TASK.task_id)): b"a replay",
    }
    assert warnings == []


def test_a_request_names_its_files_by_their_content_and_by_no_path(client, tmp_path, make_record):
    executor = Elsewhere()
    jobs, _ = client(executor)
    near = neighbours(make_record, "one", "other")
    for neighbour in near:
        keep(tmp_path / "policies" / f"{neighbour.record.task_id}.zip", b"the same policy")
    trial = jobs.train(TASK, 0, near)
    jobs.record_replay(TASK, trial)
    first, second = executor.jobs
    digest = digest_of(b"the same policy")
    archived = from_json(TrialRequest, first.payload).archived
    assert [each.digest for each in archived] == [digest, digest]
    assert first.inputs == {digest: b"the same policy"}
    request = from_json(ReplayRequest, second.payload)
    assert request.agents == ("trained", "random")
    assert second.inputs == {request.policy: b"a policy"}
    assert str(tmp_path) not in to_json(first) + to_json(second)


def test_how_many_processes_step_environments_is_left_to_where_the_trial_is_done(client):
    executor = Elsewhere()
    client(executor)[0].train(TASK, 0, [])
    assert from_json(TrialRequest, executor.jobs[0].payload).processes is None


def test_a_policy_that_is_missing_or_is_none_is_warned_of(client, tmp_path, make_record):
    executor = Elsewhere()
    jobs, warnings = client(executor)
    near = neighbours(make_record, "missing", "a folder", "sound")
    missing, folder, sound = (neighbour.record.task_id for neighbour in near)
    (tmp_path / "policies" / f"{folder}.zip").mkdir(parents=True)
    keep(tmp_path / "policies" / f"{sound}.zip", b"a policy")
    trial = jobs.train(TASK, 0, near)
    assert [
        each.task_id for each in from_json(TrialRequest, executor.jobs[0].payload).archived
    ] == [sound]
    assert trial.left_out.keys() == {folder}
    assert "it is a folder" in trial.left_out[folder]
    assert f"{missing}.zip is missing" in warnings[0]
    assert f"{folder}.zip cannot be read" in warnings[1]


def test_a_job_that_breaks_leaves_no_file_and_what_there_was(client, tmp_path):
    jobs, warnings = client(Broken())
    keep(replay_path(tmp_path, TASK.task_id), b"the replay before")
    with pytest.raises(BrokenError, match="The node is gone"):
        jobs.train(TASK, 0, [])
    jobs.draw_poster(TASK)
    jobs.record_replay(TASK, Trial("too_easy", ""))
    assert warnings == ["The node is gone."] * 2
    (kept,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert kept.read_bytes() == b"the replay before"


def test_a_disk_that_takes_no_more_is_told_apart_from_a_folder_that_cannot_be_written(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(StorageError, match="Make room"):
            keep(tmp_path / "policies" / "policy.zip", b"more than there is room for")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert list((tmp_path / "policies").iterdir()) == [], "nothing half-written is left"
    (tmp_path / "media").write_bytes(b"")
    with pytest.raises(BrokenError, match=r"film\.png cannot be written"):
        keep(tmp_path / "media" / "film.png", b"a film")


def test_a_replay_is_written_to_the_run_folder_or_the_reason_is_told(tmp_path):
    assert record_replay(Elsewhere(), tmp_path, TASK, None) == Replay(1, 8)
    assert replay_path(tmp_path, TASK.task_id).read_bytes() == b"a replay"
    assert record_replay(Broken(), tmp_path, TASK, None) == "The node is gone."
