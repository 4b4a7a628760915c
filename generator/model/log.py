"""`llm.jsonl`: every question that was asked of a model, one line each, and what came of it.

docs/models.md tells what each field means.

A question in flight lies in the folder `in_flight`, counted at the most that it can cost. What a
killed process leaves there is logged when the run goes on.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, FiniteFloat

from ...archive.events import is_number
from ...errors import storage_explained
from ...files import (
    MAX_LINE_BYTES,
    FileProblem,
    missing_line_feed,
    open_file,
    read_bytes,
    whole_lines,
)
from ...task import Cost

FILE_NAME = "llm.jsonl"
IN_FLIGHT = "in_flight"
SENT = "sent"
"""The field of a failed try that tells whether anything of it was sent."""
NO_CONNECTION = "no connection ("
"""How the errors of tries began that earlier versions counted as calls, though nothing was sent."""
NEVER_SENT = frozenset(
    "ExceptionGroup FileNotFoundError ImportError InvalidURL IsADirectoryError ModuleNotFoundError "
    "NotADirectoryError OSError OverflowError PermissionError SSLError UnicodeEncodeError "
    "ValueError".split()
) | {"the connection broke (LocalProtocolError)"}
"""The errors of tries that earlier versions counted as the most that they could have cost, though
no client could be made for them or their headers could not be written."""

Entry = dict[str, Any]


class CallLog:
    """Writes the log of a run folder. Threads share it; only the process that drives the run may
    have one."""

    def __init__(self, run_dir: Path) -> None:
        self._path = run_dir / FILE_NAME
        self._in_flight = run_dir / IN_FLIGHT
        self._lock = threading.Lock()

    def recover(self) -> None:
        """Log what a killed process had in flight."""
        if not self._in_flight.is_dir():
            return
        logged = {str(entry.get("call")) for entry in read_calls(self._path.parent)}
        for path in sorted(self._in_flight.glob("*.json")):
            try:
                entry = json.loads(read_bytes(open_file(path, MAX_LINE_BYTES), MAX_LINE_BYTES))
            except (FileProblem, ValueError, RecursionError):
                continue  # This file was being written, so nothing had been sent yet.
            if isinstance(entry, dict) and str(entry.get("call")) not in logged:
                self._append(_line(entry))
            path.unlink()

    def begin(self, entry: Entry) -> None:
        """Note that a request is about to be sent. `entry` is what is to be logged if this process
        ends before `end`."""
        with storage_explained():
            self._in_flight.mkdir(parents=True, exist_ok=True)
            path = self._place(entry)
            scratch = path.with_suffix(".new")
            scratch.write_bytes(_line(entry))
            os.replace(scratch, path)

    def end(self, entry: Entry) -> None:
        """Log a question, whatever came of it. Raises StorageError where the disk is full."""
        self._append(_line(entry))
        self._place(entry).unlink(missing_ok=True)

    def _place(self, entry: Entry) -> Path:
        return self._in_flight / f"{entry['call']}.json"

    def _append(self, line: bytes) -> None:
        with self._lock, storage_explained(), self._path.open("ab+", buffering=0) as file:
            line = missing_line_feed(file) + line
            before = file.seek(0, os.SEEK_END)
            try:
                if file.write(line) != len(line):
                    # The disk took a part: asking for the rest tells why.
                    file.write(line[file.tell() - before :])
            except OSError:
                file.truncate(before)
                raise


def read_calls(run_dir: Path, journey: int | None = None) -> Iterator[Entry]:
    """The questions in a run folder's log, in the order in which they ended; of one journey, or of
    all. Empty where there is no log. A line cut short by a kill is passed over."""
    try:
        file = open_file(run_dir / FILE_NAME, sys.maxsize)
    except FileProblem:
        return
    with file:
        for _, line in whole_lines(file, also_last=True):
            try:
                entry = json.loads(line.decode(errors="replace"))
            except (ValueError, RecursionError):
                continue
            if isinstance(entry, dict) and journey in (None, entry.get("journey")):
                yield entry


def whole_calls(run_dir: Path, journey: int) -> list[Entry]:
    """The questions of a journey, as far as they are written as we write them: others may have put
    anything there."""
    return [entry for entry in read_calls(run_dir, journey) if _is_whole(entry)]


class _Part(BaseModel):
    type: str
    text: str = ""
    image_url: dict[str, str] = Field(default_factory=dict)


class _Message(BaseModel):
    role: str
    content: str | list[_Part]


class _Try(BaseModel):
    seconds: FiniteFloat
    error: str
    pause_s: FiniteFloat = 0.0


class _Call(BaseModel):
    """The fields of an entry that pages show."""

    role: str
    model: str
    time: str
    seconds: FiniteFloat
    messages: list[_Message]
    answer: str | None = None
    thoughts: str = ""
    finish_reason: str | None = None
    error: str = ""
    server: str = ""
    source: str = ""
    step: str | None = None
    tries: list[_Try] = Field(default_factory=list)


def _is_whole(entry: Entry) -> bool:
    try:
        _Call.model_validate(entry, strict=True)
        json.dumps(entry, allow_nan=False)
    except (ValueError, RecursionError):
        return False
    return ("finish_reason" if "answer" in entry else "error") in entry


def cost_in(entry: Mapping[str, Any]) -> Cost:
    """What a logged question has cost. What earlier versions counted though it was never sent is
    left out, as far as the log tells."""

    def whole(name: str, usual: int = 0) -> int:
        value = entry.get(name, usual)
        return value if is_number(value) and isinstance(value, int) else usual

    usd = entry.get("usd")
    cost = Cost(
        whole("calls", 1),
        whole("prompt_tokens"),
        whole("completion_tokens"),
        float(usd) if is_number(usd) else None,
        whole("estimated_tokens"),
    )
    tries = entry.get("tries")
    known = [tried for tried in tries if isinstance(tried, dict)] if isinstance(tries, list) else []
    errors = [str(tried.get("error")) for tried in known if SENT not in tried]
    connected = [error for error in errors if not error.startswith(NO_CONNECTION)]
    if connected and "answer" not in entry and NEVER_SENT.issuperset(connected):
        # What kept these tries from being sent also kept the one after them, which was cut off.
        return Cost()
    return replace(cost, calls=max(cost.calls - len(errors) + len(connected), 0))


def cost_fields(cost: Cost) -> dict[str, Any]:
    """A cost as the fields of an entry."""
    return {
        "calls": cost.calls,
        "prompt_tokens": cost.prompt_tokens,
        "completion_tokens": cost.completion_tokens,
        "estimated_tokens": cost.estimated_tokens,
        "usd": cost.usd,
    }


def spent_by_role(run_dir: Path) -> dict[str, Cost]:
    """What the questions of each role have cost in a run folder so far."""
    spent: dict[str, Cost] = {}
    for entry in read_calls(run_dir):
        role = str(entry.get("role"))
        spent[role] = spent.get(role, Cost()) + cost_in(entry)
    return spent


def _line(entry: Entry) -> bytes:
    return (json.dumps(entry) + "\n").encode()
