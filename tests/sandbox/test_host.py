"""The conformance suite of the sandbox: what must be refused, on strong hosts and on weak ones.

A weak host is imitated by leaving protections out. What it then lets through is declared here; it
may let through nothing else. `tests/as_nobody.sh pytest ...` runs these as an unprivileged user.
"""

from __future__ import annotations

import os
import sys

import pytest

from taskwright.errors import UsageError
from taskwright.sandbox import host
from taskwright.sandbox.isolation import Isolation, bubblewrap, landlock
from taskwright.sandbox.isolation.probes import PROBES

NEEDS_FILES = {"read a file", "list a folder"}
NEEDS_SECCOMP = {
    "change permissions",
    "start a process",
    "start a thread",
    "bring in machine code",
    "outlive the parent",
}
NEEDS_EITHER = {
    "write a file",
    "delete a file",
    "connect",
    "start a program",
    "become a program",
    "signal the parent",
    "leave shared memory",
}
TOLERATED = {"read a key", "look into the parent"}
"""Without Landlock, refused or not, as the user's processes may look at each other or may not."""
# Left out -> what gets through.
BACKENDS: dict[str, set[str]] = {
    "": set(),
    "namespaces": set(),
    "landlock": set(),
    "landlock,bubblewrap": NEEDS_FILES,
    "landlock,bubblewrap,namespaces": NEEDS_FILES,
    "seccomp": NEEDS_SECCOMP | {"stop everybody"},
    "seccomp,namespaces": NEEDS_SECCOMP | {"stop everybody", "send a datagram"},
    "landlock,bubblewrap,namespaces,seccomp": set(PROBES) - {*TOLERATED, "take much memory"},
}
REFUSED_BY_LIMITS = {"start a process", "start a thread", "start a program", "stop everybody"}
"""An unprivileged user's limit on processes may refuse these even where nothing else does."""


@pytest.fixture(autouse=True)
def needs_landlock_and_seccomp() -> None:
    if sys.platform != "linux" or not landlock.version():
        pytest.skip("this host has no Landlock, so the strong backends cannot be tested")


@pytest.mark.parametrize("without", BACKENDS)
def test_refuses_what_its_protections_promise(without: str) -> None:
    parts = [name for name in without.split(",") if name]
    if parts == ["landlock"] and not bubblewrap.is_usable():
        pytest.skip("Bubblewrap is not installed")
    possible = {name for name, how in host.probe(parts).items() if not how}
    declared = BACKENDS[without]
    assert possible <= declared | (TOLERATED if "bubblewrap" in parts else set())
    assert declared - possible <= (REFUSED_BY_LIMITS if os.geteuid() else set())
    weaker = {"bubblewrap", "seccomp"} & set(parts)
    expected = "none" if len(parts) == 4 else "partial" if weaker else "full"
    assert host.isolation(parts).level == expected


def test_every_probe_is_tried() -> None:
    assert host.probe().keys() == PROBES.keys()


def test_accepts_a_host_that_gives_what_is_required() -> None:
    assert host.require_isolation("full").level == "full"
    assert host.require_isolation("none", without=["seccomp"]).level == "partial"


def test_refuses_a_host_that_gives_less_than_required() -> None:
    with pytest.raises(UsageError, match="partial on this host, but full is required") as refusal:
        host.require_isolation("full", without=["landlock", "bubblewrap"])
    assert "read your files" in refusal.value.message
    assert "--require-isolation" in refusal.value.remedy


@pytest.mark.parametrize(
    ("there", "level", "missing"),
    [
        ((7, False, True, True), "full", []),
        ((1, False, True, False), "full", []),
        ((0, True, True, True), "full", []),
        ((0, False, True, True), "partial", ["read your files"]),
        ((7, False, False, True), "partial", ["start processes"]),
        ((7, False, False, False), "partial", ["start processes", "use the network"]),
        (
            (0, False, False, False),
            "none",
            [
                "read your files",
                "write your files",
                "start programs",
                "start processes",
                "use the network",
            ],
        ),
    ],
)
def test_says_what_is_missing(
    there: tuple[int, bool, bool, bool], level: str, missing: list[str]
) -> None:
    isolation = Isolation(*there, limits=[], given_up=[])
    assert (isolation.level, isolation.missing) == (level, missing)
