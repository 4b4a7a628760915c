"""When a failed request is sent again, and after which pause."""

from __future__ import annotations

import email.utils
import math
import random
import time
from collections.abc import Mapping
from datetime import UTC

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
"""The longest pause that we choose ourselves; a server may ask for a longer one."""
PASSING_STATUSES = frozenset({408, 409, 429})
"""Besides 5xx: the same request may well succeed later."""


def may_pass(status: int) -> bool:
    """Whether a request that was answered with this HTTP status may succeed when sent again."""
    return status in PASSING_STATUSES or status >= 500


def pause_s(retries_before: int, retry_after_s: float | None) -> float:
    """How long to wait before the next try: as long as the server asks for, else a time that
    doubles with each retry. Up to half of it is chance, so that many callers do not come at once.
    """
    if retry_after_s is not None:
        return retry_after_s + random.uniform(0.0, 0.1)
    longest = min(FIRST_PAUSE_S * 2.0 ** min(retries_before, 30), LONGEST_PAUSE_S)
    return longest * random.uniform(0.5, 1.0)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """The seconds that an answer's headers ask us to wait; None where they do not, or make no
    sense. Retry-After is a number of seconds or a date (RFC 9110, 10.2.3)."""
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        try:
            seconds = float(value) * unit_s
        except ValueError:
            continue
        if math.isfinite(seconds):
            return max(seconds, 0.0)
    try:
        date = email.utils.parsedate_to_datetime(headers.get("retry-after", ""))
    except (TypeError, ValueError):
        return None
    # A date without a zone is meant in UTC.
    at = date.replace(tzinfo=UTC) if date.tzinfo is None else date
    return max(at.timestamp() - time.time(), 0.0)
