"""Errors that a user or a repairing model can act on.

Every message says what is wrong and what was expected; `remedy` says how to mend it. The command
line prints both on one line and never a traceback for these.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator


class TaskwrightError(Exception):
    """Base of every error that Taskwright raises on purpose."""

    exit_status = 2

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}"


class UsageError(TaskwrightError):
    """The call or the configuration is wrong."""


class ArchiveError(TaskwrightError):
    """The run folder or its archive cannot be used as asked; nothing in it was changed."""


class ModelError(TaskwrightError):
    """The foundation model cannot be used: unreachable, refused the key, or unknown."""


class ModelStopped(TaskwrightError):
    """The run ends, and with it what it was asking a model."""

    def __init__(self) -> None:
        super().__init__(
            "A question to the model was given up because the run ends.",
            "The same command goes on where it stopped.",
        )


class BudgetSpent(TaskwrightError):
    """The next model call could pass a cap on money or tokens that the user set."""


class BrokenError(TaskwrightError):
    """Our machinery failed: nothing may be concluded about the task it was working on."""


class StorageError(TaskwrightError):
    """The disk takes no more, so nothing that is done now would last."""


_STORAGE_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}


def storage_error(reason: str) -> StorageError:
    """The error that tells of a disk that takes no more."""
    return StorageError(
        f"The run folder cannot be written to any more ({reason}); what was written is safe.",
        "Make room on that disk; the same command then goes on where it stopped.",
    )


def is_storage_problem(error: OSError) -> bool:
    """Whether the system says that a disk takes no more."""
    return error.errno in _STORAGE_ERRNOS


@contextlib.contextmanager
def storage_explained() -> Iterator[None]:
    """Raise StorageError where the system says that the disk takes no more."""
    try:
        yield
    except OSError as error:
        if not is_storage_problem(error):
            raise
        raise storage_error(error.strerror or str(error)) from error
