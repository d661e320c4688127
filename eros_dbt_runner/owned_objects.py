"""Which objects of the schema are EROS's, read from the files of the project.

The file that defines an object is named after it, so that nothing has to be listed twice and no parse
of dbt is needed: its manifest may be missing or out of date, because scheduled runs write none.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from eros_dbt_runner.errors import ErosError
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.project import read_yaml

TABLE, VIEW, FUNCTION, TABLE_FUNCTION = "table", "view", "function", "table function"
FUNCTION_FOLDERS = ("macros/udfs", "macros/procedures")
STATE_TABLES_MACRO = "macros/hooks/create_operations_tables.sql"
_MATERIALIZED = re.compile(r"\bmaterialized\s*=\s*'(\w+)'")
_KEEPS_HISTORY = re.compile(r"\bfull_refresh\s*=\s*false\b")
_DEPLOYS = re.compile(r"\{%-?\s*macro\s+deploy_(\w+)\(")


def owned_objects(directory: Path) -> dict[str, str]:
    """The kind of each object that the project in `directory` deploys, by its name.

    A kind is 'table', 'view', 'function' or 'table function'. The inputs are not among them. Raises
    ErosError (CANNOT_START) when the project cannot be read.
    """
    return {
        **dict(_models(directory)),
        **{file.stem: TABLE for file in sorted(directory.glob("seeds/**/*.csv"))},
        **dict.fromkeys(state_tables(directory), TABLE),
        **dict(_functions(directory)),
    }


def state_tables(directory: Path) -> list[str]:
    """The tables that hooks own, from the macro that creates them."""
    from jinja2 import Environment, TemplateError

    found: list[dict] = []
    environment = Environment(extensions=["jinja2.ext.do"])  # noqa: S701 - SQL, no HTML
    environment.globals["return"] = found.extend
    file = directory / STATE_TABLES_MACRO
    try:
        environment.from_string(_text(file)).module.operations_tables()
        return [table["name"] for table in found]
    except (TemplateError, AttributeError, KeyError, TypeError):
        raise ErosError(f"{file} does not say which tables there are.", ExitCode.CANNOT_START) from None


def history_tables(directory: Path) -> set[str]:
    """The tables with rows that no run makes again: hooks' state, and what was published."""
    published = {file.stem for file, text in _model_files(directory) if _KEEPS_HISTORY.search(text)}
    return published | set(state_tables(directory))


def _models(directory: Path) -> Iterator[tuple[str, str]]:
    project = read_yaml(directory / "dbt_project.yml")
    default = project.get("models", {}).get(project["name"], {}).get("+materialized", "view")
    for file, text in _model_files(directory):
        found = _MATERIALIZED.search(text)
        materialized = found[1] if found else default
        if materialized != "ephemeral":
            yield file.stem, VIEW if materialized == "view" else TABLE


def _model_files(directory: Path) -> Iterator[tuple[Path, str]]:
    for file in sorted(directory.glob("models/**/*.sql")):
        yield file, _text(file)


def _functions(directory: Path) -> Iterator[tuple[str, str]]:
    """NAME is deployed by a macro deploy_NAME, in a file whose text tells the kind."""
    for folder in FUNCTION_FOLDERS:
        for file in sorted((directory / folder).glob("*.sql")):
            text = _text(file)
            kind = TABLE_FUNCTION if "create_table_function(" in text else FUNCTION
            for name in _DEPLOYS.findall(text):
                yield name, kind


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ErosError(f"{file} cannot be read: {error.strerror}.", ExitCode.CANNOT_START) from None
