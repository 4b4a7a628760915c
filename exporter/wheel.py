"""A wheel without a build: the files of a pure Python package and four pages about them, zipped.

The format is that of the binary distribution specification (PEP 427). Nothing is run, fetched or
installed to make it, and the same files give the same bytes on any machine: entries are sorted,
dated to the first day a zip knows and stored as they are.
"""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

FIRST_DAY = (1980, 1, 1, 0, 0, 0)
PERMISSIONS = 0o644 << 16


def write_wheel(
    folder: Path, files: Mapping[str, bytes], name: str, version: str, metadata: str, licence: bytes
) -> Path:
    """Write `NAME-VERSION-py3-none-any.whl` into a folder; returns its path.

    `files` are what is installed, by path in `site-packages`; `metadata` is the page METADATA.
    """
    about = f"{name}-{version}.dist-info"
    contents = {
        **files,
        f"{about}/METADATA": metadata.encode(),
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nGenerator: taskwright\n"
        b"Root-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/licenses/LICENSE": licence,
        f"{about}/top_level.txt": f"{name}\n".encode(),
    }
    lines = [f"{path},{_digest(data)},{len(data)}\n" for path, data in sorted(contents.items())]
    record = f"{about}/RECORD"
    contents[record] = ("".join(lines) + f"{record},,\n").encode()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as wheel:
        # The specification asks for the pages about the package to come last.
        for entry, data in sorted(contents.items(), key=lambda item: (about in item[0], item[0])):
            info = zipfile.ZipInfo(entry, FIRST_DAY)
            info.external_attr = PERMISSIONS
            info.create_system = 3  # Unix, wherever it is written.
            wheel.writestr(info, data)
    return path


def _digest(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=")
    return f"sha256={digest.decode()}"
