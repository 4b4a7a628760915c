"""The encoder that ships, in a process of its own.

A vector takes torch hundreds of short operations. In a run of hundreds of journeys, the thread that
does them would wait before each of them for all the threads that want to go on; in its own process
it waits for nobody, and nobody waits for it. A run that needs no vector does not load torch.
"""

from __future__ import annotations

import base64
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..archive.embedding import SentenceEncoder
from ..errors import BrokenError
from ..executor.job import JobCancelled
from ..sandbox.processes.channel import ChildFault, ChildTimeout
from ..sandbox.processes.process import ModuleProcess

DEADLINE_S = 300.0
"""For one answer. Loading the model takes seconds, and a minute on a machine that is very busy."""
TOGETHER = 8
"""So many texts are sent at once, where so many wait: then nobody has to wake up for each."""

Vector = NDArray[np.float32]
Wanted = tuple[str, Future[Vector]]
"""A text, and where whoever asked waits for its vector."""


class EncoderProcess:
    """Embeds as `SentenceEncoder` does, to the last bit. Any thread may ask; the process starts
    with the first text, and is replaced where it dies. Use as a context manager, or call `close`.

    Args:
        batch: How many texts at most are given to `encode_all`.
    """

    name = SentenceEncoder.name

    def __init__(self, batch: int = 64) -> None:
        self.batch = batch
        self._wanted: queue.SimpleQueue[Wanted | None] = queue.SimpleQueue()
        self._process: ModuleProcess | None = None
        self._lock = threading.Lock()
        self._is_closed = False
        # A process ends with the thread that started it, so that is always the same one.
        self._thread = threading.Thread(target=self._work, name="encoder", daemon=True)
        self._thread.start()

    def encode(self, text: str) -> Vector:
        return self.encode_all([text])[0]

    def encode_all(self, texts: Sequence[str]) -> Sequence[Vector]:
        """A vector for each text. Raises BrokenError where there is none, JobCancelled once this is
        closed."""
        answers: list[Future[Vector]] = [Future() for _ in texts]
        with self._lock:
            if self._is_closed:
                raise JobCancelled
            for wanted in zip(texts, answers, strict=True):
                self._wanted.put(wanted)
        return [answer.result() for answer in answers]

    def close(self) -> None:
        """End the process. Whoever waits for a vector is told that none will come. Calling it twice
        is harmless."""
        with self._lock:
            self._is_closed = True
            if self._process is not None:
                self._process.kill()
        self._wanted.put(None)
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # The rest is done by the thread that talks with the process.

    def _work(self) -> None:
        while (together := self._next_few()) is not None:
            try:
                answers = self._ask([text for text, _ in together])
            except Exception as error:
                for _, vector in together:
                    vector.set_exception(error)
                continue
            for (_, vector), answer in zip(together, answers, strict=True):
                if "broken" in answer:
                    vector.set_exception(BrokenError(answer["broken"], answer["remedy"]))
                else:
                    numbers = np.frombuffer(base64.b64decode(answer["vector"]), "<f4")
                    vector.set_result(numbers.astype(np.float32))
        if self._process is not None:
            self._process.close()

    def _next_few(self) -> list[Wanted] | None:
        """What is wanted next, when something is; None after the last."""
        if (first := self._wanted.get()) is None:
            return None
        together = [first]
        while len(together) < TOGETHER and not self._wanted.empty():
            if (further := self._wanted.get()) is None:
                self._wanted.put(None)
                break
            together.append(further)
        return together

    def _ask(self, texts: list[str]) -> list[dict[str, str]]:
        """An answer for each text. Raises JobCancelled, and BrokenError where the process dies over
        them twice."""
        for is_last in (False, True):
            process = self._living_process()
            try:
                process.send({"texts": texts})
                answers: list[dict[str, str]] = process.receive("Embedding", DEADLINE_S)["answers"]
                return answers
            except (ChildFault, BrokenError) as error:
                process.close()
                if (is_last or isinstance(error, ChildTimeout)) and not self._is_closed:
                    raise BrokenError(
                        f"A text was not embedded: {error}",
                        "See whether the machine has memory left, and run the same command again.",
                    ) from None
        raise JobCancelled

    def _living_process(self) -> ModuleProcess:
        with self._lock:
            if self._is_closed:
                raise JobCancelled
            if self._process is not None and not self._process.is_alive:
                self._process.close()
                self._process = None
            if self._process is None:
                self._process = ModuleProcess("taskwright.generator.encoder_worker")
            return self._process
