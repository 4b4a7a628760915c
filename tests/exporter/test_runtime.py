"""What an exported package does, imported as its users import it."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

SHORT = 40
"""Physics steps: 10 agent steps."""


def test_a_task_answers_to_its_name_its_id_and_its_task_id(imported):
    entry = imported.metadata("DriveAheadNow")
    for key in ("DriveAheadNow", entry["id"], entry["task_id"]):
        assert imported.metadata(key) == entry
    assert imported.task_ids()[0] == entry["id"]
    assert "class Env" in imported.source(entry["id"])


def test_an_unknown_task_is_told_with_the_nearest(imported):
    with pytest.raises(imported.UnknownTask, match="Did you mean 'DriveAheadNow'"):
        imported.make("DriveAheadNo")
    with pytest.raises(imported.UnknownTask, match="It has DriveAheadNow"):
        imported.metadata("zzz")


def test_an_edited_task_is_told_but_can_be_played(imported):
    module = importlib.import_module(f"{imported.__name__}.catalogue")
    path = module.HERE / imported.metadata("DriveAheadNow")["file"]
    path.write_text(path.read_text() + "\n# mine\n")
    with pytest.warns(UserWarning, match="was edited after it was exported"):
        imported.make("DriveAheadNow").close()
    checking = importlib.import_module(f"{imported.__name__}.checking")
    assert any("was edited" in problem for problem in checking.check("DriveAheadNow"))


def test_check_tells_an_edited_world_and_a_missing_file(imported):
    checking = importlib.import_module(f"{imported.__name__}.checking")
    assert checking.check_world() == []
    with (checking.HERE / "world" / "scene.py").open("a") as file:
        file.write("# heavier\n")
    assert "edited" in checking.check_world()[0]
    (checking.HERE / imported.metadata("DriveAheadNow")["file"]).unlink()
    assert "is missing" in checking.check("DriveAheadNow")[0]


def test_the_id_of_another_package_stays_theirs_and_ours_can_still_be_made(
    export, tmp_path, registry
):
    modules = []
    for name in ("tasks_first", "tasks_second"):
        done = export(name=name, out=tmp_path / name)
        sys.path.insert(0, str(done.folder))
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            modules.append(importlib.import_module(name))
        sys.path.remove(str(done.folder))
    assert any("Another package has registered DriveAheadNow" in str(w.message) for w in told)
    env = gymnasium.make("tasks_second:TasksSecond-v0", task="DriveAheadNow")
    assert type(env.unwrapped).__module__ == "tasks_second.world.task_env"
    env.close()


def test_a_suite_plays_the_task_it_is_told_and_closes_worlds_it_does_not_need(imported):
    suite = gymnasium.make(f"{imported.__name__}:{imported.metadata()['suite']}-v0", max_open=1)
    first, second = suite.unwrapped.tasks
    one, info = suite.reset(seed=5, options={"task": first})
    assert info["task"] == first
    world = suite.unwrapped._open[first]
    alone = imported.make(first)
    np.testing.assert_array_equal(one, alone.reset(seed=5)[0])
    suite.reset(options={"task": second})
    assert suite.step(1)[4]["task"] == second
    assert world.client.client_id == -1
    assert list(suite.unwrapped._open) == [second]
    suite.close()
    alone.close()


def test_a_suite_draws_tasks_by_its_seed_or_as_a_curriculum_chooses(imported):
    def drawn(**keywords):
        suite = imported.make(**keywords)
        tasks = [suite.reset(seed=3)[1]["task"], *(suite.reset()[1]["task"] for _ in range(7))]
        suite.close()
        return tasks

    names = [imported.metadata(task)["name"] for task in imported.task_ids()]
    assert drawn() == drawn()
    assert set(drawn()) == set(names)
    turns = iter(names * 4)
    assert drawn(choose=lambda: next(turns)) == names * 4


def test_the_samplers_come_along_and_choose_the_tasks_of_a_suite(imported):
    curriculum = importlib.import_module(f"{imported.__name__}.curriculum")
    tasks = imported.make().unwrapped.tasks
    sampler = curriculum.TaskSampler(tasks, "learning_progress", seed=0)
    suite = imported.make(choose=sampler.sample)
    played = []
    for success in (True, False) * 2:
        _, info = suite.reset()
        played.append(info["task"])
        sampler.update(info["task"], success=success)
    suite.close()
    # Each is visited before any is drawn by what was learned on it.
    assert set(played[: len(tasks)]) == set(tasks)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_the_fast_vector_gives_what_gymnasiums_own_gives_bit_for_bit(imported, mode):
    name = imported.metadata(imported.task_ids()[0])["name"]
    ours = imported.make_vec(name, 3, autoreset_mode=mode, processes=2, time_limit=SHORT)
    theirs = SyncVectorEnv([lambda: imported.make(name, time_limit=SHORT)] * 3, autoreset_mode=mode)
    np.testing.assert_array_equal(ours.reset(seed=4)[0], theirs.reset(seed=4)[0])
    ours.action_space.seed(0)
    ended = 0
    for _ in range(25):
        actions = ours.action_space.sample()
        one, other = ours.step(actions), theirs.step(actions)
        for mine, expected in zip(one[:4], other[:4], strict=True):
            np.testing.assert_array_equal(mine, expected)
        assert_same(one[4], other[4])
        ended += int((one[2] | one[3]).sum())
    assert ended >= 6
    ours.close()
    theirs.close()


def assert_same(one, other):
    if isinstance(other, dict):
        assert one.keys() == other.keys()
        for key in other:
            assert_same(one[key], other[key])
    elif other.dtype == object:
        for mine, expected in zip(one, other, strict=True):
            np.testing.assert_array_equal(mine, expected)
    else:
        np.testing.assert_array_equal(one, other)


def test_gymnasium_makes_the_fast_vector_by_id_and_tasks_can_be_mixed(imported):
    envs = gymnasium.make_vec(imported.task_ids()[1], num_envs=2)
    assert type(envs).__name__ == "TasksVectorEnv"
    assert envs.tasks == [imported.metadata(imported.task_ids()[1])["name"]] * 2
    envs.close()
    mixed = imported.make_vec(num_envs=3, processes=1)
    assert len(set(mixed.tasks)) == 2
    mixed.reset(seed=0)
    pids = [worker._process.pid for worker in mixed._workers]
    mixed.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_task_that_fails_in_a_worker_tells_its_own_traceback(imported):
    module = importlib.import_module(f"{imported.__name__}.catalogue")
    path = module.HERE / imported.metadata("DriveAheadNow")["file"]
    path.write_text(path.read_text().replace("self.x = 0.0", "self.x = 1 / 0"))
    with pytest.warns(UserWarning, match="edited"):
        envs = imported.make_vec("DriveAheadNow", 1)
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        envs.reset(seed=0)


def test_what_a_vector_cannot_do_is_said(imported):
    name = imported.task_ids()[0]
    for wrong in (
        {"render_mode": "rgb_array"},
        {"num_envs": 0},
        {"autoreset_mode": "sometimes"},
    ):
        with pytest.raises(ValueError, match=r"async|one or more|next_step"):
            imported.make_vec(name, **{"num_envs": 1, **wrong})


def test_a_policy_acts_as_stable_baselines3_would(imported, weights):
    import torch
    from stable_baselines3 import PPO

    name = imported.task_ids()[0]
    policy = imported.load_policy(name)
    env = imported.make(name)
    model = PPO("MlpPolicy", env, policy_kwargs=policy.policy_kwargs, device="cpu")
    arrays = {key: torch.from_numpy(array) for key, array in policy.arrays.items()}
    model.policy.load_state_dict(arrays)
    observations = np.stack([env.reset(seed=seed)[0] for seed in range(5)])
    expected, _ = model.predict(observations, deterministic=True)
    np.testing.assert_array_equal(policy.act(observations, deterministic=True), expected)
    distribution = model.policy.get_distribution(torch.from_numpy(observations[:1]))
    rng = np.random.default_rng(0)
    drawn = policy.act(np.repeat(observations[:1], 4000, axis=0), rng)
    shares = np.bincount(drawn, minlength=6) / 4000
    np.testing.assert_allclose(
        shares, distribution.distribution.probs[0].detach().numpy(), atol=0.03
    )
    env.close()


def test_a_policy_that_is_not_there_is_told(imported):
    with pytest.raises(FileNotFoundError, match="--policies"):
        imported.load_policy(imported.task_ids()[1])


def test_the_sandbox_of_taskwright_plays_the_same_episodes(imported):
    name = imported.task_ids()[0]
    boxed = imported.make(name, sandboxed=True, time_limit=SHORT)
    plain = imported.make(name, time_limit=SHORT)
    seed = 8
    for _ in range(2):
        np.testing.assert_array_equal(boxed.reset(seed=seed)[0], plain.reset(seed=seed)[0])
        seed = None
        ended = False
        while not ended:
            one, other = boxed.step(1), plain.step(1)
            np.testing.assert_array_equal(one[0], other[0])
            assert one[1:] == other[1:]
            ended = one[2] or one[3]
    boxed.close()
    plain.close()


def test_lerobots_hub_gets_what_it_asks_for(imported):
    folder = importlib.import_module(f"{imported.__name__}.catalogue").HERE.parent
    namespace: dict = {"__file__": str(folder / "env.py")}
    exec((folder / "env.py").read_text(), namespace)
    sys.path.remove(str(folder))
    made = namespace["make_env"](n_envs=2, pixels=(48, 64))
    ((package, envs),) = made.items()
    assert package == imported.__name__
    assert sorted(envs) == [0, 1]
    vector = envs[0]
    assert vector.call("_max_episode_steps") == (250, 250)
    assert all(isinstance(text, str) for text in vector.call("task_description"))
    observations, _ = vector.reset(seed=[0, 1])
    assert observations["agent_pos"].shape == (2, 157)
    assert observations["pixels"].shape == (2, 48, 64, 3)
    scores = np.zeros((2, 6), np.float32)
    scores[:, 1] = 1.0
    while "final_info" not in (told := vector.step(scores)[4]):
        pass
    assert told["final_info"]["is_success"].tolist() == [True, True]
    for each in envs.values():
        each.close()


def test_the_command_line_lists_tasks_and_refuses_what_it_does_not_know(imported):
    folder = importlib.import_module(f"{imported.__name__}.catalogue").HERE.parent
    command = [sys.executable, "-m", imported.__name__]
    result = subprocess.run([*command, "list"], cwd=folder, capture_output=True, text=True)
    assert "DriveAheadNow-v0" in result.stdout
    assert "0% -> 90%" in result.stdout
    result = subprocess.run(
        [*command, "check", "DriveAheadNo"], cwd=folder, capture_output=True, text=True
    )
    assert result.returncode == 2
    assert "Did you mean 'DriveAheadNow'" in result.stderr


@pytest.mark.parametrize(
    ("way", "status", "said"),
    [
        ("list | cat", 0, "0% -> 90%"),
        ("list | head -c 1", 0, ""),
        ("list >&-", 0, ""),
        ("list --json >&-", 0, ""),
        ("list >/dev/full", 2, "cannot be written: No space left on device."),
    ],
)
def test_no_output_ends_the_command_line_in_a_traceback(imported, way, status, said):
    folder = importlib.import_module(f"{imported.__name__}.catalogue").HERE.parent
    command = f"set -o pipefail; {sys.executable} -m {imported.__name__} {way}"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    result = subprocess.run(
        ["bash", "-c", command], cwd=folder, capture_output=True, text=True, env=environment
    )
    assert result.returncode == status
    assert said in result.stdout + result.stderr
    assert "Traceback" not in result.stderr
