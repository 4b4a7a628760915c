"""People's answers come in by key and click, are kept, and count; without permission there is
nowhere to give them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from starlette.testclient import TestClient

from taskwright.archive.feedback import FILE_NAME, Feedback, Interest, Triplet
from taskwright.archive.learned_distance import load_metric
from taskwright.browser.app import create_app
from taskwright.browser.judge import choose_triplet

ORIGIN = {"origin": "http://localhost", "content-type": "application/json"}


def client_of(run_dir: Path, feedback: bool = True) -> TestClient:
    return TestClient(create_app(run_dir, feedback=feedback), base_url="http://localhost")


def test_answers_by_key_are_kept_and_compared(
    page: Page, serve: Callable[..., str], archive_dir: Path
) -> None:
    page.goto(f"{serve(archive_dir, feedback=True)}/judge")
    asked = []
    for key in ("y", "n", "s"):
        question = page.locator("[data-kind=interest]")
        asked.append(int(question.get_attribute("data-journey") or 0))
        page.keyboard.press(key)
        expect(page.locator("[data-kind=interest]")).not_to_have_attribute(
            "data-journey", str(asked[-1])
        )
    expect(page.locator(".judge-before")).to_contain_text("Passed over")
    expect(page.locator(".agreement")).to_contain_text("of 2 answers agree with scripted")
    with Feedback.open(archive_dir) as feedback:
        assert feedback.interests() == [
            Interest(asked[0], True),
            Interest(asked[1], False),
            Interest(asked[2], None),
        ]
    page.reload()
    expect(page.locator(".agreement")).to_contain_text("of 2 answers agree with scripted")


@pytest.mark.slow
def test_triplets_by_key_and_click_teach_a_metric(
    page: Page, serve: Callable[..., str], archive_dir: Path
) -> None:
    with Feedback.create_or_open(archive_dir) as feedback:
        coded = [1, 2, 3, 4, 5, 6, 7, 9, 11, 12]
        for number in range(19):
            a, b, c = np.random.default_rng(number).choice(coded, 3, replace=False).tolist()
            feedback.add_triplet(Triplet(a, b, c, b))
        before = len(feedback.triplets())
    page.goto(f"{serve(archive_dir, feedback=True)}/judge/alike")
    fit = page.locator("[data-do=fit]")
    expect(fit).to_be_disabled()
    keys = ["1", "2", "s", *"1" * (20 - before)]
    for count, key in enumerate(keys, before):
        asked = page.locator("[data-kind=triplet]").element_handle()
        if key == "2":
            page.locator("button.choice").nth(1).click()
        else:
            page.keyboard.press(key)
        asked.wait_for_element_state("hidden")
        answered = count + 1 - (count - before >= 2)
        expect(page.locator(".answers .number")).to_have_text(f"{answered} answered")
    expect(fit).to_be_enabled()
    fit.click()
    expect(page.locator(".standing")).to_contain_text("answers it had not seen are foretold")
    metric = load_metric(archive_dir)
    assert metric is not None
    assert metric.answers >= 20


def test_what_the_judge_said_is_shown_after_the_answer_and_not_before(archive_dir: Path) -> None:
    client = client_of(archive_dir)
    before = client.get("/judge").text
    assert "scripted" not in before
    reply = client.post("/judge/interest", json={"journey": 9, "positive": True}, headers=ORIGIN)
    assert "scripted said no" in reply.text


def test_both_kinds_of_verdicts_are_asked_about(archive_dir: Path) -> None:
    client = client_of(archive_dir)
    # Only journey 9 was found uninteresting: it comes second, once a positive one was checked.
    client.post("/judge/interest", json={"journey": 1, "positive": True}, headers=ORIGIN)
    assert 'data-journey="9"' in client.get("/judge").text


def test_without_the_flag_there_is_no_judging_and_nothing_is_written(archive_dir: Path) -> None:
    client = client_of(archive_dir, feedback=False)
    assert client.get("/judge").status_code == 404
    assert "/judge" not in client.get("/").text
    body = {"journey": 1, "positive": True}
    assert client.post("/judge/interest", json=body, headers=ORIGIN).status_code == 405
    assert not (archive_dir / FILE_NAME).exists()


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example"])
def test_other_sites_cannot_answer(archive_dir: Path, origin: str | None) -> None:
    headers = {"origin": origin} if origin else {}
    body = {"journey": 1, "positive": True}
    answer = client_of(archive_dir).post("/judge/interest", json=body, headers=headers)
    assert answer.status_code == 403
    assert not (archive_dir / FILE_NAME).exists()


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("interest", {"journey": 999, "positive": True}, 409),
        ("interest", {"journey": "1", "positive": True}, 400),
        ("interest", {"journey": 1}, 400),
        ("interest", [], 400),
        ("triplet", {"anchor": 1, "first": 2, "second": 2, "nearer": 2}, 409),
        ("triplet", {"anchor": 1, "first": 2, "second": 3, "nearer": 4}, 409),
        ("triplet", {"anchor": 1, "first": 2, "second": 99, "nearer": 2}, 409),
        ("metric", {}, 409),
    ],
)
def test_what_is_no_answer_is_refused_with_a_sentence(
    archive_dir: Path, path: str, body: object, status: int
) -> None:
    answer = client_of(archive_dir).post(f"/judge/{path}", json=body, headers=ORIGIN)
    assert (answer.status_code, answer.text.count("\n")) == (status, 1)
    with Feedback.open(archive_dir) as feedback:
        assert not feedback.interests()
        assert not feedback.triplets()


def test_hostile_titles_only_show(page: Page, serve: Callable[..., str], tmp_path: Path) -> None:
    from taskwright.archive.store import Archive
    from taskwright.task import Idea, Judgement, Record, Task

    evil = '<img src=x onerror="document.title=1"><script>document.title=1</script>\u202e'
    with Archive.create_or_open(tmp_path) as archive:
        for number in (1, 2):
            archive.start_journey()
            verdict = Judgement("interestingness", True, evil, "<b>model</b>")
            idea = Idea(evil, evil * 50, evil, "", "")
            task = Task(f"# {number}\n")
            archive.add(
                Record(number, "learned", evil, idea, task, judgements=(verdict,), created_at="now")
            )
    page.goto(f"{serve(tmp_path, feedback=True)}/judge")
    page.keyboard.press("y")
    expect(page.locator(".judge-before")).to_contain_text("<b>model</b>")
    assert page.title() == "Judge · Taskwright"
    assert page.locator("#judge img[src='x']").count() == 0


def test_the_pair_is_asked_of_which_the_metric_is_least_sure() -> None:
    angles = np.radians([0, 10, 80, 11, 150])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    numbers = [10, 20, 30, 40, 50]
    a, b, c = choose_triplet(numbers, vectors, set(), turn=0) or (0, 0, 0)
    places = [numbers.index(n) for n in (a, b, c)]
    gap = abs(vectors[places[0]] @ (vectors[places[1]] - vectors[places[2]]))
    assert gap < 0.1
    asked = {(a, *sorted((b, c)))}
    again = choose_triplet(numbers, vectors, asked, turn=0)
    assert again is not None
    assert (again[0], *sorted(again[1:])) not in asked


def test_nothing_is_asked_twice_and_then_nothing_more() -> None:
    vectors = np.eye(4, dtype=np.float32)
    asked: set[tuple[int, ...]] = set()
    for turn in range(12):
        chosen = choose_triplet([1, 2, 3, 4], vectors, asked, turn)
        assert chosen is not None
        key = (chosen[0], *sorted(chosen[1:]))
        assert key not in asked
        asked.add(key)
    assert choose_triplet([1, 2, 3, 4], vectors, asked, 12) is None
    assert choose_triplet([1, 2], vectors[:2], set(), 0) is None
