"""What the operating system keeps from a child whose language policy is broken.

Each probe is Python statements that run with every builtin at hand: see `hostile/raw.py`. What is
forbidden may fail in any way a kernel has for it, but it may not succeed, and nothing may be left.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

BLOCKED = (
    r"raised (\w*Permission|FileNotFound|BlockingIO|ProcessLookup|OS|Import)Error\b|died SIGSYS"
)
REFUSED = rf"returned -1$|{BLOCKED}"
"""For system calls that are made without Python's help."""
NOT_RUN = rf"returned (?!0$)-?\d+$|{BLOCKED}"
"""For `system`, which returns the status of the program it could not start."""
STOPPED = r"timeout|protocol|died \w+"
ANYTHING = r"returned|raised|died|timeout"
"""For what harms nobody, as long as the parent is none the worse for it."""

LIBC = "import ctypes; libc = ctypes.CDLL(None, use_errno=True); "
WORLD = "import pybullet as p; world = p.connect(p.DIRECT); "
WRITE_EVERYWHERE = """
import os
def write(data):
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, data)
        except OSError:
            pass
"""

# @FOLDER@ holds the file `own` and the model `ball.urdf`, @PARENT@ is the parent's process id.
PROBES: dict[str, tuple[str, str]] = {
    # Files.
    "read-passwd": ("result = open('/etc/passwd').read()[:9]", BLOCKED),
    "read-secret": ("result = open('@FOLDER@/own').read()", BLOCKED),
    "read-secret-by-root-link": ("result = open('/proc/self/root@FOLDER@/own').read()", BLOCKED),
    "read-shadow": ("result = open('/etc/shadow').read()[:9]", BLOCKED),
    "list-folder": ("import os; result = os.listdir('@FOLDER@')", BLOCKED),
    "read-own-source": (
        "import taskwright.task as t; result = len(open(t.__file__).read())",
        ANYTHING,
    ),
    "stat-secret": ("import os; result = os.stat('@FOLDER@/own').st_size", ANYTHING),
    "write-folder": ("open('@FOLDER@/new', 'w').write('x')", BLOCKED),
    "write-working-folder": ("open('new-file-of-a-probe', 'w').write('x')", BLOCKED),
    "write-temporary-file": ("import tempfile; tempfile.NamedTemporaryFile()", BLOCKED),
    "append-to-own-package": (
        "import taskwright.task as t; open(t.__file__, 'a').close()",
        BLOCKED,
    ),
    "truncate": ("import os; os.truncate('@FOLDER@/own', 0)", BLOCKED),
    "mkdir": ("import os; os.mkdir('@FOLDER@/new')", BLOCKED),
    "unlink": ("import os; os.unlink('@FOLDER@/own')", BLOCKED),
    "rename": ("import os; os.rename('@FOLDER@/own', '@FOLDER@/new')", BLOCKED),
    "hard-link": ("import os; os.link('@FOLDER@/own', '@FOLDER@/new')", BLOCKED),
    "symbolic-link": ("import os; os.symlink('/etc', '@FOLDER@/new')", BLOCKED),
    "fifo": ("import os; os.mkfifo('@FOLDER@/new')", BLOCKED),
    "chmod": ("import os; os.chmod('@FOLDER@/own', 0o777)", BLOCKED),
    "touch": ("import os; os.utime('@FOLDER@/own', (1, 1))", BLOCKED),
    "change-root": ("import os; os.chroot('@FOLDER@')", BLOCKED),
    "fill-shared-memory": ("open('/dev/shm/of-a-probe', 'wb').write(b'x')", BLOCKED),
    "memory-file": ("import os; os.memfd_create('x')", BLOCKED),
    "environment-of-init": ("result = open('/proc/1/environ').read()[:9]", BLOCKED),
    "environment-of-parent": ("result = open('/proc/@PARENT@/environ').read()[:9]", BLOCKED),
    "memory-of-parent": ("open('/proc/@PARENT@/mem', 'rb').close()", BLOCKED),
    "own-memory": ("open('/proc/self/mem', 'r+b').close()", BLOCKED),
    # Processes.
    "system": ("import os; result = os.system('touch @FOLDER@/new')", NOT_RUN),
    "system-by-libc": (LIBC + "result = libc.system(b'touch @FOLDER@/new')", NOT_RUN),
    "popen": ("import subprocess; result = subprocess.run(['/bin/true'])", BLOCKED),
    "spawn": ("import os; os.posix_spawn('/bin/true', ['true'], {})", BLOCKED),
    "exec": ("import os; os.execve('/bin/true', ['true'], {})", BLOCKED),
    "fork": ("import os\nif os.fork() == 0: os._exit(0)", BLOCKED),
    "fork-twice-and-stay": (
        "import os, time\n"
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(20)\n",
        BLOCKED,
    ),
    "thread": (
        "import threading; threading.Thread(target=print).start()",
        rf"raised RuntimeError: can't start new thread|{BLOCKED}",
    ),
    "signal-parent": ("import os; os.kill(@PARENT@, 0)", BLOCKED),
    "signal-everybody": ("import os; os.kill(-1, 0)", BLOCKED),
    "kill-own-group": ("import os; os.killpg(0, 9)", rf"died SIGKILL|{BLOCKED}"),
    "handle-on-parent": ("import os; os.pidfd_open(@PARENT@)", BLOCKED),
    "limit-of-parent": (
        "import resource; resource.prlimit(@PARENT@, resource.RLIMIT_CORE)",
        BLOCKED,
    ),
    "leave-session": ("import os; os.setsid()", BLOCKED),
    "become-root": ("import os; os.setresuid(0, 0, 0); open('/etc/shadow').close()", BLOCKED),
    # Undoing the limits.
    "seccomp-off": (LIBC + "result = libc.prctl(22, 0, 0, 0, 0)", REFUSED),
    "privileges-back": (LIBC + "result = libc.prctl(38, 0, 0, 0, 0)", REFUSED),
    "outlive-parent": (LIBC + "result = libc.prctl(1, 0, 0, 0, 0)", REFUSED),
    "raise-memory-limit": (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
        rf"raised ValueError: not allowed to raise|{BLOCKED}",
    ),
    "ten-gigabytes": ("x = bytearray(10 * 2**30)", "raised MemoryError"),
    # Native code.
    "executable-memory": ("import mmap; mmap.mmap(-1, 4096, prot=7)", BLOCKED),
    "late-library": ("import _sqlite3", ANYTHING),
    # Network.
    "socket": ("import socket; socket.socket()", BLOCKED),
    "datagram-socket": ("import socket; socket.socket(type=socket.SOCK_DGRAM)", BLOCKED),
    "unix-socket": ("import socket; socket.socket(socket.AF_UNIX)", BLOCKED),
    "netlink-socket": ("import socket; socket.socket(socket.AF_NETLINK)", BLOCKED),
    # PyBullet.
    "bullet-save": (WORLD + "p.saveBullet('@FOLDER@/new')", "raised error|died SIGSYS"),
    "bullet-load": (
        WORLD + "result = p.loadURDF('@FOLDER@/ball.urdf')",
        "raised error|died SIGSYS",
    ),
    "bullet-log": (WORLD + "p.startStateLogging(0, '@FOLDER@/new')", ANYTHING),
    "bullet-plugin": (WORLD + "result = p.loadPlugin('@FOLDER@/new.so')", REFUSED),
    "bullet-tcp": ("import pybullet as p; result = p.connect(p.TCP, 'localhost', 9)", REFUSED),
    "bullet-udp": (
        "import pybullet as p; result = p.connect(p.UDP, 'localhost', 9)",
        rf"timeout|{REFUSED}",
    ),
    "bullet-shared-memory": ("import pybullet as p; result = p.connect(p.SHARED_MEMORY)", REFUSED),
    "bullet-window": ("import pybullet as p; p.connect(p.GUI)", ANYTHING),
    # Dying and hanging.
    "segmentation-fault": (LIBC + "ctypes.string_at(0)", "died SIGSEGV"),
    "abort": ("import os; os.abort()", "died SIGABRT"),
    "silent-exit": ("import os; os._exit(0)", "died 0"),
    "ignores-signals": (
        "import signal\n"
        "for s in set(signal.Signals) - {9, 19}: signal.signal(s, signal.SIG_IGN)\n"
        "while True: pass",
        "timeout|died SIG(SYS|KILL)",
    ),
    "blocks-signals": (
        "import signal; signal.pthread_sigmask(0, set(signal.Signals))\nwhile True: pass",
        "timeout|died SIG(SYS|KILL)",
    ),
    # Lying to the parent.
    "evil-pickle": (
        WRITE_EVERYWHERE + "import pickle\n"
        "class Evil:\n"
        "    def __reduce__(self): return os.system, ('touch @FOLDER@/new',)\n"
        "write(pickle.dumps(Evil()))",
        STOPPED,
    ),
    "oversized-reply": (WRITE_EVERYWHERE + "write(b'\\x7f' * 4)\nwhile True: pass", STOPPED),
    "flood-of-replies": (WRITE_EVERYWHERE + "while True: write(b'x' * 4096)", STOPPED),
    "deep-reply": (
        WRITE_EVERYWHERE + "import struct; write(struct.pack('>I', 50_000) + b'[' * 50_000)",
        STOPPED,
    ),
    "part-of-a-reply": (WRITE_EVERYWHERE + "write(b'\\0\\0\\0\\x20{')\nwhile True: pass", STOPPED),
    "flood-of-errors": ("import os\nfor _ in range(2000): os.write(2, b'x' * 65536)", ANYTHING),
}

X86_64 = {
    "socket": "41, 2, 1, 0",
    "socket-of-the-x32-table": "0x40000000 + 41, 2, 1, 0",
    "open-for-writing": "2, b'@FOLDER@/new', 0o101, 0o600",
    "fork": "57",
    "trace-parent": "101, 0x4206, @PARENT@, 0, 0",
    "read-memory-of-parent": "310, @PARENT@, 0, 0, 0, 0, 0",
    "new-user-namespace": "272, 0x10000000",
    "fault-handler": "323, 0",
    "asynchronous-ring": "425, 1, ctypes.create_string_buffer(120)",
    "key-ring": "248, b'user', b'x', b'x', 1, -2",
}
PROBES |= {
    f"call-{name}": (LIBC + f"result = libc.syscall({arguments})", REFUSED)
    for name, arguments in X86_64.items()
    if platform.machine() == "x86_64"
}

HANG_TIMEOUT_S = 1.0
SPOILED = (Path("/new-file-of-a-probe"), Path("/dev/shm/of-a-probe"))
"""What probes write elsewhere, where they succeed."""
BALL = (
    '<robot name="r"><link name="b"><inertial><mass value="1"/>'
    '<inertia ixx="1" ixy="0" ixz="0" iyy="1" iyz="0" izz="1"/></inertial></link></robot>'
)


# These would change the machine that is tested, were they not undone at once.
UNDONE = {
    "shared-memory-segment": ("result = libc.shmget(0, 4096, 0o1600)", "libc.shmctl(result, 0, 0)"),
    "message-queue": ("result = libc.msgget(0, 0o1600)", "libc.msgctl(result, 0, 0)"),
    "mount": ("result = libc.mount(b'x', F, b'tmpfs', 0, 0)", "libc.umount(F)"),
    "host-name": ("result = libc.sethostname(b'x', 1)", "libc.sethostname(*before)"),
}
PROBES |= {
    f"undone-{name}": (
        f"{LIBC}import os; F = b'@FOLDER@'\nname = os.uname().nodename.encode()\n"
        f"before = name, len(name)\n{act}\nif result != -1: {undo}",
        REFUSED,
    )
    for name, (act, undo) in UNDONE.items()
}


@pytest.fixture(scope="module")
def started(raw_child: Callable[..., str]) -> None:
    """The sandbox has started what it keeps, and probes come back."""
    assert raw_child("result = 6 * 7") == "returned 42"


@pytest.fixture
def folder(remains: Any, started: None) -> Iterator[Path]:
    """Where nothing may change."""
    (remains.folder / "own").write_text("secret")
    (remains.folder / "ball.urdf").write_text(BALL)
    remains.remember()
    yield remains.folder
    # Where a probe succeeded, the next one shall find things as they were.
    shutil.rmtree(remains.folder)
    remains.folder.mkdir()
    for path in SPOILED:
        path.unlink(missing_ok=True)


@pytest.mark.parametrize("name", PROBES)
def test_boundary_holds(
    name: str, folder: Path, raw_child: Callable[..., str], remains: Any
) -> None:
    statements, expected = PROBES[name]
    statements = statements.replace("@FOLDER@", str(folder)).replace("@PARENT@", str(os.getpid()))
    said = raw_child(statements, timeout_s=HANG_TIMEOUT_S if "timeout" in expected else 10.0)
    assert re.match(expected, said), said
    remains.assert_none()
