"""Alerts: raised when due, delivered once by real servers on loopback, never failing a run."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import duckdb
import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from eros_dbt_runner.alerts.channels import Webhook, deliver, slack_message
from eros_dbt_runner.alerts.unwritten import REPEAT_HOURS
from eros_dbt_runner.errors import ErosError
from eros_dbt_runner.exit_codes import ExitCode
from tests.python.harness import Project

PATH = "/services/T000/B000/secretsecret"
PASSWORD = "pass-word-that-nobody-reads"


class Hook(ThreadingHTTPServer):
    """A webhook that keeps what it gets and answers `status`; a `status` of 0 never answers."""

    def __init__(self) -> None:
        self.status, self.got, self.done = 200, [], threading.Event()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if hook.status == 0:
                    hook.done.wait(60)
                    return
                if self.path == PATH and hook.status < 300:
                    hook.got.append(json.loads(body))
                self.send_response(hook.status)
                if 300 <= hook.status < 400:
                    self.send_header("Location", f"http://127.0.0.1:{hook.server_port}{PATH}")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def env(self) -> dict[str, str]:
        return {"EROS_ALERT_WEBHOOK_URL": f"http://127.0.0.1:{self.server_port}{PATH}"}


@pytest.fixture
def hook() -> Iterator[Hook]:
    server = Hook()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.done.set()
    server.shutdown()
    thread.join()
    server.server_close()


class Inbox:
    """A mail server's handler that keeps the mails; recipients at `refused` are refused."""

    def __init__(self) -> None:
        self.mails: list = []

    async def handle_RCPT(self, _server, _session, envelope, address, _options) -> str:
        if address.endswith("@refused.example.com"):
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, session, envelope) -> str:
        self.mails.append((session.ssl is not None, envelope.rcpt_tos, envelope.content.decode()))
        return "250 OK"


@contextmanager
def mail_server(tmp_path, security: str) -> Iterator[tuple[Inbox, dict[str, str]]]:
    """A mail server that wants STARTTLS or TLS, and a password; and the settings to use it."""
    authority, inbox = trustme.CA(), Inbox()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))

    def authenticate(_server, _session, _envelope, _mechanism, data) -> AuthResult:
        is_right = (data.login, data.password) == (b"eros", PASSWORD.encode())
        return AuthResult(success=is_right, handled=is_right)

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    by_security = {
        "starttls": {"tls_context": context, "require_starttls": True},
        "tls": {"ssl_context": context, "auth_require_tls": False},
    }[security]
    controller = Controller(
        inbox, hostname="127.0.0.1", port=port, authenticator=authenticate, auth_required=True, **by_security
    )
    controller.start()
    try:
        yield (
            inbox,
            {
                "EROS_SMTP_HOST": "127.0.0.1", "EROS_SMTP_PORT": str(port), "EROS_SMTP_SECURITY": security,
                "EROS_SMTP_USER": "eros", "EROS_SMTP_PASSWORD": PASSWORD,
                "EROS_ALERT_EMAIL_TO": "On Call <oncall@example.com>, data@example.com",
                "EROS_ALERT_EMAIL_FROM": "eros@example.com",
                "SSL_CERT_FILE": str(tmp_path / "authority.pem"),
            },
        )  # fmt: skip
    finally:
        controller.stop()


def alerts(project: Project) -> list[tuple]:
    rows = project.query("select * from automation_alerts order by alert_time, alert_source")
    return [(row["alert_level"], row["alert_source"], row["acknowledged"]) for row in rows]


def check(project: Project, **options) -> dict:
    return project.eros("alerts", "check", "--json", **options).json


# ---- the scorecard ----


def test_the_exit_code_of_health_is_that_of_the_worst_check(built):
    """The sample's newest message is of 2025, so the input is late; nothing else is wrong."""
    result = built.eros("health", "--json", code=ExitCode.CHECK_FAILED)
    checks = {row["check_name"]: row for row in result.json}
    assert {name for name, row in checks.items() if row["check_status"] != "PASS"} == {
        "input_rows",
        "unacknowledged_alerts",  # the one about it
    }
    assert result.json[0]["check_name"] == "input_rows"
    shown = built.eros("health", code=ExitCode.CHECK_FAILED).stdout
    assert "FAIL  input_rows: ask whoever loads mass_messages" in shown

    newest = "(select max(sending_time) from mass_messages_checked)"
    moved = (
        "update mass_messages_checked set sending_time = {}, sending_date = {} where sending_time = " + newest
    )
    built.execute(moved.format("timezone('UTC', now()) - interval 30 hour", "current_date - 1"))
    [late_input, *_] = built.eros("health", "--json", code=ExitCode.CHECK_WARNED).json
    assert late_input["figure"] == pytest.approx(30, abs=0.2)
    built.execute(moved.format("timezone('UTC', now()) - interval 1 hour", "current_date"))
    built.eros("alerts", "check")
    assert f"{len(checks)} PASS, 0 WARN, 0 FAIL" in built.eros("health").stdout


def test_health_before_any_run_says_what_to_do(project):
    assert project.eros("health", code=ExitCode.CANNOT_START).stderr.count("\n") == 1
    project.make_sample()
    project.run("sweep", code=None)
    told = project.eros("health", code=ExitCode.CANNOT_START).stderr
    assert "run `eros run performance` first" in told


# ---- raised once, closed when it recovers ----


def test_what_is_due_is_raised_once_and_closed_when_it_recovers(built):
    assert alerts(built) == [("CRITICAL", "input_rows", False)]  # by the runs that built it
    assert check(built) == {"raised": [], "recovered": [], "attempts": [], "wrong_settings": []}
    built.execute("update etl_job_runs set job_start_time = job_start_time - interval 9 hour")
    assert check(built)["raised"] == ["performance_run", "sweep_run"]
    assert check(built)["raised"] == []
    built.execute("update etl_job_runs set job_start_time = job_start_time - interval 14 hour")
    assert check(built)["raised"] == []
    built.execute("update etl_job_runs set job_start_time = job_start_time - interval 2 hour")
    assert check(built)["raised"] == ["sweep_run"]  # a WARNING before, CRITICAL from 24 hours
    built.execute("update etl_job_runs set job_start_time = job_start_time + interval 25 hour")
    assert check(built)["recovered"] == ["performance_run", "sweep_run"]
    rows = built.query("select distinct acknowledged_by as who from automation_alerts where acknowledged")
    assert rows == [{"who": "recovered"}]
    assert alerts(built)[0] == ("CRITICAL", "input_rows", False)


def test_an_alert_is_taken_by_the_first_characters_of_its_id(built):
    [alert] = built.eros("alerts", "--json").json
    assert (alert["owner"], alert["acknowledged"]) == ("data", False)
    assert alert["alert_id"][:8] in built.eros("alerts").stdout
    told = built.eros("alerts", "ack", "nosuch", code=ExitCode.USAGE).stderr
    assert told == "eros: No alert has an id that begins with 'nosuch'; see `eros alerts`.\n"
    built.eros("alerts", "ack", alert["alert_id"][:8], "--by", "recovered", code=ExitCode.USAGE)
    built.eros("alerts", "ack", alert["alert_id"][:8].upper(), "--by", "Amy")
    again = built.eros("alerts", "ack", alert["alert_id"][:8], code=ExitCode.USAGE).stderr
    assert again == f"eros: Alert {alert['alert_id'][:8]} was taken already, by Amy.\n"
    assert built.eros("alerts", "--json").json == []
    assert built.eros("alerts").stdout == "No open alert; --all shows those that are over.\n"
    [taken] = built.eros("alerts", "--all", "--json").json
    assert (taken["acknowledged_by"], taken["acknowledged_at"] is not None) == ("Amy", True)
    assert check(built)["raised"] == []  # silent for a day
    built.execute("update automation_alerts set alert_time = alert_time - interval 25 hour")
    assert check(built)["raised"] == []  # it was taken just now
    built.execute("update automation_alerts set acknowledged_at = acknowledged_at - interval 25 hour")
    assert check(built)["raised"] == ["input_rows"]


def test_locks_beyond_the_limit_are_one_alert_until_it_is_over(built):
    built.execute(
        "insert into active_caption_assignments (page_name, is_active, scheduled_send_date, assignment_key)"
        " select 'luna', true, date '2025-07-01', cast(i as string) from range(5001) as numbers (i)"
    )
    for _ in range(2):
        built.run("sweep")
    assert [source for _, source, _ in alerts(built)].count("active_locks") == 1
    [alert] = built.query("select alert_id from automation_alerts where alert_source = 'active_locks'")
    built.eros("alerts", "ack", alert["alert_id"])
    built.run("sweep")
    assert [source for _, source, _ in alerts(built)].count("active_locks") == 1  # silent for a day
    built.execute("update automation_alerts set acknowledged_at = acknowledged_at - interval 25 hour")
    built.run("sweep")
    assert [source for _, source, _ in alerts(built)].count("active_locks") == 2
    built.execute("delete from active_caption_assignments where scheduled_send_date = date '2025-07-01'")
    assert check(built)["recovered"] == ["active_locks"]


# ---- every run ends as one row, and a failed one as an alert ----


def test_a_run_that_dbt_cannot_parse_has_its_row_and_its_alert(built):
    built.edit("models/operations/alert_queue.sql", "{%- set moment", "{%- sett moment")
    report = built.run("sweep", code=ExitCode.CANNOT_START).json
    [row] = built.query("select * from etl_job_runs where job_id = ?", [report["invocation_id"]])
    assert (row["job_name"], row["job_status"]) == ("sweep", "FAILED")
    assert "sett" in row["error_message"]
    assert row["execution_date"].isoformat() == "2025-06-15"
    assert ("CRITICAL", "job_run", False) in alerts(built)
    story = built.eros("runs", "show", report["invocation_id"], "--json").json
    assert story["repeat"] == "eros run sweep --as-of 2025-06-15T12:00:00Z"


@pytest.mark.slow
def test_a_killed_run_has_its_row_and_one_alert_after_the_next_run(built):
    child = built.start("run", "daily", "--as-of", "2025-06-16T12:00:00Z")
    child.wait_for("mass_messages_checked")
    child.kill(signal.SIGKILL)
    child.wait()
    assert built.query("select count(*) as n from etl_job_runs where job_status = 'RUNNING'") == [{"n": 1}]
    built.run("sweep", as_of=None)
    [row] = built.query("select * from etl_job_runs where job_status = 'FAILED'")
    assert (row["job_name"], row["error_message"]) == ("daily", "the run was killed")
    assert alerts(built).count(("CRITICAL", "job_run", False)) == 1
    built.run("daily", as_of="2025-06-16T12:00:00Z")
    assert ("CRITICAL", "job_run", False) in alerts(built)  # a replay mends nothing of today
    built.make_sample(end=datetime.now(timezone.utc))
    built.run("performance", as_of=None)
    built.run("daily", as_of=None)
    assert ("CRITICAL", "job_run", True) in alerts(built)  # recovered


@pytest.mark.slow
def test_plain_dbt_tells_of_the_run_that_died_before_it(built):
    built.execute(
        "insert into etl_job_runs (job_id, job_name, job_start_time, job_status)"
        " values ('dead', 'daily', timezone('UTC', now()), 'RUNNING')"
    )
    for _ in range(2):
        built.dbt("build", "--selector", "sweep", env={"EROS_AS_OF": "2025-06-15T13:00:00Z"})
    found = built.query("select * from automation_alerts where job_id = 'dead'")
    assert [row["alert_message"] for row in found] == ["daily failed: the run died without closing its row"]


# ---- webhook ----


def test_a_webhook_gets_each_alert_once_with_owner_and_next_step(built, hook):
    built.run("sweep", env=hook.env)
    [message] = hook.got
    assert message["text"] == ("CRITICAL input_rows: mass_messages has had no new row for 24 hours or more")
    fields = dict(field["text"].split("\n", 1) for field in message["blocks"][1]["fields"])
    assert (fields["*Owner*"], fields["*Model*"]) == ("data", "mass_messages")
    assert fields["*Next step*"].startswith("ask whoever loads mass_messages")
    for _ in range(2):
        assert check(built, env=hook.env)["attempts"] == []
    assert len(hook.got) == 1
    [row] = built.query("select * from alert_deliveries")
    assert (row["channel"], row["is_delivered"], row["error_message"]) == ("webhook", True, None)


def test_a_failed_run_tells_which_model_and_why(built, hook):
    built.eros("alerts", "ack", built.eros("alerts", "--json").json[0]["alert_id"])
    built.edit("models/operations/caption_lock_summary.sql", "from assignments", "from nowhere")
    job_id = built.run("sweep", code=ExitCode.RUN_FAILED, env=hook.env).json["invocation_id"]
    [message] = hook.got
    fields = dict(field["text"].split("\n", 1) for field in message["blocks"][1]["fields"])
    assert (fields["*Model*"], fields["*Run*"]) == ("caption_lock_summary", f"eros runs show {job_id[:8]}")
    assert "nowhere" in message["text"]
    built.run("sweep", code=ExitCode.RUN_FAILED, env=hook.env)
    assert len(hook.got) == 1  # tried again, it fails with the same words


@pytest.mark.parametrize("status", [500, 302, 0, None], ids=["refuses", "redirects", "hangs", "is not there"])
def test_a_failing_webhook_fails_no_run_and_is_asked_again(built, hook, status):
    env = {"EROS_ALERT_WEBHOOK_URL": f"http://127.0.0.1:9{PATH}"} if status is None else hook.env
    hook.status = status if status is not None else 200
    result = built.run("sweep", env=env)
    assert "not delivered" in result.stderr
    assert hook.got == []
    [row] = built.query("select * from alert_deliveries")
    assert (row["is_delivered"], "webhook" in row["error_message"]) == (False, True)
    assert secrets_in(built, result) == []
    hook.status = 200
    check(built, env=hook.env)
    assert len(hook.got) == 1


def secrets_in(project: Project, *results) -> list[str]:
    """Where a secret stands: any file of the project, and what commands printed."""
    texts = {str(result.command): result.stdout + result.stderr for result in results}
    for file in project.directory.rglob("*"):
        if file.is_file():
            texts[str(file)] = file.read_bytes().decode("latin-1")
    texts["log"] = project.log
    return [name for name, text in texts.items() if "secretsecret" in text or PASSWORD in text]


def test_texts_are_shown_as_they_are(built):
    alert = {
        "alert_id": "a" * 64, "alert_time": datetime.now(timezone.utc),
        "alert_level": "CRITICAL", "alert_source": "job_run", "job_id": None, "owner": "platform",
        "detail_table": "t", "next_step": "n",
        "alert_message": "daily failed: m: <!channel> & <http://x|y>\n" + "x" * 5000,
    }  # fmt: skip
    message = slack_message(alert)
    assert "&lt;!channel&gt; &amp; &lt;http://x|y&gt; x" in message["text"]
    angles = slack_message({**alert, "alert_message": "<" * 2000})
    assert max(len(field["text"]) for field in angles["blocks"][1]["fields"]) <= 2000
    assert max(len(block.get("text", {}).get("text", "")) for block in angles["blocks"]) <= 3000
    assert max(len(block.get("text", {}).get("text", "")) for block in message["blocks"]) <= 3000
    queue = [{**alert, "channel": "webhook"}, {**alert, "channel": "webhook"}, {**alert, "channel": "email"}]
    assert len(deliver(Webhook("http://127.0.0.1:9/"), queue)) == 1  # the rest waits for the next check


# ---- mail ----


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_is_delivered_once_encrypted_to_all(built, tmp_path, security):
    with mail_server(tmp_path, security) as (inbox, env):
        result = built.run("sweep", env=env)
        check(built, env=env)
    [(_, recipients, text)] = inbox.mails
    assert recipients == ["oncall@example.com", "data@example.com"]
    assert "Subject: [EROS] CRITICAL input_rows: mass_messages has had no new row" in text
    assert "Owner: data" in text
    assert secrets_in(built, result) == []


def test_a_mail_server_that_refuses_is_told_without_the_password(built, tmp_path):
    with mail_server(tmp_path, "starttls") as (inbox, env):
        wrong = built.run("sweep", env={**env, "EROS_SMTP_PASSWORD": PASSWORD + "x"})
        [row] = built.query("select error_message from alert_deliveries")
        assert row["error_message"] == "OSError: the mail server refused EROS_SMTP_USER (code 535)"
        untrusted = built.eros("alerts", "check", env={**env, "SSL_CERT_FILE": ""})
        assert "CERTIFICATE_VERIFY_FAILED" in untrusted.stdout
        nobody = built.eros("alerts", "check", env={**env, "EROS_ALERT_EMAIL_TO": "a@refused.example.com"})
        assert "not delivered" in nobody.stdout
    assert inbox.mails == []
    assert secrets_in(built, wrong, untrusted, nobody) == []


def test_a_mail_that_some_recipients_get_is_sent_once(built, tmp_path):
    with mail_server(tmp_path, "starttls") as (inbox, env):
        some = {**env, "EROS_ALERT_EMAIL_TO": "a@example.com,b@refused.example.com"}
        partly = built.eros("alerts", "check", env=some)
        assert "delivered: 1 of 2 recipients were refused" in partly.stdout
        check(built, env=some)
    assert [recipients for _, recipients, _ in inbox.mails] == [["a@example.com"]]
    [row] = built.query("select is_delivered, error_message from alert_deliveries")
    assert row == {"is_delivered": True, "error_message": "1 of 2 recipients were refused"}


# ---- settings, and a database out of reach ----


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"EROS_ALERT_WEBHOOK_URL": "ftp://x/secretsecret"}, "EROS_ALERT_WEBHOOK_URL must be an http"),
        ({"EROS_ALERT_WEBHOOK_URL": "https://[x/secretsecret"}, "EROS_ALERT_WEBHOOK_URL must be an http"),
        (
            {"EROS_ALERT_WEBHOOK_URL": "https://secretsecret@h\u2100ks.example/"},
            "EROS_ALERT_WEBHOOK_URL must be an http",
        ),
        (
            {"EROS_ALERT_EMAIL_TO": "a@b.c", "EROS_SMTP_HOST": "x", "EROS_SMTP_PORT": "9" * 5000},
            "must be a port",
        ),
        ({"EROS_ALERT_EMAIL_TO": "a@example.com"}, "needs a mail server in EROS_SMTP_HOST"),
        ({"EROS_ALERT_EMAIL_TO": " , ", "EROS_SMTP_HOST": "x"}, "EROS_ALERT_EMAIL_TO must hold mail"),
        (
            {"EROS_ALERT_EMAIL_TO": "nobody", "EROS_ALERT_EMAIL_FROM": "a@b.c", "EROS_SMTP_HOST": "x"},
            "EROS_ALERT_EMAIL_TO must hold mail",
        ),
        ({"EROS_ALERT_EMAIL_TO": "a@b.c", "EROS_SMTP_HOST": "x", "EROS_SMTP_PORT": "0"}, "must be a port"),
        (
            {"EROS_ALERT_EMAIL_TO": "a@b.c", "EROS_SMTP_HOST": "x", "EROS_SMTP_SECURITY": "ssl"},
            "starttls, tls",
        ),
        ({"EROS_ALERT_EMAIL_TO": "a@b.c", "EROS_SMTP_HOST": "x", "EROS_SMTP_USER": "x"}, "belong together"),
    ],
)
def test_wrong_settings_are_one_sentence_and_fail_no_run(built, env, said):
    result = built.eros("alerts", "check", env=env, code=ExitCode.USAGE)
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert "secretsecret" not in result.stderr + result.stdout


def test_one_channel_with_wrong_settings_silences_no_other(built, hook):
    result = built.run("sweep", env={**hook.env, "EROS_ALERT_EMAIL_TO": "a@example.com"})
    assert "alerts: EROS_ALERT_EMAIL_TO needs a mail server in EROS_SMTP_HOST.\n" in result.stderr
    assert len(hook.got) == 1
    rows = built.query("select channel, is_delivered, error_message from alert_deliveries order by all")
    assert [(row["channel"], row["is_delivered"]) for row in rows] == [("email", False), ("webhook", True)]
    assert "EROS_SMTP_HOST" in rows[0]["error_message"]


def test_an_alert_that_is_refused_holds_up_no_other(built, hook):
    for number in (1, 2):
        built.execute(
            "insert into automation_alerts (alert_id, alert_time, alert_level, alert_source, alert_message)"
            " values (?, timezone('UTC', now()) - interval 1 hour, 'CRITICAL', 'other', ?)",
            [f"alert{number}", f"alert {number}"],
        )
    hook.status = 400
    assert len(check(built, env=hook.env)["attempts"]) == 3
    hook.status = 500
    assert len(check(built, env=hook.env)["attempts"]) == 1


def test_a_database_out_of_reach_is_told_once_a_day(built, hook):
    built.run("sweep", env=hook.env)
    hook.got.clear()
    with duckdb.connect(str(built.database)):
        for _ in range(2):
            built.run("sweep", "--wait", "0", code=ExitCode.BUSY, env=hook.env)
        built.eros("alerts", "check", "--wait", "0", code=ExitCode.BUSY, env=hook.env)
    assert [message["text"].split(":")[0] for message in hook.got] == [
        "CRITICAL sweep cannot begin",
        "CRITICAL alerts check cannot begin",
    ]
    assert "The database is in use" in hook.got[0]["text"]
    [shown] = [
        field["text"].split("\n")[1]
        for field in hook.got[0]["blocks"][1]["fields"]
        if field["text"].startswith("*Alert*")
    ]
    assert "is taken by ann: sweep cannot begin" in built.eros("alerts", "ack", shown, "--by", "ann").stdout
    remembered = built.directory / "runs" / "alerts_without_database.json"
    past = json.loads(remembered.read_text())
    past["sweep cannot begin"] = past["sweep cannot begin"].replace("2026", "2020")
    remembered.write_text(json.dumps(past))
    assert REPEAT_HOURS == 24
    with duckdb.connect(str(built.database)):
        built.run("sweep", "--wait", "0", code=ExitCode.BUSY, env=hook.env)
    assert len(hook.got) == 3


def test_what_the_channel_raises_is_only_told():
    class Broken:
        name = "webhook"

        def send(self, _alert) -> None:
            raise ErosError("no\nway", ExitCode.INTERNAL)

    [attempt] = deliver(Broken(), [{"alert_id": "a", "channel": "webhook"}])
    assert attempt.error == "ErosError: no way"
