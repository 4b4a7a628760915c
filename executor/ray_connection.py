"""Connecting to a Ray cluster: its address, its token, and one sentence for what goes wrong."""

from __future__ import annotations

import logging
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..text import one_line

CONNECT_TIMEOUT_S = 5.0
HEALTH_TIMEOUT_S = 30.0
"""How long a head may take to answer. Ray itself tries an address where nothing is for two minutes,
and one that does not let us in for twenty seconds."""
START_REMEDY = (
    "Start one with `ray start --head`, or name one that there is: --ray-address HOST:PORT."
)
TOKEN_REMEDY = (
    "Make one with `ray get-auth-token --generate`, copy ~/.ray/auth_token to every node, and "
    "start Ray there with RAY_AUTH_MODE=token; or say --ray-authentication none where "
    "everybody in the network may run programs as you."
)
_SETTINGS = {
    # What Ray prints in this process would get between what we print, or into our JSON.
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".*",
    # Started by `uv run`, it would copy the folder that we are in to the nodes.
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    # A warning about GPUs, of which we ask for none.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
"""What Ray reads when it is imported."""


def connect(address: str, needs_token: bool) -> tuple[Any, bool]:
    """Connect this process to a cluster, unless it is connected already.

    Args:
        address: `HOST:PORT` of the head, or `auto` for the cluster that this machine is in.
        needs_token: Whether to refuse to connect without a token.

    Returns:
        The module `ray`, and whether the connection was made here and is ours to end.

    Raises:
        UsageError: There is no Ray here, no cluster at the address, or no way in.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    is_late = "ray" in sys.modules and "RAY_AUTH_MODE" not in os.environ
    has_token = _use_token()
    try:
        import ray
    except ImportError:
        raise UsageError(
            "The executor `ray` needs the package Ray, which is not installed here.",
            'Install it: pip install "taskwright[ray]".',
        ) from None
    if ray.is_initialized():
        return ray, False
    if needs_token and not has_token:
        raise UsageError(
            "There is no token for a Ray cluster here, and a cluster without one lets anybody who "
            "reaches it run programs.",
            TOKEN_REMEDY,
        )
    if has_token and is_late and address != "auto":
        raise UsageError(
            "Ray was imported before it was told to use its token.",
            "Set RAY_AUTH_MODE=token in the environment of this process, or call `ray.init` first.",
        )
    where = os.environ.get("RAY_ADDRESS") or address if address == "auto" else address
    if where != "auto":
        _require_answer(where)
    try:
        ray.init(address=where, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:
        raise _refusal(where, in_short(error)) from None
    return ray, True


def in_short(error: BaseException) -> str:
    """What an error of Ray comes to; the rest of it is tracebacks and advice.

    Args:
        error: Any error.

    Returns:
        A part of a sentence, on one line.
    """
    cause = getattr(error, "cause", None)
    if isinstance(cause, BaseException):
        return one_line(f"{type(cause).__name__}: {cause}")
    text = str(error) or type(error).__name__
    if because := re.search(r"dead because ([^.]+)\.", text):
        return one_line(because[1])
    return one_line(text.strip().partition("\n")[0])


def _use_token() -> bool:
    """Whether Ray has a token here and uses it. It would use it by itself where the address is
    `auto`, and only there."""
    path = os.environ.get("RAY_AUTH_TOKEN_PATH") or os.path.expanduser("~/.ray/auth_token")
    has_token = bool(os.environ.get("RAY_AUTH_TOKEN")) or Path(path).is_file()
    if has_token:
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    return has_token and os.environ["RAY_AUTH_MODE"].lower() == "token"


def _require_answer(address: str) -> None:
    """Raises UsageError where no head of a cluster answers at an address, or does not let us in."""
    match = re.fullmatch(r"(?:(\[[0-9a-fA-F:]+\])|([^\s:/]+)):(\d{1,5})", address)
    if match is None or not 0 < int(match[3]) < 65536:
        raise UsageError(
            f"{address!r} is no address of a Ray cluster.",
            "Give the head's as HOST:PORT, such as 10.0.0.5:6379, on a machine that `ray start` "
            "has made part of the cluster.",
        )
    host, port = (match[1] or match[2]).strip("[]"), int(match[3])
    try:
        socket.create_connection((host, port), CONNECT_TIMEOUT_S).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"There is no Ray cluster at {address}: {reason}.", START_REMEDY) from None
    # In a process of its own, since Ray would fill our standard error with its tries.
    words = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    ours = {"HOME", "PATH", "LANG"}
    environment = {n: v for n, v in os.environ.items() if n in ours or n.startswith("RAY_")}
    try:
        done = subprocess.run(
            words, env=environment, capture_output=True, text=True, timeout=HEALTH_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        raise _refusal(address, f"it does not answer within {HEALTH_TIMEOUT_S:g} s") from None
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "no answer").splitlines()[-1]
        raise _refusal(address, one_line(said))


def _refusal(address: str, reason: str) -> UsageError:
    if "Could not find any running Ray instance" in reason:
        return UsageError("This machine is part of no Ray cluster.", START_REMEDY)
    if "AuthenticationError" in reason or "token" in reason.lower():
        return UsageError(
            f"The Ray cluster at {address} does not accept the token of this machine.",
            "Copy ~/.ray/auth_token from its head to here, or name the file in "
            "RAY_AUTH_TOKEN_PATH; RAY_AUTH_MODE must be `token` or unset.",
        )
    return UsageError(
        f"The Ray cluster at {address} cannot be joined: {reason.rstrip('.')}.",
        "See `ray status` there; this machine must have joined the cluster by `ray start`.",
    )
