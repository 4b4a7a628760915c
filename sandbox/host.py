"""What isolation this host gives to sandboxed processes: asked for, required, and proven."""

from __future__ import annotations

import dataclasses
import os
import secrets
import socket
import tempfile
from collections.abc import Collection
from pathlib import Path

from ..errors import UsageError
from .isolation import LEVELS, Isolation, Level
from .isolation.probes import PROBES, Surroundings
from .processes.channel import ChildDied, ChildFault
from .processes.process import Child

PROBE_TIMEOUT_S = 5.0


def isolation(without: Collection[str] = ()) -> Isolation:
    """The isolation of a sandboxed process on this host. Raises BrokenError where none starts."""
    with Child(without=without) as child:
        return child.isolation


def require_isolation(required: Level, without: Collection[str] = ()) -> Isolation:
    """The isolation of this host. Raises UsageError where it is less than what is required, and
    BrokenError."""
    found = isolation(without)
    if LEVELS.index(found.level) < LEVELS.index(required):
        raise UsageError(
            f"Isolation is {found.level} on this host, but {required} is required: task code could "
            f"{describe_missing(found)}.",
            "Use Linux 5.13 or later with Landlock and seccomp, or a container or virtual machine "
            "that holds nothing of value and --require-isolation none.",
        )
    return found


def describe_missing(found: Isolation) -> str:
    """What task code can do here that it should not, in words; empty under full isolation."""
    return ", ".join(found.missing)


def probe(without: Collection[str] = ()) -> dict[str, str]:
    """Try every forbidden thing from inside a sandboxed process of its own.

    Returns for each how it was refused; empty where it was possible. Raises BrokenError.
    """
    secret = secrets.token_hex(16)
    name = "TASKWRIGHT_PROBE"
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        secret_path = Path(folder) / "secret"
        secret_path.write_text(secret)
        (Path(folder) / "deletable").touch()
        surroundings = Surroundings(
            str(secret_path), folder, listener.getsockname()[1], os.getpid(), secret
        )
        os.environ[name] = secret
        try:
            return {probe: _run(probe, surroundings, without) for probe in PROBES}
        finally:
            del os.environ[name]


def _run(name: str, surroundings: Surroundings, without: Collection[str]) -> str:
    request = {"op": "probe", "name": name, "surroundings": dataclasses.asdict(surroundings)}
    with Child(without=without) as child:
        try:
            reply = child.request(request, PROBE_TIMEOUT_S)
        except ChildDied as died:
            # A process that has become another program ends with the exit status of that program.
            return f"exit status {died.status}" if died.status else ""
        except ChildFault as fault:
            return fault.symptom
    return str(reply.get("refused", ""))
