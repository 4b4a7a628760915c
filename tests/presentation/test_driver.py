"""Who drives a run: a process that is alive, or nobody."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from taskwright.presentation.driver import driver


def test_the_driver_is_known_while_it_lives(tmp_path: Path) -> None:
    assert driver(tmp_path) is None
    lock = tmp_path / "run.lock"
    lock.write_text(str(os.getpid()), encoding="utf-8")
    assert driver(tmp_path) == os.getpid()
    for text in ("", "no number", "-5x", "9" * 30, str(2**22 + 1)):
        lock.write_text(text, encoding="utf-8")
        assert driver(tmp_path) is None, text


@pytest.mark.parametrize("text", ["", "x", "-1", "0", "9" * 30, "1\n2", "1" * 100_000])
def test_a_lock_that_names_no_process_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "run.lock").write_text(text)
    assert driver(tmp_path) is None
