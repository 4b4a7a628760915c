"""A PyBullet client bound to one physics world.

Task code sees it as `self._p`: every function of the `pybullet` module with `physicsClientId`
filled in, and every constant (`self._p.GEOM_BOX`). Bound functions are made once and kept, because
looking them up again at each call costs more than most of the calls themselves.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pybullet

# Calls after which cached states of bodies are stale.
_MOVING = ("resetBasePositionAndOrientation", "resetBaseVelocity", "resetJointState")
# Calls after which the cached list of bodies, their shapes, masses and colours is stale.
_EDITING = (
    "createMultiBody",
    "removeBody",
    "loadURDF",
    "loadMJCF",
    "changeDynamics",
    "changeVisualShape",
    "resetSimulation",
)


class PhysicsClient:
    """One DIRECT connection to PyBullet.

    `motion` grows whenever a body may have moved and `edits` whenever a body appeared, vanished or
    changed its looks or mass, so that others can cache what they read. `placed` holds the bodies
    that were put somewhere by hand, the only way a fixed body moves, until a reader clears it.
    `steps` counts physics steps.
    """

    def __init__(self) -> None:
        self.client_id: int = pybullet.connect(pybullet.DIRECT)
        self.steps = 0
        self.motion = 0
        self.edits = 0
        self.placed: set[int] = set()

    def __getattr__(self, name: str) -> Any:
        """Bind a PyBullet name on first use; later uses find it on the instance."""
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(pybullet, name)
        if callable(value):
            value = functools.partial(value, physicsClientId=self.client_id)
            if name == "stepSimulation":
                value = self._counting_steps(value)
            elif name in _MOVING:
                value = self._noting_body(value)
            elif name in _EDITING:
                value = self._counting_edits(value)
        setattr(self, name, value)
        return value

    def _counting_steps(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper() -> None:
            self.steps += 1
            self.motion += 1
            call()

        return wrapper

    def _noting_body(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*arguments: Any, **keywords: Any) -> None:
            self.motion += 1
            body = arguments[0] if arguments else keywords.get("bodyUniqueId")
            self.placed.add(keywords["objectUniqueId"] if body is None else body)
            call(*arguments, **keywords)

        return wrapper

    def _counting_edits(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*arguments: Any, **keywords: Any) -> Any:
            self.motion += 1
            self.edits += 1
            return call(*arguments, **keywords)

        return wrapper

    def disconnect(self) -> None:
        """Give the world's memory back. Calling it twice is harmless."""
        if self.client_id >= 0:
            pybullet.disconnect(physicsClientId=self.client_id)
            self.client_id = -1
