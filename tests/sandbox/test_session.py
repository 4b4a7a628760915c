"""An episode played by hand is the same that a trainer would see, and its process never outlives
it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import pytest

from taskwright.sandbox import session as sessions
from taskwright.sandbox.live import Frame, Piece, Stage
from taskwright.sandbox.processes.channel import ChildDied, ChildFault, ChildTimeout
from taskwright.sandbox.recording import Shape
from taskwright.sandbox.session import PlaySession, walk_through
from taskwright.world import TaskEnv

FORWARD, LEFT = [1.0], [4.0]

# A lamp changes its colour, a box appears and vanishes.
LIVELY = '''
from taskwright.world import R2D2Env


class Env(R2D2Env):
    """Watch."""

    def __init__(self):
        super().__init__()
        self.ground = self.create_box(0.0, [9, 9, 0.5], [0, 0, -0.5], [0.5, 0.6, 0.5, 1])
        self.lamp = self.create_sphere(0.0, 0.3, [3, 0, 2], [1, 0, 0, 1])
        self.count = 0

    def step(self, action):
        self.count += 1
        # HERE
        return super().step(action)

    def get_task_rewards(self, action):
        return {"time": 0.5}

    def get_terminated(self, action):
        return self.count >= 40

    def get_success(self):
        return False
'''


def lively(statement: str) -> str:
    return LIVELY.replace("# HERE", statement)


def test_every_action_tells_four_moments_of_what_moves_and_nothing_else(easy_source: str) -> None:
    with PlaySession(easy_source, "r2d2") as session:
        first = session.begin(5)
        assert first.eye is not None
        base = next(piece for piece in first.appeared if piece.robot)
        frames = [session.act(FORWARD) for _ in range(5)]
    floor = next(piece for piece in first.appeared if not piece.robot)
    for frame in frames:
        assert len(frame.poses) == 4
        assert base.number in frame.moving
        assert floor.number not in frame.moving
        assert frame.reward_terms.keys() == {"ahead", "energy_penalty"}
    places = [m[frame.moving.index(base.number)][0] for frame in frames for m in frame.poses]
    assert places == sorted(places), "it drives ahead, moment after moment"
    assert frames[-1].physics_steps == 20
    assert frames[-1].speed_m_s > 1.0


def test_poses_and_rewards_are_those_of_the_environment(easy_source: str) -> None:
    env = TaskEnv(easy_source)
    env.reset(seed=5)
    with PlaySession(easy_source, "r2d2") as session:
        first = session.begin(5)
        base = next(piece for piece in first.appeared if piece.robot)
        for action in (FORWARD, LEFT, FORWARD, FORWARD):
            frame = session.act(action)
            _, _, _, _, info = env.step(int(action[0]))
            pose = frame.poses[-1][frame.moving.index(base.number)]
            # The base's own frame is not where its mass is; both move by the same way.
            assert frame.reward_terms == pytest.approx(info["reward_terms"], abs=1e-5)
        assert pose[3:] == pytest.approx(env.robot.links["base"].orientation, abs=1e-4)
    env.close()


def test_a_played_success_is_gone_through_again_step_by_step(easy_source: str) -> None:
    actions = []
    with PlaySession(easy_source, "r2d2") as session:
        frame = session.begin(11)
        while not frame.success:
            frame = session.act(FORWARD)
            actions.append(FORWARD)
            assert len(actions) < 60
    walked = walk_through(easy_source, 11, actions, 4)
    assert walked.success
    assert len(walked.rewards) == len(actions)
    assert not walk_through(easy_source, 11, actions[:-1], 4).success


def test_what_changes_in_the_world_is_told() -> None:
    changing = lively(
        """
        if self.count == 5:
            self._p.changeVisualShape(self.lamp, -1, rgbaColor=[0, 1, 0, 1])
            self.box = self.create_box(1.0, [0.1, 0.1, 0.1], [2, 2, 1], [0, 0, 1, 1])
        if self.count == 13:
            self._p.removeBody(self.box)
"""
    )
    with PlaySession(changing, "r2d2") as session:
        first = session.begin(0)
        (lamp,) = [p.number for p in first.appeared if p.shapes[0].kind == "sphere"]
        frames = [session.act([0.0]) for _ in range(5)]
    assert frames[1].colors == ((lamp, 0, (0.0, 1.0, 0.0, 1.0)),)
    (box,) = frames[1].appeared
    assert box.number in frames[2].moving, "it falls"
    assert frames[3].vanished == (box.number,)
    assert [frame.colors for frame in frames[2:]] == [(), (), ()]


def test_an_episode_ends_and_another_begins_alike() -> None:
    with PlaySession(LIVELY, "r2d2") as session:
        first = session.begin(3)
        frames = [session.act([0.0]) for _ in range(10)]
        assert [frame.terminated for frame in frames] == [False] * 9 + [True]
        assert session.begin(3) == first


def test_a_fault_says_what_and_where_and_ends_the_process(processes: Any) -> None:
    session = PlaySession(lively("self.nothing.at_all()"), "r2d2")
    session.begin(0)
    with pytest.raises(ChildFault, match="AttributeError"):
        session.act(FORWARD)
    assert not processes.is_alive(session.pid)


def test_a_task_for_another_robot_is_refused(easy_source: str) -> None:
    with pytest.raises(ChildFault, match="for the robot r2d2, not for ant"):
        PlaySession(easy_source, "ant")


def test_a_task_that_hangs_is_stopped(processes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "ACT_TIMEOUT_S", 0.5)
    session = PlaySession(lively("while self.count: self.count += 1"), "r2d2")
    session.begin(0)
    with pytest.raises(ChildTimeout):
        session.act(FORWARD)
    assert not processes.is_alive(session.pid)


def test_a_process_that_dies_is_told_from_one_that_hangs(easy_source: str) -> None:
    session = PlaySession(easy_source, "r2d2")
    session.begin(0)
    os.kill(session.pid, signal.SIGKILL)
    with pytest.raises(ChildDied):
        session.act(FORWARD)


SERVER = """
import os, sys, time
from taskwright.sandbox.session import PlaySession
sessions = [PlaySession(sys.argv[1], "r2d2") for _ in range(2)]
for session in sessions:
    session.begin(0)
print(*(session.pid for session in sessions), flush=True)
time.sleep(100)
"""


@pytest.mark.parametrize(
    "end", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_nothing_survives_the_server_that_holds_it(
    processes: Any, easy_source: str, end: signal.Signals
) -> None:
    command = [sys.executable, "-c", SERVER, easy_source]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        pids = [int(pid) for pid in server.stdout.readline().split()]
        assert len(pids) == 2
        started = processes.descendants_of(server.pid)
        assert set(pids) <= started
        server.send_signal(end)
        server.wait(10)
    deadline = time.monotonic() + 10
    while any(processes.is_alive(pid) for pid in {*started, *pids}):
        assert time.monotonic() < deadline, "something lives on"
        time.sleep(0.01)


BALL = Shape("sphere", (0.1, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0), (1.0, 0.0, 0.0, 1.0))
HERE = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
LIES = {
    "a pose of nothing": Frame(moving=(7,), poses=((HERE,),)),
    "a pose too few": Frame(moving=(0,), poses=((),)),
    "a piece twice": Frame(appeared=(Piece(0, False, (BALL,), HERE),)),
    "a mesh that is missing": Frame(
        appeared=(Piece(1, False, (replace(BALL, kind="mesh", mesh=0),), HERE),)
    ),
    "a colour of nothing": Frame(colors=((0, 3, (0.0, 0.0, 0.0, 1.0)),)),
    "the end of nothing": Frame(vanished=(4,)),
    "no number": Frame(moving=(0,), poses=(((float("nan"), *HERE[1:]),),)),
    "no reward": Frame(reward_terms={"luck": float("inf")}),
    "rewards without end": Frame(reward_terms={str(n): 0.0 for n in range(33)}),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_frame_that_does_not_fit_what_was_told_is_found_out(lie: str) -> None:
    stage = Stage()
    assert stage.take(Frame(appeared=(Piece(0, False, (BALL,), HERE),))) == ""
    assert stage.take(Frame(moving=(0,), poses=((HERE,), (HERE,)))) == ""
    assert stage.take(LIES[lie])
