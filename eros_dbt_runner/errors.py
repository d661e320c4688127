"""The one exception that the commands show to people."""

from eros_dbt_runner.exit_codes import ExitCode


class ErosError(Exception):
    """A failure told in one sentence, with the exit code that goes with it."""

    def __init__(self, message: str, code: ExitCode) -> None:
        """Keep the sentence and the code."""
        super().__init__(message)
        self.code = code


def one_sentence(text: str, limit: int = 600) -> str:
    """`text` on one line: runs of white space become one blank, and the end is cut at `limit`."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
