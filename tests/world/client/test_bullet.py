"""PyBullet comes without a word, whatever else is going on in the process."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest
from product import product_files

from taskwright.world.pictures import egl

IMPORT = "from taskwright import TaskEnv; TaskEnv"
PLAY = """
from taskwright import TaskEnv
env = TaskEnv({source!r}, {options})
env.reset(seed=0)
env.step(env.action_space.sample())
if env.render_mode:
    env.render()
    env.render()
env.close()
"""


def python(code: str, *redirections: str) -> subprocess.CompletedProcess[bytes]:
    """Python with a piece of code, started by a shell."""
    words = f'exec "$0" -c "$1" {" ".join(redirections)}'
    return subprocess.run(
        ["sh", "-c", words, sys.executable, code], capture_output=True, timeout=60, check=False
    )


def test_a_script_that_plays_a_task_prints_what_it_prints_and_nothing_else(easy_source):
    done = python(PLAY.format(source=easy_source, options="") + "print('played')")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"played\n", b"")


def test_drawing_with_egl_is_silent_too(easy_source):
    if not egl.find().device:
        pytest.skip("EGL does not work here")
    options = "renderer='egl', render_mode='rgb_array'"
    done = python(PLAY.format(source=easy_source, options=options))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_who_has_imported_it_before_has_heard_it_once():
    done = python(f"import pybullet; {IMPORT}; from pybullet import connect")
    assert done.returncode == 0
    assert (done.stdout + done.stderr).count(b"pybullet build time") <= 1


def test_other_threads_and_processes_are_heard_meanwhile():
    done = python(
        "import os, subprocess, sys, threading\n"
        "over = threading.Event()\n"
        "counts = [0, 0]\n"
        "def talk():\n"
        "    while not over.is_set() or not counts[0]:\n"
        "        os.write(1, b'told\\n')\n"
        "        print('said', file=sys.stderr, flush=True)\n"
        "        counts[0] += 1\n"
        "def start():\n"
        "    while not over.is_set() or not counts[1]:\n"
        "        subprocess.run(['echo', 'started'])\n"
        "        counts[1] += 1\n"
        "threads = [threading.Thread(target=talk), threading.Thread(target=start)]\n"
        "for thread in threads: thread.start()\n"
        f"{IMPORT}\n"
        "over.set()\n"
        "for thread in threads: thread.join()\n"
        "print(*counts)\n"
    )
    assert done.returncode == 0, done.stderr
    *lines, last = done.stdout.splitlines()
    talked, started = map(int, last.split())
    assert lines.count(b"told") == talked
    assert lines.count(b"started") == started
    assert done.stderr == b"said\n" * talked


@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_nothing_is_written_into_a_file_that_has_got_the_number_of_a_closed_stream(
    closed, tmp_path
):
    # The next files to be opened get the numbers of what is closed.
    code = f"files = [open({str(tmp_path)!r} + f'/{{n}}', 'w') for n in range(3)]; {IMPORT}"
    assert python(code, closed).returncode == 0
    assert [path.read_bytes() for path in sorted(tmp_path.iterdir())] == [b"", b"", b""]


def test_c_can_be_heard_again_afterwards():
    done = python(
        f"{IMPORT}; import ctypes; c = ctypes.CDLL(None); c.puts(b'heard'); c.fflush(None)"
    )
    assert done.stdout == b"heard\n"


def test_nothing_else_imports_it():
    found = []
    for path, source in product_files():
        for node in ast.walk(ast.parse(source)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            found += [path for name in names if name == "pybullet"]
    assert found == ["world/client/bullet.py"]
