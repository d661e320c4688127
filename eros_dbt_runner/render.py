"""What people see: progress on stderr while a run works, tables on stdout."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from eros_dbt_runner import clock, output
from eros_dbt_runner.dbt_invocation import NodeEvent
from eros_dbt_runner.errors import one_sentence
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.explanations import meaning
from eros_dbt_runner.runs import Report

if TYPE_CHECKING:
    from eros_dbt_runner.backups import Backup
    from eros_dbt_runner.verification import Result

Row = Mapping[str, Any]
MOST_REASONS = 5
LONGEST_ROW = 160
BAD = ("error", "fail", "runtime error")
CHECK_STYLES = {"PASS": "green", "WARN": "yellow", "FAIL": "red"}
STYLES = {"SUCCESS": "green", "COMPLETED_NO_WORK": "cyan", "COMPLETED_WITH_ERRORS": "yellow"}


class _Progress(Console):
    """Stderr; somebody who stops listening stops no run, whose threads dbt waits for."""

    def on_broken_pipe(self) -> None:
        """Say nothing from now on."""
        self.quiet = True


class _Output(Console):
    """Stdout; somebody who has read enough changes no exit code."""

    def on_broken_pipe(self) -> None:
        """Let the rest go nowhere."""
        output.drop()


class Reporter:
    """Shows a run's progress on stderr: a bar on a terminal, a line per model elsewhere."""

    def __init__(self, schedule: str) -> None:
        """Nothing is shown before the first event."""
        self._console = _Progress(stderr=True, highlight=False)
        self._bar = None
        if self._console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.fields[schedule]}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.description}"),
                console=self._console,
                transient=True,
            )
            self._task = self._bar.add_task("starting", total=None, schedule=schedule)

    def __enter__(self) -> "Reporter":
        """Start the bar."""
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away."""
        if self._bar:
            self._bar.stop()

    def on_wait(self, holder: str) -> None:
        """Say why nothing happens."""
        self._line(f"waiting: {holder}")

    def on_event(self, event: NodeEvent) -> None:
        """Show a node that starts or ends."""
        if self._bar:
            self._bar.update(
                self._task,
                completed=event.done,
                total=event.total or None,
                description=event.name,
            )
        if event.status in BAD or (
            not self._bar and event.kind in ("model", "seed") and event.status != "started"
        ):
            place = f"{event.done}/{event.total}"
            self._line(f"{place:>7}  {event.status:<8} {event.name}  {event.seconds:.2f} s")

    def _line(self, text: str) -> None:
        with suppress(OSError):  # a full disk behind stderr stops no run either
            self._console.print(Text(text), soft_wrap=True)


def _console() -> Console:
    """Stdout; as wide as needed when it is no terminal, so that nothing is cut off in a file."""
    return _Output(highlight=False, width=None if sys.stdout.isatty() else 160)


def show_report(report: Report, zone: ZoneInfo) -> None:
    """The verdict of a run."""
    verdict, console = report.verdict, _console()
    job = verdict.evidence.job_run or {}
    style = STYLES.get(verdict.status, "red")
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim")
    facts.add_column(overflow="fold")
    facts.add_row("status", Text(verdict.status, style=f"bold {style}"))
    facts.add_row("as of", f"{clock.iso(report.as_of)} ({report.as_of.astimezone(zone):%a %H:%M %Z})")
    facts.add_row("execution date", report.execution_date.isoformat())
    facts.add_row("duration", f"{report.seconds:.1f} s")
    for kind, statuses in verdict.counts.items():
        label = "hooks" if kind == "operation" else f"{kind.replace('_', ' ')}s"
        facts.add_row(label, ", ".join(f"{number} {status}" for status, number in statuses.items()))
    if job.get("creators_processed") is not None:
        left_out = job["creators_failed"] or 0
        words = ("scheduled", "left out")
        if verdict.exit_code is not ExitCode.OK or verdict.evidence.messages_scheduled == 0:
            # Who passed the check of a run that published nothing got nothing.
            words = ("passed their check", "failed it")
        facts.add_row("creators", f"{job['creators_processed']} {words[0]}, {left_out} {words[1]}")
    if verdict.evidence.messages_scheduled is not None:
        facts.add_row("messages", f"{verdict.evidence.messages_scheduled} in the day's schedule")
    if (learnt := verdict.evidence.learning) is not None:
        facts.add_row(
            "learnt",
            f"{learnt['outcomes']} outcomes of {learnt['eligible_messages']} messages,"
            f" {learnt['matched_messages']} matched to a caption",
        )
    if verdict.evidence.messages_kept:
        facts.add_row(
            "kept", f"{verdict.evidence.messages_kept} messages known from before that the input lacks now"
        )
    for source, rows in verdict.evidence.rejected_rows.items():
        facts.add_row("rejected rows", f"{rows} of {source}, see `eros rejected`")
    facts.add_row("database", Text(report.database))
    facts.add_row("inputs", Text(report.inputs))
    console.print(Panel(facts, title=f"eros run {report.schedule}", border_style=style, expand=False))
    for error in verdict.evidence.creator_errors:
        console.print(Text(f"left out  {error['page_name']}: {error['error_message']}"))
    told = {error["error_message"] for error in verdict.evidence.creator_errors}
    for short in verdict.evidence.messages_left_out:
        if short["reason"] not in told:
            console.print(Text(f"left out  {_left_out(short)}"))
    for reason in verdict.evidence.rejection_reasons[:MOST_REASONS]:
        console.print(Text(f"rejected  {_rejected(reason)}"))
    for note in verdict.evidence.notes:
        console.print(Text(f"note      {note}"))
    for warning in verdict.warnings:
        console.print(Text(f"warning   {warning.name}: {warning.message}"))
    for problem in verdict.problems:
        console.print(Text(f"problem   {problem.what}: {problem.why}", style="red"))
        console.print(Text(f"          next: {problem.next_step}"))


def _left_out(short: Row) -> str:
    """How many messages of how many pages, and why."""
    pages = f"{short['pages']} page{'' if short['pages'] == 1 else 's'}"
    return f"{_messages(short['messages'])} of {pages}: {short['reason']}"


def _messages(number: int) -> str:
    return f"{number} message{'' if number == 1 else 's'}"


def _rejected(reason: Row) -> str:
    """How many rows of which table, why, and one of them."""
    key = reason["example_row_key"]
    example = f", for example {key}" if key is not None else ""
    number = f"{reason['row_count']:,} row{'' if reason['row_count'] == 1 else 's'}"
    return f"{number} of {reason['source_name']}: {reason['rejection_reason']}{example}"


def show_rejected(rows: Sequence[Row], more: int) -> None:
    """Why rows of the inputs cannot be used, each reason with one of its rows; `more` are not shown."""
    table = Table(title="rows that cannot be used")
    table.add_column("rows", justify="right")
    table.add_column("table", overflow="fold")
    table.add_column("why, and one of them", overflow="fold")
    for row in rows:
        text = Text(row["rejection_reason"])
        key = row["example_row_key"]
        example = f"row {'without a key' if key is None else key}: {row['example_row'] or ''}"
        text.append(f"\n{one_sentence(example, LONGEST_ROW)}", style="dim")
        table.add_row(f"{row['row_count']:,}", row["source_name"], text)
    console = _console()
    console.print(table)
    if more > 0:
        console.print(f"{more} more reasons; --limit shows more, --json all of each row", style="dim")
    console.print("Every row with its reason is in rejected_rows.", style="dim")


def show_source(database: str, inputs: str) -> None:
    """Below a table: which database it is from, and what that was made from."""
    _console().print(Text(f"database {database}, inputs {inputs}", style="dim"), soft_wrap=True)


def show_runs(rows: Sequence[Row], zone: ZoneInfo) -> None:
    """Runs, one a line, the newest first."""
    table = Table(title=f"runs, times in {zone.key}")
    for name in ("id", "job", "began", "seconds", "status", "creators", "left out", "why"):
        right = name in ("seconds", "creators", "left out")
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in rows:
        seconds = row["job_duration_seconds"]
        table.add_row(
            row["job_id"][:8],
            row["job_name"],
            f"{row['job_start_time'].astimezone(zone):%a %Y-%m-%d %H:%M}",
            "" if seconds is None else f"{seconds:.1f}",
            Text(row["job_status"], style=STYLES.get(row["job_status"], "red")),
            "" if row["creators_processed"] is None else str(row["creators_processed"]),
            str(row["creators_failed"] or ""),
            Text(one_sentence(row["error_message"] or "", 80)),
        )
    console = _console()
    console.print(table)
    console.print("What became of one: eros runs show ID", style="dim")


def show_run(story: Row, zone: ZoneInfo) -> None:
    """One run: its row, what failed, and how to repeat that."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim")
    facts.add_column(overflow="fold")
    for name, value in story.items():
        if name not in ("failed", "repeat"):
            facts.add_row(name.replace("_", " "), Text(_text(value, zone)))
    console = _console()
    style = STYLES.get(story["job_status"], "red")
    console.print(Panel(facts, title=f"run {story['job_id'][:8]}", border_style=style, expand=False))
    for failure in story["failed"]:
        console.print(Text(f"{failure['status']}  {failure['node']}: {failure['message']}", style="red"))
    if story["repeat"]:
        console.print(Text(f"repeat just that: {story['repeat']}"), soft_wrap=True)


def show_health(rows: Sequence[Row]) -> None:
    """The scorecard, and below it what to do about each check that does not pass."""
    console = _console()
    table = Table(title="health")
    for name in ("check", "status", "figure", "warn above", "fail from", "owner", "what"):
        right = name in ("figure", "warn above", "fail from")
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(
            row["check_name"],
            Text(row["check_status"], style=CHECK_STYLES[row["check_status"]]),
            _figure(row["figure"], row["unit"]),
            _figure(row["warn_at"], row["unit"]),
            _figure(row["fail_at"], row["unit"]),
            row["owner"],
            Text(row["message"]),
        )
    console.print(table)
    for row in rows:
        if row["check_status"] != "PASS":
            console.print(
                Text(f"{row['check_status']}  {row['check_name']}: {row['next_step']}"), soft_wrap=True
            )
    counts = Counter(row["check_status"] for row in rows)
    console.print(", ".join(f"{counts[status]} {status}" for status in CHECK_STYLES), style="dim")


def _figure(value: float | None, unit: str) -> str:
    """A figure with its unit, as people say it; shares in percent."""
    if value is None:
        return "–"
    if unit == "share":
        return f"{value:.1%}"
    return f"{value:.1f} h" if unit == "hours" else f"{value:,.0f}"


def show_alerts(rows: Sequence[Row], zone: ZoneInfo) -> None:
    """Alerts, the newest first, each with its owner and next step."""
    table = Table(title=f"alerts, times in {zone.key}")
    for name in ("id", "raised", "level", "source", "what and what next", "owner", "taken by"):
        table.add_column(name, overflow="fold")
    for row in rows:
        text = Text(row["alert_message"] or "")
        if row["next_step"] and not row["acknowledged"]:
            text.append(f"\n{row['next_step']}", style="dim")
        table.add_row(
            row["alert_id"][:8],
            f"{row['alert_time'].astimezone(zone):%a %Y-%m-%d %H:%M}",
            Text(row["alert_level"], style="red" if row["alert_level"] == "CRITICAL" else "yellow"),
            row["alert_source"],
            text,
            row["owner"] or "platform",
            Text(row["acknowledged_by"] or ""),
        )
    console = _console()
    console.print(table)
    console.print("To take one: eros alerts ack ID", style="dim")


def show_dry_run(plan: Row) -> None:
    """What a run would hand to dbt."""
    console = _console()
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim")
    facts.add_column(overflow="fold")
    facts.add_row("as of", plan["as_of"])
    facts.add_row("execution date", plan["execution_date"])
    facts.add_row("inputs", Text(plan["inputs"]))
    facts.add_row("arguments", " ".join(plan["arguments"]))
    for name, value in plan["environment"].items():
        facts.add_row("environment", f"{name}={value}")
    for kind, names in plan["nodes"].items():
        facts.add_row(f"{len(names)} {kind}{'' if len(names) == 1 else 's'}", ", ".join(names))
    title = f"eros run {plan['schedule']} --dry-run: nothing was run"
    console.print(Panel(facts, title=title, expand=False))
    if "cost" in plan:
        _show_cost(console, plan["cost"])


def _show_cost(console: Console, cost: Row) -> None:
    """What BigQuery would bill, the dearest query first."""
    table = Table(title="what BigQuery would bill", show_footer=True)
    table.add_column("query", footer="all")
    table.add_column("MiB", justify="right", footer=f"{cost['bytes'] / 2**20:,.1f}")
    table.add_column("USD", justify="right", footer=f"{cost['usd']:.6f}")
    for statement in sorted(cost["statements"], key=lambda found: -(found["bytes"] or 0)):
        if statement["error"]:
            table.add_row(statement["name"], "–", Text(statement["error"], style="yellow"))
        else:
            usd = statement["bytes"] / 2**40 * cost["usd_per_tib"]
            table.add_row(statement["name"], f"{statement['bytes'] / 2**20:,.1f}", f"{usd:.6f}")
    console.print(table)
    console.print(f"at {cost['usd_per_tib']:g} USD per TiB; what a merge reads of its own table comes on top")


def show_day(rows: Sequence[Row], day: date, zone: ZoneInfo, left_out: Sequence[Row]) -> None:
    """The plan of a date, one line per page with its sending times, and what was `left_out`."""
    table = Table(title=f"{day:%A} {day.isoformat()}, times in {zone.key}")
    for name in ("page", "PPV", "bump", "sending times (b = bump)"):
        table.add_column(name, justify="right" if name in ("PPV", "bump") else "left")
    for page in dict.fromkeys(row["page_name"] for row in rows):
        messages = [row for row in rows if row["page_name"] == page]
        bumps = [row for row in messages if row["price_tier"] == "bump"]
        times = " ".join(
            f"{_clock(row, zone)}{'b' if row['price_tier'] == 'bump' else ''}" for row in messages
        )
        table.add_row(page, str(len(messages) - len(bumps)), str(len(bumps)), times)
    console = _console()
    console.print(table)
    for short in left_out:
        console.print(Text(f"left out  {short['page_name']}: {_shortfall(short)}"))
    console.print("One page with its captions: eros schedule PAGE", style="dim")


def _shortfall(short: Row) -> str:
    """How many of a page's messages were left out, and why."""
    return f"{short['left_out_count']} of {_messages(short['planned_count'])}: {short['reason']}"


def show_page_day(rows: Sequence[Row], page: str, day: date, zone: ZoneInfo, left_out: Sequence[Row]) -> None:
    """The messages of a page on a date, and what was `left_out`."""
    table = Table(title=f"{page}, {day:%A} {day.isoformat()}, times in {zone.key}")
    for name in ("slot", "time", "type", "tier", "category", "urgent", "caption", "text"):
        table.add_column(name, justify="right" if name in ("slot", "caption") else "left")
    for row in rows:
        table.add_row(
            str(row["time_slot_rank"]),
            _clock(row, zone),
            row["message_type"],
            row["price_tier"],
            row["content_category"],
            "yes" if row["has_urgency"] else "",
            str(row["caption_id"]),
            Text(row["caption_text"] or ""),
        )
    console = _console()
    console.print(table)
    for short in left_out:
        console.print(Text(f"left out  {_shortfall(short)}"))
    console.print(f"Why a caption was chosen: eros explain {page} {day} SLOT", style="dim")


def show_explanation(row: Row, zone: ZoneInfo) -> None:
    """Every column of a recommendation with what it means."""
    title = f"{row['page_name']}, {row['schedule_date']}, slot {row['time_slot_rank']}"
    table = Table(title=f"Why this caption: {title}")
    table.add_column("column")
    table.add_column("value", overflow="fold", max_width=60)
    table.add_column("meaning", overflow="fold")
    for name, value in row.items():
        table.add_row(name, Text(_text(value, zone)), meaning(name))
    _console().print(table)


def show_selection(rows: Sequence[Row], page: str, segment: str) -> None:
    """Captions selected ad hoc, best first."""
    table = Table(title=f"{page}, segment {segment}: selected now, not published")
    for name in ("rank", "tier", "category", "urgent", "caption", "score", "text"):
        table.add_column(name, justify="right" if name in ("rank", "caption", "score") else "left")
    for row in sorted(rows, key=lambda row: row["selection_rank"]):
        table.add_row(
            str(row["selection_rank"]),
            row["price_tier"],
            row["content_category"],
            "yes" if row["has_urgency"] else "",
            str(row["caption_id"]),
            f"{row['score']:.4f}",
            Text(row["caption_text"] or ""),
        )
    _console().print(table)


def show_verification(results: Sequence["Result"]) -> None:
    """The checks of `eros verify` by category, and how many passed."""
    table = Table(title="What the database should be")
    for name in ("category", "check", "verdict", "found"):
        table.add_column(name, overflow="fold")
    for category in dict.fromkeys(result.category for result in results):
        table.add_section()
        for number, result in enumerate(found for found in results if found.category == category):
            table.add_row(
                "" if number else category,
                result.name,
                Text(result.verdict, style="green" if result.verdict == "PASS" else "bold red"),
                Text(result.found),
            )
    failed = sum(result.verdict == "FAIL" for result in results)
    console = _console()
    console.print(table)
    console.print(f"{len(results)} checks: {len(results) - failed} PASS, {failed} FAIL")


def show_backups(backups: Sequence["Backup"], zone: ZoneInfo) -> None:
    """Backups, one a line, the newest first."""
    table = Table(title=f"backups, times in {zone.key}")
    for name in ("id", "made", "name", "by", "tables", "rows", "MiB", "expires"):
        table.add_column(name, justify="right" if name in ("tables", "rows", "MiB") else "left")
    for backup in backups:
        expires = backup.expires_at
        table.add_row(
            backup.id,
            f"{backup.made_at.astimezone(zone):%a %Y-%m-%d %H:%M}",
            backup.name or "",
            backup.made_by,
            str(len(backup.rows)),
            f"{sum(backup.rows.values()):,}",
            "" if backup.bytes is None else f"{backup.bytes / 2**20:,.1f}",
            f"{expires.astimezone(zone):%Y-%m-%d}" if expires else "",
        )
    console = _console()
    console.print(table)
    console.print("Bring one back: eros restore ID", style="dim")


def show_rollback(plan: Row) -> None:
    """What a rollback drops, and what fails until that is made again."""
    console = _console()
    if not plan["drops"]:
        console.print("Nothing of that is in the database: there is nothing to drop.")
        return
    table = Table(title="to be dropped")
    for name in ("object", "kind", "rows", "its rows"):
        table.add_column(name, justify="right" if name == "rows" else "left")
    for drop in plan["drops"]:
        rows = drop["rows"]
        again = "no run makes them again" if drop["only_copy"] else "the next runs make them again"
        table.add_row(
            drop["name"],
            drop["kind"],
            "" if rows is None else f"{rows:,}",
            Text(again if rows else "", style="yellow" if drop["only_copy"] else ""),
        )
    console.print(table)
    for broken in plan["broken"]:
        reads = ", ".join(broken["reads"])
        line = f"fails until then: {broken['kind']} {broken['name']} (reads {reads})"
        console.print(Text(line), soft_wrap=True)


def _clock(row: Row, zone: ZoneInfo) -> str:
    return f"{row['scheduled_send_time'].astimezone(zone):%H:%M}"


def _text(value: Any, zone: ZoneInfo) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%Y-%m-%d %H:%M %Z}"
    return str(value)
