"""One request to a server that speaks the OpenAI chat protocol, and what came of it.

All requests of a run share one thread with an event loop, because only there a deadline holds
whatever a server does: one that sends a byte now and then never lets a blocking read time out.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Literal, TypeVar

import openai

from ...errors import ModelStopped, TaskwrightError
from .exchange import CURRENT, Exchange
from .failures import TryFailed, refused
from .network import (
    HEADERS_HINT,
    HTTP,
    certificates_hint,
    is_direct,
    is_distrust,
    make_client,
    password_hint,
    proxy_for,
    proxy_shown,
    reason_of,
)
from .replies import Reply, read_models, read_reply
from .roles import Asked
from .words import one_line

T = TypeVar("T")
What = Literal["chat", "embeddings", "models"]

MAX_BODY_BYTES = 16_000_000
"""An answer longer than this is not read to its end."""
MAX_REFUSAL_BYTES = 200_000
"""The most bytes that are read of an answer that reports an error."""
REFUSAL_S = 5.0
"""The longest time that is spent on reading an answer that reports an error."""
PROXY_WANTS_PASSWORD = 407
CLOSING_S = 3.0
"""The time for closing connections at the end."""


def _nothing() -> None:
    pass


class Wire:
    """Sends requests. Threads share it. Call `close` at the end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._clients: dict[tuple[str, str], openai.AsyncOpenAI] = {}
        self._under_way: set[concurrent.futures.Future[Any]] = set()
        self.closed = threading.Event()

    def prepare(self, asked: Asked) -> None:
        """Create the client for a server; nothing is sent. Raises UsageError where the key or the
        environment forbids it, as all requests do."""
        self._client(asked)

    def send(
        self,
        asked: Asked,
        request: dict[str, Any],
        timeout_s: float,
        before_it_is_sent: Callable[[], None] = _nothing,
    ) -> Reply:
        """Send one request. Where `before_it_is_sent` was not called, nothing was sent.

        Raises TryFailed; ModelStopped once the wire is closed; UsageError where nothing can be
        sent; and what `before_it_is_sent` raises."""
        return read_reply(self._body(asked, "chat", request, timeout_s, before_it_is_sent))

    def embed(self, asked: Asked, request: dict[str, Any], timeout_s: float) -> str:
        """Send one request for embeddings; the body of the answer, unread. Raises as `send`."""
        return self._body(asked, "embeddings", request, timeout_s)

    def list_models(self, asked: Asked, timeout_s: float) -> list[str]:
        """The models that a server says it has. Raises as `send`."""
        return read_models(self._body(asked, "models", {}, timeout_s))

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

    def _body(
        self,
        asked: Asked,
        what: What,
        request: dict[str, Any],
        timeout_s: float,
        before_it_is_sent: Callable[[], None] = _nothing,
    ) -> str:
        """The body of the answer to a request, without the key."""
        client = self._client(asked)
        exchange = Exchange(asked.key, before_it_is_sent)
        try:
            body = self._run(_received(client, what, request, exchange), timeout_s)
        except TimeoutError:
            raise _too_late(exchange, asked.server, f"within {timeout_s:.3g} s") from None
        except (TryFailed, TaskwrightError):
            raise
        except Exception as error:
            raise _failure_of(error, exchange, asked.server) from None
        finally:
            exchange.give_up()
        return exchange.without_key(body.decode("utf-8-sig", errors="replace"))

    def _client(self, asked: Asked) -> openai.AsyncOpenAI:
        # Local servers want no key, but the client insists on one.
        place = (asked.server, asked.key or "none")
        with self._lock:
            if place not in self._clients:
                self._clients[place] = make_client(
                    *place, {"request": [_follow], "response": [_refuse]}
                )
            return self._clients[place]

    def _run(self, work: Coroutine[Any, Any, T], timeout_s: float) -> T:
        """Run a coroutine in the loop's thread and wait for it."""
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


# In the thread of the loop.


async def _received(
    client: openai.AsyncOpenAI, what: What, request: dict[str, Any], exchange: Exchange
) -> bytearray:
    """The body of the answer to a request."""
    CURRENT.set(exchange)
    ask: Any = {
        "chat": client.chat.completions.with_streaming_response.create,
        "embeddings": client.embeddings.with_streaming_response.create,
        "models": client.models.with_streaming_response.list,
    }[what]
    body = bytearray()
    async with ask(**request) as response:
        async for chunk in response.iter_bytes():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                size = MAX_BODY_BYTES // 1_000_000
                raise TryFailed("unreadable", f"it is longer than {size} MB", may_pass=False)
    return body


async def _follow(request: Any) -> None:
    """Have the HTTP library report to the exchange how far its request gets."""
    request.extensions["trace"] = CURRENT.get().trace


async def _refuse(response: Any) -> None:
    """Raise TryFailed for an answer that tells of an error, with the words in it."""
    status: int = response.status_code
    takes_prompts_along = response.request.method == "GET" or status in (307, 308)
    if response.is_success or (response.has_redirect_location and takes_prompts_along):
        return
    if response.has_redirect_location:
        # If a redirect was followed, the prompt would arrive as a request for a web page.
        target = one_line(response.headers["location"])
        place = target.removesuffix("/chat/completions").removesuffix("/embeddings")
        words = f"it sends prompts on to {target}"
        raise refused(status, words, {}, f"Set the address of the server to {place}.")
    body = bytearray()
    # A body that breaks off, stalls or cannot be unpacked leaves the status, and what came of it.
    with contextlib.suppress(HTTP.HTTPError, TimeoutError):
        async with asyncio.timeout(REFUSAL_S):
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_REFUSAL_BYTES:
                    break
    text = CURRENT.get().without_key(body.decode("utf-8-sig", errors="replace"))
    raise refused(status, text, response.headers, _remedy(status, str(response.request.url)))


def _remedy(status: int, address: str) -> str:
    proxy = proxy_for(address) if status == PROXY_WANTS_PASSWORD else None
    return f"The proxy wants a name and a password: {password_hint(*proxy)}" if proxy else ""


# What errors mean for us.


def _too_late(exchange: Exchange, server: str, within: str) -> TryFailed:
    if exchange.was_sent:
        return TryFailed("timeout", f"no answer {within}")
    return _unreachable(exchange, server, f"not {within}")


def _failure_of(error: Exception, exchange: Exchange, server: str) -> Exception:
    cause = error
    if isinstance(error, openai.APIConnectionError) and isinstance(error.__cause__, Exception):
        cause = error.__cause__
    if isinstance(cause, (TryFailed, TaskwrightError)):
        return cause
    why = exchange.without_key(reason_of(cause))
    is_of_the_network = isinstance(cause, (HTTP.TransportError, OSError))
    if exchange.was_sent:
        if is_of_the_network:
            return TryFailed("broken off", f"the connection broke ({why})")
        return TryFailed("unreadable", f"it cannot be unpacked ({why})")
    if isinstance(cause, HTTP.LocalProtocolError):
        # What the library says of it repeats the header, which may be secret.
        what = "HTTP does not take one of its headers"
        return TryFailed("unsendable", what, remedy=HEADERS_HINT, may_pass=False)
    if is_distrust(cause):
        what = f"its certificate is not trusted ({why})"
        return TryFailed("unreachable", what, remedy=certificates_hint(), may_pass=False)
    if is_of_the_network or exchange.peer is not None:
        return _unreachable(exchange, server, why, may_pass=is_of_the_network)
    return TryFailed("unsendable", f"nothing could be sent ({why})", may_pass=False)


def _unreachable(exchange: Exchange, server: str, why: str, *, may_pass: bool = True) -> TryFailed:
    """No connection came about; where it was to go through a proxy, that is named."""
    proxy = proxy_for(server)
    if proxy is None or exchange.peer is None or is_direct(server, exchange.peer):
        return TryFailed("unreachable", f"no connection ({why})", may_pass=may_pass)
    wants_password = why.startswith(str(PROXY_WANTS_PASSWORD))
    return TryFailed(
        "unreachable",
        f"no connection through the proxy of {proxy_shown(*proxy)} ({why})",
        remedy=password_hint(*proxy)
        if wants_password
        else f"Check {proxy[0]}, or name the server in NO_PROXY.",
        may_pass=may_pass and not wants_password,
    )
