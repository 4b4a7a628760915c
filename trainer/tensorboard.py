"""Learning curves as TensorBoard files, for those who compare trials there.

Loads torch and needs the package `tensorboard`: import it only where such files are asked for.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..task import CurvePoint, Trial

try:
    from torch.utils.tensorboard import SummaryWriter
except ImportError:
    raise UsageError(
        "TensorBoard files need the package `tensorboard`, which is not installed.",
        "Install it with `pip install 'taskwright[tensorboard]'`.",
    ) from None


class CurveFiles(contextlib.AbstractContextManager["CurveFiles"]):
    """Writes one trial's curve to a folder. A context manager.

    Scalars over agent steps: `training/success_rate`, `training/mean_return`, and of a whole trial
    `training/episodes`, `trial/success_before`, `trial/success_after` and the text `trial/verdict`.
    Raises UsageError where the folder cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._writer: Any = SummaryWriter(str(folder))
        except OSError as error:
            raise UsageError(
                f"TensorBoard files cannot be written to {folder}: {error.strerror}.",
                "Name a folder that you may write to.",
            ) from None

    def add(self, steps: int, **scalars: float) -> None:
        """Numbers of the training, by name."""
        for name, value in scalars.items():
            self._writer.add_scalar(f"training/{name}", value, steps)
        # A reader may look at any time.
        self._writer.flush()

    def point(self, point: CurvePoint) -> None:
        self.add(
            point.steps,
            success_rate=point.success_rate,
            mean_return=point.mean_return,
            episodes=point.episodes,
        )

    def end(self, trial: Trial) -> None:
        """What the trial came to, and why."""
        for name in ("success_before", "success_after"):
            if (value := getattr(trial, name)) is not None:
                self._writer.add_scalar(f"trial/{name}", value, trial.steps)
        text = [f"**{trial.verdict}**: {trial.reason}", ""]
        text += [f"- {finding.symptom} {finding.fix}" for finding in trial.findings]
        self._writer.add_text("trial/verdict", "\n".join(text), trial.steps)

    def __exit__(self, *_: object) -> None:
        self._writer.close()


class RunCurves(contextlib.AbstractContextManager["RunCurves"]):
    """Writes the curves of a run's trials below a folder, by what the run tells: give it each event
    (see `generator/events.py`), one at a time. A context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[int, CurveFiles] = {}

    def __call__(self, event: dict[str, Any]) -> None:
        if event["event"] == "curve":
            number = event["journey"]
            if number not in self._open:
                self._open[number] = CurveFiles(self._folder / f"journey-{number}")
            self._open[number].add(
                event["steps"],
                success_rate=event["success_rate"],
                mean_return=event["mean_return"],
            )
        elif event["event"] == "record" and event["journey"] in self._open:
            self._open.pop(event["journey"]).__exit__()

    def __exit__(self, *_: object) -> None:
        while self._open:
            self._open.popitem()[1].__exit__()
