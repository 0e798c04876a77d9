"""Talks to a mail server that a URL names: `smtp://user:password@host:port?starttls=auto&from=address`."""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Literal
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from tracemart.errors import ReportError, SettingsError

TIMEOUT_SECONDS = 30
LOOPBACK = ("127.0.0.1", "localhost", "::1")
Starttls = Literal["auto", "always", "never"]


@dataclass(frozen=True, repr=False)
class MailServer:
    """A mail server and how to reach it.

    `smtps` speaks TLS from the start. With `smtp`, `starttls=auto` uses TLS if the server offers it, and never sends a
    password without it but to this machine.
    """

    host: str
    port: int
    is_tls: bool
    starttls: Starttls
    user: str | None
    password: str | None
    sender: str | None

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @classmethod
    def at(cls, url: str) -> "MailServer":
        """Raises SettingsError, which never shows the URL."""
        wrong = SettingsError(
            "The SMTP URL is not usable: write smtp://user:password@host:port or smtps://… into TRACEMART_SMTP_URL,"
            " with letters such as @ or / in the password percent-encoded."
        )
        try:
            parts = urlsplit(url)
            port = parts.port
            options = {name: values[-1] for name, values in parse_qs(parts.query, strict_parsing=False).items()}
        except ValueError:
            raise wrong from None
        starttls = options.get("starttls", "auto")
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname or starttls not in ("auto", "always", "never"):
            raise wrong
        if options.keys() - {"starttls", "from"}:
            raise wrong
        is_tls = parts.scheme == "smtps"
        return cls(
            host=parts.hostname,
            port=port or (465 if is_tls else 587 if starttls == "always" else 25),
            is_tls=is_tls,
            starttls=starttls,  # type: ignore[arg-type]
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            sender=options.get("from"),
        )

    def send(self, message: EmailMessage) -> dict[str, str]:
        """The recipients that the server refused, each with its reason. Raises ReportError if it took none."""
        try:
            with self._connected() as server:
                refused = server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            address, answer = next(iter(error.recipients.items()))
            raise self._error(f"refuses every recipient, such as {address} ({reason(answer)})") from None
        except smtplib.SMTPSenderRefused as error:
            raise self._error(
                f"refuses the sender {error.sender} ({reason((error.smtp_code, error.smtp_error))})"
            ) from None
        except smtplib.SMTPAuthenticationError as error:
            raise self._error(f"refuses the log-in of {self.user} ({error.smtp_code})") from None
        except smtplib.SMTPResponseException as error:
            raise self._error(f"refuses the mail ({reason((error.smtp_code, error.smtp_error))})") from None
        except smtplib.SMTPException as error:
            raise self._error(f"cannot take the mail ({error})") from None
        except ssl.SSLError as error:
            raise self._error(f"has no TLS that can be trusted ({error.reason or error})") from None
        except (TimeoutError, OSError) as error:
            raise self._error(f"does not answer ({error.strerror or error})") from None
        return {address: reason(answer) for address, answer in refused.items()}

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.is_tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_SECONDS, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_SECONDS)
        try:
            server.ehlo_or_helo_if_needed()
            is_secret = self.is_tls
            if not self.is_tls and (
                self.starttls == "always" or (self.starttls == "auto" and server.has_extn("starttls"))
            ):
                server.starttls(context=context)
                is_secret = True
            if self.user and self.password:
                if not is_secret and self.starttls != "never" and self.host not in LOOPBACK:
                    raise smtplib.SMTPException("it offers no TLS, and a password is not sent without")
                server.login(self.user, self.password)
        except BaseException:
            server.close()
            raise
        return server

    def _error(self, what: str) -> ReportError:
        sentence = f"The mail server {self.address} {what}; check TRACEMART_SMTP_URL, then send the report again."
        for secret in (self.password, quote(self.password, safe="") if self.password else None):
            sentence = sentence.replace(secret, "***") if secret else sentence
        return ReportError(" ".join(sentence.split()))


def reason(answer: tuple[int, bytes | str]) -> str:
    code, words = answer
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return f"{code} {text}".strip()


def smtp_url_of(
    host: str | None, port: int | None, login: str | None, password: str | None, extra: dict[str, Any] | None
) -> str:
    """The URL of an Airflow SMTP connection's fields; its extras `disable_ssl`, `disable_tls`, `from_email` count.

    Raises SettingsError without a host.
    """
    if not host:
        raise SettingsError("The SMTP connection has no host: set it in Airflow under Admin, Connections.")
    options = extra or {}
    without_ssl, without_tls = is_set(options.get("disable_ssl")), is_set(options.get("disable_tls"))
    query = {} if not without_ssl else {"starttls": "never" if without_tls else "always"}
    if options.get("from_email"):
        query["from"] = str(options["from_email"])
    user = f"{quote(login or '', safe='')}{':' + quote(password, safe='') if password else ''}@" if login else ""
    address = f"[{host}]" if ":" in host else host
    return (
        f"{'smtp' if without_ssl else 'smtps'}://{user}{address}{f':{port}' if port else ''}"
        f"{'?' + urlencode(query) if query else ''}"
    )


def is_set(value: object) -> bool:
    return str(value).strip().lower() in ("true", "1", "yes", "on")
