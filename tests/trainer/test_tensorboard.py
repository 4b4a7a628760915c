"""Learning curves are written as TensorBoard itself reads them."""

import importlib
import sys

import pytest

from taskwright.errors import UsageError
from taskwright.task import CurvePoint, Finding, Trial

pytest.importorskip("tensorboard")

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from taskwright.trainer.tensorboard import CurveFiles, RunCurves


def scalars(folder):
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    return {
        tag: [(event.step, round(event.value, 3)) for event in accumulator.Scalars(tag)]
        for tag in accumulator.Tags()["scalars"]
    }, accumulator


def test_a_trial_is_written_with_its_verdict(tmp_path):
    with CurveFiles(tmp_path / "trial") as files:
        files.point(CurvePoint(2048, 1.0, 0.25, 10.0, 16))
        files.point(CurvePoint(4096, 2.0, 0.5, 20.0, 16))
        # Written at once: somebody may be watching.
        assert scalars(tmp_path / "trial")[0]["training/success_rate"] == [
            (2048, 0.25),
            (4096, 0.5),
        ]
        finding = Finding("dead_term", "`bonus` was 0.", "Leave it out.")
        files.end(Trial("too_hard", "Why.", 0.0, 0.5, steps=5000, findings=(finding,)))
    told, accumulator = scalars(tmp_path / "trial")
    assert told["training/mean_return"] == [(2048, 10.0), (4096, 20.0)]
    assert told["trial/success_after"] == [(5000, 0.5)]
    (text,) = accumulator.Tensors("trial/verdict/text_summary")
    assert b"`bonus` was 0." in text.tensor_proto.string_val[0]


def test_a_run_has_a_curve_for_each_journey_that_trains(tmp_path):
    with RunCurves(tmp_path) as curves:
        for journey in (1, 2):
            curves({"event": "stage", "journey": journey, "stage": "train"})
            curve = {"event": "curve", "journey": journey, "success_rate": 0.5, "mean_return": 3.0}
            curves({**curve, "steps": 100 * journey})
        curves({"event": "record", "journey": 1})
        curves({"event": "record", "journey": 9})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["journey-1", "journey-2"]
    assert scalars(tmp_path / "journey-2")[0]["training/success_rate"] == [(200, 0.5)]


def test_a_package_that_is_missing_is_named_with_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    monkeypatch.delitem(sys.modules, "taskwright.trainer.tensorboard")
    with pytest.raises(UsageError, match=r"pip install 'taskwright\[tensorboard\]'"):
        importlib.import_module("taskwright.trainer.tensorboard")
