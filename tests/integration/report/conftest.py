"""Marts with made rows, and a mail server that keeps what it is sent."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from tracemart.services.mailbox import MailFolder, smtp_server
from tracemart.services.postgres import free_port
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse

MARTS = Path(__file__).parent / "marts.sql"


class Mailbox:
    """`url` for sending; `mails()` oldest first."""

    def __init__(self, folder: MailFolder, port: int) -> None:
        self.folder = folder
        self.url = f"smtp://127.0.0.1:{port}"

    def mails(self) -> list[EmailMessage]:
        found = [self.folder.mail(name) for name in reversed(self.folder.names())]
        return [mail for mail in found if mail is not None]


@pytest.fixture(name="free_port")
def any_free_port() -> int:
    return free_port()


@pytest.fixture
def another_free_port() -> int:
    return free_port()


@pytest.fixture
def mailbox(tmp_path: Path, free_port: int) -> Iterator[Mailbox]:
    folder = MailFolder(tmp_path / "mail")
    server = smtp_server(folder, free_port)
    server.start()
    yield Mailbox(folder, free_port)
    server.stop()


@pytest.fixture
def settings(warehouse_settings: Settings) -> Settings:
    """Monday morning after the newest week of marts.sql."""
    settings = warehouse_settings.model_copy(update={"as_of": datetime(2026, 10, 5, 2, tzinfo=UTC)})
    with Warehouse(settings).connect(Role.TRANSFORMER) as connection:
        connection.execute("set local search_path to marts, public")
        connection.execute(MARTS.read_text().encode())
    return settings


@pytest.fixture
def execute(settings: Settings) -> Callable[..., list[tuple[object, ...]]]:
    """Runs a statement on the marts and gives its rows."""

    def run(statement: str, *parameters: object) -> list[tuple[object, ...]]:
        with Warehouse(settings).connect(Role.TRANSFORMER) as connection:
            cursor = connection.execute(statement.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

    return run
