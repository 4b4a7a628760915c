"""Pictures of a world: by PyBullet's CPU renderer, or by the GPU through EGL (see `egl`)."""

from __future__ import annotations

from contextlib import nullcontext
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..client.client import PhysicsClient
from .camera import Array, Camera
from .painting import LIGHT_DIRECTION, BoxPainter, Canvas, hidden

Image = NDArray[np.uint8]
"""Shape (height, width, 3)."""

SKY_TOP, SKY_BOTTOM = (214, 226, 240), (250, 251, 253)
# Not quite 1.0: PyBullet clears its depth with a rounding error.
EMPTY = np.float32(0.99999)
# A place, m. The plugin bends the shading of boxes, so that half of a floor lies in the dark where
# light comes from the side, and its shadows lag behind by two pictures: so far away, it casts none.
LIGHT_OF_EGL = (0.0, 0.0, 10_000.0)


class Renderer:
    """Draws one world. `with_egl` says that the client has the EGL plugin, see `egl.load`."""

    def __init__(self, client: PhysicsClient, with_egl: bool = False) -> None:
        self._p = client
        self._painter = None if with_egl else BoxPainter(client)

    def picture(self, camera: Camera, width: int, height: int) -> Image:
        """The world before a plain sky."""
        return _as_image(self._draw(camera, width, height).colors)

    def picture_and_depth(
        self, camera: Camera, width: int, height: int, limit_m: float
    ) -> tuple[Image, NDArray[np.float32]]:
        """The same, and how far away each pixel is: shape (height, width, 1), m along the axis of
        view, at most `limit_m`, which is also what the sky has."""
        canvas = self._draw(camera, width, height)
        near, far = camera.near_m, camera.far_m
        # In double precision: the depths of all that is far away are nearly the same number.
        depth = near * far / (far - (far - near) * canvas.depth.astype(np.float64))
        limited: NDArray[np.float32] = depth.clip(0.0, limit_m).astype(np.float32)[..., None]
        return _as_image(canvas.colors), limited

    def _draw(self, camera: Camera, width: int, height: int) -> Canvas:
        client = self._p
        faces = self._painter.faces(camera, width, height) if self._painter else []
        with hidden(client, faces) if faces else nullcontext(), client.quiet():
            _, _, pixels, depth, _ = client.getCameraImage(
                width,
                height,
                _view_matrix(camera),
                _projection_matrix(camera, width, height, centered=self._painter is None),
                lightDirection=LIGHT_DIRECTION if self._painter else LIGHT_OF_EGL,
                # The CPU renderer's shadows leave stripes on large floors.
                shadow=0,
                flags=client.ER_NO_SEGMENTATION_MASK,
            )
        canvas = Canvas(pixels.view(np.uint32)[..., 0], depth)
        for face in faces:
            face.paint(canvas)
        np.copyto(canvas.colors, _sky(height), where=canvas.depth > EMPTY)
        return canvas


def _as_image(colors: NDArray[np.uint32]) -> Image:
    height, width = colors.shape
    return colors.view(np.uint8).reshape(height, width, 4)[..., :3].copy()


@lru_cache(maxsize=8)
def _sky(height: int) -> NDArray[np.uint32]:
    """The colours of the sky, shape (height, 1)."""
    rows = np.full((height, 4), 255, np.uint8)
    rows[:, :3] = np.linspace(SKY_TOP, SKY_BOTTOM, height)
    return rows.view(np.uint32)


def _view_matrix(camera: Camera) -> list[float]:
    """What takes the world into OpenGL's camera frame: x right, y up, z backwards; by columns."""
    matrix = np.eye(4)
    matrix[:3, :3] = camera.right, camera.up, -camera.forward
    matrix[:3, 3] = -matrix[:3, :3] @ camera.eye
    columns: list[float] = matrix.T.ravel().tolist()
    return columns


def _projection_matrix(camera: Camera, width: int, height: int, centered: bool) -> list[float]:
    """OpenGL's, by columns. A pixel shows what is at its middle: GPUs look there (`centered`), the
    CPU renderer at its lower left corner, for which all is moved by half a pixel."""
    tall, near, far = camera.tangent, camera.near_m, camera.far_m
    matrix: Array = np.zeros((4, 4))
    matrix[0, 0], matrix[1, 1] = height / (tall * width), 1 / tall
    if not centered:
        matrix[0, 2], matrix[1, 2] = 1 / width, 1 / height
    matrix[2, 2:] = (near + far) / (near - far), 2 * near * far / (near - far)
    matrix[3, 2] = -1.0
    columns: list[float] = matrix.T.ravel().tolist()
    return columns
