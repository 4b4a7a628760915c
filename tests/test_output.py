"""Whatever is printed through the one way out is readable, one way or another it is printed."""

from __future__ import annotations

import ast
import io
import json
import os
import re

import pytest
from product import product_files
from rich.syntax import Syntax
from rich.text import Text

from taskwright.output import Console, Grid, Line, busy, live, print_json, print_source, say

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b8m\r\x08\u202e\u200b\U000e0041[red]x[/red] :smile:"
STYLING = re.compile(r"\x1b\[[0-9;]*m")
"""What rich writes to a terminal by itself."""
MOVING = re.compile(STYLING.pattern + r"|\x1b\[\?25[lh]|\x1b\[1A|\x1b\[2K|\r")
"""The same of a live picture."""
OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b-\u200f\U000e0041]"
)


def terminal(file: io.StringIO, **options: object) -> Console:
    return Console(file=file, force_terminal=True, color_system="standard", width=80, **options)


def assert_readable(written: str, styling: re.Pattern[str] = STYLING) -> None:
    text = styling.sub("", written)
    assert "owned" in text
    assert "[red]x[/red] :smile:" in text
    assert not OBEYED.search(text), ascii(text)
    # Of a style that the text asks for there is nothing.
    assert "\x1b[31m" not in written
    assert "\x1b[8m" not in written


@pytest.mark.parametrize(
    "printed",
    [
        HOSTILE,
        Line(HOSTILE, (HOSTILE, "bold")),
        Text(HOSTILE),
        Syntax(HOSTILE, "python"),
        ("grid", HOSTILE),
    ],
    ids=["str", "line", "text", "syntax", "grid"],
)
def test_nothing_that_is_printed_reaches_a_terminal_raw(printed):
    out = io.StringIO()
    console = terminal(out)
    if isinstance(printed, tuple):
        grid = Grid("a", "b")
        grid.row(printed[1], (printed[1], "green"))
        printed = grid
    console.print(printed)
    assert_readable(out.getvalue().replace("\n", ""))


def test_a_title_of_a_rule_is_a_text():
    out = io.StringIO()
    terminal(out).rule(HOSTILE)
    assert_readable(out.getvalue())


def test_a_live_view_and_what_is_printed_meanwhile_are_cleaned(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    with live(Line("view ", HOSTILE), terminal(out)):
        print(f"told {HOSTILE}")
    with busy(terminal(out), HOSTILE) as tell:
        tell(HOSTILE)
        print(f"again {HOSTILE}", flush=True)
    assert_readable(out.getvalue(), MOVING)
    assert re.search(r"told .*owned", out.getvalue())
    assert re.search(r"again .*owned", out.getvalue())


def test_the_styles_that_we_add_do_reach_a_terminal():
    out = io.StringIO()
    terminal(out).say(("red", "red"), " and plain")
    assert out.getvalue() == "\x1b[31mred\x1b[0m and plain\n"


def test_a_row_stays_one_row_whatever_breaks_its_texts_hold():
    out = io.StringIO()
    grid = Grid("number", "title")
    grid.row("1", "two\nlines\r\nand\rmore\t\u2028\x85end")
    grid.row("2", "next")
    Console(file=out).print(grid)
    assert len(out.getvalue().splitlines()) == 3


def test_a_line_is_one_line_however_long_it_is():
    out = io.StringIO()
    Console(file=out, width=40).say("word " * 100, ("\nmore", "bold"))
    assert out.getvalue().count("\n") == 1


def test_what_an_encoding_lacks_is_replaced_before_columns_are_laid_out():
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    grid = Grid("success", "title")
    grid.row("0 % → 9 %", "été …")
    Console(file=out).print(grid)
    out.flush()
    heading, row = raw.getvalue().decode("ascii").splitlines()
    assert row.split("  ")[0].strip() == "0 % -> 9 %"
    assert heading.index("title") == row.index("ete ...")


def test_a_text_of_several_lines_keeps_them():
    out = io.StringIO()
    Console(file=out).print("one\n\n\ttwo")
    assert out.getvalue() == "one\n\n        two\n"


def test_json_is_ascii_and_exact(capsys):
    document = {"text": HOSTILE + "\x7f\x00\ud800é", "number": 1.5}
    print_json(document)
    written = capsys.readouterr().out
    assert written.isascii()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", written)
    assert json.loads(written) == document


def test_source_is_exact_for_a_file(capfdbinary):
    source = "x = 1  # é \x1b[2J\r\n\ty = 2"
    print_source(source)
    assert capfdbinary.readouterr().out == source.encode()


def test_a_line_goes_to_either_stream(capsys):
    say("out")
    say("error", err=True)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("out\n", "error\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device here")
def test_what_a_full_standard_error_cannot_take_is_left_untold(monkeypatch):
    with open("/dev/full", "w") as full:
        monkeypatch.setattr("sys.stderr", full)
        say("nobody hears this", err=True)
        say("nor this", err=True)


MAY_PRINT = {
    "output.py",
    "streams.py",
    # What runs where Taskwright is not installed, and has its own copy of `text`.
    "exporter/runtime/__main__.py",
}


def ways_around(source: str) -> list[str]:
    """What in a module would print by another way, or have texts read as markup."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id="print" | "input" as name):
                found.append(f"line {node.lineno}: {name}")
            case ast.Attribute(value=ast.Name(id=module), attr=name) if name in WAYS.get(
                module, ()
            ):
                found.append(f"line {node.lineno}: {module}.{name}")
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="console"), attr="Console")):
                found.append(f"line {node.lineno}: a console of rich's")
            case ast.ImportFrom(module=str(module)):
                names = WAYS.get(module, set()) & {name.name for name in node.names}
                found += [f"line {node.lineno}: {module}.{name}" for name in sorted(names)]
    return found


WAYS = {
    "click": {"echo", "secho", "confirm", "prompt", "pause", "echo_via_pager"},
    "sys": {"stdout", "stderr", "__stdout__", "__stderr__"},
    "rich": {"print", "print_json", "get_console", "inspect"},
    "rich.console": {"Console"},
    "rich.live": {"Live"},
    "rich.markup": {"escape", "render"},
    "rich.progress": {"track", "Progress"},
    "rich.prompt": {"Prompt", "Confirm"},
    "rich.status": {"Status"},
    "rich.table": {"Table"},
    "Text": {"from_markup", "from_ansi"},
}


def test_nothing_in_the_package_prints_by_another_way():
    ways = {path: ways_around(source) for path, source in product_files()}
    assert len(ways) > 150
    found = {path: around for path, around in ways.items() if around and path not in MAY_PRINT}
    assert found == {}, "print through `output`, which cleans every text"


@pytest.mark.parametrize(
    "source",
    [
        "print(title)",
        "import click\nclick.echo(title)",
        "from click import echo\necho(title)",
        "import sys\nsys.stdout.write(title)",
        "from rich.console import Console\nConsole().print(title)",
        "from rich import print\nprint(title)",
        "import rich.console\nrich.console.Console().print(title)",
        "from rich.live import Live",
        "serve(tell=print)",
        "text = Text.from_markup(title)",
    ],
)
def test_the_ways_around_are_known(source):
    assert ways_around(source)
