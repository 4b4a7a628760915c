"""The command line of the package: `list` its tasks, or `check` them."""

from __future__ import annotations

import argparse
import functools
import io
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from .catalogue import MANIFEST, PACKAGE, TASKS, UnknownTask, find
from .checking import check, check_world, timed
from .text import LIKENESS, one_line


def main() -> int:
    """Exit status: 0 done, 1 something is wrong with a task, 2 the call is wrong."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {PACKAGE}",
        description=f"{len(TASKS)} reinforcement-learning tasks, made by Taskwright "
        f"{MANIFEST['taskwright']}.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="what tasks there are")
    checking = commands.add_parser(
        "check", help="whether they are as exported and run as they should"
    )
    checking.add_argument("tasks", nargs="*", help="names of tasks; all where none is given")
    for command in (listing, checking):
        command.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    if arguments.command == "list":
        return _list(arguments.json)
    try:
        names = [find(task)["name"] for task in arguments.tasks or TASKS]
    except UnknownTask as error:
        print(error, file=sys.stderr)
        return 2
    return _check(names, arguments.json)


def _list(as_json: bool) -> int:
    if as_json:
        print(json.dumps(MANIFEST, indent=2))
        return 0
    for entry in TASKS.values():
        print(f"{entry['id']:<60} {_success(entry):>13}  {one_line(entry['title'])}")
    return 0


def _success(entry: dict[str, Any]) -> str:
    rates = [entry["success_before"], entry["success_after"]]
    return " -> ".join("-" if rate is None else f"{rate:.0%}" for rate in rates)


def _check(names: list[str], as_json: bool) -> int:
    results = []
    looks: dict[str, Callable[[], list[str]]] = {"the world": check_world}
    looks.update((name, functools.partial(check, name)) for name in names)
    for name, look in looks.items():
        found, seconds = timed(look)
        results.append({"name": name, "problems": found, "seconds": round(seconds, 2)})
        if not as_json:
            print(f"{'ok' if not found else 'WRONG':<6}{name} ({seconds:.1f} s)", flush=True)
            for problem in found:
                print(f"      {one_line(problem)}")
    wrong = sum(1 for result in results if result["problems"])
    if as_json:
        print(json.dumps({"package": PACKAGE, "results": results}, indent=2))
    else:
        print(f"{len(names)} tasks checked; {wrong or 'nothing'} wrong.")
    return 1 if wrong else 0


def _printing(command: Callable[[], int]) -> int:
    """Run a command whose output may lack characters, or be closed, full or read no further."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=LIKENESS)
    try:
        status = command()
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except OSError as error:
        if error.filename is not None:
            raise  # It is of some file, and not of what is printed.
        # What is left to print goes nowhere, or Python would fail once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return 0
        print(f"What is printed cannot be written: {error.strerror}.", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(_printing(main))
