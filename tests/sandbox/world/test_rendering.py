"""Pictures of a world."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from taskwright.sandbox.world.client import PhysicsClient
from taskwright.sandbox.world.rendering import Camera, render


@pytest.fixture
def client() -> Iterator[PhysicsClient]:
    client = PhysicsClient()
    yield client
    client.disconnect()


def test_a_disc_on_the_floor_is_flat(client: PhysicsClient) -> None:
    disc = client.createVisualShape(
        client.GEOM_CYLINDER, radius=1.0, length=0.1, rgbaColor=[0.8, 0.2, 0.2, 1]
    )
    client.createMultiBody(baseVisualShapeIndex=disc)

    image = render(client, Camera((0.0, 0.0, 0.0), 4.0, 0.0, -89.0), 160, 120).astype(int)

    reds = image[(image[..., 0] > 2 * image[..., 1]) & (image[..., 0] > 2 * image[..., 2])]
    radius_px = 60 / (3.95 * np.tan(np.radians(22.5)))
    assert len(reds) == pytest.approx(np.pi * radius_px**2, rel=0.15)
    assert np.ptp(reds, axis=0).max() <= 2  # one shade: no bulge, no hollow


def test_a_cylinder_is_closed_from_every_side(client: PhysicsClient) -> None:
    shape = client.createVisualShape(
        client.GEOM_CYLINDER, radius=0.5, length=2.0, rgbaColor=[0.8, 0.2, 0.2, 1]
    )
    client.createMultiBody(baseVisualShapeIndex=shape)

    for yaw in range(0, 360, 45):
        for pitch in (-60.0, 0.0, 60.0):
            image = render(client, Camera((0.0, 0.0, 0.0), 5.0, float(yaw), pitch), 80, 60)
            middle = image[30, 40].astype(int)
            assert middle[0] > 2 * middle[1]
