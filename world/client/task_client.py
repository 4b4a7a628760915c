"""`self._p`: PyBullet as a task sees it.

It holds the calls in `calls` and nothing else, bound to one world. Each looks at what it is given
and at whose turn it is, and then calls PyBullet with what it has looked at. The closures keep the
trusted client to themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..contract import CallError, UnavailableError, describe
from ..frozen import Frozen
from .arguments import RELATED, Bad, Values, body, body_or_none
from .bullet import pybullet
from .calls import CALLS, CONSTANTS, Call, Effect
from .client import Phase, PhysicsClient

MAX_BODIES = 256
MAX_PUSH_N = 500.0
"""What all forces on the robot may add up to in one physics step: wind, a conveyor, a magnet. It
speeds the robot up by 0.14 m/s in that step, less than driving does."""
MAX_TWIST_N_M = 250.0
"""The same for torques about its base."""

_ADDING = frozenset({"createMultiBody", "loadURDF"})
BODIES_OF = {
    name: [key for key, check in call.parameters.items() if check in (body, body_or_none)]
    for name, call in CALLS.items()
}
"""The parameters of each call that name a body."""
_ALLOWED_ON_ROBOT = frozenset(
    """
    changeConstraint createConstraint enableJointForceTorqueSensor removeConstraint
    resetBasePositionAndOrientation resetBaseVelocity resetJointState setCollisionFilterPair
    """.split()
)
"""What a task may change of the robot before an episode's first step: where it is, how fast it is,
and what it is tied to or passes through. All else would make it another robot than the one whose
policies are kept."""


class TaskClient(Frozen):
    """The PyBullet calls that a task may make, in the world of one client and one robot."""

    def __init__(self, client: PhysicsClient, robot_id: int) -> None:
        rules = _Rules(client, robot_id)
        calls = {name: _bind(name, call, client, rules) for name, call in CALLS.items()}
        vars(self).update(CONSTANTS, **calls, error=pybullet.error)

    def __getattr__(self, name: str) -> Any:
        raise UnavailableError(
            f"self._p.{name}",
            "Use the calls for bodies, shapes, contacts and rotations that docs/interface.md "
            "leads to; settings, files, pictures and steps of the world are not a task's.",
        )

    def __repr__(self) -> str:
        return "self._p"


def task_client(client: PhysicsClient, robot_id: int) -> TaskClient:
    """The calls that a task may make in a world; the same object in all of its episodes, since
    binding them all takes as long as many steps."""
    if robot_id not in client.for_tasks:
        client.for_tasks[robot_id] = TaskClient(client, robot_id)
    made: TaskClient = client.for_tasks[robot_id]
    return made


def _bind(name: str, call: Call, client: PhysicsClient, rules: _Rules) -> Callable[..., Any]:
    """A call that cleans its arguments, asks the rules where it changes anything, and is made.

    Most calls give a few arguments by position, and each can be looked at on its own. They take the
    short way, which costs what `pybullet_utils`' client costs (see benchmarks/facade_cost.py).
    """
    raw = _without_folders(name, getattr(client, name))
    parameters = call.parameters
    names, checks = tuple(parameters), tuple(parameters.values())
    rule = rules.of(name, call)
    # The arguments before the first one that has to be looked at together with others.
    alone = next((n for n, check in enumerate(checks) if check in RELATED), len(checks))
    look, strict = call.look, name in rules.strict
    if look or strict:
        alone = -1
    step, unrelated = Phase.STEP, Values()

    def checked(*arguments: Any, **keywords: Any) -> Any:
        if keywords or len(arguments) > alone:
            return by_name(arguments, keywords)
        try:
            cleaned = [
                check(value, client, unrelated)
                for check, value in zip(checks, arguments, strict=False)
            ]
        except Bad:
            return by_name(arguments, keywords)
        if rule and client.phase >= step:
            rule(name, dict(zip(names, cleaned, strict=False)))
        return raw(*cleaned)

    def by_name(arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        values = dict(zip(names, arguments, strict=False)) if arguments else {}
        values.update(keywords)
        if len(values) < len(arguments) + len(keywords):
            raise _misplaced(name, names, arguments, keywords)
        parameter = ""
        try:
            for parameter, value in values.items():
                check = parameters.get(parameter)
                if check is None:
                    raise _misplaced(name, names, arguments, keywords)
                values[parameter] = check(value, client, values)
            parameter = ""
            if look:
                look(values)
        except Bad as bad:
            given = f"{parameter} = {describe(values[parameter])}" if parameter else _UNFIT
            raise CallError(
                name, f"was given {given}", f"be given {bad.expected}", bad.instead
            ) from None
        if rule and (strict or client.phase >= step):
            rule(name, values)
        return raw(**values)

    return checked


_UNFIT = "arguments that do not fit together"

_TELLING_FILES = frozenset({"getCollisionShapeData", "getVisualShapeData"})
_FILE = 4
"""The place of a shape's file in what these calls tell of it."""


def _without_folders(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """Where the file of a shape lies on this machine is not a task's business."""
    if name not in _TELLING_FILES:
        return call

    def without_folders(*arguments: Any, **keywords: Any) -> Any:
        return tuple(
            (*shape[:_FILE], shape[_FILE].rpartition(b"/")[2], *shape[_FILE + 1 :])
            for shape in call(*arguments, **keywords)
        )

    return without_folders


def _misplaced(
    name: str, names: tuple[str, ...], arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> CallError:
    """Too many arguments, one given twice, or one that tasks cannot give."""
    placed = names[: len(arguments)]
    wrong = [keyword for keyword in keywords if keyword in placed or keyword not in names]
    problem = f"was given `{wrong[0]}`" if wrong else f"was given {len(arguments)} values"
    known = ", ".join(names) or "nothing"
    return CallError(
        name, problem, f"be given each of these once at most: {known}", "Leave the rest away."
    )


def changed_in_step(call: str) -> CallError:
    """What is said where a call would change the robot once an episode has begun."""
    return CallError(
        call,
        "was called on the robot during a step",
        "leave the robot to its actions once an episode has begun",
        "Do it in `reset`, move other bodies instead, or push the robot with applyExternalForce by "
        f"at most {MAX_PUSH_N:g} N.",
    )


def called_in_score(call: str) -> CallError:
    """What is said where a call would change the world while it is judged."""
    return CallError(
        call,
        "was called while termination or success is computed",
        "leave the world as it is there",
        "Change the world in `step` or in `get_task_rewards`.",
    )


class _Rules:
    """What a task may do to the world, by phase."""

    strict = frozenset(
        """
        applyExternalForce applyExternalTorque changeConstraint changeDynamics createConstraint
        createMultiBody loadURDF removeBody removeConstraint setCollisionFilterGroupMask
        setJointMotorControl2 setJointMotorControlArray
        """.split()
    )
    """Calls that have a rule before the first step too."""

    def __init__(self, client: PhysicsClient, robot_id: int) -> None:
        self._client = client
        self._robot_id = robot_id
        self._pushed_at = (-1, -1)
        self._push_n = self._twist_n_m = 0.0

    def of(self, name: str, call: Call) -> Callable[[str, Values], None] | None:
        """What has to be asked before a call is made; None where it may always be."""
        if call.effect is Effect.BUILD:
            return self.build
        if call.effect is Effect.PUSH:
            return self.push
        return self.change if call.effect is Effect.CHANGE else None

    def build(self, name: str, values: Values) -> None:
        self._not_while_scoring(name)
        if name in _ADDING:
            count = len(self._client.links) + len(values.get("batchPositions", "1"))
            if count > MAX_BODIES:
                raise CallError(
                    name,
                    f"would bring the world to {count} bodies",
                    f"leave it at {MAX_BODIES} at most",
                    "Use fewer and larger bodies, and move those that are there in `reset`.",
                )

    def change(self, name: str, values: Values) -> None:
        self._not_while_scoring(name)
        if self._robot_id not in self._bodies(name, values):
            return
        if self._client.phase >= Phase.STEP:
            raise changed_in_step(name)
        if name not in _ALLOWED_ON_ROBOT:
            raise CallError(
                name,
                "would change what the robot is",
                "leave the robot's body as it is in every task",
                "Change the masses, frictions, motors and shapes of other bodies.",
            )
        if name == "createConstraint" and values.get("childBodyUniqueId") == -1:
            raise CallError(
                name,
                "would tie the robot to the world",
                "leave the robot free to move",
                "Tie the robot to a body that can move, or leave the constraint away.",
            )

    def push(self, name: str, values: Values) -> None:
        self._not_while_scoring(name)
        if values.get("objectUniqueId") != self._robot_id:
            return
        # A new world begins without the pushes that the one before has had since its last step.
        moment = self._client.worlds, self._client.steps
        if self._pushed_at != moment:
            self._pushed_at = moment
            self._push_n = self._twist_n_m = 0.0
        if len(values) < len(CALLS[name].parameters):
            pass  # PyBullet says what is missing.
        elif name == "applyExternalForce":
            force_n = math.hypot(*values["forceObj"])
            lever = values["posObj"]
            if values["flags"] == pybullet.WORLD_FRAME:
                base = self._client.getBasePositionAndOrientation(self._robot_id)[0]
                lever = [at - middle for at, middle in zip(lever, base, strict=True)]
            self._push_n += force_n
            self._twist_n_m += force_n * math.hypot(*lever)
        else:
            self._twist_n_m += math.hypot(*values["torqueObj"])
        if self._push_n > MAX_PUSH_N or self._twist_n_m > MAX_TWIST_N_M:
            raise CallError(
                name,
                f"brings what pushes the robot in this physics step to {self._push_n:.4g} N and "
                f"{self._twist_n_m:.4g} N m about its base",
                f"stay within {MAX_PUSH_N:g} N and {MAX_TWIST_N_M:g} N m",
                'Push less, at self.robot.links["base"].position in self._p.WORLD_FRAME.',
            )

    def _bodies(self, name: str, values: Values) -> list[int]:
        """The bodies that a call changes."""
        if "userConstraintUniqueId" in values:
            tied = self._client.getConstraintInfo(values["userConstraintUniqueId"])
            return [tied[0], tied[2]]
        return [values[parameter] for parameter in BODIES_OF[name] if parameter in values]

    def _not_while_scoring(self, name: str) -> None:
        if self._client.phase is Phase.IDLE:
            raise CallError(
                name,
                "was called while none of the task's methods was at work",
                "be called in one of them",
                "From outside, use the `client` of the `TaskEnv`.",
            )
        if self._client.phase is Phase.SCORE:
            raise called_in_score(name)
