"""A day's messages as a worksheet of a Google spreadsheet, by gspread, the extra `sheets`."""

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from eros_dbt_runner.errors import CannotStartError, RunFailedError, UsageError, one_sentence
from eros_dbt_runner.export.formats import Row, table

if TYPE_CHECKING:
    from requests import Session

SCOPE = "https://www.googleapis.com/auth/spreadsheets"
TIMEOUT_SECONDS = 60


def check_spreadsheet(name: str) -> str:
    """The id in `name`, a spreadsheet's id or its address.

    Raises ErosError (USAGE) for anything else.
    """
    found = re.fullmatch(r"(?:https://docs\.google\.com/spreadsheets/d/)?([\w-]{10,})(?:[/?#].*)?", name)
    if not found:
        raise UsageError(f"--spreadsheet must be the id of a spreadsheet, not {name!r}.")
    return found[1]


def write_worksheet(
    rows: Sequence[Row],
    zone: ZoneInfo,
    spreadsheet: str,
    title: str,
    *,
    force: bool,
    session: "Session | None" = None,
) -> str:
    """Write `rows` to a worksheet `title` of the spreadsheet with this id; gives its address.

    Values go in as they are (RAW), so that no caption is taken for a formula. Raises ErosError: USAGE
    for a worksheet that is there already, unless `force`; CANNOT_START without gspread or credentials;
    RUN_FAILED where Google refuses.
    """
    try:
        import gspread
        from google.auth.exceptions import GoogleAuthError
        from requests import RequestException
    except ImportError:
        raise CannotStartError(
            "gspread is not installed; `pip install '.[sheets]'` in the checkout brings it."
        ) from None
    try:
        own: Any = None if session else _credentials()
        client = gspread.Client(auth=own, session=session)
        client.set_timeout(TIMEOUT_SECONDS)
        book = client.open_by_key(spreadsheet)
        return _fill(book, table(rows, zone), title, force=force)
    except PermissionError:
        why = "it is not shared with the account that EROS uses"
    except gspread.exceptions.SpreadsheetNotFound:
        why = "there is no such spreadsheet, or it is not shared with the account that EROS uses"
    except GoogleAuthError as error:
        raise CannotStartError(
            f"There are no usable Google credentials: {one_sentence(str(error))}"
        ) from None
    except (gspread.exceptions.GSpreadException, RequestException) as error:
        why = one_sentence(str(error), 200)
    raise RunFailedError(f"The spreadsheet cannot be written: {why}.")


def _fill(book: Any, lines: list[dict[str, Any]], title: str, *, force: bool) -> str:
    """A worksheet with a frozen header and one row per message."""
    present = {sheet.title: sheet for sheet in book.worksheets()}
    if title in present and not force:
        raise UsageError(f"Worksheet {title} is there already; --force replaces it.")
    header = list(lines[0])
    sheet = present.get(title) or book.add_worksheet(title, rows=len(lines) + 1, cols=len(header))
    if title in present:
        sheet.clear()
        sheet.resize(rows=len(lines) + 1, cols=len(header))
    sheet.update([header, *([line[name] for name in header] for line in lines)], raw=True)
    sheet.freeze(rows=1)
    return str(sheet.url)


def _credentials() -> Any:
    """The key file in EROS_SHEETS_KEYFILE, else what the machine has."""
    import google.auth
    from google.auth.exceptions import DefaultCredentialsError
    from google.oauth2 import service_account

    if keyfile := os.environ.get("EROS_SHEETS_KEYFILE"):
        try:
            return service_account.Credentials.from_service_account_file(keyfile, scopes=[SCOPE])
        except (OSError, ValueError) as error:
            kind = type(error).__name__  # the text may hold what the file holds
            raise DefaultCredentialsError(f"EROS_SHEETS_KEYFILE cannot be used ({kind})") from None
    return google.auth.default(scopes=[SCOPE])[0]
