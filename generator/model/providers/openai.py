"""Servers that speak the OpenAI chat protocol: OpenAI's own, and most others."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from ....config import checked_address
from ....errors import UsageError
from ..dialect import Dialect, limit_of
from ..replies import Reply
from ..roles import Asked
from ..wire import Wire
from .provider import Provider, Request

OPENAI_ADDRESS = "https://api.openai.com/v1"


class OpenAI(Provider):
    """Sends chat completions, to each model in the dialect that its server turns out to want."""

    def __init__(self) -> None:
        super().__init__()
        self._wire = Wire()
        self.closed = self._wire.closed
        self._dialects: dict[tuple[str, str], Dialect] = {}

    def default_server(self) -> str:
        try:
            address = checked_address(os.environ.get("OPENAI_BASE_URL"))
        except ValueError:
            raise UsageError(
                "OPENAI_BASE_URL is not the address of a server, or not that alone.",
                "Set it to one such as http://127.0.0.1:8000/v1; a key belongs into "
                "OPENAI_API_KEY.",
            ) from None
        return address or OPENAI_ADDRESS

    def needs_key(self, server: str) -> bool:
        return server == OPENAI_ADDRESS

    def models(self, asked: Asked, timeout_s: float) -> list[str]:
        return self._wire.list_models(asked, timeout_s)

    def request(self, asked: Asked, messages: Sequence[dict[str, Any]]) -> Request:
        return self._dialect(asked).request(asked, messages)

    def adapt(self, asked: Asked, request: Request, refusal: str) -> tuple[Request, str] | None:
        return self._dialect(asked).adapt(request, refusal)

    def longest_answer(self, asked: Asked, request: Request) -> int | None:
        return limit_of(request)

    def send(
        self,
        asked: Asked,
        request: Request,
        timeout_s: float,
        before_it_is_sent: Callable[[], None],
    ) -> Reply:
        return self._wire.send(asked, request, timeout_s, before_it_is_sent)

    def close(self) -> None:
        self._wire.close()

    def _dialect(self, asked: Asked) -> Dialect:
        return self._dialects.setdefault((asked.server, asked.model), Dialect(asked.server))
