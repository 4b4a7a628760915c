"""The boxes that bodies are told as: their sizes, whatever the shape, and links of their own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scenery import GREEN, World, metres

from taskwright.world.boxes import drawn_corners
from taskwright.world.scene import BOUND


@pytest.mark.parametrize("solid", [True, False])
def test_extents_of_round_bodies_are_right(world: World, solid: bool) -> None:
    client = world.client
    kinds = [
        (client.GEOM_SPHERE, {"radius": 0.3}, {"radius": 0.3}, [0.3, 0.3, 0.3]),
        (
            client.GEOM_CYLINDER,
            {"radius": 0.4, "height": 3.0},
            {"radius": 0.4, "length": 3.0},
            [0.4, 0.4, 1.5],
        ),
        (
            client.GEOM_CAPSULE,
            {"radius": 0.2, "height": 1.0},
            {"radius": 0.2, "length": 1.0},
            [0.2, 0.2, 0.7],
        ),
    ]
    for number, (kind, solid_size, visual_size, _) in enumerate(kinds):
        collision = client.createCollisionShape(kind, **solid_size) if solid else -1
        visual = client.createVisualShape(kind, **visual_size)
        client.createMultiBody(0.0, collision, visual, [3 + 3 * number, 0, 0.5])
    for seen, (*_, half_extents) in zip(world.look(), kinds, strict=True):
        np.testing.assert_allclose(seen.half_extents, half_extents, atol=1e-4)


@pytest.mark.parametrize("kind", ["GEOM_SPHERE", "GEOM_CYLINDER", "GEOM_CAPSULE"])
def test_round_body_that_rolls_keeps_its_extents(world: World, kind: str) -> None:
    client = world.client
    length = {} if kind == "GEOM_SPHERE" else {"height": 1.0}
    shape = client.createCollisionShape(getattr(client, kind), radius=0.3, **length)
    # Lying across, along y.
    lying = client.getQuaternionFromEuler([math.pi / 2, 0, 0])
    body = client.createMultiBody(1.0, shape, -1, [3, 0, 0.5], lying)
    half_width = {"GEOM_SPHERE": 0.3, "GEOM_CYLINDER": 0.5, "GEOM_CAPSULE": 0.8}[kind]
    for rolled in (0.0, 0.4, 0.8, 2.5):
        turn = client.getQuaternionFromEuler([0, rolled, 0])
        _, facing = client.multiplyTransforms([0, 0, 0], turn, [0, 0, 0], lying)
        client.resetBasePositionAndOrientation(body, [3, 0, 0.5], facing)
        (seen,) = world.look()
        np.testing.assert_allclose(seen.half_extents, [0.3, half_width, 0.3], atol=1e-4)
        np.testing.assert_allclose(seen.nearest, [2.7, 0, 0], atol=1e-4)


@pytest.mark.parametrize("yaw", [0.0, 0.6, 2.4])
def test_round_body_is_told_the_same_from_everywhere(world: World, yaw: float) -> None:
    client = world.client
    ahead = np.array([math.cos(yaw), math.sin(yaw)])
    for distance, mass, lying in ((3, 0.0, False), (6, 1.0, False), (9, 1.0, True)):
        shape = client.createCollisionShape(client.GEOM_CYLINDER, radius=0.3, height=1.0)
        facing = client.getQuaternionFromEuler([math.pi / 2 if lying else 0, 0, yaw])
        client.createMultiBody(mass, shape, -1, [*(distance * ahead), 0.5], facing)
    ball = client.createVisualShape(client.GEOM_SPHERE, radius=0.3)
    client.createMultiBody(0.0, -1, ball, [*(12 * ahead), 0.5])
    world.box((*(15 * ahead), 0.5), (0.1, 0.2, 0.3), yaw=yaw)
    expected = [[0.3, 0.3, 0.5], [0.3, 0.3, 0.5], [0.3, 0.5, 0.3], [0.3] * 3, [0.1, 0.2, 0.3]]
    for seen, half_extents in zip(world.look(yaw=yaw), expected, strict=True):
        np.testing.assert_allclose(seen.half_extents, half_extents, atol=1e-4)
        ahead_of_centre = [seen.centre[0] - half_extents[0], 0, 0]
        np.testing.assert_allclose(seen.nearest, ahead_of_centre, atol=1e-4)


def test_box_that_is_turned_in_its_body_keeps_its_own_size(world: World) -> None:
    client = world.client
    slope = client.getQuaternionFromEuler([0, -math.pi / 6, 0])
    shape = client.createCollisionShape(
        client.GEOM_BOX,
        halfExtents=[2.0, 1.0, 0.1],
        collisionFramePosition=[0, 0, 1],
        collisionFrameOrientation=slope,
    )
    client.createMultiBody(0.0, shape, -1, [5, 0, 0.5])
    # From a metre above the middle of the slope, the nearest point is straight down its normal.
    normal = np.array([-math.sin(math.pi / 6), 0, math.cos(math.pi / 6)])
    (seen,) = world.look(at=np.array([5, 0, 1.5]) + 1.1 * normal)
    np.testing.assert_allclose(seen.nearest, -normal, atol=1e-4)
    np.testing.assert_allclose(seen.centre, -1.1 * normal, atol=1e-4)


WEDGE = [[0, 0, 0], [2, 0, 0], [2, 1, 0], [0, 1, 0], [2, 0, 0.5], [2, 1, 0.5]]
WEDGE_FACES = [0, 2, 1, 0, 3, 2, 1, 2, 5, 1, 5, 4, 0, 1, 4, 3, 5, 2, 0, 4, 5, 0, 5, 3]


@pytest.mark.parametrize("kind", ["convex", "concave", "marker"])
def test_extents_of_meshes_are_their_size_and_not_their_scale(world: World, kind: str) -> None:
    client = world.client
    mesh = {"vertices": WEDGE, "meshScale": [1, 1, 2]}
    if kind == "marker":
        visual = client.createVisualShape(client.GEOM_MESH, indices=WEDGE_FACES, **mesh)
        client.createMultiBody(0.0, -1, visual, [3, 0, 0])
    else:
        faces = {"indices": WEDGE_FACES} if kind == "concave" else {}
        collision = client.createCollisionShape(client.GEOM_MESH, **faces, **mesh)
        client.createMultiBody(0.0, collision, -1, [3, 0, 0])
    (seen,) = world.look(at=(0, 0.5, 0.5))
    # PyBullet rounds the edges of solid meshes by up to a centimetre.
    np.testing.assert_allclose(seen.half_extents, [1, 0.5, 0.5], atol=0.012)
    np.testing.assert_allclose(seen.centre, [4, 0, 0], atol=0.01)


def test_mesh_that_has_moved_keeps_the_box_it_was_first_seen_in(world: World) -> None:
    client = world.client
    collision = client.createCollisionShape(client.GEOM_MESH, vertices=WEDGE)
    body = client.createMultiBody(0.0, collision, -1, [3, 0, 0.25])
    world.look()
    quarter = client.getQuaternionFromEuler([0, 0, math.pi / 2])
    client.resetBasePositionAndOrientation(body, [5, 0, 0.25], quarter)
    (seen,) = world.look()
    np.testing.assert_allclose(seen.half_extents, [0.5, 1, 0.25], atol=0.012)
    np.testing.assert_allclose(seen.centre, [4.5, 1, 0], atol=0.012)


@pytest.mark.parametrize("by_name", [True, False])
@pytest.mark.parametrize("draws", [True, False])
def test_height_field_is_told_as_the_box_around_it_and_nothing_is_printed(
    by_name: bool, draws: bool, world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    client = world.client
    client.draws = draws
    heights = np.zeros((16, 16))
    heights[:, 8:] = 2.0
    collision = client.createCollisionShape(
        client.GEOM_HEIGHTFIELD,
        meshScale=[0.5, 0.5, 1.0],
        heightfieldData=heights.ravel().tolist(),
        numHeightfieldRows=16,
        numHeightfieldColumns=16,
    )
    if by_name:
        client.createMultiBody(baseCollisionShapeIndex=collision, basePosition=[0, 0, -2])
    else:
        client.createMultiBody(0.0, collision, basePosition=[0, 0, -2])
    (seen,) = world.look(at=(0, 0, 1))
    np.testing.assert_allclose(seen.half_extents, [3.75, 3.75, 1.0], atol=0.01)
    assert seen.color == (1.0, 1.0, 1.0)
    assert "Warning" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("normal", "half_extents"), [((0, 0, 1), [BOUND, BOUND, 0]), ((-1, 0, 0), [0, BOUND, BOUND])]
)
def test_plane_is_a_thin_slab_without_end(
    world: World, normal: tuple[float, ...], half_extents: list[float]
) -> None:
    client = world.client
    shape = client.createCollisionShape(client.GEOM_PLANE, planeNormal=normal)
    client.createMultiBody(0.0, shape, -1, [2, 0, 0])
    row = world.numbers()[0]
    np.testing.assert_allclose(row[7:10], half_extents, atol=1e-6)
    along = metres(row[1:4])
    np.testing.assert_allclose(along, np.array([0, 0, -0.5] if normal[2] else [2, 0, 0]), atol=1e-5)


def hinged_door(world: World) -> int:
    """A door leaf 1.6 m wide, its hinge at (3, -0.8), closed along y."""
    client = world.client
    half = [0.05, 0.8, 0.6]
    return int(
        client.createMultiBody(
            baseMass=0.0,
            basePosition=[3, -0.8, 0.6],
            linkMasses=[5.0],
            linkCollisionShapeIndices=[
                client.createCollisionShape(
                    client.GEOM_BOX, halfExtents=half, collisionFramePosition=[0, 0.8, 0]
                )
            ],
            linkVisualShapeIndices=[
                client.createVisualShape(
                    client.GEOM_BOX,
                    halfExtents=half,
                    visualFramePosition=[0, 0.8, 0],
                    rgbaColor=GREEN,
                )
            ],
            linkPositions=[[0, 0, 0]],
            linkOrientations=[[0, 0, 0, 1]],
            linkInertialFramePositions=[[0, 0.8, 0]],
            linkInertialFrameOrientations=[[0, 0, 0, 1]],
            linkParentIndices=[0],
            linkJointTypes=[client.JOINT_REVOLUTE],
            linkJointAxis=[[0, 0, 1]],
        )
    )


def test_link_of_a_body_is_seen_where_it_is(world: World) -> None:
    hinged_door(world)
    (leaf,) = world.look(at=(0, 0, 0.6))
    np.testing.assert_allclose(leaf.centre, [3, 0, 0], atol=1e-4)
    np.testing.assert_allclose(leaf.half_extents, [0.05, 0.8, 0.6], atol=1e-4)
    assert leaf.color == (0, 1, 0)
    assert (leaf.movable, leaf.heavy) == (1, 0)


def post_with_lamp(world: World, mass: float) -> int:
    """A body without a shape at (3, 0, 0.5); its lamp 1 m above it can only be seen."""
    client = world.client
    lamp = client.createVisualShape(
        client.GEOM_BOX,
        halfExtents=[0.1, 0.2, 0.3],
        visualFramePosition=[0, 0, 1],
        rgbaColor=GREEN,
    )
    return int(
        client.createMultiBody(
            baseMass=mass,
            basePosition=[3, 0, 0.5],
            linkMasses=[1.0],
            linkCollisionShapeIndices=[-1],
            linkVisualShapeIndices=[lamp],
            linkPositions=[[0, 0, 0]],
            linkOrientations=[[0, 0, 0, 1]],
            linkInertialFramePositions=[[0, 0, 0.4]],
            linkInertialFrameOrientations=[[0, 0, 0, 1]],
            linkParentIndices=[0],
            linkJointTypes=[client.JOINT_FIXED],
            linkJointAxis=[[0, 0, 1]],
        )
    )


@pytest.mark.parametrize(("mass", "movable"), [(0.0, 0), (5.0, 1)])
def test_link_tied_to_a_fixed_base_cannot_be_moved(world: World, mass: float, movable: int) -> None:
    post_with_lamp(world, mass)
    (lamp,) = world.look()
    np.testing.assert_allclose(lamp.centre, [3, 0, 1], atol=1e-5)
    np.testing.assert_allclose(lamp.half_extents, [0.1, 0.2, 0.3], atol=1e-5)
    assert lamp.movable == movable


def test_link_tied_to_a_fixed_base_goes_with_it_when_it_is_placed(world: World) -> None:
    post = post_with_lamp(world, mass=0.0)
    world.look(elapsed_s=0.0)
    world.client.resetBasePositionAndOrientation(post, [3, 0.1, 0.5], [0, 0, 0, 1])
    (lamp,) = world.look(elapsed_s=0.05)
    np.testing.assert_allclose(lamp.centre, [3, 0.1, 1], atol=1e-5)
    np.testing.assert_allclose(lamp.velocity, [0, 2, 0], atol=1e-4)


def test_joint_set_by_hand_is_seen_at_once(world: World) -> None:
    door = hinged_door(world)
    world.look(at=(0, 0, 0.6))
    world.client.resetJointState(door, 0, math.pi / 2)
    (leaf,) = world.look(at=(0, 0, 0.6), elapsed_s=0.0)
    # Opened towards -x by a quarter turn about its hinge.
    np.testing.assert_allclose(leaf.centre, [2.2, -0.8, 0], atol=1e-3)
    np.testing.assert_allclose(leaf.half_extents, [0.8, 0.05, 0.6], atol=1e-3)


def test_swinging_link_has_a_velocity(world: World) -> None:
    door = hinged_door(world)
    client = world.client
    client.setJointMotorControl2(door, 0, client.VELOCITY_CONTROL, targetVelocity=0, force=0)
    client.resetJointState(door, 0, 0.0, targetVelocity=1.0)
    client.stepSimulation()
    (leaf,) = world.look(at=(0, 0, 0.6))
    # Its centre is 0.8 m from the hinge.
    np.testing.assert_allclose(leaf.velocity, [-0.8, 0, 0], atol=0.05)


# What is drawn.


@pytest.mark.parametrize("solid", [True, False])
@pytest.mark.parametrize("kind", ["BOX", "SPHERE", "CYLINDER", "CAPSULE"])
def test_corners_are_those_of_what_is_drawn(world: World, kind: str, solid: bool) -> None:
    client = world.client
    shape = getattr(client, f"GEOM_{kind}")
    sizes = {"BOX": {"halfExtents": [0.2, 0.3, 0.9]}, "SPHERE": {"radius": 0.4}}
    drawn = sizes.get(kind, {"radius": 0.4, "length": 2.0})
    # Whatever it bumps into.
    collision = client.createCollisionShape(client.GEOM_SPHERE, radius=5.0) if solid else -1
    visual = client.createVisualShape(shape, **drawn)
    lying = client.getQuaternionFromEuler([math.pi / 2, 0, 0])
    body = client.createMultiBody(0.0, collision, visual, [3, 1, 2], lying)

    corners = drawn_corners(client, body)

    half = {"BOX": [0.2, 0.9, 0.3], "SPHERE": [0.4] * 3, "CYLINDER": [0.4, 1.0, 0.4]}
    half["CAPSULE"] = [0.4, 1.4, 0.4]
    np.testing.assert_allclose(corners.min(axis=0), np.array([3, 1, 2]) - half[kind], atol=1e-4)
    np.testing.assert_allclose(corners.max(axis=0), np.array([3, 1, 2]) + half[kind], atol=1e-4)


def test_corners_of_meshes_and_height_fields_hold_them(world: World) -> None:
    client = world.client
    wedge = [[0, 0, 0], [2, 0, 0], [0, 1, 0], [0, 0, 0.5]]
    seen = client.createVisualShape(client.GEOM_MESH, vertices=wedge, indices=[0, 1, 2, 0, 1, 3])
    ghost = client.createMultiBody(0.0, -1, seen, [4, 0, 0])
    solid = client.createCollisionShape(client.GEOM_MESH, vertices=wedge)
    rock = client.createMultiBody(0.0, solid, -1, [8, 0, 0])
    field = client.createCollisionShape(
        client.GEOM_HEIGHTFIELD,
        meshScale=[1, 1, 1],
        heightfieldData=[0.0, 1.0, 0.0, 3.0] * 4,
        numHeightfieldRows=4,
        numHeightfieldColumns=4,
    )
    hill = client.createMultiBody(0.0, field, -1, [20, 0, 0])

    for body, low, high in (
        (ghost, [4, 0, 0], [6, 1, 0.5]),
        (rock, [8, 0, 0], [10, 1, 0.5]),
        (hill, [18.5, -1.5, -1.5], [21.5, 1.5, 1.5]),
    ):
        corners = drawn_corners(client, body)
        np.testing.assert_allclose(corners.min(axis=0), low, atol=0.1)
        np.testing.assert_allclose(corners.max(axis=0), high, atol=0.1)


def test_what_is_not_drawn_has_no_corners(world: World) -> None:
    body = world.box((3, 0, 0.5), color=(1.0, 0.0, 0.0, 0.0))
    assert drawn_corners(world.client, body).shape == (0, 3)
