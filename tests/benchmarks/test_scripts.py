"""Every benchmark can be started, says what it measures and beside what, and is named in the
documentation; and what the documentation gives a benchmark is what it takes."""

from __future__ import annotations

import contextlib
import io
import re
import runpy
import sys
from pathlib import Path

import pytest

import taskwright

ROOT = Path(taskwright.__file__).parent
SHARED = ("harness", "trials")
SCRIPTS = {p.stem: p for p in sorted((ROOT / "benchmarks").glob("*.py")) if p.stem not in SHARED}
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
DOCS = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


@pytest.fixture(scope="module")
def helps() -> dict[str, str]:
    """What each script prints for `--help`, all of them in this process."""
    printed: dict[str, str] = {}
    with pytest.MonkeyPatch.context() as patch:
        for name, path in SCRIPTS.items():
            patch.setattr(sys, "argv", [str(path), "--help"])
            with contextlib.redirect_stdout(io.StringIO()) as out, pytest.raises(SystemExit) as end:
                runpy.run_path(str(path), run_name="__main__")
            assert end.value.code == 0, name
            printed[name] = out.getvalue()
    return printed


def test_each_says_what_it_measures_and_with_what_it_is_compared(helps):
    for name, text in helps.items():
        question, _, rest = text.partition("\n\n")[2].partition("\n\n")
        assert question.endswith("?"), name
        for part in ("Measures", "Compared with", "Duration"):
            assert re.search(rf"^{part}[:,]", rest, re.MULTILINE), f"{name}: {part}"
        assert f"python benchmarks/{name}.py" in rest, name


def test_each_is_named_in_the_documentation():
    assert [name for name in SCRIPTS if f"benchmarks/{name}.py" not in DOCS] == []


def test_what_the_documentation_runs_is_there_and_takes_its_options(helps):
    """In the scripts' own docstrings too."""
    lines = re.findall(r"python benchmarks/(\w+)\.py([^`)\n]*)", DOCS + "".join(helps.values()))
    assert len(lines) > len(SCRIPTS)
    for name, words in lines:
        assert name in SCRIPTS, f"benchmarks/{name}.py is not there"
        for option in re.findall(r"--[a-z-]+", words):
            assert f"{option} " in helps[name] + " ", f"{name} has no {option}"


PICTURES = sorted(set(ROOT.glob("docs/make_*.py")) - {ROOT / "docs" / "make_site.py"})


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_what_makes_the_pictures_of_the_documentation_finds_what_it_needs(path):
    assert "main" in runpy.run_path(str(path), run_name="imported")
