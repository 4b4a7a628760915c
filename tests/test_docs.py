"""What the documentation shows is run."""

from __future__ import annotations

import re
import types
from pathlib import Path

import numpy as np
import yaml

import taskwright.sandbox.world
from taskwright.config import merge, parse_assignment, resolve

DOCS = Path(taskwright.__file__).parent / "docs"


def test_the_robot_in_the_docs_rolls_where_it_is_told() -> None:
    (source,) = re.findall(r"```python\n(.*?)```", (DOCS / "robots.md").read_text(), re.DOTALL)
    assert len(source.splitlines()) < 60
    module = types.ModuleType("ball")
    module.__package__ = taskwright.sandbox.world.__name__
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
