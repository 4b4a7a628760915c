"""What a failure means for the user, and whom it concerns: this prompt alone, or the whole run."""

from __future__ import annotations

from ...errors import BrokenError, ModelError
from .retries import may_pass
from .roles import Asked
from .wire import WITHOUT_CREDIT, TryFailed

LATER = "Run the same command again later; it goes on where it stopped."


def explained(failed: TryFailed, asked: Asked, tries: int) -> ModelError | BrokenError:
    """The error that tells of a question's last failure, after so many tries."""
    server, status, times = asked.server, failed.status, _times(tries)
    if status in (401, 403):
        return ModelError(
            f"The model server {server} refuses the key (status {status}).",
            f"Check {asked.key_variable or 'key_variable'} and that it may use {asked.model}.",
        )
    if status == 402 or failed.code == WITHOUT_CREDIT:
        return ModelError(
            f"The account at the model server {server} has no credit left (status {status}).",
            "Add to it; the same command goes on where it stopped.",
        )
    if status == 404:
        return ModelError(
            f"The model server {server} knows no model {asked.model!r} at this address.",
            "Check --model and --base-url (which usually ends in /v1).",
        )
    if status is not None and may_pass(status):
        return ModelError(
            f"The model server {server} answered with status {status}, {times}.", LATER
        )
    if status is not None:
        return BrokenError(
            f"The model server refused the prompt ({failed.what[:400]})",
            "Check the model's limits and the settings under `model`.",
        )
    if failed.kind == "timeout":
        return ModelError(
            f"The model server {server} gave {failed.what}, {times}.",
            "Raise model.timeout_s, or run the same command again later.",
        )
    if failed.kind == "unreadable":
        return ModelError(
            f"The answer of the model server {server} cannot be read, {times}: {failed.what}.",
            "Check that --base-url speaks the OpenAI chat protocol.",
        )
    return ModelError(
        f"The model server {server} cannot be reached, {times}: {failed.what}.",
        "Check --base-url and the network; the same command goes on where it stopped.",
    )


def _times(tries: int) -> str:
    return "once" if tries == 1 else f"{tries} times"
