"""An export is a source tree and a wheel, whole or not at all, the same every time."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from taskwright.errors import UsageError
from taskwright.exporter.package import export_package
from taskwright.exporter.policies import ExportedPolicy
from taskwright.task import Task


def test_the_same_records_give_the_same_wheel_byte_for_byte(export, tmp_path):
    one = export(out=tmp_path / "one").wheel
    os.utime(one, (0, 0))
    other = export(out=tmp_path / "other").wheel
    assert one.name == other.name
    assert one.read_bytes() == other.read_bytes()


def test_other_contents_are_another_version(export, two_records):
    whole = export()
    fewer = export(records=two_records[:1], force=True)
    assert whole.version != fewer.version
    assert export(version="1.2.0", force=True).wheel.name == "my_tasks-1.2.0-py3-none-any.whl"
    assert [path.name for path in fewer.wheel.parent.iterdir()] == [
        "my_tasks-1.2.0-py3-none-any.whl"
    ]


def test_the_wheel_holds_the_files_of_the_tree_and_its_record_is_true(export):
    done = export()
    with zipfile.ZipFile(done.wheel) as wheel:
        names = set(wheel.namelist())
        for path in (done.folder / "my_tasks").rglob("*"):
            if path.is_file():
                inside = path.relative_to(done.folder).as_posix()
                assert wheel.read(inside) == path.read_bytes()
        (record,) = (name for name in names if name.endswith(".dist-info/RECORD"))
        rows = list(csv.reader(wheel.read(record).decode().splitlines()))
        assert {row[0] for row in rows} == names
        assert all(int(size) == len(wheel.read(path)) for path, _, size in rows if size)
        metadata = wheel.read(record.replace("RECORD", "METADATA")).decode()
    needed = {line.split()[1] for line in metadata.splitlines() if line.startswith("Requires-Dist")}
    assert {name.split(">")[0] for name in needed} == {"gymnasium", "numpy", "pybullet"}


def test_pip_installs_the_wheel_and_it_works_without_taskwright(export, tmp_path):
    done = export()
    place = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", place, done.wheel], check=True)
    # Taskwright is installed beside the tests: a package that reached for it would find it.
    script = (
        "import sys; sys.modules['taskwright'] = None\n"
        "sys.argv[1:] = ['check', '--json']\n"
        "import runpy; runpy.run_module('my_tasks', run_name='__main__')\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=place,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": ""},
    )
    assert (result.returncode, result.stderr) == (0, "")
    results = json.loads(result.stdout)["results"]
    assert [entry["problems"] for entry in results] == [[], [], []]


def test_sources_are_the_very_ones_and_everything_known_is_told(export, two_records):
    done = export()
    manifest = json.loads((done.folder / "my_tasks" / "tasks.json").read_text())
    assert manifest["isolation"]["checked_under"] == "under full isolation"
    for record, entry in zip(two_records, manifest["tasks"], strict=True):
        source = (done.folder / "my_tasks" / entry["file"]).read_bytes()
        assert hashlib.sha256(source).hexdigest() == entry["sha256"]
        assert entry["sha256"].startswith(entry["task_id"])
        assert entry["task_id"] == record.task_id
        assert entry["written_by"] == "some-model"
        assert entry["seeds"] == {"run": 3, "trial": 7}
        assert entry["interval"] == [0.82, 0.95]
        assert entry["parents"] == ["abc"]
        assert entry["observation_space"]["shape"] == [157]
        assert entry["action_space"] == {"type": "Discrete", "n": 6}
        assert entry["max_episode_steps"] == 250
    assert manifest["tasks"][0]["policy"] == "policies/DriveAheadNow.npz"
    assert manifest["tasks"][1]["policy"] is None


def test_the_card_shows_numbers_pictures_and_what_running_it_means(export, tmp_path, two_records):
    (tmp_path / f"{two_records[0].task_id}.png").write_bytes(b"a picture")
    done = export(pictures=tmp_path)
    card = (done.folder / "README.md").read_text()
    assert f'gymnasium.make("{done.ids[0]}")' in card
    assert "90 % (82 % to 95 %)" in card
    assert "written by a program or a language model" in card
    assert "![Drive ahead, now!](pictures/DriveAheadNow.png)" in card
    assert (done.folder / "pictures" / "DriveAheadNow.png").read_bytes() == b"a picture"
    assert f"pip install dist/{done.wheel.name}" in card


def test_a_robot_with_a_gait_is_steered_as_it_was_when_it_learned(export, two_records):
    source = two_records[0].task.source.replace("R2D2Env", "AntEnv")
    done = export(records=[replace(two_records[0], task=Task(source, "ant"))], policies={})
    assert done.calls == ('gymnasium.make("my_tasks:DriveAheadNow-v0", steered=True)',)
    card = (done.folder / "README.md").read_text()
    assert f"env = {done.calls[0]}" in card
    assert "a command to a gait, one of 9 numbers, 0 to 8 (ant)," in card
    assert (done.folder / "my_tasks" / "world" / "robots" / "gait.py").is_file()


WALKING = """
import sys; sys.modules["taskwright"] = None
import gymnasium, my_tasks
env = gymnasium.make("my_tasks:DriveAheadNow-v0", steered=True)
env.reset(seed=0)
for _ in range(60):
    env.step(1)
place, height = env.unwrapped.robot.base_state()[0][0], env.unwrapped.robot.base_state()[0][2]
print(place > 4.0, height > 0.75)
"""


def test_an_exported_humanoid_walks_by_the_gait_that_comes_with_pybullet(export, two_records):
    source = two_records[0].task.source.replace("R2D2Env", "HumanoidEnv")
    done = export(records=[replace(two_records[0], task=Task(source, "humanoid"))], policies={})
    assert done.calls == ('gymnasium.make("my_tasks:DriveAheadNow-v0", steered=True)',)
    assert "one of 6 numbers, 0 to 5 (humanoid)," in (done.folder / "README.md").read_text()
    result = subprocess.run(
        [sys.executable, "-c", WALKING], cwd=done.folder, capture_output=True, text=True, timeout=60
    )
    assert result.stdout == "True True\n", result.stderr


def test_a_card_without_a_robot_that_has_a_gait_says_nothing_of_steering(export):
    assert "steered" not in (export().folder / "README.md").read_text()


def test_what_a_model_wrote_brings_no_markup_into_the_card(export, two_records):
    idea = replace(
        two_records[0].idea,
        title="A | title [link](http://x)",
        description="<script>alert(1)</script>\n# Heading\n![](http://tracker)",
    )
    card = (export(records=[replace(two_records[0], idea=idea)]).folder / "README.md").read_text()
    assert "<script>" not in card
    assert "\n# Heading" not in card
    assert "![](http" not in card
    assert r"A \| title \[link]" in card


def test_an_earlier_export_is_replaced_only_when_told_to_and_nothing_else_with_it(export):
    done = export()
    (done.folder / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="--force"):
        export()
    again = export(name="other_tasks", force=True)
    assert not (again.folder / "my_tasks").exists()
    assert (again.folder / "other_tasks").is_dir()
    assert (again.folder / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_that_is_no_export_is_never_touched(export, tmp_path, force):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "pyproject.toml").write_text('[project]\nname = "precious"\n')
    with pytest.raises(UsageError, match="not an empty folder"):
        export(force=force)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["pyproject.toml"]


def test_nothing_is_left_where_an_export_fails(export, tmp_path, two_records):
    for wrong in ({"records": []}, {"name": "My-Tasks"}, {"version": "new"}):
        with pytest.raises(UsageError):
            export(**wrong)
    with pytest.raises(UsageError, match="without --policies"):
        export(
            policies={two_records[0].task_id: ExportedPolicy({"strange": np.zeros(1, np.float32)})}
        )
    assert list(tmp_path.iterdir()) == []


def test_above_500_tasks_there_is_one_id_for_all(tmp_path, two_records, easy_source):
    many = [
        replace(two_records[0], number=n, task=Task(f"{easy_source}\n# {n}\n"))
        for n in range(1, 502)
    ]
    done = export_package(many, tmp_path / "out", "many_tasks")
    assert done.ids == ("many_tasks:ManyTasks-v0",)
    assert len(set(done.names)) == 501
    script = f"""
import gymnasium, many_tasks
assert many_tasks.task_ids() == ["many_tasks:ManyTasks-v0"]
assert sum("many_tasks" in str(spec.entry_point) for spec in gymnasium.registry.values()) == 1
if __name__ == "__main__":
    envs = gymnasium.make_vec(
        "many_tasks:ManyTasks-v0", num_envs=1, task={done.names[500]!r}, vectorization_mode="async",
        vector_kwargs={{"context": "spawn"}},
    )
    envs.reset(seed=0)
    print(envs.step(envs.action_space.sample())[0].shape)
    envs.close()
"""
    (tmp_path / "out" / "use.py").write_text(script)
    result = subprocess.run(
        [sys.executable, "use.py"], cwd=tmp_path / "out", capture_output=True, text=True
    )
    assert (result.stdout, result.stderr) == ("(1, 157)\n", "")
