"""Do the trainers people use learn an exported task, each in a virtual environment of its own?

Measures: for each trainer, a virtual environment with the trainer, the wheel of tasks of RUN_DIR
and nothing else, and in it its script from `examples/trainers`: versions, seconds to install,
agent steps per second, success and return over ten fresh episodes.
Compared with: success and return before training. `--only sb3` names trainers, `--keep FOLDER`
keeps the virtual environments there.
Duration: minutes for each trainer; needs a package index, and up to 2 GB of disk for each.

    python benchmarks/trainers.py RUN_DIR --task 1 --steps 60000
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import ROOT, Benchmark

from taskwright.archive.store import Archive
from taskwright.exporter.choice import choose
from taskwright.exporter.package import Exported, export_package

SCRIPTS = ROOT / "examples" / "trainers"
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
    outcome: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return {**outcome, "install_s": round(seconds)}


def main() -> None:
    bench = Benchmark(__doc__)
    bench.option("run_dir", type=Path)
    bench.option("--task", action="append", default=[])
    bench.option("--steps", type=int, default=60_000)
    bench.option("--only", action="append", choices=TRAINERS)
    bench.option("--keep", type=Path)
    options = bench.start()

    def rows(package: Exported, scratch: Path) -> Iterator[list[Any]]:
        for name in options.only or TRAINERS:
            folder = (options.keep or scratch) / name
            try:
                result = prove(TRAINERS[name], package, options.steps, folder)
            except subprocess.CalledProcessError as error:
                yield [name, f"failed with status {error.returncode}", *[None] * 5]
                continue
            known = [result[key] for key in ("trainer", "gymnasium", "install_s", "steps")]
            success = "{:.0%} → {:.0%}".format(*result["success"])
            yield [*known, result["steps_per_s"], success, "{} → {}".format(*result["return"])]

    with tempfile.TemporaryDirectory() as scratch:
        with Archive.open(options.run_dir) as archive:
            records = choose(archive, only=options.task)
        package = export_package(records, Path(scratch) / "out", "my_tasks")
        heads = ("trainer", "gymnasium", "install s", "steps", "steps/s", "success", "return")
        bench.table(dict.fromkeys(heads, ""), rows(package, Path(scratch)))


if __name__ == "__main__":
    main()
