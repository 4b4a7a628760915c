"""A robot is added by one file and one line, and then has all that the others have."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import taskwright

HERE = Path(taskwright.__file__).parent
LIST = "ROBOTS: dict[str, Entry] = {\n"
TASK = '''
from taskwright.world import BallEnv


class Env(BallEnv):
    """Roll over the line

    Description:
    A ball on a floor.

    Success:
    It is 10 m ahead of where it began.

    Rewards:
    Its speed ahead.

    Termination:
    None.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [30.0, 30.0, 0.5], [0.0, 0.0, -0.5], [0.6, 0.6, 0.6, 1.0])

    def get_task_rewards(self, action):
        return {"ahead": min(max(self.robot.links["base"].linear_velocity[0], -10.0), 10.0)}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return bool(self.robot.links["base"].position[0] > 10.0)
'''
PLAY_AND_PROMPT = """
import json, sys
from pathlib import Path
from starlette.testclient import TestClient
import taskwright
from taskwright.browser.play import create_file_app
from taskwright.config import Config, RunConfig
from taskwright.generator.seeds import idea_of_source
from taskwright.generator.trial_terms import TrialTerms
from taskwright.prompts import render
from taskwright.task import Task, robot_named_in

source = Path(sys.argv[1]).read_text()
task, idea = Task(source, robot_named_in(source)), idea_of_source(source, "ball")
with TestClient(create_file_app(Path(sys.argv[1]), task, idea)) as client:
    page = client.get("http://localhost/").text
    headers = {"origin": "http://localhost"}
    with client.websocket_connect("ws://localhost/socket", headers=headers) as socket:
        socket.send_json({"restart": True, "seed": 1})
        messages = [socket.receive_json()]
        socket.send_json({"held": ["forward"], "pressed": ["forward"]})
        while not messages[-1].get("frame", {"success": True})["success"]:
            messages.append(socket.receive_json())
trial = TrialTerms.of(Config(run=RunConfig(robot="ball")))
prompt = render("code", robot="ball", trial=trial, idea=idea, sources=[], contrast="")
print(json.dumps({"page": page, "last": messages[-1], "prompt": prompt}))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a copy of ours, to which the robot of docs/robots.md was added."""
    folder = tmp_path_factory.mktemp("with-ball")
    left_out = shutil.ignore_patterns(".*", "tests", "benchmarks", "docs", "runs", "__pycache__")
    shutil.copytree(HERE, folder / "taskwright", ignore=left_out)
    module, line = re.findall(r"```python\n(.*?)```", _docs(), re.DOTALL)
    robots = folder / "taskwright" / "world" / "robots"
    (robots / "ball.py").write_text(module)
    listed = (robots / "__init__.py").read_text()
    assert LIST in listed
    (robots / "__init__.py").write_text(listed.replace(LIST, LIST + line))
    (folder / "roll.py").write_text(TASK)
    return folder


def _docs() -> str:
    return (HERE / "docs" / "robots.md").read_text().partition("## Adding one")[2]


def run_python(package: Path, *words: str) -> Any:
    """The JSON that Python prints, where it imports the copy."""
    done = _run(package, *words)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def _run(package: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(package)}
    return subprocess.run(
        [sys.executable, "-P", *words],
        cwd=package,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_an_added_robot_is_checked(package: Path) -> None:
    found = run_python(package, "-m", "taskwright", "check", "roll.py", "--json")
    (result,) = found["results"]
    assert result["verdict"] == "passed", result


@pytest.mark.slow
def test_an_added_robot_goes_through_a_trial(package: Path) -> None:
    trial = run_python(package, "-m", "taskwright", "train", "roll.py", "--json")
    assert trial["verdict"] == "too_easy"
    assert "rolling straight ahead" in trial["reason"]


def test_an_added_robot_is_played_and_named_in_prompts(package: Path) -> None:
    done = run_python(package, "-c", PLAY_AND_PROMPT, "roll.py")
    assert "Roll to the left" in done["page"]
    assert done["last"]["frame"]["success"], done["last"]
    assert "The robot is a ball, 1 m wide" in done["prompt"]
    assert "import BallEnv`" in done["prompt"]
    assert "by rolling alone" in done["prompt"]


def test_play_of_a_robot_without_controls_is_one_clear_line(package: Path, tmp_path: Path) -> None:
    shutil.copytree(package, tmp_path, dirs_exist_ok=True)
    ball = tmp_path / "taskwright" / "world" / "robots" / "ball.py"
    ball.write_text(
        re.sub(r"    controls = \(.*?\n    \)\n", "", ball.read_text(), flags=re.DOTALL)
    )
    listed = ball.with_name("__init__.py")
    listed.write_text(listed.read_text().replace('"BallEnv", played=True', '"BallEnv"'))
    done = _run(tmp_path, "-m", "taskwright", "play", "roll.py", "--no-open")
    assert done.returncode == 2
    assert "The ball cannot be played by hand: it has no keys." in done.stderr
    assert "Traceback" not in done.stderr
