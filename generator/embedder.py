"""The embedder that a run's settings name; where it is a model on a server, this asks it.

Encoders that compute here are in `archive/embedding.py`, which knows nothing of servers.
"""

from __future__ import annotations

import atexit
import base64
import itertools
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..archive.embedding import ChosenEncoder, Encoder, SentenceEncoder
from ..config import Config, EmbedderConfig, load_config, resolve
from ..errors import ModelStopped, UsageError
from ..trust import check_trusted

Vector = NDArray[np.float32]


def make_encoder(config: EmbedderConfig) -> Encoder:
    """Make the encoder that some settings describe. Raises UsageError where they cannot work."""
    if config.base_url is not None:
        return ServedEncoder(config)
    if config.name == SentenceEncoder.name:
        return SentenceEncoder(config.batch)
    return ChosenEncoder(config.name, config.batch)


def embedder_settings(run_dir: Path) -> EmbedderConfig:
    """The embedder settings of a run folder; the default ones where it has none.

    Raises:
        UsageError: They are wrong.
        ArchiveError: They reach for what the user has never named.
    """
    path = run_dir / "config.yaml"
    if not os.path.lexists(path):
        return Config().embedder
    config = resolve(load_config(path, follow=False))
    check_trusted(Config(embedder=config.embedder), run_dir)
    return config.embedder


def encoder_of(run_dir: Path) -> Encoder:
    """The encoder of a run folder."""
    return make_encoder(embedder_settings(run_dir))


class ServedEncoder:
    """A model behind an OpenAI-compatible endpoint for embeddings. Threads may share it."""

    def __init__(self, config: EmbedderConfig) -> None:
        """Raises UsageError where the key that is named is not set, and where the key or the
        environment keeps all requests from being sent."""
        # The client takes a second to import, and few need it.
        from .model.roles import Asked
        from .model.wire import Wire

        assert config.base_url is not None
        self.name = config.name
        self.batch = config.batch
        self._config = config
        self._asked = Asked(
            model=config.name,
            server=config.base_url.rstrip("/"),
            key_variable=config.key_variable,
            temperature=None,
            max_answer_tokens=None,
            timeout_s=config.timeout_s,
            extra={},
            price=None,
        )
        if config.key_variable and not self._asked.key:
            raise UsageError(
                f"No key is set for the embedder {config.name}: {config.key_variable} is empty.",
                f"Set {config.key_variable}, or set embedder.key_variable=null for a server that "
                "needs none.",
            )
        self._wire = Wire()
        self._wire.prepare(self._asked)
        atexit.register(self._wire.close)

    def encode(self, text: str) -> Vector:
        return self.encode_all([text])[0]

    def encode_all(self, texts: Sequence[str]) -> Sequence[Vector]:
        """Raises ModelError where the server cannot be used, BrokenError where it refuses these
        texts or gives something that is no vector for them."""
        from .model.explained import EMBEDDER, explained
        from .model.failures import TryFailed
        from .model.retries import pause_s

        # Otherwise the client would ask for base64, which some servers get wrong.
        request = {"model": self.name, "input": list(texts), "encoding_format": "float"}
        deadline = time.monotonic() + self._config.deadline_s
        for tries in itertools.count(1):
            timeout_s = min(self._config.timeout_s, deadline - time.monotonic())
            try:
                return _read_vectors(self._wire.embed(self._asked, request, timeout_s), len(texts))
            except TryFailed as failed:
                pause = pause_s(tries - 1, failed.retry_after_s)
                is_late = time.monotonic() + pause >= deadline
                if not failed.may_pass or tries > self._config.max_retries or is_late:
                    raise explained(failed, self._asked, tries, EMBEDDER) from None
            if self._wire.closed.wait(pause):
                raise ModelStopped()
        raise AssertionError("there is always another number")


def _read_vectors(body: str, count: int) -> list[Vector]:
    """The vectors in an answer, in the order of the texts. Raises TryFailed."""
    from .model.failures import TryFailed
    from .model.replies import quoted

    try:
        items = json.loads(body)["data"]
        by_place = {int(item["index"]): _vector(item["embedding"]) for item in items}
        vectors = [by_place[place] for place in range(count)]
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        what = f"it is no list of {count} vectors: {quoted(body)}"
        raise TryFailed("unreadable", what) from None
    if len(items) != count or len({len(vector) for vector in vectors}) > 1:
        raise TryFailed("unreadable", f"it is no list of {count} vectors of one size")
    return vectors


def _vector(value: Any) -> Vector:
    """The numbers of a list, or of the base64 that some servers send in any case. Raises ValueError
    or TypeError."""
    if isinstance(value, str):
        return np.frombuffer(base64.b64decode(value, validate=True), "<f4").astype(np.float32)
    if not isinstance(value, list) or not value:
        raise TypeError("no list of numbers")
    return np.array([float("nan") if number is None else number for number in value], np.float32)
