"""Writes `ant.urdf` and `humanoid.urdf` from the MuJoCo models that come with PyBullet, and a plain
twin of every robot.

Why not load those models themselves: PyBullet makes of each of their bodies a chain of links
without mass, one per joint, with the body fixed to its end, and of each capsule a shape that is
slow to collide. Here a body is the last link of its chain, and a capsule is a capsule. Masses,
inertias, friction, joints and shapes are taken over as PyBullet has them after loading, so that the
robot moves as before, only faster; `tests/world/test_walkers.py` compares the two.

Why twins: PyBullet makes a mesh of everything that can be seen, for links without looks of their
collision shapes, which takes most of the time that a robot takes to load. In `*_plain.urdf` each
link looks like a box of 1 cm; worlds of which no pictures are made load that one.

    python docs/make_robots.py
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pybullet
import pybullet_data

ASSETS = Path(__file__).parents[1] / "world" / "robots" / "assets"
MODELS = {"ant": "ant.xml", "humanoid": "humanoid_symmetric.xml"}
FLAGS = pybullet.URDF_USE_SELF_COLLISION | pybullet.URDF_USE_SELF_COLLISION_EXCLUDE_ALL_PARENTS
COLORS = {
    "ant": {"torso": "0.86 0.55 0.3 1", "limb": "0.9 0.64 0.4 1", "foot": "0.75 0.42 0.22 1"},
    "humanoid": {"torso": "0.36 0.52 0.7 1", "limb": "0.8 0.66 0.52 1", "foot": "0.25 0.3 0.38 1"},
}

Pose = tuple[Any, Any]
"""Position (3) and quaternion (x, y, z, w)."""
ORIGIN: Pose = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0))


@dataclass
class Shape:
    """A sphere where `length` is 0, else a capsule along the z axis of its pose."""

    pose: Pose
    radius: float
    length: float


@dataclass
class Link:
    name: str
    parent: int
    joint: Any
    """What `getJointInfo` says; None for the base."""
    pose: Pose
    """In the frame of its parent."""
    dynamics: Any
    """What `getDynamicsInfo` says."""
    inertial: Pose
    shapes: list[Shape] = field(default_factory=list)

    @property
    def is_fixed(self) -> bool:
        return self.joint is not None and self.joint[2] == pybullet.JOINT_FIXED


def times(a: Pose, b: Pose) -> Pose:
    return tuple(pybullet.multiplyTransforms(*a, *b))


def read_shapes(model: ElementTree.Element) -> dict[str, list[Shape]]:
    """The shapes of each body, in the frame of the body."""
    return {
        body.get("name", ""): [read_shape(geom) for geom in body.findall("geom")]
        for body in model.iter("body")
    }


def read_shape(geom: ElementTree.Element) -> Shape:
    radius = float(geom.get("size", "").split()[0])
    if geom.get("type") == "sphere":
        position = tuple(map(float, geom.get("pos", "0 0 0").split()))
        return Shape((position, ORIGIN[1]), radius, 0.0)
    ends = np.array(geom.get("fromto", "").split(), dtype=float).reshape(2, 3)
    along = ends[1] - ends[0]
    length = float(np.linalg.norm(along))
    # The shortest rotation that brings the z axis to the capsule's.
    axis = np.cross([0, 0, 1], along)
    axis = axis if axis.any() else np.array([1.0, 0.0, 0.0])
    rotation = pybullet.getQuaternionFromAxisAngle(axis.tolist(), math.acos(along[2] / length))
    return Shape((tuple(ends.mean(axis=0)), rotation), radius, length)


def read_links(path: Path) -> list[Link]:
    """The links as PyBullet has them, the base first."""
    client = pybullet.connect(pybullet.DIRECT)
    (robot,) = pybullet.loadMJCF(str(path), flags=FLAGS)
    shapes = read_shapes(ElementTree.parse(path).getroot())
    base_name = pybullet.getBodyInfo(robot)[0].decode()
    links: list[Link] = []
    for index in range(-1, pybullet.getNumJoints(robot)):
        dynamics = pybullet.getDynamicsInfo(robot, index)
        inertial = dynamics[3:5]
        if index < 0:
            links.append(Link(base_name, -1, None, ORIGIN, dynamics, ORIGIN))
        else:
            joint = pybullet.getJointInfo(robot, index)
            parent = joint[16] + 1
            # PyBullet gives the joint in the frame of its parent's centre of mass.
            position, rotation = joint[14:16]
            rotation = pybullet.invertTransform((0, 0, 0), rotation)[1]
            pose = times(links[parent].inertial, (position, rotation))
            links.append(Link(joint[12].decode(), parent, joint, pose, dynamics, inertial))
        links[-1].shapes = shapes.get(links[-1].name, [])
        if index < 0:
            # PyBullet places a model by its base's centre of mass, as if that were the base's
            # origin: the shapes of the humanoid's torso are 0.12 m higher than the model says.
            for shape in links[-1].shapes:
                shape.pose = times(pybullet.invertTransform(*inertial), shape.pose)
    pybullet.disconnect(client)
    return links


def merge(links: list[Link]) -> list[Link]:
    """Every body becomes the last link of its chain of joints."""
    into: dict[int, Link] = {}
    for index, link in enumerate(links):
        before = links[link.parent]
        if not (link.is_fixed and before.dynamics[0] == 0.0):
            into[index] = link
            continue
        before.name, before.dynamics = link.name, link.dynamics
        before.inertial = times(link.pose, link.inertial)
        for shape in link.shapes:
            shape.pose = times(link.pose, shape.pose)
        before.shapes = link.shapes
        for child in links:
            if child.parent == index:
                child.parent, child.pose = link.parent, times(link.pose, child.pose)
    kept = sorted(into)
    for index in kept[1:]:
        into[index].parent = kept.index(into[index].parent)
    return [into[index] for index in kept]


def write(robot: str, links: list[Link]) -> str:
    source = f"{MODELS[robot]} of PyBullet's mjcf folder"
    lines = [
        '<?xml version="1.0"?>',
        f"<!-- Made from {source} by docs/make_robots.py; do not edit by hand. -->",
        f'<robot name="{robot}">',
    ]
    for link in links:
        lines += [f'  <link name="{link.name}">', *_inertial(link)]
        color = COLORS[robot][_kind(link.name)]
        for shape in link.shapes:
            lines += _shape("visual", shape, color) + _shape("collision", shape, None)
        lines.append("  </link>")
    for link in links[1:]:
        lines += _joint(link, links[link.parent].name)
    return "\n".join([*lines, "</robot>", ""])


def _kind(name: str) -> str:
    if "foot" in name:
        return "foot"
    limbs = ("leg", "aux", "thigh", "shin", "arm")
    return "limb" if any(part in name for part in limbs) else "torso"


def _numbers(values: Any) -> str:
    return " ".join(f"{value:.9g}" for value in np.round(values, 12) + 0.0)


def _origin(pose: Pose) -> str:
    euler = pybullet.getEulerFromQuaternion(pose[1])
    return f'<origin xyz="{_numbers(pose[0])}" rpy="{_numbers(euler)}"/>'


def _inertial(link: Link) -> list[str]:
    mass, friction, inertia = link.dynamics[:3]
    rolling, spinning = link.dynamics[6:8]
    moments = zip(("ixx", "iyy", "izz"), inertia, strict=True)
    diagonal = " ".join(f'{name}="{value:.9g}"' for name, value in moments)
    return [
        f'    <contact><lateral_friction value="{friction:g}"/>'
        f'<rolling_friction value="{rolling:g}"/>'
        f'<spinning_friction value="{spinning:g}"/></contact>',
        f'    <inertial>{_origin(link.inertial)}<mass value="{mass:.9g}"/>'
        f'<inertia {diagonal} ixy="0" ixz="0" iyz="0"/></inertial>',
    ]


def _shape(kind: str, shape: Shape, color: str | None) -> list[str]:
    form = (
        f'<capsule radius="{shape.radius:g}" length="{shape.length:.9g}"/>'
        if shape.length
        else f'<sphere radius="{shape.radius:g}"/>'
    )
    look = f'<material name="{color}"><color rgba="{color}"/></material>' if color else ""
    return [f"    <{kind}>{_origin(shape.pose)}<geometry>{form}</geometry>{look}</{kind}>"]


def _joint(link: Link, parent: str) -> list[str]:
    joint = link.joint
    kind = "fixed" if link.is_fixed else "revolute"
    lines = [
        f'  <joint name="{joint[1].decode()}" type="{kind}">',
        f'    {_origin(link.pose)}<parent link="{parent}"/><child link="{link.name}"/>',
    ]
    if not link.is_fixed:
        lines += [
            f'    <axis xyz="{_numbers(joint[13])}"/>',
            f'    <limit lower="{joint[8]:.9g}" upper="{joint[9]:.9g}" effort="0" velocity="0"/>',
            f'    <dynamics damping="{joint[6]:g}" friction="{joint[7]:g}"/>',
        ]
    return [*lines, "  </joint>"]


def plain(urdf: str) -> str:
    """The same robot with a box of 1 cm as the looks of each link."""
    bare = re.sub(r"\n *<visual>.*?</visual>", "", urdf, flags=re.DOTALL)
    box = '<visual><geometry><box size="0.01 0.01 0.01"/></geometry></visual>'
    bare = re.sub(r"\n *<material .*?</material>", "", bare)
    return re.sub(r"(\n *</link>)", rf"\n    {box}\1", bare)


def main() -> None:
    for robot, model in MODELS.items():
        links = read_links(Path(pybullet_data.getDataPath()) / "mjcf" / model)
        merged = merge(links)
        (ASSETS / f"{robot}.urdf").write_text(write(robot, merged), encoding="utf-8")
        print(f"{robot}: {len(links)} links became {len(merged)}")
    for robot in ("r2d2", *MODELS, "panda"):
        looks = (ASSETS / f"{robot}.urdf").read_text(encoding="utf-8")
        (ASSETS / f"{robot}_plain.urdf").write_text(plain(looks), encoding="utf-8")


if __name__ == "__main__":
    main()
