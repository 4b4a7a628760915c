"""The egocentric scene: what the robot perceives of real bodies in a real world."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from taskwright.sandbox.world.client import PhysicsClient
from taskwright.sandbox.world.scene import BOUND, NUMBERS_PER_SLOT, SLOTS, SceneObserver, compress

ROBOT_MASS = 60.0
DT = 0.0165
RED, GREEN = (1.0, 0.0, 0.0, 1.0), (0.0, 1.0, 0.0, 1.0)


@dataclass
class Seen:
    """One slot of the scene, in metres again."""

    present: float
    nearest: NDArray[np.float64]
    centre: NDArray[np.float64]
    half_extents: NDArray[np.float64]
    velocity: NDArray[np.float64]
    color: tuple[float, ...]
    movable: float
    heavy: float


def metres(compressed: NDArray[np.float32]) -> NDArray[np.float64]:
    """The inverse of `compress`, within its bound."""
    values = compressed.astype(np.float64)
    return np.sign(values) * np.expm1(np.abs(values))


class World:
    """A world with a robot (a plain box here) and an observer in it."""

    def __init__(self) -> None:
        self.client = PhysicsClient()
        self.client.setPhysicsEngineParameter(fixedTimeStep=DT)
        self.robot = self.box((0, 0, 0.5), (0.1, 0.1, 0.1), mass=ROBOT_MASS)
        self.observer = SceneObserver(self.client, self.robot, ROBOT_MASS)

    def box(
        self,
        position: Sequence[float],
        half_extents: Sequence[float] = (0.5, 0.5, 0.5),
        *,
        mass: float = 0.0,
        color: Sequence[float] = RED,
        solid: bool = True,
        yaw: float = 0.0,
    ) -> int:
        client = self.client
        shape = client.GEOM_BOX
        collision = client.createCollisionShape(shape, halfExtents=half_extents) if solid else -1
        visual = client.createVisualShape(shape, halfExtents=half_extents, rgbaColor=color)
        facing = client.getQuaternionFromEuler([0, 0, yaw])
        return int(client.createMultiBody(mass, collision, visual, position, facing))

    def numbers(
        self, at: Sequence[float] = (0, 0, 0.5), yaw: float = 0.0, elapsed_s: float = DT
    ) -> NDArray[np.float32]:
        scene = self.observer.observe(np.array(at, dtype=float), yaw, elapsed_s)
        assert scene.shape == (SceneObserver.size,)
        assert scene.dtype == np.float32
        return scene.reshape(SLOTS, NUMBERS_PER_SLOT)

    def look(
        self, at: Sequence[float] = (0, 0, 0.5), yaw: float = 0.0, elapsed_s: float = DT
    ) -> list[Seen]:
        """The bodies in the scene, in the order of the slots."""
        return [
            Seen(
                row[0],
                *(metres(row[n : n + 3]) for n in (1, 4, 7, 10)),
                tuple(row[13:16].tolist()),
                row[16],
                row[17],
            )
            for row in self.numbers(at, yaw, elapsed_s)
            if row.any()
        ]


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.client.disconnect()


def test_compress_keeps_sign_and_precision_and_is_bounded() -> None:
    values = np.array([0.0, 0.01, -0.01, math.e - 1, 1 - math.e, 1000.0, -np.inf])
    expected = [0.0, 0.00995, -0.00995, 1.0, -1.0, BOUND, -BOUND]
    np.testing.assert_allclose(compress(values), expected, atol=1e-5)
    grid = np.linspace(-140, 140, 2001)
    assert (np.diff(compress(grid)) > 0).all()
    assert compress(3.0).shape == ()


def test_empty_world_is_all_zeros(world: World) -> None:
    assert not world.numbers().any()


def test_empty_slots_are_zero(world: World) -> None:
    world.box((3, 0, 0.5))
    numbers = world.numbers()
    assert numbers[0, 0] == 1.0
    assert not numbers[1:].any()


def test_tells_where_a_body_is_and_how_large(world: World) -> None:
    world.box((4, 1, 1.0), (0.5, 2.0, 0.25), color=(0.2, 0.4, 0.6, 1))
    (seen,) = world.look(at=(1, 1, 0.5))
    np.testing.assert_allclose(seen.centre, [3, 0, 0.5], atol=1e-5)
    np.testing.assert_allclose(seen.nearest, [2.5, 0, 0.25], atol=1e-5)
    np.testing.assert_allclose(seen.half_extents, [0.5, 2.0, 0.25], atol=1e-5)
    np.testing.assert_allclose(seen.velocity, 0.0)
    np.testing.assert_allclose(seen.color, [0.2, 0.4, 0.6], atol=1e-6)


def test_nearest_point_is_the_robot_itself_inside_a_body(world: World) -> None:
    world.box((0, 0, 0.5), (2, 2, 2))
    (seen,) = world.look(at=(0.5, 0.3, 0.5))
    np.testing.assert_allclose(seen.nearest, 0.0, atol=1e-6)
    np.testing.assert_allclose(seen.centre, [-0.5, -0.3, 0.0], atol=1e-5)


@pytest.mark.parametrize("yaw", [0.0, 0.7, math.pi / 2, math.pi, -2.0])
def test_left_is_positive_y_whatever_the_heading(world: World, yaw: float) -> None:
    ahead, left = (
        np.array([math.cos(yaw), math.sin(yaw)]),
        np.array([-math.sin(yaw), math.cos(yaw)]),
    )
    start = np.array([2.0, -1.0])
    world.box((*(start + 3 * left), 0.5), (0.1, 0.1, 0.1))
    world.box((*(start + 6 * ahead), 0.5), (0.1, 0.1, 0.1))
    on_left, in_front = world.look(at=(*start, 0.5), yaw=yaw)
    np.testing.assert_allclose(on_left.centre, [0, 3, 0], atol=1e-4)
    np.testing.assert_allclose(in_front.centre, [6, 0, 0], atol=1e-4)


def test_extents_are_along_the_axes_of_the_yaw_frame(world: World) -> None:
    world.box((5, 0, 0.5), (2.0, 0.5, 0.5), yaw=math.pi / 2)
    (seen,) = world.look()
    np.testing.assert_allclose(seen.half_extents, [0.5, 2.0, 0.5], atol=1e-4)
    np.testing.assert_allclose(seen.nearest, [4.5, 0, 0], atol=1e-4)
    (seen,) = world.look(yaw=math.pi / 2)
    np.testing.assert_allclose(seen.half_extents, [2.0, 0.5, 0.5], atol=1e-4)
    np.testing.assert_allclose(seen.nearest, [0, -4.5, 0], atol=1e-4)


def test_bodies_come_nearest_first_by_their_nearest_point(world: World) -> None:
    world.box((9, 0, 0.5), (8, 0.5, 0.5), color=RED)  # Its near face is 1 m away.
    world.box((0, 2, 0.5), (0.5, 0.5, 0.5), color=GREEN)  # This one 1.5 m.
    world.box((0, -5, 0.5), (0.1, 0.1, 0.1), color=(0, 0, 1, 1))
    colors = [seen.color for seen in world.look()]
    assert colors == [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    colors = [seen.color for seen in world.look(at=(0, -4, 0.5))]
    assert colors == [(0, 0, 1), (1, 0, 0), (0, 1, 0)]


def test_only_the_nearest_of_many_bodies_are_told(world: World) -> None:
    for number in reversed(range(SLOTS + 5)):
        world.box((2 + number, 0, 0.5), (0.1, 0.1, 0.1), color=(number / 20, 0, 0, 1))
    seen = world.look()
    assert len(seen) == SLOTS
    np.testing.assert_allclose([s.color[0] for s in seen], np.arange(SLOTS) / 20, atol=1e-6)
    assert sum(row[0] for row in world.numbers()) == SLOTS


@pytest.mark.parametrize(
    ("mass", "movable", "heavy"), [(0.0, 0, 0), (5.0, 1, 0), (ROBOT_MASS + 1, 1, 1)]
)
def test_tells_whether_a_body_can_be_moved(
    world: World, mass: float, movable: int, heavy: int
) -> None:
    world.box((3, 0, 0.5), mass=mass)
    (seen,) = world.look()
    assert (seen.movable, seen.heavy) == (movable, heavy)


def test_change_of_mass_is_noticed(world: World) -> None:
    body = world.box((3, 0, 0.5), mass=5.0)
    assert world.look()[0].movable == 1
    world.client.changeDynamics(body, -1, mass=0.0)
    assert world.look()[0].movable == 0


def test_moving_body_is_followed_with_its_velocity(world: World) -> None:
    body = world.box((3, 0, 5.0), (0.1, 0.1, 0.1), mass=1.0)
    world.look()
    world.client.resetBaseVelocity(body, [0, 2, 0])
    world.client.stepSimulation()
    (seen,) = world.look(yaw=math.pi / 2)
    # Facing +y, what goes along +y goes ahead.
    np.testing.assert_allclose(seen.velocity, [2, 0, 0], atol=0.01)
    np.testing.assert_allclose(seen.centre, [2 * DT, -3, 4.5], atol=0.01)


def test_fixed_body_moved_by_hand_is_noticed_with_its_velocity(world: World) -> None:
    body = world.box((3, 0, 0.5))
    other = world.box((0, 5, 0.5))
    assert not any(seen.velocity.any() for seen in world.look(elapsed_s=0.0))
    world.client.resetBasePositionAndOrientation(body, [3, 0.1, 0.5], [0, 0, 0, 1])
    moved, still = world.look(elapsed_s=0.05)
    np.testing.assert_allclose(moved.centre, [3, 0.1, 0], atol=1e-5)
    np.testing.assert_allclose(moved.velocity, [0, 2, 0], atol=1e-4)
    assert not still.velocity.any()
    # Left alone, it stands again.
    moved, still = world.look(elapsed_s=0.05)
    np.testing.assert_allclose(moved.centre, [3, 0.1, 0], atol=1e-5)
    assert not moved.velocity.any()
    # By keyword, and turned.
    facing = world.client.getQuaternionFromEuler([0, 0, math.pi / 4])
    world.client.resetBasePositionAndOrientation(
        bodyUniqueId=other, posObj=[0, 4, 0.5], ornObj=facing
    )
    turned = max(world.look(), key=lambda seen: seen.half_extents[0])
    np.testing.assert_allclose(turned.half_extents[:2], math.sqrt(0.5), atol=1e-4)


def test_fixed_body_placed_at_the_start_of_an_episode_has_no_velocity(world: World) -> None:
    body = world.box((3, 0, 0.5))
    world.look()
    world.client.resetBasePositionAndOrientation(body, [8, 0, 0.5], [0, 0, 0, 1])
    (seen,) = world.look(elapsed_s=0.0)
    np.testing.assert_allclose(seen.centre, [8, 0, 0], atol=1e-4)
    assert not seen.velocity.any()


def test_created_body_appears_and_removed_body_disappears(world: World) -> None:
    first = world.box((3, 0, 0.5), color=RED)
    assert [seen.color for seen in world.look()] == [(1, 0, 0)]
    second = world.box((2, 0, 0.5), color=GREEN)
    assert [seen.color for seen in world.look()] == [(0, 1, 0), (1, 0, 0)]
    world.client.removeBody(first)
    assert [seen.color for seen in world.look()] == [(0, 1, 0)]
    world.client.removeBody(second)
    assert world.look() == []


def test_recolouring_is_noticed(world: World) -> None:
    body = world.box((3, 0, 0.5), color=RED)
    assert world.look()[0].color == (1, 0, 0)
    world.client.changeVisualShape(body, -1, rgbaColor=GREEN)
    assert world.look()[0].color == (0, 1, 0)


def test_marker_that_can_only_be_seen_is_seen(world: World) -> None:
    world.box((3, 1, 0.01), (0.8, 0.8, 0.01), solid=False, color=GREEN)
    (seen,) = world.look(at=(0, 0, 0.5))
    assert seen.color == (0, 1, 0)
    np.testing.assert_allclose(seen.centre, [3, 1, -0.49], atol=1e-5)
    np.testing.assert_allclose(seen.half_extents, [0.8, 0.8, 0.01], atol=1e-5)


def test_body_without_any_shape_is_not_seen(world: World) -> None:
    world.client.createMultiBody(0.0, -1, -1, [2, 0, 0])
    assert world.look() == []


def test_body_that_is_only_solid_is_seen_grey(world: World) -> None:
    collision = world.client.createCollisionShape(world.client.GEOM_BOX, halfExtents=[1, 1, 1])
    world.client.createMultiBody(0.0, collision, -1, [5, 0, 0.5])
    (seen,) = world.look()
    np.testing.assert_allclose(seen.half_extents, 1.0, atol=1e-5)


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


def test_far_bodies_stay_within_the_bound(world: World) -> None:
    world.box((1e6, -1e6, 0))
    numbers = world.numbers()
    assert np.abs(numbers).max() <= BOUND
    assert numbers[0, 4] == BOUND
    assert numbers[0, 5] == -BOUND
