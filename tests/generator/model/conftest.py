"""A foundation model that asks the scripted server, and a journey that asks it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from taskwright.config import ModelConfig
from taskwright.generator.model import retries
from taskwright.generator.model.client import FoundationModel
from taskwright.generator.model.meter import Meter


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(retries, "FIRST_PAUSE_S", 0.02)
    monkeypatch.setattr(retries, "LONGEST_PAUSE_S", 0.05)


@pytest.fixture
def warnings() -> list[str]:
    """What the model has warned of."""
    return []


@pytest.fixture
def model(model_server, tmp_path, warnings) -> Iterator[Callable[..., FoundationModel]]:
    """Makes a model that asks the scripted server; settings can be given, and a run folder."""

    def hear(event: str, **details: Any) -> None:
        if event == "warning":
            warnings.append(details["text"])

    def make(run_dir=tmp_path, **settings: Any) -> FoundationModel:
        run_dir.mkdir(parents=True, exist_ok=True)
        values = {"name": "scripted", "base_url": model_server.url, "max_retries": 1, **settings}
        return stack.enter_context(FoundationModel(ModelConfig(**values), run_dir, hear))

    with contextlib.ExitStack() as stack:
        yield make


@pytest.fixture
def meter() -> Meter:
    return Meter(7)
