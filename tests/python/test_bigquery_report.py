"""`eros report` reads BigQuery as it reads DuckDB: the same page from both."""

from __future__ import annotations

import pytest

pytest.importorskip("bqemulator", reason="bqemulator needs Python 3.11")

from tests.python.html_tree import Node, parse
from tests.python.twins import Twins

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bigquery")]


def page_of(twins: Twins, *arguments: str, **options: object) -> Node:
    return parse(twins.project.eros("report", "--output", "-", *arguments, **options).stdout)


def test_the_page_is_the_same_from_both_engines(twins: Twins) -> None:
    env = {**twins.emulator.env, "DBT_TARGET": "emulator"}
    own, there = page_of(twins), page_of(twins, env=env)
    for part in ("day", "volume", "learning"):
        assert there.one("section", id=part).words == own.one("section", id=part).words
    assert own.one("section", id="day").all("li")
    assert not [notice.words for notice in there.one("main").all("p", cls="notice")]
    # What depends on the moment of reading may differ; who was left out, and which checks there are, not.
    told = [sorted(item.one("strong").words for item in page.one("section", id="attention").all("li"))
            for page in (own, there)]  # fmt: skip
    assert told[0] == told[1]
    page = own.all("details", cls="creator")[0].all("bdi")[0].text
    alone, alone_there = page_of(twins, "--page", page), page_of(twins, "--page", page, env=env)
    assert alone_there.one("section", id="day").words == alone.one("section", id="day").words
