"""Messages to a model: text, and pictures beside it."""

from __future__ import annotations

import base64
import hashlib
import math
import mimetypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Part = Mapping[str, Any]
"""A part of a message in the OpenAI protocol: `text_part` or `picture_part`."""
Prompt = str | Sequence[Part]

BYTES_PER_TOKEN = 3
"""English has four and code three to four. Caps are to err on the safe side."""
TOKENS_PER_PICTURE = 1_500
"""A guess: servers count between a hundred and a few thousand for one of our posters."""


def text_part(text: str) -> Part:
    return {"type": "text", "text": text}


def picture_part(path: Path) -> Part:
    """A picture file, sent along in the message. Raises OSError where it cannot be read."""
    kind = mimetypes.guess_type(path.name)[0] or "image/png"
    data = base64.b64encode(path.read_bytes()).decode()
    return {"type": "image_url", "image_url": {"url": f"data:{kind};base64,{data}"}}


def message(role: str, content: Prompt) -> dict[str, Any]:
    """A message, its parts as plain dictionaries. Half surrogate pairs, which no server takes, are
    question marks in it."""
    if isinstance(content, str):
        return {"role": role, "content": _sendable(content)}
    parts = [
        {**part, "text": _sendable(part["text"])} if part.get("type") == "text" else dict(part)
        for part in content
    ]
    return {"role": role, "content": parts}


def _sendable(text: str) -> str:
    return text.encode(errors="replace").decode()


def estimated_tokens(messages: Sequence[Mapping[str, Any]]) -> int:
    """About how many tokens a server will count, rather too many than too few."""
    return sum(estimated_text_tokens(text) for text in _texts(messages)) + sum(
        TOKENS_PER_PICTURE for _ in _pictures(messages)
    )


def estimated_text_tokens(text: str) -> int:
    return math.ceil(len(text.encode(errors="replace")) / BYTES_PER_TOKEN)


def loggable(messages: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The messages with each picture's data replaced by its size and SHA-256."""
    return [
        {**message, "content": [_loggable_part(part) for part in message["content"]]}
        if isinstance(message["content"], list)
        else dict(message)
        for message in messages
    ]


def _loggable_part(part: Part) -> Part:
    if part.get("type") != "image_url":
        return part
    kind, _, data = part["image_url"]["url"].partition(",")
    digest = hashlib.sha256(data.encode()).hexdigest()
    return {"type": "image_url", "image_url": {"url": f"{kind}, {len(data)} bytes, {digest}"}}


def _parts(messages: Sequence[Mapping[str, Any]]) -> list[Part]:
    return [
        part
        for message in messages
        if isinstance(message["content"], list)
        for part in message["content"]
    ]


def _texts(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    plain = [message["content"] for message in messages if isinstance(message["content"], str)]
    return plain + [part["text"] for part in _parts(messages) if part.get("type") == "text"]


def _pictures(messages: Sequence[Mapping[str, Any]]) -> list[Part]:
    return [part for part in _parts(messages) if part.get("type") == "image_url"]
