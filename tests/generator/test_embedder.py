"""The embedder that settings name: computed here, or asked of a server that may do anything."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import sqlite3

import numpy as np
import pytest
from click.testing import CliRunner

from taskwright.archive.embedding import ChosenEncoder, Embedder, SentenceEncoder, weights_folder
from taskwright.archive.neighbourhood import Neighbourhood
from taskwright.archive.store import FILE_NAME, Archive
from taskwright.cli.main import cli
from taskwright.config import EmbedderConfig, resolve, write_config
from taskwright.errors import ArchiveError, BrokenError, ModelError, UsageError
from taskwright.generator.embedder import ServedEncoder, embedder_settings, make_encoder

SIZE = 8


def vector_of(text, size=SIZE):
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return np.random.default_rng(seed).standard_normal(size).astype(np.float32)


def unit(text, size=SIZE):
    vector = vector_of(text, size)
    return vector / np.linalg.norm(vector)


@pytest.fixture
def body_of():
    """The body of an answer: embeddings as they are given, in reverse order."""

    def make(embeddings):
        data = [{"object": "embedding", "index": n, "embedding": e} for n, e in embeddings.items()]
        return json.dumps({"object": "list", "model": "m", "data": data[::-1]}).encode()

    return make


@pytest.fixture
def server(model_server, reply, body_of):
    """An embedding server that does as it should."""

    def embed(texts):
        return reply(body=body_of({n: vector_of(t).tolist() for n, t in enumerate(texts)}))

    model_server.embed = embed
    return model_server


@pytest.fixture
def encoder_at():
    def make(server, **settings):
        return ServedEncoder(
            EmbedderConfig(
                **{"name": "small", "base_url": server.url, "max_retries": 2, **settings}
            )
        )

    return make


@pytest.fixture
def filled(tmp_path, make_record):
    """A run folder of three records, and what embeds it."""

    def fill(encoder):
        with Archive.create_or_open(tmp_path) as archive:
            for number in (1, 2, 3):
                archive.start_journey()
                archive.add(make_record(number))
            with Neighbourhood(tmp_path, archive, Embedder(archive, encoder)) as neighbourhood:
                neighbourhood.nearest("x", 1)
        return tmp_path

    return fill


def test_vectors_come_from_the_server_as_floats_and_of_unit_length(server, encoder_at, tmp_path):
    encoder = encoder_at(server)
    with Archive.create_or_open(tmp_path) as archive:
        embedder = Embedder(archive, encoder)
        found = list(embedder.embed_all(["one", "two", "one"]))
        for text, vector in zip(["one", "two", "one"], found, strict=True):
            np.testing.assert_allclose(vector, unit(text), rtol=1e-6)
        assert archive.embedder() == ("small", SIZE)
    (request,) = server.requests
    assert request["encoding_format"] == "float"
    assert request["input"] == ["one", "two"]
    assert server.keys == ["Bearer none"]


def test_many_texts_go_in_batches_and_none_is_sent_twice(server, encoder_at, tmp_path):
    texts = [str(n) for n in range(10)]
    with Archive.create_or_open(tmp_path) as archive:
        embedder = Embedder(archive, encoder_at(server, batch=4))
        list(embedder.embed_all(texts))
        list(embedder.embed_all(texts))
    assert [len(request["input"]) for request in server.requests] == [4, 4, 2]


def test_base64_is_read_although_nobody_asked_for_it(server, encoder_at, reply, body_of):
    blob = base64.b64encode(vector_of("one").astype("<f4").tobytes()).decode()
    server.script = [reply(body=body_of({0: blob}))]
    np.testing.assert_array_equal(encoder_at(server).encode("one"), vector_of("one"))


@pytest.mark.parametrize("number", [math.nan, math.inf, None])
def test_what_is_no_vector_is_refused_for_that_text_alone(
    server, encoder_at, reply, body_of, tmp_path, number
):
    server.script = [reply(body=body_of({0: [1.0, number]}))]
    with Archive.create_or_open(tmp_path) as archive:
        embedder = Embedder(archive, encoder_at(server))
        with pytest.raises(BrokenError, match="no direction"):
            embedder.embed("one")
        assert archive.embedder() is None


def test_another_size_than_the_archive_has_is_refused(server, encoder_at, filled, reply, body_of):
    run_dir = filled(encoder_at(server))
    server.script = [reply(body=body_of({0: [1.0] * 5}))]
    with (
        Archive.create_or_open(run_dir) as archive,
        pytest.raises(ArchiveError, match=r"5 numbers; those of this archive have 8.*reembed"),
    ):
        Embedder(archive, encoder_at(server)).embed("another")


def test_a_busy_server_is_asked_again_as_late_as_it_says(server, encoder_at, reply):
    server.script = [reply("later", 429, headers={"retry-after-ms": "30"})] * 2
    np.testing.assert_array_equal(encoder_at(server).encode("one"), vector_of("one"))
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (429, ModelError, "with status 429, 3 times: “no”"),
        (503, ModelError, "with status 503, 3 times: “no”"),
        (401, ModelError, "with status 401: “no”.*key_variable"),
        (404, ModelError, "for the model small with status 404.*embedder.base_url"),
        (400, BrokenError, r"refused the text \(status 400: no\)"),
    ],
)
def test_what_a_server_refuses_is_told(server, encoder_at, reply, status, error, said):
    server.script = [reply("no", status, headers={"retry-after-ms": "1"})] * 3
    with pytest.raises(error, match=said):
        encoder_at(server).encode("one")


@pytest.mark.parametrize(
    "body",
    [
        b"hello",
        b"{}",
        b'{"data": [1]}',
        b'{"data": [{"index": 1, "embedding": [1.0]}]}',
        b'{"data": [{"index": 1e999, "embedding": [1.0]}]}',
        b'{"data": [{"index": 0, "embedding": [1' + b"0" * 400 + b"]}]}",
        b'{"data": ' + b"[" * 5000,
        b'{"data": ' + b"1" * 5000 + b"}",
    ],
)
def test_an_answer_that_is_no_list_of_vectors_is_told(server, encoder_at, reply, body):
    server.script = [reply(body=body)] * 3
    with pytest.raises(ModelError, match="no list of 1 vectors"):
        encoder_at(server, max_retries=0).encode("one")


def test_a_server_that_does_not_answer_is_given_up(server, encoder_at, reply, unused_url):
    server.script = [reply(delay_s=1.0)]
    with pytest.raises(ModelError, match="no answer within"):
        encoder_at(server, timeout_s=0.1, max_retries=0).encode("one")
    with pytest.raises(ModelError, match="no connection"):
        ServedEncoder(EmbedderConfig(base_url=unused_url, max_retries=0)).encode("one")


def test_the_key_comes_from_the_environment_and_is_written_nowhere(
    server, encoder_at, filled, monkeypatch
):
    with pytest.raises(UsageError, match="EMBEDDING_KEY is empty"):
        encoder_at(server, key_variable="EMBEDDING_KEY")
    monkeypatch.setenv("EMBEDDING_KEY", "secret-key-of-somebody")
    run_dir = filled(encoder_at(server, key_variable="EMBEDDING_KEY"))
    assert set(server.keys) == {"Bearer secret-key-of-somebody"}
    write_config(
        resolve({"embedder": {"base_url": server.url, "key_variable": "EMBEDDING_KEY"}}),
        run_dir / "config.yaml",
    )
    for path in run_dir.rglob("*"):
        assert path.is_dir() or b"secret-key" not in path.read_bytes(), path


def test_vectors_of_two_embedders_are_not_mixed(server, encoder_at, filled):
    run_dir = filled(encoder_at(server))
    for opened in (Archive.create_or_open, Archive.open):
        with (
            opened(run_dir) as archive,
            pytest.raises(ArchiveError, match=r"made by small \(8 numbers each\).*large.*reembed"),
        ):
            Embedder(archive, encoder_at(server, name="large"))


def test_a_run_folder_is_searched_with_the_embedder_of_its_settings(server, encoder_at, filled):
    run_dir = filled(encoder_at(server))
    settings = {"embedder": {"name": "small", "base_url": server.url}}
    write_config(resolve(settings), run_dir / "config.yaml")
    assert embedder_settings(run_dir).name == "small"
    text = "Task 2\nScene 2\nDone"
    answer = CliRunner().invoke(cli, ["search", str(run_dir), text, "--json"])
    assert answer.exit_code in (0, None), answer.output
    first = json.loads(answer.stdout)["records"][0]
    assert (first["number"], first["similarity"]) == (2, 1.0)


def test_reembedding_replaces_all_vectors_and_the_settings(server, encoder_at, filled):
    run_dir = filled(encoder_at(server))
    answer = CliRunner().invoke(
        cli,
        f"reembed {run_dir} --json --set embedder.name=large "
        f"--set embedder.base_url={server.url}".split(),
    )
    assert json.loads(answer.stdout) == {"embedder": "large", "records": 3}
    assert embedder_settings(run_dir).name == "large"
    with Archive.create_or_open(run_dir) as archive:
        assert archive.embedder() == ("large", SIZE)
        assert archive.embedding("Task 1\nScene 1\nDone", "small") is None
        encoder = encoder_at(server, name="large")
        with Neighbourhood(run_dir, archive, Embedder(archive, encoder)) as neighbourhood:
            ((number, similarity),) = neighbourhood.similar("Task 3\nScene 3\nDone", 1)
    assert (number, similarity) == (3, pytest.approx(1.0))


def test_reembedding_that_is_cut_off_leaves_the_old_vectors_and_goes_on(
    server, encoder_at, filled, reply
):
    run_dir = filled(encoder_at(server))
    write_config(
        resolve({"embedder": {"name": "small", "base_url": server.url}}), run_dir / "config.yaml"
    )
    command = ["reembed", str(run_dir), "--set", "embedder.name=large"]
    command += ["--set", "embedder.batch=1", "--set", "embedder.max_retries=0"]
    good = server.embed(["a text"])
    server.script = [good, reply("no", 500)]
    answer = CliRunner().invoke(cli, command)
    assert isinstance(answer.exception, ModelError)
    with Archive.open(run_dir) as archive:
        assert archive.embedder() == ("small", SIZE)
        assert embedder_settings(run_dir).name == "small"
    before = len(server.requests)
    assert CliRunner().invoke(cli, command).exception is None
    assert len(server.requests) == before + 2, "the first is not made again"


def test_a_model_that_changed_under_its_name_is_embedded_anew(server, encoder_at, filled, reply):
    run_dir = filled(encoder_at(server))
    settings = {"embedder": {"name": "small", "base_url": server.url}}
    write_config(resolve(settings), run_dir / "config.yaml")
    server.embed = lambda texts: reply(
        body=json.dumps(
            {"data": [{"index": n, "embedding": [3.0, 4.0]} for n in range(len(texts))]}
        ).encode()
    )
    assert CliRunner().invoke(cli, ["reembed", str(run_dir)]).exception is None
    with Archive.open(run_dir) as archive:
        assert archive.embedder() == ("small", 2)


def test_a_damaged_vector_does_not_hide_what_the_others_are(server, encoder_at, filled):
    run_dir = filled(encoder_at(server))
    connection = sqlite3.connect(run_dir / FILE_NAME)
    connection.execute("UPDATE embeddings SET vector = x'00' WHERE rowid = 1")
    connection.commit()
    connection.close()
    with Archive.open(run_dir) as archive:
        assert archive.embedder() == ("small", SIZE)


def test_the_default_is_the_model_that_ships():
    assert isinstance(make_encoder(EmbedderConfig()), SentenceEncoder)


@pytest.mark.slow
def test_any_sentence_transformer_is_loaded_from_a_folder_and_named_by_its_weights():
    encoder = make_encoder(EmbedderConfig(name=str(weights_folder())))
    assert isinstance(encoder, ChosenEncoder)
    name, _, weights = encoder.name.partition("@")
    assert name == weights_folder().name
    assert len(weights) == 8
    assert np.linalg.norm(encoder.encode("a text")) == pytest.approx(1.0, abs=1e-5)


def test_a_model_that_is_not_there_is_told_in_one_sentence(tmp_path):
    with pytest.raises(UsageError, match=r"cannot be loaded: .*embedder\.name"):
        make_encoder(EmbedderConfig(name=str(tmp_path / "nowhere")))
