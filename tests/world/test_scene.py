"""The egocentric scene: what the robot perceives of real bodies in a real world."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scenery import DT, GREEN, RED, ROBOT_MASS, World

from taskwright.world.scene import BOUND, SLOTS, compress, expand


def test_compress_keeps_sign_and_precision_and_is_bounded() -> None:
    values = np.array([0.0, 0.01, -0.01, math.e - 1, 1 - math.e, 1000.0, -np.inf])
    expected = [0.0, 0.00995, -0.00995, 1.0, -1.0, BOUND, -BOUND]
    np.testing.assert_allclose(compress(values), expected, atol=1e-5)
    grid = np.linspace(-140, 140, 2001)
    assert (np.diff(compress(grid)) > 0).all()
    assert compress(3.0).shape == ()


def test_expand_undoes_compress() -> None:
    values = np.array([-100.0, -0.3, 0.0, 1e-4, 2.0, 140.0])
    np.testing.assert_allclose(expand(compress(values)), values, rtol=1e-12)


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


@pytest.mark.parametrize(("yaw", "at"), [(0.9, (0, 0, 0.5)), (-2.3, (300, -40, 2.5))])
def test_a_world_turned_and_moved_with_the_robot_looks_the_same(
    yaw: float, at: tuple[float, ...]
) -> None:
    def told(yaw: float, at: Sequence[float]) -> NDArray[np.float32]:
        world, random = World(), np.random.default_rng(5)
        client = world.client
        facing = client.getQuaternionFromEuler([0, 0, yaw])
        kinds = [
            (client.GEOM_BOX, {"halfExtents": [0.5, 0.2, 0.3]}),
            (client.GEOM_SPHERE, {"radius": 0.4}),
            (client.GEOM_CYLINDER, {"radius": 0.2, "height": 1.5}),
        ]
        for number in range(12):
            kind, size = kinds[number % 3]
            shape = client.createCollisionShape(kind, **size)
            tilt = client.getQuaternionFromEuler(random.uniform(-3, 3, 3).tolist())
            pose = client.multiplyTransforms(at, facing, random.uniform(-6, 6, 3).tolist(), tilt)
            body = client.createMultiBody(number % 2, shape, -1, *pose)
            if number % 2:
                velocity = random.uniform(-3, 3, 3).tolist()
                turned, _ = client.multiplyTransforms([0, 0, 0], facing, velocity, [0, 0, 0, 1])
                client.resetBaseVelocity(body, turned)
        numbers = world.numbers(at, yaw)
        client.disconnect()
        return numbers

    np.testing.assert_allclose(told(yaw, at), told(0.0, (0, 0, 0.5)), atol=2e-5)


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


def test_body_moved_by_hand_keeps_its_velocity_when_bodies_are_recoloured(world: World) -> None:
    lift = world.box((3, 0, 0.5), color=RED)
    lamp = world.box((0, 5, 0.5), color=RED)
    ball = world.box((0, -9, 0.5), mass=1.0)
    world.look(elapsed_s=0.0)
    world.client.resetBasePositionAndOrientation(lift, [3, 0, 0.6], [0, 0, 0, 1])
    world.client.resetBaseVelocity(ball, [1, 0, 0])
    for body in (lift, lamp):
        world.client.changeVisualShape(body, -1, rgbaColor=GREEN)
    seen = world.look(elapsed_s=0.05)
    assert [one.color for one in seen[:2]] == [(0, 1, 0)] * 2
    np.testing.assert_allclose(seen[0].velocity, [0, 0, 2], atol=1e-4)
    np.testing.assert_allclose(seen[2].velocity, [1, 0, 0], atol=1e-4)


def test_body_moved_by_hand_keeps_its_velocity_when_bodies_come_and_go(world: World) -> None:
    gone = world.box((9, 0, 0.5), mass=1.0)
    lift = world.box((3, 0, 0.5))
    world.look(elapsed_s=0.0)
    world.client.removeBody(gone)
    world.client.resetBasePositionAndOrientation(lift, [3, 0, 0.6], [0, 0, 0, 1])
    world.box((0, 5, 0.5), mass=1.0)
    world.box((0, 6, 0.5))
    lifted, *others = world.look(elapsed_s=0.05)
    np.testing.assert_allclose(lifted.velocity, [0, 0, 2], atol=1e-4)
    assert not any(seen.velocity.any() for seen in others)


def test_new_body_with_the_id_of_a_removed_one_is_not_taken_for_it(world: World) -> None:
    first = world.box((3, 0, 0.5), (0.5, 0.5, 0.5))
    world.look(elapsed_s=0.0)
    world.client.removeBody(first)
    again = world.box((8, 0, 0.5), (0.2, 0.2, 0.2), color=GREEN)
    assert again == first
    world.client.resetBasePositionAndOrientation(again, [7, 0, 0.5], [0, 0, 0, 1])
    (seen,) = world.look(elapsed_s=0.05)
    np.testing.assert_allclose(seen.half_extents, 0.2, atol=1e-5)
    np.testing.assert_allclose(seen.centre, [7, 0, 0], atol=1e-4)
    assert seen.color == (0, 1, 0)
    assert not seen.velocity.any()


def test_bodies_created_in_a_batch_are_seen(world: World) -> None:
    shape = world.client.createVisualShape(world.client.GEOM_SPHERE, radius=0.2)
    places = [[2, 0, 0.5], [3, 0, 0.5], [4, 0, 0.5]]
    world.client.createMultiBody(0.0, -1, shape, batchPositions=places)
    np.testing.assert_allclose([seen.centre[0] for seen in world.look()], [2, 3, 4], atol=1e-4)


def test_free_body_placed_again_and_again_has_the_velocity_of_its_places(world: World) -> None:
    drone = world.box((3, 0, 2.0), (0.1, 0.1, 0.1), mass=1.0)
    world.look(elapsed_s=0.0)
    world.client.resetBasePositionAndOrientation(drone, [3, 6, 2.0], [0, 0, 0, 1])
    (seen,) = world.look(elapsed_s=DT)
    assert not seen.velocity.any(), "It has only begun anew somewhere else."
    world.client.resetBasePositionAndOrientation(drone, [3, 6.1, 2.0], [0, 0, 0, 1])
    (seen,) = world.look(elapsed_s=0.05)
    np.testing.assert_allclose(seen.velocity, [0, 2, 0], atol=1e-4)


def test_body_that_is_fixed_while_it_falls_stands_still_where_it_is(world: World) -> None:
    body = world.box((3, 0, 5.0), (0.1, 0.1, 0.1), mass=1.0)
    world.client.setGravity(0, 0, -9.8)
    for _ in range(10):
        world.client.stepSimulation()
    world.look()
    world.client.stepSimulation()
    world.client.changeDynamics(body, -1, mass=0.0)
    height = world.client.getBasePositionAndOrientation(body)[0][2]
    for _ in range(2):
        (seen,) = world.look()
        np.testing.assert_allclose(seen.centre, [3, 0, height - 0.5], atol=1e-4)
    assert not seen.velocity.any()


@pytest.mark.parametrize("colors", [(RED, GREEN), (GREEN, RED)])
def test_order_of_bodies_as_near_as_each_other_is_not_that_of_their_creation(
    world: World, colors: tuple[tuple[float, ...], ...]
) -> None:
    places = {RED: (0, 4, 0.5), GREEN: (0, -4, 0.5)}
    for color in colors:
        world.box(places[color], color=color)
    # Both are 3.5 m away: the one to the left comes first, and the one ahead before it.
    assert [seen.color for seen in world.look()] == [(1, 0, 0), (0, 1, 0)]
    assert [seen.color for seen in world.look(yaw=math.pi)] == [(0, 1, 0), (1, 0, 0)]
    assert [seen.color for seen in world.look(yaw=-1.0)] == [(0, 1, 0), (1, 0, 0)]
    # A tenth of a millimetre is no reason to change places, a centimetre is.
    assert [seen.color for seen in world.look(at=(0, -0.0001, 0.5))] == [(1, 0, 0), (0, 1, 0)]
    assert [seen.color for seen in world.look(at=(0, -0.01, 0.5))] == [(0, 1, 0), (1, 0, 0)]


@pytest.mark.parametrize("shuffle", range(4))
def test_of_too_many_bodies_as_near_as_each_other_those_ahead_are_told(
    world: World, shuffle: int
) -> None:
    numbers = np.random.default_rng(shuffle).permutation(SLOTS + 3)
    for number in numbers:
        # A half circle from straight ahead to straight behind; red grows with the angle.
        angle = math.pi * number / (SLOTS + 2)
        world.box(
            (5 * math.cos(angle), 5 * math.sin(angle), 0.5),
            (0.2, 0.2, 0.2),
            color=(number / 20, 0, 0, 1),
            yaw=angle,
        )
    reds = [seen.color[0] for seen in world.look()]
    np.testing.assert_allclose(reds, np.arange(SLOTS) / 20, atol=1e-6)


def test_the_same_world_is_seen_the_same_to_the_last_bit() -> None:
    def film() -> bytes:
        world = World()
        random = np.random.default_rng(3)
        bodies = [
            world.box((*random.uniform(-6, 6, 2), 1.0), random.uniform(0.1, 0.5, 3), mass=mass)
            for mass in [0.0, 1.0] * 12
        ]
        world.client.setGravity(0, 0, -9.8)
        frames = []
        for step in range(30):
            world.client.stepSimulation()
            place = random.uniform(-6, 6, 3)
            world.client.resetBasePositionAndOrientation(bodies[0], place, [0, 0, 0, 1])
            world.client.changeVisualShape(bodies[step % 24], -1, rgbaColor=GREEN)
            frames.append(world.numbers(at=(0.1 * step, 0, 0.5), yaw=0.1 * step).tobytes())
        world.client.disconnect()
        return b"".join(frames)

    assert film() == film()


def test_marker_that_is_made_invisible_is_gone_until_it_is_shown_again(world: World) -> None:
    gem = world.box((3, 0, 0.5), (0.2, 0.2, 0.2), solid=False, color=GREEN)
    other = world.box((5, 0, 0.5), color=RED)
    assert len(world.look()) == 2
    world.client.changeVisualShape(gem, -1, rgbaColor=[0, 1, 0, 0])
    assert [seen.color for seen in world.look()] == [(1, 0, 0)]
    world.client.resetBasePositionAndOrientation(gem, [2, 1, 0.5], [0, 0, 0, 1])
    world.look()
    world.client.changeVisualShape(gem, -1, rgbaColor=GREEN)
    shown, _ = world.look()
    np.testing.assert_allclose(shown.centre, [2, 1, 0], atol=1e-5)
    assert not shown.velocity.any()
    assert other != gem


def test_invisible_wall_is_told_in_grey_because_it_stops_the_robot(world: World) -> None:
    world.box((3, 0, 0.5), color=(1, 0, 0, 0))
    (seen,) = world.look()
    assert seen.color == (0.5, 0.5, 0.5)
    np.testing.assert_allclose(seen.nearest, [2.5, 0, 0], atol=1e-4)


def test_far_bodies_stay_within_the_bound(world: World) -> None:
    world.box((1e6, -1e6, 0))
    numbers = world.numbers()
    assert np.abs(numbers).max() <= BOUND
    assert numbers[0, 4] == BOUND
    assert numbers[0, 5] == -BOUND
