"""Applies every protection to a sandboxed process, in the order in which that is possible."""

from __future__ import annotations

import platform
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from . import landlock, limits, seccomp

Level = Literal["none", "partial", "full"]
LEVELS: tuple[Level, ...] = ("none", "partial", "full")


@dataclass(frozen=True)
class Isolation:
    """The protections that a sandboxed process has."""

    landlock: int
    """Version of Landlock's interface; 0: files are not restricted by it."""
    bubblewrap: bool
    """Whether it lives in a file system made by Bubblewrap, which stands in for Landlock."""
    seccomp: bool
    namespaces: bool
    limits: list[str]
    given_up: list[str]

    @property
    def confines_files(self) -> bool:
        return self.landlock > 0 or self.bubblewrap

    @property
    def level(self) -> Level:
        """`full` keeps task code from files, the network, new programs and other processes."""
        if self.confines_files and self.seccomp:
            return "full"
        return "partial" if self.confines_files or self.seccomp or self.namespaces else "none"

    @property
    def missing(self) -> list[str]:
        """What task code can do here that it cannot do under full isolation."""
        lacks = []
        if not self.confines_files:
            lacks.append("read your files")
        if not self.confines_files and not self.seccomp:
            lacks += ["write your files", "start programs"]
        if not self.seccomp:
            lacks.append("start processes")
        if not self.seccomp and not self.namespaces:
            lacks.append("use the network")
        return lacks


def confine(
    memory_mb: int,
    cpu_s: int,
    ruleset: int | None,
    bubblewrap: bool,
    namespaces: bool,
    without: Collection[str] = (),
) -> Isolation:
    """Apply every protection this host offers, for good.

    `ruleset` is a Landlock ruleset (see `landlock.make_ruleset`), None where there is none;
    `bubblewrap` and `namespaces` say where this process lives already; protections named in
    `without` are left out. Raises OSError where the kernel claims to offer something and then
    refuses it: then no task code must run.
    """
    restricted = ruleset is not None and "landlock" not in without
    filtered = seccomp.is_supported() and "seccomp" not in without
    isolation = Isolation(
        landlock=landlock.version() if restricted else 0,
        bubblewrap=bubblewrap,
        seccomp=filtered,
        namespaces=namespaces,
        limits=limits.limit_resources(memory_mb, cpu_s),
        given_up=limits.drop_privileges(platform.machine()),
    )
    if restricted:
        assert ruleset is not None
        landlock.restrict(ruleset)
    if filtered:
        seccomp.apply()
    return isolation
