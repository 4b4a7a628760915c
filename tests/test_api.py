"""The front door: each function as somebody calls it who has read its docstring and no more."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import taskwright as tw
from taskwright.archive.store import Archive
from taskwright.errors import ArchiveError, UsageError
from taskwright.task import Record, Task

SNIPPET = """
import taskwright as tw

task = tw.load_task("pole.py")
outcome = tw.check(task); trial = tw.train(task, seed=0)
archive = tw.open_archive("runs/first")
env = tw.make(archive.kept()[0]); envs = tw.make_vec(task, num_envs=16)
run = tw.run("runs/new", author="composer", tasks=1, seed=3)
exported = tw.export("runs/first", "my_tasks", policies=True)

assert outcome.passed and trial.verdict == "learned", (outcome, trial)
assert len(archive) == 1 and [record.number for record in archive] == [1]
assert archive[archive.kept()[0].task_id[:4]].number == 1
assert list(archive.to_frame().status) == ["learned"]
assert env.reset(seed=1)[0].shape == envs.reset(seed=1)[0][0].shape
envs.close()
assert run.kept == 1, run
assert exported.wheel.exists()
print("all of it")
"""
"""What the README shows, and what has to come of it."""


@pytest.fixture
def run_dir(tmp_path: Path, easy_source: str, make_record: Callable[..., Record]) -> Path:
    folder = tmp_path / "runs" / "first"
    folder.mkdir(parents=True)
    with Archive.create_or_open(folder) as archive:
        archive.start_journey()
        archive.add(make_record(1, task=Task(easy_source)))
    return folder


@pytest.fixture
def folder(tmp_path: Path, run_dir: Path, easy_source: str) -> Path:
    """Where the snippet finds what it names."""
    (tmp_path / "pole.py").write_text(easy_source)
    return tmp_path


@pytest.fixture
def folder_of_readme(folder: Path) -> Path:
    """The same with a task that chance does not solve."""
    example = Path(tw.__file__).parent / "examples/tasks/r2d2/drive_to_beacon.py"
    (folder / "pole.py").write_text(example.read_text())
    return folder


@pytest.mark.slow
def test_the_lines_of_the_readme_do_what_they_say(folder_of_readme: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SNIPPET],
        cwd=folder_of_readme,
        capture_output=True,
        text=True,
        timeout=1_800,
    )
    assert done.stdout.endswith("all of it\n"), done.stderr
    assert done.returncode == 0


@pytest.mark.slow
def test_the_lines_of_the_readme_do_so_in_a_notebook(folder_of_readme: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    cells = [nbformat.v4.new_code_cell(cell) for cell in SNIPPET.strip().split("\n\n")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(
        notebook, timeout=1_800, resources={"metadata": {"path": str(folder_of_readme)}}
    ).execute()
    assert notebook.cells[-1].outputs[-1].text == "all of it\n"


def test_a_task_is_named_in_many_ways(folder: Path, run_dir: Path, easy_source: str) -> None:
    task = Task(easy_source)
    with tw.open_archive(str(run_dir)) as archive:
        record = archive[1]
        ways = [
            tw.load_task(task),
            tw.load_task(record),
            tw.load_task(folder / "pole.py"),
            tw.load_task(str(folder / "pole.py")),
            tw.load_task(easy_source),
            tw.load_task(archive, task.task_id[:5]),
            tw.load_task(run_dir, task.task_id),
            tw.load_task(str(run_dir), 1),
            tw.load_task(tw.make(record).spec.id),
        ]
    assert ways == [task] * len(ways)


def test_the_robot_is_the_one_of_the_base_class_or_the_one_asked_for(easy_source: str) -> None:
    for_ant = easy_source.replace("R2D2Env", "AntEnv")
    assert tw.load_task(for_ant).robot == "ant"
    assert tw.load_task("import omni\n", robot="humanoid").robot == "humanoid"


@pytest.mark.parametrize(
    ("named", "key", "error", "said"),
    [
        ("missing.py", None, UsageError, "missing.py cannot be read"),
        (".", None, UsageError, "is a folder"),
        (17, None, UsageError, "int names no task"),
        (None, None, UsageError, "NoneType names no task"),
        ("missing", "2db0", ArchiveError, "does not exist"),
    ],
    ids=str,
)
def test_what_names_no_task_is_told_in_a_sentence(named, key, error, said) -> None:
    with pytest.raises(error, match=said):
        tw.load_task(named, key)


def test_a_key_that_nothing_answers_to_is_told(run_dir: Path) -> None:
    with tw.open_archive(run_dir) as archive:
        with pytest.raises(KeyError, match="No record answers to 'zz'"):
            archive["zz"]
        with pytest.raises(ArchiveError, match="No record answers"):
            tw.load_task(archive, "zz")


def test_a_check_gives_its_outcome(easy_source: str) -> None:
    assert tw.check(easy_source).passed
    rejected = tw.check("import os\n")
    assert (rejected.verdict, rejected.stage) == ("rejected", "policy")


@pytest.mark.slow
def test_a_trial_tells_its_curve_and_keeps_its_policy(tmp_path: Path) -> None:
    points = []
    kept = tmp_path / "policy.zip"
    trial = tw.train(
        Path(tw.__file__).parent / "examples/tasks/r2d2/drive_to_beacon.py",
        steps=600,
        workers=1,
        policy=kept,
        settings={"environments": 4, "evaluation_episodes": 16},
        on_progress=points.append,
    )
    assert trial.verdict in ("too_hard", "learned"), trial
    assert trial.steps >= 600 or trial.verdict == "learned"
    assert points == list(trial.curve)
    assert kept.exists()


def test_a_setting_that_there_is_not_is_refused_before_anything_is_trained(easy_source) -> None:
    with pytest.raises(UsageError, match="trainer"):
        tw.train(easy_source, settings={"stepz": 3})


def test_an_environment_can_be_made_again_by_its_id(easy_source: str) -> None:
    env = tw.make(easy_source, time_limit=40)
    again = gymnasium.make(f"taskwright:{env.spec.id}")
    np.testing.assert_array_equal(env.reset(seed=3)[0], again.reset(seed=3)[0])
    assert env.spec.max_episode_steps == 10


def test_ids_of_a_run_are_found_by_a_program_that_knows_nothing_else(run_dir: Path) -> None:
    (env_id,) = tw.register(run_dir)
    done = subprocess.run(
        [sys.executable, "-c", f"import gymnasium; print(gymnasium.make('taskwright:{env_id}'))"],
        env={"TASKWRIGHT_RUNS": str(run_dir), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert env_id in done.stdout, done.stderr


def test_many_environments_are_stepped_together(easy_source: str) -> None:
    envs = tw.make_vec(easy_source, num_envs=3, processes=1)
    try:
        assert envs.reset(seed=1)[0].shape[0] == 3
    finally:
        envs.close()


def test_a_run_in_a_thread_is_stopped_from_outside_and_goes_on(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import sys, threading, time
        import taskwright as tw

        stop, began, endings = threading.Event(), threading.Event(), []

        def on_event(event):
            if event["event"] == "stage":
                began.set()

        def work():
            endings.append(
                tw.run(sys.argv[1], author="composer", seed=2, on_event=on_event, stop=stop)
            )

        thread = threading.Thread(target=work)
        thread.start()
        assert began.wait(60)
        stopped = time.monotonic()
        stop.set()
        thread.join(40)
        assert not thread.is_alive()
        assert time.monotonic() - stopped < 35
        assert not [t.name for t in threading.enumerate() if t.name.startswith("journey")]
        print(endings[0].interrupted, endings[0].reason)
    """)
    command = [sys.executable, "-c", program, str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout == "True It was stopped.\n", done.stderr
    assert done.returncode == 0, done.stderr
    with tw.open_archive(tmp_path / "run") as archive:
        assert archive.unfinished()


def test_an_export_tells_what_it_wrote_and_what_it_left_out(run_dir: Path, tmp_path: Path) -> None:
    (run_dir / "policies").mkdir()
    with tw.open_archive(run_dir) as archive:
        task_id = archive[1].task_id
    (run_dir / "policies" / f"{task_id}.zip").write_bytes(b"no policy")
    with pytest.warns(UserWarning, match="cannot be read"):
        exported = tw.export(run_dir, tmp_path / "my_tasks", policies=True)
    assert exported.policies == 0
    assert len(exported.ids) == 1


def test_records_as_a_table(run_dir: Path) -> None:
    pytest.importorskip("pandas")
    with tw.open_archive(run_dir) as archive:
        frame = archive.to_frame()
        assert frame.loc[1, "status"] == "learned"
        assert frame.loc[1, "task_id"] == archive[1].task_id


def test_an_empty_archive_is_an_archive(tmp_path: Path) -> None:
    with Archive.create_or_open(tmp_path) as archive:
        assert archive
        assert len(archive) == 0
        assert list(archive) == []
        pytest.importorskip("pandas")
        assert archive.to_frame().empty


def test_nothing_heavy_is_loaded_before_it_is_used() -> None:
    program = "import taskwright, sys; print({'numpy', 'pybullet', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "set()\n"
