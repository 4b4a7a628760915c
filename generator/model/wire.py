"""One request to a server that speaks the OpenAI chat protocol, and what came of it.

All requests of a run share one thread with an event loop, because only there a deadline holds
whatever a server does: one that sends a byte now and then never lets a blocking read time out.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import json
import threading
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import openai

from ...errors import ModelStopped
from .retries import may_pass, retry_after_s
from .roles import Asked

T = TypeVar("T")

MAX_BODY_BYTES = 16_000_000
"""An answer longer than this is not read to its end."""
CLOSING_S = 3.0
"""For telling servers that nobody waits any more."""
WITHOUT_CREDIT = "insufficient_quota"
"""OpenAI's code for an empty account, which comes with status 429 and does not pass."""
SHORTEST_SECRET = 12
"""Shorter ones are stand-ins such as `none` or `ollama`, and may well stand in an honest text."""


@dataclass(frozen=True)
class Reply:
    """What a model answered. Token counts are None where the server tells no usage."""

    text: str
    finish_reason: str
    prompt_tokens: int | None
    completion_tokens: int | None
    cached_tokens: int


Kind = Literal["status", "timeout", "connection", "unreadable"]


class TryFailed(Exception):
    """A request came to nothing.

    `what` is for the log and for people; `status` and `code` are what the server gave, if it did.
    `may_pass` tells whether it may succeed when sent again, `may_cost` whether it may be billed.
    """

    def __init__(
        self,
        kind: Kind,
        what: str,
        *,
        status: int | None = None,
        code: str = "",
        may_pass: bool = True,
        may_cost: bool = True,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(what)
        self.kind = kind
        self.what = what
        self.status = status
        self.code = code
        self.may_pass = may_pass
        self.may_cost = may_cost
        self.retry_after_s = retry_after_s


class Wire:
    """Sends requests. Threads share it. Call `close` at the end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._clients: dict[tuple[str, str], openai.AsyncOpenAI] = {}
        self._under_way: set[concurrent.futures.Future[Any]] = set()
        self.closed = threading.Event()

    def send(self, asked: Asked, request: dict[str, Any], timeout_s: float) -> Reply:
        """Send one request. Raises TryFailed, and ModelStopped once the wire is closed."""
        return _read_reply(self._run(self._body(asked, "chat", request), asked, timeout_s))

    def embed(self, asked: Asked, request: dict[str, Any], timeout_s: float) -> str:
        """Send one request for embeddings; the body of the answer, unread. Raises as `send`."""
        return self._run(self._body(asked, "embeddings", request), asked, timeout_s)

    def list_models(self, asked: Asked, timeout_s: float) -> list[str]:
        """The models that a server says it has. Raises TryFailed."""

        async def names() -> list[str]:
            return [model.id async for model in self._client(asked).models.list()]

        return self._run(names(), asked, timeout_s)

    def close(self) -> None:
        """Give up the requests under way: who waits for one gets ModelStopped."""
        self.closed.set()
        with self._lock:
            loop, thread, self._loop = self._loop, self._thread, None
            for future in list(self._under_way):
                future.cancel()
        if loop is not None and thread is not None:
            with contextlib.suppress(TimeoutError):
                asyncio.run_coroutine_threadsafe(self._finish(), loop).result(CLOSING_S)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(CLOSING_S)

    async def _finish(self) -> None:
        under_way = asyncio.all_tasks() - {asyncio.current_task()}
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        for client in self._clients.values():
            await client.close()

    async def _body(
        self, asked: Asked, what: Literal["chat", "embeddings"], request: dict[str, Any]
    ) -> str:
        """The body of the answer to a request."""
        client = self._client(asked)
        service: Any = client.chat.completions if what == "chat" else client.embeddings
        body = bytearray()
        async with service.with_streaming_response.create(**request) as response:
            async for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    size = MAX_BODY_BYTES // 1_000_000
                    raise TryFailed("unreadable", f"it is longer than {size} MB", may_pass=False)
        return _without(body.decode("utf-8-sig", errors="replace"), asked.key)

    def _client(self, asked: Asked) -> openai.AsyncOpenAI:
        # Local servers want no key, but the client insists on one.
        key = asked.key or "none"
        client = self._clients.get((asked.server, key))
        if client is None:
            # Deadlines and retries are ours.
            client = openai.AsyncOpenAI(
                api_key=key, base_url=asked.server, timeout=None, max_retries=0
            )
            self._clients[asked.server, key] = client
        return client

    def _run(self, work: Coroutine[Any, Any, T], asked: Asked, timeout_s: float) -> T:
        """Do some work in the loop's thread and wait for it."""
        with self._lock:
            if self.closed.is_set():
                work.close()
                raise ModelStopped()
            bounded = asyncio.wait_for(work, timeout_s)
            future = asyncio.run_coroutine_threadsafe(bounded, self._started_loop())
            self._under_way.add(future)
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise ModelStopped() from None
        except TimeoutError:
            raise TryFailed("timeout", f"no answer within {timeout_s:.3g} s") from None
        except openai.OpenAIError as error:
            raise _told(error, asked.key) from None
        except TryFailed:
            raise
        except Exception as error:
            # The client reads what a server sends without checking its shape.
            raise TryFailed("unreadable", type(error).__name__) from None
        finally:
            # Also where the thread that waits was interrupted.
            future.cancel()
            with self._lock:
                self._under_way.discard(future)

    def _started_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=self._loop.run_forever, name="model-wire", daemon=True
            )
            self._thread.start()
        return self._loop


def _told(error: openai.OpenAIError, key: str | None) -> TryFailed:
    """What the client's errors mean for us."""
    if isinstance(error, openai.APIStatusError):
        said = _without(" ".join(error.message.split()), key)[:400]
        return _refused(error.status_code, said, str(error.code or ""), error.response.headers)
    if isinstance(error, openai.APIConnectionError):
        cause = type(error.__cause__).__name__
        # Nothing was sent where the connection did not come about.
        sent = not cause.startswith(("Connect", "Pool", "UnsupportedProtocol"))
        what = f"the connection broke ({cause})" if sent else f"no connection ({cause})"
        return TryFailed("connection", what, may_cost=sent)
    return TryFailed("unreadable", type(error).__name__)


def _refused(status: int, said: str, code: str, headers: Mapping[str, str]) -> TryFailed:
    """An answer that tells of an error. Of those, timeouts alone can leave work that is billed."""
    return TryFailed(
        "status",
        f"status {status}: {said}",
        status=status,
        code=code,
        may_pass=may_pass(status) and code != WITHOUT_CREDIT,
        may_cost=status in (408, 504),
        retry_after_s=retry_after_s(headers),
    )


def _read_reply(body: str) -> Reply:
    """The reply in an answer's body, whatever content type it came as. Raises TryFailed."""
    unreadable = TryFailed("unreadable", f"it is no chat completion: {body[:80]!r}")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise unreadable from None
    if not isinstance(document, dict):
        raise unreadable
    choices = document.get("choices")
    if not choices and isinstance(document.get("error"), dict):
        # Some gateways send status 200 before they know that the model fails.
        error = document["error"]
        status = error.get("code") if isinstance(error.get("code"), int) else 502
        said = " ".join(str(error.get("message")).split())[:400]
        raise _refused(status, said, "", {})
    if not isinstance(choices, list):
        raise unreadable
    prompt_tokens, completion_tokens, cached_tokens = _usage(document.get("usage"))
    text, finish_reason = "", "no choices"
    if choices:
        choice = choices[0]
        if not isinstance(choice, dict) or not isinstance(choice.get("message"), dict):
            raise unreadable
        text = _text(choice["message"].get("content"))
        finish_reason = str(choice.get("finish_reason"))
    return Reply(text, finish_reason, prompt_tokens, completion_tokens, cached_tokens)


def _text(content: Any) -> str:
    """The text of a message: a string, parts of which only those of text count, or nothing."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        content = "".join(part for part in parts if isinstance(part, str))
    # Half a surrogate pair cannot be written to a file.
    return content.encode(errors="replace").decode() if isinstance(content, str) else ""


def _usage(usage: Any) -> tuple[int | None, int | None, int]:
    """Tokens of the prompt, of the answer, and of the prompt those that were read before."""
    if not isinstance(usage, dict):
        return None, None, 0
    prompt, completion = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    if prompt is None or completion is None:
        return None, None, 0
    details = usage.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else None
    return prompt, completion, min(cached or 0, prompt)


def _count(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _without(text: str, key: str | None) -> str:
    """A server's words without the key, which some repeat."""
    return text.replace(key, "[key]") if key and len(key) >= SHORTEST_SECRET else text
