"""What a model costs: the user's prices, else a dated table, else unknown."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib import resources
from urllib.parse import urlsplit

import yaml

from ...config import Price
from ...task import Cost


def price_of(model: str, server: str, own: Mapping[str, Price]) -> Price | None:
    """The price of a model at the server with that address; None where it is unknown.

    The table goes by server, as the same name can be a bought model here and a local one there.
    """
    return own.get(model) or _table().get((urlsplit(server).hostname or "", model))


@functools.cache
def _table() -> dict[tuple[str, str], Price]:
    text = resources.files(__package__).joinpath("prices.yaml").read_text(encoding="utf-8")
    return {
        (host, model): Price.model_validate(price)
        for host, entry in yaml.safe_load(text).items()
        for model, price in entry["models"].items()
    }


def cost_of(
    price: Price | None,
    prompt_tokens: int,
    completion_tokens: int,
    cached_tokens: int = 0,
    *,
    estimated: bool = False,
) -> Cost:
    """What one request costs. `cached_tokens` are those of the prompt that were read before."""
    usd = None
    if price is not None:
        cached_price = price.prompt if price.cached_prompt is None else price.cached_prompt
        usd = (
            (prompt_tokens - cached_tokens) * price.prompt
            + cached_tokens * cached_price
            + completion_tokens * price.completion
        ) / 1e6
    tokens = prompt_tokens + completion_tokens
    return Cost(1, prompt_tokens, completion_tokens, usd, tokens if estimated else 0)
