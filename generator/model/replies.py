"""Reading the body of an answer: one JSON document, or a stream of events that nobody asked for.

Gateways differ in what they put around it. Blank and comment lines that keep a connection alive,
and a `data: [DONE]` at the end, are looked past; a stream is put together. A stream that ends
before the server says how the answer ended is an answer that was cut off, never a whole one.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from .failures import TryFailed, refused
from .words import one_line, words_in

UNFINISHED = "unfinished"
"""Stands for the finish reason where a stream ended without one."""
QUOTED = 200
"""Characters that are quoted of a body that cannot be read."""
UPSTREAM_FAILED = 502
"""The status of an error that came with status 200 and tells none of its own."""
MOST_TOKENS = 1_000_000_000
"""A server that has counted more has not counted."""
THINKING = ("thinking", "reasoning", "thought")
"""How the types of those parts of a message begin that are no answer."""

_LINE_END = re.compile(r"\r\n|\r|\n")  # Not those of str.splitlines, which JSON may hold.
_END = re.compile(r"(data:)?\s*\[DONE\]\s*\Z")
_OF_A_STREAM = re.compile(r"(data|event|id|retry)?:|(data|\[DONE\])?\s*\Z")


@dataclass(frozen=True)
class Reply:
    """What a model answered. Token counts are None where the server gives no usage."""

    text: str
    thoughts: str
    """What a reasoning model thought before it answered, where the server sends that apart."""
    finish_reason: str
    prompt_tokens: int | None
    completion_tokens: int | None
    cached_tokens: int


def read_reply(body: str) -> Reply:
    """The reply in an answer's body, whatever content type it came as. Raises TryFailed."""
    documents = _documents(body)
    for document in documents:
        _raise_if_refused(document)
    with_choices = [d["choices"] for d in documents if isinstance(d.get("choices"), list)]
    choices = [listed[0] for listed in with_choices if listed]
    if not with_choices or not all(isinstance(choice, dict) for choice in choices):
        raise _unreadable(body)
    # Some streams end with the whole answer.
    whole = [choice for choice in choices if "delta" not in choice]
    messages = [_message(choice) for choice in whole[-1:] or choices]
    if not all(isinstance(message, dict) for message in messages):
        raise _unreadable(body)
    usages = [document["usage"] for document in documents if document.get("usage")]
    prompt_tokens, completion_tokens, cached_tokens = _usage(usages[-1] if usages else None)
    text = "".join(_text(message.get("content")) for message in messages)
    return Reply(
        text or "".join(_text(message.get("refusal")) for message in messages),
        "".join(_thoughts(message) for message in messages),
        _finish_reason(choices, was_streamed=not whole),
        prompt_tokens,
        completion_tokens,
        cached_tokens,
    )


def _message(choice: dict[str, Any]) -> Any:
    """The message of a choice, or what a chunk of a stream adds to it."""
    return choice["delta"] or {} if "delta" in choice else choice.get("message")


def _finish_reason(choices: list[dict[str, Any]], *, was_streamed: bool) -> str:
    if not choices:
        return "no choices"
    reasons = [choice.get("finish_reason") for choice in choices]
    given = [reason for reason in reasons if reason not in (None, "", "null")]
    return one_line(str(given[-1]), 100) if given else UNFINISHED if was_streamed else "None"


def read_models(body: str) -> list[str]:
    """The names in a list of models. Raises TryFailed where it is none."""
    documents = _documents(body)
    for document in documents:
        _raise_if_refused(document)
    listed = documents[0].get("data", ()) or [] if documents else None
    if not isinstance(listed, list):
        raise TryFailed("unreadable", f"it is no list of models: {quoted(body)}")
    names = [model.get("id") for model in listed if isinstance(model, dict)]
    return [one_line(name, 100) for name in names if isinstance(name, str)]


def quoted(body: str) -> str:
    """The beginning of a body that cannot be read, for people."""
    words = one_line(words_in(body), QUOTED)
    return f"“{words}”" if words else "it is empty"


def _unreadable(body: str) -> TryFailed:
    return TryFailed("unreadable", f"it is no chat completion: {quoted(body)}")


def _documents(body: str) -> list[dict[str, Any]]:
    """The JSON objects in a body: the one that it is, or those of its events. None where anything
    else stands there."""
    whole = _json(body)
    if whole is None:
        lines = _LINE_END.split(body)
        rest = [line for line in lines if not _OF_A_STREAM.match(line)]
        if not rest:
            return _events(lines)
        # The end of a stream may stand on the last line of the document.
        whole = _json(_END.sub("", "\n".join(rest)))
    return [] if whole is None else [whole]


def _events(lines: list[str]) -> list[dict[str, Any]]:
    """The data of each event of a stream but `[DONE]`. None where it is not all JSON objects."""
    texts: list[str] = []
    data: list[str] = []
    for line in [*lines, ""]:
        if line.startswith("data"):
            data.append(line.removeprefix("data").removeprefix(":").strip())
        elif not line.strip() and data:
            together = "\n".join(data)
            # Some leave out the blank line between two events.
            texts += [together] if _json(together) else data
            data = []
    events = [_json(text) for text in texts if text not in ("", "[DONE]")]
    if events and events[-1] is None:
        # The stream broke off within it.
        events.pop()
    found = [event for event in events if event is not None]
    return found if len(found) == len(events) else []


def _json(text: str) -> dict[str, Any] | None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _raise_if_refused(document: dict[str, Any]) -> None:
    """Some gateways send status 200 before they know that the model fails."""
    error = document.get("error")
    if not error or document.get("choices"):
        return
    code = str(error.get("code") or "") if isinstance(error, dict) else ""
    status = int(code) if re.fullmatch(r"[45]\d\d", code, re.ASCII) else UPSTREAM_FAILED
    raise refused(status, json.dumps(document), {})


def _text(content: Any) -> str:
    """The text of a message: a string, parts of which only those of text count, or nothing."""
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict)]
        content = "".join(_text(part.get("text")) for part in parts if not _is_thought(part))
    # Half a surrogate pair cannot be written to a file.
    return content.encode(errors="replace").decode() if isinstance(content, str) else ""


def _thoughts(message: dict[str, Any]) -> str:
    """The thoughts in a message, by the names that servers give them: a text, or parts."""
    for name in ("reasoning_content", "reasoning", "thinking"):
        if text := _text(message.get(name)):
            return text
    parts = message.get("reasoning_details") or message.get("content")
    found = []
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict) and _is_thought(part):
            words = (part.get(name) for name in ("text", "summary", *THINKING))
            found.append(next(filter(None, map(_text, words)), ""))
    return "".join(found)


def _is_thought(part: dict[str, Any]) -> bool:
    return str(part.get("type")).startswith(THINKING)


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
    """A number of tokens; None for what is none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value <= MOST_TOKENS else None
