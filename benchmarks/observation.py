"""What should the agent see? Does a ray scan, or less of the scene, earn its cost?

Setup: PPO as a trial trains it (16 environments, the trainer's settings, ended as a trial ends it:
once 90 % of the last 50 training episodes succeed, or after 120,000 steps), then 96 episodes on
fresh seeds. Environments run in this process, on one core; a variant changes the observation:

- scene: as it is
- heights: also 48 ground heights, a grid of 7 x 7 without the robot's own place, 0.75 m apart, from
  0.75 m behind the robot to 3.75 m ahead, by rays straight down
- fan: also the distances along 16 rays all around, 0.3 m below the base, up to 10 m
- colourless: every colour is 0
- slots 4: the four nearest bodies alone

Duration: about 1.5 minutes a run; two seeds of three variants on six tasks about 50 minutes.
`--results` keeps what was measured: runs that are in it are not run again.

    python benchmarks/observation.py --results runs.jsonl --svg curves.svg
    python benchmarks/observation.py --results runs.jsonl --seeds 0  # the table of what there is
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections import deque
from itertools import chain
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecNormalize

from taskwright.sandbox.episodes import episode_seed
from taskwright.sandbox.vector import REWARD_LIMIT, Steps
from taskwright.trainer.evidence.deciding import WINDOW_EPISODES
from taskwright.trainer.evidence.evaluation import evaluate
from taskwright.trainer.learners.ppo import PPO_SETTINGS
from taskwright.trainer.learners.vec_env import SandboxedVecEnv
from taskwright.trainer.policies import Trained
from taskwright.world import TaskEnv
from taskwright.world.robots.r2d2 import R2D2Robot, yaw_of
from taskwright.world.scene import BOUND, NUMBERS_PER_SLOT, SLOTS, compress

TASKS = (
    "drive_to_beacon",
    "climb_stairs",
    "cross_broken_bridge",
    "visit_pads_in_order",
    "find_open_doorway",
    "jump_sweeping_arm",
)
EXAMPLES = Path(__file__).parent.parent / "examples" / "tasks" / "r2d2"
ENVIRONMENTS = 16
MAX_STEPS = 120_000
SOLVED_SUCCESS_RATE = 0.9
EVALUATION_EPISODES = 96
SMOOTHING = 5
"""Points of a curve that are averaged: 10,000 steps."""
SCENE = R2D2Robot.proprioception_size
"""Index of the scene's first number."""
ROBOT_RADIUS_M = 0.4
"""Rays keep this far from the base's axis, or they would see the robot itself."""


class Variant(gymnasium.ObservationWrapper[Any, Any, Any]):
    """A task with another observation; this one leaves it as it is."""

    extra = 0
    """How many numbers are appended."""

    def __init__(self, env: TaskEnv) -> None:
        super().__init__(env)
        self.task_env = env
        assert env.observation_space.shape is not None
        size = env.observation_space.shape[0] + self.extra
        self.observation_space = Box(-BOUND, BOUND, (size,), np.float32)

    def observation(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        return observation


class Scan(Variant):
    """Appends what rays tell, which start and end at fixed places in the robot's yaw frame."""

    starts: NDArray[np.float64]
    ends: NDArray[np.float64]

    @property
    def extra(self) -> int:  # type: ignore[override]
        return len(self.starts)

    def observation(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        client, base = self.task_env.client, self.task_env.robot.links["base"]
        yaw = yaw_of(base.orientation)
        cosine, sine = math.cos(yaw), math.sin(yaw)
        turn = np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]])
        hits = client.rayTestBatch(
            (self.starts @ turn + base.position).tolist(),
            (self.ends @ turn + base.position).tolist(),
        )
        fractions = np.array([hit[2] for hit in hits])
        return np.concatenate([observation, self.tell(fractions)], dtype=np.float32)

    def tell(self, fractions: NDArray[np.float64]) -> NDArray[np.float64]:
        """What is appended, from the fractions of the rays that were free."""
        raise NotImplementedError


class Heights(Scan):
    """Ground heights relative to where the robot's wheels are, 3 m down where there is none."""

    low, high = -3.5, 1.5
    grid = 0.75 * np.array([(x, y) for x in range(-1, 6) for y in range(-3, 4) if x or y])
    starts = np.column_stack([grid, np.full(len(grid), high)])
    ends = np.column_stack([grid, np.full(len(grid), low)])

    def tell(self, fractions: NDArray[np.float64]) -> NDArray[np.float64]:
        return compress(self.high + fractions * (self.low - self.high) + 0.47)


class Fan(Scan):
    """Distances of what stands around, 0.17 m above the floor that the robot stands on."""

    reach = 10.0
    angles = np.arange(16) * 2 * np.pi / 16
    directions = np.column_stack([np.cos(angles), np.sin(angles), 0 * angles])
    starts = ROBOT_RADIUS_M * directions - [0.0, 0.0, 0.3]
    ends = reach * directions - [0.0, 0.0, 0.3]

    def tell(self, fractions: NDArray[np.float64]) -> NDArray[np.float64]:
        return compress(ROBOT_RADIUS_M + fractions * (self.reach - ROBOT_RADIUS_M))


class Colourless(Variant):
    """The scene without colours."""

    def observation(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        observation[SCENE:].reshape(SLOTS, NUMBERS_PER_SLOT)[:, 13:16] = 0.0
        return observation


class FourSlots(Variant):
    """The four nearest bodies alone."""

    extra = -4 * NUMBERS_PER_SLOT

    def observation(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        return observation[: self.extra]


VARIANTS: dict[str, type[Variant]] = {
    "scene": Variant,
    "heights": Heights,
    "fan": Fan,
    "colourless": Colourless,
    "slots 4": FourSlots,
}


class LocalEpisodes:
    """What `SandboxedEpisodes` does, for trusted tasks, in this process, with a variant."""

    def __init__(self, source: str, variant: str, count: int) -> None:
        self.count = count
        self.envs = [VARIANTS[variant](TaskEnv(source)) for _ in range(count)]
        self.observation_space = self.envs[0].observation_space
        self.action_space = self.envs[0].action_space

    def reset(self, seed: int) -> NDArray[np.float32]:
        self.seed, self.episodes = seed, [0] * self.count
        return np.array([self._begin(row) for row in range(self.count)])

    def _begin(self, row: int) -> Any:
        seed = episode_seed(self.seed, row, self.episodes[row])
        return self.envs[row].reset(seed=seed)[0]

    def step(self, actions: NDArray[Any]) -> Steps:
        rows = []
        for row, env in enumerate(self.envs):
            observation, reward, terminated, truncated, info = env.step(int(actions[row]))
            success, final = info["is_success"], observation
            truncated = truncated or (success and not terminated)
            if terminated or truncated:
                self.episodes[row] += 1
                observation = self._begin(row)
            rows.append((observation, float(reward), terminated, truncated, success, final))
        observations, rewards, terminated, truncated, successes, finals = zip(*rows, strict=True)
        return Steps(
            np.array(observations),
            np.array(rewards, np.float32).clip(-REWARD_LIMIT, REWARD_LIMIT),
            np.array(terminated),
            np.array(truncated),
            np.array(successes),
            np.array(finals),
        )

    def close(self) -> None:
        for env in self.envs:
            env.close()


class Watch(BaseCallback):
    """The learning curve, and when a trial would stop."""

    def __init__(self) -> None:
        super().__init__()
        length = math.ceil(WINDOW_EPISODES / ENVIRONMENTS)
        self.window: list[deque[bool]] = [deque(maxlen=length) for _ in range(ENVIRONMENTS)]
        self.curve: list[tuple[int, float]] = []
        self.ended: list[bool] = []
        self.solved = False

    def _on_step(self) -> bool:
        for window, info in zip(self.window, self.locals["infos"], strict=True):
            if "episode" in info:
                window.append(info["is_success"])
                self.ended.append(info["is_success"])
        recent = list(chain.from_iterable(self.window))
        full = len(recent) == sum(window.maxlen or 0 for window in self.window)
        self.solved = full and sum(recent) >= SOLVED_SUCCESS_RATE * len(recent)
        return self.num_timesteps < MAX_STEPS and not self.solved

    def _on_rollout_end(self) -> None:
        if self.ended:
            self.curve.append((self.num_timesteps, float(np.mean(self.ended))))
            self.ended.clear()


def learn(task: str, variant: str, seed: int) -> dict[str, Any]:
    """One run: how many steps it took, how well the policy does, and its curve."""
    source = (EXAMPLES / f"{task}.py").read_text(encoding="utf-8")
    episodes: Any = LocalEpisodes(source, variant, ENVIRONMENTS)
    env = SandboxedVecEnv(episodes, PPO_SETTINGS)
    env.next_seed = seed
    model = PPO(
        "MlpPolicy",
        VecNormalize(env, norm_obs=False, gamma=PPO_SETTINGS.discount),
        seed=seed,
        device="cpu",
        **PPO_SETTINGS.for_stable_baselines3,
    )
    watch = Watch()
    started, cpu = time.perf_counter(), time.process_time()
    model.learn(MAX_STEPS, callback=watch)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    evaluation = evaluate(episodes, Trained(model), 1_000_000 + seed, EVALUATION_EPISODES)
    episodes.close()
    return {
        "task": task,
        "variant": variant,
        "seed": seed,
        "steps": model.num_timesteps,
        "solved": watch.solved,
        "success": evaluation.success_rate,
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "curve": watch.curve,
    }


def read(results: Path) -> list[dict[str, Any]]:
    lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
    return [json.loads(line) for line in lines]


def smooth(run: dict[str, Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Steps and success rates of a run, each rate averaged with those shortly before."""
    steps, rates = np.array(run["curve"]).T
    ends = range(1, len(rates) + 1)
    return steps, np.array([rates[max(end - SMOOTHING, 0) : end].mean() for end in ends])


def steps_to_half(run: dict[str, Any]) -> float:
    """When half of the training episodes succeed; the whole budget where they never do."""
    steps, rates = smooth(run)
    above = np.flatnonzero(rates >= 0.5)
    return float(steps[above[0]]) if len(above) else float(MAX_STEPS)


def print_table(runs: list[dict[str, Any]], variants: list[str]) -> None:
    """Means over the seeds that every variant was trained with, since only those compare."""
    kinds = [variant for variant in variants if any(run["variant"] == variant for run in runs)]
    columns = [f"{kind}: to half | to the end | success" for kind in kinds]
    print("| task | seeds | " + " | ".join(columns) + " |")
    print("|---|" + "---|" * (1 + 3 * len(kinds)))
    costs: dict[str, list[float]] = {kind: [] for kind in kinds}
    for task in TASKS:
        done = {
            kind: {
                run["seed"]: run for run in runs if (run["task"], run["variant"]) == (task, kind)
            }
            for kind in kinds
        }
        seeds = sorted(set.intersection(*(set(of_kind) for of_kind in done.values())))
        if not seeds:
            continue
        cells = [task, str(len(seeds))]
        for kind, of_kind in done.items():
            some = [of_kind[seed] for seed in seeds]
            cells.append(f"{np.mean([steps_to_half(run) for run in some]):,.0f}")
            cells.append(f"{np.mean([run['steps'] for run in some]):,.0f}")
            cells.append(f"{np.mean([run['success'] for run in some]):.2f}")
            costs[kind].append(float(np.mean([run["cpu_seconds"] / run["steps"] for run in some])))
        print("| " + " | ".join(cells) + " |")
    for kind, cost in costs.items():
        share = np.mean(cost) / np.mean(costs[kinds[0]])
        print(f"{kind}: {np.mean(cost) * 1e6:,.0f} µs of processor time a step, {share:.0%}")


COLORS = {
    "scene": "#3b4252",
    "heights": "#c2410c",
    "fan": "#1d6fb8",
    "colourless": "#7c3aed",
    "slots 4": "#15803d",
}
WIDTH, HEIGHT, LEFT, TOP = 260, 150, 50, 66


def draw(runs: list[dict[str, Any]]) -> str:
    """Learning curves as SVG: a panel for each task, a line for each run, a dot where it ends."""
    parts = []
    for number, task in enumerate(TASKS):
        x0 = LEFT + number % 3 * (WIDTH + 44)
        y0 = TOP + number // 3 * (HEIGHT + 62)
        parts.append(f'<text x="{x0}" y="{y0 - 9}" font-weight="600">{task}</text>')
        for share in (0, 0.5, 1):
            y = y0 + HEIGHT * (1 - share)
            parts.append(f'<path d="M{x0} {y} h{WIDTH}" stroke="#d8dde5"/>')
            label = f'x="{x0 - 6}" y="{y + 4}" text-anchor="end"'
            parts.append(f"<text {label}>{share:.0%}</text>")
        for steps in (0, 40_000, 80_000, 120_000):
            x = x0 + WIDTH * steps / MAX_STEPS
            label = f'x="{x:.0f}" y="{y0 + HEIGHT + 16}" text-anchor="middle"'
            parts.append(f"<text {label}>{steps // 1000}k</text>")
        for run in runs:
            if run["task"] == task:
                steps, rates = smooth(run)
                xs, ys = x0 + WIDTH * steps / MAX_STEPS, y0 + HEIGHT * (1 - rates)
                line = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True))
                color = COLORS[run["variant"]]
                parts.append(f'<polyline points="{line}" fill="none" stroke="{color}"/>')
                parts.append(f'<circle cx="{xs[-1]:.1f}" cy="{ys[-1]:.1f}" r="3" fill="{color}"/>')
    used = [variant for variant in COLORS if any(run["variant"] == variant for run in runs)]
    for number, variant in enumerate(used):
        x = LEFT + 110 * number
        parts.append(f'<path d="M{x} 22 h26" stroke="{COLORS[variant]}" stroke-width="3"/>')
        parts.append(f'<text x="{x + 34}" y="27" font-size="14">{variant}</text>')
    width, height = LEFT + 3 * WIDTH + 2 * 44 + 20, TOP + 2 * HEIGHT + 62 + 30
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            'font-family="Helvetica, Arial, sans-serif" font-size="11" stroke-linejoin="round">',
            "<title>Success rate of training episodes against environment steps</title>",
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            '<g fill="#2b313b" stroke-width="1.4">',
            *parts,
            "</g>",
            "</svg>",
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--results", type=Path, required=True, help="one run a line, as JSON")
    parser.add_argument("--svg", type=Path, help="where the curves are drawn")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument(
        "--variants", nargs="+", choices=VARIANTS, default=["scene", "heights", "fan"]
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    wanted = [
        (task, variant, seed)
        for seed in range(arguments.seeds)
        for task in arguments.tasks
        for variant in arguments.variants
    ]
    done = {(run["task"], run["variant"], run["seed"]) for run in read(arguments.results)}
    for task, variant, seed in wanted:
        if (task, variant, seed) not in done:
            run = learn(task, variant, seed)
            with arguments.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(run) + "\n")
            print(f"{task}, {variant}, seed {seed}: {run['steps']} steps", file=sys.stderr)
    runs = [run for run in read(arguments.results) if run["variant"] in arguments.variants]
    print_table(runs, arguments.variants)
    if arguments.svg:
        arguments.svg.write_text(draw(runs), encoding="utf-8")


if __name__ == "__main__":
    main()
