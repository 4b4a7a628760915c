"""Prices: the user's, else the table's, else unknown; never nothing."""

from __future__ import annotations

import pytest

from taskwright.config import Price
from taskwright.generator.model.prices import cost_of, price_of
from taskwright.task import Cost

OPENAI = "https://api.openai.com/v1"


def test_the_table_goes_by_server_and_the_user_goes_before_the_table():
    assert price_of("gpt-4o", OPENAI, {}) == Price(prompt=2.5, cached_prompt=1.25, completion=10)
    assert price_of("gpt-4o", "http://127.0.0.1:8000/v1", {}) is None
    assert price_of("gpt-4o-of-tomorrow", OPENAI, {}) is None
    own = Price(prompt=1, completion=2)
    assert price_of("gpt-4o", OPENAI, {"gpt-4o": own}) is own


def test_an_unknown_price_is_unknown_and_makes_every_sum_unknown():
    unknown = cost_of(None, 100, 10)
    assert unknown.usd is None
    assert (unknown + Cost(usd=1.0)).usd is None


def test_what_a_server_had_read_before_costs_less_where_the_price_says_so():
    price = Price(prompt=10, cached_prompt=1, completion=100)
    assert cost_of(price, 1000, 10, 600).usd == pytest.approx((400 * 10 + 600 + 1000) / 1e6)
    price = Price(prompt=10, completion=100)
    assert cost_of(price, 1000, 10, 600).usd == pytest.approx(0.011)
