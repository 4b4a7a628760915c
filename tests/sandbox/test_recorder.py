"""What a recorder writes down, decoded again as docs/replay.md says, is what was in the world."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pybullet_data
import pytest

from taskwright.sandbox.recorder import Recorder
from taskwright.sandbox.recording import Part, Shape
from taskwright.world.client.client import PhysicsClient
from taskwright.world.robot import load_urdf

RED, BLUE = (1.0, 0.0, 0.0, 1.0), (0.0, 0.0, 1.0, 1.0)
WEDGE = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
WEDGE_FACES = [0, 2, 1, 0, 1, 3, 0, 3, 2, 1, 2, 3]
NOBODY = -1


@pytest.fixture
def world() -> Any:
    client = PhysicsClient()
    recorder = Recorder(client)
    client.setGravity(0, 0, -9.8)
    yield client, recorder
    client.disconnect()


def decoded(part: Part) -> np.ndarray:
    """Poses in m and as quaternions, shape (frames, 7)."""
    columns = [
        np.cumsum(column) if len(column) > 1 else np.full(part.frames, column[0])
        for column in part.poses
    ]
    return np.array(columns).T * ([0.001] * 3 + [0.0001] * 4)


def box(client: PhysicsClient, mass: float = 0.0, **keywords: Any) -> int:
    shape = client.createVisualShape(client.GEOM_BOX, halfExtents=[0.1, 0.2, 0.3], rgbaColor=RED)
    body: int = client.createMultiBody(mass, -1, shape, **keywords)
    return body


def only_shape(recorder: Recorder) -> Shape:
    recorder.look(NOBODY)
    (part,) = recorder.parts
    (shape,) = part.shapes
    return shape


def test_poses_are_those_of_the_world(world: Any) -> None:
    client, recorder = world
    body = box(client, 1.0, basePosition=[1, 2, 3])
    client.resetBaseVelocity(body, [1, 0, 5], [3, -7, 2])
    seen = []
    for _ in range(100):
        recorder.look(NOBODY)
        seen.append([*itertools.chain(*client.getBasePositionAndOrientation(body))])
        client.stepSimulation()
    poses = decoded(recorder.parts[0].finished())
    assert np.abs(poses[:, :3] - np.array(seen)[:, :3]).max() < 0.00051
    # A quaternion and its negative are the same turn.
    turned = np.abs(np.sum(poses[:, 3:] * np.array(seen)[:, 3:], axis=1))
    assert np.abs(turned - 1).max() < 0.001
    assert np.abs(np.diff(poses[:, 3:], axis=0)).max() < 0.2, "no jumps between equal turns"


def test_what_stands_still_takes_seven_numbers(world: Any) -> None:
    client, recorder = world
    box(client, basePosition=[1, 2, 3])
    for _ in range(50):
        recorder.look(NOBODY)
    part = recorder.parts[0].finished()
    assert part.poses == ((1000,), (2000,), (3000,), (0,), (0,), (0,), (10000,))
    assert (part.first, part.frames) == (0, 50)


def test_what_flies_off_the_world_stays_where_it_was(world: Any) -> None:
    client, recorder = world
    body = box(client, basePosition=[1, 2, 3])
    recorder.look(NOBODY)
    for place in ([float("nan")] * 3, [1e9, 0, 0]):
        client.resetBasePositionAndOrientation(body, place, [0, 0, 0, 1])
        recorder.look(NOBODY)
    assert decoded(recorder.parts[0].finished())[:, :3] == pytest.approx(
        np.array([[1, 2, 3]] * 3), abs=0.001
    )


def test_frames_of_parts_are_those_of_their_shapes_and_not_of_their_masses(world: Any) -> None:
    client, recorder = world
    body = box(client, 1.0, basePosition=[0, 0, 1], baseInertialFramePosition=[0, 0, 0.4])
    client.resetBasePositionAndOrientation(body, [0, 0, 5], [1, 0, 0, 0])
    recorder.look(NOBODY)
    # Turned over about its centre of mass, which is 0.4 m above its own frame.
    assert decoded(recorder.parts[0].finished())[0, :3] == pytest.approx([0, 0, 5.4], abs=0.001)


def test_bodies_appear_vanish_and_give_their_numbers_to_others(world: Any) -> None:
    client, recorder = world
    first = box(client)
    recorder.look(NOBODY)
    client.removeBody(first)
    ball = client.createVisualShape(client.GEOM_SPHERE, radius=0.5)
    assert client.createMultiBody(0.0, -1, ball) == first
    recorder.look(NOBODY)
    late = box(client)
    recorder.look(NOBODY)
    client.removeBody(late)
    recorder.look(NOBODY)
    parts = [part.finished() for part in recorder.parts]
    lives = [(part.shapes[0].kind, part.first, part.frames) for part in parts]
    assert lives == [("box", 0, 1), ("sphere", 1, 3), ("box", 2, 1)]


def test_changes_of_colour_are_told_and_what_is_never_seen_is_known(world: Any) -> None:
    client, recorder = world
    lamp, ghost = box(client), box(client)
    client.changeVisualShape(ghost, -1, rgbaColor=[1, 1, 1, 0])
    recorder.look(NOBODY)
    client.changeVisualShape(lamp, -1, rgbaColor=BLUE)
    recorder.look(NOBODY)
    recorder.look(NOBODY)
    client.changeVisualShape(lamp, -1, rgbaColor=RED)
    recorder.look(NOBODY)
    parts = recorder.parts
    assert parts[0].finished().colors == ((1, 0, BLUE), (3, 0, RED))
    assert parts[0].shapes[0].color == RED
    assert [part.is_ever_seen for part in parts] == [True, False]


@pytest.mark.parametrize("flat_caps", [True, False])
def test_a_cylinder_is_told_as_one_however_it_is_drawn(world: Any, flat_caps: bool) -> None:
    client, recorder = world
    client.flat_caps = flat_caps
    frame = {"visualFramePosition": [0, 0, 1]}
    disc = client.createVisualShape(client.GEOM_CYLINDER, radius=0.7, length=0.2, **frame)
    client.createMultiBody(0.0, -1, disc)
    shape = only_shape(recorder)
    assert (shape.kind, shape.size[:2], shape.position) == ("cylinder", (0.2, 0.7), (0, 0, 1))


def test_what_has_no_looks_of_its_own_is_seen_as_what_is_solid(world: Any) -> None:
    client, recorder = world
    solid = client.createCollisionShape(client.GEOM_CAPSULE, radius=0.1, height=0.6)
    client.createMultiBody(1.0, solid)
    shape = only_shape(recorder)
    assert (shape.kind, shape.size[:2]) == ("capsule", (0.6, 0.1))


def corners(recorder: Recorder, shape: Shape) -> np.ndarray:
    """Of a mesh in the frame of its part, shape (n, 3)."""
    assert shape.mesh is not None
    vertices = np.array(recorder.meshes[shape.mesh].vertices).reshape(-1, 3)
    return vertices * shape.size + shape.position


def test_a_mesh_keeps_its_vertices_size_and_place(world: Any) -> None:
    client, recorder = world
    keywords = {"meshScale": [2, 3, 4], "visualFramePosition": [0, 0, 1]}
    for _ in range(2):
        look = client.createVisualShape(
            client.GEOM_MESH, vertices=WEDGE, indices=WEDGE_FACES, **keywords
        )
    client.createMultiBody(0.0, -1, look)
    client.createMultiBody(0.0, -1, look, [5, 0, 0])
    recorder.look(NOBODY)
    shape = recorder.parts[0].shapes[0]
    assert corners(recorder, shape) == pytest.approx(np.array(WEDGE) * [2, 3, 4] + [0, 0, 1])
    (mesh,) = recorder.meshes
    assert mesh.triangles == tuple(WEDGE_FACES)
    assert recorder.parts[1].shapes[0].mesh == shape.mesh, "what is the same is told once"


def test_a_solid_mesh_without_faces_is_told_as_points(world: Any) -> None:
    client, recorder = world
    solid = client.createCollisionShape(client.GEOM_MESH, vertices=WEDGE, meshScale=[2, 2, 2])
    client.createMultiBody(1.0, solid)
    shape = only_shape(recorder)
    assert corners(recorder, shape) == pytest.approx(np.array(WEDGE) * 2.0)
    assert recorder.meshes[0].triangles == ()


def test_a_height_field_lies_where_bodies_touch_it(world: Any) -> None:
    client, recorder = world
    rows, columns = 4, 3
    heights = np.random.default_rng(1).uniform(0, 2, rows * columns)
    field = client.createCollisionShape(
        client.GEOM_HEIGHTFIELD,
        heightfieldData=heights.tolist(),
        numHeightfieldRows=rows,
        numHeightfieldColumns=columns,
        meshScale=[0.5, 0.8, 1.5],
    )
    client.createMultiBody(0.0, field)
    shape = only_shape(recorder)
    places = corners(recorder, shape)
    for x, y, z in places:
        # A hair inside, since a ray along the rim misses.
        x, y = 0.999 * x, 0.999 * y
        _, _, _, hit, _ = client.rayTest([x, y, 9], [x, y, -9])[0]
        assert hit[2] == pytest.approx(z, abs=0.02)


def test_models_from_files_have_their_looks(world: Any) -> None:
    client, recorder = world
    root = pybullet_data.getDataPath()
    client.loadURDF(f"{root}/plane.urdf")
    client.loadURDF(f"{root}/duck_vhacd.urdf")
    recorder.look(NOBODY)
    plane, duck = (part.shapes[0] for part in recorder.parts)
    low, high = corners(recorder, plane).min(axis=0), corners(recorder, plane).max(axis=0)
    assert (high - low)[:2] == pytest.approx([200, 200])
    assert duck.kind == "mesh"
    assert len(recorder.meshes[1].triangles) > 1000


def test_the_robot_is_told_from_other_bodies(world: Any) -> None:
    client, recorder = world
    robot_id = load_urdf(client, "ant", [0, 0, 1])
    box(client)
    recorder.look(robot_id)
    robots = [part.robot for part in recorder.parts]
    assert robots == [True] * 13 + [False]


@pytest.fixture
def links(world: Any) -> Callable[[], int]:
    client, _ = world

    def make() -> int:
        look = client.createVisualShape(client.GEOM_SPHERE, radius=0.1)
        body: int = client.createMultiBody(
            1.0,
            -1,
            look,
            linkMasses=[1.0],
            linkCollisionShapeIndices=[-1],
            linkVisualShapeIndices=[look],
            linkPositions=[[0, 0, 1]],
            linkOrientations=[[0, 0, 0, 1]],
            linkInertialFramePositions=[[0, 0, 0.3]],
            linkInertialFrameOrientations=[[0, 0, 0, 1]],
            linkParentIndices=[0],
            linkJointTypes=[client.JOINT_PRISMATIC],
            linkJointAxis=[[0, 0, 1]],
        )
        return body

    return make


def test_links_move_with_their_joints(world: Any, links: Callable[[], int]) -> None:
    client, recorder = world
    body = links()
    recorder.look(NOBODY)
    client.resetJointState(body, 0, 0.5)
    recorder.look(NOBODY)
    base, link = (decoded(part.finished()) for part in recorder.parts)
    assert base[:, 2] == pytest.approx([0, 0])
    assert link[:, 2] == pytest.approx([1, 1.5])
