import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracemart.errors import SettingsError
from tracemart.report.sending import checked_addresses
from tracemart.report.smtp import MailServer, smtp_url_of
from tracemart.report.table import cell


def test_a_url_names_server_user_and_encryption() -> None:
    server = MailServer.at("smtp://me%40x.org:p%2Fw@mail.x.org:2525?starttls=always&from=tracemart@x.org")
    assert (server.host, server.port, server.user, server.password) == ("mail.x.org", 2525, "me@x.org", "p/w")
    assert (server.is_tls, server.starttls, server.sender) == (False, "always", "tracemart@x.org")
    assert (MailServer.at("smtps://mail.x.org").port, MailServer.at("smtp://mail.x.org").port) == (465, 25)


@pytest.mark.parametrize(
    "url",
    ["", "mail.x.org:25", "http://u:hush@x.org", "smtp://u:hush@", "smtp://u:hush@x.org:port", "smtp://u:hush@x.org:99999",
     "smtp://u:hush@x.org?starttls=maybe", "smtp://u:hush@x.org?tls=yes", "smtp://u:hu/sh@x.org"],
)  # fmt: skip
def test_a_wrong_url_is_refused_without_showing_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match="smtp://user:password@host:port") as caught:
        MailServer.at(url)
    assert "hush" not in str(caught.value)


def test_a_server_does_not_show_its_password() -> None:
    assert "hush" not in repr(MailServer.at("smtp://u:hush@x.org"))


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_any_log_in_survives_the_way_from_airflow_through_the_url(login: str, password: str) -> None:
    server = MailServer.at(smtp_url_of("mail.x.org", 25, login, password, {}))
    assert (server.user, server.password) == (login, password)


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({}, (True, "auto", None)),
        (None, (True, "auto", None)),
        ({"disable_ssl": "true", "disable_tls": "true"}, (False, "never", None)),
        ({"disable_ssl": True, "disable_tls": False, "from_email": "a+b@x.org"}, (False, "always", "a+b@x.org")),
    ],
)
def test_extras_of_an_airflow_connection_decide_encryption(
    extra: dict[str, object] | None, expected: tuple[bool, str, str | None]
) -> None:
    server = MailServer.at(smtp_url_of("127.0.0.1", 1025, None, None, extra))
    assert (server.is_tls, server.starttls, server.sender) == expected


def test_an_airflow_connection_without_host_is_refused() -> None:
    with pytest.raises(SettingsError, match="no host"):
        smtp_url_of(None, None, None, None, None)


def test_the_same_people_are_the_same_recipients() -> None:
    assert checked_addresses(["b@X.org", "Ann <a@x.org>", "b@x.org"]) == ("a@x.org", "b@x.org")


@pytest.mark.parametrize("recipients", [[], ["nobody"], ["a@x.org\nBcc: b@x.org"], ["@x.org"], ["a@"], [""]])
def test_what_is_no_address_is_refused(recipients: list[str]) -> None:
    with pytest.raises(SettingsError, match="TRACEMART_REPORT_RECIPIENTS"):
        checked_addresses(recipients)


@pytest.mark.parametrize("name", ["=cmd()", "+1", "-1", "@a", "\tx", "\rx"])
def test_a_name_is_no_formula_in_a_spreadsheet(name: str) -> None:
    assert cell(name) == f"'{name}"
