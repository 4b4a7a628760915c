"""The parent's part of a check: what it believes, when it gives up, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taskwright.errors import BrokenError
from taskwright.sandbox import checker
from taskwright.sandbox.checker import check_task
from taskwright.sandbox.processes.channel import ChildDied, ChildFault
from taskwright.task import Outcome, Task

TASKS = Path(__file__).parents[1] / "tasks"
GOOD = (TASKS / "good" / "stay_in_circle.py").read_text(encoding="utf-8")
HANGING = (TASKS / "broken" / "step__never_returns.py").read_text(encoding="utf-8")


class _ScriptedChild:
    """Stands for a child process; `says` holds what the children say, one list for each."""

    says: list[list[Any]]

    def __init__(self) -> None:
        self._says = iter(self.says.pop(0))

    def __enter__(self) -> _ScriptedChild:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def wait_until_ready(self) -> None:
        pass

    def send(self, message: dict[str, Any]) -> None:
        pass

    def receive(self, what: str, timeout_s: float) -> Any:
        said = next(self._says)
        if isinstance(said, Exception):
            raise said
        return said


_PLAYED = [{"script": "idle actions", "seed": 1, "trace": ["aa", "bb"]}]
_PASSED = {"passed": True, "played": _PLAYED}


@pytest.mark.parametrize(
    ("children", "verdict", "symptom"),
    [
        ([[_PASSED], [{"traces": [["aa", "bb"]]}]], "passed", ""),
        ([[_PASSED], [{"traces": [["aa", "cc"]]}]], "rejected", "differ from action 1 on"),
        ([[_PASSED], [{"traces": [["aa"]]}]], "rejected", "differ from action 2 on"),
        ([[_PASSED], [{"traces": None}]], "rejected", "differ; they"),
        ([[_PASSED], [{"traces": [7]}]], "rejected", "differ; they"),
        ([[_PASSED], [{}]], "rejected", ""),
        ([[{"passed": True}]], "rejected", ""),
        ([[{"passed": True, "played": 3}]], "rejected", "malformed answer"),
        ([[{"passed": True, "played": []}]], "rejected", "malformed answer"),
        ([[{"passed": True, "played": [{"seed": 1}]}]], "rejected", "malformed answer"),
        (
            [[{"passed": True, "played": [_PLAYED[0] | {"trace": []}]}]],
            "rejected",
            "malformed answer",
        ),
        ([[_PASSED], [ChildDied(-signal.SIGSEGV)]], "rejected", "SIGSEGV"),
        ([[_PASSED], [ChildFault("too much", "", "")]], "rejected", "too much"),
        ([[_PASSED], [ChildDied(-signal.SIGKILL)]], "broken", "killed from outside"),
        ([[_PASSED], [BrokenError("does not start", "mend it")]], "broken", "does not start"),
    ],
)
def test_believes_only_what_two_children_agree_on(
    children: list[list[Any]], verdict: str, symptom: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_ScriptedChild, "says", children, raising=False)
    monkeypatch.setattr(checker, "Child", _ScriptedChild)
    outcome = check_task(Task(GOOD))
    assert outcome.verdict == verdict
    assert symptom in outcome.symptom
    assert outcome.stage in ((None,) if verdict != "rejected" else ("syntax", "seeding"))


def test_reports_text_that_cannot_be_printed_as_text_that_can() -> None:
    source = GOOD.replace(
        "        self._steps += 1\n", '        raise ValueError("\\ud800" + "x" * 10_000)\n'
    )
    outcome = check_task(Task(source))
    assert (outcome.verdict, outcome.stage) == ("rejected", "step")
    assert outcome.symptom.encode()
    assert len(outcome.symptom) < 1000


def test_leaves_no_process_when_the_task_hangs(
    processes: Any, wait_until: Callable[..., None]
) -> None:
    with _Checking(HANGING, timeout_s=4.0) as checking:
        pid = checking.child_at_work(processes, wait_until)
        assert processes.in_session(pid) == [pid]
    assert checking.outcome.verdict == "rejected"
    assert processes.in_session(pid) == []
    assert pid not in processes.sandboxed_by(os.getpid())


def test_calls_itself_broken_when_something_else_kills_the_child(
    processes: Any, wait_until: Callable[..., None]
) -> None:
    with _Checking(HANGING, timeout_s=30.0) as checking:
        os.kill(checking.child_at_work(processes, wait_until), signal.SIGKILL)
    outcome = checking.outcome
    assert outcome.verdict == "broken", outcome
    assert outcome.stage is None
    assert "killed from outside" in outcome.symptom
    assert outcome.seconds < 20.0


class _Checking:
    """A check in a thread of its own; on leaving, it is waited for."""

    def __init__(self, source: str, timeout_s: float) -> None:
        self._thread = threading.Thread(target=self._check, args=(source, timeout_s))
        self.outcome = Outcome("passed")

    def _check(self, source: str, timeout_s: float) -> None:
        self.outcome = check_task(Task(source), timeout_s)

    def child_at_work(self, processes: Any, wait_until: Callable[..., None]) -> int:
        """The id of the only child, once it has computed longer than its start takes."""
        wait_until(lambda: len(processes.sandboxed_by(os.getpid())) == 1)
        (pid,) = processes.sandboxed_by(os.getpid())
        wait_until(lambda: processes.cpu_s(pid) > 1.0)
        return int(pid)

    def __enter__(self) -> _Checking:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()
