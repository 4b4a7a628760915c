"""`taskwright trust`: say that a run's settings may reach what they name."""

from __future__ import annotations

from pathlib import Path

import click

from ...config import load_config, resolve
from ...errors import UsageError
from ...output import say
from ...trust import reaches, remember, trusted_file
from .common import run_dir_argument


@click.command()
@run_dir_argument
def trust(run_dir: Path) -> None:
    """Let the settings in RUN_DIR have their way, which came from somewhere else: the servers, keys
    and folders that they name may then be used, in any run."""
    config = resolve(load_config(run_dir / "config.yaml", follow=False))
    try:
        new = remember(config)
    except (OSError, RuntimeError) as error:
        raise UsageError(
            f"It cannot be noted that you trust these settings: {error}.",
            "Set XDG_STATE_HOME to a folder that you may write to.",
        ) from None
    for reach in new:
        say(f"From now on settings may {reach}.")
    if not new:
        known = "nothing that you have not named before" if reaches(config) else "nothing"
        say(f"These settings reach for {known} beyond their folder.")
    else:
        say(f"Noted in {trusted_file()}; remove a line there to take it back.")
