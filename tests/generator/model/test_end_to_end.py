"""A whole run through the command line, against a server that repeats the key wherever it can."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import taskwright as taskwright_package
from taskwright.archive.store import Archive
from taskwright.cli.main import cli
from taskwright.errors import ModelError, UsageError
from taskwright.executor.local import LocalExecutor
from taskwright.generator.model.log import read_calls
from taskwright.generator.run import open_run, prepare_config

KEY = "sk-marked-8c1f0d7e93b84a26"
IDEA = "TITLE: Say {key}\nDESCRIPTION: {key}\nSUCCESS: C\nREWARDS: D\nTERMINATION: None"


def taskwright(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "taskwright", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=120,
    )


def relatives_of_the_run(marker: str) -> dict[int, bytes]:
    """Command line and environment of each process the run has started, and its own, by pid."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if marker.encode() in text:
            found[int(folder.name)] = text
    return found


@pytest.fixture(scope="module")
def recorded(tmp_path_factory, model_server_type, reply):
    """The folder of a run whose one journey fails its check and its repair; what it printed; and
    the processes that were there while the model was asked for the repair."""
    folder = tmp_path_factory.mktemp("runs")
    marker = str(folder / "marker")
    server = model_server_type()
    relatives: dict[int, bytes] = {}
    echo = json.dumps({"error": {"message": f"You sent Bearer {KEY}"}}).encode()
    thought = {"content": IDEA.format(key=KEY), "reasoning": f"My key is {KEY}."}
    idea = json.dumps({"choices": [{"message": thought, "finish_reason": "stop"}]}).encode()
    server.script = [
        reply(status=503, body=echo),
        reply(body=f"<html>{KEY}".encode()),
        reply(body=idea),
    ]

    def answer(prompt: str) -> str:
        relatives.update(relatives_of_the_run(marker))
        return f"```python\nimport math\nclass Env:\n    '''{KEY} {len(server.requests)}'''\n```"

    server.answer = answer
    options = ("--attempts=1", "--set=run.seed_tasks=0", "--set=model.max_repairs=1")
    result = taskwright(
        "run",
        folder / "first",
        "--model=scripted",
        f"--base-url={server.url}",
        *options,
        OPENAI_API_KEY=KEY,
        PYTHONPATH=marker,
    )
    server.close()
    assert result.returncode == 0, result.stderr
    assert server.keys == [f"Bearer {KEY}"] * 5
    return folder / "first", result, relatives


def test_the_key_reaches_no_file_no_output_and_no_child(recorded):
    folder, result, relatives = recorded
    assert KEY not in result.stdout + result.stderr
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {"archive.db", "llm.jsonl", "events.jsonl", "config.yaml"} <= {f.name for f in files}
    for path in files:
        assert KEY.encode() not in path.read_bytes(), path
    assert "[key]" in (folder / "llm.jsonl").read_text()
    with_key = [pid for pid, text in relatives.items() if KEY.encode() in text]
    assert len(with_key) == 1, "the run alone has it"
    assert len(relatives) > 1


def test_every_prompt_and_answer_of_a_journey_can_be_read(recorded):
    folder, _, _ = recorded
    show = ["show", str(folder), "1", "--llm"]
    shown = CliRunner().invoke(cli, show).stdout
    for text in (
        "idea in step idea",
        "repair in step code 1",
        "scripted at http://127.0.0.1",
        "Try 1 failed after",
        "status 503",
        "it is no chat completion",
        "estimated",
        "price unknown",
        "You invent tasks",
        "TITLE: Say [key]",
        "thoughts",
        "My key is [key].",
    ):
        assert text in shown, text
    document = json.loads(CliRunner().invoke(cli, [*show, "--json"]).stdout)
    assert document["journey"] == 1
    assert [call["role"] for call in document["calls"]] == ["idea", "code", "repair"]
    assert len(document["calls"][0]["tries"]) == 2


def test_each_field_of_the_log_is_documented_and_each_documented_one_is_there(recorded):
    folder, _, _ = recorded
    docs = (Path(taskwright_package.__file__).parent / "docs" / "models.md").read_text()
    table = docs.partition("They stand in `llm.jsonl`")[2].partition("Calls in flight")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    documented = set(re.findall(r"`(\w+)`", " ".join(rows)))
    fields = set().union(*read_calls(folder))
    assert documented == fields | {"error"}


def replay(run_dir: Path, recorded: Path, **model: object) -> None:
    """What `run RUN_DIR --replay RECORDED` does."""
    config = prepare_config(run_dir, {"model": {"replay": str(recorded), **model}})
    with LocalExecutor() as executor:
        open_run(run_dir, config, executor, lambda event: None)


def test_a_run_is_replayed_without_model_key_or_server(recorded, tmp_path):
    folder, _, _ = recorded
    replay(tmp_path / "again", folder)
    with Archive.open(folder) as first, Archive.open(tmp_path / "again") as again:
        (before,), (after,) = first.records(), again.records()
    assert (after.idea, after.task, after.status) == (before.idea, before.task, before.status)
    assert before.cost.calls == 5
    assert after.cost.calls == 0


def test_a_question_that_was_never_asked_ends_a_replay_with_one_sentence(recorded, tmp_path):
    folder, _, _ = recorded
    with pytest.raises(ModelError, match="never asked this: journey 1, step idea, as idea"):
        replay(tmp_path / "again", folder, temperature=0.7)


def test_what_cannot_be_replayed_is_refused_before_the_folder_is_touched(tmp_path):
    with pytest.raises(UsageError, match="holds no run to replay"):
        replay(tmp_path / "again", tmp_path / "nowhere")
    (tmp_path / "composed").mkdir()
    (tmp_path / "composed" / "config.yaml").write_text("run: {seed: 1}")
    with pytest.raises(UsageError, match="made by the Composer"):
        replay(tmp_path / "again", tmp_path / "composed")
    assert not (tmp_path / "again").exists()
