"""Do the trainers people use learn an exported task, each in a virtual environment of its own?

    python benchmarks/trainers.py RUN_DIR --task 1 --steps 60000

Exports tasks of RUN_DIR, and for each trainer makes a virtual environment, installs the trainer,
the wheel and nothing else, and runs its script from `examples/trainers`. Prints a table: versions,
seconds to install, agent steps per second, success and return over ten fresh episodes before and
after training. `--only sb3` names trainers, `--keep FOLDER` keeps the virtual environments there.

Needs a package index, minutes for each trainer, and up to 2 GB of disk for each.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taskwright.archive.store import Archive
from taskwright.exporter.choice import choose
from taskwright.exporter.package import Exported, export_package

SCRIPTS = Path(__file__).parents[1] / "examples" / "trainers"
TORCH = "torch>=2.8,<2.14"


@dataclass(frozen=True)
class Trainer:
    """A trainer: what it needs, and the script that learns with it."""

    script: str
    requirements: tuple[str, ...]
    suite: bool = False
    """Whether it learns all tasks of the package instead of one."""


TRAINERS = {
    "sb3": Trainer("sb3_ppo.py", ("stable-baselines3>=2.7,<3", TORCH)),
    "cleanrl": Trainer("cleanrl_ppo.py", (TORCH,)),
    "cleanrl-gymnasium-0.29": Trainer(
        "cleanrl_ppo.py", (TORCH, "gymnasium==0.29.1", "numpy==1.26.4")
    ),
    "cleanrl-gymnasium-1.2": Trainer("cleanrl_ppo.py", (TORCH, "gymnasium==1.2.*")),
    "torchrl": Trainer("torchrl_ppo.py", ("torchrl>=0.14", TORCH)),
    "rllib": Trainer("rllib_ppo.py", ("ray[rllib]==2.60.*", TORCH)),
    "syllabus": Trainer(
        "syllabus_curriculum.py",
        # The last two of Syllabus' own needs are not among those it tells pip.
        ("syllabus-rl>=0.7", "stable-baselines3>=2.7,<3", TORCH, "matplotlib", "scipy"),
        suite=True,
    ),
}


def prove(trainer: Trainer, package: Exported, steps: int, folder: Path) -> dict[str, Any]:
    """Install a trainer beside the package and let it learn: what its script tells, `install_s`.

    Raises CalledProcessError where pip or the script fails.
    """
    started = time.monotonic()
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", package.wheel, *trainer.requirements]
    subprocess.run(pip, check=True)
    seconds = time.monotonic() - started
    found = subprocess.run(
        [python, "-c", "import importlib.util as u; print(u.find_spec('taskwright'))"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    assert found.stdout.strip() == "None", "Taskwright is not to be there."
    learned = package.package if trainer.suite else package.ids[0]
    result = subprocess.run(
        [python, SCRIPTS / trainer.script, learned, str(steps)],
        cwd=folder,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    told: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return {**told, "install_s": round(seconds)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("--task", action="append", default=[])
    parser.add_argument("--steps", type=int, default=60_000)
    parser.add_argument("--only", action="append", choices=TRAINERS)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        with Archive.open(arguments.run_dir) as archive:
            records = choose(archive, only=arguments.task)
        package = export_package(records, Path(scratch) / "out", "my_tasks")
        print("| trainer | gymnasium | install s | steps | steps/s | success | return |")
        print("|---|---|---|---|---|---|---|")
        for name in arguments.only or TRAINERS:
            folder = (arguments.keep or Path(scratch)) / name
            try:
                told = prove(TRAINERS[name], package, arguments.steps, folder)
            except subprocess.CalledProcessError as error:
                print(f"| {name} | failed with status {error.returncode} | | | | | |", flush=True)
                continue
            before, after = told["success"]
            print(
                f"| {told['trainer']} | {told['gymnasium']} | {told['install_s']} "
                f"| {told['steps']} | {told['steps_per_s']} | {before:.0%} → {after:.0%} "
                f"| {told['return'][0]} → {told['return'][1]} |",
                flush=True,
            )


if __name__ == "__main__":
    sys.exit(main())
