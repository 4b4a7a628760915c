"""`self._p`: no argument reaches PyBullet that crashes it, and each phase allows what it should."""

from __future__ import annotations

import inspect
import math
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pybullet
import pytest

from taskwright.world import ContractError, TaskEnv
from taskwright.world.client.arguments import bundled_model_path
from taskwright.world.client.calls import CALLS, CLIENT_NAMES, Effect
from taskwright.world.client.client import Phase, PhysicsClient
from taskwright.world.client.task_client import MAX_BODIES, MAX_PUSH_N, TaskClient
from taskwright.world.contract import CallError

HINGE = {
    "linkMasses": [1.0],
    "linkCollisionShapeIndices": [-1],
    "linkVisualShapeIndices": [-1],
    "linkPositions": [[0, 0, 1]],
    "linkOrientations": [[0, 0, 0, 1]],
    "linkInertialFramePositions": [[0, 0, 0]],
    "linkInertialFrameOrientations": [[0, 0, 0, 1]],
    "linkParentIndices": [0],
    "linkJointTypes": [pybullet.JOINT_REVOLUTE],
    "linkJointAxis": [[0, 0, 1]],
}


class World:
    """A floor, a box, a hinge, and a body that stands for the robot."""

    def __init__(self) -> None:
        self.client = PhysicsClient()
        shape = self.client.createCollisionShape(pybullet.GEOM_BOX, halfExtents=[0.5] * 3)
        self.robot = self.client.createMultiBody(60.0, shape, -1, [0, 0, 5])
        self.p: Any = TaskClient(self.client, self.robot)
        self.shape = shape
        self.box = self.p.createMultiBody(1.0, shape, -1, [3, 0, 0.5])
        self.hinge = self.p.createMultiBody(0.0, -1, -1, [6, 0, 0.5], **HINGE)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.client.disconnect()


NAN = math.nan
# What would crash, hang or poison PyBullet: most of these end a process that calls it directly.
BAD: dict[str, Callable[[Any, World], Any]] = {
    "angle for angles": lambda p, w: p.getQuaternionFromEuler(0.1),
    "angle for a quaternion": lambda p, w: p.getEulerFromQuaternion(0.1),
    "two angles": lambda p, w: p.getQuaternionFromEuler([0.1, 0.2]),
    "text for angles": lambda p, w: p.getQuaternionFromEuler("abc"),
    "zero quaternion": lambda p, w: p.resetBasePositionAndOrientation(w.box, [0] * 3, [0] * 4),
    "nan place": lambda p, w: p.resetBasePositionAndOrientation(w.box, [NAN, 0, 0], [0, 0, 0, 1]),
    "far place": lambda p, w: p.resetBasePositionAndOrientation(w.box, [1e9, 0, 0], [0, 0, 0, 1]),
    "infinite speed": lambda p, w: p.resetBaseVelocity(w.box, [math.inf, 0, 0]),
    "infinite speed by name": lambda p, w: p.resetBaseVelocity(w.box, angularVelocity=[0, NAN, 0]),
    "infinite mass": lambda p, w: p.changeDynamics(w.box, -1, mass=math.inf),
    "negative mass": lambda p, w: p.createMultiBody(-1.0, w.shape),
    "nan mass": lambda p, w: p.createMultiBody(baseMass=NAN),
    "link of a body without": lambda p, w: p.getDynamicsInfo(w.box, 0),
    "link that is too high": lambda p, w: p.getDynamicsInfo(w.hinge, 500),
    "link by name": lambda p, w: p.getDynamicsInfo(linkIndex=500, bodyUniqueId=w.hinge),
    "force on no link": lambda p, w: p.applyExternalForce(w.box, 500, [1] * 3, [0] * 3, 1),
    "torque on no link": lambda p, w: p.applyExternalTorque(w.box, 5, [1] * 3, 1),
    "scalar force": lambda p, w: p.applyExternalForce(w.box, -1, 1.0, 0.0, 1),
    "unknown frame": lambda p, w: p.applyExternalForce(w.box, -1, [1] * 3, [0] * 3, 7),
    "giant force": lambda p, w: p.applyExternalForce(w.box, -1, [1e12, 0, 0], [0] * 3, 1),
    "joint of a body without": lambda p, w: p.resetJointState(w.box, 0, 0.0),
    "joints of a list": lambda p, w: p.getJointStates(w.hinge, [0, 7]),
    "motors of two lengths": lambda p, w: p.setJointMotorControlArray(
        w.hinge, [0], pybullet.VELOCITY_CONTROL, targetVelocities=[1, 2]
    ),
    "unknown motor": lambda p, w: p.setJointMotorControl2(w.hinge, 0, 77),
    "body that is none": lambda p, w: p.getBasePositionAndOrientation(10**6),
    "body as a list": lambda p, w: p.getBasePositionAndOrientation([w.box]),
    "body that is gone": lambda p, w: (p.removeBody(w.box), p.getBaseVelocity(w.box)),
    "constraint that is none": lambda p, w: p.changeConstraint(77, maxForce=1),
    "gear between two bodies": lambda p, w: p.createConstraint(
        w.box, -1, w.hinge, -1, pybullet.JOINT_GEAR, [0, 0, 1], [0] * 3, [0] * 3
    ),
    "mesh with a missing corner": lambda p, w: p.createCollisionShape(
        p.GEOM_MESH, vertices=[[0, 0, 0], [1, 0, 0], [0, 1, 0]], indices=[0, 1, 9]
    ),
    "mesh with half a triangle": lambda p, w: p.createCollisionShape(
        p.GEOM_MESH, vertices=[[0, 0, 0], [1, 0, 0], [0, 1, 0]], indices=[0, 1]
    ),
    "mesh with a corner below zero": lambda p, w: p.createVisualShape(
        p.GEOM_MESH, vertices=[[0, 0, 0], [1, 0, 0], [0, 1, 0]], indices=[0, 1, -7]
    ),
    "huge mesh": lambda p, w: p.createCollisionShape(p.GEOM_MESH, vertices=[[0, 0, 0]] * 200_000),
    "mesh from a file": lambda p, w: p.createCollisionShape(p.GEOM_MESH, fileName="cube.obj"),
    "mesh without vertices": lambda p, w: p.createCollisionShape(p.GEOM_MESH),
    "field of another size": lambda p, w: p.createCollisionShape(
        p.GEOM_HEIGHTFIELD, heightfieldData=[0.0] * 9, numHeightfieldRows=4, numHeightfieldColumns=4
    ),
    "field of nan": lambda p, w: p.createCollisionShape(
        p.GEOM_HEIGHTFIELD, heightfieldData=[NAN] * 4, numHeightfieldRows=2, numHeightfieldColumns=2
    ),
    "unknown shape": lambda p, w: p.createCollisionShape(77, radius=1.0),
    "negative radius": lambda p, w: p.createCollisionShape(p.GEOM_SPHERE, radius=-1.0),
    "many links": lambda p, w: p.createMultiBody(1.0, linkMasses=[1] * 500),
    "half the lists of links": lambda p, w: p.createMultiBody(1.0, linkMasses=[1]),
    "link that hangs on itself": lambda p, w: p.createMultiBody(
        0.0, **{**HINGE, "linkParentIndices": [1]}
    ),
    "many bodies at once": lambda p, w: p.createMultiBody(
        1.0, w.shape, batchPositions=[[n, 0, 9] for n in range(255)]
    ),
    "maximal coordinates": lambda p, w: p.createMultiBody(1.0, useMaximalCoordinates=1),
    "many rays": lambda p, w: p.rayTestBatch([[0, 0, 9]] * 2000, [[0, 0, 0]] * 2000),
    "rays of two lengths": lambda p, w: p.rayTestBatch([[0, 0, 9]], [[0, 0, 0]] * 5),
    "threads": lambda p, w: p.rayTestBatch([[0, 0, 9]], [[0, 0, 0]], numThreads=8),
    "nan ray": lambda p, w: p.rayTest([NAN] * 3, [0] * 3),
    "other world": lambda p, w: p.getNumBodies(physicsClientId=1),
    "too many values": lambda p, w: p.getNumJoints(w.box, 1, 2),
    "one value twice": lambda p, w: p.getNumJoints(w.box, bodyUniqueId=w.box),
    "texture": lambda p, w: p.changeVisualShape(w.box, -1, textureUniqueId=3),
    "colour as one number": lambda p, w: p.changeVisualShape(w.box, -1, rgbaColor=1.0),
    "model from elsewhere": lambda p, w: p.loadURDF("/etc/passwd"),
    "model up the tree": lambda p, w: p.loadURDF("table/../../x.urdf"),
}


@pytest.mark.parametrize("name", BAD)
def test_refuses_what_pybullet_would_take(name: str, world: World) -> None:
    with pytest.raises(CallError) as refused:
        BAD[name](world.p, world)
    symptom, _, rest = str(refused.value).partition("; it must ")
    expected, _, fix = rest.partition(". ")
    assert re.match(r"`self\._p\.\w+` (was given|would)", symptom)
    assert expected
    assert fix.endswith(".")
    assert refused.value.fix == fix


def test_pybullet_itself_dies_of_some_of_these() -> None:
    """The reason for the looks: should a release of PyBullet mend this, they can go."""
    call = "import pybullet as p; p.connect(p.DIRECT); p.getQuaternionFromEuler(0.1)"
    assert subprocess.run([sys.executable, "-c", call], capture_output=True).returncode < 0


# PyBullet reads this one in two ways and complains about the second.
@pytest.mark.parametrize("name", sorted(CALLS.keys() - {"loadURDF"}))
def test_parameters_stand_where_pybullet_has_them(name: str) -> None:
    """PyBullet names the place of an argument that is given both by place and by name."""
    parameters = CALLS[name].parameters
    fill = {parameter: "" if parameter == "fileName" else 0 for parameter in parameters}
    for place, parameter in enumerate(parameters, 1):
        by_place = list(fill.values())[:place]
        by_name = dict(list(fill.items())[place - 1 :])
        # Motors have a second name for their body, which is what PyBullet then complains about.
        said = rf"'{parameter}'\) and position \({place}\)|'bodyUniqueId' is an invalid keyword"
        with pytest.raises(TypeError, match=said):
            getattr(pybullet, name)(*by_place, **by_name)


def test_takes_numpy_numbers_lists_and_tuples_alike(world: World) -> None:
    for place in ([1, 2, 3], (1.0, 2.0, 3.0), np.array([1, 2, 3]), np.float32([1, 2, 3])):
        world.p.resetBasePositionAndOrientation(np.int64(world.box), place, (0, 0, 0, 1))
        position, _ = world.p.getBasePositionAndOrientation(bodyUniqueId=world.box)
        assert position == (1.0, 2.0, 3.0)


def test_colour_of_three_numbers_is_opaque(world: World) -> None:
    shape = world.p.createVisualShape(world.p.GEOM_SPHERE, radius=1.0, rgbaColor=[1, 0, 0])
    body = world.p.createMultiBody(0.0, -1, shape)
    assert world.p.getVisualShapeData(body)[0][7] == (1.0, 0.0, 0.0, 1.0)


def test_bodies_are_counted_whoever_made_them(world: World) -> None:
    for n in range(MAX_BODIES - len(world.client.links)):
        world.p.createMultiBody(0.0, world.shape, -1, [n, 9, 0])
    with pytest.raises(CallError, match="257 bodies"):
        world.p.createMultiBody(0.0, world.shape)
    world.p.removeBody(world.box)
    world.p.createMultiBody(0.0, world.shape)


def test_knows_bundled_models_and_nothing_else() -> None:
    assert bundled_model_path("plane.urdf")
    assert bundled_model_path("table/table.urdf")
    for name in (
        "",
        "cube.obj",
        "../x.urdf",
        "/plane.urdf",
        "./plane.urdf",
        "a\0.urdf",
        None,
        b"x",
    ):
        assert bundled_model_path(name) is None


# Phases.


def _calls(world: World, body: int) -> dict[str, Callable[[], Any]]:
    """A good call of each kind on a body."""
    p = world.p
    return {
        "resetBasePositionAndOrientation": lambda: p.resetBasePositionAndOrientation(
            body, [0, 0, 2], [0, 0, 0, 1]
        ),
        "resetBaseVelocity": lambda: p.resetBaseVelocity(body, [1, 0, 0]),
        "changeDynamics": lambda: p.changeDynamics(body, -1, lateralFriction=0.1),
        "createConstraint": lambda: p.createConstraint(
            body, -1, world.hinge, -1, p.JOINT_FIXED, [0, 0, 0], [0, 0, 0], [0, 0, 0]
        ),
        "setCollisionFilterGroupMask": lambda: p.setCollisionFilterGroupMask(body, -1, 0, 0),
        "setCollisionFilterPair": lambda: p.setCollisionFilterPair(world.hinge, body, -1, -1, 0),
    }


CHANGES = (
    "createConstraint",
    "resetBasePositionAndOrientation",
    "resetBaseVelocity",
    "setCollisionFilterPair",
)


@pytest.mark.parametrize("name", CHANGES)
def test_robot_may_be_changed_before_the_first_step_only(name: str, world: World) -> None:
    for phase in (Phase.BUILD, Phase.RESET):
        with world.client.during(phase):
            _calls(world, world.robot)[name]()
    for phase in (Phase.STEP, Phase.REWARD):
        with world.client.during(phase):
            _calls(world, world.box)[name]()
            with pytest.raises(CallError, match="on the robot during a step"):
                _calls(world, world.robot)[name]()
    for phase, told in (
        (Phase.SCORE, "termination or success"),
        (Phase.IDLE, "none of the task's"),
    ):
        with world.client.during(phase), pytest.raises(CallError, match=told):
            _calls(world, world.box)[name]()


def test_robot_is_not_dragged_by_its_constraint(world: World) -> None:
    tie = _calls(world, world.robot)["createConstraint"]()
    other = _calls(world, world.box)["createConstraint"]()
    with world.client.during(Phase.STEP):
        world.p.changeConstraint(other, [0, 0, 1])
        with pytest.raises(CallError, match="on the robot during a step"):
            world.p.changeConstraint(tie, [9, 0, 0])
    with pytest.raises(CallError, match="tie the robot to the world"):
        world.p.createConstraint(
            world.robot, -1, -1, -1, pybullet.JOINT_FIXED, [0] * 3, [0] * 3, [0] * 3
        )


@pytest.mark.parametrize(
    "change",
    [
        {"mass": 1.0},
        {"localInertiaDiagonal": [1, 1, 1]},
        {"linearDamping": 20.0},
        {"angularDamping": 20.0},
        {"lateralFriction": 0.1},
        {"anisotropicFriction": [0, 1, 1]},
        {"contactProcessingThreshold": 9.0},
        {"ccdSweptSphereRadius": 0.5},
        {"sleepThreshold": 9.0},
    ],
)
def test_robot_stays_the_robot(change: dict[str, Any], world: World) -> None:
    with pytest.raises(CallError, match="what the robot is"):
        world.p.changeDynamics(world.robot, -1, **change)
    world.p.changeDynamics(world.box, -1, **change)


def test_robot_keeps_its_motors_its_body_and_what_it_bumps_into(world: World) -> None:
    robot = world.hinge
    p: Any = TaskClient(world.client, robot)
    for call in (
        lambda: p.removeBody(robot),
        lambda: p.setCollisionFilterGroupMask(robot, -1, 0, 0),
        lambda: p.setJointMotorControl2(robot, 0, p.VELOCITY_CONTROL, targetVelocity=9.0),
        lambda: p.setJointMotorControlArray(robot, [0], p.TORQUE_CONTROL, forces=[9.0]),
    ):
        with pytest.raises(CallError, match="what the robot is"):
            call()


def test_pushes_of_one_episode_do_not_count_in_the_next(world: World) -> None:
    def push() -> None:
        base = world.p.getBasePositionAndOrientation(world.robot)[0]
        world.p.applyExternalForce(
            world.robot, -1, [0.6 * MAX_PUSH_N, 0, 0], base, world.p.WORLD_FRAME
        )

    push()
    with pytest.raises(CallError, match="600 N"):
        push()
    # Otherwise what was pushed after the last step would tell the next episode of this one.
    world.client.resetSimulation()
    world.client.links[world.robot] = 0
    assert world.client.createMultiBody(1.0) == world.robot
    push()


def test_robot_is_pushed_only_so_hard_in_each_physics_step(world: World) -> None:
    base = world.p.getBasePositionAndOrientation(world.robot)[0]

    def push(force_n: float, at: Any = base) -> None:
        world.p.applyExternalForce(world.robot, -1, [force_n, 0, 0], at, world.p.WORLD_FRAME)

    with world.client.during(Phase.STEP):
        push(0.6 * MAX_PUSH_N)
        with pytest.raises(CallError, match="600 N"):
            push(0.6 * MAX_PUSH_N)
        world.client.stepSimulation()
        push(0.9 * MAX_PUSH_N, world.p.getBasePositionAndOrientation(world.robot)[0])
        world.client.stepSimulation()
        with pytest.raises(CallError, match="N m about its base"):
            push(50.0, [0, 0, 50])
        world.p.applyExternalForce(world.box, -1, [9000, 0, 0], [0, 0, 0], world.p.LINK_FRAME)


@pytest.mark.parametrize("phase", [Phase.SCORE, Phase.IDLE])
def test_scoring_reads_and_paints_and_does_nothing_else(phase: Phase, world: World) -> None:
    with world.client.during(phase):
        world.p.getContactPoints(world.robot, world.box)
        world.p.changeVisualShape(world.box, -1, rgbaColor=[1, 0, 0, 1])
        for call in (
            lambda: world.p.createMultiBody(0.0, world.shape),
            lambda: world.p.applyExternalForce(world.box, -1, [1, 0, 0], [0, 0, 0], 1),
        ):
            with pytest.raises(CallError, match="was called while"):
                call()


def test_reading_calls_are_the_ones_that_pybullet_calls_so() -> None:
    reading = ("get", "calculate", "invert", "multiply", "ray", "rotate")
    for name, call in CALLS.items():
        assert name.startswith(reading) == (call.effect is Effect.READ), name


# Frozen.


def test_client_cannot_be_changed(world: World) -> None:
    with pytest.raises(AttributeError, match="read-only"):
        world.p.getContactPoints = lambda *a: []
    with pytest.raises(AttributeError, match="read-only"):
        del world.p.getContactPoints
    with pytest.raises(AttributeError, match="not available"):
        world.p.stepSimulation()


def test_client_holds_the_listed_names_and_no_state(world: World) -> None:
    assert vars(world.p).keys() == CLIENT_NAMES
    for name, value in vars(world.p).items():
        assert isinstance(value, int | type) or inspect.isfunction(value), name


IDLE_TASK = inspect.cleandoc(
    """
    from taskwright.world import R2D2Env

    class Env(R2D2Env):
        def get_task_rewards(self, action):
            return {}
        def get_terminated(self, action):
            return False
        def get_success(self):
            return False
    """
)


def test_robot_of_a_task_can_be_read_and_not_moved() -> None:
    env = TaskEnv(IDLE_TASK)
    env.reset(seed=0)
    seen: Any = env.env.robot
    for action in ("apply_action", "reset", "mark_start", "load", "_p"):
        assert not hasattr(seen, action)
    for thing in (seen, *seen.links.values()):
        with pytest.raises(AttributeError, match="read-only"):
            thing.robot_id = 7
    with pytest.raises(TypeError):
        seen.links["base"] = None
    env.close()


@pytest.mark.parametrize(
    "name", ["position", "orientation_init", "position_init", "linear_velocity", "start_position"]
)
def test_what_a_task_writes_into_an_array_of_the_robot_is_seen_by_nobody(name: str) -> None:
    env = TaskEnv(IDLE_TASK)
    env.reset(seed=0)
    robot: Any = env.env.robot
    owner = robot if name == "start_position" else robot.links["base"]
    before = getattr(owner, name).tolist()
    with pytest.raises(ValueError, match="read-only"):
        getattr(owner, name)[0] = 5.0
    # These two get round the mark.
    np.add.at(getattr(owner, name), 0, 5.0)
    array = getattr(owner, name)
    array.flags["WRITEABLE"] = True
    array[:] = 5.0
    assert getattr(owner, name).tolist() == before
    env.reset(seed=0)
    robot = env.env.robot
    owner = robot if name == "start_position" else robot.links["base"]
    assert getattr(owner, name).tolist() == before
    env.close()


class _Yes:
    """Claims to be within any bounds."""

    def __le__(self, other: Any) -> bool:
        return True

    __ge__ = __lt__ = __gt__ = __le__


@pytest.mark.parametrize("value", [_Yes(), "1", None, [1.0], 1j])
def test_what_is_no_number_is_none_to_pybullet_either(value: Any, world: World) -> None:
    p, body = world.p, world.box
    before = world.client.getNumBodies()
    for call in (
        lambda: p.createMultiBody(0.0, world.shape, -1, [value, 0.0, 1.0]),
        lambda: p.createMultiBody(0.0, world.shape, -1, [0, 0, 1], [value, 0.0, 0.0, 1.0]),
        lambda: p.resetBasePositionAndOrientation(body, [0, 0, value], [0, 0, 0, 1]),
        lambda: p.resetBaseVelocity(body, [value, 0, 0]),
        lambda: p.createCollisionShape(p.GEOM_BOX, halfExtents=[value, 1, 1]),
        lambda: p.applyExternalForce(body, -1, [value, 0, 0], [0, 0, 0], p.LINK_FRAME),
    ):
        with pytest.raises(CallError):
            call()
    assert world.client.getNumBodies() == before == len(world.client.links)


def test_bodies_made_by_a_call_that_raised_all_the_same_are_booked(world: World) -> None:
    client = world.client
    before = set(client.links)

    # As PyBullet does with some arguments: it acts, and then finds fault with them.
    making = pybullet.createMultiBody

    def makes_and_raises(*arguments: Any, **keywords: Any) -> Any:
        making(*arguments, **keywords)
        raise SystemError("result with an exception set")

    wrapped = client._counting_edits("createMultiBody", makes_and_raises)
    client.replaced.clear()
    with pytest.raises(SystemError):
        wrapped(1.0, world.shape, physicsClientId=client.client_id)
    places = [[9, 9, 9], [8, 8, 8]]
    with pytest.raises(SystemError):
        wrapped(1.0, world.shape, batchPositions=places, physicsClientId=client.client_id)
    assert len(client.links) == len(before) + 3
    assert client.replaced == set(client.links) - before


def test_shapes_do_not_tell_where_their_files_lie(world: World) -> None:
    model = world.p.loadURDF("duck_vhacd.urdf", [3, 3, 3])
    told = [*world.p.getVisualShapeData(model), *world.p.getCollisionShapeData(model, -1)]
    files = [shape[4] for shape in told]
    assert any(file.endswith(b".obj") for file in files)
    assert not any(b"/" in file for file in files)
    client = world.client
    plain = [*client.getVisualShapeData(model), *client.getCollisionShapeData(model, -1)]
    assert any(b"/" in shape[4] for shape in plain)
    assert [(*s[:4], *s[5:]) for s in told] == [(*s[:4], *s[5:]) for s in plain]


def test_step_that_does_not_advance_the_world_breaks_the_contract() -> None:
    source = inspect.cleandoc(
        """
        from taskwright.world import R2D2Env

        class Env(R2D2Env):
            def step(self, action):
                return None, 0.0, False, False, {"reward_terms": {}}
            def get_success(self):
                return False
        """
    )
    env = TaskEnv(source)
    env.reset(seed=0)
    with pytest.raises(ContractError, match="advanced the world 0 times"):
        env.step(0)
    env.close()
