"""Where what belongs to a task lies in a run folder: absolute paths, for other processes. Links on
the way to the folder are followed here, those in it by nobody."""

from __future__ import annotations

from pathlib import Path


def policy_path(run_dir: Path, task_id: str) -> str:
    """Where the policy learned on a task lies."""
    return str(run_dir.resolve() / "policies" / f"{task_id}.zip")


def poster_path(run_dir: Path, task_id: str) -> str:
    """Where the picture of a task lies."""
    return str(run_dir.resolve() / "media" / f"{task_id}.png")


def moments_path(run_dir: Path, task_id: str) -> str:
    """Where the picture that the success of a task was judged by lies."""
    return str(run_dir.resolve() / "media" / f"{task_id}.moments.png")
