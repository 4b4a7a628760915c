"""How fast do OMNI-EPIC's own tasks run here, and how fast in its own runtime?

Measures: physics steps per second, of computing time and not of the clock, of one core: each of
its 30 task files (10 tasks for each of 3 robots) with the same random actions, each held for 4
physics steps, resets included. Ours is `TaskEnv` as trainers use it, egocentric scene included;
"without scene" leaves that out. "Physics" is the share of our time without scene that
`stepSimulation` takes.
Compared with: the runtime of a clone of https://github.com/maxencefaldor/omni-epic,
proprioception only, with its `gym` import given Gymnasium and its EGL plugin left away.
Duration: about 5 minutes with the default of 2 rounds.

    python benchmarks/step_speed.py --omni-epic PATH [--robot r2d2] [--rounds 2] [--seconds 1.0]
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import sys
import time
import types
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from harness import Benchmark, in_turn, per_second, watched
from trials import tasks_of

from taskwright.world import TaskEnv

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

    def measure(path: Path, spend_s: float) -> tuple[float, float]:
        spec = importlib.util.spec_from_file_location("env", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        np.random.seed(SEED)
        env = module.Env()
        env.action_space.seed(SEED)
        env.reset()
        episode = 0

        def step() -> int:
            nonlocal episode
            action = env.action_space.sample()
            for held in range(1, HOLD + 1):
                _, _, terminated, truncated, _ = env.step(action)
                env.get_success()
                episode += 1
                if terminated or truncated or episode >= TIME_LIMIT:
                    env.reset()
                    episode = 0
                    return held
            return HOLD

        rate = per_second(step, spend_s, time.process_time)
        env.close()
        return rate, 0.0

    return measure


def measure_ours(with_scene: bool) -> Measure:
    """`TaskEnv`, whole or without the scene."""

    class Measured(TaskEnv):
        def _sense(self, elapsed_s: float) -> Any:
            return super()._sense(elapsed_s) if with_scene else self.robot.get_observation()

    def measure(path: Path, spend_s: float) -> tuple[float, float]:
        env = Measured.from_file(path, action_repeat=HOLD, time_limit=TIME_LIMIT)
        env.action_space.seed(SEED)
        env.reset(seed=SEED)

        def step() -> int:
            before = env.physics_steps
            _, _, terminated, truncated, _ = env.step(env.action_space.sample())
            done = env.physics_steps - before
            if terminated or truncated:
                env.reset()  # which counts from 0 again
            return done

        if with_scene:
            rate, physics_s = per_second(step, spend_s, time.process_time), []
        else:
            with watched(env.client, "stepSimulation") as physics_s:
                rate = per_second(step, spend_s, time.process_time)
        env.close()
        return rate, sum(physics_s) / spend_s

    return measure


def serve(connection: Connection, which: str, checkout: Path) -> None:
    measure = measure_theirs(checkout) if which == "theirs" else measure_ours(which == "ours")
    while request := connection.recv():
        connection.send(measure(*request))


def main() -> None:
    bench = Benchmark(__doc__, rounds=2)
    bench.option("--omni-epic", type=Path, required=True, help="a clone of OMNI-EPIC's repository")
    bench.option("--robot", choices=ROBOTS, action="append")
    bench.option("--seconds", type=float, default=1.0, help="per task, round and column")
    options = bench.start()
    checkout = options.omni_epic.resolve()
    context = multiprocessing.get_context("spawn")
    workers: dict[str, Connection] = {}
    for which in ("theirs", "ours", "without scene"):
        workers[which], there = context.Pipe()
        context.Process(target=serve, args=(there, which, checkout), daemon=True).start()

    def ask(worker: Connection, path: Path) -> Any:
        worker.send((path, options.seconds))
        return worker.recv()

    def rows() -> Iterator[list[Any]]:
        for robot in options.robot or ROBOTS:
            found = []
            for origin, path in tasks_of(robot, checkout):
                if origin != "OMNI-EPIC":
                    continue
                works = {
                    which: lambda worker=worker, path=path: ask(worker, path)
                    for which, worker in workers.items()
                }
                medians = {
                    k: np.median(v, axis=0) for k, v in in_turn(works, options.rounds).items()
                }
                theirs, ours, (bare, physics) = (
                    medians["theirs"][0], medians["ours"][0], medians["without scene"],
                )  # fmt: skip
                found.append([theirs, ours, ours / theirs, bare, bare / theirs, physics])
                yield [f"{robot}: {path.stem}", *found[-1]]
            yield [f"**{robot}, median**", *np.median(found, axis=0)]

    columns = {"task": "", "theirs, steps/s": ",.0f", "ours": ",.0f", "ratio": ".2f"}
    columns |= {"without scene": ",.0f", "its ratio": ".2f", "physics": ".0%"}
    bench.table(columns, rows())
    for worker in workers.values():
        worker.send(None)


if __name__ == "__main__":
    main()
