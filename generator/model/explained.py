"""What a failure means for the user, and whom it concerns: this prompt alone, or the whole run.

What a server says is quoted, and no cause is named that only the server can know.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...errors import BrokenError, ModelError
from .failures import WITHOUT_CREDIT, TryFailed
from .roles import Asked
from .words import phrase

GOES_ON = "the same command goes on where it stopped."
NOBODY_THERE = (404, 405, 410)
"""Statuses that tell of a wrong address, or of a model that is not there."""
ENDPOINT = re.compile(r"(/chat)?/completions$|/embeddings$|/models$|/responses$")
"""Endings that do not belong to the address, copied from an example for another program."""


@dataclass(frozen=True)
class Wording:
    """The words for the model that is asked, and the settings that name it and its key."""

    server: str
    request: str
    model: str
    address: str
    section: str


MODEL = Wording("model server", "prompt", "--model", "--base-url", "model")
EMBEDDER = Wording("embedding server", "text", "embedder.name", "embedder.base_url", "embedder")


def explained(
    failed: TryFailed,
    asked: Asked,
    tries: int,
    wording: Wording = MODEL,
    *,
    has_answered: bool = False,
) -> ModelError | BrokenError:
    """The error that explains a question's last failure, after `tries` tries. `has_answered` says
    whether this server is known to have answered other questions with the same model."""
    if failed.status is not None:
        return _answered(failed, failed.status, asked, tries, wording, has_answered)
    server, times = f"The {wording.server} {asked.server}", _times(tries)
    match failed.kind:
        case "timeout":
            return ModelError(
                f"{server} gave {failed.what}, {times}.",
                f"Raise {wording.section}.timeout_s, or run the same command again later.",
            )
        case "unreadable":
            return ModelError(
                f"The answer of the {wording.server} {asked.server} cannot be read, {times}: "
                f"{failed.what}.",
                f"Check that {wording.address} speaks the OpenAI protocol; it usually ends in /v1.",
            )
        case "unsendable":
            return ModelError(
                f"The {wording.server} {asked.server} was not asked: {failed.what}.",
                failed.remedy
                or f"Check the settings under `{wording.section}`, and the environment's variables "
                "for proxies and headers.",
            )
    return ModelError(
        f"{server} cannot be reached, {times}: {failed.what}.",
        failed.remedy or f"Check {wording.address} and the network; {GOES_ON}",
    )


def _answered(
    failed: TryFailed, status: int, asked: Asked, tries: int, wording: Wording, has_answered: bool
) -> ModelError | BrokenError:
    """An answer that tells of an error."""
    is_broke = status == 402 or failed.code == WITHOUT_CREDIT
    is_for_all = status in (401, 407, *NOBODY_THERE) or (status == 403 and not has_answered)
    if status >= 400 and not (failed.may_pass or is_broke or is_for_all):
        return BrokenError(
            f"The {wording.server} refused the {wording.request} ({failed.what}).",
            f"Check the model's limits and the settings under `{wording.section}`.",
        )
    times = f", {_times(tries)}" if failed.may_pass else ""
    words = f"{times}: “{failed.words}”" if failed.words else f"{phrase(status)}{times}"
    if is_broke:
        remedy = f"add credit to the account there; {GOES_ON}"
    elif failed.may_pass:
        remedy = "run the same command again later; it goes on where it stopped."
    elif status in NOBODY_THERE and (path := ENDPOINT.search(asked.server)):
        remedy = f"let {wording.address} end before {path[0]}."
    elif status in NOBODY_THERE:
        remedy = f"check {wording.model} and {wording.address}, which usually ends in /v1."
    else:
        remedy = _about_the_key(asked)
    remedy = f"Go by its words, or {remedy}" if failed.words else remedy[0].upper() + remedy[1:]
    return ModelError(
        f"The {wording.server} {asked.server} answered for the model {asked.model} with status "
        f"{status}{words}.",
        failed.remedy or remedy,
    )


def _about_the_key(asked: Asked) -> str:
    if asked.key_variable is None:
        return "name the variable of its key in `key_variable`: it was sent none."
    if asked.key is None:
        return f"set {asked.key_variable}: it is empty, so no key was sent."
    return f"check {asked.key_variable}, and that it may use {asked.model}."


def _times(tries: int) -> str:
    return "once" if tries == 1 else f"{tries} times"
