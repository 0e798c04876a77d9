"""A mailbox for demos and tests: a real SMTP server that keeps every mail as a file, and a page that shows them.

`python -m tracemart.services.mailbox --smtp-port P --http-port Q --folder DIR`, both on 127.0.0.1 unless `--host`
says else. Mails are strangers' HTML: it is shown in a sandboxed frame without scripts, and pictures come only from the
mail itself.
"""

import argparse
import email
import email.policy
import html
import re
import time
import uuid
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

LOOPBACK = "127.0.0.1"
LARGEST_MAIL_BYTES = 50 * 1024 * 1024
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'"
SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
MAIL_POLICY = f"default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; sandbox {SANDBOX}"
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2937; background: #f5f6f8; margin: 0; }
main { max-width: 860px; margin: 0 auto; padding: 24px 16px; }
h1 { font-size: 20px; margin: 0 0 4px; } a { color: #1d4ed8; }
ul { list-style: none; padding: 0; }
li { background: #fff; border: 1px solid #e5e7eb; margin: 0 0 8px; padding: 12px 16px; }
.quiet { color: #5b6472; font-size: 13px; margin: 0; }
iframe { width: 100%; height: 82vh; border: 1px solid #e5e7eb; background: #fff; }
pre { background: #fff; border: 1px solid #e5e7eb; padding: 16px; white-space: pre-wrap; }
"""


class MailFolder:
    """Mails as `<time>-<id>.eml` in one folder, each written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, content: bytes) -> Path:
        name = f"{time.time_ns():020}-{uuid.uuid4().hex[:8]}"
        unfinished = self.folder / f".{name}"
        unfinished.write_bytes(content)
        return unfinished.rename(self.folder / f"{name}.eml")

    def names(self) -> list[str]:
        """Newest first."""
        return sorted((file.stem for file in self.folder.glob("*.eml")), reverse=True)

    def mail(self, name: str) -> EmailMessage | None:
        file = self.folder / f"{name}.eml"
        if not re.fullmatch(r"[0-9a-f-]+", name) or not file.is_file():
            return None
        return email.message_from_bytes(file.read_bytes(), policy=email.policy.default)


class KeepMail:
    """aiosmtpd's handler: every mail is taken and kept."""

    def __init__(self, folder: MailFolder) -> None:
        self.folder = folder

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        self.folder.keep(content if isinstance(content, bytes) else (content or "").encode())
        return "250 Message accepted for delivery"


def smtp_server(folder: MailFolder, port: int, host: str = LOOPBACK) -> Controller:
    """A server that runs in a thread of its own between `start()` and `stop()`."""
    return Controller(KeepMail(folder), hostname=host, port=port, data_size_limit=LARGEST_MAIL_BYTES)


def page(title: str, body: str) -> HTMLResponse:
    document = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
        f"<body><main>{body}</main></body></html>"
    )
    return HTMLResponse(document, headers=protected(PAGE_POLICY))


def protected(policy: str) -> dict[str, str]:
    return {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def header(mail: EmailMessage, name: str) -> str:
    return html.escape(str(mail.get(name, "")))


def web_page(folder: MailFolder) -> Starlette:
    """`/` lists mails; `/mail/<name>` shows one; below it `html`, `text`, `source` and `part/<number>`."""

    def asked(request: Request) -> EmailMessage | None:
        return folder.mail(request.path_params["name"])

    def missing() -> Response:
        return PlainTextResponse("There is no such mail.", 404)

    def mails(_: Request) -> Response:
        entries = []
        for name in folder.names():
            mail = folder.mail(name)
            if mail is not None:
                entries.append(
                    f'<li><a href="/mail/{name}">{header(mail, "subject") or "(no subject)"}</a>'
                    f'<p class="quiet">{header(mail, "date")}, to {header(mail, "to")}</p></li>'
                )
        listed = f"<ul>{''.join(entries)}</ul>" if entries else "<p>No mail yet.</p>"
        return page("Mailbox", f"<h1>Mailbox</h1><p class='quiet'>{len(entries)} mails, newest first</p>{listed}")

    def one(request: Request) -> Response:
        mail, name = asked(request), request.path_params["name"]
        if mail is None:
            return missing()
        links = [f'<a href="/mail/{name}/text">plain text</a>', f'<a href="/mail/{name}/source">source</a>']
        links += [
            f'<a href="/mail/{name}/part/{number}">{html.escape(part.get_filename() or "attachment")}</a>'
            for number, part in enumerate(mail.walk())
            if part.get_content_disposition() == "attachment"
        ]
        frame = (
            f'<iframe sandbox="{SANDBOX}" title="The mail" src="/mail/{name}/html"></iframe>'
            if mail.get_body(("html",))
            else f"<pre>{html.escape(plain_text(mail))}</pre>"
        )
        body = (
            f'<p class="quiet"><a href="/">All mails</a></p><h1>{header(mail, "subject")}</h1>'
            f'<p class="quiet">{header(mail, "date")}, from {header(mail, "from")} to {header(mail, "to")}</p>'
            f'<p class="quiet">{" · ".join(links)}</p>{frame}'
        )
        return page(str(mail.get("subject", "Mail")), body)

    def html_part(request: Request) -> Response:
        mail, name = asked(request), request.path_params["name"]
        body = mail.get_body(("html",)) if mail is not None else None
        if mail is None or body is None:
            return missing()
        content = with_pictures(body.get_content(), mail, f"/mail/{name}/part/")
        # Links leave the frame: what they lead to would not work within its sandbox.
        content = re.sub(r"(<head[^>]*>)", r'\1<base target="_blank">', content, count=1)
        return HTMLResponse(content, headers=protected(MAIL_POLICY))

    def text_part(request: Request) -> Response:
        mail = asked(request)
        return missing() if mail is None else PlainTextResponse(plain_text(mail), headers=protected(MAIL_POLICY))

    def source(request: Request) -> Response:
        mail = asked(request)
        return missing() if mail is None else PlainTextResponse(mail.as_string(), headers=protected(MAIL_POLICY))

    def part(request: Request) -> Response:
        mail = asked(request)
        parts = list(mail.walk()) if mail is not None else []
        number = request.path_params["number"]
        if number >= len(parts) or parts[number].is_multipart():
            return missing()
        found = parts[number]
        content: Any = found.get_payload(decode=True)
        is_picture = found.get_content_maintype() == "image" and found.get_content_subtype() != "svg+xml"
        headers = protected(MAIL_POLICY)
        if not is_picture:
            name = quote(found.get_filename() or "attachment", safe="")
            headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
        media_type = found.get_content_type() if is_picture else "application/octet-stream"
        return Response(content, media_type=media_type, headers=headers)

    return Starlette(
        routes=[
            Route("/", mails),
            Route("/mail/{name}", one),
            Route("/mail/{name}/html", html_part),
            Route("/mail/{name}/text", text_part),
            Route("/mail/{name}/source", source),
            Route("/mail/{name}/part/{number:int}", part),
        ]
    )


def plain_text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return str(body.get_content()) if body is not None else "This mail has no plain text."


def with_pictures(content: str, mail: EmailMessage, address: str) -> str:
    """`cid:` references become addresses of the mail's own parts."""
    numbers = {
        str(part["content-id"]).strip("<> "): number for number, part in enumerate(mail.walk()) if part["content-id"]
    }

    def replaced(match: re.Match[str]) -> str:
        number = numbers.get(match[1])
        return match[0] if number is None else f"{address}{number}"

    return re.sub(r"cid:([^\"'\s>)]+)", replaced, content)


def main() -> None:
    import uvicorn

    parser = argparse.ArgumentParser(prog="python -m tracemart.services.mailbox", description=__doc__)
    parser.add_argument("--host", default=LOOPBACK, help="address to listen on; containers need 0.0.0.0")
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    folder = MailFolder(arguments.folder)
    server = smtp_server(folder, arguments.smtp_port, arguments.host)
    server.start()
    try:
        uvicorn.run(web_page(folder), host=arguments.host, port=arguments.http_port, log_level="warning")
    finally:
        server.stop()


if __name__ == "__main__":
    main()
