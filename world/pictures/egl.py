"""Drawing on the GPU: PyBullet's EGL plugin, where there is one and it works.

The plugin ends the process where it finds no display device. So it is tried in a process of its own
first, once. It also mixes up worlds: one that draws finds its colours in the device of another. So
a process has one such world at a time.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import weakref
from dataclasses import dataclass
from functools import lru_cache

from ..client.bullet import without_words
from ..client.client import PhysicsClient

RENDERERS = ("cpu", "egl", "auto")
REMEDY = (
    'use renderer="cpu", or install the GPU\'s driver with its EGL library '
    "(for drawing in software: apt-get install libegl1 libgl1-mesa-dri)"
)
TRIAL_TIMEOUT_S = 60.0
_ON_CPU = ("llvmpipe", "softpipe", "swrast", "software")
# A red box must be seen by a camera in front of it.
_TRIAL = """
import sys
import pybullet as p
world = p.connect(p.DIRECT)
if p.loadPlugin(sys.argv[1], "_eglRendererPlugin") < 0:
    sys.exit("the plugin cannot be loaded")
shape = p.createVisualShape(p.GEOM_BOX, halfExtents=[1, 1, 1], rgbaColor=[1, 0, 0, 1])
p.createMultiBody(0, -1, shape)
view = p.computeViewMatrix([0, -4, 0], [0, 0, 0], [0, 0, 1])
projection = p.computeProjectionMatrixFOV(45, 1, 0.1, 10)
red, green, blue, _ = p.getCameraImage(64, 64, view, projection)[2][32, 32].tolist()
if red <= green + blue:
    sys.exit(f"a red box came out as {red}, {green}, {blue}")
print("\\nDRAWN")
"""


@dataclass(frozen=True)
class Egl:
    """What was found: `device` is the OpenGL renderer's name, empty where `fault` says why not."""

    device: str
    fault: str

    @property
    def with_gpu(self) -> bool:
        """Whether it is hardware that draws, not Mesa on the CPU."""
        return bool(self.device) and not any(name in self.device.lower() for name in _ON_CPU)


@lru_cache(maxsize=1)
def find() -> Egl:
    """Try to draw with EGL, in another process; the answer is kept."""
    plugin = _plugin()
    if plugin is None:
        return Egl("", "PyBullet was built without its EGL plugin")
    try:
        trial = subprocess.run(
            [sys.executable, "-c", _TRIAL, plugin],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TRIAL_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return Egl("", f"no picture came in {TRIAL_TIMEOUT_S:.0f} s")
    except OSError as error:
        return Egl("", f"no process can be started to try it ({error})")
    lines = trial.stdout.splitlines()
    if trial.returncode == 0 and "DRAWN" in lines:
        names = [line.partition("=")[2] for line in lines if line.startswith("GL_RENDERER=")]
        return Egl(names[0] if names else "a device without a name", "")
    said = [line for line in (trial.stderr + trial.stdout).splitlines() if line.strip()]
    said = [line for line in said if not line.startswith("pybullet build time")]
    return Egl("", f"the plugin found no device ({said[-1]})" if said else "the plugin died")


def wanted(renderer: str) -> bool:
    """Whether to draw with EGL. "auto" does where a GPU does the drawing: Mesa's software is
    slower than PyBullet's own.

    Raises ValueError for an unknown name, for "egl" where it does not work, and while another
    world of this process draws with it.
    """
    if renderer not in RENDERERS:
        raise ValueError(f"renderer is {renderer!r}; it must be one of {', '.join(RENDERERS)}.")
    if renderer == "cpu":
        return False
    found = find()
    if renderer == "auto" and not found.with_gpu:
        return False
    if not found.device:
        raise ValueError(f'renderer "egl" does not work here: {found.fault}. Remedy: {REMEDY}.')
    other = _drawing() if _drawing else None
    if other is not None and other.client_id >= 0:
        raise ValueError(
            "Another environment of this process draws with EGL, and PyBullet's plugin mixes two "
            'up. Close that one first, give each a process of its own, or use renderer="cpu".'
        )
    return True


_drawing: weakref.ref[PhysicsClient] | None = None


def load(client: PhysicsClient) -> None:
    """Let a client draw with EGL from now on, where it is `wanted`; it must have no bodies yet."""
    global _drawing
    with without_words():
        plugin = client.loadPlugin(_plugin(), "_eglRendererPlugin")
    if plugin < 0:
        raise ValueError(f"The EGL plugin cannot be loaded. Remedy: {REMEDY}.")
    client.with_egl = True
    # It leaves out meshes that are made of vertices.
    client.flat_caps = False
    _drawing = weakref.ref(client)


def _plugin() -> str | None:
    spec = importlib.util.find_spec("eglRenderer")
    return spec.origin if spec else None
