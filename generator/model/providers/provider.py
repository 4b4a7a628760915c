"""What a model provider is: what turns a question into a request, and a request into a reply."""

from __future__ import annotations

import abc
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..replies import Reply
    from ..roles import Asked

Request = dict[str, Any]
"""What is sent, as the provider's servers want it."""


class Provider(abc.ABC):
    """Speaks to the model servers of one kind. Any number of threads may use it at once."""

    def __init__(self) -> None:
        self.closed = threading.Event()
        """Is set once `close` was called."""
        self._cut_prompts: set[tuple[str, str]] = set()

    @abc.abstractmethod
    def default_server(self) -> str:
        """The address of the server that is asked where the settings name none. Raises UsageError
        where the environment names one that is no address."""

    def needs_key(self, server: str) -> bool:
        """Whether a server answers nobody without a key."""
        return False

    def models(self, asked: Asked, timeout_s: float) -> list[str]:
        """Ask a server which models it has, to know before work begins that it answers. A provider
        that has no such question answers with no models. Raises as `send`."""
        return []

    @abc.abstractmethod
    def request(self, asked: Asked, messages: Sequence[dict[str, Any]]) -> Request:
        """The request that puts messages to a model. The messages are those of the OpenAI protocol;
        the settings in `asked` are to be heeded as far as the servers know such settings."""

    def adapt(self, asked: Asked, request: Request, refusal: str) -> tuple[Request, str] | None:
        """A request that the server may take in place of one that it has refused.

        Args:
            asked: The model and its server.
            request: The request that was refused with status 400 or 422.
            refusal: What the server said.

        Returns:
            The changed request, and what is done otherwise from now on, in words, or "" where that
            is for this request alone. None where the refusal does not tell what to change.
        """
        return None

    def longest_answer(self, asked: Asked, request: Request) -> int | None:
        """The longest answer that a request allows, in tokens; None where it sets no limit. Caps on
        tokens and money reserve so much before it is sent."""
        return asked.max_answer_tokens

    @abc.abstractmethod
    def send(
        self,
        asked: Asked,
        request: Request,
        timeout_s: float,
        before_it_is_sent: Callable[[], None],
    ) -> Reply:
        """Send one request and wait for its reply. Retries are the caller's business.

        Args:
            asked: The model, its server and its key.
            request: What `request` or `adapt` has made.
            timeout_s: Time after which the request is given up.
            before_it_is_sent: Is called once at most, just before the prompt leaves this machine.
                From then on the request counts as sent, and may cost something. Where it raises,
                nothing is sent.

        Raises:
            TryFailed: The request came to nothing; it says how, and whether it may pass.
            ModelStopped: The provider was closed.
            UsageError: Nothing can be sent with this key or in this environment.
        """

    def close(self) -> None:
        """Give up the requests under way: those who wait for one get ModelStopped."""
        self.closed.set()

    def cuts_prompts(self, asked: Asked, counted: int, estimated: int) -> bool:
        """Whether a server counted far fewer tokens of a prompt than it has, as one does that cuts
        off what its context does not hold (Ollama does, without a word). True only once for each
        model."""
        place = (asked.server, asked.model)
        is_cut = estimated > 1_000 and counted < estimated / 2
        is_new = is_cut and place not in self._cut_prompts
        if is_cut:
            self._cut_prompts.add(place)
        return is_new
