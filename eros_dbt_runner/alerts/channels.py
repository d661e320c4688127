"""How an alert reaches people: a webhook, a mail. A channel that fails is a row, and never fails a run."""

import os
import smtplib
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any, Protocol
from urllib.parse import urlsplit

from eros_dbt_runner import clock
from eros_dbt_runner.errors import ErosError, UsageError, one_sentence
from eros_dbt_runner.warehouse.base import Row

TIMEOUT_SECONDS = 10
# What HTTP says of the content of a request, and not of its address.
REFUSED = (400, 413, 422)


class Channel(Protocol):
    """A way to reach people."""

    @property
    def name(self) -> str:
        """As in the column `channel` of alert_queue."""

    def send(self, alert: Row) -> str | None:
        """Deliver one alert, a row of alert_queue; gives what went wrong although it was delivered.

        Raises whatever goes wrong, without secrets.
        """


class RefusedError(OSError):
    """The channel works and does not take this alert; it may take the next."""


@dataclass(frozen=True)
class Unusable:
    """A channel whose settings are wrong: it fails, and alert_deliveries says why."""

    name: str
    why: str

    def send(self, alert: Row) -> None:
        """Deliver nothing."""
        raise OSError(self.why)


@dataclass(frozen=True)
class Webhook:
    """An incoming webhook that takes Slack's JSON."""

    url: str = field(repr=False)
    name: str = "webhook"

    def send(self, alert: Row) -> None:
        """Post the alert; anything but a 2xx answer is a failure."""
        import requests

        try:
            answer = requests.post(
                self.url, json=slack_message(alert), timeout=TIMEOUT_SECONDS, allow_redirects=False
            )
        except requests.RequestException as error:  # its text holds the address, which is the key
            raise OSError(f"the webhook cannot be reached ({type(error).__name__})") from None
        if not 200 <= answer.status_code < 300:
            kind = RefusedError if answer.status_code in REFUSED else OSError
            raise kind(f"the webhook answered HTTP {answer.status_code}")


@dataclass(frozen=True)
class Email:
    """A mail server. `security` is starttls, tls or none; without a `user` nobody signs in."""

    host: str
    port: int
    security: str
    user: str | None
    password: str | None = field(repr=False)
    sender: str
    recipients: tuple[str, ...]
    name: str = "email"

    def send(self, alert: Row) -> str | None:
        """Hand one mail to the server, which may refuse some of its recipients."""
        context = ssl.create_default_context()
        if self.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_SECONDS)
        with server:
            if self.security == "starttls":
                server.starttls(context=context)
            if self.user:
                self._sign_in(server)
            try:
                refused = server.send_message(self.mail(alert))
            except smtplib.SMTPDataError as error:
                raise RefusedError(f"the mail server refused the mail (code {error.smtp_code})") from None
        # Sent again, it would reach the others again.
        return f"{len(refused)} of {len(self.recipients)} recipients were refused" if refused else None

    def _sign_in(self, server: smtplib.SMTP) -> None:
        try:
            server.login(self.user or "", self.password or "")
        except smtplib.SMTPResponseException as error:  # a server may repeat what it was told
            raise OSError(f"the mail server refused EROS_SMTP_USER (code {error.smtp_code})") from None

    def mail(self, alert: Row) -> EmailMessage:
        """The alert as a mail of plain text."""
        mail = EmailMessage()
        mail["Subject"] = one_sentence(f"[EROS] {headline(alert)}", 150)
        mail["From"], mail["To"] = self.sender, ", ".join(self.recipients)
        mail.set_content("\n".join([alert["alert_message"], "", *(f"{k}: {v}" for k, v in facts(alert))]))
        return mail


def headline(alert: Row) -> str:
    """Level, source and message on one line."""
    return f"{alert['alert_level']} {alert['alert_source']}: {alert['alert_message']}"


def facts(alert: Row) -> list[tuple[str, str]]:
    """Where it is, who mends it and how, as names and values."""
    model = alert["detail_table"]
    # The message of a failed run is `JOB failed: NODE: ERROR`, see macros/hooks/job_run.sql.
    parts = alert["alert_message"].split(": ", 2)
    if alert["alert_source"] == "job_run" and len(parts) == 3 and parts[0].endswith(" failed"):
        model = parts[1]
    found = [("Model", model), ("Owner", alert["owner"]), ("Next step", alert["next_step"])]
    if alert["job_id"]:
        found.append(("Run", f"eros runs show {alert['job_id'][:8]}"))
    return [*found, ("Raised", clock.iso(alert["alert_time"])), ("Alert", alert["alert_id"][:8])]


def slack_message(alert: Row) -> dict[str, Any]:
    """The JSON that Slack and those who follow it take; texts are cut where Slack would refuse them."""
    sign = ":rotating_light:" if alert["alert_level"] == "CRITICAL" else ":warning:"
    fields = [
        {"type": "mrkdwn", "text": f"*{name}*\n{_escaped(value, 1900)}"} for name, value in facts(alert)
    ]
    return {
        "text": _escaped(headline(alert), 2900),
        "blocks": [
            {
                "type": "section",
                "text": {"type": "mrkdwn", "text": f"{sign} {_escaped(headline(alert), 2900)}"},
            },
            {"type": "section", "fields": fields},
        ],
    }


def _escaped(text: str, limit: int) -> str:
    """Text that Slack shows as it is: no mention, no link."""
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, entity)
    return one_sentence(text, limit)


# ---- settings ----


def channels(env: Mapping[str, str] | None = None) -> list[Channel]:
    """The channels that the environment configures; none is fine, and one set wrongly is Unusable.

    What is wrong with it names the variable, never its value.
    """
    env = os.environ if env is None else env
    known: tuple[tuple[str, str, Callable[[Mapping[str, str]], Channel]], ...] = (
        ("webhook", "EROS_ALERT_WEBHOOK_URL", _webhook),
        ("email", "EROS_ALERT_EMAIL_TO", _email),
    )
    return [_channel(name, make, env) for name, variable, make in known if env.get(variable)]


def _channel(name: str, make: Callable[[Mapping[str, str]], Channel], env: Mapping[str, str]) -> Channel:
    try:
        return make(env)
    except ErosError as error:
        return Unusable(name, str(error))


def _webhook(env: Mapping[str, str]) -> Webhook:
    url = env["EROS_ALERT_WEBHOOK_URL"]
    if not _is_web_address(url):
        raise UsageError("EROS_ALERT_WEBHOOK_URL must be an http or https address.")
    return Webhook(url)


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # its text would hold the secret
        return False


def _email(env: Mapping[str, str]) -> Email:
    security = env.get("EROS_SMTP_SECURITY") or "starttls"
    if security not in ("starttls", "tls", "none"):
        raise UsageError("EROS_SMTP_SECURITY must be starttls, tls or none.")
    if not env.get("EROS_SMTP_HOST"):
        raise UsageError("EROS_ALERT_EMAIL_TO needs a mail server in EROS_SMTP_HOST.")
    port = env.get("EROS_SMTP_PORT") or {"starttls": "587", "tls": "465", "none": "25"}[security]
    if not port.isdecimal() or len(port) > 5 or not 0 < int(port) < 65536:
        raise UsageError("EROS_SMTP_PORT must be a port from 1 to 65535.")
    user, password = env.get("EROS_SMTP_USER") or None, env.get("EROS_SMTP_PASSWORD") or None
    if bool(user) != bool(password):
        raise UsageError("EROS_SMTP_USER and EROS_SMTP_PASSWORD belong together.")
    people = tuple(person.strip() for person in env["EROS_ALERT_EMAIL_TO"].split(",") if person.strip())
    if not people:
        raise UsageError("EROS_ALERT_EMAIL_TO must hold mail addresses.")
    sender = env.get("EROS_ALERT_EMAIL_FROM") or people[0]
    for variable, address in (("FROM", sender), *(("TO", person) for person in people)):
        if "@" not in parseaddr(address)[1] or one_sentence(address) != address:
            raise UsageError(f"EROS_ALERT_EMAIL_{variable} must hold mail addresses.")
    return Email(env["EROS_SMTP_HOST"], int(port), security, user, password, sender, people)


# ---- delivery ----


@dataclass(frozen=True)
class Attempt:
    """One alert on one channel; `error` is what went wrong, also where it was delivered."""

    alert_id: str
    channel: str
    attempted_at: datetime
    is_delivered: bool
    error: str | None


def deliver(channel: Channel, queue: Sequence[Row]) -> list[Attempt]:
    """Send the alerts of `queue` that wait for `channel`; the rest waits when it cannot be reached."""
    attempts = []
    for alert in (alert for alert in queue if alert["channel"] == channel.name):
        is_delivered, may_take_more, error = _send(channel, alert)
        attempts.append(Attempt(alert["alert_id"], channel.name, clock.now(), is_delivered, error))
        if not may_take_more:
            break
    return attempts


def _send(channel: Channel, alert: Row) -> tuple[bool, bool, str | None]:
    """Whether it was delivered, whether the channel may take the next, what went wrong in one sentence."""
    try:
        return True, True, channel.send(alert)
    except Exception as error:  # a library may raise anything, and nothing may fail the run
        why = one_sentence(f"{type(error).__name__}: {error}", 300)
        return False, isinstance(error, RefusedError), why
