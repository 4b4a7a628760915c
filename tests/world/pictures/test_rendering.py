"""Pictures of a world."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from taskwright.world.client.client import PhysicsClient
from taskwright.world.pictures import painting
from taskwright.world.pictures.camera import Camera
from taskwright.world.pictures.painting import BoxPainter
from taskwright.world.pictures.rendering import SKY_BOTTOM, SKY_TOP, Image, Renderer

RED, BLUE = [0.8, 0.2, 0.2, 1.0], [0.2, 0.2, 0.8, 1.0]


@pytest.fixture
def client() -> Iterator[PhysicsClient]:
    client = PhysicsClient()
    yield client
    client.disconnect()


def look(
    client: PhysicsClient, distance_m: float, yaw: float, pitch: float, width: int, height: int
) -> Image:
    camera = Camera.around(np.zeros(3), distance_m, yaw, pitch)
    return Renderer(client).picture(camera, width, height)


def add_box(
    client: PhysicsClient,
    half_extents: list[float],
    position: list[float],
    color: list[float],
    turned: list[float] | None = None,
) -> int:
    """A box that is seen and not felt, turned by roll, pitch and yaw (rad)."""
    shape = client.createVisualShape(client.GEOM_BOX, halfExtents=half_extents, rgbaColor=color)
    facing = client.getQuaternionFromEuler(turned or [0, 0, 0])
    body: int = client.createMultiBody(
        baseVisualShapeIndex=shape, basePosition=position, baseOrientation=facing
    )
    return body


def is_red(pixel: np.ndarray) -> bool:
    red, green, blue = pixel.astype(int)
    return bool(red > 2 * green and red > 2 * blue)


# What PyBullet draws.


def test_a_disc_on_the_floor_is_flat(client: PhysicsClient) -> None:
    disc = client.createVisualShape(client.GEOM_CYLINDER, radius=1.0, length=0.1, rgbaColor=RED)
    client.createMultiBody(baseVisualShapeIndex=disc)

    image = look(client, 4.0, 0.0, -89.0, 160, 120).astype(int)

    reds = image[(image[..., 0] > 2 * image[..., 1]) & (image[..., 0] > 2 * image[..., 2])]
    radius_px = 60 / (3.95 * np.tan(np.radians(22.5)))
    assert len(reds) == pytest.approx(np.pi * radius_px**2, rel=0.15)
    assert np.ptp(reds, axis=0).max() <= 2  # one shade: no bulge, no hollow


def test_a_cylinder_is_closed_from_every_side(client: PhysicsClient) -> None:
    shape = client.createVisualShape(client.GEOM_CYLINDER, radius=0.5, length=2.0, rgbaColor=RED)
    client.createMultiBody(baseVisualShapeIndex=shape)

    for yaw in range(0, 360, 45):
        for pitch in (-60.0, 0.0, 60.0):
            assert is_red(look(client, 5.0, float(yaw), pitch, 80, 60)[30, 40])


def test_an_empty_world_is_sky(client: PhysicsClient) -> None:
    image = look(client, 5.0, 0.0, 0.0, 64, 48)
    assert image.shape == (48, 64, 3)
    assert image.dtype == np.uint8
    assert (image[0] == SKY_TOP).all()
    assert (image[-1] == SKY_BOTTOM).all()


# What is painted.


def furnish(client: PhysicsClient) -> None:
    """A floor, walls, a slanted ramp, a beam, and a ball that stands in both."""
    add_box(client, [6, 5, 0.5], [0, 0, -0.5], [0.5, 0.6, 0.4, 1])
    add_box(client, [0.1, 3, 1], [3, 1, 1], [0.61, 0.33, 0.27, 1], [0, 0, 0.3])
    add_box(client, [1.5, 0.8, 0.3], [-2, -1, 0.4], [0.3, 0.47, 0.9, 1], [0.2, -0.4, 0.7])
    add_box(client, [4, 0.4, 0.4], [0, 2.5, 2.5], [1, 0.94, 0.11, 1], [0.5, 0.1, 0.2])
    ball = client.createVisualShape(client.GEOM_SPHERE, radius=0.9, rgbaColor=RED)
    client.createMultiBody(baseVisualShapeIndex=ball, basePosition=[-1, 0.5, 0.3])


@pytest.mark.parametrize("distance_m", [2.5, 9.0])  # among them, and from outside
@pytest.mark.parametrize("yaw", [-150.0, -75.0, 20.0, 100.0])
@pytest.mark.parametrize("pitch", [-60.0, -20.0, 10.0])
def test_painted_boxes_look_as_pybullet_draws_them(
    client: PhysicsClient,
    monkeypatch: pytest.MonkeyPatch,
    distance_m: float,
    yaw: float,
    pitch: float,
) -> None:
    furnish(client)
    camera = Camera.around(np.array([0.0, 0.0, 0.8]), distance_m, yaw, pitch)
    renderer = Renderer(client)
    assert BoxPainter(client).faces(camera, 320, 240)

    painted, depth = renderer.picture_and_depth(camera, 320, 240, 50.0)
    monkeypatch.setattr(painting, "WORTHWHILE_PIXELS", np.inf)
    drawn, depth_drawn = renderer.picture_and_depth(camera, 320, 240, 50.0)

    # Here and there a pixel of an edge falls to the other side.
    differ = (painted != drawn).any(axis=2)
    assert differ.mean() < 0.001
    assert np.abs(depth - depth_drawn)[~differ].max() < 0.01


def test_what_stands_before_a_painted_wall_hides_it(client: PhysicsClient) -> None:
    add_box(client, [5, 0.1, 5], [0, 0, 0], BLUE)
    ball = client.createVisualShape(client.GEOM_SPHERE, radius=0.2, rgbaColor=RED)
    body = client.createMultiBody(baseVisualShapeIndex=ball, basePosition=[0, -1, 0])

    assert is_red(look(client, 4.0, 0.0, 0.0, 320, 240)[120, 160])
    client.resetBasePositionAndOrientation(body, [0, 1, 0], [0, 0, 0, 1])
    assert not is_red(look(client, 4.0, 0.0, 0.0, 320, 240)[120, 160])


@pytest.mark.parametrize("half_extent", [0.05, 4.0])  # drawn by PyBullet, painted
def test_a_zone_level_with_the_floor_is_seen_whole(
    client: PhysicsClient, half_extent: float
) -> None:
    add_box(client, [5, 5, 0.5], [0, 0, -0.5], BLUE)
    add_box(client, [half_extent, half_extent, 0.5], [0, 0, -0.5], RED)

    image = look(client, 3.0, 20.0, -70.0, 320, 240)

    at = 3 if half_extent == 0.05 else 60
    assert all(is_red(p) for p in image[120 - at : 120 + at, 160 - at : 160 + at].reshape(-1, 3))


def test_drawing_leaves_the_world_as_it_was(client: PhysicsClient) -> None:
    furnish(client)
    bodies = range(client.getNumBodies())
    before = [client.getVisualShapeData(body) for body in bodies]
    edits, motion = client.edits, client.motion

    first = look(client, 6.0, 30.0, -40.0, 320, 240)
    again = look(client, 6.0, 30.0, -40.0, 320, 240)

    assert (first == again).all()
    assert [client.getVisualShapeData(body) for body in bodies] == before
    assert (client.edits, client.motion) == (edits, motion)


def test_what_is_hidden_comes_back_when_drawing_fails(client: PhysicsClient) -> None:
    body = add_box(client, [5, 5, 0.5], [0, 0, -0.5], BLUE)
    before = client.getVisualShapeData(body)
    camera = Camera.around(np.zeros(3), 6.0, 0.0, -40.0)
    faces = BoxPainter(client).faces(camera, 320, 240)

    def fail_while_hidden() -> None:
        with painting.hidden(client, faces):
            assert client.getVisualShapeData(body)[0][7][3] == 0.0
            raise MemoryError

    with pytest.raises(MemoryError):
        fail_while_hidden()

    assert client.getVisualShapeData(body) == before


def test_a_box_is_painted_in_its_new_colour_and_place(client: PhysicsClient) -> None:
    body = add_box(client, [5, 0.1, 5], [0, 0, 0], BLUE)
    renderer, camera = Renderer(client), Camera.around(np.zeros(3), 4.0, 0.0, 0.0)
    assert not is_red(renderer.picture(camera, 320, 240)[120, 160])

    client.changeVisualShape(body, -1, rgbaColor=RED)
    assert is_red(renderer.picture(camera, 320, 240)[120, 160])

    client.resetBasePositionAndOrientation(body, [8, 0, 0], [0, 0, 0, 1])
    assert (renderer.picture(camera, 320, 240)[120, 160] > 200).all()  # the sky


def test_an_invisible_box_is_not_painted(client: PhysicsClient) -> None:
    add_box(client, [5, 0.1, 5], [0, 0, 0], [0.8, 0.2, 0.2, 0.0])
    assert (look(client, 4.0, 0.0, 0.0, 320, 240)[120, 160] > 200).all()


def test_a_box_off_its_bodys_centre_is_painted_where_it_is(
    client: PhysicsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = client.createVisualShape(
        client.GEOM_BOX,
        halfExtents=[1, 0.1, 1],
        rgbaColor=RED,
        visualFramePosition=[0.5, 0, 0.2],
        visualFrameOrientation=client.getQuaternionFromEuler([0, 0.6, 0.3]),
    )
    client.createMultiBody(
        baseVisualShapeIndex=shape,
        baseInertialFramePosition=[0, 0, -0.4],
        baseOrientation=client.getQuaternionFromEuler([0.3, 0, 0]),
    )
    painted = look(client, 4.0, 10.0, -10.0, 320, 240)
    monkeypatch.setattr(painting, "WORTHWHILE_PIXELS", np.inf)
    drawn = look(client, 4.0, 10.0, -10.0, 320, 240)

    assert (painted != drawn).any(axis=2).mean() < 0.001
