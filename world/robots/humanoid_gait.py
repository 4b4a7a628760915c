"""The Humanoid's gait: the walker that comes with PyBullet.

Its authors trained it to run after a flag that moves, to bear being hit by cubes, and to get up
after a fall (`pybullet_envs`, `enjoy_TF_HumanoidFlagrunHarderBulletEnv_v1_2017jul.py`). The file is
installed wherever PyBullet is. It is an old example that does not run any more, so the weights are
read from its text, as numbers, and nothing of it is run.

What it feels, 44 numbers, each within 5 of zero: height of the torso above the ground, less 0.8 m;
sine and cosine of the angle to where it goes; 0.3 times the velocity, in the yaw frame (3); roll
and pitch; of each joint its position (-1 at the lower limit, 1 at the upper) and a tenth of its
speed; whether the right and the left foot touch anything. What it does, 17 numbers, are the shares
of the same torque limits that our Humanoid has, in the order of its joints.

It was trained to act in each physics step, and with 0.64 as friction between foot and ground. Held
for four physics steps its torques make it fall, and so does ice; hence a Humanoid that is steered
wears shoes (see `humanoid`).
"""

from __future__ import annotations

import ast
import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pybullet_data
from gymnasium.spaces import Discrete
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .humanoid import HumanoidRobot

Array = NDArray[np.float32]

WALKER = "enjoy_TF_HumanoidFlagrunHarderBulletEnv_v1_2017jul.py"
LAYERS = (("dense1", 44, 256), ("dense2", 256, 128), ("final", 128, 17))
"""The walker's layers: their names, and how many numbers go in and come out."""
STANDING_HEIGHT_M = 0.8
MOST_FELT = 5.0
STAND = 0
TORSO_SIZE = 8
"""How many numbers of those felt are of the torso as a whole."""
WAYS_DEG = (0.0, 0.0, 25.0, 60.0, -60.0, -25.0)
"""By command, to the left of where the torso faces: 1 ahead, 2 and 3 to the left, 4 and 5 to the
right; 0 is to stand."""

WAY = slice(1, 3)
# The walker was not trained to stand. It stays about where it is when it is made to feel what these
# numbers make of the torso's eight, of how fast it turns (rad/s) and of a 1: an angle to go against
# its motion, that it is faster than it is, lower, and leans back. It then steps on the spot and
# turns to the right. CMA-ES has found them, by the time on its feet and the way that it drifts.
STANDING = np.eye(TORSO_SIZE, TORSO_SIZE + 2)
STANDING[0, 9] = -0.08
STANDING[1] = [0.0, 0.0, 0.0, 0.0, -2.75, 0.0, 0.0, 0.0, 0.16, -0.69]
STANDING[2] = [0.0, 0.0, 0.0, -2.95, 0.0, 0.0, 0.0, 0.0, 0.0, 0.61]
STANDING[3, [3, 9]] = 1.23, 0.18
STANDING[4, [4, 9]] = 1.52, -0.06
STANDING[7, 9] = -0.12


class HumanoidGait:
    """Goes where it is told (see `robot.Gait`), by acting anew in each physics step."""

    commands = Discrete(len(WAYS_DEG))

    def require(self) -> None:
        walker_weights()

    def follow(self, robot: Any, state: Array, command: int) -> Callable[[], Array]:
        if command == STAND:
            return lambda: self.walk(felt_standing(robot))
        _, _, yaw = robot.roll_pitch_yaw()
        way = yaw + math.radians(WAYS_DEG[command])
        return lambda: self.walk(felt(robot, way))

    def walk(self, feeling: Array) -> Array:
        """What the walker does, (17,), for what it feels, (44,)."""
        numbers = feeling
        *inner, (weight, bias) = walker_weights()
        for inner_weight, inner_bias in inner:
            numbers = np.maximum(numbers @ inner_weight + inner_bias, 0.0)
        done: Array = (numbers @ weight + bias).clip(-1.0, 1.0)
        return done


def felt(robot: HumanoidRobot, way: float) -> Array:
    """What the walker feels, (44,), when it is to go into a direction (rad, in the world frame)."""
    (_, _, height_m), _, (x, y, z), _ = robot.base_state()
    roll, pitch, yaw = robot.roll_pitch_yaw()
    cosine, sine = math.cos(yaw), math.sin(yaw)
    positions, speeds = robot.read_joints()
    left, right = robot.feet_touch()
    joints = [
        number
        for position, speed in zip(positions, speeds, strict=True)
        for number in (position, 0.1 * speed)
    ]
    numbers = [
        height_m - robot.ground_m - STANDING_HEIGHT_M,
        math.sin(way - yaw),
        math.cos(way - yaw),
        0.3 * (cosine * x + sine * y),
        0.3 * (cosine * y - sine * x),
        0.3 * z,
        roll,
        pitch,
        *joints,
        float(right),
        float(left),
    ]
    return np.array(numbers, np.float32).clip(-MOST_FELT, MOST_FELT)


def felt_standing(robot: HumanoidRobot) -> Array:
    """What the walker is made to feel, (44,), so that it stays about where it is."""
    _, _, _, (_, _, turn_rad_s) = robot.base_state()
    feeling = felt(robot, robot.roll_pitch_yaw()[2])
    torso = STANDING @ [*feeling[:TORSO_SIZE].tolist(), turn_rad_s, 1.0]
    torso[WAY] = torso[WAY].clip(-1.0, 1.0)
    feeling[:TORSO_SIZE] = torso
    return feeling


@functools.cache
def humanoid_gait() -> HumanoidGait:
    """The one that comes with PyBullet."""
    return HumanoidGait()


@functools.cache
def walker_weights() -> list[tuple[Array, Array]]:
    """Weights and biases of the walker's layers, as PyBullet has installed them. Raises ImportError
    where it has not."""
    return read_walker(Path(pybullet_data.getDataPath()).parent / "pybullet_envs/examples" / WALKER)


def read_walker(path: Path) -> list[tuple[Array, Array]]:
    """The layers in the text of a file of PyBullet's walkers, none of which is run.

    Raises:
        ImportError: There is no such file, or it is another one.
    """
    try:
        arrays = _assigned_arrays(ast.parse(path.read_bytes()))
        return [
            (arrays[f"weights_{name}_w"].reshape(size, to), arrays[f"weights_{name}_b"].reshape(to))
            for name, size, to in LAYERS
        ]
    except (OSError, SyntaxError, ValueError, KeyError) as error:
        raise ImportError(
            f"The Humanoid's gait is read from {WALKER} of PyBullet's package `pybullet_envs`, and "
            f"that file is missing or is another one ({type(error).__name__}). Install PyBullet "
            "again: pip install --force-reinstall --no-deps pybullet",
            path=str(path),
        ) from None


def _assigned_arrays(tree: ast.Module) -> dict[str, Array]:
    """What a module assigns as `name = np.array([...])`, the lists being read as literals."""
    found = {}
    for statement in tree.body:
        match statement:
            case ast.Assign(
                targets=[ast.Name(id=name)], value=ast.Call(args=[ast.List() as items])
            ):
                found[name] = np.array(ast.literal_eval(items), np.float32)
    return found
