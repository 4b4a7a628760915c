"""A trial's curve grows on a terminal; elsewhere it is a line for each point."""

import io

from taskwright.cli.training_view import TrialView, plot, watching_trial
from taskwright.output import Console
from taskwright.task import CurvePoint


def point(number, rate, mean=0.0):
    return CurvePoint(2048 * number, 3.0 * number, rate, mean, 20)


def test_a_plot_has_a_column_for_each_value_and_eighths_of_a_row():
    assert plot([0.0, 0.5, 1.0], 3, 2) == ["  █", "▁██"]
    assert plot([0.25], 3, 1) == ["▂▂▂"]
    assert plot([], 10, 2) == ["", ""]


def test_more_values_than_columns_are_averaged():
    assert plot([0.0, 1.0, 1.0, 1.0], 2, 1) == ["▄█"]


def test_without_a_terminal_each_point_is_a_line():
    out = io.StringIO()
    with watching_trial(Console(file=out, width=100), 100_000) as tell:
        tell(point(1, 0.25, 12.5))
        tell(point(2, 0.5))
    first, second = out.getvalue().splitlines()
    assert first.split() == "2048 steps 0:03 success 25% return 12.5".split()
    assert "50%" in second


def test_on_a_terminal_the_curve_is_drawn_with_its_scale():
    out = io.StringIO()
    console = Console(file=out, width=100, force_terminal=True, color_system=None)
    view = TrialView(10_000)
    console.print(view)
    assert "Checking who can do it untrained" in out.getvalue()
    for number in range(1, 5):
        view(point(number, number / 4, 100.0 * number))
    console.print(view)
    text = out.getvalue()
    assert "100 %" in text
    assert "  0 %" in text
    assert "success 100%" in text
    assert "(between 100.0 and 400.0)" in text
    assert "82% of the budget" in text
    assert max(map(len, text.splitlines())) <= 100
