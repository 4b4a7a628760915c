"""The PyBullet calls that tasks may use, with what each may be given and what it does.

The parameters stand in PyBullet's own order (`tests/world/client/test_task_client.py` compares
it), since calls may give them by position. To offer one more call, add its line and say there what
it may do to the world.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from .arguments import (
    MAX_DISTANCE_M,
    MAX_FORCE_N,
    MAX_INDICES,
    MAX_LINKS,
    MAX_MASS_KG,
    MAX_RAYS,
    MAX_SPEED,
    MAX_VERTICES,
    Argument,
    Bad,
    Values,
    body,
    body_or_none,
    bundled_model,
    color,
    constraint,
    heights,
    integer,
    joint_of,
    link_of,
    list_of,
    nothing,
    number,
    one_of,
    quaternion,
    rgb,
    shape,
    vector,
)
from .bullet import pybullet


class Effect(enum.Enum):
    """What a call does, which decides when a task may make it."""

    READ = "reads the world"
    """At any time."""
    PAINT = "changes how a body looks"
    """At any time: nothing moves by it, and a lamp may well be lit where its reason is computed."""
    BUILD = "adds to the world"
    """Not while scoring."""
    CHANGE = "changes a body"
    """Not while scoring, and not to the robot during a step."""
    PUSH = "pushes a body"
    """Not while scoring, and the robot only so hard."""


@dataclass(frozen=True)
class Call:
    effect: Effect
    parameters: dict[str, Argument]
    look: Callable[[Values], None] | None = None
    """Looks at all values of a call together; raises `Bad`."""


def _same_length(names: str) -> Callable[[Values], None]:
    """These lists belong together, one item for each link or joint."""

    def look(values: Values) -> None:
        lengths = {name: len(values[name]) for name in names.split() if name in values}
        if len(set(lengths.values())) > 1:
            found = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise Bad(f"lists of one length (they have: {found})", "Give one item for each.")

    return look


_LINK_LISTS = (
    "linkMasses linkCollisionShapeIndices linkVisualShapeIndices linkPositions linkOrientations "
    "linkInertialFramePositions linkInertialFrameOrientations linkParentIndices linkJointTypes "
    "linkJointAxis"
)


def _look_at_body(values: Values) -> None:
    _same_length(_LINK_LISTS)(values)
    given = [name for name in _LINK_LISTS.split() if name in values]
    if given and len(given) < len(_LINK_LISTS.split()):
        missing = next(name for name in _LINK_LISTS.split() if name not in values)
        raise Bad(f"all ten lists about links ({missing} is missing)", "Give them all or none.")
    # Link n is attached to the base (0) or to an earlier link (its number counted from 1).
    for link, parent in enumerate(values.get("linkParentIndices", ())):
        if parent > link:
            raise Bad(
                f"links that hang on earlier ones (link {link} hangs on {parent})",
                "Use 0 for the base and n for the link before.",
            )


def _look_at_mesh(values: Values) -> None:
    indices = values.get("indices", ())
    count = len(values.get("vertices", ()))
    if len(indices) % 3 or any(index >= count for index in indices):
        raise Bad(
            f"three indices for each triangle, each below the number of vertices ({count})",
            "Count vertices from 0.",
        )
    normals = values.get("normals")
    if normals is not None and len(normals) != count:
        raise Bad(f"one normal for each of the {count} vertices", "Leave normals away.")
    if values["shapeType"] == pybullet.GEOM_MESH and not count:
        raise Bad("vertices for a mesh", "Give vertices=[[x, y, z], ...]; tasks have no files.")
    if values["shapeType"] == pybullet.GEOM_HEIGHTFIELD:
        rows, columns = (values.get(f"numHeightfield{of}", 0) for of in ("Rows", "Columns"))
        if len(values.get("heightfieldData", ())) != rows * columns or not rows:
            raise Bad(
                "heightfieldData of numHeightfieldRows x numHeightfieldColumns heights",
                "Flatten the grid: heightfieldData=grid.reshape(-1).",
            )


_position = vector(MAX_DISTANCE_M)
_velocity = vector(MAX_SPEED, "m/s or rad/s")
_half_extents = vector(MAX_DISTANCE_M, "m", low=0.0)
_angles = vector(1e4, "rad")
_any_axis = vector(1e6, "any length")
_force = vector(MAX_FORCE_N, "N or N m")
_mass = number(0.0, MAX_MASS_KG, "a mass (kg)")
_length = number(0.0, MAX_DISTANCE_M, "a length (m)")
_switch = integer(0, 1, "0 or 1,")
_amount = number(0.0, 1e6)
_joint_value = number(-1e4, 1e4)
_gain = number(0.0, 1e4)
_effort = number(0.0, MAX_FORCE_N, "a force (N or N m)")
_frame = one_of("LINK_FRAME WORLD_FRAME")
_motor = one_of("POSITION_CONTROL VELOCITY_CONTROL TORQUE_CONTROL PD_CONTROL")
_mask = integer(-(2**31), 2**31 - 1)


def _per_link(argument: Argument, what: str) -> Argument:
    return list_of(argument, MAX_LINKS, what)


_collision_shape, _visual_shape = shape("createCollisionShape"), shape("createVisualShape")
_SHAPES = "GEOM_BOX GEOM_SPHERE GEOM_CYLINDER GEOM_CAPSULE GEOM_PLANE GEOM_MESH"
_vertices = list_of(vector(MAX_DISTANCE_M), MAX_VERTICES, "vertices [x, y, z]")
_indices = list_of(integer(0, MAX_VERTICES), MAX_INDICES, "indices")
_rays = list_of(_position, MAX_RAYS, "positions [x, y, z]")


def _reads(**parameters: Argument) -> Call:
    return Call(Effect.READ, parameters)


def _changes(**parameters: Argument) -> Call:
    return Call(Effect.CHANGE, parameters)


CALLS: dict[str, Call] = {
    # Bodies and shapes.
    "createCollisionShape": Call(
        Effect.BUILD,
        {
            "shapeType": one_of(f"{_SHAPES} GEOM_HEIGHTFIELD"),
            "radius": _length,
            "halfExtents": _half_extents,
            "height": _length,
            "fileName": nothing,
            "meshScale": vector(1e4),
            "planeNormal": _any_axis,
            "flags": integer(0, 3, "flags"),
            "collisionFramePosition": _position,
            "collisionFrameOrientation": quaternion,
            "vertices": _vertices,
            "indices": _indices,
            "heightfieldTextureScaling": _amount,
            "heightfieldData": heights,
            "numHeightfieldRows": integer(2, 1024, "a number of rows"),
            "numHeightfieldColumns": integer(2, 1024, "a number of columns"),
            "replaceHeightfieldIndex": nothing,
        },
        _look_at_mesh,
    ),
    "createVisualShape": Call(
        Effect.BUILD,
        {
            "shapeType": one_of(_SHAPES),
            "radius": _length,
            "halfExtents": _half_extents,
            "length": _length,
            "fileName": nothing,
            "meshScale": vector(1e4),
            "planeNormal": _any_axis,
            "flags": integer(0, 3, "flags"),
            "rgbaColor": color,
            "specularColor": rgb,
            "visualFramePosition": _position,
            "visualFrameOrientation": quaternion,
            "vertices": _vertices,
            "indices": _indices,
            "normals": _vertices,
            "uvs": nothing,
        },
        _look_at_mesh,
    ),
    "createMultiBody": Call(
        Effect.BUILD,
        {
            "baseMass": _mass,
            "baseCollisionShapeIndex": _collision_shape,
            "baseVisualShapeIndex": _visual_shape,
            "basePosition": _position,
            "baseOrientation": quaternion,
            "baseInertialFramePosition": _position,
            "baseInertialFrameOrientation": quaternion,
            "linkMasses": _per_link(_mass, "masses"),
            "linkCollisionShapeIndices": _per_link(_collision_shape, "shapes"),
            "linkVisualShapeIndices": _per_link(_visual_shape, "shapes"),
            "linkPositions": _per_link(_position, "positions"),
            "linkOrientations": _per_link(quaternion, "quaternions"),
            "linkInertialFramePositions": _per_link(_position, "positions"),
            "linkInertialFrameOrientations": _per_link(quaternion, "quaternions"),
            "linkParentIndices": _per_link(integer(0, MAX_LINKS), "links"),
            "linkJointTypes": _per_link(
                one_of("JOINT_REVOLUTE JOINT_PRISMATIC JOINT_FIXED JOINT_SPHERICAL"), "joint types"
            ),
            "linkJointAxis": _per_link(_any_axis, "axes"),
            "useMaximalCoordinates": nothing,
            "flags": nothing,
            "batchPositions": list_of(_position, 256, "positions"),
        },
        _look_at_body,
    ),
    "loadURDF": Call(
        Effect.BUILD,
        {
            "fileName": bundled_model,
            "basePosition": _position,
            "baseOrientation": quaternion,
            "useMaximalCoordinates": nothing,
            "useFixedBase": _switch,
            "flags": nothing,
            "globalScaling": number(0.01, 100.0, "a scale"),
        },
    ),
    "removeBody": _changes(bodyUniqueId=body),
    "changeVisualShape": Call(
        Effect.PAINT,
        {
            "objectUniqueId": body,
            "linkIndex": link_of("objectUniqueId"),
            "shapeIndex": integer(-1, MAX_LINKS, "a shape's number"),
            "textureUniqueId": nothing,
            "rgbaColor": color,
            "specularColor": rgb,
            "flags": nothing,
        },
    ),
    "changeDynamics": _changes(
        bodyUniqueId=body,
        linkIndex=link_of("bodyUniqueId"),
        mass=_mass,
        lateralFriction=_amount,
        spinningFriction=_amount,
        rollingFriction=_amount,
        restitution=number(0.0, 10.0),
        linearDamping=_amount,
        angularDamping=_amount,
        # -1 is PyBullet's own value for "rigid".
        contactStiffness=number(-1.0, 1e9),
        contactDamping=number(-1.0, 1e9),
        frictionAnchor=_switch,
        localInertiaDiagonal=vector(1e9, "kg m²", low=0.0),
        ccdSweptSphereRadius=_length,
        contactProcessingThreshold=_amount,
        activationState=integer(0, 63, "an activation state"),
        jointDamping=_amount,
        anisotropicFriction=vector(1e6, "factors", low=0.0),
        maxJointVelocity=_amount,
        collisionMargin=number(0.0, 1.0, "a margin (m)"),
        jointLowerLimit=_joint_value,
        jointUpperLimit=_joint_value,
        jointLimitForce=_effort,
        sleepThreshold=_amount,
    ),
    "setCollisionFilterGroupMask": _changes(
        bodyUniqueId=body,
        linkIndexA=link_of("bodyUniqueId"),
        collisionFilterGroup=_mask,
        collisionFilterMask=_mask,
    ),
    "setCollisionFilterPair": _changes(
        bodyUniqueIdA=body,
        bodyUniqueIdB=body,
        linkIndexA=link_of("bodyUniqueIdA"),
        linkIndexB=link_of("bodyUniqueIdB"),
        enableCollision=_switch,
    ),
    # Motion.
    "resetBasePositionAndOrientation": _changes(
        bodyUniqueId=body, posObj=_position, ornObj=quaternion
    ),
    "resetBaseVelocity": _changes(
        objectUniqueId=body, linearVelocity=_velocity, angularVelocity=_velocity
    ),
    "resetJointState": _changes(
        bodyUniqueId=body,
        jointIndex=joint_of("bodyUniqueId"),
        targetValue=_joint_value,
        targetVelocity=_joint_value,
    ),
    "setJointMotorControl2": _changes(
        bodyUniqueId=body,
        jointIndex=joint_of("bodyUniqueId"),
        controlMode=_motor,
        targetPosition=_joint_value,
        targetVelocity=_joint_value,
        force=_effort,
        positionGain=_gain,
        velocityGain=_gain,
        maxVelocity=_amount,
    ),
    "setJointMotorControlArray": Call(
        Effect.CHANGE,
        {
            "bodyUniqueId": body,
            "jointIndices": _per_link(joint_of("bodyUniqueId"), "joints"),
            "controlMode": _motor,
            "targetPositions": _per_link(_joint_value, "positions"),
            "targetVelocities": _per_link(_joint_value, "velocities"),
            "forces": _per_link(_effort, "forces"),
            "positionGains": _per_link(_gain, "gains"),
            "velocityGains": _per_link(_gain, "gains"),
        },
        _same_length(
            "jointIndices targetPositions targetVelocities forces positionGains velocityGains"
        ),
    ),
    "applyExternalForce": Call(
        Effect.PUSH,
        {
            "objectUniqueId": body,
            "linkIndex": link_of("objectUniqueId"),
            "forceObj": _force,
            "posObj": _position,
            "flags": _frame,
        },
    ),
    "applyExternalTorque": Call(
        Effect.PUSH,
        {
            "objectUniqueId": body,
            "linkIndex": link_of("objectUniqueId"),
            "torqueObj": _force,
            "flags": _frame,
        },
    ),
    # Gears are left out: PyBullet crashes on one between two bodies.
    "createConstraint": _changes(
        parentBodyUniqueId=body,
        parentLinkIndex=link_of("parentBodyUniqueId"),
        childBodyUniqueId=body_or_none,
        childLinkIndex=link_of("childBodyUniqueId"),
        jointType=one_of("JOINT_FIXED JOINT_POINT2POINT JOINT_PRISMATIC"),
        jointAxis=_any_axis,
        parentFramePosition=_position,
        childFramePosition=_position,
        parentFrameOrientation=quaternion,
        childFrameOrientation=quaternion,
    ),
    "changeConstraint": _changes(
        userConstraintUniqueId=constraint,
        jointChildPivot=_position,
        jointChildFrameOrientation=quaternion,
        maxForce=_effort,
        gearRatio=nothing,
        gearAuxLink=nothing,
        relativePositionTarget=_joint_value,
        erp=number(0.0, 1.0),
    ),
    "removeConstraint": _changes(userConstraintUniqueId=constraint),
    # The state of the world.
    "getAABB": _reads(bodyUniqueId=body, linkIndex=link_of("bodyUniqueId")),
    "getBasePositionAndOrientation": _reads(bodyUniqueId=body),
    "getBaseVelocity": _reads(bodyUniqueId=body),
    "getBodyInfo": _reads(bodyUniqueId=body),
    "getBodyUniqueId": _reads(serialIndex=integer(0, 10**6, "a body's number")),
    "getClosestPoints": _reads(
        bodyA=body,
        bodyB=body,
        distance=_length,
        linkIndexA=link_of("bodyA"),
        linkIndexB=link_of("bodyB"),
    ),
    "getCollisionShapeData": _reads(objectUniqueId=body, linkIndex=link_of("objectUniqueId")),
    "getConstraintInfo": _reads(constraintUniqueId=constraint),
    "getConstraintState": _reads(constraintUniqueId=constraint),
    "getContactPoints": _reads(
        bodyA=body_or_none,
        bodyB=body_or_none,
        linkIndexA=link_of("bodyA", least=-2),
        linkIndexB=link_of("bodyB", least=-2),
    ),
    "getDynamicsInfo": _reads(bodyUniqueId=body, linkIndex=link_of("bodyUniqueId")),
    "getJointInfo": _reads(bodyUniqueId=body, jointIndex=joint_of("bodyUniqueId")),
    "getJointState": _reads(bodyUniqueId=body, jointIndex=joint_of("bodyUniqueId")),
    "getJointStateMultiDof": _reads(bodyUniqueId=body, jointIndex=joint_of("bodyUniqueId")),
    "getJointStates": _reads(
        bodyUniqueId=body, jointIndices=_per_link(joint_of("bodyUniqueId"), "joints")
    ),
    "getLinkState": _reads(
        bodyUniqueId=body,
        linkIndex=joint_of("bodyUniqueId"),
        computeLinkVelocity=_switch,
        computeForwardKinematics=_switch,
    ),
    "getLinkStates": _reads(
        bodyUniqueId=body,
        linkIndices=_per_link(joint_of("bodyUniqueId"), "links"),
        computeLinkVelocity=_switch,
        computeForwardKinematics=_switch,
    ),
    "getNumBodies": _reads(),
    "getNumConstraints": _reads(),
    "getNumJoints": _reads(bodyUniqueId=body),
    "getOverlappingObjects": _reads(aabbMin=_position, aabbMax=_position),
    "getVisualShapeData": _reads(objectUniqueId=body, flags=nothing),
    "rayTest": _reads(
        rayFromPosition=_position,
        rayToPosition=_position,
        collisionFilterMask=_mask,
        reportHitNumber=integer(-1, 255),
    ),
    "rayTestBatch": Call(
        Effect.READ,
        {
            "rayFromPositions": _rays,
            "rayToPositions": _rays,
            # PyBullet would start more of them, and a task has one core.
            "numThreads": integer(1, 1, "one thread,"),
            "parentObjectUniqueId": body_or_none,
            "parentLinkIndex": link_of("parentObjectUniqueId"),
            "reportHitNumber": integer(-1, 255),
            "collisionFilterMask": _mask,
        },
        _same_length("rayFromPositions rayToPositions"),
    ),
    "enableJointForceTorqueSensor": _changes(
        bodyUniqueId=body, jointIndex=joint_of("bodyUniqueId"), enableSensor=_switch
    ),
    # Rotations.
    "calculateVelocityQuaternion": _reads(
        quaternionStart=quaternion, quaternionEnd=quaternion, deltaTime=number(1e-6, 1e6)
    ),
    "getAxisAngleFromQuaternion": _reads(quaternion=quaternion),
    "getAxisDifferenceQuaternion": _reads(quaternionStart=quaternion, quaternionEnd=quaternion),
    "getDifferenceQuaternion": _reads(quaternionStart=quaternion, quaternionEnd=quaternion),
    "getEulerFromQuaternion": _reads(quaternion=quaternion),
    "getMatrixFromQuaternion": _reads(quaternion=quaternion),
    "getQuaternionFromAxisAngle": _reads(axis=_any_axis, angle=number(-1e4, 1e4, "an angle (rad)")),
    "getQuaternionFromEuler": _reads(eulerAngles=_angles),
    "getQuaternionSlerp": _reads(
        quaternionStart=quaternion,
        quaternionEnd=quaternion,
        interpolationFraction=number(-1e4, 1e4),
    ),
    "invertTransform": _reads(position=_position, orientation=quaternion),
    "multiplyTransforms": _reads(
        positionA=_position, orientationA=quaternion, positionB=_position, orientationB=quaternion
    ),
    "rotateVector": _reads(quaternion=quaternion, vector=_any_axis),
}

_FAMILIES = tuple(
    """
    ACTIVATION_STATE_ GEOM_ JOINT_ LINK_FRAME PD_CONTROL POSITION_CONTROL SENSOR_FORCE_TORQUE
    TORQUE_CONTROL VELOCITY_CONTROL WORLD_FRAME
    """.split()
)
CONSTANTS: dict[str, int] = {
    name: value for name, value in vars(pybullet).items() if name.startswith(_FAMILIES)
}

CLIENT_NAMES = frozenset({*CALLS, *CONSTANTS, "error"})
"""Every name of `self._p`."""
