"""The foundation model, over the OpenAI chat protocol.

Whatever server stands behind it: each call has a timeout and bounded retries, is logged with its
tokens and price, and counts against the caps that the user has set.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import openai

from ...archive.store import now
from ...config import ModelConfig
from ...errors import BrokenError, BudgetSpent, ModelError, UsageError
from ...task import Cost
from ..answers import AnswerError
from .meter import Meter

T = TypeVar("T")
Message = dict[str, str]


class FoundationModel:
    """Asks a model, remembers what it cost, and writes every call to a log.

    Raises UsageError where the settings cannot work, before anything is asked.
    """

    def __init__(self, config: ModelConfig, log_path: Path, events: Callable[..., None]) -> None:
        assert config.name is not None
        self.name = config.name
        self._config = config
        self._log_path = log_path
        self._events = events
        self._price = config.prices.get(config.name)
        if config.max_usd is not None and self._price is None:
            raise UsageError(
                f"--max-usd needs the price of the model {self.name}, which is unknown.",
                "Set it, in US dollars per million tokens: "
                f"--set 'model.prices={{{self.name}: {{prompt: 1.0, completion: 4.0}}}}', "
                "or cap tokens with --max-tokens.",
            )
        base_url = config.base_url or os.environ.get("OPENAI_BASE_URL")
        key = os.environ.get("OPENAI_API_KEY")
        if not key and not base_url:
            raise UsageError(
                f"No key is set for the model {self.name}.",
                "Set OPENAI_API_KEY, or give --base-url for a server that needs none.",
            )
        self.server = base_url or "https://api.openai.com/v1"
        if not self.server.startswith(("http://", "https://")):
            raise UsageError(
                f"The model server's address {self.server!r} is not a web address.",
                "Give one such as http://127.0.0.1:8000/v1 with --base-url or OPENAI_BASE_URL.",
            )
        self._client = openai.OpenAI(
            # Local servers want no key, but the client insists on one.
            api_key=key or "none",
            base_url=base_url,
            timeout=config.timeout_s,
            max_retries=config.max_retries,
        )
        self._lock = threading.Lock()
        self.total = self._spent_before()

    def _spent_before(self) -> Cost:
        """What earlier commands on the same run folder have spent."""
        total = Cost()
        if self._log_path.exists():
            for line in self._log_path.read_text(encoding="utf-8").splitlines():
                try:
                    entry = json.loads(line)
                    total += Cost(
                        1, entry["prompt_tokens"], entry["completion_tokens"], entry["usd"]
                    )
                except (ValueError, KeyError, TypeError):
                    continue  # The last line of a run that was killed while writing it.
        return total

    def greet(self) -> None:
        """Knock before work begins: a run may train for minutes before it first asks.

        Raises ModelError where nobody answers or the key is refused. Whatever else comes back is
        no reason to refuse the server: many list no models.
        """
        try:
            self._client.with_options(timeout=10.0, max_retries=1).models.list()
        except openai.APITimeoutError:
            return
        except openai.AuthenticationError as error:
            # A key may be good for chat and yet not for the list of models.
            if "scope" not in str(error):
                raise self._explained(error) from error
        except openai.APIConnectionError as error:
            raise self._explained(error) from error
        except (openai.OpenAIError, ValueError, TypeError, AttributeError, KeyError):
            return

    def ask(self, role: str, prompt: str, parse: Callable[[str], T], meter: Meter) -> T:
        """Ask for something; an answer that does not parse is sent back once, with the reason.

        Any number of threads may ask at the same time. What it costs is added to `meter`, that of
        the journey that asks, whether or not an answer comes of it.

        Raises BrokenError where the second answer does not parse either or the server refuses
        this very prompt, ModelError where no answer can be had, and BudgetSpent.
        """
        messages: list[Message] = [{"role": "user", "content": prompt}]
        answer = self._complete(role, messages, meter)
        try:
            return parse(answer)
        except AnswerError as error:
            messages += [
                {"role": "assistant", "content": answer or "(no text)"},
                {"role": "user", "content": str(error)},
            ]
        answer = self._complete(role, messages, meter)
        try:
            return parse(answer)
        except AnswerError as error:
            raise BrokenError(
                f"The model {self.name} gave no usable answer for the {role}, twice: {error}",
                "Try a stronger model, or raise model.max_answer_tokens.",
            ) from None

    def _complete(self, role: str, messages: list[Message], meter: Meter) -> str:
        self._check_caps()
        started = time.monotonic()
        optional: dict[str, Any] = {
            "temperature": self._config.temperature,
            "max_completion_tokens": self._config.max_answer_tokens,
        }
        try:
            completion = self._client.chat.completions.create(
                model=self.name,
                messages=messages,  # type: ignore[arg-type]
                **{name: value for name, value in optional.items() if value is not None},
            )
            choice = completion.choices[0] if completion.choices else None
            answer = (choice.message.content or "") if choice else ""
            finish_reason = choice.finish_reason if choice else "no choices"
            usage = completion.usage
        except openai.OpenAIError as error:
            self._log(role, messages, started, meter, error=type(error).__name__)
            raise self._explained(error) from error
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            # The client reads what the server sends without checking its shape.
            self._log(role, messages, started, meter, error=type(error).__name__)
            raise self._unreadable(error) from error
        cost = self._cost(
            # Some local servers tell no usage; about four characters make a token.
            usage.prompt_tokens if usage else sum(len(m["content"]) for m in messages) // 4,
            usage.completion_tokens if usage else len(answer) // 4,
        )
        with self._lock:
            self.total += cost
        meter.add(cost)
        self._log(
            role,
            messages,
            started,
            meter,
            cost=cost,
            answer=answer,
            finish_reason=finish_reason,
        )
        return answer

    def _check_caps(self) -> None:
        caps = self._config
        if caps.max_tokens is not None and self.total.tokens >= caps.max_tokens:
            raise BudgetSpent(
                f"The cap of {caps.max_tokens} tokens is reached ({self.total.tokens} used).",
                "Raise --max-tokens to go on.",
            )
        spent = self.total.usd
        if caps.max_usd is not None and spent is not None and spent >= caps.max_usd:
            raise BudgetSpent(
                f"The cap of ${caps.max_usd:g} is reached (${spent:.4f} spent).",
                "Raise --max-usd to go on.",
            )

    def _cost(self, prompt_tokens: int, completion_tokens: int) -> Cost:
        usd = None
        if self._price is not None:
            usd = (
                prompt_tokens * self._price.prompt + completion_tokens * self._price.completion
            ) / 1e6
        return Cost(1, prompt_tokens, completion_tokens, usd)

    def _explained(self, error: openai.OpenAIError) -> Exception:
        """What an error means for the user. The server's own text is kept out where it may
        repeat the key."""
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            return ModelError(
                f"The model server {self.server} refuses the key (status {error.status_code}).",
                "Check OPENAI_API_KEY and that it may use this model.",
            )
        if isinstance(error, openai.NotFoundError):
            return ModelError(
                f"The model server {self.server} knows no model {self.name!r} at this address.",
                "Check --model and --base-url (which usually ends in /v1).",
            )
        if isinstance(error, openai.APITimeoutError):
            return ModelError(
                f"The model server {self.server} gave no answer within "
                f"{self._config.timeout_s:g} s, {self._config.max_retries + 1} times.",
                "Raise model.timeout_s, or run the same command again later.",
            )
        if isinstance(error, openai.APIConnectionError):
            return ModelError(
                f"The model server {self.server} cannot be reached.",
                "Check --base-url and the network; the same command goes on where it stopped.",
            )
        if isinstance(error, openai.APIStatusError):
            if error.status_code == 429 or error.status_code >= 500:
                return ModelError(
                    f"The model server {self.server} answered with status {error.status_code}, "
                    f"{self._config.max_retries + 1} times.",
                    "Run the same command again later; it goes on where it stopped.",
                )
            return BrokenError(
                f"The model server refused the prompt (status {error.status_code}): "
                f"{' '.join(error.message.split())[:300]}",
                "Check the model's limits and the settings under `model`.",
            )
        return self._unreadable(error)

    def _unreadable(self, error: Exception) -> ModelError:
        return ModelError(
            f"The answer of the model server {self.server} cannot be read "
            f"({type(error).__name__}).",
            "Check that --base-url speaks the OpenAI chat protocol.",
        )

    def _log(
        self,
        role: str,
        messages: list[Message],
        started: float,
        meter: Meter,
        cost: Cost | None = None,
        **more: Any,
    ) -> None:
        cost = cost or Cost(usd=0.0)
        prompt = json.dumps(messages)
        entry = {
            "time": now(),
            "journey": meter.journey,
            "step": meter.step,
            "role": role,
            "model": self.name,
            "prompt_tokens": cost.prompt_tokens,
            "completion_tokens": cost.completion_tokens,
            "usd": cost.usd,
            "seconds": round(time.monotonic() - started, 2),
            "prompt_sha256": hashlib.sha256(prompt.encode()).hexdigest(),
            "messages": messages,
            **more,
        }
        with self._lock, self._log_path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        shown = ("journey", "role", "prompt_tokens", "completion_tokens", "seconds", "error")
        self._events(
            "model",
            **{name: entry[name] for name in shown if name in entry},
            total_tokens=self.total.tokens,
            total_usd=self.total.usd,
        )
