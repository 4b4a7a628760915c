"""What the documentation shows is run."""

from __future__ import annotations

import re
import types
from pathlib import Path
from typing import Any

import numpy as np
import yaml

import taskwright.world
from taskwright.archive.store import Archive
from taskwright.config import merge, parse_assignment, resolve
from taskwright.curriculum import STRATEGIES as STRATEGIES_OF_SAMPLERS
from taskwright.generator.strategies import STRATEGIES

DOCS = Path(taskwright.__file__).parent / "docs"


def test_the_robot_in_the_docs_rolls_where_it_is_told() -> None:
    (source,) = re.findall(r"```python\n(.*?)```", (DOCS / "robots.md").read_text(), re.DOTALL)
    assert len(source.splitlines()) < 60
    module = types.ModuleType("ball")
    module.__package__ = taskwright.world.__name__
    exec(source, vars(module))

    class Env(module.BallEnv):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.create_box(0.0, [20.0, 20.0, 0.5], [0.0, 0.0, -0.5], [0.6, 0.6, 0.6, 1.0])

        def get_task_rewards(self, action: object) -> dict[str, float]:
            return {}

        def get_terminated(self, action: object) -> bool:
            return False

        def get_success(self) -> bool:
            return False

    env = Env()
    assert env.reset().shape == (module.BallRobot.proprioception_size,)
    for _ in range(60):
        env.step(np.array([1.0, 0.0], np.float32))
    x, y, z = env.robot.links["base"].position
    env.close()
    assert x > 0.5
    assert abs(y) < 0.01
    assert abs(z - 0.5) < 0.05


def test_the_settings_in_the_docs_on_models_are_settings() -> None:
    text = (DOCS / "models.md").read_text()
    files = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    given = re.findall(r"--set (?:'([^']+)'|([^ `]+))", text)
    assert len(files) >= 2
    assert len(given) >= 8
    for settings in [
        *map(yaml.safe_load, files),
        *(parse_assignment(one or other) for one, other in given if "=N" not in other),
    ]:
        resolve(merge({"model": {"name": "any"}}, settings))


def test_what_the_docs_ask_of_strategies_runs(tmp_path, monkeypatch, make_record, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "first").mkdir(parents=True)
    with Archive.create_or_open(tmp_path / "runs" / "first") as archive:
        archive.start_journey()
        archive.add(make_record(1))
    text = (DOCS / "prompts.md").read_text()
    (source,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(source, {})
    assert "frontier" in capsys.readouterr().out
    for strategy in STRATEGIES:
        assert f"| `{strategy}` |" in text


def test_the_templates_that_the_docs_name_exist() -> None:
    text = (DOCS / "prompts.md").read_text()
    names = re.findall(r"`([a-z_*]+\.md\.j2)`", text)
    assert len(names) >= 6
    for name in names:
        assert list((DOCS.parent / "prompts").glob(name)), name


def test_the_loop_in_the_docs_on_curricula_runs() -> None:
    text = (DOCS / "curriculum.md").read_text()
    (source,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {}
    exec(source, names)
    assert sum(names["sampler"].draws.values()) == 100
    for strategy in STRATEGIES_OF_SAMPLERS:
        assert f"| `{strategy}` |" in text
    for path in re.findall(r"`(curriculum/\w+\.py|archive/generalists\.py)`", text):
        assert (DOCS.parent / path).is_file()
