"""Cameras frame what matters by themselves."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from taskwright.generator.composer.recipe import Recipe, compose
from taskwright.world import TaskEnv
from taskwright.world.client.client import PhysicsClient
from taskwright.world.pictures.camera import Camera, ChaseCamera, eye_camera, overview_camera

AHEAD = np.array([1.0, 0.0, 0.0])
STEP_S = 0.066
PICTURE = 4 / 3
ROOT = Path(__file__).parents[3]
CORNERS = np.array(list(itertools.product((False, True), repeat=3)))


@pytest.fixture
def client() -> Iterator[PhysicsClient]:
    client = PhysicsClient()
    yield client
    client.disconnect()


def add_box(client: PhysicsClient, half_extents: list[float], position: list[float]) -> int:
    collision = client.createCollisionShape(client.GEOM_BOX, halfExtents=half_extents)
    visual = client.createVisualShape(client.GEOM_BOX, halfExtents=half_extents)
    body: int = client.createMultiBody(0.0, collision, visual, position)
    return body


def add_robot(client: PhysicsClient, half_extents: list[float] | None = None) -> int:
    """A box in place of a robot: cameras know it by its id and its size."""
    half_extents = half_extents or [0.2, 0.2, 0.5]
    return add_box(client, half_extents, [0.0, 0.0, half_extents[2]])


def spots(camera: Camera, points: np.ndarray) -> np.ndarray:
    """Where points (n, 3) are in the picture: the middle is 0, the rim 1; shape (n, 2)."""
    across, up, depth = camera.axes @ (points - camera.eye).T
    assert (depth > 0).all()
    return np.abs(np.stack([across / PICTURE, up], axis=1) / depth[:, None] / camera.tangent)


def corners(client: PhysicsClient, body: int) -> np.ndarray:
    """Of the box around what is solid of a body, shape (8, 3)."""
    ends = np.array([client.getAABB(body, link) for link in range(-1, client.links[body])])
    return np.where(CORNERS, ends[:, 0].min(axis=0), ends[:, 1].max(axis=0))


def is_ground(client: PhysicsClient, body: int) -> bool:
    width, length = np.sort(np.ptp(corners(client, body), axis=0)[:2])
    return bool(width > 16.0 or length > 80.0)


def size_in_picture(camera: Camera, client: PhysicsClient, body: int) -> float:
    """How much of the picture's height a body is high or wide."""
    across, up, depth = camera.axes @ (corners(client, body) - camera.eye).T
    return float(max(np.ptp(across / depth), np.ptp(up / depth))) / (2 * camera.tangent)


def height_in_picture(camera: Camera, client: PhysicsClient, body: int) -> float:
    """How much of the picture's height a body takes."""
    points = corners(client, body) - camera.eye
    _, up, depth = camera.axes @ points.T
    return float(np.ptp(up / depth)) / (2 * camera.tangent)


# The overview.


@pytest.mark.parametrize(
    "boxes",
    [
        [([8.0, 8.0, 0.5], [0.0, 0.0, -0.5])],
        [([1.0, 1.0, 0.1], [9.0 * n, (-1.0) ** n, 0.0]) for n in range(12)],  # a long course
        [([40.0, 2.0, 0.5], [35.0, 0.0, -0.5])],  # in one piece
        [([0.8, 0.8, 0.1], [2.0, 0.0, float(n)]) for n in range(20)],  # a tower
        [([2.0, 2.0, 0.5], [0.0, 0.0, -0.5]), ([0.8, 15.0, 0.2], [0.0, 17.0, -0.2])],  # a bridge
        [([0.5, 0.5, 15.0], [6.0, 2.0, 15.0])],  # a tall tower
        [([1.0, 1.0, 0.2], [2.0, 0.0, 12.0])],  # high above
        [([0.1] * 3, [(-1.0) ** n * n, 18.0 - n, 0.1]) for n in range(36)],  # a wide field
        [([0.4, 0.4, 0.05], [0.0, 0.0, -0.05]), ([0.02] * 3, [0.4, 0.3, 0.02])],  # a tray
    ],
)
def test_the_overview_holds_the_whole_scene_and_no_more(
    client: PhysicsClient, boxes: list[tuple[list[float], list[float]]]
) -> None:
    bodies = [add_robot(client)] + [add_box(client, *box) for box in boxes]
    camera = overview_camera(client, bodies[0], PICTURE)

    outermost = spots(camera, np.concatenate([corners(client, body) for body in bodies])).max()

    assert outermost < 1.0
    # As near as it can, except that it keeps off the smallest scenes.
    assert outermost > 0.9 or boxes[-1][0] == [0.02] * 3
    assert 0.01 < height_in_picture(camera, client, bodies[0]) < 0.4


@pytest.mark.parametrize("position", [[1.0, 0.0, 0.5], [3.0, 3.0, 0.5], [0.0, -7.0, 0.5]])
def test_the_overview_puts_the_scene_in_the_middle(
    client: PhysicsClient, position: list[float]
) -> None:
    bodies = [add_robot(client), add_box(client, [0.3, 0.3, 0.5], position)]
    camera = overview_camera(client, bodies[0], PICTURE)

    across, up, depth = (
        camera.axes @ (np.concatenate([corners(client, body) for body in bodies]) - camera.eye).T
    )

    for offsets in (across / depth, up / depth):
        assert offsets.max() == pytest.approx(-offsets.min(), rel=0.05)


def test_the_overview_holds_what_can_only_be_seen(client: PhysicsClient) -> None:
    """PyBullet knows bounds of what is solid only."""
    robot = add_robot(client)
    beacon = client.createVisualShape(client.GEOM_CYLINDER, radius=1.0, length=8.0)
    client.createMultiBody(0.0, -1, beacon, [4.0, 1.0, 4.0])
    camera = overview_camera(client, robot, PICTURE)

    rim = [[4 + x, 1 + y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (0.0, 8.0)]
    assert 0.9 < spots(camera, np.concatenate([rim, corners(client, robot)])).max() < 1.0


def test_the_overview_holds_what_hangs_on_joints_and_is_turned(client: PhysicsClient) -> None:
    robot = add_robot(client)
    post, arm = (
        client.createCollisionShape(client.GEOM_BOX, halfExtents=half_extents)
        for half_extents in ([0.1, 0.1, 1.0], [2.0, 0.1, 0.1])
    )
    turned = client.getQuaternionFromEuler([0.0, 0.0, math.pi / 2])
    client.createMultiBody(
        0.0,
        post,
        basePosition=[3.0, 0.0, 1.0],
        baseOrientation=turned,
        linkMasses=[1.0],
        linkCollisionShapeIndices=[arm],
        linkVisualShapeIndices=[-1],
        linkPositions=[[2.0, 0.0, 1.0]],
        linkOrientations=[[0.0, 0.0, 0.0, 1.0]],
        linkInertialFramePositions=[[0.0, 0.0, 0.0]],
        linkInertialFrameOrientations=[[0.0, 0.0, 0.0, 1.0]],
        linkParentIndices=[0],
        linkJointTypes=[client.JOINT_REVOLUTE],
        linkJointAxis=[[0.0, 0.0, 1.0]],
    )
    camera = overview_camera(client, robot, PICTURE)

    tip = np.array([[3.0, 4.0, 2.0]])
    assert 0.8 < spots(camera, tip).max() < 1.0


def test_the_overview_shows_a_far_goal_on_the_ground_and_the_robot(client: PhysicsClient) -> None:
    robot = add_robot(client)
    add_box(client, [150.0, 50.0, 0.5], [100.0, 0.0, -0.5])
    goal = add_box(client, [1.0, 1.0, 3.0], [100.0, 0.0, 3.0])
    camera = overview_camera(client, robot, PICTURE)

    assert spots(camera, np.concatenate([corners(client, b) for b in (robot, goal)])).max() < 1.0
    assert height_in_picture(camera, client, robot) > 0.05


@pytest.mark.parametrize("half_width_m", [9.0, 12.0, 100.0])
def test_a_wide_floor_does_not_make_the_rest_small(
    client: PhysicsClient, half_width_m: float
) -> None:
    robot = add_robot(client)
    add_box(client, [half_width_m, half_width_m, 0.5], [0.0, 0.0, -0.5])
    beacon = add_box(client, [0.3, 0.3, 0.75], [3.0, 1.0, 0.75])
    camera = overview_camera(client, robot, PICTURE)

    assert height_in_picture(camera, client, robot) > 0.15
    assert spots(camera, np.concatenate([corners(client, b) for b in (robot, beacon)])).max() < 1.0


@pytest.mark.parametrize(
    ("half_extents", "position"),
    [
        ([100.0, 100.0, 0.5], [0.0, 0.0, -0.5]),  # a wide floor
        ([0.1, 30.0, 2.0], [20.0, 0.0, 2.0]),  # a long wall
        ([0.5, 0.5, 0.5], [0.0, 0.0, -100.0]),  # put away
        ([0.5, 0.5, 0.5], [500.0, 0.0, 0.5]),  # put away elsewhere
        ([0.5, 0.5, 0.5], [0.0, 0.0, 100.0]),
    ],
)
def test_the_overview_leaves_out_backdrops_and_what_is_put_aside(
    client: PhysicsClient, half_extents: list[float], position: list[float]
) -> None:
    robot = add_robot(client)
    add_box(client, [0.5, 0.5, 0.5], [4.0, 1.0, 0.5])
    without = overview_camera(client, robot, PICTURE)
    add_box(client, half_extents, position)

    assert (overview_camera(client, robot, PICTURE).eye == without.eye).all()


@pytest.mark.parametrize("half_width_m", [6.0, 100.0])
def test_the_overview_leaves_out_what_is_hidden_below_the_ground(
    client: PhysicsClient, half_width_m: float
) -> None:
    robot = add_robot(client)
    add_box(client, [half_width_m, half_width_m, 0.5], [0.0, 0.0, -0.5])
    add_box(client, [0.5, 0.5, 0.5], [4.0, 1.0, 0.5])
    without = overview_camera(client, robot, PICTURE)
    add_box(client, [0.5, 0.5, 0.5], [3.0, 2.0, -10.0])

    assert (overview_camera(client, robot, PICTURE).eye == without.eye).all()


def test_the_overview_leaves_out_what_is_not_drawn(client: PhysicsClient) -> None:
    robot = add_robot(client)
    add_box(client, [0.5, 0.5, 0.5], [4.0, 1.0, 0.5])
    without = overview_camera(client, robot, PICTURE)
    wall = add_box(client, [0.1, 8.0, 2.0], [-10.0, 0.0, 2.0])
    client.changeVisualShape(wall, -1, rgbaColor=[0.0, 0.0, 0.0, 0.0])

    assert overview_camera(client, robot, PICTURE).eye == pytest.approx(without.eye)


def test_the_overview_of_a_robot_alone_has_room_around_it(client: PhysicsClient) -> None:
    robot = add_robot(client)
    add_box(client, [100.0, 100.0, 0.5], [0.0, 0.0, -0.5])
    camera = overview_camera(client, robot, PICTURE)

    assert spots(camera, np.array([[3.5, 3.5, 0.0], [-3.5, 3.5, 0.0], [-3.5, -3.5, 0.0]])).max() < 1
    assert 0.05 < height_in_picture(camera, client, robot) < 0.3


def test_the_overview_looks_from_where_the_robot_is_in_sight(client: PhysicsClient) -> None:
    robot = add_robot(client)
    add_box(client, [8.0, 8.0, 0.5], [0.0, 0.0, -0.5])
    from_behind = overview_camera(client, robot, PICTURE)
    # A high wall between them.
    add_box(client, [0.1, 4.0, 3.0], [-0.5, 0.0, 3.0])

    camera = overview_camera(client, robot, PICTURE)

    middle = [0.0, 0.0, 0.5]
    assert client.rayTest(from_behind.eye.tolist(), middle)[0][0] != robot
    assert client.rayTest(camera.eye.tolist(), middle)[0][0] == robot


FOLDERS = ("examples/tasks/r2d2", "examples/tasks/ant", "tests/tasks/good", "tests/tasks/verdicts")
TASKS = [path for folder in FOLDERS for path in sorted((ROOT / folder).glob("*.py"))]
COURSES = [
    Recipe((), "reach", 6, 1),
    Recipe((), "stars", 4, 2),
    Recipe(("bridge",), "shuttle", 6, 3),
    Recipe(("stairs", "tunnel"), "shadow", 5, 4),
    Recipe(("gaps", "wall", "pillars"), "kick", 6, 5),
]
BEYOND = {"impossible__too_far_for_the_time"}
"""Their goals are out of reach."""


@pytest.mark.parametrize("task", [*TASKS, *COURSES], ids=lambda task: getattr(task, "stem", None))
def test_the_overview_holds_every_body_of_a_task_that_is_no_wide_ground(
    task: Path | Recipe,
) -> None:
    source = task.read_text() if isinstance(task, Path) else compose(task)[1]
    env = TaskEnv(source, render_mode="rgb_array")
    env.reset(seed=1)
    camera, client, robot = env._overview, env.client, env.robot.robot_id
    seen = [corners(client, body) for body in client.links if not is_ground(client, body)]
    if isinstance(task, Path) and task.stem in BEYOND:
        seen = [corners(client, robot)]
    outermost = spots(camera, np.concatenate(seen))

    # PyBullet's bounds of what is turned are a little too wide.
    assert outermost.max() < 0.99
    # The scene fills the picture along one side, or else the robot is as large as it may be.
    robot_share = size_in_picture(camera, client, robot)
    assert outermost.max() > 0.85 or robot_share > 0.1
    assert 0.04 < robot_share < 0.4
    again = overview_camera(client, robot, PICTURE)
    assert (again.eye == camera.eye).all()
    assert (again.forward == camera.forward).all()
    env.close()


# The chase.


@pytest.mark.parametrize(
    "half_extents", [[0.2, 0.2, 0.47], [0.75, 0.75, 0.37], [0.3, 0.2, 0.75], [0.05, 0.05, 0.03]]
)
def test_the_chase_shows_robots_of_any_size_alike(
    client: PhysicsClient, half_extents: list[float]
) -> None:
    robot = add_robot(client, half_extents)
    position = np.array([0.0, 0.0, half_extents[2]])
    camera = ChaseCamera(client, robot, position, AHEAD).camera

    low, high = np.array([0.0, 0.0, 0.0]), np.array([0.0, 0.0, 2 * half_extents[2]])
    assert spots(camera, np.array([low, high])).max() < 0.9
    distance = np.linalg.norm(camera.eye - position)
    assert 3.5 < distance / (2 * max(half_extents)) < 5.0
    assert camera.eye[0] < -max(half_extents)  # from behind
    assert camera.near_m < distance / 10


@pytest.mark.parametrize("height_m", [0.7, 2.0, 8.0])
@pytest.mark.parametrize("gap_m", [0.01, 0.5, 2.0])
def test_the_chase_keeps_on_the_robots_side_of_a_wall(
    client: PhysicsClient, height_m: float, gap_m: float
) -> None:
    robot = add_robot(client)
    add_box(client, [0.1, 5.0, height_m / 2], [-0.3 - gap_m, 0.0, height_m / 2])
    camera = ChaseCamera(client, robot, np.array([0.0, 0.0, 0.5]), AHEAD).camera

    for point in ([0.0, 0.0, 0.5], [0.0, 0.0, 0.95]):
        assert client.rayTest(camera.eye.tolist(), point)[0][0] == robot


def test_the_chase_takes_no_notice_of_small_things(client: PhysicsClient) -> None:
    robot = add_robot(client)
    free = ChaseCamera(client, robot, np.array([0.0, 0.0, 0.5]), AHEAD).camera
    for n in range(1, 4):
        add_box(client, [0.2, 0.2, 0.2], [-0.8 * n, 0.0, 0.5 + 0.35 * n])
    assert (
        ChaseCamera(client, robot, np.array([0.0, 0.0, 0.5]), AHEAD).camera.eye == free.eye
    ).all()


def test_the_chase_does_not_shake_with_the_robot(client: PhysicsClient) -> None:
    robot = add_robot(client)
    position = np.array([0.0, 0.0, 0.5])
    chase = ChaseCamera(client, robot, position, AHEAD)
    headings = []
    for step in range(60):
        yaw = 0.4 * (-1) ** step
        chase.follow(position, np.array([math.cos(yaw), math.sin(yaw), 0.0]), STEP_S)
        forward = chase.camera.forward
        headings.append(math.atan2(forward[1], forward[0]))

    assert np.ptp(headings[20:]) < 0.2 * 0.8


def test_the_chase_comes_round_when_the_robot_has_turned(client: PhysicsClient) -> None:
    robot = add_robot(client)
    chase = ChaseCamera(client, robot, np.array([0.0, 0.0, 0.5]), AHEAD)
    there = np.array([5.0, 2.0, 1.5])
    for _ in range(60):
        chase.follow(there, -AHEAD, STEP_S)

    client.resetBasePositionAndOrientation(robot, there, [0, 0, 0, 1])
    expected = ChaseCamera(client, robot, there, -AHEAD).camera
    assert chase.camera.eye == pytest.approx(expected.eye, abs=0.05)
    assert chase.camera.forward == pytest.approx(expected.forward, abs=0.01)


def test_the_chase_keeps_its_direction_while_the_robot_faces_the_sky(
    client: PhysicsClient,
) -> None:
    robot = add_robot(client)
    chase = ChaseCamera(client, robot, np.array([0.0, 0.0, 0.5]), AHEAD)
    before = chase.camera.eye
    for step in range(30):
        upwards = np.array([1e-3 * (-1) ** step, 1e-3, 1.0])
        chase.follow(np.array([0.0, 0.0, 0.5]), upwards, STEP_S)
    assert chase.camera.eye == pytest.approx(before, abs=0.05)


# The eye.


@pytest.mark.parametrize("aspect", [0.25, 1.0, 4.0])
def test_the_eye_spans_90_degrees_on_the_longer_side(aspect: float) -> None:
    camera = eye_camera(np.zeros(3), np.eye(3), (0.1, 0.0, 0.2), aspect)
    longer = max(camera.tangent, camera.tangent * aspect)
    assert math.degrees(2 * math.atan(longer)) == pytest.approx(90.0)


def test_the_eye_turns_and_tilts_with_the_robot(client: PhysicsClient) -> None:
    facing = client.getQuaternionFromEuler([0.0, 0.0, math.pi / 2])
    rotation = np.array(client.getMatrixFromQuaternion(facing)).reshape(3, 3)
    camera = eye_camera(np.array([1.0, 2.0, 3.0]), rotation, (0.1, 0.0, 0.2), 1.0)

    assert camera.eye == pytest.approx([1.0, 2.1, 3.2])
    assert camera.forward == pytest.approx([0.0, 1.0, 0.0])
    assert camera.right == pytest.approx([1.0, 0.0, 0.0])
    assert camera.up == pytest.approx([0.0, 0.0, 1.0])


def test_an_eye_that_looks_down_has_what_is_ahead_on_top() -> None:
    camera = eye_camera(np.zeros(3), np.eye(3), (0.0, 0.0, 1.0), 1.0, pitch_deg=-90.0)
    assert camera.forward == pytest.approx([0.0, 0.0, -1.0])
    assert camera.up == pytest.approx([1.0, 0.0, 0.0])
