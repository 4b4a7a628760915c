"""What a sandboxed process must not be able to do, tried from inside one.

Each probe does one forbidden thing with the means that code would have that has broken out of the
language policy: Python itself, and system calls through the C library. It raises, or the process is
killed, where the sandbox holds; it returns where it does not. See `host.probe`, which runs them.
"""

from __future__ import annotations

import mmap
import os
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .kernel import syscall


@dataclass(frozen=True)
class Surroundings:
    """What the parent lays out for the probes to find; all of it is harmless."""

    secret_path: str
    """A file that the user can read."""
    folder: str
    """A folder that the user can write to."""
    port: int
    """Of a listener on loopback."""
    parent_pid: int
    secret: str
    """What stands in the file, and in the environment of the parent."""


def _read_a_file(found: Surroundings) -> None:
    Path(found.secret_path).read_bytes()


def _list_a_folder(found: Surroundings) -> None:
    os.listdir(found.folder)


def _write_a_file(found: Surroundings) -> None:
    (Path(found.folder) / "written").write_bytes(b"")


def _delete_a_file(found: Surroundings) -> None:
    (Path(found.folder) / "deletable").unlink()


def _change_permissions(found: Surroundings) -> None:
    os.chmod(found.secret_path, 0o666)


def _read_a_key(found: Surroundings) -> None:
    """Looks in every environment that can be read."""
    seen = repr(dict(os.environ)).encode()
    for process in ("self", str(os.getppid()), str(found.parent_pid)):
        try:
            seen += (Path("/proc") / process / "environ").read_bytes()
        except OSError:
            continue
    if found.secret.encode() not in seen:
        raise PermissionError("no environment that can be read holds it")


def _connect(found: Surroundings) -> None:
    with socket.socket() as connection:
        connection.settimeout(1.0)
        connection.connect(("127.0.0.1", found.port))


def _send_a_datagram(found: Surroundings) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.sendto(b"x", ("127.0.0.1", found.port))


def _start_a_program(found: Surroundings) -> None:
    pid = os.posix_spawn("/bin/true", ["true"], {})
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0:
        raise PermissionError("it did not run")


def _become_a_program(found: Surroundings) -> None:
    """Where this succeeds, the process ends with the program's exit status, 0."""
    os.execv("/bin/true", ["true"])


def _start_a_process(found: Surroundings) -> None:
    if os.fork() == 0:
        os._exit(0)


def _start_a_thread(found: Surroundings) -> None:
    threading.Thread(target=int).start()


def _signal_the_parent(found: Surroundings) -> None:
    # Signal 0 only checks whether a signal could be sent.
    for pid in (os.getppid(), found.parent_pid):
        os.kill(pid, 0)


def _look_into_the_parent(found: Surroundings) -> None:
    for pid in (os.getppid(), found.parent_pid):
        Path(f"/proc/{pid}/mem").open("rb").close()


def _bring_in_machine_code(found: Surroundings) -> None:
    mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


def _outlive_the_parent(found: Surroundings) -> None:
    set_parent_death_signal = 1
    numbers = {"x86_64": 157, "aarch64": 167}
    syscall(numbers[os.uname().machine], set_parent_death_signal, 0, 0, 0, 0)


def _take_much_memory(found: Surroundings) -> None:
    bytearray(64 * 2**30)


def _leave_shared_memory(found: Surroundings) -> None:
    descriptor = os.open("/dev/shm/taskwright-probe", os.O_RDWR | os.O_CREAT)
    os.unlink("/dev/shm/taskwright-probe")
    os.close(descriptor)


def _stop_everybody(found: Surroundings) -> None:
    # SIGCONT to all: harmless where it is let through.
    os.kill(-1, signal.SIGCONT)


PROBES: dict[str, Callable[[Surroundings], None]] = {
    probe.__name__.strip("_").replace("_", " "): probe
    for probe in (
        _read_a_file,
        _list_a_folder,
        _write_a_file,
        _delete_a_file,
        _change_permissions,
        _read_a_key,
        _connect,
        _send_a_datagram,
        _start_a_program,
        _become_a_program,
        _start_a_process,
        _start_a_thread,
        _signal_the_parent,
        _stop_everybody,
        _look_into_the_parent,
        _bring_in_machine_code,
        _outlive_the_parent,
        _take_much_memory,
        _leave_shared_memory,
    )
}


def run_probe(name: str, surroundings: dict[str, str | int]) -> dict[str, str]:
    """Try one forbidden thing; returns how it was refused, empty where it was not."""
    found = Surroundings(**surroundings)  # type: ignore[arg-type]
    try:
        PROBES[name](found)
    except Exception as error:
        return {"refused": f"{type(error).__name__}: {error}"}
    return {"refused": ""}
