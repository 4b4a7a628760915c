"""Model providers: how the servers of one kind are spoken to.

- `PROVIDERS`: the providers by the name that the setting `model.provider` gives them
- `provider.Provider`: what a provider is
- `openai.OpenAI`: servers that speak the OpenAI chat protocol, which most do

To add one, write a subclass of `Provider` in a file of its own and add a line to `PROVIDERS`;
`tests/generator/model/test_every_provider.py` tries each. What comes before and after a request is
the same for all: caps, retries, the cache, the log and the reading of answers.
"""

from __future__ import annotations

from collections.abc import Callable

from ....errors import UsageError
from .openai import OpenAI
from .provider import Provider

PROVIDERS: dict[str, Callable[[], Provider]] = {
    "openai": OpenAI,
}


def make_provider(name: str) -> Provider:
    """The provider that the setting `model.provider` names; it is the caller's to close. Raises
    UsageError where there is none of this name."""
    if name not in PROVIDERS:
        raise UsageError(
            f"The setting `model.provider` is {name!r}, and there is no such provider.",
            f"Choose one of these: {', '.join(PROVIDERS)}.",
        )
    return PROVIDERS[name]()
