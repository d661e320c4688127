"""`eros uplift`: whether EROS earns anything, from what was really sent; and the same in the day's report."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import product
from pathlib import Path
from statistics import fmean, variance

import pytest

from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.report.uplift import followed, sentence
from tests.python.harness import AS_OF, Commands, Project, built_project
from tests.python.html_tree import parse

KNOWN = {
    "window_days": 90, "page_name": None, "status": "known", "chosen_count": 800, "chance_count": 187,
    "chosen_sent_share": 0.95, "chance_sent_share": 0.7, "uplift": 1.6, "uplift_low": 1.4, "uplift_high": 1.8,
}  # fmt: skip

# Priced messages of the sample whose text went out once on the page, as if they were planned: two of three
# chosen, the third by chance, on days whose hours a draw dealt. Slots are 5 minutes after the message.
PLAN = """
    insert into schedule_recommendations by name
    select
        'slot ' || row_id as schedule_id, 1 as time_slot_rank, page_name,
        cast(sending_time as date) as schedule_date, sending_time + interval 5 minute as scheduled_send_time,
        'PPV' as message_type, message as caption_text, if(row_id % 2 = 0, 'mid', 'budget') as price_tier,
        if(place % 3 = 0, 'chance', 'chosen') as selection_kind, true as is_dealt_by_draw,
        'pooled' as caption_policy, 'value' as quantity, -3.0 as posterior_mean, 0.5 as posterior_sd,
        0.5 as message_variance, true as is_active, sending_time - interval 1 day as created_at
    from (
        select *, row_number() over (order by row_id) as place
        from (
            from mass_messages
            where price > 0 and sent_count > 99 and sending_time between '2025-05-20' and '2025-06-12'
            qualify count(*) over (partition by page_name, message) = 1
        )
    )
    where place <= 150
"""

# Slots at full hours around messages of the sample, a third with the text of another: many want the same.
CROWDED = """
    insert into schedule_recommendations by name
    select
        page_name || ' ' || hash(row_id) % 7 as schedule_id,
        row_number() over (partition by page_name, hash(row_id) % 7 order by row_id) as time_slot_rank,
        page_name,
        date_trunc('hour', sending_time + to_hours(cast(hash(row_id) % 5 as integer))) as scheduled_send_time,
        cast(scheduled_send_time - interval 7 hour as date) as schedule_date,
        if(price > 0, 'PPV', 'BUMP') as message_type,
        if(hash(row_id) % 3 = 0, lag(message, 1, message) over (order by page_name, sending_time), message)
            as caption_text,
        hash(row_id) % 11 > 0 as is_active, sending_time - interval 1 day as created_at
    from mass_messages
    where sending_time between '2025-06-03' and '2025-06-08'
"""


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory, shared: Path, commands: Commands) -> Project:
    """The sample with a history of plans that were followed, and what the next performance run made of it."""
    folder = tmp_path_factory.mktemp("proven")
    project = Project(built_project(shared, commands), commands).clone(folder / "built")
    project.execute(PLAN)
    project.run("performance")
    return project


def worked_out(rows: list[dict]) -> tuple[float, float, float]:
    """The uplift and its interval as the design's formula has them, from slots with their earnings."""
    cells: dict[tuple, dict[str, list[float]]] = defaultdict(lambda: {"chosen": [], "chance": []})
    for row in rows:
        cells[row["page_name"], row["price_tier"]][row["selection_kind"]].append(row["earned"])
    level, spread = {"chosen": 0.0, "chance": 0.0}, {"chosen": 0.0, "chance": 0.0}
    ratios: dict[str, list[float]] = {"chosen": [], "chance": []}
    for cell in cells.values():
        mean = fmean(cell["chosen"] + cell["chance"])
        if not cell["chosen"] or not cell["chance"] or mean <= 0:
            continue
        chosen, chance = len(cell["chosen"]), len(cell["chance"])
        weight = chosen * chance / (chosen + chance)
        for kind, earned in cell.items():
            level[kind] += weight * fmean(earned) / mean
            spread[kind] += weight * weight / len(earned)
            ratios[kind] += [x / mean for x in earned]
    error = math.sqrt(sum(variance(ratios[kind]) * spread[kind] / level[kind] ** 2 for kind in level))
    log = math.log(level["chosen"] / level["chance"])
    return math.exp(log), math.exp(log - 1.96 * error), math.exp(log + 1.96 * error)


def test_the_figure_is_that_of_the_formula(proven: Project) -> None:
    slots = proven.query(
        "select page_name, price_tier, selection_kind, earnings / sent_count as earned, status, minutes_off"
        " from recommendation_outcomes where schedule_id like 'slot %'"
    )
    assert len(slots) == 150
    assert {(row["status"], row["minutes_off"]) for row in slots} == {("sent", -5.0)}
    document = proven.eros("uplift", "--json").json
    agency = document["uplift"][0]
    assert (agency["page_name"], agency["window_days"], agency["status"]) == (None, 90, "known")
    figures = (agency["uplift"], agency["uplift_low"], agency["uplift_high"])
    assert figures == pytest.approx(worked_out(slots), abs=1e-6)
    assert agency["chance_count"] <= 50
    assert document["sentence"] == sentence(document["uplift"])
    assert document["plans"][0]["sent"] == 150
    [both] = [row for row in document["calibration"] if row["quantity"] is None]
    assert 0 < both["message_count"] <= 150


def test_slots_and_messages_are_paired_the_nearest_first(built: Project) -> None:
    """The rounds of the SQL give what going through all pairs one by one gives."""
    built.execute(CROWDED)
    models = ("published_slots", "recommendation_outcomes")
    built.dbt("run", "--select", *models, env={"EROS_AS_OF": AS_OF.isoformat()})
    slots = built.query(
        "select outcomes.*, slots.is_active from recommendation_outcomes as outcomes"
        " join published_slots as slots using (schedule_id, time_slot_rank)"
    )
    sent = built.query(
        "select * from stg_mass_messages where sending_date between '2025-06-01' and '2025-06-11'"
    )
    pairs = []
    for slot, message in product([slot for slot in slots if slot["is_active"]], sent):
        hours = abs((message["sending_time"] - slot["scheduled_send_time"]).total_seconds()) / 3600
        if message["page_name"] != slot["page_name"] or hours > 18:
            continue
        is_own = message["caption_key"] == slot["caption_key"]
        is_of_the_kind = ((message["price"] or 0) > 0) == (slot["message_type"] == "PPV")
        if is_own or (is_of_the_kind and hours <= 0.75):
            key = (slot["schedule_id"], slot["time_slot_rank"])
            pairs.append((not is_own, hours, message["sending_time"], message["row_id"], key))
    taken: dict[tuple, int] = {}
    for _, _, _, row_id, key in sorted(pairs):
        if key not in taken and row_id not in taken.values():
            taken[key] = row_id
    found = {(slot["schedule_id"], slot["time_slot_rank"]): slot["row_id"] for slot in slots}
    assert len(pairs) > len(taken) > 50
    assert {key: row_id for key, row_id in found.items() if row_id is not None} == taken
    assert {slot["status"] for slot in slots} == {"sent", "other text", "not sent", "withdrawn"}


def test_people_read_the_sentence_first_and_tables_of_80_columns(proven: Project) -> None:
    answer = proven.eros("uplift").stdout
    said, *lines = answer.splitlines()
    assert said.startswith("Chosen captions earned ")
    titles = ("chosen captions against random ones", "what became of the plans", "are beliefs right?")
    assert [title for title in titles if title not in answer] == []
    assert [line for line in lines if len(line) > 80 and not line.startswith("database ")] == []


def test_the_report_has_the_sentence_and_a_picture(proven: Project) -> None:
    said = proven.eros("uplift", "--json").json["sentence"]
    section = parse(proven.eros("report", "--output", "-").stdout).one("section", id="proof")
    assert section.all("p")[0].words == f"{said}."
    [table] = section.all("table")
    assert table.table()[0]["Page"] == "all pages"
    assert len(section.all("svg", cls="interval")) == len(table.table())
    assert "150 published messages in 90 days, 100% were sent as planned" in section.words


def test_a_report_of_one_page_has_its_own_sentence(proven: Project) -> None:
    [page] = proven.query(
        "select page_name from policy_uplift where page_name is not null and window_days = 90"
        " order by page_name limit 1"
    )
    section = parse(proven.eros("report", "--output", "-", "--page", page["page_name"]).stdout)
    rows = proven.query("select * from policy_uplift")
    said = section.one("section", id="proof").all("p")[0].words
    assert said == f"{sentence(sorted(rows, key=lambda row: -row['window_days']), page['page_name'])}."


def test_before_there_is_anything_a_sentence_says_what_to_run(project: Project) -> None:
    answer = project.eros("uplift", code=ExitCode.CANNOT_START)
    assert "Traceback" not in answer.stderr
    assert answer.stderr.count("\n") == 1
    assert "eros run performance" in answer.stderr


def test_a_day_without_slots_by_chance_has_no_figure_yet(built: Project) -> None:
    assert built.eros("uplift").stdout.startswith("not enough yet: 0 of 30 messages by chance in 90 days.\n")
    report = parse(built.eros("report", "--output", "-").stdout).one("section", id="proof")
    assert report.all("p")[0].words == "not enough yet: 0 of 30 messages by chance in 90 days."
    assert report.all("svg") == []


def test_a_report_over_tables_from_before_says_that_they_are_missing(built: Project) -> None:
    built.execute("drop table policy_uplift")
    section = parse(built.eros("report", "--output", "-").stdout).one("section", id="proof")
    assert section.all("p")[0].words.startswith(
        "Whether choice earns cannot be shown: its tables are not there"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "Chosen captions earned 1.6 times a random one of the same tier; 95 %: 1.4 to 1.8; 187 messages"
             " by chance in 90 days"),
        ({"uplift_low": 0.9}, "Chosen captions earned 1.6 times a random one of the same tier; 95 %: 0.9 to"
                              " 1.8; 187 messages by chance in 90 days; that may be luck"),
        ({"status": "not enough yet", "chance_count": 12},
         "not enough yet: 12 of 30 messages by chance in 90 days"),
        ({"status": "sent unevenly"},
         "No figure: 95% of the chosen slots were sent in 90 days, of the random ones 70%"),
        ({"status": "nothing earned"},
         "No figure: chosen captions, or random ones, earned nothing in 90 days"),
    ],
)  # fmt: skip
def test_each_state_has_its_sentence(changes: dict, said: str) -> None:
    assert sentence([KNOWN | changes]) == said


def test_the_longest_time_with_a_figure_counts_and_no_other_page() -> None:
    ninety, thirty = KNOWN | {"status": "sent unevenly"}, KNOWN | {"window_days": 30}
    assert sentence([ninety, thirty]).endswith("by chance in 30 days")
    assert sentence([KNOWN | {"page_name": "amy"}]) == "not enough yet: 0 of 30 messages by chance"


def test_what_became_of_a_plan_is_told_in_shares() -> None:
    plan = dict.fromkeys(("sent", "other_text", "not_sent", "withdrawn", "pending", "unplanned"), 0)
    assert followed(plan | {"window_days": 30}) == "Nothing that was published can be judged yet in 30 days."
    plan |= {"window_days": 90, "sent": 6, "other_text": 1, "not_sent": 1, "pending": 9, "unplanned": 1}
    assert followed(plan) == (
        "Of 8 published messages in 90 days, 75% were sent as planned, 12% with another text, 12% not at all;"
        " 1 message went out without a plan."
    )
