"""The generator: what it writes is valid, realistic, repeatable and can be learned from."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eros_dbt_runner.sample_data import files, generate, messages, pages
from eros_dbt_runner.sample_data.words import PATTERNS
from tests.python.oracle import normalise

COMMITTED = Path(__file__).parents[2] / "sample_data"
END = datetime(2025, 6, 15, 12, tzinfo=timezone.utc)
COMMITTED_ARGUMENTS: dict[str, Any] = {
    "pages": 6,
    "captions": 450,
    "messages": 850,
    "days": 60,
    "seed": 1,
    "end": END,
    "file_format": "csv",
}
FILES = {
    "mass_messages": 20_000,
    "caption_bank": 4_000,
    "captions": 400,
    "creator_caption_restrictions": 12,
}


def read_tables(directory: Path) -> duckdb.DuckDBPyConnection:
    """A connection with one view per table of the directory, in whichever of the two formats."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    for table, schema in files.SCHEMAS.items():
        if (directory / f"{table}.parquet").exists():
            select = f"select * from read_parquet('{directory}/{table}.parquet')"
        else:
            columns = ", ".join(f"{column.name}: 'varchar'" for column in schema)
            columns = f"{{{columns}}}"
            casts = ", ".join(from_text(column) for column in schema)
            select = f"select {casts} from read_csv('{directory}/{table}.csv', columns = {columns})"
        connection.execute(f"create view {table} as {select}")
    return connection


def from_text(column: pa.Field) -> str:
    if pa.types.is_list(column.type):
        return f"from_json({column.name}, '[\"varchar\"]') as {column.name}"
    types = {
        pa.int64(): "bigint",
        pa.float64(): "double",
        pa.bool_(): "boolean",
        pa.string(): "varchar",
    }
    return f"cast({column.name} as {types.get(column.type, 'timestamptz')}) as {column.name}"


def one(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    ((value,),) = connection.execute(query).fetchall()
    return value


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.fixture(scope="module")
def default_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("default")
    generate(directory, end=END)
    return directory


@pytest.fixture(scope="module")
def default(default_directory: Path) -> duckdb.DuckDBPyConnection:
    return read_tables(default_directory)


# ---- files -------------------------------------------------------------------------------------


def test_the_committed_sample_is_what_the_generator_makes(tmp_path: Path) -> None:
    generate(tmp_path, **COMMITTED_ARGUMENTS)
    assert contents(tmp_path) == contents(COMMITTED)


def test_the_committed_sample_is_small() -> None:
    assert sum(len(content) for content in contents(COMMITTED).values()) < 200_000


def test_same_arguments_same_bytes_and_another_seed_other_rows(
    default_directory: Path, tmp_path: Path
) -> None:
    generate(tmp_path / "again", end=END)
    generate(tmp_path / "other", end=END, seed=2)
    first, again, other = (
        contents(path) for path in (default_directory, tmp_path / "again", tmp_path / "other")
    )
    assert again == first
    assert all(other[f"{table}.parquet"] != first[f"{table}.parquet"] for table in FILES)


def test_rows_are_counted_and_progress_is_told(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    rows = generate(tmp_path, end=END, messages=300_000, progress=lambda *step: seen.append(step))
    assert rows == {f"{table}.parquet": count for table, count in FILES.items()} | {
        "mass_messages.parquet": 300_000
    }
    for name, count in rows.items():
        steps = [(done, total) for file, done, total in seen if file == name]
        assert steps == sorted(set(steps))
        assert steps[-1] == (count, count)
        assert pq.read_metadata(tmp_path / name).num_rows == count
    assert sum(file == "mass_messages.parquet" for file, _, _ in seen) > 1


def test_messages_are_written_in_time_order_a_part_at_a_time(tmp_path: Path) -> None:
    generate(tmp_path, end=END, messages=400_000)
    file = pq.ParquetFile(tmp_path / "mass_messages.parquet")
    groups = [file.metadata.row_group(number) for number in range(file.num_row_groups)]
    assert len(groups) >= 3
    assert max(group.num_rows for group in groups) < 150_000
    assert {group.column(0).compression for group in groups} == {"ZSTD"}
    times = file.read(["sending_time"])["sending_time"].to_numpy()
    assert (times[1:] >= times[:-1]).all()


def test_parquet_types_are_those_of_production(default_directory: Path) -> None:
    for table, schema in files.SCHEMAS.items():
        written = pq.read_schema(default_directory / f"{table}.parquet")
        assert written.remove_metadata() == schema
    messages = pq.ParquetFile(default_directory / "mass_messages.parquet").schema
    sending_time = messages.column(messages.names.index("sending_time"))
    assert json.loads(sending_time.logical_type.to_json())["isAdjustedToUTC"] is True
    assert messages.column(messages.names.index("purchased_count")).physical_type == "DOUBLE"


def test_csv_says_the_same_as_parquet(default_directory: Path, tmp_path: Path) -> None:
    generate(tmp_path, end=END, file_format="csv")
    csv, parquet = read_tables(tmp_path), read_tables(default_directory)
    for table in FILES:
        query = f"select * from {table} order by all"
        assert csv.execute(query).fetchall() == parquet.execute(query).fetchall()


def test_a_new_run_replaces_the_files_of_the_last_one(tmp_path: Path) -> None:
    generate(tmp_path, end=END, messages=100)
    generate(tmp_path, end=END, messages=200, file_format="csv")
    names = {f"{table}.csv" for table in FILES} | {files.MANIFEST_NAME}
    assert set(contents(tmp_path)) == names
    assert one(read_tables(tmp_path), "select count(*) from mass_messages") == 200


@pytest.mark.parametrize("name", ["mass_messages.csv", "caption_bank.parquet"])
def test_tables_of_others_are_never_replaced(tmp_path: Path, name: str) -> None:
    generate(tmp_path, end=END, messages=100)
    (tmp_path / name).write_text("somebody's own export\n")
    before = contents(tmp_path)
    with pytest.raises(FileExistsError, match=name):
        generate(tmp_path, end=END, messages=100)
    assert contents(tmp_path) == before


def test_a_run_that_dies_leaves_the_old_files(tmp_path: Path) -> None:
    generate(tmp_path, end=END, messages=100)
    before = contents(tmp_path)

    def die(name: str, _done: int, _total: int) -> None:
        if name == "mass_messages.parquet":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path, end=END, messages=200, progress=die)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pages": 0}, "pages must be at least 1"),
        ({"captions": 49}, "captions must be at least 50"),
        ({"captions": 10_000_000}, "captions must be at most"),
        ({"messages": 0}, "messages must be at least 1"),
        ({"days": 0}, "days must be at least 1"),
        ({"end": END.replace(tzinfo=None)}, "end must have a time zone"),
        ({"file_format": "json"}, "file_format must be one of"),
    ],
)
def test_arguments_out_of_range_are_refused(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        generate(tmp_path / "new", **{"end": END, **arguments})
    assert not (tmp_path / "new").exists()


def test_the_smallest_data_set_has_every_tier(tmp_path: Path) -> None:
    generate(tmp_path, end=END, pages=1, captions=50, messages=1, days=1)
    tables = read_tables(tmp_path)
    assert one(tables, "select count(distinct price_tier) from caption_bank") == 6
    assert one(tables, "select count(*) from mass_messages") == 1


# ---- rows --------------------------------------------------------------------------------------


def test_every_message_is_valid(default: duckdb.DuckDBPyConnection) -> None:
    invalid = f"""
        select count(*) from mass_messages
        where row_id is null or page_name is null or message is null or sending_time is null
            or page_name <> lower(trim(page_name))
            or sending_time >= timestamptz '{END.isoformat()}'
            or sending_time < timestamptz '{(END - timedelta(days=120)).isoformat()}'
            or not (0 < sent_count and 0 <= viewed_count and viewed_count <= sent_count)
            or not (0 <= purchased_count and purchased_count <= viewed_count)
            or purchased_count <> floor(purchased_count)
            or not isfinite(price) or price < 0 or not isfinite(earnings)
            or abs(earnings - 0.8 * price * purchased_count) > 0.005
            or (message_type = 'bump') <> (price = 0)
            or message_type not in ('ppv', 'bump')
    """
    assert one(default, invalid) == 0
    assert one(default, "select count(distinct row_id) from mass_messages") == 20_000


def test_messages_end_just_before_the_end(tmp_path: Path) -> None:
    end = datetime(2025, 6, 16, 4, 0, 30, tzinfo=timezone.utc)  # nine in the evening, a busy hour
    generate(tmp_path, end=end, days=7)
    newest = one(read_tables(tmp_path), "select max(sending_time) from mass_messages")
    assert end - timedelta(minutes=2) < newest < end


def test_all_pages_are_active_and_cover_sizes_and_segments(
    default: duckdb.DuckDBPyConnection,
) -> None:
    pages = default.execute("""
        select
            max(sending_time) > timestamptz '2025-06-01 00:00:00+00' as is_active,
            case
                when max(sent_count) < 1000 then 'MICRO' when max(sent_count) < 5000 then 'SMALL'
                when max(sent_count) < 20000 then 'MEDIUM' when max(sent_count) < 50000 then 'LARGE'
                else 'MEGA'
            end as account_size,
            case
                when sum(price * earnings) / sum(earnings) < 15 then 'budget'
                when sum(price * earnings) / sum(earnings) < 30 then 'standard' else 'premium'
            end as segment,
            median(purchased_count / viewed_count * earnings) > 0 as has_median
        from mass_messages group by page_name
    """).fetchall()
    assert len(pages) == 20
    assert all(is_active and has_median for is_active, _, _, has_median in pages)
    assert set(Counter(size for _, size, _, _ in pages).values()) == {4}
    segments = Counter(segment for _, _, segment, _ in pages)
    assert len(segments) == 3
    assert min(segments.values()) >= 3


def test_page_names_are_plain_and_never_repeat() -> None:
    rng = np.random.default_rng(1)
    names = pages._page_names(rng, 10_000)
    assert len(set(names)) == 10_000
    assert all(name.replace("_", "").isalnum() and name == name.lower() for name in names)


def test_nine_in_ten_messages_are_known_by_their_text_alone(
    default: duckdb.DuckDBPyConnection,
) -> None:
    assert 0.88 < one(default, "select avg((caption_id is null)::int) from mass_messages") < 0.92
    bank = dict(default.execute("select caption_id, caption_text from caption_bank").fetchall())
    keys = {normalise(text) for text in bank.values()}
    messages = default.execute("select message, caption_id from mass_messages").fetchall()
    unknown = sum(normalise(message) not in keys for message, _ in messages)
    assert 0.03 < unknown / len(messages) < 0.05
    changed = sum(message not in set(bank.values()) for message, _ in messages[:2_000])
    assert 0.35 < changed / 2_000 < 0.6
    for message, caption_id in messages:
        if caption_id is not None:
            assert normalise(message) == normalise(bank[caption_id])


def test_no_variant_of_a_text_changes_its_key() -> None:
    text = "Hey you! I filmed how I make crème brûlée, can't wait. Hội An… São Paulo 🌙"
    for _, change in messages._VARIANTS:
        assert normalise(change(text)) == normalise(text)
    assert len({change(text) for _, change in messages._VARIANTS}) == len(messages._VARIANTS)
    assert sum(share for share, _ in messages._VARIANTS) == pytest.approx(1)


def test_the_bank_repeats_a_sixth_of_its_texts(default: duckdb.DuckDBPyConnection) -> None:
    texts = [text for (text,) in default.execute("select caption_text from caption_bank").fetchall()]
    assert 0.82 < len(set(texts)) / len(texts) < 0.85
    assert len({normalise(text) for text in texts}) == len(set(texts))
    assert one(default, "select count(distinct caption_id) from caption_bank") == 4_000


def test_tiers_statuses_and_urgency_are_mixed_as_in_production(
    default: duckdb.DuckDBPyConnection,
) -> None:
    def shares(column: str) -> dict[Any, float]:
        query = f"select {column}, count(*) / 4000 from caption_bank group by all"
        return dict(default.execute(query).fetchall())

    tiers = shares("price_tier")
    assert all(tiers[tier] > 0.15 for tier in ("budget", "mid", "premium", "bump"))
    assert 0.02 < tiers["vip"] + tiers["custom"] < 0.1
    statuses = shares("usage_status")
    assert 0.85 < statuses["available"] + statuses["moderate_recency"] < 0.95
    assert set(statuses) == {"available", "moderate_recency", "recently_used", "retired"}
    assert 0.1 < shares("has_urgency")[True] < 0.35
    assert len(shares("content_category")) == 12
    assert one(default, "select count(*) from caption_bank where overall_performance_score > 1") == 0


def test_the_legacy_table_overlaps_with_the_bank_in_part(
    default: duckdb.DuckDBPyConnection,
) -> None:
    shared = """
        select count(*) from captions inner join caption_bank using (caption_id)
        where (captions.caption_text, captions.price_tier, captions.has_urgency)
            = (caption_bank.caption_text, caption_bank.price_tier, caption_bank.has_urgency)
    """
    assert one(default, shared) == 200
    foreign = "select count(*) from captions anti join caption_bank using (caption_id)"
    assert one(default, foreign) == 200
    same_text = "select count(*) from captions semi join caption_bank using (caption_text)"
    assert one(default, same_text) == 200


# ---- what can be learned -----------------------------------------------------------------------


def test_a_tenth_of_the_captions_is_much_of_a_page(default: duckdb.DuckDBPyConnection) -> None:
    share = """
        with used as (
            select page_name, message, count(*) as times
            from mass_messages
            where message in (select caption_text from caption_bank)
            group by all
        ), ranked as (
            select
                times,
                row_number() over (partition by page_name order by times desc)
                <= 0.1 * count(*) over (partition by page_name) as is_in_top_tenth
            from used
        )
        select sum(times) filter (is_in_top_tenth) / sum(times) from ranked
    """
    assert one(default, share) > 0.3


def test_purchases_are_often_zero_and_bumps_earn_nothing(
    default: duckdb.DuckDBPyConnection,
) -> None:
    zero = "select avg((purchased_count = 0)::int) from mass_messages where message_type = 'ppv'"
    assert 0.08 < one(default, zero) < 0.3
    bumps = "select sum(earnings) + sum(purchased_count) from mass_messages where message_type = 'bump'"
    assert one(default, bumps) == 0
    assert 0.15 < one(default, "select avg((price = 0)::int) from mass_messages") < 0.25


def test_fans_buy_more_in_the_evening_than_in_the_morning(
    default: duckdb.DuckDBPyConnection,
) -> None:
    rates = default.execute("""
        with local as (
            select *, hour(sending_time at time zone 'America/Los_Angeles') as hour
            from mass_messages
        )
        select
            avg(ln(1 + purchased_count)) filter (price > 0 and hour between 15 and 19),
            avg(ln(1 + purchased_count)) filter (price > 0 and hour <= 10),
            avg((hour between 8 and 23)::int)
        from local
    """).fetchone()
    assert rates is not None
    evening, morning, by_day = rates
    assert evening > 1.04 * morning
    assert by_day > 0.9


def test_a_caption_is_as_good_on_other_pages_and_a_pair_more_so(tmp_path: Path) -> None:
    """Moments of log EMV: residuals of one text agree across pages, and more within a page."""
    generate(tmp_path, end=END, messages=60_000, captions=1_000)
    caption_variance, pair_variance = (
        read_tables(tmp_path)
        .execute("""
        with sold as (
            select
                page_name, price, caption_text,
                row_id % 2 as half,
                ln(purchased_count / viewed_count * earnings) as y
            from mass_messages
            inner join (select distinct caption_text from caption_bank) on caption_text = message
            where purchased_count > 0
        ), residuals as (
            select *, y - avg(y) over (partition by page_name, price) as r from sold
        ), pairs as (
            select
                page_name, caption_text, avg(r) as r,
                avg(r) filter (half = 0) * avg(r) filter (half = 1) as within_pair
            from residuals group by all
        ), captions as (
            select sum(r) * sum(r) - sum(r * r) as products, count(*) * (count(*) - 1) as terms
            from pairs group by caption_text
        )
        select
            (select sum(products) / sum(terms) from captions),
            (select avg(within_pair) from pairs)
        """)
        .fetchall()[0]
    )
    assert 0.1 < caption_variance < 0.4  # made with 0.5 squared
    assert pair_variance > caption_variance + 0.05  # made with 0.4 squared on top


# ---- restrictions ------------------------------------------------------------------------------


def test_three_in_five_pages_have_one_valid_restriction(default: duckdb.DuckDBPyConnection) -> None:
    rows = default.execute("select * from creator_caption_restrictions").to_arrow_table().to_pylist()
    pages = {page for (page,) in default.execute("select distinct page_name from mass_messages").fetchall()}
    assert len({row["page_name"] for row in rows}) == len(rows) == 12
    assert {row["page_name"] for row in rows} < pages
    assert {row["applies_to_scope"] for row in rows} <= {"ALL", "PPV_ONLY", "BUMP_ONLY"}
    assert all(row["updated_at"] < END and row["version"] >= 1 for row in rows)
    for column in (
        "hard_patterns",
        "soft_patterns",
        "restricted_categories",
        "restricted_price_tiers",
    ):
        assert any(row[column] for row in rows), column
    assert {row["min_ppv_pool"] for row in rows} == {200, None}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_compiles_and_matches_some_captions(
    default: duckdb.DuckDBPyConnection, pattern: str
) -> None:
    query = "select avg(regexp_matches(caption_text, ?)::int) from caption_bank"
    ((share,),) = default.execute(query, [pattern]).fetchall()
    assert 0 < share < 0.15


@pytest.mark.parametrize(
    "arguments",
    [COMMITTED_ARGUMENTS, {}, {"pages": 100, "captions": 600}, {"captions": 8_000, "seed": 7}],
    ids=["committed", "default", "many-pages", "many-captions"],
)
def test_every_page_keeps_enough_captions(tmp_path: Path, arguments: dict[str, Any]) -> None:
    generate(tmp_path, **{"end": END, **arguments})
    failing = (
        read_tables(tmp_path)
        .execute("""
        with pages as (
            select distinct page_name from mass_messages
        ), rules as (
            select page_name, r.* exclude (page_name)
            from pages left join (
                from creator_caption_restrictions where is_active
            ) as r using (page_name)
        ), captions as (
            select *, price_tier = 'bump' as is_bump from caption_bank
            where usage_status in ('available', 'moderate_recency')
                and price_tier in ('budget', 'mid', 'premium', 'bump')
        ), pool as (
            select rules.page_name, rules.min_ppv_pool, rules.min_bump_pool, captions.*
            from rules inner join captions on applies_to_scope is null
                or not (
                    (applies_to_scope = 'ALL' or (applies_to_scope = 'BUMP_ONLY') = is_bump)
                    and (
                        list_contains(restricted_categories, content_category)
                        or list_contains(restricted_price_tiers, price_tier)
                        or list_bool_or(
                            list_transform(hard_patterns, lambda p: regexp_matches(caption_text, p))
                        )
                    ) is true
                )
        ), counts as (
            select
                page_name,
                count(distinct caption_text) filter (not is_bump) as ppv,
                count(distinct caption_text) filter (is_bump) as bump,
                coalesce(any_value(min_ppv_pool), 200) as min_ppv,
                coalesce(any_value(min_bump_pool), 50) as min_bump,
                count(distinct price_tier) as tiers
            from pool group by all
        )
        select * from pages left join counts using (page_name)
        where (ppv >= min_ppv and bump >= min_bump and tiers = 4) is not true
        """)
        .fetchall()
    )
    assert failing == []
