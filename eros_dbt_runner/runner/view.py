"""What people see of a run: progress on stderr while it works, then the verdict."""

from contextlib import suppress
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from eros_dbt_runner import clock
from eros_dbt_runner.display import STYLES, Progress, Row, facts_grid, messages, stdout
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.runner.dbt_invocation import NodeEvent
from eros_dbt_runner.runner.runs import Report

MOST_REASONS = 5
BAD = ("error", "fail", "runtime error")


class Reporter:
    """Shows a run's progress on stderr: a bar on a terminal, a line per model elsewhere."""

    def __init__(self, schedule: str) -> None:
        """Nothing is shown before the first event."""
        self._console = Progress(stderr=True, highlight=False)
        self._bar = None
        if self._console.is_terminal:
            self._bar = Bar(
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


def show_report(report: Report, zone: ZoneInfo) -> None:
    """The verdict of a run."""
    verdict, console = report.verdict, stdout()
    job = verdict.evidence.job_run or {}
    style = STYLES.get(verdict.status, "red")
    facts = facts_grid()
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
    return f"{messages(short['messages'])} of {pages}: {short['reason']}"


def _rejected(reason: Row) -> str:
    """How many rows of which table, why, and one of them."""
    key = reason["example_row_key"]
    example = f", for example {key}" if key is not None else ""
    number = f"{reason['row_count']:,} row{'' if reason['row_count'] == 1 else 's'}"
    return f"{number} of {reason['source_name']}: {reason['rejection_reason']}{example}"


def show_dry_run(plan: Row) -> None:
    """What a run would hand to dbt."""
    console = stdout()
    facts = facts_grid()
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
