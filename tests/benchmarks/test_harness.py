"""What benchmarks share: measuring in turn, ratios with intervals, tables, results that go on."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import harness
import numpy as np
import pytest
from harness import Benchmark, Ratio, in_process, in_turn, interpreter, watched
from trials import Results

from taskwright.errors import UsageError


def started(monkeypatch: pytest.MonkeyPatch, *words: str, **options: object) -> Benchmark:
    monkeypatch.setattr(sys, "argv", ["some.py", *words])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    bench = Benchmark("How fast?", **options)  # type: ignore[arg-type]
    bench.start()
    return bench


def test_measures_in_turn_and_every_other_round_backwards():
    asked: list[str] = []
    works = {"a": lambda: asked.append("a") or 1.0, "b": lambda: asked.append("b") or (2.0, 3.0)}
    found = in_turn(works, 3)
    assert "".join(asked) == "abbaab"
    assert found["a"].tolist() == [1.0] * 3
    assert found["b"].shape == (3, 2)


def test_a_warm_up_does_not_count():
    numbers = iter(range(10))
    assert in_turn({"a": lambda: next(numbers)}, 2, warm_up=True)["a"].tolist() == [1, 2]


def test_the_interval_of_a_ratio_covers_the_median_in_95_of_100_cases():
    random, covered = np.random.default_rng(0), 0
    for _ in range(2000):
        ratio = Ratio.of(np.exp(random.standard_normal(9)), np.ones(9))
        assert ratio.lowest <= ratio.low <= ratio.median <= ratio.high <= ratio.highest
        covered += ratio.low <= 1.0 <= ratio.high
    # Of nine, from the second to the eighth: 96.1 %.
    assert 0.945 < covered / 2000 < 0.975


def test_of_few_rounds_the_interval_is_the_range():
    ratio = Ratio.of([1.0, 2.0, 4.0], [1.0, 1.0, 1.0])
    assert f"{ratio:.1f}" == "2.0 (1.0 to 4.0)"
    assert (ratio.lowest, ratio.highest) == (1.0, 4.0)


def test_a_table_is_printed_row_by_row_and_written_as_numbers(monkeypatch, tmp_path, capsys):
    file = tmp_path / "numbers.json"
    bench = started(monkeypatch, "--json", str(file))

    def rows():
        yield ["one", 1234.5, Ratio.of([2.0], [1.0])]
        assert "| one | 1,234 | 2.00 (2.00 to 2.00) |" in capsys.readouterr().out
        yield ["two", None, float("nan")]

    bench.table({"what": "", "steps/s": ",.0f", "ratio": ".2f"}, rows())
    bench.promise("it is fast", False, "slow")
    assert capsys.readouterr().out.splitlines() == ["| two | - | - |", "NO  it is fast: slow"]
    told = json.loads(file.read_text())
    (table,) = told["tables"]
    assert table["columns"] == ["what", "steps/s", "ratio"]
    assert table["rows"][0][1:] == [1234.5, dict.fromkeys(table["rows"][0][2], 2.0)]
    assert "numpy" in told["said"][0]
    assert told["said"][-1] == "NO  it is fast: slow"


def test_a_row_of_another_length_than_the_heads_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="zip"):
        started(monkeypatch).table({"a": "", "b": ""}, [["only one"]])


def test_another_installation_is_measured_in_turn_with_this_one(monkeypatch, tmp_path, capsys):
    other = tmp_path / "checkout" / ".venv" / "bin" / "python"
    other.parent.mkdir(parents=True)
    other.symlink_to(sys.executable)
    bench = started(
        monkeypatch,
        "--against",
        str(tmp_path / "checkout"),
        "--rounds",
        "2",
        rounds=5,
        against=True,
    )
    code = "import sys; print(4.0 if 'checkout' in sys.executable else 2.0)"
    bench.compare("seconds", {"it": lambda python: in_process(python, code)})
    assert "| it | 2 | 4 | 0.500 (0.500 to 0.500) | 0.50 | 0.50 |" in capsys.readouterr().out


def test_what_fails_in_another_installation_is_told_in_a_sentence():
    with pytest.raises(SystemExit, match=r"fails in .*python.*: ValueError: too old"):
        in_process(sys.executable, "raise ValueError('too old')")


def test_a_mistake_of_the_user_is_told_without_a_traceback(monkeypatch, capsys):
    started(monkeypatch)
    error = UsageError("There is no run folder.", "Name one.")
    sys.excepthook(UsageError, error, None)
    assert capsys.readouterr().err == "There is no run folder. Name one.\n"
    sys.excepthook(KeyError, KeyError("a mistake of ours"), None)
    assert "KeyError" in capsys.readouterr().err


def test_an_installation_that_is_none_is_refused(tmp_path):
    with pytest.raises(argparse.ArgumentTypeError, match="neither a Python nor a folder with one"):
        interpreter(str(tmp_path))


def test_times_the_calls_of_a_method_and_leaves_it_as_it_was():
    def work() -> str:
        raise ValueError("it fails, and has taken its time all the same")

    owner = argparse.Namespace(work=work)
    with watched(owner, "work") as spent, pytest.raises(ValueError, match="it fails"):
        owner.work()
    assert len(spent) == 1
    assert owner.work is work


def test_results_go_on_where_they_were_stopped(tmp_path: Path):
    path = tmp_path / "results.jsonl"
    Results(path, "task", "seed").add(task="b", seed=0, steps=10)
    results = Results(path, "task", "seed")
    results.add(task="a", seed=1, steps=20)
    assert results.find("b", 0) == {"task": "b", "seed": 0, "steps": 10}
    assert results.find("b", 1) is None
    assert [row["steps"] for row in Results(path, "task", "seed").sorted()] == [20, 10]


def test_the_machine_is_told_in_one_line():
    line = harness.machine()
    assert "\n" not in line
    assert "taskwright 0" in line
