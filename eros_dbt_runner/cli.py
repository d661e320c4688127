"""The command line: the group, its commands, and the one place that ends with an exit code.

Nothing heavy is imported before a command needs it: `eros --help` answers at once.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import click

from eros_dbt_runner import output
from eros_dbt_runner.commands import (
    alerting,
    backing_up,
    exporting,
    reading,
    reporting,
    run_log,
    running,
    serving,
    verifying,
)
from eros_dbt_runner.commands.common import EXIT_CODES
from eros_dbt_runner.errors import ErosError, one_sentence
from eros_dbt_runner.exit_codes import ExitCode

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run a command and end the process with its exit code; whatever is wrong is one sentence."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    _prepare_streams()
    code = ExitCode.OK
    try:
        _refuse_unusable(arguments)
        code = cli.main(args=arguments, prog_name="eros", standalone_mode=False) or ExitCode.OK
        sys.stdout.flush()
    except ErosError as error:
        code = _tell(str(error), error.code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        code = ExitCode.USAGE
    except click.Abort:
        code = _tell("Interrupted.", ExitCode.INTERRUPTED)
    except KeyboardInterrupt:
        code = _tell("Interrupted.", ExitCode.INTERRUPTED)
    except click.ClickException as error:
        code = _tell(one_sentence(error.format_message()), ExitCode.USAGE)
    except (BrokenPipeError, SystemExit):  # `eros schedule | head`; click makes the second of the first
        output.drop()
    except Exception as error:
        if os.environ.get("EROS_DEBUG"):
            raise
        code = _tell_unexpected(error)
    sys.exit(int(code))


def _tell_unexpected(error: Exception) -> ExitCode:
    """A file, or the output, that could not be used; else a defect."""
    if isinstance(error, OSError):
        what = error.filename or "The output"
        return _tell(f"{what} cannot be used: {error.strerror}.", ExitCode.CANNOT_START)
    what = one_sentence(f"{type(error).__name__}: {error}")
    return _tell(f"Defect in eros: {what} (EROS_DEBUG=1 shows where).", ExitCode.INTERNAL)


def _tell(sentence: str, code: ExitCode) -> ExitCode:
    with suppress(OSError):  # nobody may be there to read it
        click.echo(f"eros: {sentence}", err=True)
    return code


def _prepare_streams() -> None:
    """Streams that are closed lead nowhere, and what a terminal's encoding lacks is escaped."""
    nowhere = Path(os.devnull)
    sys.stdout = sys.stdout or nowhere.open("w", encoding="utf-8")
    sys.stderr = sys.stderr or nowhere.open("w", encoding="utf-8")
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")


def _refuse_unusable(arguments: Sequence[str]) -> None:
    """An empty argument is mostly a shell variable that is not set, and would mean `the default`."""
    for argument in arguments:
        if not argument.strip() or (argument.startswith("--") and argument.endswith("=")):
            raise ErosError("An argument is empty; give it a value, or leave it out.", ExitCode.USAGE)
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise ErosError(f"The argument {argument!a} is not UTF-8.", ExitCode.USAGE) from None


@click.group(context_settings=CONTEXT, epilog=EXIT_CODES)
@click.version_option(package_name="eros_dbt_runner", prog_name="eros")
def cli() -> None:
    """EROS: which caption goes out on which page at which hour, learnt from what fans bought.

    The dbt project is the one in EROS_PROJECT_DIR, in the working folder, or beside this program.
    EROS_DUCKDB_PATH names the database file (eros.duckdb), EROS_DATA_DIR the folder with the four
    input tables (data).
    """


for command in (
    running.run,
    running.sample_data,
    reading.show_schedule,
    reading.explain,
    reading.select,
    reading.rejected,
    exporting.export,
    reporting.report,
    backing_up.backup,
    backing_up.restore,
    backing_up.rollback,
    run_log.runs,
    alerting.health,
    alerting.alerts,
    verifying.verify,
    serving.serve,
    serving.schedules,
):
    cli.add_command(command)


if __name__ == "__main__":
    main()
