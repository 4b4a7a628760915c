"""When a trial asks, and when it gives up, on curves whose answer is plain."""

import pytest

from taskwright.task import CurvePoint
from taskwright.trainer.evidence.deciding import (
    SPAN_STEPS,
    SuccessWindow,
    is_hopeless,
    last_progress,
    spans,
)
from taskwright.trainer.learners.learner import TrainingEpisode

POINT_STEPS = 2_000


def curve(*spans_of: tuple[float, float]) -> list[CurvePoint]:
    """A curve with that success rate and that mean return in each span."""
    points = []
    for number in range(len(spans_of) * SPAN_STEPS // POINT_STEPS):
        success, earned = spans_of[number * POINT_STEPS // SPAN_STEPS]
        points.append(CurvePoint((number + 1) * POINT_STEPS, 0.0, success, earned, 10))
    return points


def test_spans_weigh_every_episode_alike():
    points = [
        CurvePoint(SPAN_STEPS // 3, 0.0, 1.0, 8.0, 1),
        CurvePoint(SPAN_STEPS, 0.0, 0.0, 0.0, 3),
    ]
    (span,) = spans(points)
    assert (span.end_steps, span.success_rate, span.mean_return) == (SPAN_STEPS, 0.25, 2.0)
    assert spans(points[:1]) == []
    assert last_progress([]) == 0


def test_the_last_span_may_be_half_as_long():
    points = curve((0.0, 1.0), (0.5, 1.0))
    assert [span.end_steps for span in spans(points[:8])] == [SPAN_STEPS]
    begun = spans(points[:9])
    assert [span.end_steps for span in begun] == [SPAN_STEPS, SPAN_STEPS * 3 // 2]
    assert last_progress(begun) == begun[-1].end_steps


def test_a_flat_curve_is_hopeless_once_patience_is_over():
    flat = curve(*[(0.0, 5.0)] * 4)
    assert not is_hopeless(flat[:10], 20_000, 30_000)
    assert is_hopeless(flat, 48_000, 30_000)
    # Begun anew at 24,000 steps, it has had less time.
    assert not is_hopeless(flat[12:], 48_000, 30_000, begun=24_000)
    assert is_hopeless(flat[12:], 54_000, 30_000, begun=24_000)
    assert not is_hopeless([], 48_000, 30_000, begun=24_000)


@pytest.mark.parametrize(
    ("goes_on", "progress"),
    [
        # Returns that rise count as long as the task is not accomplished, small steps do not.
        ([(0.0, 0.0), (0.0, 10.0), (0.0, 20.0)], 3),
        ([(0.0, 0.0), (0.0, 20.0), (0.0, 20.5)], 2),
        # Afterwards they do not: a return can rise while success falls.
        ([(0.0, 0.0), (0.2, 10.0), (0.1, 20.0)], 2),
        # 2 % more is little at first and much near the end.
        ([(0.0, 0.0), (0.40, 0.0), (0.42, 0.0)], 2),
        ([(0.0, 0.0), (0.80, 0.0), (0.82, 0.0)], 3),
    ],
)
def test_progress_is_what_surpasses_all_before(goes_on, progress):
    assert last_progress(spans(curve(*goes_on))) == progress * SPAN_STEPS


def test_patience_is_the_longer_the_more_often_a_task_succeeds():
    half = curve(*[(0.5, 0.0)] * 10)
    assert not is_hopeless(half, 100_000, 30_000)
    assert is_hopeless(half, 102_000, 30_000)
    less = curve(*[(0.25, 0.0)] * 10)
    assert not is_hopeless(less, 70_000, 30_000)
    assert is_hopeless(less, 72_000, 30_000)


def test_a_success_long_ago_is_no_promise():
    faded = curve((0.5, 0.0), *[(0.0, 0.0)] * 3)
    assert not is_hopeless(faded[:18], 36_000, 30_000)
    assert is_hopeless(faded, 48_000, 30_000)


def test_asks_once_every_environment_has_shown_enough():
    window = SuccessWindow(environments=25)
    window.add([TrainingEpisode(n, True, 0.0, 10) for n in range(25)])
    assert not window.looks_learned
    assert window.success_rate == 0.0
    window.add([TrainingEpisode(n, n < 20, 0.0, 10) for n in range(25)])
    assert window.looks_learned, "45 of 50 have succeeded"
    assert window.success_rate == 0.9
    window.add([TrainingEpisode(n, False, 0.0, 10) for n in range(3)])
    assert not window.looks_learned, "42 of 50 have succeeded"
    window.clear()
    assert not window.looks_learned


def test_a_network_is_watched_in_its_own_environments_for_longer():
    window = SuccessWindow(16, own=range(1, 16, 2))
    elsewhere = [TrainingEpisode(n, False, 0.0, 10) for n in range(0, 16, 2)]
    for _ in range(11):
        assert not window.looks_learned, "88 episodes; 64 are enough where it acts in all"
        window.add(elsewhere)
        window.add(TrainingEpisode(n, True, 0.0, 10) for n in range(1, 16, 2))
    assert window.looks_learned
    assert window.success_rate == 1.0
