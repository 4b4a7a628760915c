"""Settings that came from somewhere else reach for nothing until the user says so."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from taskwright.archive.store import Archive
from taskwright.cli.main import cli
from taskwright.config import Config, resolve, write_config
from taskwright.errors import ArchiveError, TaskwrightError
from taskwright.generator.embedder import embedder_settings
from taskwright.generator.run import prepare_config
from taskwright.trust import check_trusted, reaches, remember, trusted_file


@pytest.fixture(autouse=True)
def nothing_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def stored(folder: Path, settings: dict[str, Any]) -> Path:
    """A run folder with settings that Taskwright has not written here."""
    folder.mkdir(exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    return folder


SERVED = {"embedder": {"name": "m", "base_url": "http://evil.example/v1"}}
REACHING: dict[str, dict[str, Any]] = {
    "send texts to http://evil.example/v1 with no key": SERVED,
    "with what GITHUB_TOKEN holds": {
        "embedder": {**SERVED["embedder"], "key_variable": "GITHUB_TOKEN"}
    },
    "load the embedding model evil/model": {"embedder": {"name": "evil/model"}},
    "ask the model at http://evil.example/v1 with what OPENAI_API_KEY holds": {
        "model": {"name": "m", "base_url": "http://evil.example/v1"}
    },
    "have tasks computed by the executor cluster": {"run": {"executor": "cluster"}},
    "join the Ray cluster at evil.example:6379": {
        "run": {"executor": "ray", "ray_address": "evil.example:6379"}
    },
    "join the Ray cluster at auto without a token": {
        "run": {"executor": "ray", "ray_authentication": "none"}
    },
    "by the provider delphi": {"model": {"name": "m", "provider": "delphi"}},
    "ask the model at the usual server": {"model": {"name": "gpt-dear"}},
    "with what AWS_SECRET holds": {
        "model": {"name": "m", "roles": {"code": {"key_variable": "AWS_SECRET"}}}
    },
    "ask the model at http://evil.example/v1 with no key": {
        "model": {"name": "m", "roles": {"idea": {"base_url": "http://evil.example/v1"}}}
    },
    "fill in the prompt templates in /evil": {"model": {"prompts": "/evil"}},
    "keep answers of models in /evil": {"model": {"cache": "/evil"}},
    "take answers of models from /evil": {"model": {"name": "m", "replay": "/evil"}},
}


@pytest.mark.parametrize("reach", REACHING)
def test_what_settings_reach_for_is_not_done_until_the_user_says_so(
    reach: str, tmp_path: Path
) -> None:
    run_dir = stored(tmp_path / "run", REACHING[reach])
    assert any(reach in told for told in reaches(resolve(REACHING[reach])))
    with pytest.raises(ArchiveError, match="taskwright trust"):
        prepare_config(run_dir, {})
    answer = CliRunner().invoke(cli, ["trust", str(run_dir)])
    assert reach in answer.output
    prepare_config(run_dir, {})
    again = CliRunner().invoke(cli, ["trust", str(run_dir)])
    assert "nothing that you have not named before" in again.output


def test_settings_that_reach_for_nothing_need_no_trust(tmp_path: Path) -> None:
    settings = {"run": {"seed": 4}, "model": {"name": "composer", "base_url": "http://x.example"}}
    prepare_config(stored(tmp_path / "run", settings), {})
    answer = CliRunner().invoke(cli, ["trust", str(tmp_path / "run")])
    assert "reach for nothing beyond their folder" in answer.output
    assert not trusted_file().exists()


def test_what_the_user_gives_himself_is_trusted_and_nothing_beside_it(tmp_path: Path) -> None:
    run_dir = stored(tmp_path / "run", {"model": {"key_variable": "GITHUB_TOKEN"}})
    given = {"model": {"name": "mine", "base_url": "http://mine.example/v1"}}
    # The address is the user's, but not what it would be sent.
    with pytest.raises(ArchiveError, match=r"http://mine\.example/v1 with what GITHUB_TOKEN"):
        prepare_config(run_dir, given)
    given["model"]["key_variable"] = "MY_KEY"
    assert prepare_config(run_dir, given).model.name == "mine"


def test_what_was_written_down_here_is_trusted_in_every_folder(tmp_path: Path) -> None:
    config = resolve(SERVED)
    (tmp_path / "mine").mkdir()
    write_config(config, tmp_path / "mine" / "config.yaml")
    assert embedder_settings(stored(tmp_path / "other", SERVED)) == config.embedder
    assert oct(trusted_file().parent.stat().st_mode)[-2:] == "00"


def test_a_run_that_is_replayed_brings_no_settings_that_reach_further(tmp_path: Path) -> None:
    stored(tmp_path / "other", SERVED)
    given = {"model": {"name": "m", "replay": str(tmp_path / "other")}}
    with pytest.raises(ArchiveError, match=r"would send texts to http://evil\.example"):
        prepare_config(tmp_path / "new", given)


def test_looking_into_a_foreign_run_contacts_nobody(
    tmp_path: Path, model_server, make_record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_SECRET", "precious")
    (tmp_path / "run").mkdir()
    with Archive.create_or_open(tmp_path / "run") as archive:
        archive.start_journey()
        archive.add(make_record(1))
    address = {"name": "m", "base_url": model_server.url, "key_variable": "MY_SECRET"}
    run_dir = str(stored(tmp_path / "run", {"embedder": address, "model": address}))
    for command in (
        ["ls", run_dir],
        ["show", run_dir, "1"],
        ["search", run_dir, "a robot"],
        ["report", run_dir, "--out", str(tmp_path / "report")],
        ["run", run_dir, "--attempts", "1"],
        ["reembed", run_dir],
    ):
        answer = CliRunner().invoke(cli, command)
        assert answer.exception is None or isinstance(answer.exception, TaskwrightError), command
    assert model_server.requests == []
    assert model_server.keys == []


def test_a_line_break_in_settings_brings_no_second_line(tmp_path: Path) -> None:
    name = "x\nask the model at http://evil.example/v1 with what AWS_SECRET holds"
    remember(resolve({"embedder": {"name": name}}))
    assert len(trusted_file().read_text().splitlines()) == 1
    evil = {"model": {"name": "m", "base_url": "http://evil.example/v1"}}
    evil["model"]["key_variable"] = "AWS_SECRET"
    with pytest.raises(ArchiveError):
        check_trusted(resolve(evil), tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_who_has_no_folder_of_his_own_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o500)
    write_config(resolve(SERVED), tmp_path / "config.yaml")
    answer = CliRunner().invoke(cli, ["trust", str(tmp_path)])
    assert "XDG_STATE_HOME" in str(answer.exception)


def test_the_defaults_reach_for_nothing() -> None:
    assert reaches(Config()) == []
