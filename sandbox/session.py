"""An episode that a person plays in a sandboxed process, as seen by the server that shows it.

Imports neither PyBullet nor numpy: a server that shows archives can hold one.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from typing import Any, TypeVar

from ..task import Noun, Robot, from_json
from .live import Frame, Stage, Walkthrough
from .processes.channel import ChildProtocolError, fault_in, plain_text
from .processes.memory import shared_memory
from .processes.process import Child

LOAD_TIMEOUT_S = 30.0
BEGIN_TIMEOUT_S = 20.0
ACT_TIMEOUT_S = 5.0
"""The timeout of one action, which typically takes 6 ms; a player would not wait longer."""
WALK_TIMEOUT_S = 120.0
ROOM_BYTES = 16_000_000
"""The memory for one answer. Pages that are never written take no memory."""

N = TypeVar("N", bound=Noun)


class PlaySession:
    """One task, played by hand. Use as a context manager, or call `close`.

    `begin` an episode, then `act`. Methods raise ChildFault where the task's code fails or does not
    come to an end, and BrokenError where our machinery does; then the process is gone.
    """

    def __init__(self, source: str, robot: Robot) -> None:
        with shared_memory(ROOM_BYTES) as (descriptor, memory):
            self._memory: mmap.mmap = memory
            self._child = Child([descriptor])
        self._stage = Stage()
        try:
            message = {"op": "play", "source": source, "robot": robot}
            answer = self._child.request(message, LOAD_TIMEOUT_S)
            if answer:
                raise fault_in(answer)
        except BaseException:
            self.close()
            raise

    def begin(self, seed: int) -> Frame:
        """Begin an episode as `TaskEnv.reset(seed=seed)` does; whatever went on before is over."""
        self._stage = Stage()
        return self._frame({"op": "play_begin", "seed": seed}, BEGIN_TIMEOUT_S)

    def act(self, action: Sequence[float]) -> Frame:
        """One action of the robot, for as many physics steps as agents' actions last; a discrete
        action is one number."""
        return self._frame({"op": "play_act", "action": list(action)}, ACT_TIMEOUT_S)

    def _frame(self, message: dict[str, Any], timeout_s: float) -> Frame:
        try:
            frame = _answer(self._child, self._memory, message, timeout_s, Frame)
            if problem := self._stage.take(frame):
                raise ChildProtocolError(problem)
        except BaseException:
            self.close()
            raise
        return frame

    def close(self) -> None:
        """End the process and all it started. Calling it twice is harmless."""
        self._child.close()

    @property
    def pid(self) -> int:
        return self._child.pid

    def __enter__(self) -> PlaySession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def walk_through(
    source: str, seed: int, actions: Sequence[Sequence[float]], action_repeat: int
) -> Walkthrough:
    """Go through an episode again in a fresh process: what it shows is what a trainer would see.

    Raises ChildFault where the task's code fails, BrokenError where our machinery does.
    """
    message = {
        "op": "walk_through",
        "source": source,
        "seed": seed,
        "actions": [list(action) for action in actions],
        "action_repeat": action_repeat,
    }
    with shared_memory(ROOM_BYTES) as (descriptor, memory), Child([descriptor]) as child:
        walked = _answer(child, memory, message, WALK_TIMEOUT_S, Walkthrough)
    if len(walked.observations) != len(walked.rewards) + 1 or len(walked.rewards) > len(actions):
        raise ChildProtocolError("an episode of another length")
    return walked


def _answer(
    child: Child, memory: mmap.mmap, message: dict[str, Any], timeout_s: float, kind: type[N]
) -> N:
    """The noun that a child has written into the shared memory in answer to a message."""
    answer = child.request(message, timeout_s)
    count = answer.get("bytes")
    if answer.keys() != {"bytes"} or type(count) is not int or not 0 < count <= len(memory):
        raise fault_in(answer)
    try:
        # A copy: the child could change the memory while it is read.
        return from_json(kind, memory[:count])
    except ValueError as error:
        raise ChildProtocolError(plain_text(str(error)[:200])) from None
