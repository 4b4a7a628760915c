"""What the tests of the world share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scenery import World


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.client.disconnect()
