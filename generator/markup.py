"""What models put around what they say: thoughts, labels, fences, JSON.

A model may send any text, and while one is read nothing else of the run goes on. So every function
here takes time in proportion to the length of its text. Lines are taken apart by the methods of
`str`; the few regular expressions have no two repetitions between which anything could be shared
out, and so never go back to try again.
"""

from __future__ import annotations

import itertools
import json
import os.path
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_TAG = "think|thinking|thought|thoughts|reasoning|analysis|scratchpad"
_THOUGHTS = tuple(
    re.compile(tag, re.IGNORECASE)
    # Mistral writes brackets, Kimi triangles.
    for tag in (rf"</?(?:{_TAG})>", r"\[/?THINK\]", "◁/?think▷")
)
_CONTROL_TOKEN = re.compile(r"<\|[a-z_]++\|>")
_FENCES = ("```", "~~~")
_COLON = re.compile("[:：]")
_NUMBER = re.compile(r"\(?\d++[.)]")
BLANKS = " \t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u00a0\u200b\u2028\u2029\u3000\ufeff"
"""Characters that are invisible."""
_DECORATION = f"{BLANKS}#>*_`-"
"""Headings, quotes, lists, bold and code, and blanks among them."""
_OBJECT = re.compile(r'\{\s*+["}]')
_JSON_PATIENCE = 20
"""The search for JSON reads a text at most this many times."""


def plain(text: str) -> str:
    """The text with line feeds for line ends, and U+FFFD for what nobody can store: null characters
    and halves of surrogate pairs. Two halves that belong together become one character."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


# Thoughts.


def without_reasoning(answer: str) -> str:
    """The plain text of an answer, without the thoughts that some models send before it.

    Thoughts that never end leave nothing: the answer was cut off before it began.
    """
    text = plain(answer)
    if "<|message|>" in text:  # gpt-oss behind a server that does not read its channels
        text = _CONTROL_TOKEN.sub("", _final_message(text))
    for tag in _THOUGHTS:
        text = _without_thoughts(text, tag)
    return text


def _final_message(text: str) -> str:
    """What comes after the last header of the channel `final`; all where there is none."""
    parts = text.split("<|message|>")
    for number in range(len(parts) - 1, 0, -1):
        _, channel, header = parts[number - 1].rpartition("<|channel|>")
        if channel and header.partition("<|")[0].strip() == "final":
            return "<|message|>".join(parts[number:])
    return text


def _without_thoughts(text: str, tag: re.Pattern[str]) -> str:
    kept, place, is_thought = [""], 0, False
    for found in tag.finditer(text):
        if found[0][1] == "/":
            if not is_thought:
                # A closing tag alone: the server had put the opening one into its prompt template.
                kept = [""]
            place, is_thought = found.end(), False
        elif not is_thought:
            kept.append(text[place : found.start()])
            place, is_thought = found.start(), True
    before = "".join(kept)
    # Only at the start: further on the words may be part of the answer.
    return "" if is_thought and not before.strip() else before + text[place:]


# Labels.


def labels(
    text: str, names: Sequence[str], *, outside_blocks: bool = False
) -> list[tuple[str, str]]:
    """Each label with the text up to the next one, in their order. A label stands at the beginning
    of a line and has a colon after it, or is a heading of its own; `names` are in capitals.

    With `outside_blocks`, words in fenced blocks are no labels.
    """
    lines = text.splitlines(keepends=True)
    in_blocks: set[int] = set()
    if outside_blocks:
        in_blocks.update(*(range(block.first, block.last + 1) for block in _blocks(lines)))
    found: list[tuple[str, list[str]]] = []
    for number, line in enumerate(lines):
        label = None if number in in_blocks else _label(line, names)
        if label is not None:
            found.append((label[0], [label[1]]))
        elif found:
            found[-1][1].append(line)
    return [(name, "".join(content)) for name, content in found]


def _label(line: str, names: Sequence[str]) -> tuple[str, str] | None:
    """The label that a line begins with, and what the line says after it."""
    head, *rest = _COLON.split(line, maxsplit=1)
    word = head.strip(_DECORATION)
    if number := _NUMBER.match(word):
        word = word[number.end() :].strip(_DECORATION)
    # Other letters than those of ASCII may change their number with their case.
    name = word.upper() if word.isascii() else ""
    if name not in names:
        return None
    if rest:
        return name, rest[0].lstrip(" \t*_")
    is_heading = line.partition(word)[0].endswith(("#", "*", "_", " "))
    return (name, "") if is_heading else None


def before_fence(text: str) -> str:
    """The lines above the first fence."""
    lines = text.splitlines(keepends=True)
    return "".join(itertools.takewhile(lambda line: not _begins_with_fence(line), lines))


def without_fences(text: str) -> str:
    """The lines that are no fences."""
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if not _begins_with_fence(line))


def _begins_with_fence(line: str) -> bool:
    return line.lstrip(BLANKS).startswith(_FENCES)


# Code.


@dataclass(frozen=True)
class Block:
    """A fenced code block."""

    code: str
    closed: bool


@dataclass(frozen=True)
class _Lines:
    """A block by the numbers of its first line, which is its fence, and of its last, which is its
    other fence where it is closed."""

    first: int
    last: int
    closed: bool


def code_blocks(text: str) -> list[Block]:
    """The fenced blocks of a text in their order; empty ones are left out."""
    # Form feeds and the like also end a line; they are kept in the code.
    lines = text.splitlines(keepends=True)
    blocks = []
    for block in _blocks(lines):
        end = block.last if block.closed else block.last + 1
        code = dedented("".join(lines[block.first + 1 : end])).strip("\n") + "\n"
        if code.strip():
            blocks.append(Block(code, block.closed))
    return blocks


def _blocks(lines: Sequence[str]) -> list[_Lines]:
    blocks = []
    fence, first = "", 0
    for number, line in enumerate(lines):
        mark, words = _fence(line)
        if not mark:
            continue
        if not fence:
            fence, first = mark, number
        elif mark.startswith(fence) and not words:
            blocks.append(_Lines(first, number, closed=True))
            fence = ""
        elif mark.startswith(fence):
            # Another block begins before this one has ended.
            blocks.append(_Lines(first, number - 1, closed=False))
            first = number
    if fence:
        blocks.append(_Lines(first, len(lines) - 1, closed=False))
    return blocks


def _fence(line: str) -> tuple[str, str]:
    """The fence that a line is, and the words after it; both are empty where it is none."""
    line = line.strip(BLANKS)
    if not line.startswith(_FENCES):
        return "", ""
    words = line.lstrip(line[0])
    return ("", "") if "`" in words else (line[: len(line) - len(words)], words.strip())


def dedented(code: str) -> str:
    """The code without the indentation that all its lines share; lines of blanks are emptied."""
    lines = [line if line.strip(" \t") else "" for line in code.split("\n")]
    indentations = [line[: len(line) - len(line.lstrip(" \t"))] for line in lines if line]
    shared = os.path.commonprefix(indentations)  # noqa: RUF071 (of texts, not of paths)
    return "\n".join(line.removeprefix(shared) for line in lines)


def indented(code: str, by: str) -> str:
    """The code with each of its lines but empty ones indented."""
    return "\n".join(by + line if line.strip() else line for line in code.split("\n"))


# JSON.


def json_objects(text: str) -> Iterator[dict[str, Any]]:
    """Every JSON object in a text, an outer one before those in it.

    What only begins like one is passed over. In a text with very much of that, the search is given
    up.
    """
    decoder = json.JSONDecoder(strict=False)
    left = float(_JSON_PATIENCE * len(text))
    found = _OBJECT.search(text)
    while found and left > 0:
        place, end = found.start(), found.start() + 1
        try:
            value, end = decoder.raw_decode(text, place)
        except json.JSONDecodeError as error:
            # Python also counts the lines above an error, in a hundredth of the time.
            left -= error.pos - place + error.pos / 100
        except (ValueError, RecursionError):
            # A number has too many digits, or the nesting is too deep. Python does not say where.
            left -= len(text)
        else:
            yield from _objects_in(value)
        found = _OBJECT.search(text, end)


def _objects_in(value: object) -> Iterator[dict[str, Any]]:
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(reversed(value.values()))
        elif isinstance(value, list):
            waiting.extend(reversed(value))
