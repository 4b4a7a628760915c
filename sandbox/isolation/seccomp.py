"""Seccomp: which system calls a process can make. What is not listed does not exist for it.

The filter is a small program in the kernel's packet-filter language, built here by hand so that
neither a package nor a compiler is needed. It is applied once everything is loaded: what remains is
computing, reading files that Landlock allows, and talking over descriptors that are open already.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import platform
import sys
from collections.abc import Callable, Iterable

from .kernel import syscall

_SECCOMP = {"x86_64": 317, "aarch64": 277}
_SET_MODE_FILTER, _GET_ACTION_AVAILABLE = 1, 2
_FLAG_ALL_THREADS = 1

_RETURN_ALLOW, _RETURN_ERROR, _RETURN_KILL = 0x7FFF0000, 0x00050000, 0x80000000

# Offsets into what the kernel shows the filter (struct seccomp_data).
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16

_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_IF_EQUAL, _IF_AT_LEAST = 0x15, 0x35

_X32_NUMBERS = 0x40000000
"""From here on x86-64 has its calls again, for another ABI: that would be a way around the
filter."""

# The columns are the numbers on x86-64 and aarch64; None where a call does not exist.
_NUMBERS: dict[str, tuple[int | None, int | None]] = {
    # These are harmless whatever their arguments are.
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "poll": (7, None),
    "lseek": (8, 62),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "pread64": (17, 67),
    "readv": (19, 65),
    "writev": (20, 66),
    "select": (23, None),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "dup": (32, 23),
    "nanosleep": (35, 101),
    "getpid": (39, 172),
    "exit": (60, 93),
    "uname": (63, 160),
    "getcwd": (79, 17),
    "gettimeofday": (96, 169),
    "getrusage": (98, 165),
    "sysinfo": (99, 179),
    "times": (100, 153),
    "getuid": (102, 174),
    "getgid": (104, 176),
    "geteuid": (107, 175),
    "getegid": (108, 177),
    # A refused call would return -1, and `kill(-1)` would reach every process.
    "getppid": (110, 173),
    "sigaltstack": (131, 132),
    "gettid": (186, 178),
    "futex": (202, 98),
    "sched_getaffinity": (204, 123),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "pselect6": (270, 72),
    "ppoll": (271, 73),
    "getrandom": (318, 278),
    "membarrier": (324, 283),
    "rseq": (334, 293),
    # These read files; Landlock decides which.
    "stat": (4, None),
    "fstat": (5, 80),
    "lstat": (6, None),
    "access": (21, None),
    "readlink": (89, None),
    "getdents64": (217, 61),
    "newfstatat": (262, 79),
    "readlinkat": (267, 78),
    "faccessat": (269, 48),
    "statx": (332, 291),
    "faccessat2": (439, 439),
    # These are allowed or refused by their arguments.
    "open": (2, None),
    "openat": (257, 56),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "fcntl": (72, 25),
    "kill": (62, 129),
    "tgkill": (234, 131),
    "prlimit64": (302, 261),
    # Never.
    "socket": (41, 198),
    "connect": (42, 203),
    "fork": (57, None),
    "vfork": (58, None),
    "clone": (56, 220),
    "execve": (59, 221),
    "ptrace": (101, 117),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "execveat": (322, 281),
    "io_uring_setup": (425, 425),
    "clone3": (435, 435),
    "openat2": (437, 437),
    "pidfd_send_signal": (424, 424),
}
_CONDITIONAL = frozenset(
    {"open", "openat", "mmap", "mprotect", "fcntl", "kill", "tgkill", "prlimit64"}
)
# No program makes these calls by accident; the signal that ends it shows what it tried.
_DEADLY = frozenset(
    """
    socket connect execve execveat ptrace tkill rt_sigqueueinfo rt_tgsigqueueinfo
    process_vm_readv process_vm_writev io_uring_setup pidfd_send_signal
    """.split()
)
# A C library falls back on older calls where the kernel answers that a newer one does not exist.
_UNKNOWN = frozenset({"clone3", "openat2"})
_REFUSED = frozenset({"fork", "vfork", "clone"})
_ALLOWED = _NUMBERS.keys() - _CONDITIONAL - _DEADLY - _UNKNOWN - _REFUSED

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_FCNTL_COMMANDS = (1, 2, 3, 1030)
"""F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("operand", ctypes.c_uint32),
    )


_Code = list[tuple[int, int, int, int]]


def is_supported() -> bool:
    """Whether the kernel can filter, and there is a table of system calls for this machine."""
    if sys.platform != "linux" or platform.machine() not in _ARCHITECTURES:
        return False
    action = ctypes.c_uint32(_RETURN_KILL)
    try:
        syscall(_SECCOMP[platform.machine()], _GET_ACTION_AVAILABLE, 0, ctypes.byref(action))
    except OSError:
        return False
    return True


def apply() -> None:
    """Filter the system calls of this process and all its threads for good; needs `no_new_privs`
    first. Raises OSError where the kernel refuses."""
    code = _filter(os.getpid())
    instructions = (_Instruction * len(code))(*(_Instruction(*line) for line in code))
    program = _Program(len(code), ctypes.addressof(instructions))
    syscall(
        _SECCOMP[platform.machine()], _SET_MODE_FILTER, _FLAG_ALL_THREADS, ctypes.byref(program)
    )


def _filter(pid: int) -> _Code:
    column, architecture = _ARCHITECTURES[platform.machine()]

    def numbers(names: Iterable[str]) -> list[int]:
        found = (_NUMBERS[name][column] for name in names)
        return sorted(number for number in found if number is not None)

    code: _Code = [
        _load(_ARCHITECTURE),
        (_IF_EQUAL, 1, 0, architecture),
        _answer(_RETURN_KILL),
        _load(_NUMBER),
    ]
    if column == 0:
        code += [(_IF_AT_LEAST, 0, 1, _X32_NUMBERS), _answer(_RETURN_KILL)]
    for names, answer in (
        (_ALLOWED, _RETURN_ALLOW),
        (_DEADLY, _RETURN_KILL),
        (_UNKNOWN, _RETURN_ERROR | errno.ENOSYS),
    ):
        for number in numbers(names):
            code += [(_IF_EQUAL, 0, 1, number), _answer(answer)]
    conditions: dict[str, Callable[[], _Code]] = {
        "open": lambda: _has_no_bit_of(1, _WRITING),
        "openat": lambda: _has_no_bit_of(2, _WRITING),
        # No executable memory can be added once the filter is in force.
        "mmap": lambda: _has_no_bit_of(2, mmap.PROT_EXEC),
        "mprotect": lambda: _has_no_bit_of(2, mmap.PROT_EXEC),
        "fcntl": lambda: _is_one_of(1, _FCNTL_COMMANDS),
        # A process may end itself, as `abort` does.
        "kill": lambda: _is_one_of(0, [pid], otherwise=_RETURN_KILL),
        "tgkill": lambda: _is_one_of(0, [pid], otherwise=_RETURN_KILL),
        # Reading a limit is allowed, setting one is not.
        "prlimit64": lambda: [*_is_zero(2), _answer(_RETURN_ALLOW), _refusal()],
    }
    for name, condition in conditions.items():
        for number in numbers([name]):
            block = condition()
            code += [(_IF_EQUAL, 0, len(block), number), *block]
    return [*code, _refusal()]


def _load(offset: int) -> tuple[int, int, int, int]:
    return (_LOAD, 0, 0, offset)


def _answer(value: int) -> tuple[int, int, int, int]:
    return (_RETURN, 0, 0, value)


def _refusal() -> tuple[int, int, int, int]:
    return _answer(_RETURN_ERROR | errno.EPERM)


def _low_word(argument: int) -> tuple[int, int, int, int]:
    return _load(_ARGUMENTS + 8 * argument)


def _has_no_bit_of(argument: int, mask: int) -> _Code:
    """Allow where an `int` of flags has none of these bits."""
    return [
        _low_word(argument),
        (_AND, 0, 0, mask),
        (_IF_EQUAL, 0, 1, 0),
        _answer(_RETURN_ALLOW),
        _refusal(),
    ]


def _is_one_of(
    argument: int, values: Iterable[int], otherwise: int = _RETURN_ERROR | errno.EPERM
) -> _Code:
    """Allow where an `int` is one of these. The kernel reads the low word of it, and so do we."""
    code = [_low_word(argument)]
    for value in values:
        code += [(_IF_EQUAL, 0, 1, value), _answer(_RETURN_ALLOW)]
    return [*code, _answer(otherwise)]


def _is_zero(argument: int) -> _Code:
    """Continue where the whole word is zero; refuse otherwise."""
    offset = _ARGUMENTS + 8 * argument
    code: _Code = []
    for part in (offset, offset + 4):
        code += [_load(part), (_IF_EQUAL, 1, 0, 0), _refusal()]
    return code
