"""Tasks as an installable Gymnasium package that works without Taskwright.

A source tree and a wheel, with a copy of the world, each task as the very file that was checked
and learned, and `tasks.json`. Nothing is run or fetched to make them, and the same records make the
same bytes. What is in the package is in `runtime/`, `templates/` and `world`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..files import FileProblem, open_file, read_bytes
from ..presentation.names import make_call, require_package_name, suite_name
from ..task import Record
from ..versions import own_version
from .card import MAX_IDS, pages
from .entries import SCHEMA, entries_of
from .policies import ExportedPolicy, policy_file
from .provenance import Provenance
from .runtime_files import LICENCE, runtime_files, world_sha256
from .wheel import write_wheel

VERSION = "0.1.0"
MAX_PICTURE_BYTES = 8_000_000


@dataclass(frozen=True)
class Exported:
    """What was written."""

    folder: Path
    package: str
    version: str
    wheel: Path
    names: tuple[str, ...]
    """Of the environments, in the order of the records."""
    ids: tuple[str, ...]
    """What `gymnasium.make` takes: one for each task, or a single one that takes `task=`."""
    calls: tuple[str, ...]
    """How some of them are made, in Python: all where each has an id, else the first."""
    policies: int
    """How many tasks have their trained policy with them."""


def export_package(
    records: Sequence[Record],
    out: Path,
    name: str,
    *,
    pictures: Path | None = None,
    provenance: Provenance | None = None,
    policies: Mapping[str, ExportedPolicy] | None = None,
    version: str | None = None,
    force: bool = False,
) -> Exported:
    """Write a package of these tasks, as a source tree and as a wheel in `out/dist`.

    Args:
        records: The tasks; records without code are left out.
        out: The folder that it is written to; made where there is none.
        name: Of the package, as Python imports it.
        pictures: A folder with a picture `<task_id>.png` of some or all tasks.
        provenance: Where the tasks come from, for the package to tell.
        policies: Trained policies by `task_id`.
        version: Of the package. Unless given it is 0.1.0 and a mark of the contents, so that pip
            takes other contents for another version.
        force: Whether what an earlier export wrote to `out` is replaced.

    Returns:
        The names, ids and paths of what was written.

    Raises:
        UsageError: There is nothing to export, `name` cannot be a package's, `version` is none, or
            `out` is in the way. Nothing has been changed then.
    """
    records = [record for record in records if record.task is not None]
    if not records:
        raise UsageError(
            "There is no task to export.", "Run journeys until at least one task has been learned."
        )
    require_package_name(name)
    _require_version(version)
    replaced = _in_the_way(out, force)
    entries = entries_of(records, name, provenance or Provenance())
    inside, outside = _contents(records, entries, pictures, policies or {})
    manifest = _manifest(entries, name, provenance or Provenance())
    mark = _mark(manifest, inside)
    manifest["version"] = version or f"{VERSION}+h{mark}"
    inside["tasks.json"] = (json.dumps(manifest, indent=2, allow_nan=False) + "\n").encode()
    files = {f"{name}/{path}": data for path, data in inside.items()}

    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as scratch:
        # Whole or not at all: it is moved into its place when it is complete.
        fresh = Path(scratch)
        wheel = f"dist/{name}-{manifest['version']}-py3-none-any.whl"
        texts = pages(manifest, wheel)
        metadata = texts.pop("METADATA")
        for path, data in {**files, **outside, "LICENSE": LICENCE.read_bytes()}.items():
            _write(fresh / path, data)
        for path, text in texts.items():
            _write(fresh / path, text.encode())
        licence = LICENCE.read_bytes()
        write_wheel(fresh / "dist", files, name, manifest["version"], metadata, licence)
        _move(fresh, out, replaced)
    ids: tuple[str, ...]
    calls: tuple[str, ...]
    if len(entries) > MAX_IDS:
        ids, first = (f"{name}:{manifest['suite']}-v0",), entries[0]
        calls = (make_call(ids[0], task=first["name"], steered=first["steered"]),)
    else:
        ids = tuple(entry["id"] for entry in entries)
        calls = tuple(make_call(entry["id"], steered=entry["steered"]) for entry in entries)
    return Exported(
        out,
        name,
        manifest["version"],
        out / wheel,
        tuple(entry["name"] for entry in entries),
        ids,
        calls,
        sum(entry["policy"] is not None for entry in entries),
    )


def _contents(
    records: Sequence[Record],
    entries: list[dict[str, Any]],
    pictures: Path | None,
    policies: Mapping[str, ExportedPolicy],
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """What is in the package, by path; and what stands beside it. Tells the entries of it."""
    inside, outside = runtime_files(), {}
    for record, entry in zip(records, entries, strict=True):
        assert record.task is not None
        inside[entry["file"]] = record.task.source.encode()
        picture = pictures / f"{record.task_id}.png" if pictures else None
        # No link is followed: it could lead to anything that the user may read.
        with contextlib.suppress(FileProblem):
            if picture:
                data = read_bytes(open_file(picture, MAX_PICTURE_BYTES), MAX_PICTURE_BYTES)
                entry["picture"] = f"pictures/{entry['name']}.png"
                outside[entry["picture"]] = data
        policy = policies.get(record.task_id or "")
        if policy is not None:
            entry["policy"] = f"policies/{entry['name']}.npz"
            inside[entry["policy"]] = policy_file(policy)
    return inside, outside


def _manifest(
    entries: list[dict[str, Any]], package: str, provenance: Provenance
) -> dict[str, Any]:
    levels = " and ".join(provenance.isolation)
    return {
        "schema": SCHEMA,
        "package": package,
        "version": "",
        "taskwright": own_version(),
        "suite": suite_name(package),
        "isolation": {
            "checked_under": f"under {levels} isolation" if levels else "in a sandbox",
            "here": "none: using this package runs the tasks with the rights of the user",
        },
        "world_sha256": world_sha256(),
        "tasks": entries,
    }


def _mark(manifest: dict[str, Any], inside: Mapping[str, bytes]) -> str:
    """Eight hex digits that change with the contents."""
    digest = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode())
    for path, data in sorted(inside.items()):
        digest.update(path.encode() + b"\0" + hashlib.sha256(data).digest())
    return digest.hexdigest()[:8]


def _require_version(version: str | None) -> None:
    if version is not None and not re.fullmatch(r"\d+(\.\d+)*((a|b|rc|\.post|\.dev)\d+)?", version):
        raise UsageError(f"{version!r} is not a version.", "Give one such as 1.0.0.")


def _in_the_way(out: Path, force: bool) -> list[str]:
    """What of an earlier export is to be replaced. Raises UsageError where that may not be."""
    if not out.exists():
        return []
    if out.is_dir() and not any(out.iterdir()):
        return []
    package = _exported_before(out)
    if package is None:
        raise UsageError(
            f"{out} exists and is not an empty folder.",
            "Choose another place. Only what an export wrote is replaced, with --force.",
        )
    if not force:
        raise UsageError(
            f"{out} holds an exported package.", "Give --force to replace it, or another place."
        )
    ours = ["README.md", "LICENSE", "pyproject.toml", "env.py", "pictures", "dist", package]
    return [name for name in ours if (out / name).exists()]


def _exported_before(out: Path) -> str | None:
    """The name of the package that an export wrote there; None where none has."""
    try:
        project = tomllib.loads((out / "pyproject.toml").read_text(encoding="utf-8"))
        package = project["tool"]["taskwright"]["package"]
        require_package_name(package)
    except (OSError, ValueError, KeyError, TypeError, UsageError):
        return None
    return str(package)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _move(fresh: Path, out: Path, replaced: Sequence[str]) -> None:
    """Put what is complete into its place; what else is there stays."""
    out.mkdir(exist_ok=True)
    for name in replaced:
        old = out / name
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    for path in sorted(fresh.iterdir()):
        path.rename(out / path.name)
