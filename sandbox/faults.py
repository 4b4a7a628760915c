"""Explains an exception from task code as symptom, cause and fix.

A person and a repairing model read the same three sentences. The symptom names the task's own line;
the text of an exception is cut short, because task code chooses it.
"""

from __future__ import annotations

import os
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

import pybullet_data

from ..world.actions import ActionError
from ..world.client.bullet import pybullet
from ..world.contract import ContractError, UnavailableError
from ..world.language.loading import LoadError, UnavailableImport

TEXT_LIMIT = 300

_FOLDERS_OF_THIS_MACHINE = sorted(
    {
        place
        for place in (
            sys.prefix,
            sys.base_prefix,
            str(Path(__file__).parents[1]),
            str(Path(pybullet_data.getDataPath()).parent),
            os.path.expanduser("~"),
        )
        if len(place) > 1
    },
    key=len,
    reverse=True,
)
"""Folders whose paths are left out of messages to models and to readers of an archive."""


@dataclass(frozen=True)
class Fault:
    """What went wrong in task code."""

    symptom: str
    cause: str
    fix: str


def fault_of(error: BaseException, doing: str, source: str) -> dict[str, str]:
    """An exception as a sandboxed process answers with it: symptom, cause and fix of what the task
    did wrong, or `broken`, in a sentence, where this machine failed. `doing` says what was going
    on: "`reset`" or "step 12"."""
    if isinstance(error, ImportError) and not isinstance(error, UnavailableImport):
        text = _shortened(_without_folders(str(error)))
        return {"broken": f"Python could not load a part of itself during {doing}: {text}"}
    if isinstance(error, ActionError):
        # The agent has given this action, so the task is not at fault.
        return {"broken": f"In {doing}: {_shortened(str(error))}"}
    fault = describe(error, doing, source)
    return {"symptom": fault.symptom, "cause": fault.cause, "fix": fault.fix}


def describe(error: BaseException, doing: str, source: str) -> Fault:
    """Explain an exception that task code has raised."""
    text = _shortened(_without_folders(str(error)))
    said = f": {text}" if text else ""
    symptom = f"{doing} raised {type(error).__name__}{said}{_where(error, source)}"
    symptom = symptom.removesuffix(".") + "."
    if isinstance(error, ContractError):
        return Fault(
            f"In {doing}: {_shortened(error.finding.removesuffix('.'))}{_where(error, source)}.",
            f"`{error.member}` does not keep to the task interface.",
            error.fix,
        )
    if isinstance(error, UnavailableError):
        return Fault(
            f"In {doing}: {error.finding}{_where(error, source)}.",
            "Tasks have what a simulated world needs, and nothing else.",
            error.fix,
        )
    if isinstance(error, LoadError):
        return Fault(
            text,
            "Every task is one class named `Env`.",
            "Write `from taskwright.world import R2D2Env` and `class Env(R2D2Env):`.",
        )
    if isinstance(error, ValueError) and "empty" in text:
        return Fault(
            symptom,
            "A list or an array is empty in some situations.",
            "Say what holds then, for instance with min(values, default=0.0), or look first.",
        )
    for kinds, cause, fix in _EXPLANATIONS:
        if isinstance(error, kinds):
            return Fault(symptom, cause, fix)
    return Fault(symptom, "A mistake in the task's code.", "Correct the line named above.")


def _without_folders(text: str) -> str:
    for folder in _FOLDERS_OF_THIS_MACHINE:
        text = text.replace(folder, "…")
    return text


def _shortened(text: str) -> str:
    return text if len(text) <= TEXT_LIMIT else text[:TEXT_LIMIT] + "…"


def _where(error: BaseException, source: str) -> str:
    """The last line of the task's own code on the way to the error."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == "<task>"]
    lines = source.splitlines()
    if not frames or not frames[-1].lineno or frames[-1].lineno > len(lines):
        return ""
    number = frames[-1].lineno
    return f" (line {number}: `{lines[number - 1].strip()[:120]}`)"


_EXPLANATIONS: list[tuple[type[BaseException] | tuple[type[BaseException], ...], str, str]] = [
    (
        NotImplementedError,
        "A method that every task needs is missing.",
        "Define get_task_rewards(self, action), get_terminated(self, action) and "
        "get_success(self).",
    ),
    (
        AttributeError,
        "An attribute is read before it is set, or does not exist in the interface.",
        "Set every attribute in __init__ or reset before it is read; call super().__init__() "
        "first in __init__.",
    ),
    (NameError, "A name is used that is not defined.", "Define or import it, or use self."),
    (
        KeyError,
        "A key is looked up that does not exist.",
        'The robot\'s root link is self.robot.links["base"]; print the keys of a dict of your '
        "own where you fill it.",
    ),
    (
        pybullet.error,
        "PyBullet refused the call: an id or an argument is not valid.",
        "Pass body ids that create_box and its like returned, and positions of three finite "
        "numbers.",
    ),
    (
        MemoryError,
        "Far more memory is asked for than a task needs.",
        "Keep arrays and lists small, and do not let them grow with every step.",
    ),
    (
        RecursionError,
        "A method calls itself without an end, often by overriding a helper that it then calls.",
        "Call super() for the original, or give the method another name.",
    ),
    (
        (TypeError, ValueError),
        "A value has another type or shape than the call expects.",
        "super().reset() returns the observation alone, positions have three numbers, "
        "quaternions four, half extents three.",
    ),
    (ImportError, "The import is not available.", "Import numpy, math and the robot's base only."),
    (
        ZeroDivisionError,
        "A division by zero.",
        "Guard the divisor, for instance with max(distance, 1e-6).",
    ),
]
