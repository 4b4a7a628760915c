"""One command at a time writes to a run folder, and others see which one does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from taskwright.archive.run_lock import LOCK_NAME, lock_holder, locked
from taskwright.errors import ArchiveError


def test_a_second_command_is_refused_with_the_process_that_holds_the_folder(tmp_path: Path) -> None:
    with locked(tmp_path):
        assert lock_holder(tmp_path) == os.getpid()
        with pytest.raises(ArchiveError, match=f"in use by process {os.getpid()}"):  # noqa: SIM117
            with locked(tmp_path):
                pass
    with locked(tmp_path):
        pass


def test_a_folder_without_a_lock_has_no_holder(tmp_path: Path) -> None:
    assert lock_holder(tmp_path) is None


@pytest.mark.parametrize(
    "text",
    ["", "x", "-1", "-5x", "0", "no number", "9" * 30, "1\n2", "1" * 100_000, str(2**22 + 1)],
)
def test_a_lock_that_names_no_living_process_has_no_holder(text: str, tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).write_text(text)
    assert lock_holder(tmp_path) is None
