"""An exported package, imported as its users import it."""

from __future__ import annotations

import importlib
import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import gymnasium
import numpy as np
import pytest

from taskwright.exporter.package import Exported, export_package
from taskwright.exporter.policies import ExportedPolicy
from taskwright.exporter.provenance import Provenance
from taskwright.task import Idea, Record, Task, Trial

NUMBERS = itertools.count()


def record(number: int, title: str, source: str, **fields: Any) -> Record:
    idea = Idea(title, "An open | floor.", "It is 2 m ahead.", "Speed", "None", parents=("abc",))
    trial = Trial(
        "learned", "it was", 0.0, 0.9, episodes=96, interval=(0.82, 0.95), steps=1000, seed=7
    )
    return Record(
        number, "learned", "a reason", idea, Task(source), trial=trial, novelty=0.4, **fields
    )


@pytest.fixture
def two_records(easy_source: str) -> list[Record]:
    """Two tasks of the same title: drive ahead, and drive back."""
    back = easy_source.replace("[0] > 2.0", "[0] < -2.0").replace("clip(speed", "clip(-speed")
    return [record(1, "Drive ahead, now!", easy_source), record(2, "Drive ahead: now", back)]


@pytest.fixture
def weights() -> dict[str, Any]:
    """Of a policy as stable-baselines3 would train it for these tasks, untrained."""
    rng = np.random.default_rng(0)
    shapes = {
        "mlp_extractor.policy_net.0": (8, 157),
        "mlp_extractor.value_net.0": (8, 157),
        "action_net": (6, 8),
        "value_net": (1, 8),
    }
    made = {}
    for name, (outputs, inputs) in shapes.items():
        made[f"{name}.weight"] = rng.normal(size=(outputs, inputs)).astype(np.float32)
        made[f"{name}.bias"] = rng.normal(size=outputs).astype(np.float32)
    return made


@pytest.fixture
def export(
    tmp_path: Path, two_records: list[Record], weights: dict[str, Any]
) -> Callable[..., Exported]:
    """Exports the two tasks, the first with a policy; keywords change how."""

    def write(**keywords: Any) -> Exported:
        policies = {two_records[0].task_id or "": ExportedPolicy(weights, "normalised_relu")}
        settings: dict[str, Any] = {
            "records": two_records,
            "out": tmp_path / "out",
            "name": "my_tasks",
            "provenance": Provenance(run_seed=3, isolation=("full",), model="some-model"),
            "policies": policies,
        }
        return export_package(**{**settings, **keywords})

    return write


@pytest.fixture
def registry() -> Iterator[None]:
    """What a test enters into Gymnasium's registry does not stay there."""
    before = set(gymnasium.registry)
    yield
    for added in set(gymnasium.registry) - before:
        del gymnasium.registry[added]


@pytest.fixture
def imported(
    export: Callable[..., Exported], tmp_path: Path, registry: None
) -> Iterator[ModuleType]:
    """The package of the two tasks, under a name that no other test has imported."""
    name = f"tasks_{next(NUMBERS)}"
    done = export(name=name, out=tmp_path / name)
    sys.path.insert(0, str(done.folder))
    yield importlib.import_module(name)
    sys.path.remove(str(done.folder))
