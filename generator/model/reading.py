"""Having an answer parsed, whatever it holds: no answer brings a run down."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..answers import AnswerError
from .cache import LEFT_UNREAD, Answer
from .replies import UNFINISHED

T = TypeVar("T")

LONGEST_TEXT = 200_000
"""Characters. A longer answer is not looked at: a task has a few thousand."""
LONGEST_REASON = 2_000
"""Characters of the reason why an answer cannot be used; a parser may quote from the answer."""
CUT_OFF = ("length", "max_tokens", UNFINISHED)
"""Finish reasons of answers whose end is missing."""


def parsed(answer: Answer, parse: Callable[[str], T]) -> T:
    """What an answer holds. A text that came as thoughts counts where there is no other.

    Raises AnswerError, with a reason for the model, for whatever keeps the answer from being read.
    """
    if answer.finish_reason == LEFT_UNREAD:
        raise AnswerError(
            "The answer could not be read: the program that read it came to no end. Send it again, "
            "in the plain form that was asked for."
        )
    is_thought = not answer.text.strip() and bool(answer.thoughts.strip())
    text = answer.thoughts if is_thought else answer.text
    if len(text) > LONGEST_TEXT:
        which = "thoughts have" if is_thought else "answer has"
        raise AnswerError(
            f"The {which} {len(text)} characters. Send what was asked for alone; "
            "it takes a few thousand."
        )
    if answer.finish_reason.lower() in CUT_OFF:
        # Whatever it can be read as, its end is missing.
        raise AnswerError("The answer was cut off. Send it again, whole and shorter.")
    try:
        return parse(text)
    except AnswerError as error:
        reason = str(error)[:LONGEST_REASON]
    except Exception as error:
        # A parser has met what nobody had thought of, and that is no reason to end a run.
        reason = (
            f"The answer could not be read ({type(error).__name__}). Send it again, in the plain "
            "form that was asked for."
        )
    if is_thought:
        reason = f"The answer was empty, and its text came as thoughts. {reason}"
    raise AnswerError(reason)


def ending_of(answer: Answer) -> str:
    """A sentence on how an unusable answer ended, after a blank; empty where that tells nothing."""
    if answer.finish_reason == UNFINISHED:
        return " The stream of the last answer ended before the answer did."
    if answer.finish_reason.lower() in CUT_OFF:
        return " The last answer was cut off at its greatest length."
    if answer.finish_reason == "content_filter":
        return " The server's content filter stopped the last answer."
    return ""
