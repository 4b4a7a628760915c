"""A key, a secret file and a listener stand by, and programs with the policy off go for them.

Each program is run twice: in a sandboxed child, where it must get nothing, and in a plain process,
where it must get what it is after; so that none of them fails for a reason of its own.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

RAW = Path(__file__).parent / "hostile" / "raw.py"
KEY = "canary-5d1f0c7e93b84a26"
SECRET = "canary-b80e24c1a6f7d935"

SEARCH_ALL_ENVIRONMENTS = """
import os
result = []
for process in filter(str.isdigit, os.listdir('/proc')):
    try:
        text = open(f'/proc/{process}/environ').read()
    except OSError:
        continue
    result += [line for line in text.split(chr(0)) if line.startswith('OPENAI_API_KEY')]
# Other tests may have keys in their environment.
result = sorted(result, key=lambda line: 'canary-' not in line)[:1]
"""
SEARCH_ANCESTORS = """
import os
process, result = os.getpid(), []
while process > 1:
    try:
        text = open(f'/proc/{process}/environ').read()
    except PermissionError:  # an ancestor of another user's
        text = ''
    result = [line for line in text.split(chr(0)) if 'OPENAI_API_KEY' in line] or result
    process = int(open(f'/proc/{process}/stat').read().rpartition(')')[2].split()[1])
"""
SEARCH_MEMORY = """
import re
result, needle = [], 'OPENAI_API_'.encode() + b'KEY='
with open('/proc/@PROCESS@/maps') as maps, open('/proc/@PROCESS@/mem', 'rb', 0) as memory:
    for line in maps:
        first, last = (int(number, 16) for number in line.split()[0].split('-'))
        if '[stack]' in line or '[heap]' in line:
            memory.seek(first)
            result += re.findall(needle + rb'[a-z0-9-]{10,}', memory.read(last - first))
result = result[:1]
"""
LIBC = "import ctypes; libc = ctypes.CDLL(None); "

KEY_PROGRAMS = {
    "os.environ": "import os; result = os.environ.get('OPENAI_API_KEY')",
    "os.environb": "import os; result = os.environb.get(b'OPENAI_API_KEY')",
    "posix.environ": "import posix; result = posix.environ.get(b'OPENAI_API_KEY')",
    "getenv-of-libc": (
        LIBC + "libc.getenv.restype = ctypes.c_char_p; result = libc.getenv(b'OPENAI_API_KEY')"
    ),
    "own-environ": "result = open('/proc/self/environ').read().partition('API_KEY=')[2][:40]",
    "thread-environ": (
        "result = open('/proc/thread-self/environ').read().partition('API_KEY=')[2][:40]"
    ),
    "parent-environ": (
        "import os\n"
        "text = open(f'/proc/{os.getppid()}/environ').read()\n"
        "result = text.partition('API_KEY=')[2][:40]"
    ),
    "all-environs": SEARCH_ALL_ENVIRONMENTS,
    "environs-of-ancestors": SEARCH_ANCESTORS,
    "own-memory": SEARCH_MEMORY.replace("@PROCESS@", "self"),
    "shell": "import os; result = os.popen('echo $OPENAI_API_KEY').read()",
    "subprocess": (
        "import subprocess; result = subprocess.run(['env'], capture_output=True, text=True)"
        ".stdout.partition('API_KEY=')[2][:40]"
    ),
    "fork-and-exec": (
        "import os\n"
        "read, write = os.pipe()\n"
        "if os.fork() == 0:\n"
        "    os.dup2(write, 1)\n"
        "    os.execv('/bin/sh', ['sh', '-c', 'echo $OPENAI_API_KEY'])\n"
        "result = os.read(read, 100)"
    ),
}
# @SECRET@ is the path of the secret file.
FILE_PROGRAMS = {
    "open": "result = open('@SECRET@').read()",
    "os.open": "import os; result = os.read(os.open('@SECRET@', os.O_RDONLY), 100)",
    "path": "import pathlib; result = pathlib.Path('@SECRET@').read_text()",
    "libc": (
        LIBC + "data = ctypes.create_string_buffer(100)\n"
        "libc.read(libc.open(b'@SECRET@', 0), data, 100)\nresult = data.value"
    ),
    "numpy": "import numpy as np; result = np.fromfile('@SECRET@', dtype='S1').tobytes()",
    "memory-map": (
        "import mmap, os\nresult = mmap.mmap(os.open('@SECRET@', 0), 0, access=mmap.ACCESS_READ)[:]"
    ),
    "root-link": "result = open('/proc/self/root@SECRET@').read()",
    "root-of-parent": "import os; result = open(f'/proc/{os.getppid()}/root@SECRET@').read()",
    "relative": "result = open('../../../../../../..@SECRET@').read()",
    "shell": "import os; result = os.popen('cat @SECRET@').read()",
    "imported": (
        "import importlib.util as u, importlib.machinery as m\n"
        "result = m.SourceFileLoader('x', '@SECRET@').get_data('@SECRET@')"
    ),
    "linecache": "import linecache; result = linecache.getline('@SECRET@', 1)",
}
# On loopback somebody listens at @PORT@, by TCP and by UDP, and at the Unix socket @SOCKET@, for
# the word @CALL@, which is another one in each program.
CALLING_PROGRAMS = {
    "tcp": (
        "import socket\ns = socket.create_connection(('127.0.0.1', @PORT@), timeout=2)\n"
        "s.sendall(b'@CALL@')"
    ),
    "udp": (
        "import socket\n"
        "socket.socket(type=socket.SOCK_DGRAM).sendto(b'@CALL@', ('127.0.0.1', @PORT@))"
    ),
    "unix": (
        "import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect('@SOCKET@')\n"
        "s.sendall(b'@CALL@')"
    ),
    "abstract-unix": (
        "import socket\ns = socket.socket(socket.AF_UNIX)\n"
        "s.connect(chr(0) + 'taskwright-@PORT@')\n"
        "s.sendall(b'@CALL@')"
    ),
    "http": (
        "import urllib.request\n"
        "try:\n"
        "    urllib.request.urlopen('http://127.0.0.1:@PORT@/@CALL@', timeout=0.5)\n"
        "except TimeoutError:\n    pass"
    ),
    "libc": (
        LIBC + "import struct\n"
        "s = libc.socket(2, 2, 0)\n"
        "to = struct.pack('=H', 2) + struct.pack('>H', @PORT@) + bytes([127, 0, 0, 1]) + bytes(8)\n"
        "libc.sendto(s, b'@CALL@', len(b'@CALL@'), 0, to, 16)"
    ),
    "bash": (
        "import subprocess\n"
        "subprocess.run(['bash', '-c', 'echo @CALL@ > /dev/tcp/127.0.0.1/@PORT@'])"
    ),
    "asyncio": (
        "import asyncio\n"
        "async def call():\n"
        "    _, writer = await asyncio.open_connection('127.0.0.1', @PORT@)\n"
        "    writer.write(b'@CALL@')\n"
        "    await writer.drain()\n"
        "asyncio.run(call())"
    ),
}
# @FILE@ must not come to be; it is another one in each program.
WRITING_PROGRAMS = {
    "open": "open('@FILE@', 'w').write('x')",
    "os.open": "import os; os.open('@FILE@', os.O_CREAT | os.O_WRONLY)",
    "libc": LIBC + "libc.creat(b'@FILE@', 0o600)",
    "mkdir": "import os; os.mkdir('@FILE@')",
    "symbolic-link": "import os; os.symlink('/', '@FILE@')",
    "fifo": "import os; os.mkfifo('@FILE@')",
    "hard-link": "import os; os.link('@SECRET@', '@FILE@')",
    "database": "import sqlite3; sqlite3.connect('@FILE@').execute('create table t (x)')",
    "numpy": "import numpy as np; np.save(open('@FILE@', 'wb'), np.ones(3))",
    "pybullet": "import pybullet as p; p.connect(p.DIRECT); p.saveBullet('@FILE@')",
    "shell": "import os; os.system('touch @FILE@')",
    "through-root-link": "open('/proc/self/root@FILE@', 'w').write('x')",
}


class Listener:
    """Listens on loopback, by TCP and UDP, and on two Unix sockets; remembers who called."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "listener"
        tcp = socket.create_server(("127.0.0.1", 0))
        self.port: int = tcp.getsockname()[1]
        udp = socket.socket(type=socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", self.port))
        unix, abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        unix.bind(str(self.path))
        abstract.bind(f"\0taskwright-{self.port}")
        unix.listen()
        abstract.listen()
        self._sockets = [tcp, udp, unix, abstract]

    def heard(self) -> bytes:
        """What callers have said since this was asked last; a call alone counts as well."""
        said = b""
        while ready := select.select(self._sockets, [], [], 0.2)[0]:
            for listening in ready:
                if listening.type == socket.SOCK_DGRAM:
                    said += listening.recv(1000)
                    continue
                caller, _ = listening.accept()
                with caller:
                    caller.settimeout(1.0)
                    said += b"a call: " + caller.recv(1000)
        return said

    def close(self) -> None:
        for listening in self._sockets:
            listening.close()


@dataclass
class Canary:
    """The secrets, and a way to let programs loose on them."""

    folder: Path
    listener: Listener

    def run(self, programs: dict[str, str], where: str) -> dict[str, str]:
        """What became of each program, `inside` the sandbox of a parent that holds the key, or in
        a plain process `outside` of it."""
        with self.parent(where) as parent:
            assert parent.stdin is not None
            filled = {name: self._fill(name, text) for name, text in programs.items()}
            out, _ = parent.communicate(json.dumps(filled), timeout=120)
        said: dict[str, str] = json.loads(out)
        return said

    def parent(self, where: str) -> subprocess.Popen[str]:
        """A process with the key in the environment it was started with, as a run's would be."""
        return subprocess.Popen(
            [sys.executable, str(RAW), where],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "OPENAI_API_KEY": KEY},
            cwd=self.folder,
            text=True,
        )

    def new_file(self, name: str) -> Path:
        """What a program of this name tries to make."""
        return self.folder / f"new-{name}"

    def _fill(self, name: str, text: str) -> str:
        filled = {
            "@SECRET@": self.folder / "secret",
            "@FILE@": self.new_file(name),
            "@CALL@": f"this-is-{name}.",
            "@SOCKET@": self.listener.path,
            "@PORT@": self.listener.port,
        }
        for mark, value in filled.items():
            text = text.replace(mark, str(value))
        return text


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Canary]:
    (tmp_path / "secret").write_text(SECRET)
    listener = Listener(tmp_path)
    yield Canary(tmp_path, listener)
    listener.close()


def _assert_ran(said: dict[str, str], programs: dict[str, str]) -> None:
    assert said.keys() == programs.keys()
    assert not {name: text for name, text in said.items() if text.startswith("unexpected")}


@pytest.mark.parametrize("programs", [KEY_PROGRAMS, FILE_PROGRAMS], ids=["key", "file"])
def test_nothing_secret_is_read(programs: dict[str, str], canary: Canary) -> None:
    outside = canary.run(programs, "outside")
    _assert_ran(outside, programs)
    missed = {name: text for name, text in outside.items() if "canary-" not in text}
    assert not missed, "these find nothing even without a sandbox"
    inside = canary.run(programs, "inside")
    _assert_ran(inside, programs)
    assert not {name: text for name, text in inside.items() if "canary-" in text}


def test_listener_is_not_reached(canary: Canary) -> None:
    canary.run(CALLING_PROGRAMS, "outside")
    heard = canary.listener.heard()
    missed = [name for name in CALLING_PROGRAMS if f"this-is-{name}.".encode() not in heard]
    assert not missed, "these reach nobody even without a sandbox"
    _assert_ran(canary.run(CALLING_PROGRAMS, "inside"), CALLING_PROGRAMS)
    assert canary.listener.heard() == b""


def test_nothing_is_written_outside(canary: Canary) -> None:
    canary.run(WRITING_PROGRAMS, "outside")
    files = [canary.new_file(name) for name in WRITING_PROGRAMS]
    missed = [path for path in files if not os.path.lexists(path)]
    assert not missed, "these write nothing even without a sandbox"
    for path in files:
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    before = sorted(canary.folder.rglob("*"))
    _assert_ran(canary.run(WRITING_PROGRAMS, "inside"), WRITING_PROGRAMS)
    assert sorted(canary.folder.rglob("*")) == before
    assert (canary.folder / "secret").read_text() == SECRET


OUTLIVING_PROGRAMS = {
    "loops": "while True: pass",
    "ignores-signals": (
        "import signal\n"
        "for s in set(signal.Signals) - {9, 19}:\n"
        "    try: signal.signal(s, signal.SIG_IGN)\n"
        "    except OSError: pass\n"
        "while True: pass"
    ),
    "asks-to-outlive": LIBC + "libc.prctl(1, 0, 0, 0, 0)\nwhile True: pass",
    "leaves-the-session": (
        "import os\n"
        "try:\n"
        "    if os.fork(): os._exit(0)\n"
        "    os.setsid()\n"
        "    if os.fork(): os._exit(0)\n"
        "except OSError: pass\n"
        "while True: pass"
    ),
    "sleeps-in-a-thread": (
        "import threading, time\n"
        "try: threading.Thread(target=time.sleep, args=(1000,)).start()\n"
        "except RuntimeError: pass\n"
        "time.sleep(1000)"
    ),
}


@pytest.mark.parametrize(
    ("name", "how"),
    [*((name, signal.SIGKILL) for name in OUTLIVING_PROGRAMS), ("ignores-signals", signal.SIGTERM)],
)
def test_nothing_outlives_its_parent(
    name: str,
    how: signal.Signals,
    canary: Canary,
    remains: Any,
    processes: Any,
    wait_until: Callable[..., None],
) -> None:
    remains.remember()
    parent = canary.parent("inside")
    try:
        assert parent.stdin is not None
        parent.stdin.write(json.dumps({name: OUTLIVING_PROGRAMS[name]}))
        parent.stdin.close()
        # The fork server and its child, which is inside the program after a moment.
        wait_until(lambda: len(processes.descendants_of(parent.pid)) >= 2)
        time.sleep(0.3)
    finally:
        parent.send_signal(how)
        parent.wait()
        assert parent.stdout is not None
        parent.stdout.close()
    remains.assert_none(timeout_s=1.0)
