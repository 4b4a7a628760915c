"""Writes `panda.urdf` from the Franka Panda that comes with PyBullet. `make_robots.py` then writes
its plain twin.

Masses, joints and inertias are as PyBullet has them after loading (it computes the inertias from
the shapes, since those in the file are 0.1 throughout). Three things are otherwise:

- What is solid are capsules and boxes around the meshes, which load in a thousandth of the time and
  touch flat faces evenly. The pads of the fingers are boxes where the meshes are flat.
- The links that are fixed to each other at the end of the arm are one, the hand.
- What is seen is what is solid, as of the other robots. Meshes would have to lie beside the file,
  and their pictures take many times as long.

    python docs/make_panda.py && python docs/make_robots.py
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pybullet
import pybullet_data

ASSETS = Path(__file__).parents[1] / "world" / "robots" / "assets"
FOLDER = "franka_panda"
HAND, FLANGE = "panda_hand", "panda_link7"
FLANGE_ABOVE_HAND_M, HAND_TURN_RAD = 0.107, -math.pi / 4
WHITE, DARK = "0.93 0.94 0.95 1", "0.2 0.22 0.26 1"
DARK_LINKS = ("panda_hand", "panda_leftfinger", "panda_rightfinger")
FINGER_FRICTION = 1.5
"""Of rubber pads. With the 0.5 that a body of a task has it makes 0.75. They also resist rolling,
or what is light would turn out of the fingers while these turn."""

Capsule = tuple[tuple[float, float, float], tuple[float, float, float], float]
"""Both ends and the radius, m."""
CAPSULES: dict[str, list[Capsule]] = {
    "panda_link1": [((0, 0, -0.14), (0, 0, 0), 0.055), ((0, -0.075, 0), (0, 0, 0), 0.055)],
    "panda_link2": [((0, 0, 0), (0, 0, 0.075), 0.055), ((0, -0.14, 0), (0, 0, 0), 0.055)],
    "panda_link3": [((0, 0, -0.11), (0, 0, 0), 0.055), ((0.0825, 0, 0), (0.0825, 0.056, 0), 0.055)],
    "panda_link4": [
        ((0, 0, 0), (0, 0, 0.056), 0.055),
        ((-0.0825, 0, 0), (-0.0825, 0.069, 0), 0.055),
    ],
    "panda_link5": [
        ((0, 0, -0.21), (0, 0, -0.19), 0.055),
        ((0, 0.06, -0.18), (0, 0.075, 0), 0.045),
    ],
    "panda_link6": [((0, 0, 0), (0, 0.03, 0), 0.05), ((0.088, 0, 0), (0.088, 0.032, 0), 0.047)],
}
Box = tuple[tuple[float, float, float], tuple[float, float, float]]
"""The lowest and the highest corner, m."""
BOXES: dict[str, list[Box]] = {
    "panda_link0": [((-0.154, -0.0946, 0.0), (0.0716, 0.0947, 0.14))],
    "panda_hand": [
        ((-0.0316, -0.102, -0.026), (0.0316, 0.102, 0.066)),
        ((-0.05, -0.05, -0.055), (0.05, 0.05, 0.0)),
    ],
    "panda_leftfinger": [
        ((-0.0105, 0.0066, 0.0), (0.0105, 0.0264, 0.036)),
        ((-0.0088, 0.0, 0.036), (0.0088, 0.0146, 0.0538)),
    ],
}
BOXES["panda_rightfinger"] = [
    ((a[0], -b[1], a[2]), (b[0], -a[1], b[2])) for a, b in BOXES["panda_leftfinger"]
]
LINKS = BOXES.keys() | CAPSULES.keys()


def _numbers(values: Any) -> str:
    return " ".join(f"{value:.9g}" for value in np.round(values, 9) + 0.0)


def _inertial(mass: float, center: Any, inertia: Any) -> str:
    names = ("ixx", "ixy", "ixz", "iyy", "iyz", "izz")
    upper = np.asarray(inertia)[np.triu_indices(3)]
    diagonal = " ".join(f'{name}="{value:.6g}"' for name, value in zip(names, upper, strict=True))
    return (
        f'    <inertial><origin xyz="{_numbers(center)}"/><mass value="{mass:g}"/>'
        f"<inertia {diagonal}/></inertial>"
    )


def _shapes(name: str) -> list[str]:
    """What is solid of a link, and what is seen of it."""
    color = DARK if name in DARK_LINKS else WHITE
    lines = []
    for low, high in BOXES.get(name, ()):
        middle, size = np.add(low, high) / 2, np.subtract(high, low)
        box = _placed(middle, (0.0, 0.0, 0.0), f'<box size="{_numbers(size)}"/>')
        lines += [_seen(box, color), _solid(box)]
    for one, other, radius in CAPSULES.get(name, ()):
        along = np.subtract(other, one)
        length = float(np.linalg.norm(along))
        x, y, z = along / length
        # Roll and pitch that bring the z axis to the capsule's.
        turn = (-math.asin(y), math.atan2(x, z), 0.0)
        middle, size = np.add(one, other) / 2, f'radius="{radius:g}" length="{length:.6g}"'
        lines.append(_solid(_placed(middle, turn, f"<capsule {size}/>")))
        # PyBullet draws a capsule with a few corners.
        lines.append(_seen(_placed(middle, turn, f"<cylinder {size}/>"), color))
        ball = f'<sphere radius="{radius:g}"/>'
        lines += [_seen(_placed(end, (0.0, 0.0, 0.0), ball), color) for end in (one, other)]
    return lines


def _placed(middle: Any, turn: Any, form: str) -> str:
    origin = f'<origin xyz="{_numbers(middle)}" rpy="{_numbers(turn)}"/>'
    return f"{origin}<geometry>{form}</geometry>"


def _solid(placed: str) -> str:
    return f"    <collision>{placed}</collision>"


def _seen(placed: str, color: str) -> str:
    look = f'<material name="{color}"><color rgba="{color}"/></material>'
    return f"    <visual>{placed}{look}</visual>"


def main() -> None:
    path = Path(pybullet_data.getDataPath()) / FOLDER / "panda.urdf"
    model = ElementTree.parse(path).getroot()
    client = pybullet.connect(pybullet.DIRECT)
    robot = pybullet.loadURDF(str(path), useFixedBase=True)
    # PyBullet tells nothing of a fixed base. It places one by its centre of mass, so that is where
    # it stands.
    dynamics = {"panda_link0": (2.9, None, (0.02, 0.02, 0.02), (0.0, 0.0, 0.0))}
    for index in range(pybullet.getNumJoints(robot)):
        name = pybullet.getJointInfo(robot, index)[12].decode()
        dynamics[name] = pybullet.getDynamicsInfo(robot, index)[:4]
    pybullet.disconnect(client)
    inertials = {
        name: (mass, np.array(center), np.diag(inertia))
        for name, (mass, _, inertia, center) in dynamics.items()
    }
    # The hand carries the flange, whose frame is turned and further up.
    flange = inertials.pop(FLANGE)
    cosine, sine = math.cos(-HAND_TURN_RAD), math.sin(-HAND_TURN_RAD)
    turn = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    placed = turn @ flange[1] - [0.0, 0.0, FLANGE_ABOVE_HAND_M]
    inertials[HAND] = _together(inertials[HAND], (flange[0], placed, turn @ flange[2] @ turn.T))
    lines = [
        '<?xml version="1.0"?>',
        f"<!-- Made from {FOLDER}/panda.urdf of PyBullet's data by docs/make_panda.py; do not edit"
        " by hand. -->",
        '<robot name="panda">',
    ]
    for name, (mass, center, inertia) in inertials.items():
        if name not in LINKS:
            continue
        lines.append(f'  <link name="{name}">')
        if "finger" in name:
            lines.append(
                f'    <contact><lateral_friction value="{FINGER_FRICTION:g}"/>'
                '<spinning_friction value="0.1"/><rolling_friction value="0.05"/>'
                "<friction_anchor/></contact>"
            )
        lines.append(_inertial(mass, center, inertia))
        lines += [*_shapes(name), "  </link>"]
    for joint in model.findall("joint"):
        lines += _joint(joint)
    urdf = "\n".join([*lines, "</robot>", ""])
    (ASSETS / "panda.urdf").write_text(urdf, encoding="utf-8")


def _joint(joint: ElementTree.Element) -> list[str]:
    if joint.get("type") == "fixed":
        return []
    tags = ("origin", "limit", "axis", "parent", "child")
    origin, limit, axis, parent, child = (_attributes(joint, tag) for tag in tags)
    xyz, rpy, to = origin["xyz"], origin["rpy"], child["link"]
    if to == FLANGE:
        # Its axis is the hand's own, so the hand takes its place, further along and turned.
        position, rotation = pybullet.multiplyTransforms(
            [float(number) for number in xyz.split()],
            pybullet.getQuaternionFromEuler([float(number) for number in rpy.split()]),
            (0.0, 0.0, FLANGE_ABOVE_HAND_M),
            pybullet.getQuaternionFromEuler((0.0, 0.0, HAND_TURN_RAD)),
        )
        xyz, to = _numbers(position), HAND
        rpy = _numbers(pybullet.getEulerFromQuaternion(rotation))
    numbers = " ".join(
        f'{name}="{limit[name]}"' for name in ("lower", "upper", "effort", "velocity")
    )
    return [
        f'  <joint name="{joint.get("name")}" type="{joint.get("type")}">',
        f'    <origin xyz="{xyz}" rpy="{rpy}"/><parent link="{parent["link"]}"/>'
        f'<child link="{to}"/>',
        f'    <axis xyz="{axis["xyz"]}"/><limit {numbers}/>',
        "  </joint>",
    ]


def _attributes(joint: ElementTree.Element, tag: str) -> dict[str, str]:
    found = joint.find(tag)
    assert found is not None, f"{joint.get('name')} has no {tag}"
    return dict(found.attrib)


def _together(one: Any, other: Any) -> Any:
    """Two bodies as one: mass, centre and inertia about it."""
    mass = one[0] + other[0]
    center = (one[0] * one[1] + other[0] * other[1]) / mass
    inertia = np.zeros((3, 3))
    for each, at, own in (one, other):
        way = at - center
        inertia += own + each * (way @ way * np.eye(3) - np.outer(way, way))
    return mass, center, inertia


if __name__ == "__main__":
    main()
