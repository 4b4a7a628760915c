"""The command line. Its commands are in `commands`.

Exit status: 0 done, 1 some input failed, 2 the call or the configuration is wrong (one line that
says how to mend it), 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import NoReturn

import click

from .commands import (
    browse,
    check,
    doctor,
    export,
    import_,
    records,
    reembed,
    replay,
    report,
    run,
    train,
    trust,
)
from .commands.common import INTERRUPTED
from .errors import TaskwrightError

JOURNEY = "journey "
"""How the names of the threads of a run begin."""


def main() -> None:
    """Run the command line; every expected error becomes one line and exit status 2."""
    try:
        status = cli(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        status = _complain(error.format_message())
    except click.ClickException as error:
        hint = ""
        if isinstance(error, click.UsageError) and error.ctx is not None:
            hint = f" See `{error.ctx.command_path} --help`."
        status = _complain(f"{error.format_message()}{hint}")
    except TaskwrightError as error:
        status = _complain(str(error), error.exit_status)
    except (KeyboardInterrupt, click.Abort):
        status = INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone, as `| head` does. Nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except OSError as error:
        if error.filename is None:
            raise
        status = _complain(
            f"{error.filename} cannot be used: {error.strerror}. Name a path that you may use."
        )
    _exit(status if isinstance(status, int) else 0)


def _exit(status: int) -> NoReturn:
    if any(thread.name.startswith(JOURNEY) for thread in threading.enumerate()):
        # A stopped run does not wait for native code, such as the loading of the encoder. To end
        # Python beside a thread that is in there would abort it with a core dump.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def _complain(message: str, status: int = 2) -> int:
    click.echo(f"taskwright: {' '.join(message.split())}", err=True)
    return status


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="taskwright", message="%(version)s")
def cli() -> None:
    """Reinforcement-learning tasks without end: proposed, checked, learned and kept."""


for command in (
    run.run,
    records.ls,
    records.show,
    records.search,
    browse.browse,
    browse.play,
    check.check,
    train.train,
    replay.replay,
    reembed.reembed,
    export.export,
    import_.import_,
    report.report,
    doctor.doctor,
    trust.trust,
):
    cli.add_command(command)
