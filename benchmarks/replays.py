"""How large is a replay, and how long does it take to record?

    python benchmarks/replays.py

Records random actions in every example task of R2D2, and a pile of 30 falling boxes around each
robot, and prints the size of the file, also per 500 frames. Takes a minute.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from taskwright.task import ROBOT_BASES, Robot
from taskwright.trainer.media.replay import make_replay
from taskwright.trainer.requests import ReplayRequest

EXAMPLES = Path(__file__).parents[1] / "examples" / "tasks" / "r2d2"
PILE = '''
from taskwright.world import BASE


class Env(BASE):
    """
    Stand in the rain of boxes

    Description: Thirty boxes fall around the robot.
    Success: Never.
    Rewards: None.
    Termination: None.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [20.0, 20.0, 0.5], [0.0, 0.0, -0.5], [0.5, 0.5, 0.5, 1.0])
        for n in range(30):
            x, y, z = self.np_random.uniform([-2.0, -2.0, 2.0], [2.0, 2.0, 12.0])
            self.create_box(1.0, [0.2, 0.2, 0.2], [x, y, z], [0.8, 0.3, 0.1, 1.0])

    def get_task_rewards(self, action):
        return {"nothing": 0.0}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return False
'''


def measure(name: str, source: str, robot: Robot, folder: Path) -> None:
    plan = ReplayRequest(source, robot, str(folder / "task.replay.json.gz"), ("random",))
    started = time.perf_counter()
    replay = make_replay(plan)
    seconds = time.perf_counter() - started
    rate = 500 * replay.size_bytes / replay.frames
    print(
        f"{name:<30} {replay.frames:>4} frames {replay.size_bytes / 1000:>7.1f} kB "
        f"{rate / 1000:>7.1f} kB per 500 frames {seconds:>6.1f} s"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(EXAMPLES.glob("*.py")):
            measure(path.stem, path.read_text(encoding="utf-8"), "r2d2", Path(folder))
        for robot, base in ROBOT_BASES.items():
            measure(f"30 boxes around {robot}", PILE.replace("BASE", base), robot, Path(folder))


if __name__ == "__main__":
    main()
