"""What is said of an archive's health, and of a model server."""

from __future__ import annotations

import socket
import sqlite3

import pytest

from taskwright.archive.store import FILE_NAME, Archive
from taskwright.cli import doctor


@pytest.fixture
def finding(monkeypatch):
    """What is found of a run folder's archive; the rest of the host has tests of its own."""

    def look(run_dir):
        for name in ("_sandbox", "_isolation", "_renderer"):
            monkeypatch.setattr(doctor, name, lambda: doctor.HostCheck("left out", "ok", ""))
        (found,) = [f for f in doctor.examine(None, run_dir) if f.name == "archive"]
        return found

    return look


@pytest.fixture
def run_dir(tmp_path, make_record):
    with Archive.create_or_open(tmp_path) as archive:
        for number in range(1, 31):
            archive.start_journey()
            archive.add(make_record(number))
    return tmp_path


def test_a_sound_archive_is_called_so(run_dir, finding):
    found = finding(run_dir)
    assert (found.state, found.detail) == ("ok", "sound; 30 records, 30 kept; no vectors yet")


def test_a_record_that_was_edited_is_told(run_dir, finding):
    connection = sqlite3.connect(run_dir / FILE_NAME)
    connection.execute("UPDATE records SET record = replace(record, '# source 7', '# mine')")
    connection.commit()
    connection.close()
    found = finding(run_dir)
    assert found.state == "limited"
    assert "29 kept" in found.detail
    assert "journey 7" in found.detail


def test_a_damaged_archive_fails(run_dir, finding):
    with (run_dir / FILE_NAME).open("r+b") as file:
        file.seek(5 * 4096)
        file.write(b"\xa5" * 4096)
    found = finding(run_dir)
    assert found.state == "failed"
    assert "is damaged" in found.detail


def test_a_folder_without_an_archive_fails(tmp_path, finding):
    assert finding(tmp_path).state == "failed"


@pytest.fixture
def model_finding(monkeypatch):
    """What is found of a model server."""

    def look(base_url=None):
        for name in ("_sandbox", "_isolation", "_renderer", "_embedder"):
            monkeypatch.setattr(doctor, name, lambda *_: doctor.HostCheck("left out", "ok", ""))
        (found,) = [f for f in doctor.examine(base_url) if f.name == "model"]
        return found.state, found.detail

    return look


def test_a_model_server_is_told_with_what_it_offers(model_finding, model_server, monkeypatch):
    assert model_finding(model_server.url) == ("ok", f"{model_server.url} offers scripted.")
    monkeypatch.setenv("OPENAI_BASE_URL", f" '{model_server.url}'\n")
    assert model_finding() == ("ok", f"{model_server.url} offers scripted.")


def test_a_blank_key_and_a_blank_address_are_no_model(model_finding, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", " \n")
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    for address in (None, "", " "):
        state, detail = model_finding(address)
        assert state == "limited"
        assert "none configured" in detail


def test_a_key_that_cannot_be_sent_fails_and_is_not_shown(model_finding, model_server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123\n456789abcdef")
    state, detail = model_finding(model_server.url)
    assert state == "failed"
    assert "The key in OPENAI_API_KEY holds a line end" in detail
    assert "0123" not in detail


def test_a_server_that_lists_no_models_is_told_in_its_own_words(model_finding, model_server, reply):
    for body in (b'{"detail": "Not for you"}', b"<h1>Not for you</h1>"):
        model_server.models = reply(status=403, body=body)
        state, detail = model_finding(model_server.url)
        assert state == "limited"
        assert detail.endswith("answers, but lists no models (status 403: Not for you).")


def test_a_server_of_which_nothing_came_is_not_said_to_answer(
    model_finding, model_server, monkeypatch, unused_url
):
    state, detail = model_finding(unused_url)
    assert state == "failed"
    assert "cannot be reached, once: no connection (Connection refused)" in detail
    monkeypatch.setattr(doctor, "MODEL_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        state, detail = model_finding(f"http://127.0.0.1:{silent.getsockname()[1]}/v1")
    assert state == "failed"
    assert "gave no answer within 0.2 s, once" in detail
