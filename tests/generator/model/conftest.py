"""A foundation model that asks the scripted server, and a journey that asks it."""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from taskwright.archive.store import Archive
from taskwright.config import ModelConfig
from taskwright.generator import run as run_module
from taskwright.generator.model import retries
from taskwright.generator.model.client import FoundationModel
from taskwright.generator.model.meter import Meter
from taskwright.generator.run import open_run, prepare_config


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


SCRIPT = Path(__file__).parents[1] / "scripted.py"
spec = importlib.util.spec_from_file_location("scripted_for_models", SCRIPT)
assert spec is not None
assert spec.loader is not None
scripted = importlib.util.module_from_spec(spec)
spec.loader.exec_module(scripted)

IDEA = "TITLE: {0}\nDESCRIPTION: The scene of {0}.\nSUCCESS: b\nREWARDS: c\nTERMINATION: None"
MODULE = "```python\nimport numpy as np\n# {}\nclass Env(R2D2Env):\n    pass\n```"


class Inventor:
    """Answers each prompt for ideas with other titles, and says yes to everything."""

    def __init__(self) -> None:
        self.prompts: list[tuple[str, str]] = []
        """What was asked for and the prompt, in the order of asking."""
        self._modules, self._ideas = itertools.count(1), itertools.count(1)
        self._lock = threading.Lock()

    def restart(self) -> None:
        """Begin with the first title again."""
        self.__init__()  # type: ignore[misc]

    def title(self, number: int) -> str:
        return f"Title the {number}th"

    def __call__(self, prompt: str) -> str:
        with self._lock:
            if "You judge" in prompt:
                self.prompts.append(("judge", prompt))
                if "NOT INTERESTING" in prompt:  # A template of the user's own asks for a verdict.
                    return "CLOSEST: 1\nREASON: Something.\nVERDICT: INTERESTING"
                return "CLOSEST: 1\nREASON: Something.\nREACH: 10\nNEW: 3"
            if prompt.startswith("Write the environment"):
                return MODULE.format(next(self._modules))
            self.prompts.append(("idea", prompt))
            asked = re.findall(r"^IDEA (\d+) is to be", prompt, re.MULTILINE)
            if not asked:
                return self.idea()
            return "\n\n".join(f"IDEA {number}:\n{self.idea()}" for number in asked)

    def idea(self) -> str:
        """Another idea."""
        return IDEA.format(self.title(next(self._ideas)))

    @property
    def ideas(self) -> list[str]:
        return [prompt for what, prompt in self.prompts if what == "idea"]

    @property
    def judgements(self) -> list[str]:
        return [prompt for what, prompt in self.prompts if what == "judge"]


@pytest.fixture
def inventor(model_server, monkeypatch) -> Inventor:
    monkeypatch.setattr(scripted, "VERDICTS", ("learned",))
    monkeypatch.setattr(run_module, "make_encoder", lambda config: scripted.ScriptedEncoder())
    model_server.answer = Inventor()
    return model_server.answer


@pytest.fixture
def go(model_server, tmp_path):
    """A run with a real author, a scripted server and scripted jobs; returns its records."""

    def run(name="run", longest_s=0.02, concurrency=4, attempts=4, model=None, **limits):
        settings = {
            "model": {"name": "scripted", "base_url": model_server.url, **(model or {})},
            "run": {
                "concurrency": concurrency,
                "attempts": attempts,
                "seed_tasks": 0,
                "workers": 2,
                **limits,
            },
        }
        config = prepare_config(tmp_path / name, settings)
        executor = scripted.ScriptedExecutor(2, longest_s)
        open_run(tmp_path / name, config, executor, lambda event: None)
        with Archive.open(tmp_path / name) as archive:
            return archive.records()

    return run
