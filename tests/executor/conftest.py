"""A Ray cluster that the tests of a module share."""

from __future__ import annotations

import pytest
from ray_nodes import RayNodes


@pytest.fixture(scope="module")
def ray_nodes():
    """Three nodes on this machine, one CPU each; this process is let in. Starting them takes half a
    minute, so only slow tests ask for it."""
    # Ray reads how it is let in when it is imported, and so it is not imported before.
    with pytest.MonkeyPatch.context() as patch, RayNodes(3) as nodes:
        for name, value in RayNodes.client_environment().items():
            patch.setenv(name, value)
        yield nodes
