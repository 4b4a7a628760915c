"""The foundation model: questions in, parsed answers out, whatever server stands behind it."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar

from ...config import ModelConfig
from ...errors import BrokenError, ModelError, UsageError
from ...task import Cost
from ..answers import AnswerError
from .budget import Budget
from .cache import LEFT_UNREAD, READ_ONLY, Answer, AnswerCache, cache_key
from .call import Call, new_entry, said
from .explained import explained
from .failures import Kind, TryFailed
from .log import CallLog, cost_in, read_calls
from .messages import Prompt, message
from .meter import Meter
from .prices import cost_of, price_of
from .providers import make_provider
from .reading import ending_of, parsed
from .roles import Asked, all_asked, asked_in

T = TypeVar("T")

GREETING_TIMEOUT_S = 10.0
CLOSING_S = 2.0
SENT_BACK = 20_000
"""Characters of an unusable answer that are sent back with the reason."""
NEVER_ARRIVED: tuple[Kind, ...] = ("unsendable", "unreachable")
"""Kinds of failures that are not the server's."""
ANSWERS = "answers"
"""The folder in a run folder that keeps what the model has answered."""


class FoundationModel:
    """Asks a model, remembers what it cost, and writes every call to a log.

    Use as a context manager; any number of threads may ask meanwhile. Raises UsageError where the
    settings cannot work, before anything is asked or written.
    """

    def __init__(self, config: ModelConfig, run_dir: Path, events: Callable[..., None]) -> None:
        assert config.name is not None
        self.name = config.name
        self._config = config
        self._run_dir = run_dir
        self._events = events
        self._provider = make_provider(config.provider)
        self._asked = all_asked(config, self._provider)
        self._under_way = 0
        self._quiet = threading.Condition()
        self._log = CallLog(run_dir)
        self._own = AnswerCache(run_dir / ANSWERS)
        self._shared = AnswerCache(config.cache) if config.cache else None
        self._replayed = _recorded(config.replay) if config.replay else None
        self._answering: set[tuple[str, str]] = set()
        """Servers and models that have answered in this run, earlier commands included."""
        self._budget = Budget(config, Cost())

    def __enter__(self) -> Self:
        """Take up what earlier commands on the same run folder have spent."""
        self._log.recover()
        self._budget = Budget(self._config, self._spent_before())
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give up the questions under way: those who ask them get ModelStopped. What they may have
        cost is logged."""
        self._provider.close()
        with self._quiet:
            self._quiet.wait_for(lambda: not self._under_way, CLOSING_S)

    @property
    def total(self) -> Cost:
        """What the run has spent so far, earlier commands included."""
        return self._budget.spent

    def name_for(self, role: str) -> str:
        """The model that is asked in a role."""
        return self._in(role).model

    def greet(self) -> None:
        """Test the connection early: a run may train for minutes before its first question.

        Raises ModelError where nobody answers or the key is refused, and UsageError where a key or
        the environment keeps all requests from being sent. Whatever else comes back is no reason to
        refuse the server: many list no models.
        """
        if self._replayed:
            return
        for asked in {(asked.server, asked.key): asked for asked in self._asked.values()}.values():
            try:
                self._provider.models(asked, GREETING_TIMEOUT_S)
            except TryFailed as failed:
                # A key may be good for chat and yet not for the list of models.
                is_refused = failed.status == 401 and "scope" not in failed.what
                if is_refused or failed.status == 407 or failed.kind in NEVER_ARRIVED:
                    raise explained(failed, asked, 1) from None

    def ask(self, role: str, prompt: Prompt, parse: Callable[[str], T], meter: Meter) -> T:
        """Ask for something; an answer that does not parse is sent back once, with the reason.

        `prompt` is text, or parts of text and pictures. What it costs is added to `meter`, that of
        the journey that asks, whether or not an answer comes of it.

        Raises BrokenError where the second answer does not parse either or the server refuses
        this very prompt, ModelError where no answer can be had, BudgetSpent, and ModelStopped.
        """
        messages = [message("user", prompt)]
        key, answer = self._answer(role, messages, meter)
        try:
            return self._read(key, answer, parse, meter)
        except AnswerError as error:
            text = (answer.text or answer.thoughts)[:SENT_BACK]
            messages += [
                message("assistant", text or "(no text)"),
                message("user", str(error)),
            ]
        key, answer = self._answer(role, messages, meter)
        try:
            return self._read(key, answer, parse, meter)
        except AnswerError as error:
            raise BrokenError(
                f"The model {self.name_for(role)} gave no usable answer for the {role}, twice: "
                f"{error}{ending_of(answer)}",
                "Try a stronger model, or raise model.max_answer_tokens.",
            ) from None

    def _read(self, key: str, answer: Answer, parse: Callable[[str], T], meter: Meter) -> T:
        """The parsed content of an answer. A marker remains if reading it ends this process."""
        if answer.finish_reason == LEFT_UNREAD:
            self._warn(
                meter,
                "An answer of the model was being read when an earlier process ended. It is not "
                "read again, in case that was why; the model is asked for another.",
            )
        with contextlib.ExitStack() as markers:
            markers.enter_context(self._own.reading(key))
            if self._shared:
                with contextlib.suppress(*READ_ONLY):
                    markers.enter_context(self._shared.reading(key))
            return parsed(answer, parse)

    def _warn(self, meter: Meter, text: str) -> None:
        self._events("warning", journey=meter.journey, text=text)

    def _in(self, role: str) -> Asked:
        if role not in self._asked:
            self._asked[role] = asked_in(role, self._config, self._provider)
        return self._asked[role]

    def _answer(
        self, role: str, messages: Sequence[dict[str, Any]], meter: Meter
    ) -> tuple[str, Answer]:
        """An answer, and the key under which it is kept."""
        asked = self._in(role)
        wanted = {
            "model": asked.model,
            "messages": messages,
            "temperature": asked.temperature,
            "max_answer_tokens": asked.max_answer_tokens,
            "extra": asked.extra,
        }
        key = cache_key(wanted, meter.sample(cache_key(wanted, "")))
        if answer := self._own.find(key):
            # A step that was cut off is done again. It is paid, but not yet in the journey's sum.
            meter.add(answer.cost)
            return key, answer
        if answer := self._found_elsewhere(key, role, asked, messages, meter):
            self._own.keep(key, answer)
            return key, answer
        return key, self._from_server(key, role, asked, messages, meter)

    def _found_elsewhere(
        self, key: str, role: str, asked: Asked, messages: Sequence[dict[str, Any]], meter: Meter
    ) -> Answer | None:
        """An answer that another run has paid for; None where there is none. Raises ModelError
        where a run is replayed that had no such question."""
        elsewhere = self._replayed or self._shared
        found = elsewhere.find(key) if elsewhere else None
        if found is None:
            if self._replayed:
                raise ModelError(
                    f"The run {self._config.replay} that is replayed was never asked this: "
                    f"journey {meter.journey}, step {meter.step}, as {role}.",
                    "Replay with the settings and the version it was made with, or name a model "
                    "and leave --replay out.",
                )
            return None
        source = "replay" if self._replayed else "cache"
        self._log.end(new_entry(asked, role, messages, meter, source) | said(found))
        return replace(found, cost=Cost())

    def _from_server(
        self, key: str, role: str, asked: Asked, messages: Sequence[dict[str, Any]], meter: Meter
    ) -> Answer:
        place = (asked.server, asked.model)

        def keep(answer: Answer) -> None:
            self._own.keep_new(key, answer)
            if self._shared:
                self._shared.keep_new(key, answer)

        warn = functools.partial(self._warn, meter)
        call = Call(self._config, asked, self._provider, role, messages, meter, warn)
        with self._quiet:
            self._under_way += 1
        try:
            answer = call.answer(self._budget, self._log, keep)
            self._answering.add(place)
            return answer
        except TryFailed as failed:
            has_answered = place in self._answering
            raise explained(failed, asked, len(call.tries), has_answered=has_answered) from None
        finally:
            shown = ("journey", "role", "prompt_tokens", "completion_tokens", "seconds", "error")
            total = self.total
            self._events(
                "model",
                **{name: call.entry[name] for name in shown if name in call.entry},
                total_tokens=total.tokens,
                total_usd=total.usd,
            )
            with self._quiet:
                self._under_way -= 1
                self._quiet.notify_all()

    def _spent_before(self) -> Cost:
        """What earlier commands on the run folder have spent; also notes which models have
        answered."""
        total = Cost()
        for entry in read_calls(self._run_dir):
            cost = cost_in(entry)
            if "answer" in entry and entry.get("source", "model") == "model":
                self._answering.add((str(entry.get("server")), str(entry.get("model"))))
            if cost.usd is None:
                # The settings may have a price by now.
                price = price_of(
                    str(entry.get("model")), str(entry.get("server")), self._config.prices
                )
                known = cost_of(price, cost.prompt_tokens, cost.completion_tokens)
                cost = replace(cost, usd=known.usd)
            total += cost
        if self._config.max_usd is not None and total.usd is None:
            raise UsageError(
                "--max-usd cannot be kept: earlier calls of this run were of a model whose price "
                "is unknown.",
                "Give its price in model.prices, or cap tokens with --max-tokens.",
            )
        return total


def _recorded(run_dir: Path) -> AnswerCache:
    """The recorded answers of a run. Raises UsageError where there are none."""
    folder = run_dir / ANSWERS
    if not folder.is_dir():
        raise UsageError(
            f"{run_dir} holds no recorded answers to replay.",
            "Name the folder of a run with a model that was made by this version.",
        )
    return AnswerCache(folder, is_ours=False)
