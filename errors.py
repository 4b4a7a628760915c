"""Errors that a user or a repairing model can act on.

Every message says what is wrong and what was expected; `remedy` says how to mend it. The command
line prints both on one line and never a traceback for these.
"""


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


class BudgetSpent(TaskwrightError):
    """The next model call could pass a cap on money or tokens that the user set."""


class BrokenError(TaskwrightError):
    """Our machinery failed: nothing may be concluded about the task it was working on."""
