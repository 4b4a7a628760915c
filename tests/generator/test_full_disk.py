"""A disk that takes no more ends a run with a sentence, and the run goes on when there is room."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys

import pytest

from taskwright.archive.store import Archive

TRIAL = {
    "max_steps": 400,
    "environments": 4,
    "screening_episodes": 1,
    "evaluation_episodes": 4,
    "nearest_policies": 1,
    # Whatever comes out is kept, so that a policy has to be written.
    "learned_success_rate": 0.01,
    "easy_success_rate": 1.0,
}
NAMESPACE = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
CAN_MOUNT = not subprocess.run(
    [*NAMESPACE, "mount -t tmpfs none /mnt"], capture_output=True, check=False
).returncode

pytestmark = pytest.mark.skipif(not CAN_MOUNT, reason="This host lets no user mount a file system.")


@pytest.mark.slow
@pytest.mark.parametrize("kilobytes", [40, 200])
def test_a_full_disk_is_one_clear_line_and_the_same_command_goes_on(tmp_path, kilobytes):
    """The archive, the log, a picture or a policy is the first that does not fit."""
    small, kept = tmp_path / "small", tmp_path / "kept"
    small.mkdir()
    sets = [f"--set=trainer.{name}={value}" for name, value in TRIAL.items()]
    run = shlex.join(
        [sys.executable, "-m", "taskwright", "run", str(small), "--attempts=2", "--json", *sets]
    )
    script = f"""
        mount -t tmpfs -o size={kilobytes}k none {small} || exit 99
        {run}; echo status $?
        mount -o remount,size=100m {small} || exit 99
        {run}; echo status $?
        cp -r {small} {kept}
    """
    done = subprocess.run([*NAMESPACE, script], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    first, _, second = done.stdout.partition("status 2\n")
    assert first == ""
    document, _, status = second.rpartition("status ")
    assert status.strip() == "0"
    assert sum(json.loads(document)["counts"].values()) == 2
    (complaint,) = [line for line in done.stderr.splitlines() if line.startswith("taskwright: ")]
    assert "disk" in complaint or "No space left" in complaint
    with Archive.open(kept) as archive:
        for record in archive.records():
            assert record.status in ("learned", "too_hard"), record.reason
            if record.status == "learned":
                assert (kept / "policies" / f"{record.task_id}.zip").stat().st_size > 10_000
    shutil.rmtree(kept)
