"""One question to a model, with all the tries that it takes."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from ...archive.store import now
from ...config import ModelConfig
from ...errors import ModelStopped
from ...task import Cost
from .budget import Budget
from .cache import Answer
from .failures import TryFailed
from .log import SENT, CallLog, Entry, cost_fields
from .messages import estimated_text_tokens, estimated_tokens, loggable
from .meter import Meter
from .prices import cost_of
from .providers.provider import Provider
from .replies import Reply
from .retries import pause_s
from .roles import Asked

ADAPTABLE = (400, 422)
"""Statuses by which servers refuse a parameter."""
SHORTEST_TRY_S = 1.0
"""A try with less time until the deadline is not begun: its timeout would hide the real reason."""
CUT_OFF = "the process ended during this call"


def new_entry(
    asked: Asked, role: str, messages: Sequence[dict[str, Any]], meter: Meter, source: str = "model"
) -> Entry:
    """The log entry of a question before it is answered."""
    prompt = json.dumps(messages)
    return {
        "call": uuid.uuid4().hex,
        "time": now(),
        "journey": meter.journey,
        "step": meter.step,
        "role": role,
        "model": asked.model,
        "server": asked.server,
        "source": source,
        **cost_fields(Cost()),
        "seconds": 0.0,
        "tries": [],
        "prompt_sha256": hashlib.sha256(prompt.encode()).hexdigest(),
        "messages": loggable(messages),
    }


def said(answer: Answer) -> Entry:
    """The fields of an answer in the log."""
    entry: Entry = {"finish_reason": answer.finish_reason, "answer": answer.text}
    return entry | {"thoughts": answer.thoughts} if answer.thoughts else entry


class Call:
    """Asks until there is an answer, no hope of one, or no time left; counts and logs all of it."""

    def __init__(
        self,
        config: ModelConfig,
        asked: Asked,
        provider: Provider,
        role: str,
        messages: Sequence[dict[str, Any]],
        meter: Meter,
        warn: Callable[[str], None],
    ) -> None:
        self._config = config
        self._asked = asked
        self._provider = provider
        self._messages = messages
        self._meter = meter
        self._warn = warn
        self._started = time.monotonic()
        self.spent = Cost()
        self.tries: list[dict[str, Any]] = []
        self.entry = new_entry(asked, role, messages, meter)
        self.entry["tries"] = self.tries

    def answer(self, budget: Budget, log: CallLog, keep: Callable[[Answer], None]) -> Answer:
        """The answer, which is kept before anything else is done with it.

        Raises TryFailed with the last failure, BudgetSpent, ModelStopped, and UsageError where
        nothing can be sent."""
        try:
            reply = self._try_until_answered(budget, log)
        except BaseException as error:
            if self.tries or self.spent.calls:
                self._end(log, error=str(error) or type(error).__name__)
            raise
        answer = Answer(reply.text, reply.finish_reason, self.spent, reply.thoughts)
        keep(answer)
        self._end(log, **said(answer))
        return answer

    def _try_until_answered(self, budget: Budget, log: CallLog) -> Reply:
        request = self._provider.request(self._asked, self._messages)
        deadline = self._started + self._config.deadline_s
        retries = 0
        while True:
            began = time.monotonic()
            calls_before = self.spent.calls
            timeout_s = min(self._asked.timeout_s, deadline - began)
            try:
                return self._try_once(budget, log, request, timeout_s)
            except TryFailed as failed:
                failure = failed
            noted = {
                "error": failure.what,
                SENT: self.spent.calls > calls_before,
                "seconds": round(time.monotonic() - began, 2),
            }
            self.tries.append(noted)
            adapted = None
            if failure.status in ADAPTABLE:
                adapted = self._provider.adapt(self._asked, request, failure.what)
            if adapted is not None:
                request, change = adapted
                if change:
                    self._warn(
                        f"The server {self._asked.server} does not take the request for "
                        f"{self._asked.model} as it was: {change} from now on."
                    )
                continue
            if not failure.may_pass or retries >= self._config.max_retries:
                raise failure
            pause = pause_s(retries, failure.retry_after_s)
            if time.monotonic() + pause + SHORTEST_TRY_S >= deadline:
                raise failure
            noted["pause_s"] = round(pause, 2)
            retries += 1
            if self._provider.closed.wait(pause):
                raise ModelStopped()

    def _try_once(
        self,
        budget: Budget,
        log: CallLog,
        request: dict[str, Any],
        timeout_s: float,
    ) -> Reply:
        price = self._asked.price
        prompt_tokens = estimated_tokens(self._messages)
        prompt = cost_of(price, prompt_tokens, 0, estimated=True)
        longest = self._provider.longest_answer(self._asked, request) or 0
        most = cost_of(price, prompt_tokens, longest, estimated=True)
        reserved = budget.reserve(prompt, most)
        cost = Cost()

        def count_it() -> None:
            """From now on it counts with the most that it can cost, until more is known."""
            nonlocal cost
            log.begin({**self.entry, **cost_fields(self.spent + most), "error": CUT_OFF})
            cost = most

        try:
            reply = self._provider.send(self._asked, request, timeout_s, count_it)
            cost = self._cost_of(reply, prompt_tokens)
            return reply
        except TryFailed as failed:
            if not failed.may_cost:
                cost = Cost(calls=cost.calls)
            raise
        finally:
            budget.settle(reserved, cost)
            self._meter.add(cost)
            self.spent += cost

    def _cost_of(self, reply: Reply, prompt_tokens: int) -> Cost:
        price = self._asked.price
        if reply.prompt_tokens is None or reply.completion_tokens is None:
            completion_tokens = estimated_text_tokens(reply.text + reply.thoughts)
            return cost_of(price, prompt_tokens, completion_tokens, estimated=True)
        if self._provider.cuts_prompts(self._asked, reply.prompt_tokens, prompt_tokens):
            self._warn(
                f"The server {self._asked.server} counted {reply.prompt_tokens} tokens of a prompt "
                f"of about {prompt_tokens}: it may have cut the rest off. Give {self._asked.model} "
                "a longer context there."
            )
        return cost_of(price, reply.prompt_tokens, reply.completion_tokens, reply.cached_tokens)

    def _end(self, log: CallLog, **outcome: Any) -> None:
        seconds = round(time.monotonic() - self._started, 2)
        self.entry |= {**cost_fields(self.spent), "seconds": seconds, **outcome}
        log.end(self.entry)
