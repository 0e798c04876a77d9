"""Sends a report once: operations.sent_reports remembers week and recipients."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

import psycopg

from tracemart.errors import ReportError, SettingsError
from tracemart.report.rendering import Report, render_weekly
from tracemart.report.smtp import MailServer
from tracemart.report.week import Week
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse, warehouse_error

WEEKLY = "weekly"
DOMAIN = "tracemart.invalid"


@dataclass(frozen=True)
class SentReport:
    """What became of a report; `is_sent_now` is False where it had been sent before."""

    week: Week
    recipients: tuple[str, ...]
    message_id: str
    is_sent_now: bool

    def __str__(self) -> str:
        to = ", ".join(self.recipients)
        if not self.is_sent_now:
            return f"The report of {self.week.name} was sent to {to} before; it is not sent twice."
        return f"Sent the report of {self.week.name} ({self.week.span}) to {to}."


def send_weekly(
    settings: Settings,
    week: Week | date | None = None,
    smtp_url: str | None = None,
    recipients: Iterable[str] | None = None,
    again: bool = False,
) -> SentReport:
    """Render the report of a week (a day of it will do) and send it, unless these recipients have it already.

    `smtp_url` and `recipients` default to the settings. The row in operations.sent_reports is committed after the
    server took the mail: a crash in between sends the mail once more, with the same Message-ID.
    Raises SettingsError, ReportError, WarehouseError.
    """
    url = smtp_url or (settings.smtp_url.get_secret_value() if settings.smtp_url else None)
    if not url:
        raise SettingsError("No mail server is set: put TRACEMART_SMTP_URL=smtp://host:port into .env.")
    server = MailServer.at(url)
    addresses = checked_addresses(settings.report_recipients if recipients is None else recipients)
    asked = Week.containing(week) if isinstance(week, date) else week
    report = render_weekly(settings, asked)
    sender = server.sender or settings.report_sender
    message_id = message_id_of(settings, report.week, addresses)
    if again:
        message_id = message_id.replace("@", f".{datetime.now(UTC):%Y%m%dT%H%M%S%f}@")
    message = message_of(report, sender, addresses, message_id)
    with Warehouse(settings).connect(Role.TRANSFORMER) as connection:
        try:
            known = remember(connection, report.week, addresses, message_id, again)
            if known is not None:
                return SentReport(report.week, addresses, known, is_sent_now=False)
            refused = server.send(message)
            connection.commit()
        except psycopg.Error as error:
            raise warehouse_error(error, "noting that the report is sent") from None
    if refused:
        named = "; ".join(f"{address} ({answer})" for address, answer in refused.items())
        raise ReportError(
            f"The mail server {server.address} took the report of {report.week.name} but not for {named};"
            " correct the address and send it to that one alone."
        )
    return SentReport(report.week, addresses, message_id, is_sent_now=True)


def remember(
    connection: psycopg.Connection, week: Week, addresses: tuple[str, ...], message_id: str, again: bool
) -> str | None:
    """Claim the sending in the open transaction; the Message-ID of an earlier one if there was one.

    A second sender waits here until the first has committed.
    """
    key = (WEEKLY, week.first_day, list(addresses))
    claimed = connection.execute(
        """
        insert into operations.sent_reports (report, period_start, recipients, message_id)
        values (%s, %s, %s, %s)
        on conflict (report, period_start, recipients)
        do update set message_id = excluded.message_id, sent_at = clock_timestamp() where %s
        returning message_id
        """,
        (*key, message_id, again),
    ).fetchone()
    if claimed:
        return None
    row = connection.execute(
        "select message_id from operations.sent_reports where report = %s and period_start = %s and recipients = %s",
        key,
    ).fetchone()
    return str(row[0]) if row else None


def checked_addresses(recipients: Iterable[str]) -> tuple[str, ...]:
    """Each address once, in alphabetical order, so that the same people are the same key. Raises SettingsError."""
    addresses = set()
    for recipient in recipients:
        address = parseaddr(recipient)[1]
        try:
            parsed = Address(addr_spec=address)
        except Exception:
            parsed = None
        if parsed is None or not parsed.username or not parsed.domain or any(c in recipient for c in "\r\n"):
            raise SettingsError(f"{recipient!r} is no mail address; mend TRACEMART_REPORT_RECIPIENTS.")
        addresses.add(f"{parsed.username}@{parsed.domain.lower()}")
    if not addresses:
        raise SettingsError("Nobody is set to receive the report: put TRACEMART_REPORT_RECIPIENTS into .env.")
    return tuple(sorted(addresses))


def message_id_of(settings: Settings, week: Week, addresses: tuple[str, ...]) -> str:
    """The same for the same week, recipients and warehouse, so that a mail server or reader knows a mail sent twice."""
    database = str(Warehouse(settings).conninfo(Role.ANALYST).get("dbname"))
    digest = hashlib.sha256("\n".join((database, settings.report_sender, *addresses)).encode()).hexdigest()[:20]
    return f"<{WEEKLY}.{week.name}.{digest}@{DOMAIN}>"


def message_of(report: Report, sender: str, addresses: tuple[str, ...], message_id: str) -> EmailMessage:
    """multipart/mixed: (text, (HTML with inline images)), CSV."""
    message = EmailMessage()
    message["Subject"] = report.subject
    message["From"] = sender
    message["To"] = ", ".join(addresses)
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(report.text)
    message.add_alternative(report.html, subtype="html")
    payload = message.get_payload()
    assert isinstance(payload, list)
    html = payload[1]
    assert isinstance(html, EmailMessage)
    for chart in report.charts:
        html.add_related(
            chart.png, "image", "png", cid=f"<{chart.cid}>", filename=f"{chart.cid}.png", disposition="inline"
        )
    message.add_attachment(report.csv, maintype="text", subtype="csv", filename=report.csv_name)
    return message
