"""What kind of file system a folder lies on. SQLite's write-ahead log needs memory that all who use
a file share, which a file system on the network does not give."""

from __future__ import annotations

import re
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")

NETWORK_TYPES = frozenset(
    "nfs nfs3 nfs4 cifs smb smb2 smb3 smbfs lustre gpfs 9p afs coda ncpfs ceph glusterfs beegfs "
    "pvfs2 orangefs ocfs2 gfs gfs2 panfs wekafs pan_fs_client prl_fs vboxsf".split()
)
FUSE_TYPES = frozenset(
    "sshfs glusterfs ceph cephfs nfs smbnetfs curlftpfs davfs davfs2 s3fs rclone goofys gcsfuse "
    "mount-s3 juicefs gpfs lustre seaweedfs moosefs mfs grpcfuse osxfs".split()
)
"""The network file systems by their names after `fuse.`; other FUSE file systems are local."""


def network_filesystem(folder: Path, mounts: Path | None = None) -> str | None:
    """The type of the network file system that a folder lies on, such as `nfs4`; None where it is a
    local one, or the system does not tell."""
    kind = filesystem_type(folder, mounts or MOUNTS)
    if kind is None:
        return None
    family, _, name = kind.partition(".")
    is_remote = kind in NETWORK_TYPES or (family.startswith("fuse") and name in FUSE_TYPES)
    return kind if is_remote else None


def filesystem_type(folder: Path, mounts: Path = MOUNTS) -> str | None:
    """The type of the file system that a folder lies on, as the kernel names it."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None  # Not Linux.
    path = folder.resolve()
    best, kind = -1, None
    for line in lines:
        # Any number of optional fields comes before the dash (proc_pid_mountinfo(5)).
        before, dash, after = line.partition(" - ")
        fields = before.split(" ")
        if not dash or len(fields) < 5 or not after:
            continue
        point = Path(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields[4]))
        # Where several file systems are mounted at one place, the last one is in effect.
        if path.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), after.split(" ")[0]
    return kind
