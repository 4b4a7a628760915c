"""The ways in which one request fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from .retries import may_pass, retry_after_s
from .words import code_in, named, words_in

Kind = Literal["unsendable", "unreachable", "broken off", "timeout", "status", "unreadable"]
"""It cannot be put on the wire; no connection came about; the connection broke; no answer in time;
the answer tells of an error; the answer is none."""

WITHOUT_CREDIT = "insufficient_quota"
"""OpenAI's code for an empty account, which comes with status 429 and does not pass."""


class TryFailed(Exception):
    """A request failed.

    `what` is for the log and for people, and `remedy` says how to mend it, where that is known.
    `status`, `code` and `words` are what the server gave, if it did. `may_pass` tells whether the
    request may succeed when sent again, `may_cost` whether it may be billed if it was sent.
    """

    def __init__(
        self,
        kind: Kind,
        what: str,
        *,
        remedy: str = "",
        status: int | None = None,
        code: str = "",
        words: str = "",
        may_pass: bool = True,
        may_cost: bool = True,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(what)
        self.kind = kind
        self.what = what
        self.remedy = remedy
        self.status = status
        self.code = code
        self.words = words
        self.may_pass = may_pass
        self.may_cost = may_cost
        self.retry_after_s = retry_after_s


def refused(status: int, body: str, headers: Mapping[str, str], remedy: str = "") -> TryFailed:
    """An answer that tells of an error. Of those, timeouts alone can leave work that is billed."""
    words, code = words_in(body), code_in(body)
    return TryFailed(
        "status",
        named(status, words),
        remedy=remedy,
        status=status,
        code=code,
        words=words,
        may_pass=may_pass(status) and code != WITHOUT_CREDIT,
        may_cost=status in (408, 504),
        retry_after_s=retry_after_s(headers),
    )
