"""Any Python statements inside a sandboxed child, where only the operating system holds them.

This stands for a program that has broken out of the language: it is loaded as a task in training,
which the policy does not look at, and takes Python's real builtins back from a class of `os`.
Run as a script, it is a parent of its own: it reads a JSON object of statements by name, and
prints what became of each.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from unittest import mock

from taskwright.sandbox import vector
from taskwright.sandbox.processes.channel import (
    ChildDied,
    ChildFault,
    ChildProtocolError,
    ChildTimeout,
)

# What the statements leave in `result`, or raise, comes back in the text of an exception.
SOURCE = """
(kind,) = [k for k in ().__class__.__base__.__subclasses__() if k.__name__ == "_wrap_close"]
builtins = kind.__init__.__globals__["__builtins__"]
names = {{"__builtins__": builtins, "__name__": "raw"}}
try:
    builtins["exec"]({statements!r}, names)
    said = "returned " + builtins["repr"](names.get("result"))
except builtins["BaseException"] as error:
    said = "raised " + builtins["type"](error).__name__ + ": " + builtins["str"](error)
{report}
"""
REPORT = 'raise builtins["ValueError"]("<<" + said[:200] + ">>")'


def run_in_child(statements: str, timeout_s: float = 5.0) -> str:
    """What became of the statements: `returned …` what they left in `result`, `raised …`,
    `timeout`, `died SIGSYS` and the like, or `protocol` where the parent was sent nonsense."""
    source = SOURCE.format(statements=statements, report=REPORT)
    try:
        with (
            mock.patch.object(vector, "LOAD_TIMEOUT_S", timeout_s),
            vector.SandboxedEpisodes(source, "r2d2", count=1, processes=1),
        ):
            return "forged an answer"
    except ChildTimeout:
        return "timeout"
    except ChildDied as died:
        return f"died {signal.Signals(-died.status).name if died.status < 0 else died.status}"
    except ChildProtocolError:
        return "protocol"
    except ChildFault as fault:
        found = re.search("<<(.*?)>>", fault.symptom, re.DOTALL)
        return found[1] if found else f"unexpected: {fault.symptom}"


def run_outside(statements: str) -> str:
    """The same without a sandbox, in a plain child of this process."""
    source = SOURCE.format(statements=statements, report="builtins['print'](said)")
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, timeout=30.0
    )
    return done.stdout.strip() or f"unexpected: {done.stderr}"


if __name__ == "__main__":
    run = run_outside if sys.argv[1] == "outside" else run_in_child
    print(json.dumps({name: run(text) for name, text in json.load(sys.stdin).items()}))
