"""A person plays a task in a real browser, and what they have done is kept only where it may be."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from processes import SANDBOXED, descendants, is_running
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from websockets.sync.client import connect

from taskwright.archive.demonstrations import dataset_id
from taskwright.archive.feedback import FILE_NAME, Feedback
from taskwright.archive.store import Archive
from taskwright.browser import play
from taskwright.browser.app import create_app
from taskwright.sandbox.session import walk_through
from taskwright.task import Idea, Record, Task
from taskwright.world.robots import robot_class

ORIGIN = {"origin": "http://localhost"}


@pytest.fixture
def run_dir(tmp_path: Path, easy_source: str, make_record: Callable[..., Record]) -> Path:
    """A run with one task that is done by driving ahead, one that hangs and one without code."""
    with Archive.create_or_open(tmp_path) as archive:
        hanging = easy_source.replace(
            "x = self.robot", "while self.dt: pass\n        x = self.robot"
        )
        for number, source in enumerate([easy_source, hanging, None], 1):
            archive.start_journey()
            task = Task(source) if source else None
            status = "learned" if task else "broken"
            archive.add(make_record(number, status, title="Drive ahead", task=task))
    return tmp_path


@pytest.fixture
def client(run_dir: Path) -> Iterator[TestClient]:
    with TestClient(create_app(run_dir, feedback=True), base_url="http://localhost") as client:
        yield client


def drive_to_success(socket: Any) -> dict[str, Any]:
    socket.send_json({"restart": True, "seed": 4})
    assert socket.receive_json()["kind"] == "episode"
    socket.send_json({"held": ["forward"], "pressed": ["forward"], "serial": 1})
    while not (message := socket.receive_json())["frame"]["success"]:
        assert message["kind"] == "frame"
    return message


def test_a_scripted_run_of_keys_ends_in_success_and_is_kept(
    page: Page, serve: Callable[..., str], run_dir: Path, easy_source: str
) -> None:
    url = serve(run_dir, feedback=True)
    # Small, since the processor draws.
    page.set_viewport_size({"width": 640, "height": 480})
    page.goto(f"{url}/play/1")
    page.wait_for_selector("#play[data-state=ready]")
    before = page.locator("canvas").screenshot()
    assert page.locator("[data-part=now]").inner_text() == "0.00"
    page.keyboard.down("ArrowUp")
    page.wait_for_selector("#play[data-state=success]")
    page.keyboard.up("ArrowUp")
    assert page.locator("canvas").screenshot() != before
    assert page.locator("[data-part=terms] th").all_inner_texts() == ["ahead", "energy penalty"]
    assert float(page.locator("[data-part=sum]").inner_text()) > 0
    assert "Done in" in page.locator("[data-part=text]").inner_text()
    latencies = json.loads(page.locator("#play").get_attribute("data-latencies") or "[]")
    assert latencies, "the page measures how soon a key is seen"
    page.keyboard.press("k")
    page.get_by_text("Stored: played to success 1 time").wait_for()
    with Feedback.open(run_dir) as feedback:
        (kept,) = feedback.demonstrations(Task(easy_source).task_id)
    assert kept.success
    assert walk_through(easy_source, kept.seed, kept.actions, kept.action_repeat).success
    page.goto(f"{url}/play")
    assert page.locator(".play-solved").all_text_contents() == ["done by hand"]
    page.goto(f"{url}/task/1")
    assert page.get_by_text("A person has done it").count() == 1


@pytest.mark.slow
def test_touch_buttons_drive_and_restart_begins_the_same_episode(
    page: Page, serve: Callable[..., str], run_dir: Path
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{serve(run_dir)}/play/1")
    page.wait_for_selector("#play[data-state=ready]")
    seed = page.locator("[data-part=seed]").inner_text()
    button = page.locator("[data-control=forward]")
    button.hover()
    page.mouse.down()
    page.wait_for_selector("#play[data-state=running]")
    expect(page.locator("[data-part=hud]")).to_contain_text(re.compile(r"[1-9]\.\d m/s"))
    page.mouse.up()
    page.locator(".play-buttons [data-do=again]").click()
    page.wait_for_selector("#play[data-state=ready]")
    assert page.locator("[data-part=seed]").inner_text() == seed
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"


def test_without_permission_nothing_is_kept(run_dir: Path) -> None:
    with TestClient(create_app(run_dir), base_url="http://localhost") as client:
        assert 'data-keeps="no"' in client.get("/play/1").text
        with client.websocket_connect("ws://localhost/play/1/socket", headers=ORIGIN) as socket:
            drive_to_success(socket)
            socket.send_json({"keep": True})
            # The next thing it says is about what is asked next: there was no answer to that.
            socket.send_json({"restart": True, "seed": 4})
            assert socket.receive_json()["kind"] == "episode"
    assert not (run_dir / FILE_NAME).exists()


def test_only_a_success_can_be_kept_and_only_once(client: TestClient, run_dir: Path) -> None:
    with client.websocket_connect("ws://localhost/play/1/socket", headers=ORIGIN) as socket:
        socket.send_json({"restart": True, "seed": 4})
        socket.receive_json()
        socket.send_json({"keep": True})
        drive_to_success(socket)
        socket.send_json({"keep": True})
        assert socket.receive_json()["kind"] == "kept"
        socket.send_json({"keep": True})
        drive_to_success(socket)
    with Feedback.open(run_dir) as feedback:
        assert len(feedback.demonstrations()) == 1


def test_without_minari_a_demonstration_is_kept_and_what_is_missing_is_said(
    client: TestClient, run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "minari", None)
    with client.websocket_connect("ws://localhost/play/1/socket", headers=ORIGIN) as socket:
        drive_to_success(socket)
        socket.send_json({"keep": True})
        assert "pip install taskwright[demonstrations]" in socket.receive_json()["text"]
    with Feedback.open(run_dir) as feedback:
        assert len(feedback.demonstrations()) == 1
    assert not (run_dir / "demonstrations").exists()


@pytest.mark.slow
def test_demonstrations_are_a_minari_dataset(
    client: TestClient, run_dir: Path, monkeypatch: pytest.MonkeyPatch, easy_source: str
) -> None:
    import minari

    for _ in range(2):
        with client.websocket_connect("ws://localhost/play/1/socket", headers=ORIGIN) as socket:
            drive_to_success(socket)
            socket.send_json({"keep": True})
            assert "Minari dataset" in socket.receive_json()["text"]
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(run_dir / "demonstrations"))
    dataset = minari.load_dataset(dataset_id(Task(easy_source).task_id))
    assert dataset.total_episodes == 2
    with Feedback.open(run_dir) as feedback:
        kept = feedback.demonstrations()
    for episode, demonstration in zip(dataset.iterate_episodes(), kept, strict=True):
        assert episode.actions.tolist() == [int(a) for (a,) in demonstration.actions]
        assert len(episode.observations) == len(episode.actions) + 1
        assert episode.truncations[-1]
        assert np.isfinite(episode.rewards).all()


def test_the_process_ends_with_the_page(client: TestClient, run_dir: Path) -> None:
    before = descendants(os.getpid(), SANDBOXED)
    with client.websocket_connect("ws://localhost/play/1/socket", headers=ORIGIN) as socket:
        socket.send_json({"restart": True, "seed": 4})
        socket.receive_json()
        socket.send_json({"held": ["forward"], "serial": 1})
        socket.receive_json()
        assert len(descendants(os.getpid(), SANDBOXED) - before) == 1
    deadline = time.monotonic() + 5
    while descendants(os.getpid(), SANDBOXED) - before:
        assert time.monotonic() < deadline, "the page is gone, its process is not"
        time.sleep(0.01)


def test_a_page_that_nobody_touches_is_put_to_sleep(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(play, "IDLE_S", 0.2)
    before = descendants(os.getpid(), SANDBOXED)
    with client.websocket_connect("ws://localhost/play/1/socket", headers=ORIGIN) as socket:
        socket.send_json({"restart": True, "seed": 4})
        assert socket.receive_json()["kind"] == "episode"
        assert socket.receive_json()["kind"] == "asleep"
        with pytest.raises(WebSocketDisconnect):
            socket.receive_json()
    assert not descendants(os.getpid(), SANDBOXED) - before


def test_nothing_moves_before_the_first_key_nor_while_it_pauses(client: TestClient) -> None:
    with client.websocket_connect("ws://localhost/play/1/socket", headers=ORIGIN) as socket:
        for message in ({"restart": True, "seed": 4}, {"paused": True}, {"held": [], "serial": 2}):
            socket.send_json(message)
        assert socket.receive_json()["kind"] == "episode"
        time.sleep(0.2)
        socket.send_json({"held": ["forward"], "serial": 3})
        first = socket.receive_json()
        assert (first["frame"]["physics_steps"], first["serial"]) == (4, 3)


def test_it_goes_at_the_pace_of_the_world(client: TestClient) -> None:
    with client.websocket_connect("ws://localhost/play/1/socket", headers=ORIGIN) as socket:
        socket.send_json({"restart": True, "seed": 4})
        socket.receive_json()
        socket.send_json({"held": ["left"], "serial": 1})
        socket.receive_json()
        started = time.monotonic()
        for _ in range(15):
            socket.receive_json()
        assert 0.7 < time.monotonic() - started < 2.5, "one second of the world"


def test_only_so_many_play_at_once(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        client.websocket_connect("ws://localhost/play/1/socket", headers=ORIGIN),
        client.websocket_connect("ws://localhost/play/1/socket", headers=ORIGIN),
        client.websocket_connect("ws://localhost/play/1/socket", headers=ORIGIN),
        client.websocket_connect("ws://localhost/play/1/socket", headers=ORIGIN) as fourth,
    ):
        assert "3 episodes are being played" in fourth.receive_json()["problem"]
    with client.websocket_connect("ws://localhost/play/1/socket", headers=ORIGIN) as socket:
        drive_to_success(socket)


def test_a_task_that_hangs_is_told_and_can_be_begun_again(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskwright.sandbox.session.ACT_TIMEOUT_S", 0.3)
    with client.websocket_connect("ws://localhost/play/2/socket", headers=ORIGIN) as socket:
        for _ in range(2):
            socket.send_json({"restart": True, "seed": 4})
            assert socket.receive_json()["kind"] == "episode"
            socket.send_json({"held": ["forward"], "serial": 1})
            problem = socket.receive_json()
            assert "did not finish within 0.3 s" in problem["problem"]


def test_a_journey_without_code_says_so(client: TestClient) -> None:
    answer = client.get("/play/3")
    assert answer.status_code == 404
    assert "ended before code was written" in answer.text
    with client.websocket_connect("ws://localhost/play/3/socket", headers=ORIGIN) as socket:
        assert "ended before code" in socket.receive_json()["problem"]


@pytest.mark.parametrize(
    "headers", [{}, {"origin": "http://evil.example"}, {**ORIGIN, "host": "evil.example"}]
)
def test_pages_of_other_sites_cannot_play(client: TestClient, headers: dict[str, str]) -> None:
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("ws://localhost/play/1/socket", headers=headers) as socket,
    ):
        socket.receive_json()


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"held": "forward"}', '{"restart": 1}', '{"seed": -1, "restart": true}', "x" * 99],
)
def test_what_no_page_of_ours_says_is_not_heeded(client: TestClient, text: str) -> None:
    with client.websocket_connect("ws://localhost/play/1/socket", headers=ORIGIN) as socket:
        socket.send_text(text)
        socket.send_json({"restart": True, "seed": 9})
        assert socket.receive_json()["seed"] == 9


def test_a_task_file_is_played_and_nothing_is_written(tmp_path: Path, easy_source: str) -> None:
    path = tmp_path / "ahead.py"
    path.write_text(easy_source, encoding="utf-8")
    idea = Idea("Drive ahead", "A floor.", "2 m ahead.", "", "")
    app = play.create_file_app(path, Task(easy_source), idea)
    with TestClient(app, base_url="http://localhost") as client:
        assert "Drive ahead" in client.get("/").text
        assert client.get("/static/play.js").status_code == 200
        with client.websocket_connect("ws://localhost/socket", headers=ORIGIN) as socket:
            drive_to_success(socket)
            socket.send_json({"keep": True})
            socket.send_json({"restart": True})
            assert socket.receive_json()["kind"] == "episode"
    assert [entry.name for entry in tmp_path.iterdir()] == ["ahead.py"]


@pytest.mark.parametrize("from_run", [True, pytest.param(False, marks=pytest.mark.slow)])
@pytest.mark.slow
def test_the_command_plays_and_ctrl_c_leaves_nothing_behind(
    run_dir: Path, tmp_path: Path, easy_source: str, from_run: bool
) -> None:
    path = tmp_path / "ahead.py"
    path.write_text(easy_source, encoding="utf-8")
    source = [str(run_dir), "1"] if from_run else [str(path)]
    command = [sys.executable, "-m", "taskwright", "play", *source, "--no-open", "--port", "0"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        try:
            line = server.stdout.readline()
            assert ("answers are stored" if from_run else "nothing is stored") in line
            found = re.search(r"http://(\S+?)(/\S*)", line)
            assert found is not None
            address, page = found[1], found[2].rstrip("/")
            with connect(f"ws://{address}{page}/socket", origin=f"http://{address}") as socket:
                socket.send(json.dumps({"restart": True, "seed": 4}))
                assert json.loads(socket.recv(60))["kind"] == "episode"
                socket.send(json.dumps({"held": ["left"], "serial": 1}))
                assert json.loads(socket.recv(60))["kind"] == "frame"
                assert len(played := descendants(server.pid, SANDBOXED)) == 1
                server.send_signal(signal.SIGINT)
                assert server.wait(20) == 0
            assert server.stderr.read() == ""
        finally:
            server.kill()
    assert not any(map(is_running, played))


def test_a_robot_that_no_hands_can_drive_says_so(
    easy_source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robot_class("humanoid"), "controls", ())
    source = easy_source.replace("R2D2Env", "HumanoidEnv")
    idea = Idea("Walk", "A floor.", "2 m ahead.", "", "")
    app = play.create_file_app(Path("walk.py"), Task(source, "humanoid"), idea)
    text = TestClient(app, base_url="http://localhost").get("/").text
    assert "Humanoid cannot be driven by hand" in text
    assert "play.js" not in text


def test_ant_walks_where_the_keys_say(easy_source: str) -> None:
    source = easy_source.replace("R2D2Env", "AntEnv")
    idea = Idea("Walk", "A floor.", "2 m ahead.", "", "")
    app = play.create_file_app(Path("walk.py"), Task(source, "ant"), idea)
    with TestClient(app, base_url="http://localhost") as client:
        text = client.get("/").text
        assert "Walk to the left" in text
        with client.websocket_connect("ws://localhost/socket", headers=ORIGIN) as socket:
            socket.send_json({"restart": True, "seed": 4})
            assert len(socket.receive_json()["frame"]["appeared"]) > 9
            socket.send_json({"held": ["forward", "left"], "serial": 1})
            assert socket.receive_json()["frame"]["moving"]
