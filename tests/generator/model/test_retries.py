"""Pauses between tries."""

from __future__ import annotations

import email.utils
import time

import pytest

from taskwright.generator.model.retries import may_pass, pause_s, retry_after_s


@pytest.fixture(autouse=True)
def short_pauses():
    """Here they are as long as in life: nobody waits for them."""


def test_pauses_double_to_a_minute_and_half_of_each_is_chance():
    for retries, longest in enumerate([1, 2, 4, 8, 16, 32, 60, 60]):
        pauses = [pause_s(retries, None) for _ in range(200)]
        assert longest / 2 <= min(pauses) < 0.6 * longest
        assert 0.9 * longest < max(pauses) <= longest
    assert pause_s(10_000, None) <= 60


def test_a_pause_the_server_asks_for_is_kept():
    assert 7 <= pause_s(0, 7.0) <= 7.1
    assert pause_s(9, 0.0) <= 0.1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "12"}, 0.25),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
def test_retry_after_is_read_in_seconds_or_as_a_date(headers, seconds):
    assert retry_after_s(headers) == seconds


def test_a_date_to_come_is_as_far_off_as_it_is():
    date = email.utils.formatdate(time.time() + 30, usegmt=True)
    assert retry_after_s({"retry-after": date}) == pytest.approx(30, abs=1.5)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_passing_statuses(status):
    assert may_pass(status)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
def test_lasting_statuses(status):
    assert not may_pass(status)
