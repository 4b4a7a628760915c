"""The entry point `taskwright`.

Exit status: 0 done, 1 some input failed, 2 the call or the configuration is wrong (one line that
says how to mend it), 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
from typing import NoReturn

import click

from .. import streams
from ..errors import TaskwrightError
from ..output import Console, say
from ..streams import OutputError, ReaderGone
from .commands.common import INTERRUPTED
from .commands.typed import WORDS

JOURNEY = "journey "
"""How the names of the threads of a run begin."""


def main() -> None:
    """Run the command line; every expected error becomes one line and exit status 2."""
    streams.take_over()
    try:
        status = cli(standalone_mode=False)
        streams.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        Console(err=True).print(error.format_message(), soft_wrap=True)
        status = 2
    except click.ClickException as error:
        hint = ""
        if isinstance(error, click.UsageError) and error.ctx is not None:
            hint = f" See `{error.ctx.command_path} --help`."
        status = _complain(f"{error.format_message()}{hint}")
    except TaskwrightError as error:
        status = _complain(str(error), error.exit_status)
    except (KeyboardInterrupt, click.Abort):
        status = INTERRUPTED
    except ReaderGone:
        # Nothing is left to say.
        status = 0
    except OSError as error:
        if error.filename is None:
            raise
        status = _complain(
            f"{error.filename} cannot be used: {error.strerror}. Name a path that you may use."
        )
    _exit(status if isinstance(status, int) else 0)


def _exit(status: int) -> NoReturn:
    with contextlib.suppress(OutputError, ReaderGone):
        streams.flush()
    if any(thread.name.startswith(JOURNEY) for thread in threading.enumerate()):
        # A stopped run does not wait for native code, such as the loading of the encoder. To end
        # Python beside a thread that is in there would abort it with a core dump.
        os._exit(status)
    sys.exit(status)


def _complain(message: str, status: int = 2) -> int:
    say(f"taskwright: {' '.join(message.split())}", err=True)
    return status


class Commands(click.Group):
    """Commands whose modules are imported when they are asked for: `ls` needs none of what `train`
    needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(HOMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in HOMES:
            return None
        module = importlib.import_module(f".commands.{HOMES[cmd_name]}", __package__)
        # `import` is a word of Python's.
        command: click.Command = getattr(module, cmd_name, None) or getattr(module, f"{cmd_name}_")
        for parameter in command.params:
            if parameter.type is click.STRING:
                parameter.type = WORDS
        return command


HOMES = {
    "run": "run",
    "ls": "records",
    "show": "records",
    "search": "records",
    "browse": "browse",
    "play": "browse",
    "check": "check",
    "train": "train",
    "replay": "replay",
    "reembed": "reembed",
    "export": "export",
    "import": "import_",
    "report": "report",
    "doctor": "doctor",
    "trust": "trust",
}
"""The module in `commands` of each command, in the order in which help lists them."""


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="taskwright", message="%(version)s")
def cli() -> None:
    """Reinforcement-learning tasks without end: proposed, checked, learned and kept."""
