import threading
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from pydantic import SecretStr

from tracemart.errors import ReportError, SettingsError
from tracemart.report import send_weekly
from tracemart.settings import Settings

Execute = Callable[..., list[tuple[object, ...]]]
TO = ["cfo@example.com", "lead@example.com"]


class Refuses:
    """A mail server that refuses at the given step with the given answer."""

    def __init__(self, rcpt: str = "250 OK", data: str = "250 OK") -> None:
        self.rcpt = rcpt
        self.data = data

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if self.rcpt == "250 OK" or not address.startswith("lead"):
            envelope.rcpt_tos.append(address)
            return "250 OK"
        return self.rcpt

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
        return self.data


@pytest.fixture
def server_that(free_port: int) -> Iterator[Callable[..., str]]:
    started: list[Controller] = []

    def start(handler: object, **options: Any) -> str:
        controller = Controller(handler, hostname="127.0.0.1", port=free_port, **options)
        controller.start()
        started.append(controller)
        return f"127.0.0.1:{free_port}"

    yield start
    for controller in started:
        controller.stop()


def sent_rows(execute: Execute) -> list[tuple[object, ...]]:
    return execute("select report, period_start::text, recipients, message_id from operations.sent_reports")


def test_the_mail_has_all_its_parts(settings: Settings, mailbox: Any, execute: Execute) -> None:
    sent = send_weekly(settings, smtp_url=mailbox.url, recipients=reversed(TO))
    [mail] = mailbox.mails()
    assert sent.is_sent_now
    assert (mail["To"], mail["From"], mail["Message-ID"]) == (", ".join(TO), "tracemart@localhost", sent.message_id)
    assert mail["Subject"].startswith("LLM costs of week 2026-W40: $127.73 (▲ 17.1 %)")
    html, text = mail.get_body(("html",)), mail.get_body(("plain",))
    assert html is not None
    assert text is not None
    assert text.get_content().startswith("What our LLM applications cost")
    pictures = {part["Content-ID"].strip("<>") for part in mail.walk() if part.get_content_type() == "image/png"}
    assert pictures == {"daily-cost", "departments", "models"}
    assert all(f"cid:{picture}" in html.get_content() for picture in pictures)
    [attachment] = mail.iter_attachments()
    assert isinstance(attachment, EmailMessage)
    assert (attachment.get_filename(), attachment.get_content_type()) == ("tracemart-2026-W40.csv", "text/csv")
    assert sent_rows(execute) == [("weekly", "2026-09-28", TO, sent.message_id)]


def test_a_retry_does_not_send_again(settings: Settings, mailbox: Any) -> None:
    first = send_weekly(settings, smtp_url=mailbox.url, recipients=TO)
    retry = send_weekly(settings, smtp_url=mailbox.url, recipients=[TO[1], TO[0], TO[0]])
    assert (retry.is_sent_now, retry.message_id) == (False, first.message_id)
    assert "not sent twice" in str(retry)
    assert len(mailbox.mails()) == 1


def test_two_senders_at_once_send_one_mail(settings: Settings, mailbox: Any) -> None:
    results: list[bool] = []
    threads = [
        threading.Thread(
            target=lambda: results.append(send_weekly(settings, smtp_url=mailbox.url, recipients=TO).is_sent_now)
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False, False, True]
    assert len(mailbox.mails()) == 1


def test_others_and_again_are_sent(settings: Settings, mailbox: Any, execute: Execute) -> None:
    first = send_weekly(settings, smtp_url=mailbox.url, recipients=TO)
    other = send_weekly(settings, smtp_url=mailbox.url, recipients=["cto@example.com"])
    again = send_weekly(settings, smtp_url=mailbox.url, recipients=TO, again=True)
    assert len({first.message_id, other.message_id, again.message_id}) == len(mailbox.mails()) == 3
    assert {row[3] for row in sent_rows(execute)} == {other.message_id, again.message_id}


def test_a_server_that_refuses_is_named_and_the_report_stays_unsent(
    settings: Settings, server_that: Callable[..., str], mailbox: Any, execute: Execute, free_port: int
) -> None:
    with pytest.raises(ReportError, match=r"127\.0\.0\.1:9 does not answer") as caught:
        send_weekly(settings, smtp_url="smtp://me:hush@127.0.0.1:9", recipients=TO)
    assert "hush" not in str(caught.value)
    assert sent_rows(execute) == []
    assert send_weekly(settings, smtp_url=mailbox.url, recipients=TO).is_sent_now


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (Refuses(data="554 5.7.1 looks like spam"), "refuses the mail (554 5.7.1 looks like spam)"),
        (Refuses(rcpt="550 no such user"), "but not for lead@example.com (550 no such user)"),
    ],
)
def test_the_reason_of_a_refusal_is_given(
    settings: Settings, server_that: Callable[..., str], handler: Refuses, words: str
) -> None:
    with pytest.raises(ReportError) as caught:
        send_weekly(settings, smtp_url=f"smtp://{server_that(handler)}", recipients=TO)
    assert words in str(caught.value)


def test_a_mail_that_some_recipients_have_is_not_sent_to_them_again(
    settings: Settings, server_that: Callable[..., str], execute: Execute
) -> None:
    url = f"smtp://{server_that(Refuses(rcpt='550 no such user'))}"
    with pytest.raises(ReportError, match="but not for lead"):
        send_weekly(settings, smtp_url=url, recipients=TO)
    assert not send_weekly(settings, smtp_url=url, recipients=TO).is_sent_now


def test_a_wrong_password_is_not_shown(settings: Settings, server_that: Callable[..., str]) -> None:
    address = server_that(
        Refuses(),
        authenticator=lambda *_: AuthResult(success=False, handled=False),
        auth_require_tls=False,
        auth_required=True,
    )
    with pytest.raises(ReportError, match="refuses the log-in of me") as caught:
        send_weekly(settings, smtp_url=f"smtp://me:hush@{address}", recipients=TO)
    assert "hush" not in str(caught.value)


def test_tls_is_not_left_out_where_it_is_asked_for(settings: Settings, mailbox: Any) -> None:
    with pytest.raises(ReportError, match="STARTTLS"):
        send_weekly(settings, smtp_url=f"{mailbox.url}?starttls=always", recipients=TO)
    with pytest.raises(ReportError, match="TLS"):
        send_weekly(settings, smtp_url=mailbox.url.replace("smtp:", "smtps:"), recipients=TO)
    assert mailbox.mails() == []


def test_settings_name_server_sender_and_recipients(settings: Settings, mailbox: Any) -> None:
    full = settings.model_copy(
        update={"smtp_url": SecretStr(f"{mailbox.url}?from=costs@example.com"), "report_recipients": TO}
    )
    assert send_weekly(full).recipients == tuple(TO)
    assert mailbox.mails()[0]["From"] == "costs@example.com"
    with pytest.raises(SettingsError, match="TRACEMART_SMTP_URL"):
        send_weekly(settings, recipients=TO)
    with pytest.raises(SettingsError, match="TRACEMART_REPORT_RECIPIENTS"):
        send_weekly(settings, smtp_url=mailbox.url)
