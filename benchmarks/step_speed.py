"""How fast do OMNI-EPIC's own tasks run here, and how fast in its own runtime?

Setup: one core, computing time and not the time on the clock; each of its 30 task files (10 tasks
for each of 3 robots) with the same random actions, each held for 4 physics steps, resets included.
Theirs: the runtime of a checkout of https://github.com/maxencefaldor/omni-epic, proprioception
only, with its `gym` import given Gymnasium and its EGL plugin left away. Ours: `TaskEnv` as
trainers use it, egocentric scene included; "without scene" leaves that out. "Physics" is the share
of our time without scene that `stepSimulation` takes. Theirs and ours take turns, and medians of
the rounds are shown: machines are noisy, so compare the columns of one run.
Duration: about 5 minutes with the default of 2 rounds.

    python benchmarks/step_speed.py --omni-epic PATH [--robot r2d2] [--rounds 2] [--seconds 1.0]
"""

from __future__ import annotations

import argparse
import importlib.util
import multiprocessing
import statistics
import sys
import time
import types
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

ROBOTS = ("r2d2", "ant", "humanoid")
HOLD, TIME_LIMIT = 4, 1000
SEED = 0

Measure = Callable[[Path, float], tuple[float, float]]
"""Task file and seconds to physics steps per second, and the share of `stepSimulation`."""


def measure_theirs(checkout: Path) -> Measure:
    """Their runtime, with what it expects of a machine of theirs put in its place."""
    import gymnasium
    import gymnasium.utils.seeding
    import pybullet

    # `gym` is no longer kept up; they use its spaces, its seeding and its base class.
    sys.modules.update(
        {
            "gym": gymnasium,
            "gym.spaces": gymnasium.spaces,
            "gym.utils": gymnasium.utils,
            "gym.utils.seeding": gymnasium.utils.seeding,
        }
    )
    pybullet.loadPlugin = lambda *_, **__: -1
    find_spec = importlib.util.find_spec

    def find_plugin(name: str, package: str | None = None) -> Any:
        if name == "eglRenderer":
            return types.SimpleNamespace(origin="")
        return find_spec(name, package)

    importlib.util.find_spec = find_plugin
    load_urdf = pybullet.loadURDF

    def load_from_checkout(fileName: str, *arguments: Any, **keywords: Any) -> Any:  # noqa: N803
        inside = fileName.replace("/workspace/src", str(checkout))
        return load_urdf(inside, *arguments, **keywords)

    pybullet.loadURDF = load_from_checkout
    sys.path.insert(0, str(checkout))

    def measure(path: Path, seconds: float) -> tuple[float, float]:
        spec = importlib.util.spec_from_file_location("env", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        np.random.seed(SEED)
        env = module.Env()
        env.action_space.seed(SEED)
        env.reset()
        steps = episode = 0
        started = time.process_time()
        while time.process_time() < started + seconds:
            action = env.action_space.sample()
            for _ in range(HOLD):
                _, _, terminated, truncated, _ = env.step(action)
                env.get_success()
                steps, episode = steps + 1, episode + 1
                if terminated or truncated or episode >= TIME_LIMIT:
                    env.reset()
                    episode = 0
                    break
        rate = steps / (time.process_time() - started)
        env.close()
        return rate, 0.0

    return measure


def measure_ours(with_scene: bool) -> Measure:
    """`TaskEnv`, whole or without the scene."""
    from taskwright.world import TaskEnv

    class Measured(TaskEnv):
        def _sense(self, elapsed_s: float) -> Any:
            return super()._sense(elapsed_s) if with_scene else self.robot.get_observation()

    def measure(path: Path, seconds: float) -> tuple[float, float]:
        env = Measured.from_file(path, action_repeat=HOLD, time_limit=TIME_LIMIT)
        env.action_space.seed(SEED)
        env.reset(seed=SEED)
        step_simulation = env.client.stepSimulation
        physics_s = 0.0

        def timed() -> None:
            nonlocal physics_s
            before = time.process_time()
            step_simulation()
            physics_s += time.process_time() - before

        if not with_scene:
            env.client.stepSimulation = timed
        steps = 0
        started = time.process_time()
        while time.process_time() < started + seconds:
            before = env.physics_steps
            _, _, terminated, truncated, _ = env.step(env.action_space.sample())
            steps += env.physics_steps - before
            if terminated or truncated:
                env.reset()
        elapsed = time.process_time() - started
        env.close()
        return steps / elapsed, physics_s / elapsed

    return measure


def serve(connection: Connection, which: str, checkout: Path) -> None:
    measure = measure_theirs(checkout) if which == "theirs" else measure_ours(which == "ours")
    while request := connection.recv():
        connection.send(measure(*request))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--omni-epic", type=Path, required=True, help="a checkout of OMNI-EPIC")
    parser.add_argument("--robot", choices=ROBOTS, action="append")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1.0, help="per task, round and column")
    arguments = parser.parse_args()
    folder = arguments.omni_epic.resolve() / "omni_epic" / "envs"
    if not folder.is_dir():
        parser.error(f"{folder} is not there; --omni-epic takes the folder of a checkout.")

    context = multiprocessing.get_context("spawn")
    workers = {}
    for which in ("theirs", "ours", "without scene"):
        here, there = context.Pipe()
        checkout = arguments.omni_epic.resolve()
        process = context.Process(target=serve, args=(there, which, checkout), daemon=True)
        process.start()
        workers[which] = here

    print("| task | theirs, steps/s | ours | ratio | without scene | ratio | physics |")
    print("|---|---|---|---|---|---|---|")
    for robot in arguments.robot or ROBOTS:
        rows = []
        for path in sorted((folder / robot).glob("*.py")):
            if path.stem in ("base", "__init__"):
                continue
            measured: dict[str, list[tuple[float, float]]] = {which: [] for which in workers}
            for _ in range(arguments.rounds):
                for which, worker in workers.items():
                    worker.send((path, arguments.seconds))
                    measured[which].append(worker.recv())
            theirs, ours, bare = (
                statistics.median(rate for rate, _ in measured[which]) for which in workers
            )
            physics = statistics.median(share for _, share in measured["without scene"])
            rows.append((theirs, ours, ours / theirs, bare, bare / theirs, physics))
            print(_line(f"{robot}: {path.stem}", rows[-1]), flush=True)
        medians = [statistics.median(column) for column in zip(*rows, strict=True)]
        print(_line(f"**{robot}, median**", medians), flush=True)
    for worker in workers.values():
        worker.send(None)


def _line(name: str, values: Any) -> str:
    theirs, ours, ratio, bare, bare_ratio, physics = values
    return (
        f"| {name} | {theirs:,.0f} | {ours:,.0f} | {ratio:.2f} | {bare:,.0f} | {bare_ratio:.2f} "
        f"| {physics:.0%} |"
    )


if __name__ == "__main__":
    main()
