"""How records are shown on a terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from taskwright.cli.display import _beginning
from taskwright.task import Trial

TRIAL = Trial("too_hard", "it was", 0.0, 0.4)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "scratch"),
        ({"warm_start": "abc"}, "abc"),
        ({"abandoned_start": "abc"}, "scratch (abc led nowhere)"),
    ],
)
def test_it_is_said_what_training_went_on_from(fields: dict[str, object], said: str) -> None:
    assert _beginning(replace(TRIAL, **fields)) == said  # type: ignore[arg-type]
