"""Which model is asked in a role: the section's settings, overridden by those of the role."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...config import ModelConfig, Price, RoleConfig, bare
from ...errors import UsageError
from .prices import price_of

if TYPE_CHECKING:
    from .providers.provider import Provider


@dataclass(frozen=True)
class Asked:
    """A model on a server, and how it is asked."""

    model: str
    server: str
    key_variable: str | None
    """None where the server is sent no key."""
    temperature: float | None
    max_answer_tokens: int | None
    timeout_s: float
    extra: dict[str, Any]
    price: Price | None

    @property
    def key(self) -> str | None:
        """The key itself; None where there is none. It is read anew each time and kept nowhere
        else. Raises UsageError where it cannot be sent."""
        return key_in(self.key_variable) if self.key_variable else None


def key_in(variable: str) -> str | None:
    """The key in an environment variable, without what was pasted around it; None where nothing
    else is there. Raises UsageError where no HTTP header takes it."""
    key = bare(os.environ.get(variable, ""))
    if not fits_a_header(key):
        raise UsageError(
            f"The key in {variable} holds a line end, a control character or one that is not "
            "ASCII, so it cannot be sent.",
            f"Set {variable} to the key alone, as its server gave it.",
        )
    return key or None


def fits_a_header(text: str) -> bool:
    """Whether an HTTP header takes a text as it is."""
    return text.isascii() and text.isprintable() and text == text.strip()


def asked_in(role: str, config: ModelConfig, provider: Provider) -> Asked:
    """Who is asked in a role. Roles that the settings do not know are asked as the section says.

    Raises UsageError where that cannot work.
    """
    own: RoleConfig = getattr(config.roles, role, RoleConfig())
    model = own.name or config.name
    assert model is not None
    server = own.base_url or config.base_url or provider.default_server()
    key_variable = own.key_variable or (None if own.base_url else config.key_variable)
    asked = Asked(
        model=model,
        server=server.rstrip("/"),
        key_variable=key_variable,
        temperature=_first(own.temperature, config.temperature),
        max_answer_tokens=_first(own.max_answer_tokens, config.max_answer_tokens),
        timeout_s=_first(own.timeout_s, config.timeout_s),
        extra=_first(own.extra, config.extra),
        price=price_of(model, server, config.prices),
    )
    _check(asked, own, config, provider)
    return asked


def all_asked(config: ModelConfig, provider: Provider) -> dict[str, Asked]:
    """Who is asked, by role."""
    return {role: asked_in(role, config, provider) for role in type(config.roles).model_fields}


def _first(own: Any, general: Any) -> Any:
    return general if own is None else own


def _check(asked: Asked, own: RoleConfig, config: ModelConfig, provider: Provider) -> None:
    if config.replay is not None:
        return  # No model is asked, so neither a key nor a price is needed.
    named = own.key_variable or (
        config.key_variable if config.key_variable != "OPENAI_API_KEY" else None
    )
    if asked.key_variable and not asked.key and (provider.needs_key(asked.server) or named):
        raise UsageError(
            f"No key is set for the model {asked.model}: {asked.key_variable} is empty.",
            f"Set {asked.key_variable}, or give --base-url for a server that needs none.",
        )
    if config.max_usd is not None and asked.price is None:
        raise UsageError(
            f"--max-usd needs the price of the model {asked.model}, which is unknown.",
            "Set it, in US dollars per million tokens: "
            f"--set 'model.prices={{{asked.model}: {{prompt: 1.0, completion: 4.0}}}}', "
            "or cap tokens with --max-tokens.",
        )
    if asked.max_answer_tokens is None and (config.max_usd or config.max_tokens) is not None:
        raise UsageError(
            "A cap on tokens or money needs a longest answer, and model.max_answer_tokens is null.",
            "Give it a number, such as --set model.max_answer_tokens=16000.",
        )
