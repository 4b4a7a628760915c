"""Who may ask for what, and that whatever a model wrote only shows."""

from __future__ import annotations

import http.client
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from taskwright.archive.store import Archive
from taskwright.browser.app import create_app
from taskwright.browser.security import Security
from taskwright.browser.site import Site, render
from taskwright.task import Idea, Judgement, Outcome, Record, Task

SITE = "http://127.0.0.1:8000"


@pytest.fixture
def client(archive_dir: Path) -> TestClient:
    return TestClient(create_app(archive_dir), base_url=SITE)


def guarded(*, writes: bool) -> TestClient:
    """An application with one page, one write and one socket, behind the security layer."""

    async def answer(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.method)

    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")
        await socket.close()

    app = Starlette(
        routes=[
            Route("/", answer),
            Route("/write", answer, methods=["POST", "PUT", "DELETE"]),
            WebSocketRoute("/talk", talk),
        ]
    )
    return TestClient(Security(app, writes=writes), base_url=SITE)


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "LOCALHOST:1", "[::1]:8000"])
def test_asked_by_a_name_of_this_machine_it_answers(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8000", "192.0.2.7", ""],
)
def test_a_foreign_host_is_refused(client: TestClient, host: str) -> None:
    answer = client.get("/", headers={"host": host})
    assert answer.status_code == 421
    assert "Task" not in answer.text


def test_the_name_it_was_bound_to_is_known(archive_dir: Path) -> None:
    app = create_app(archive_dir, hosts=("workstation",))
    client = TestClient(app, base_url="http://workstation:8000")
    assert client.get("/").status_code == 200
    assert client.get("/", headers={"host": "192.0.2.7"}).status_code == 421


def test_bound_to_every_address_it_is_known_by_each_but_by_no_foreign_name(
    archive_dir: Path,
) -> None:
    client = TestClient(create_app(archive_dir, hosts=("*",)), base_url="http://192.0.2.7:8000")
    assert client.get("/").status_code == 200
    assert client.get("/", headers={"host": "evil.example"}).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "https://127.0.0.1:8000"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"},
    ],
)
def test_what_another_site_asks_for_is_refused(client: TestClient, headers: dict[str, str]) -> None:
    for path in ("/", "/static/style.css"):
        assert client.get(path, headers=headers).status_code == 403, path


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": SITE},
        {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"},
        {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"},
        # A link from another site that is followed.
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
    ],
)
def test_our_own_pages_and_followed_links_are_answered(
    client: TestClient, headers: dict[str, str]
) -> None:
    assert client.get("/", headers=headers).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_can_be_written_without_the_flag(client: TestClient, method: str) -> None:
    for path in ("/", "/judge", "/gallery", "/run", "/play"):
        answer = client.request(method, path, headers={"origin": SITE})
        assert answer.status_code == 405, path
        assert "--allow-feedback" in answer.text


def test_with_the_flag_a_write_needs_our_origin_and_a_length() -> None:
    client = guarded(writes=True)
    assert client.post("/write", headers={"origin": SITE}).text == "POST"
    assert client.post("/write").status_code == 403
    assert client.post("/write", headers={"origin": "http://evil.example"}).status_code == 403
    too_long = client.post("/write", headers={"origin": SITE}, content=b"x" * 1_000_001)
    assert too_long.status_code == 413
    unknown = client.post("/write", headers={"origin": SITE}, content=iter([b"x"]))
    assert unknown.status_code == 413
    assert guarded(writes=False).post("/write", headers={"origin": SITE}).status_code == 405


def test_a_websocket_must_come_from_our_own_page() -> None:
    client = guarded(writes=False)
    host = {"host": "127.0.0.1:8000"}
    with client.websocket_connect("/talk", headers={**host, "origin": SITE}) as socket:
        assert socket.receive_text() == "hello"
    for headers in (host, {**host, "origin": "http://evil.example"}, {**host, "origin": "null"}):
        with (
            pytest.raises(WebSocketDisconnect),
            client.websocket_connect("/talk", headers=headers),
        ):
            pass
    foreign = {"origin": "http://evil.example", "host": "evil.example"}
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/talk", headers=foreign):
        pass


def test_every_answer_forbids_what_pages_do_not_need(client: TestClient) -> None:
    refused = {"host": "evil.example"}
    answers = [client.get(p) for p in ("/", "/nothing", "/static/style.css", "/media/none.png")]
    for answer in [*answers, client.post("/"), client.get("/", headers=refused)]:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    "path",
    [
        "/media/../archive.db",
        "/media/%2e%2e/archive.db",
        "/media/..%2farchive.db",
        "/media/%2e%2e%2f%2e%2e%2fetc/passwd",
        "/media//etc/passwd",
        "/media/%00.png",
        "/media/..\\archive.db",
        "/media/page.html",
        "/media/script.js",
        "/media/.hidden.png",
        "/media/link.png",
        "/media/" + "a" * 5000 + ".png",
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/vendor/../../app.py",
    ],
)
def test_no_path_leads_out_of_the_folders(
    archive_dir: Path, serve: Callable[..., str], path: str
) -> None:
    media = archive_dir / "media"
    for name in ("page.html", "script.js", ".hidden.png"):
        (media / name).write_text("<script>alert(1)</script>", encoding="utf-8")
    (media / "link.png").symlink_to(archive_dir / "archive.db")
    # Sent as it is: clients like to tidy paths up.
    address = urlsplit(serve(archive_dir))
    connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=10)
    connection.putrequest("GET", path)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status in (400, 404), path
    assert b"SQLite" not in body
    assert b"root:" not in body
    connection.close()


def test_pictures_are_served_as_pictures(
    client: TestClient, made_archive: tuple[Path, list[Record]]
) -> None:
    task_id = made_archive[1][0].task_id
    answer = client.get(f"/media/{task_id}.png")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    again = client.get(f"/media/{task_id}.png", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304


def test_a_huge_text_is_cut_where_a_template_prints_it(archive_dir: Path) -> None:
    page = render(
        "error.html.j2", site=Site(archive_dir), here="/", message="x" * 2_000_000, remedy=""
    )
    assert len(page) < 100_000
    assert "and 1,950,000 more characters" in page


HOSTILE = (
    "<script>window.owned = 1</script>",
    "\"><img src=x onerror='window.owned = 1'>",
    "'><svg onload=window.owned=1>",
    "{{ 7 * 7 }}${7 * 7}<%= 7 * 7 %>",
    "</title></textarea></style></script><script>window.owned=1</script>",
    "<a hx-get=/run hx-trigger=load hx-on:load='window.owned=1'>x</a>",
    "javascript:window.owned=1",
    "\x1b[2J\x1b]0;owned\x07\x00\x9b31m",
    "\u202eevil\u2066\u200f\u2029",
    "]]><!--<link rel=stylesheet href=//evil.example/x.css><base href=//evil.example>",
    "<iframe src=//evil.example></iframe><meta http-equiv=refresh content='0;url=//evil.example'>",
)


@pytest.fixture
def hostile_dir(tmp_path: Path) -> Path:
    """An archive in which every text is hostile; journey 12 has all, 13 has 0.6 MB in a line."""
    with Archive.create_or_open(tmp_path) as archive:
        for text in (*HOSTILE, "\n".join(HOSTILE), "<b>" * 200_000):
            number = archive.start_journey()
            idea = Idea(text, text, text, text, text, "new", ("<script>", text[:50]))
            source = f'"""{text}"""\nclass Env(R2D2Env): pass\n# {text}\n'
            outcome = Outcome.rejected("step", text, text, text)
            judgement = Judgement("interestingness", False, text, text[:60])
            journal = archive.journal(number)
            journal.once("idea", Idea, lambda idea=idea: idea)
            journal.once("code 0", Task, lambda source=source: Task(source))
            journal.once("check 0", Outcome, lambda outcome=outcome: outcome)
            archive.add(
                Record(
                    number,
                    "uninteresting",
                    text,
                    idea,
                    Task(source),
                    (outcome,),
                    None,
                    (judgement,),
                    created_at=f"2026-01-01T00:00:{number:02}+00:00",
                )
            )
            messages = [{"role": "user", "content": text}, {"role": text, "content": text}]
            call = {"journey": number, "time": text, "role": text, "model": text, "answer": text}
            with (tmp_path / "llm.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps({**call, "messages": messages, "usd": None}) + "\n")
    with (tmp_path / "events.jsonl").open("w", encoding="utf-8") as file:
        for text in HOSTILE:
            for event in ("run", "stage", "warning", "model"):
                told = {"event": event, "time": text, "author": text, "journey": 20, "stage": text}
                told |= {"title": text, "text": text, "error": text, "isolation": text}
                file.write(json.dumps(told) + "\n")
    (tmp_path / "run.lock").write_text(str(os.getpid()), encoding="utf-8")
    return tmp_path


def pages_of(run_dir: Path) -> list[str]:
    """The address of every page, whoever added it; those of one task for the worst two."""
    found = []
    for route in create_app(run_dir, feedback=True).routes:
        if isinstance(route, Route) and "GET" in (route.methods or ()):
            path, asked = re.subn(r"\{\w+(:int)?\}", "{}", route.path)
            if not path.endswith((".py", ".ico", "/events", "/fresh")):
                found += [path.format(number) for number in ((12, 13) if asked else ("",))]
    return found


@pytest.mark.slow
def test_hostile_text_only_shows(page: Page, hostile_dir: Path, serve: Callable[..., str]) -> None:
    url = serve(hostile_dir, feedback=True)
    page.goto(url)
    shown = page.locator(".card h2").all_text_contents()
    assert HOSTILE[0] in shown
    assert "␛[2J␛]0;owned␇␀⟨U+009B⟩31m" in shown
    assert "⟨U+202E⟩evil⟨U+2066⟩⟨U+200F⟩⟨U+2029⟩" in shown
    for path in [*pages_of(hostile_dir), "/?q=<script>window.owned=1</script>&sort=title"]:
        answer = page.goto(url + path)
        assert answer is not None
        assert answer.status == 200, path
        page.wait_for_timeout(100)
        assert page.url.startswith(url), path
        assert page.evaluate("window.owned") is None, path
        assert page.locator("main script, iframe, base, main meta").count() == 0, path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_the_policy_stops_a_script_that_got_in(page: Page, site_url: str) -> None:
    page.goto(site_url)
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.owned = 1";
            document.body.append(script);
            const picture = document.createElement("img");
            picture.src = "http://evil.example/x.png";
            document.body.append(picture);
        }"""
    )
    page.wait_for_timeout(200)
    assert page.evaluate("window.owned") is None
    problems = page.problems  # type: ignore[attr-defined]
    assert sum("Content Security Policy" in problem for problem in problems) >= 2
    assert not any(problem.startswith("request to") for problem in problems)
    problems.clear()
