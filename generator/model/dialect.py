"""How a server deviates from the protocol: learned from its refusals and remembered.

Servers that speak "the OpenAI protocol" differ in how the longest answer is called, in how long it
may be, and in whether they take a temperature. What a server refuses is changed once for all
requests, instead of failing every journey.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from .roles import Asked

OPENAI_HOST = "api.openai.com"
LIMIT_NAMES = ("max_tokens", "max_completion_tokens")
"""Old and new. OpenAI's newer models refuse the old one, most other servers know it; some take the
new one silently for nothing (Ollama, and llama.cpp until 2026), which would leave no limit."""
SMALLEST_LIMIT = 1_000
"""Tokens. Where not even so short an answer has room, the prompt is too long."""

TOO_MUCH = ("too large", "at most", "maximum", "less than or equal", "exceed", "range", "too high")
REFUSED = (
    "unsupported",
    "not support",
    "unrecognized",
    "unknown",
    "unexpected",
    "deprecated",
    "not permitted",
    "not allowed",
    "forbidden",
)


STREAM = re.compile(r"\bstream(ing|_options)?\b")
WANTED = ("only support", "must be", "required", "requires", "enable", "invalid")
"""What servers that only answer in streams say, beside `REFUSED`."""
STREAM_OPTIONS = "stream_options"
WAYS_TO_STREAM: tuple[dict[str, Any], ...] = (
    {"stream": False},
    {},
    {"stream": True, STREAM_OPTIONS: {"include_usage": True}},
    {"stream": True},
)
"""How an answer in one piece is asked for, and what is tried where a server refuses that: some take
no such parameter, and a few models answer in streams alone."""


class Dialect:
    """How a server wants one of its models to be asked. Threads may share it."""

    def __init__(self, server: str) -> None:
        self._limit_name = LIMIT_NAMES[1 if urlsplit(server).hostname == OPENAI_HOST else 0]
        self._refused_limit_names: set[str] = set()
        self._longest_answer: int | None = None
        self._takes_temperature = True
        self._way_to_stream = 0

    def request(self, asked: Asked, messages: Sequence[Any]) -> dict[str, Any]:
        """The keyword arguments of a chat completion."""
        way = WAYS_TO_STREAM[self._way_to_stream]
        request: dict[str, Any] = {"model": asked.model, "messages": list(messages), **way}
        if asked.max_answer_tokens is not None:
            longest = self._longest_answer or asked.max_answer_tokens
            request[self._limit_name] = min(longest, asked.max_answer_tokens)
        if asked.temperature is not None and self._takes_temperature:
            request["temperature"] = asked.temperature
        if asked.extra:
            request["extra_body"] = asked.extra
        return request

    def adapt(self, request: dict[str, Any], said: str) -> tuple[dict[str, Any], str] | None:
        """The request as the server may take it, and what was changed for good, in words, or "";
        None where its refusal (`said`, of status 400 or 422) does not tell."""
        text = said.lower()
        for name in LIMIT_NAMES:
            if name not in request:
                continue
            limit = request[name]
            if "token" in text and any(word in text for word in TOO_MUCH):
                shorter = max(limit // 2, SMALLEST_LIMIT)
                if shorter >= limit:
                    return None
                changed = {**request, name: shorter}
                if "context" in text:
                    # The room beside this prompt says nothing about the next prompt.
                    return changed, ""
                self._longest_answer = shorter
                return changed, f"answers are limited to {shorter} tokens"
            if name in text and any(word in text for word in REFUSED):
                self._refused_limit_names.add(name)
                other = LIMIT_NAMES[1 - LIMIT_NAMES.index(name)]
                if other in self._refused_limit_names:
                    return None
                self._limit_name = other
                changed = {key: value for key, value in request.items() if key != name}
                return {**changed, other: limit}, f"`{name}` is sent as `{other}`"
        if "temperature" in request and "temperature" in text:
            self._takes_temperature = False
            changed = {key: value for key, value in request.items() if key != "temperature"}
            return changed, "`temperature` is left out"
        return self._streamed_otherwise(request, text)

    def _streamed_otherwise(
        self, request: dict[str, Any], text: str
    ) -> tuple[dict[str, Any], str] | None:
        rest = {k: v for k, v in request.items() if k not in ("stream", STREAM_OPTIONS)}
        used = WAYS_TO_STREAM.index({k: v for k, v in request.items() if k not in rest})
        is_refused = STREAM.search(text) and any(word in text for word in (*REFUSED, *WANTED))
        if not is_refused or used + 1 == len(WAYS_TO_STREAM):
            return None
        self._way_to_stream = used + 1
        way = WAYS_TO_STREAM[used + 1]
        change = "the answer is asked for as a stream" if way else "`stream` is left out"
        return {**rest, **way}, change


def limit_of(request: dict[str, Any]) -> int | None:
    """The longest answer that a request allows, in tokens."""
    return next((request[name] for name in LIMIT_NAMES if name in request), None)
