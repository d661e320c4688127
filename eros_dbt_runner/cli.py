"""The command line: the group, its commands, and the one place that ends with an exit code.

A room is imported when its command is asked for: `eros --help` answers at once.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import ClassVar, NoReturn

import click

from eros_dbt_runner import output
from eros_dbt_runner.errors import ErosError, UsageError, one_sentence
from eros_dbt_runner.exit_codes import EXIT_CODES, ExitCode

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
            raise UsageError("An argument is empty; give it a value, or leave it out.")
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise UsageError(f"The argument {argument!a} is not UTF-8.") from None


# Each command, the module that has it, and its line in `eros --help`: the first sentence of its own.
COMMANDS = """
alerts       alerts.commands        List the open alerts, the newest first.
backup       backup.commands        Keep a copy of every table that EROS owns; `eros backup list` shows what there is.
explain      schedule.commands      Show why a caption was chosen: every component of the score of one SLOT of a day.
export       export.commands        Write the published messages of a day or of several, or of one schedule, for people or other programs.
health       alerts.commands        Show the scorecard, the view health_checks, as it is now.
rejected     run_log.commands       Show why rows of the inputs cannot be used: reason, number of rows, and one of them.
report       report.commands        Write a day as one HTML page for any browser, that needs no network.
restore      backup.commands        Make the tables what they were when backup ID was made; what they are now is backed up first.
rollback     backup.rollback        Drop one OBJECT that EROS has deployed, or --all of them, after a backup.
run          runner.commands        Run a schedule of schedules.yml now, and judge what came back.
runs         run_log.commands       List the runs, the newest first; `eros runs show ID` tells of one.
sample-data  sample_data.commands   Make fictional input tables in DIRECTORY (default: EROS_DATA_DIR, else data).
schedule     schedule.commands      Show the plan of a day or of several: of all pages, or of one PAGE with its captions.
schedules    service.commands       What runs when, for schedulers that are there already.
select       schedule.commands      Select captions for PAGE as the daily run would, and publish nothing.
serve        service.commands       Run the schedules of schedules.yml when they are due, until SIGTERM or Ctrl-C.
uplift       report.commands        Show whether EROS earns anything: what chosen captions earned, against random ones of the same tier.
verify       verification.commands  Check that the database holds what the project says, and that it works; nothing is changed.
"""  # noqa: E501 - a table


class Commands(click.Group):
    """The commands of the rooms; a room is imported when its command is asked for."""

    known: ClassVar[Mapping[str, tuple[str, str]]] = {
        name: (module, line)
        for name, module, line in (row.split(maxsplit=2) for row in COMMANDS.strip().splitlines())
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return list(self.known)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        if cmd_name not in self.known:
            return None
        module = import_module(f"eros_dbt_runner.{self.known[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As click writes the list, without the commands themselves."""
        width = formatter.width - 6 - max(map(len, self.known))
        with formatter.section("Commands"):
            lines = ((name, click.Command(name, help=line)) for name, (_, line) in self.known.items())
            formatter.write_dl([(name, command.get_short_help_str(width)) for name, command in lines])


@click.group(cls=Commands, context_settings=CONTEXT, epilog=EXIT_CODES)
@click.version_option(package_name="eros_dbt_runner", prog_name="eros")
def cli() -> None:
    """EROS: which caption goes out on which page at which hour, learnt from what fans bought.

    The dbt project is the one in EROS_PROJECT_DIR, in the working folder, or beside this program.
    EROS_DUCKDB_PATH names the database file (eros.duckdb), EROS_DATA_DIR the folder with the four
    input tables (data).
    """


if __name__ == "__main__":
    main()
