"""No program that the policy accepts reaches files, processes, modules, frames or the real client.

`fuzz_driver.py` draws and runs the programs in a process of its own, since an audit hook cannot be
taken out again. `TASKWRIGHT_FUZZ_EXAMPLES` asks for a longer hunt than the usual seconds; each
example is a dozen fragments of code. The draws are the same in every run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).parent / "fuzz_driver.py"
EXAMPLES = int(os.environ.get("TASKWRIGHT_FUZZ_EXAMPLES", "150"))

# With neither policy nor facades in the way, each of these must ring.
ESCAPES = {
    "opens a file": ("open('/dev/null')", "open "),
    "imports a module": ("import this", "import "),
    "starts a program": ("os.system('true')", "os.system "),
    "opens a socket": ("socket.socket()", "socket."),
    "reads a frame": ("sys._getframe()", "sys._getframe "),
    "compiles code": ("compile('1', 'x', 'eval')", "compile "),
    "reaches a function's code": ("main.__code__", "object.__getattr__ "),
    "loads a library": ("ctypes.CDLL(None)", "ctypes."),
    "holds a module": ("got.append([{'np': np}])", "a task got hold of <module 'numpy'"),
    "holds the real open": ("got.append(open)", "a task got hold of <built-in function open>"),
    "holds the trusted client": ("got.append(client)", "a task got hold of <taskwright"),
    "holds raw PyBullet": ("got.append(pybullet.connect)", "a task got hold of <built-in function"),
    "holds what holds it": ("got.append(Holder())", "a task got hold of <module 'os'"),
}
SELF_TEST = """
import ctypes, os, socket, sys
sys.path.insert(0, {folder!r})
import numpy as np, pybullet
from fuzz_driver import Bells, Escape, look_at, main
from taskwright.world.client.client import PhysicsClient
class Holder:
    def __init__(self): self.held = os
client, got, bells = PhysicsClient(), [], Bells()
code = compile({code!r}, "x", "exec")
bells.armed = True
try: exec(code)
finally: bells.armed = False
try: look_at(got, depth=3)
except Escape as escape: bells.rung.append(str(escape))
print(*bells.rung[1:] if "exec" in str(bells.rung[:1]) else bells.rung, sep="\\n")
"""


@pytest.mark.parametrize("name", ESCAPES)
def test_bells_ring(name: str) -> None:
    code, said = ESCAPES[name]
    script = SELF_TEST.format(folder=str(DRIVER.parent), code=code)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert any(line.startswith(said) for line in done.stdout.splitlines()), done


def _hunt(examples: int, scratch: Path) -> dict[str, int]:
    done = subprocess.run(
        [sys.executable, str(DRIVER), str(examples), str(scratch)], capture_output=True, text=True
    )
    at_work = scratch.read_text().strip()
    assert done.returncode == 0, f"{done.stderr[-3000:]}\nThe fragment at work was:\n{at_work}"
    counts: dict[str, int] = json.loads(done.stderr.splitlines()[-1])
    return counts


@pytest.mark.slow
def test_no_way_out_is_found(tmp_path: Path) -> None:
    counts = _hunt(EXAMPLES, tmp_path / "fragment")
    print(counts)
    assert counts["tried"] >= 12 * EXAMPLES
    # Most of what is drawn is refused or fails; what runs must be more than a handful.
    assert counts["ran"] >= EXAMPLES
    assert counts["raised"] >= EXAMPLES
    assert "left NaN in the world" not in counts
