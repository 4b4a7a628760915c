"""File systems on the network are told from those of this machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from taskwright.archive.filesystem import MOUNTS, filesystem_type, network_filesystem

# As machines have shown them.
TABLE = r"""22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
25 22 0:23 / /proc rw,nosuid - proc proc rw
80 22 0:50 / /home rw,relatime shared:40 - nfs4 server:/home rw,vers=4.2,addr=10.0.0.2
81 80 8:17 / /home/local rw,relatime - xfs /dev/sdb1 rw
82 22 0:51 / /mnt/my\040share rw - cifs //server/share rw
83 22 0:52 / /scratch rw shared:9 master:2 - lustre 10.0.0.3@tcp:/scratch rw
84 22 0:53 / /mnt/ssh rw,nosuid - fuse.sshfs me@host:/ rw,user_id=0
85 22 0:54 / /mnt/zip rw,nosuid - fuse.archivemount archive rw
86 22 0:55 / /host rw - 9p host rw,trans=virtio
87 22 0:56 / /twice rw - ext4 /dev/sdc1 rw
88 87 0:57 / /twice rw - nfs server:/twice rw
a line that says nothing
"""


@pytest.fixture
def mounts(tmp_path) -> Path:
    path = tmp_path / "mountinfo"
    path.write_text(TABLE)
    return path


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/ada/run", "nfs4"),
        ("/mnt/my share/run", "cifs"),
        ("/scratch/run", "lustre"),
        ("/mnt/ssh/run", "fuse.sshfs"),
        ("/host/run", "9p"),
        ("/twice/run", "nfs"),
        ("/home/local/run", None),
        ("/homely/run", None),
        ("/mnt/zip/run", None),
        ("/data/run", None),
    ],
)
def test_the_type_of_a_folder_is_that_of_the_mount_it_lies_on(mounts, folder, kind):
    assert network_filesystem(Path(folder), mounts) == kind


def test_a_system_that_tells_nothing_has_none(tmp_path):
    assert network_filesystem(tmp_path, tmp_path / "nowhere") is None


@pytest.mark.skipif(not MOUNTS.exists(), reason="no mountinfo on this system")
def test_this_machine_is_told_as_it_is(tmp_path):
    """By another program: `stat` names the type with the words of its own magic numbers."""
    assert filesystem_type(Path("/proc")) == "proc"
    told = subprocess.run(
        ["stat", "-f", "-c", "%T", tmp_path], capture_output=True, text=True, check=True
    ).stdout.strip()
    kind = filesystem_type(tmp_path)
    assert kind is not None
    assert told.split("/")[0].removesuffix("fs") in (
        kind,
        kind.removesuffix("fs"),
        "ext2",
        "UNKNOWN",
    )
    assert os.path.ismount("/")
