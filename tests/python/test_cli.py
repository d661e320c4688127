"""The commands as a person meets them: answers, exit codes, and one sentence for wrong input."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from datetime import date, datetime, timedelta, timezone

import click
import duckdb
import pytest

from eros_dbt_runner import clock
from eros_dbt_runner.cli import cli
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.schedule.meanings import MEANINGS
from eros_dbt_runner.schedules import read_schedules
from tests.python.harness import AS_OF, ROOT, SCHEMA, Project, complete, run_arguments

DAY = "2025-06-15"
ZONE = read_schedules(ROOT / "schedules.yml")["daily"].timezone


@pytest.fixture
def empty(tmp_path, commands):
    """A project folder with the runner's own files only: enough for what never reaches dbt."""
    directory = tmp_path / "empty"
    directory.mkdir()
    for name in ("dbt_project.yml", "profiles.yml", "schedules.yml"):
        shutil.copy2(ROOT / name, directory)
    return Project(directory, commands)


def sentence(result):
    """What a command that refused said, after checking that it is one sentence."""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, str(result)
    assert lines[0].startswith("eros: ")
    return lines[0]


# ---- help ----


def test_help_lists_every_exit_code_with_its_meaning(empty):
    for arguments in (["--help"], ["run", "-h"]):
        text = " ".join(empty.eros(*arguments).stdout.split())
        for code in ExitCode:
            assert f"{int(code)} {code.meaning}" in text


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["--help"], {"dbt", "duckdb", "rich", "yaml", "filelock", "numpy"}),
        (["run", "--help"], {"dbt", "duckdb", "numpy"}),
        (["run", "nosuch"], {"dbt", "duckdb", "numpy"}),
        (["schedule"], {"dbt", "agate", "jinja2"}),
        (["explain", "luna", DAY, "1"], {"dbt", "agate", "jinja2"}),
        (["select", "luna"], {"dbt", "agate", "jinja2"}),
        (["verify"], {"dbt", "agate"}),
        (["sample-data", "made", "--messages", "100"], {"dbt", "duckdb"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_commands_import_nothing_heavy_that_they_do_not_need(built, arguments, unwanted):
    script = (
        "import sys\nfrom eros_dbt_runner.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=built.directory,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not unwanted & set(done.stdout.splitlines()[-1].split())


def test_help_says_of_each_command_what_the_command_says_itself():
    """The list does not import them; a command that is nowhere else is found here, too."""
    context = click.Context(cli)
    for name, (_, line) in cli.known.items():
        command = cli.get_command(context, name)
        assert command.name == name
        assert click.Command(name, help=command.help).get_short_help_str(200) == line
    assert list(cli.known) == sorted(cli.known)


# ---- wrong input ----


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("run nosuch", "no schedule 'nosuch'; known: performance, daily, sweep"),
        ("run daily --as-of=", "An argument is empty"),
        ("schedule \udcff", "is not UTF-8"),
        ("schedule --date 0001-01-01", "--date must be a date"),
        ("report --date 9999-12-31", "--date must be a date"),
        ("explain luna 2025-06-15 99999999999999999999999", "is not in the range"),
        ("select luna --budget 99999999999999999999999", "is not in the range"),
        ("verify --limit inf", "is not in the range"),
        ("run", "Missing argument"),
        ("nosuch", "No such command 'nosuch'"),
        ("run daily --nosuch", "No such option"),
        ("run daily --as-of yesterday", "--as-of must be an ISO-8601 time"),
        ("run daily --as-of 0001-01-01T00:00:00+14:00", "--as-of must be an ISO-8601 time"),
        ("run daily --execution-date 2025-02-30", "--execution-date must be a date"),
        ("run performance --execution-date 2025-06-15", "--execution-date makes no sense"),
        ("run sweep --since 2025-06-15", "--since makes no sense"),
        ("run performance --since soon", "--since must be a date"),
        ("run performance --since 2025-06-16 --as-of 2025-06-15", "is after 2025-06-14"),
        ("run daily --as-of 2025-06-15 --execution-date 2025-06-15", "not both"),
        ("run daily --target nosuch", "no target 'nosuch' in profiles.yml; known: duckdb"),
        ("run daily --wait -1", "Invalid value for '--wait'"),
        ("run daily --wait long", "Invalid value for '--wait'"),
        ("schedule --date 15/06/2025", "--date must be a date"),
        ("explain luna 2025-06-15 0", "Invalid value for 'SLOT'"),
        ("explain luna someday 1", "DATE must be a date"),
        ("select luna --segment rich", "Invalid value for '--segment'"),
        ("select luna --mid -1", "Invalid value for '--mid'"),
        ("verify --limit 0", "Invalid value for '--limit'"),
        ("sample-data made --pages 0", "pages"),
        ("sample-data made --end soon", "--end must be an ISO-8601 time"),
        ("sample-data made --format xls", "Invalid value for '--format'"),
        ("sample-data dbt_project.yml", "is a file"),
    ],
)
def test_wrong_input_is_told_in_one_sentence(empty, arguments, says):
    result = empty.eros(*arguments.split(), code=ExitCode.USAGE)
    assert says in sentence(result)
    assert result.stdout == ""
    assert not empty.database.exists()


def test_a_refusal_is_json_too(empty):
    result = empty.eros("run", "nosuch", "--json", code=ExitCode.USAGE)
    assert result.json["status"] == "NOT_RUN"
    assert result.json["exit_code"] == ExitCode.USAGE
    assert "nosuch" in result.json["error"]


def test_without_a_project_there_is_a_sentence(empty, tmp_path):
    result = empty.eros("schedule", env={"EROS_PROJECT_DIR": str(tmp_path)}, code=ExitCode.CANNOT_START)
    assert "set EROS_PROJECT_DIR" in sentence(result)


@pytest.mark.parametrize("command", ["schedule", f"explain luna {DAY} 1", "select luna"])
def test_without_a_database_there_is_a_sentence(empty, command):
    result = empty.eros(*command.split(), code=ExitCode.CANNOT_START)
    assert "eros run performance" in sentence(result)
    assert not empty.database.exists()


@pytest.mark.parametrize("command", ["schedule", "run sweep"])
def test_a_file_that_is_no_database_is_told(empty, command):
    empty.database.write_text("not a database" * 1000)
    result = empty.eros(*command.split(), code=ExitCode.CANNOT_START)
    assert "cannot be opened" in sentence(result)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('cron: "0 * * * *"', 'cron: "0 25 * * *"', "`cron` of schedule 'sweep'"),
        ('cron: "0 * * * *"', "cron: 5", "`cron` of schedule 'sweep'"),
        ('cron: "5 3 * * *"', 'cron: "5 */3 * * *"', "a fixed time of the day"),
        ("expects: [caption_lock_summary]", "expects: []", "`expects` of schedule 'sweep'"),
        ("accepts: [since]", "accepts: [until]", "`accepts` of schedule 'performance'"),
        ("timeout_seconds: 300", "timeout_seconds: soon", "`timeout_seconds` of schedule 'sweep'"),
        ("max_retries: 1", "max_retries: -1", "`max_retries` of schedule 'sweep'"),
        ("selector: sweep", "selectors: sweep", "unknown field `selectors`"),
        ("timezone: America/Los_Angeles", "timezone: Hollywood", "`timezone` 'Hollywood'"),
        ("schedules:", "plans:", "it must hold `timezone`"),
        ("timezone: America", "timezone: [America", "is not valid YAML"),
        ("timezone: America/Los_Angeles", "timezone: 2025-02-30", "is not valid YAML"),
        ("  sweep:", "  daily:", "'daily' stands twice"),
        ("  sweep:", "  a/b:", "the name 'a/b' of a schedule"),
        ("timeout_seconds: 300", "timeout_seconds: 99999999999999999999", "`timeout_seconds` of schedule"),
        ('cron: "0 * * * *"', 'cron: "0 * * *\\n*"', "a text of one line"),
    ],
)
def test_a_wrong_schedules_file_is_told_in_one_sentence(empty, old, new, says):
    empty.edit("schedules.yml", old, new)
    assert says in sentence(empty.eros("run", "sweep", code=ExitCode.CANNOT_START))


def test_an_input_that_is_missing_is_named_before_anything_runs(project):
    project.write_inputs()
    (project.data_dir / "captions.parquet").unlink()
    result = project.run("performance", code=ExitCode.CANNOT_START)
    assert "captions" in result.json["problems"][0]["why"]
    assert "EROS_DATA_DIR" in result.json["problems"][0]["why"]
    assert result.json["nodes"] == {}


# ---- whoever read the output has gone ----


def piped(project, *arguments):
    """A command of which this process reads stdout and stderr, in the project's folder."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("EROS_", "DBT_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "eros_dbt_runner.cli", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=project.directory,
        env={**clean, "EROS_PROJECT_DIR": str(project.directory)},
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("flags", [[], ["--json"]], ids=["text", "json"])
def test_a_run_goes_on_to_its_end_when_nobody_listens_any_more(built, flags):
    """As the run of a service that was killed."""
    with piped(built, *run_arguments("performance", AS_OF), *flags) as process:
        assert b"/" in process.stderr.readline()  # the first model is done
        process.stderr.close()
        process.stdout.close()
        assert process.wait(timeout=120) == 0
    [newest, *_] = built.eros("runs", "--json").json
    assert (newest["job_name"], newest["job_status"]) == ("performance", "SUCCESS")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["runs"], 0), (["schedule"], 0), (["--help"], 0), (["export"], 0), (["health"], ExitCode.CHECK_FAILED),
     (["health", "--json"], ExitCode.CHECK_FAILED)],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_a_closed_pipe_changes_no_exit_code(built, arguments, code):
    with piped(built, *arguments) as process:
        process.stdout.close()
        stderr = process.stderr.read()
        assert process.wait(timeout=60) == code
    assert b"Traceback" not in stderr
    assert b"Defect" not in stderr


def test_an_export_into_a_closed_pipe_is_logged_as_failed(built):
    with piped(built, "export") as process:
        process.stdout.close()
        process.wait(timeout=60)
    rows = built.query("select distinct status, error_message from schedule_export_log")
    assert rows == [{"status": "FAILED", "error_message": "[Errno 32] Broken pipe"}]


@pytest.mark.parametrize("redirection", [">&-", ">/dev/full", "2>&-"])
def test_output_that_cannot_be_written_is_no_defect(built, redirection):
    command = f"exec {sys.executable} -m eros_dbt_runner.cli runs {redirection}"
    env = {**os.environ, "EROS_PROJECT_DIR": str(built.directory)}
    result = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, env=env, check=False)
    assert "Defect" not in result.stderr
    assert "Traceback" not in result.stderr
    if redirection == ">/dev/full":
        assert "No space left on device" in result.stderr
        assert result.returncode == ExitCode.CANNOT_START
    else:
        assert result.returncode == 0


# ---- what a run is told ----


@pytest.mark.parametrize(
    ("day", "as_of"),
    [
        ("2025-06-15", "2025-06-15T10:05:00Z"),
        ("2025-01-15", "2025-01-15T11:05:00Z"),
        ("2025-03-09", "2025-03-09T10:05:00Z"),  # clocks went forward an hour before
        ("2025-11-02", "2025-11-02T11:05:00Z"),  # clocks went back an hour before
    ],
)
def test_the_daily_runs_time_is_0305_on_the_wall_clock(day, as_of):
    daily = read_schedules(ROOT / "schedules.yml")["daily"]
    moment = clock.local_moment(clock.parse_date(day, "--x"), daily.time_of_day(), daily.timezone)
    assert clock.iso(moment) == as_of
    assert clock.local_date(moment, daily.timezone).isoformat() == day


@pytest.mark.parametrize(
    ("text", "as_of", "day"),
    [
        ("2025-06-15", "2025-06-15T00:00:00Z", "2025-06-14"),
        ("2025-06-15T12:00:00", "2025-06-15T12:00:00Z", "2025-06-15"),
        ("2025-06-15T12:00:00-07:00", "2025-06-15T19:00:00Z", "2025-06-15"),
        ("2025-06-15T06:59:59.5Z", "2025-06-15T06:59:59.500000Z", "2025-06-14"),
    ],
)
def test_as_of_without_an_offset_is_utc_and_the_date_is_local(text, as_of, day):
    moment = clock.parse_moment(text)
    zone = read_schedules(ROOT / "schedules.yml")["daily"].timezone
    assert (clock.iso(moment), clock.local_date(moment, zone).isoformat()) == (as_of, day)


def test_a_dry_run_tells_all_and_touches_nothing(project):
    result = project.eros(
        *run_arguments("performance"), "--since", "2025-06-01", "--full-refresh", "--dry-run", "--json"
    )
    plan = result.json
    assert plan["arguments"][:4] == ["dbt", "build", "--selector", "performance"]
    assert "--full-refresh" in plan["arguments"]
    assert "--vars" not in plan["arguments"]
    assert "--target" not in plan["arguments"]
    assert plan["environment"]["EROS_AS_OF"] == "2025-06-15T12:00:00Z"
    assert plan["environment"]["EROS_SINCE"] == "2025-06-01"
    assert plan["environment"]["EROS_JOB_NAME"] == "performance"
    assert "caption_bandit_stats" in plan["nodes"]["model"]
    assert "schedule_recommendations" not in plan["nodes"]["model"]
    assert "unit_test" not in plan["nodes"]
    assert not project.database.exists()
    assert not list(project.directory.glob("eros.duckdb*"))
    assert not (project.directory / "target" / "run_results.json").exists()
    text = project.eros(*run_arguments("performance"), "--dry-run").stdout
    assert "nothing was run" in text
    assert "caption_bandit_stats" in text


def test_what_an_earlier_run_left_in_the_environment_does_not_leak(project):
    """EROS_AS_OF is honoured, as dbt does; the rest belongs to the run."""
    left = {"EROS_AS_OF": "2025-05-01T00:00:00Z", "EROS_SINCE": "2020-01-01", "EROS_JOB_NAME": "x"}
    plan = project.eros("run", "performance", "--dry-run", "--json", env=left).json
    assert plan["as_of"] == "2025-05-01T00:00:00Z"
    assert plan["environment"]["EROS_JOB_NAME"] == "performance"
    assert "EROS_SINCE" not in plan["environment"]
    day = ["--execution-date", DAY]
    plan = project.eros("run", "daily", *day, "--dry-run", "--json", env=left).json
    assert plan["execution_date"] == DAY


def test_a_backfill_left_in_the_environment_does_not_reach_dbt(built):
    built.run("performance", env={"EROS_SINCE": "no date"})


@pytest.mark.slow
def test_relative_paths_count_from_the_project_for_eros_and_dbt_alike(built, tmp_path):
    shutil.move(built.data_dir, built.directory / "exported")
    env = {"EROS_DATA_DIR": "exported", "EROS_DUCKDB_PATH": "other/place.duckdb"}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    built.run("performance", env=env, cwd=elsewhere)
    built.dbt("build", "--select", "caption_lock_summary", env=env)
    for ending in ("", ".wal"):  # the log belongs to the file
        shutil.move(f"{built.directory / 'other' / 'place.duckdb'}{ending}", f"{built.database}{ending}")
    names = [row["job_name"] for row in built.query("select job_name from etl_job_runs order by all")]
    assert names == ["build_part", "performance"]
    assert not list(elsewhere.iterdir())


# ---- verdicts ----

LATER = AS_OF + timedelta(days=100)  # no page of the sample is active any more


def schedulable(pages, broken=()):
    """Inputs at LATER by which all `pages` can be scheduled but those with a `broken` pattern."""
    tiers = ("budget", "mid", "premium", "bump")
    sent = LATER - timedelta(days=2)
    return {
        "caption_bank": [{"price_tier": tiers[position % 4]} for position in range(80)],
        "mass_messages": [
            {"page_name": page, "row_id": number * 100 + n, "caption_id": n + 1, "sending_time": sent}
            for number, page in enumerate(pages, 900)
            for n in range(8)
        ],
        "creator_caption_restrictions": [
            {"page_name": page, "hard_patterns": ["(unclosed"]} for page in broken
        ],
    }


def test_a_creator_that_cannot_be_scheduled_is_named_and_the_run_is_good(built):
    built.write_inputs(schedulable(["luna", "marble"], broken=["marble"]))
    result = built.eros(*run_arguments("daily", LATER))
    assert "COMPLETED_WITH_ERRORS" in result.stdout
    assert "1 scheduled, 1 left out" in result.stdout
    assert "left out  marble: " in result.stdout
    assert "(unclosed" in result.stdout


def test_five_such_creators_open_the_breaker(built):
    pages = [f"page{number}" for number in range(7)]
    built.write_inputs(schedulable(pages, broken=pages[:5]))
    result = built.run("daily", as_of=LATER, code=ExitCode.BREAKER_OPEN)
    assert result.json["status"] == "FAILED"
    assert result.json["problems"][0]["what"] == "circuit breaker open"
    assert {error["page_name"] for error in result.json["creator_errors"]} == set(pages[:5])
    assert result.json["messages_scheduled"] is None
    [row] = built.query("select * from etl_job_runs where job_id = ?", [result.json["invocation_id"]])
    assert row["job_status"] == "FAILED"


def test_no_active_creator_is_no_work(built):
    result = built.run("daily", as_of=LATER)
    assert result.json["status"] == "COMPLETED_NO_WORK"
    assert result.json["messages_scheduled"] == 0


def test_rejected_rows_are_counted_in_the_verdict(built):
    tables = schedulable([f"page{number}" for number in range(20)])
    tables["mass_messages"][0]["earnings"] = float("inf")
    built.write_inputs(tables)
    assert built.run("performance", as_of=LATER).json["rejected_rows"] == {"mass_messages": 1}


def test_the_verdict_and_the_run_log_agree(built):
    report = built.run("daily").json
    [row] = built.query("select * from etl_job_runs where job_id = ?", [report["invocation_id"]])
    assert row["job_status"] == report["status"] == "SUCCESS"
    assert row["creators_processed"] == report["creators_processed"] == 6
    assert row["execution_date"] == date.fromisoformat(report["execution_date"])
    assert report["messages_scheduled"] == len(built.table("schedule_recommendations_messages"))
    assert report["as_of"] == "2025-06-15T12:00:00Z"


def test_the_verdict_is_shown_and_progress_stays_off_stdout(built):
    result = built.eros(*run_arguments("sweep"))
    assert "SUCCESS" in result.stdout
    assert "2025-06-15T12:00:00Z (Sun 05:00 PDT)" in result.stdout
    assert "caption_lock_summary" in result.stderr
    assert "caption_lock_summary" not in result.stdout


def test_plain_dbt_works_twice_beside_the_runner(built):
    """A plain `dbt build` ends as a row of the run log, too."""
    env = {"EROS_AS_OF": AS_OF.isoformat()}
    for _ in range(2):
        built.dbt("build", "--select", "tag:sweep", env=env)
    rows = built.query("select job_status from etl_job_runs where job_name = 'build_part'")
    assert [row["job_status"] for row in rows] == ["SUCCESS", "SUCCESS"]


# ---- reading ----


def test_a_days_plan_is_shown_for_all_pages_and_for_one(built):
    rows = built.query("select * from schedule_recommendations order by page_name, send_hour")
    overview = built.eros("schedule").stdout
    assert {row["page_name"] for row in rows} <= set(overview.replace("│", " ").split())
    one = [row for row in rows if row["page_name"] == rows[0]["page_name"]]
    text = built.eros("schedule", f" {one[0]['page_name'].upper()} ").stdout
    for row in one:
        assert f"{row['send_hour']:02}:00" in text
        assert str(row["caption_id"]) in text


def test_a_days_plan_is_json_with_times_in_utc(built):
    plan = built.eros("schedule", "--json", "--date", DAY).json
    stored = built.query(
        "select * from schedule_recommendations_messages order by page_name, scheduled_send_time"
    )
    assert [(row["page_name"], row["caption_id"]) for row in plan] == [
        (row["page_name"], row["caption_id"]) for row in stored
    ]
    sent = datetime.fromisoformat(plan[0]["scheduled_send_time"].replace("Z", "+00:00"))
    assert sent == stored[0]["scheduled_send_time"].replace(tzinfo=timezone.utc)


@pytest.fixture
def planned(built):
    """The built project with a plan for a Monday, for yesterday and for tomorrow as well, all like DAY's."""
    today = datetime.now(ZONE).date()
    days = {
        "monday": date(2025, 6, 16),
        "yesterday": today - timedelta(days=1),
        "tomorrow": today + timedelta(days=1),
    }
    for day in days.values():
        ids = f"replace(schedule_id, '_20250615', '_{day:%Y%m%d}') as schedule_id"
        built.execute(
            f"insert into schedule_recommendations select * replace ({ids}, date '{day}' as schedule_date)"
            f" from schedule_recommendations where schedule_date = '{DAY}'"
        )
        built.execute(
            f"insert into schedule_recommendations_messages select * replace ({ids})"
            " from schedule_recommendations_messages where schedule_id like '%_20250615'"
        )
    return built, days


def days_of(result):
    return sorted({row["schedule_id"][-8:] for row in result.json})


def test_the_day_that_is_shown_is_today_or_the_next_that_is_published(planned):
    project, days = planned
    found = project.eros("schedule", "--json")
    assert days_of(found) == [f"{days['tomorrow']:%Y%m%d}"]
    assert "this is the next day that is" in found.stderr
    assert days_of(project.eros("export", "--format", "json")) == days_of(found)
    for word in ("yesterday", "tomorrow"):
        named = project.eros("schedule", "--json", "--date", word)
        assert days_of(named) == [f"{days[word]:%Y%m%d}"]
        assert named.stderr == ""
    assert (
        "Nothing is scheduled on" in project.eros("schedule", "--date", "Today", code=ExitCode.USAGE).stderr
    )
    project.execute(f"delete from schedule_recommendations where schedule_date = '{days['tomorrow']}'")
    assert "this is the last day that is" in project.eros("schedule", "--json").stderr


def test_several_days_are_shown_and_exported(planned):
    project, days = planned
    near = [f"{days['yesterday']:%Y%m%d}", f"{days['tomorrow']:%Y%m%d}"]
    for arguments, wanted in (
        (("--date", DAY, "--week"), ["20250615"]),  # a Sunday, the last day of its week
        (("--date", "2025-06-18", "--week"), ["20250616"]),
        (("--from", DAY, "--to", "2025-06-16"), ["20250615", "20250616"]),
        (("--to", DAY), ["20250615"]),
        (("--from", "yesterday"), near),
    ):
        assert days_of(project.eros("schedule", "--json", *arguments)) == wanted, arguments
        assert days_of(project.eros("export", "--format", "json", *arguments)) == wanted, arguments
    shown = project.eros("schedule", "--to", "2025-06-16").stdout
    assert shown.count("times in America/Los_Angeles") == 2
    assert "Monday 2025-06-16" in shown
    for arguments in (("--week", "--from", DAY), ("--date", DAY, "--to", DAY), ("--date", "someday")):
        project.eros("schedule", *arguments, code=ExitCode.USAGE)
    none = project.eros("schedule", "--from", "2025-06-17", "--to", "2025-06-20", code=ExitCode.USAGE)
    assert "Nothing is scheduled from 2025-06-17 up to 2025-06-20" in none.stderr


def test_a_page_that_is_typed_wrongly_is_guessed(built):
    [row, *_] = built.query("select page_name from schedule_recommendations order by page_name")
    page = row["page_name"]
    typed = page[:-2] + page[-1]
    for command in (
        ["schedule", typed], ["explain", typed, DAY, "1"], ["select", typed], ["export", "--page", typed],
        ["report", "--date", DAY, "--page", typed],
    ):  # fmt: skip
        refused = built.eros(*command, code=ExitCode.USAGE)
        assert f"did you mean {page}?" in refused.stderr, command
    assert "did you mean" not in built.eros("schedule", "nosuch", code=ExitCode.USAGE).stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["schedule", "nosuch"],
        ["schedule", "--date", "2020-01-01"],
        ["explain", "nosuch", DAY, "1"],
        ["explain", "luna'; drop table caption_bandit_stats; --", DAY, "1"],
        ["schedule", "luna'; drop table caption_bandit_stats; --"],
        ["select", "nosuch"],
        ["select", "luna'; drop table caption_bandit_stats; --"],
    ],
    ids=lambda arguments: " ".join(arguments)[:20],
)
def test_what_is_not_there_is_told_in_one_sentence(built, arguments):
    sentence(built.eros(*arguments, code=ExitCode.USAGE))
    assert built.table("caption_bandit_stats")


def test_explain_shows_and_explains_every_column(built):
    [row, *_] = built.table("schedule_recommendations")
    place = [row["page_name"], row["schedule_date"].isoformat(), str(row["time_slot_rank"])]
    shown = built.eros("explain", *place, "--json").json
    assert set(shown) == set(row)
    assert shown["score"] == row["score"]
    assert set(row) <= set(MEANINGS), "explanations.py lacks a column"
    text = built.eros("explain", *place).stdout
    for name in row:
        assert name in text


def test_explain_gives_the_numbers_that_make_the_score(built):
    for row in built.table("schedule_recommendations"):
        parts = 0.70 * row["thompson"] + 0.05 * row["diversity"] + 0.15 * row["value"]
        parts += 0.03 * row["budget_penalty"]
        assert row["score"] == pytest.approx(parts * row["segment_multiplier"], abs=1e-12)


def test_select_takes_the_pages_plan_unless_told_otherwise(built):
    [plan, *_] = built.table("creator_day_plan")
    page = plan["page_name"]
    usual = built.eros("select", page, "--json").json
    tiers = [row["price_tier"] for row in usual]
    for tier in ("budget", "mid", "premium", "bump"):
        assert tiers.count(tier) == plan[f"num_{tier}"]
    asked = built.eros(
        "select", page, "--segment", "premium", "--budget", "0", "--mid", "1", "--premium", "2",
        "--bump", "0", "--json",
    ).json  # fmt: skip
    assert sorted(row["price_tier"] for row in asked) == ["mid", "premium", "premium"]
    assert {row["behavioral_segment"] for row in asked} == {"premium"}
    assert page in built.eros("select", page).stdout


def test_reading_waits_for_no_longer_than_it_is_told(built):
    holder = "import sys, time, duckdb; c = duckdb.connect(sys.argv[1]); print(1, flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", holder, str(built.database)], stdout=subprocess.PIPE)
    try:
        other.stdout.readline()
        result = built.eros("schedule", env={"EROS_LOCK_WAIT": "0.2"}, code=ExitCode.BUSY)
    finally:
        other.kill()
        other.wait()
    assert f"process {other.pid}" in result.stderr
    assert "Traceback" not in result.stderr


def test_readers_do_not_wait_for_each_other(built):
    with duckdb.connect(str(built.database), read_only=True):
        built.eros("schedule", "--wait", "0")


def test_reading_changes_nothing(built):
    before = built.database.read_bytes()
    built.eros("schedule")
    built.eros("select", built.table("creator_day_plan")[0]["page_name"])
    assert built.database.read_bytes() == before
    assert {path.name for path in built.directory.glob("eros.duckdb*")} <= {
        "eros.duckdb", "eros.duckdb.lock", "eros.duckdb.whole", "eros.duckdb.whole.wal",
    }  # fmt: skip


def test_a_reader_that_goes_away_is_no_error(built):
    done = subprocess.run(
        f"{sys.executable} -m eros_dbt_runner.cli schedule --json --date {DAY} | head -1;"
        " echo ${PIPESTATUS[0]}",
        shell=True,
        executable="/bin/bash",
        cwd=built.directory,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["[", "0"]
    assert done.stderr == ""


# ---- sample data ----


def test_sample_data_is_made_in_the_data_folder(empty):
    options = ["--pages", "3", "--captions", "200", "--messages", "500", "--end", AS_OF.isoformat()]
    result = empty.eros("sample-data", *options)
    assert "mass_messages.parquet (500 rows)" in result.stdout
    assert (empty.data_dir / "mass_messages.parquet").exists()
    empty.eros("sample-data", *options, "--format", "csv")
    with (empty.data_dir / "mass_messages.csv").open(newline="", encoding="utf-8") as file:
        assert len(list(csv.reader(file))) == 501
    assert not (empty.data_dir / "mass_messages.parquet").exists()


def test_sample_data_overwrites_nobodys_export(empty):
    empty.write_inputs(mass_messages=[{"message": "precious"}])
    before = (empty.data_dir / "mass_messages.parquet").read_bytes()
    result = empty.eros("sample-data", "--messages", "100", code=ExitCode.USAGE)
    assert "mass_messages.parquet" in sentence(result)
    assert (empty.data_dir / "mass_messages.parquet").read_bytes() == before


# ---- the harness itself ----


def test_inputs_get_production_types_and_defaults(project):
    project.write_inputs(mass_messages=[{"message": "hi"}], creator_caption_restrictions=[{}])
    project.execute(f"create schema {SCHEMA}")
    types = {
        row["column_name"]: row["column_type"]
        for name in ("mass_messages", "creator_caption_restrictions")
        for row in project.query(f"describe from '{project.data_dir}/{name}.parquet'")
    }
    assert types["row_id"] == types["caption_id"] == "BIGINT"
    assert types["sending_time"] == "TIMESTAMP WITH TIME ZONE"
    assert types["hard_patterns"] == "VARCHAR[]"
    assert types["earnings"] == "DOUBLE"
    with pytest.raises(AssertionError, match="unknown column"):
        complete("mass_messages", [{"mesage": "typo"}])  # codespell:ignore mesage
