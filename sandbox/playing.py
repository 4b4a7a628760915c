"""An episode that goes on while somebody acts, inside the sandboxed process.

Answers are JSON in memory that is shared with the parent, since a scene may be large.
"""

from __future__ import annotations

import dataclasses
import math
import mmap
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..task import Noun, Robot, to_json
from ..world import TaskEnv
from ..world.pictures.camera import overview_camera
from ..world.rotation import yaw_of
from .episodes import action_for, fault_of_robot
from .faults import fault_of
from .live import MAX_TERMS, Frame, Piece, Pose, Walkthrough
from .recorder import LivePart, Recorder
from .recording import Quadruple


class PlayServer:
    """Answers the requests `play`, `play_begin`, `play_act` and `walk_through` for one task.

    `shared` are descriptors of memory that the parent reads too; answers go into the first.
    """

    def __init__(self, shared: Sequence[int]) -> None:
        self._shared = shared
        self._episode: _Episode | None = None

    def open(self, source: str, robot: Robot) -> dict[str, Any]:
        """Load the task."""
        self._source = source
        try:
            return fault_of_robot(TaskEnv(source), robot)
        except Exception as error:
            return self._fault(error, "loading the task")

    def begin(self, seed: int) -> dict[str, Any]:
        """Begin a new episode; answers with its first `Frame`."""
        if self._episode is not None:
            self._episode.close()
            self._episode = None
        try:
            self._episode = _Episode(self._source)
            frame = self._episode.begin(seed)
        except Exception as error:
            return self._fault(error, "`reset`")
        return self._tell(frame)

    def act(self, action: list[float]) -> dict[str, Any]:
        """Act once; answers with a `Frame`."""
        assert self._episode is not None, "an episode is begun first"
        try:
            frame = self._episode.act(action)
        except Exception as error:
            step = self._episode.env.physics_steps
            return self._fault(error, f"step {step} of an episode")
        return self._tell(frame)

    def walk_through(
        self,
        source: str,
        seed: int,
        actions: list[list[float]],
        action_repeat: int,
    ) -> dict[str, Any]:
        """Replay an episode, to its end or that of the actions; answers with a `Walkthrough`."""
        self._source = source
        terminated = truncated = success = False
        rewards: list[float] = []
        try:
            env = TaskEnv(source, action_repeat=action_repeat)
            observation, _ = env.reset(seed=seed)
            observations = [tuple(observation.tolist())]
            for action in actions:
                observation, reward, terminated, truncated, info = env.step(
                    action_for(env, np.array(action))
                )
                observations.append(tuple(observation.tolist()))
                rewards.append(reward)
                success = info["is_success"]
                if terminated or truncated:
                    break
            env.close()
        except Exception as error:
            return self._fault(error, "an episode")
        return self._tell(
            Walkthrough(tuple(observations), tuple(rewards), terminated, truncated, success)
        )

    def _tell(self, noun: Noun) -> dict[str, Any]:
        data = to_json(noun).encode()
        memory = mmap.mmap(self._shared[0], 0)
        if len(data) > len(memory):
            return {
                "symptom": f"The scene takes {len(data) / 1e6:.1f} MB to tell.",
                "cause": "Very many bodies, or meshes that are very fine.",
                "fix": f"Use fewer: there is room for {len(memory) / 1e6:.1f} MB.",
            }
        memory[: len(data)] = data
        memory.close()
        return {"bytes": len(data)}

    def _fault(self, error: Exception, doing: str) -> dict[str, Any]:
        return {**fault_of(error, doing, self._source)}


class _WatchedEnv(TaskEnv):
    """Is recorded after every physics step: four times as smooth as after every action."""

    def __init__(self, source: str) -> None:
        # Without its meshes the robot would look like a pile of small boxes.
        super().__init__(source, render_mode="rgb_array")
        self.recorder = Recorder(self.client)
        self.parts: list[LivePart] = []
        """What was there when it was last looked at."""
        self.moments: list[dict[int, Pose]] = []
        """Where each part was, by its identity, since this was last emptied."""

    def physics_step(self, action: Any) -> tuple[bool, bool, dict[str, float]]:
        result = super().physics_step(action)
        self.look()
        return result

    def look(self) -> None:
        self.parts = self.recorder.look(self.robot.robot_id)
        self.moments.append({id(part): _rounded(part.poses.pop()) for part in self.parts})


class _Episode:
    """One world from its first frame on."""

    def __init__(self, source: str) -> None:
        self.env = _WatchedEnv(source)
        self._numbers: dict[int, int] = {}
        """The numbers of the parts that are there, by `id`. The recorder keeps all parts alive, so
        that no new part has the `id` of a former one."""
        self._next = 0
        self._meshes = 0
        self._poses: dict[int, Pose] = {}
        """The last pose that was sent of each piece."""

    def begin(self, seed: int) -> Frame:
        env = self.env
        env.reset(seed=seed)
        camera = overview_camera(env.client, env.robot.robot_id)
        way = env.robot.links["base"].position - camera.eye
        depth_m = max(float(way @ camera.forward), 1.0)
        target = camera.eye + depth_m * camera.forward
        env.look()
        return self._frame({}, eye=_triple(camera.eye), target=_triple(target))

    def act(self, action: list[float]) -> Frame:
        env = self.env
        env.moments.clear()
        _, _, terminated, truncated, info = env.step(action_for(env, np.array(action)))
        if not env.moments:
            # The world broke in the first physics step.
            env.look()
        return self._frame(
            dict(list(info["reward_terms"].items())[:MAX_TERMS]),
            success=info["is_success"],
            terminated=terminated,
            truncated=truncated,
            diagnosis=info.get("diagnosis", ""),
        )

    def _frame(self, terms: dict[str, float], **fields: Any) -> Frame:
        env = self.env
        vanished = self._forget_what_is_gone()
        appeared, colors = self._take_in_changes()
        moments = env.moments
        now = moments[-1]
        moving = [
            part
            for part in env.parts
            if any(m.get(id(part)) != self._poses[self._numbers[id(part)]] for m in moments)
        ]
        poses = tuple(tuple(m.get(id(part), now[id(part)]) for part in moving) for m in moments)
        if not all(math.isfinite(number) for m in poses for pose in m for number in pose):
            # A world that has broken is left as it was last seen.
            moving, poses = [], ()
        for part in moving:
            self._poses[self._numbers[id(part)]] = now[id(part)]
        meshes = tuple(env.recorder.meshes[self._meshes :])
        self._meshes += len(meshes)
        _, orientation, velocity, (_, _, turn) = env.robot.base_state()
        yaw = yaw_of(orientation)
        speed = math.cos(yaw) * velocity[0] + math.sin(yaw) * velocity[1]
        return Frame(
            appeared=tuple(appeared),
            meshes=meshes,
            vanished=tuple(vanished),
            colors=tuple(colors),
            moving=tuple(self._numbers[id(part)] for part in moving),
            poses=poses,
            reward_terms={name: round(term, 5) for name, term in terms.items()},
            physics_steps=env.physics_steps,
            speed_m_s=round(speed, 3) if math.isfinite(speed) else 0.0,
            turn_rad_s=round(turn, 3) if math.isfinite(turn) else 0.0,
            **fields,
        )

    def _forget_what_is_gone(self) -> list[int]:
        """The numbers of pieces that have vanished."""
        alive = {id(part) for part in self.env.parts}
        gone = {part: number for part, number in self._numbers.items() if part not in alive}
        for part, number in gone.items():
            del self._numbers[part], self._poses[number]
        return list(gone.values())

    def _take_in_changes(self) -> tuple[list[Piece], list[tuple[int, int, Quadruple]]]:
        """Pieces that have appeared, and new colours of those that were there."""
        appeared, colors = [], []
        for part in self.env.parts:
            changes = [(number, color) for _, number, color in part.colors]
            part.colors.clear()
            for number, color in changes:
                # The recorder compares the next colour with this one.
                part.shapes[number] = dataclasses.replace(part.shapes[number], color=color)
            known = self._numbers.get(id(part))
            if known is not None:
                colors += [(known, number, color) for number, color in changes]
                continue
            pose = self.env.moments[-1][id(part)]
            appeared.append(Piece(self._next, part.robot, tuple(part.shapes), pose))
            self._numbers[id(part)] = self._next
            self._poses[self._next] = pose
            self._next += 1
        return appeared, colors

    def close(self) -> None:
        self.env.close()


def _rounded(pose: tuple[float, ...]) -> Pose:
    """A pose to a tenth of a millimetre, so that a body at rest has equal poses."""
    x, y, z, *turn = pose
    a, b, c, d = (round(number, 5) for number in turn)
    return (round(x, 4), round(y, 4), round(z, 4), a, b, c, d)


def _triple(vector: Any) -> tuple[float, float, float]:
    x, y, z = (round(float(number), 4) for number in vector)
    return (x, y, z)
