"""What is done to texts and names, on DuckDB against the oracle.

test_bigquery_numbers has the other engine.
"""

from __future__ import annotations

import re
import string
import unicodedata
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from eros_dbt_runner.texts import page_key
from tests.python import oracle as o
from tests.python.harness import SCHEMA, Project, built_project
from tests.python.texts import PIECES, random_texts

TEXT_MACROS = """
    select
        n,
        {{ clean_text('text') }} as cleaned,
        {{ can_be_seen('text') }} as is_seen,
        {{ has_other_forms('text') }} as has_other_forms,
        {{ readable_text('text', '') }} as readable,
        {{ folded_text('text', '') }} as folded,
        {{ folded_text('text', ' ') }} as folded_apart
    from texts
"""


@pytest.fixture(scope="module")
def text_rows(shared, commands, tmp_path_factory) -> list[dict[str, Any]]:
    """What every function and macro on texts gives for many texts."""
    template = Project(built_project(shared, commands), commands)
    project = template.clone(tmp_path_factory.mktemp("texts") / "project")
    sql = project.dbt("compile", "--quiet", "--inline", TEXT_MACROS).stdout
    texts = ["", *PIECES, *(a + b for a in PIECES for b in PIECES), *random_texts(20_000, 20250615)]
    with duckdb.connect(str(project.database), read_only=True) as connection:
        connection.execute(f"use {SCHEMA}")
        connection.register("texts", pa.table({"n": range(len(texts)), "text": texts}))
        keys = connection.sql("select n, caption_key_v2(text) as key from texts order by n").fetchall()
        found = connection.sql(f"select * from ({sql}) order by n")
        names = found.columns
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return [{**row, "key": key, "text": text} for row, (_, key), text in zip(rows, keys, texts, strict=True)]


def test_keys_are_those_of_the_oracle(text_rows) -> None:
    assert [row for row in text_rows if row["key"] != o.caption_key_v2(row["text"])] == []


def test_names_are_cleaned_as_the_oracle_and_the_commands_clean_them(text_rows) -> None:
    assert [row for row in text_rows if (row["cleaned"] or "") != o.page_key(row["text"])] == []
    assert [row for row in text_rows if (row["cleaned"] or "") != page_key(row["text"])] == []


def test_what_can_be_seen_is_what_the_oracle_sees(text_rows) -> None:
    assert [row for row in text_rows if row["is_seen"] != o.can_be_seen(row["text"])] == []


def test_a_text_without_anything_to_see_has_the_key_of_no_other(text_rows) -> None:
    """So a message that nobody can see is never taken for a caption of the bank."""
    seen = {row["key"] for row in text_rows if row["is_seen"]}
    unseen = {row["key"] for row in text_rows if not row["is_seen"]}
    assert seen & unseen == set()
    assert len(unseen) > 1


def test_forms_are_those_of_the_oracle(text_rows) -> None:
    """But for styles that Unicode's compatibility mapping does not know, and its longer results."""
    wrong = []
    for row in text_rows:
        mine = {row["text"], row["readable"], row["folded"], row["folded_apart"]}
        if mine != o.forms(row["text"]) and not any(map(_folds_otherwise, row["text"])):
            wrong.append((row, o.forms(row["text"])))
    assert wrong == []


def test_a_text_with_other_forms_is_known(text_rows) -> None:
    assert [
        row
        for row in text_rows
        if not row["has_other_forms"]
        and {row["readable"], row["folded"], row["folded_apart"]} != {row["text"]}
        and unicodedata.is_normalized("NFC", row["text"])
    ] == []


def _folds_otherwise(char: str) -> bool:
    """A letter that only the table of folded letters has, or one whose mapping is longer."""
    plain = unicodedata.normalize("NFKC", char).strip("()")
    if plain != char:
        return plain not in PLAIN
    return re.search("SMALL CAPITAL|NEGATIVE|REGIONAL|DINGBAT|DOUBLE", unicodedata.name(char, "")) is not None


PLAIN = frozenset(string.ascii_letters + string.digits)
