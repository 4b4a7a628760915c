"""What is told of an exception: the task's mistake or this machine's failure, and no path."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import taskwright
from taskwright.errors import BrokenError
from taskwright.sandbox.checker import check_task
from taskwright.sandbox.faults import describe, fault_of
from taskwright.sandbox.vector import SandboxedEpisodes
from taskwright.task import Task
from taskwright.world.language.loading import UnavailableImport

GOOD = (Path(__file__).parents[1] / "tasks" / "good" / "stay_in_circle.py").read_text("utf-8")
RESET = "        observation = super().reset()\n"

# Each needs a part of Python that it loads late: as a shared object, where it was built so.
BEYOND_ASCII = {
    "a Greek name": "θ = self.np_random.uniform(); self.far = θ",
    "a Greek attribute": "self.Δ = 1.0; self.Δ += 1.0",
    "a name with an umlaut": "größe_der_fläche = 2.0; self.far = größe_der_fläche",
    "a Chinese name": "角度 = 1.0; self.far = 角度",
    "a name that is not normalised": "ﬁeld = 1.0; self.far = field",
    "a named character": 'self.note = "5 \\N{DEGREE SIGN}"',
    "a character by its name in an f-string": 'self.note = f"{5}\\N{GREEK SMALL LETTER THETA}"',
    "characters replaced by their names": 'self.note = "θ".encode("ascii", "namereplace")',
    "characters replaced by escapes": 'self.note = "θ".encode("ascii", "backslashreplace")',
    "an old Chinese encoding": 'self.note = "角".encode("gb2312").decode("gb18030")',
    "a Japanese encoding": 'self.note = "角".encode("shift_jis"), "角".encode("iso2022_jp")',
    "a Korean encoding": 'self.note = "각".encode("euc_kr")',
    "a Western encoding": 'self.note = "ä".encode("cp1252"), "ä".encode("mac-roman")',
    "wide characters": 'self.note = "ä".encode("utf-16"), "ä".encode("utf-32")',
    "names of hosts": 'self.note = "bücher".encode("idna"), "bücher".encode("punycode")',
    "letters looked at": 'self.note = "Θ".casefold(), "Ⅷ".isnumeric(), "ä".isidentifier()',
    "an error of an unknown encoding": (
        'try:\n            "a".encode("klingon")\n        except LookupError:\n            pass'
    ),
}


@pytest.mark.parametrize("name", BEYOND_ASCII)
def test_text_beyond_ascii_is_as_good_as_any(name: str) -> None:
    source = GOOD.replace(RESET, f"{RESET}        {BEYOND_ASCII[name]}\n", 1)
    assert source != GOOD
    outcome = check_task(Task(source))
    assert outcome.passed, outcome.report


def test_an_import_that_fails_here_is_not_the_tasks_fault() -> None:
    error = ImportError("/somewhere/lib/x.so: failed to map segment", path="/somewhere/lib/x.so")
    (said,) = fault_of(error, "`reset`", "").items()
    assert said[0] == "broken"
    assert "could not load a part of itself during `reset`" in said[1]
    task = fault_of(UnavailableImport("`os` is not available to tasks."), "loading the module", "")
    assert task.keys() == {"symptom", "cause", "fix"}
    assert "Import numpy, math" in task["fix"]


def test_a_part_that_a_child_cannot_load_breaks_the_work_and_not_the_task() -> None:
    # With Python's own builtins, which task code has no way to: a part that is not loaded before.
    source = (
        "(kind,) = [k for k in ().__class__.__base__.__subclasses__() "
        'if k.__name__ == "_wrap_close"]\n'
        'kind.__init__.__globals__["__builtins__"]["__import__"]("_sqlite3")\n'
    )
    with pytest.raises(BrokenError, match="could not load a part of itself") as broken:
        SandboxedEpisodes(source, "r2d2", count=1, processes=1)
    assert sys.base_prefix not in str(broken.value)


@pytest.mark.parametrize(
    "folder", [sys.prefix, sys.base_prefix, str(Path(taskwright.__file__).parent)]
)
def test_no_message_tells_where_things_lie_on_this_machine(folder: str) -> None:
    error = ValueError(f"cannot open {folder}/lib/secret.urdf, nor '{folder}'")
    fault = describe(error, "`reset`", "")
    assert folder not in fault.symptom
    assert "…/lib/secret.urdf" in fault.symptom


def test_an_empty_list_is_explained_as_one():
    with pytest.raises(ValueError, match="empty") as raised:
        min([])
    fault = describe(raised.value, "step 855 of an episode", "")
    assert "min() arg is an empty sequence" in fault.symptom
    assert "min(values, default=0.0)" in fault.fix
