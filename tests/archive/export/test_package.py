"""Exported tasks are ordinary Gymnasium packages that need nothing of Taskwright."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from taskwright.archive.export.package import export_package
from taskwright.errors import UsageError
from taskwright.task import Task

# Taskwright is installed beside the tests: a package that reached for it would find it. This keeps
# it from being found.
BLOCK = """
import sys
sys.modules["taskwright"] = None
"""


@pytest.fixture
def exported(tmp_path, make_record, easy_source):
    """An exported folder with two tasks of the same title."""
    records = [
        make_record(1, title="Drive ahead, now!", task=Task(easy_source)),
        make_record(2, title="Drive ahead: now", task=Task(easy_source + "\n# another\n")),
    ]
    out = tmp_path / "out"
    return out, records, export_package(records, out, "my_tasks")


def python(folder: Path, script: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", BLOCK + script], cwd=folder, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_ids_are_unique_and_sources_are_the_very_ones(exported):
    out, records, ids = exported
    assert ids[0] == "my_tasks:DriveAheadNow-v0"
    assert len(set(ids)) == 2
    entries = json.loads((out / "my_tasks" / "tasks.json").read_text())
    for record, entry in zip(records, entries, strict=True):
        source = (out / "my_tasks" / "tasks" / entry["file"]).read_text()
        assert Task(source).task_id == record.task_id == entry["task_id"]
        assert entry["success_after"] == 0.9


def test_gymnasium_makes_and_checks_every_task_without_taskwright(exported):
    out, _, ids = exported
    script = f"""
import gymnasium
from gymnasium.utils.env_checker import check_env
for task_id in {ids!r}:
    env = gymnasium.make(task_id, render_mode="rgb_array")
    check_env(env.unwrapped, skip_render_check=True)
    env.reset(seed=3)
    for _ in range(20):
        env.step(1)
    print(task_id, env.unwrapped.render().shape)
vector = gymnasium.make_vec({ids[0]!r}, num_envs=2, vectorization_mode="async",
                            vector_kwargs={{"context": "spawn"}})
vector.reset(seed=0)
vector.step(vector.action_space.sample())
vector.close()
"""
    # Spawned workers import the main module: it has to be a file.
    (out / "use.py").write_text(
        f"{BLOCK}\nif __name__ == '__main__':\n"
        + "".join(f"    {line}\n" for line in script.splitlines())
    )
    result = subprocess.run([sys.executable, "use.py"], cwd=out, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("(240, 320, 3)") == 2


def test_the_card_shows_how_to_use_it(exported):
    out, _, ids = exported
    card = (out / "README.md").read_text()
    assert f'gymnasium.make("{ids[0]}")' in card
    assert "Learned to 90 % success in 1000 agent steps" in card
    compile((out / "my_tasks" / "__init__.py").read_text(), "__init__.py", "exec")


@pytest.mark.parametrize("name", ["My-Tasks", "1tasks", "class", ""])
def test_a_name_that_cannot_be_a_package_is_refused(tmp_path, make_record, name):
    with pytest.raises(UsageError, match="my_tasks"):
        export_package([make_record(1)], tmp_path / "out", name)
    assert not (tmp_path / "out").exists()


def test_nothing_to_export_and_a_folder_in_the_way_are_said(tmp_path, make_record):
    with pytest.raises(UsageError, match="no task to export"):
        export_package([], tmp_path / "out", "my_tasks")
    (tmp_path / "precious").write_text("data")
    with pytest.raises(UsageError, match="not an empty folder"):
        export_package([make_record(1)], tmp_path, "my_tasks")


@pytest.mark.slow
def test_an_exported_task_trains_in_a_virtual_environment_without_taskwright(exported, tmp_path):
    out, _, ids = exported
    place = tmp_path / "venv"
    venv.create(place, with_pip=True)
    pip = [place / "bin" / "pip", "install", "--quiet", "torch>=2.8,<2.14", "stable-baselines3"]
    subprocess.run([*pip, out], check=True)
    script = f"""
import importlib.util
assert importlib.util.find_spec("taskwright") is None
import gymnasium
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import SubprocVecEnv
if __name__ == "__main__":
    envs = make_vec_env({ids[0]!r}, 2, vec_env_cls=SubprocVecEnv)
    model = PPO("MlpPolicy", envs, n_steps=256, seed=0)
    before, _ = evaluate_policy(model, envs, 4)
    model.learn(12_000)
    after, _ = evaluate_policy(model, envs, 4)
    print(before, after)
    assert after > before
"""
    (tmp_path / "train.py").write_text(script)
    result = subprocess.run(
        [place / "bin" / "python", "train.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
