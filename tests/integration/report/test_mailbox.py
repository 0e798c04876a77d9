import re
import smtplib
import subprocess
import sys
import time
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from tracemart.report import send_weekly
from tracemart.services.mailbox import MailFolder, web_page
from tracemart.settings import PROJECT_ROOT, Settings


@pytest.fixture
def box(tmp_path: Path) -> MailFolder:
    return MailFolder(tmp_path / "mail")


def test_a_report_is_shown_with_its_pictures_and_table(settings: Settings, mailbox: Any) -> None:
    send_weekly(settings, smtp_url=mailbox.url, recipients=["cfo@example.com"])
    browser = TestClient(web_page(mailbox.folder))
    listed = browser.get("/").text
    assert "LLM costs of week 2026-W40" in listed
    [address] = re.findall(r'href="(/mail/[^"]+)"', listed)
    shown = browser.get(address).text
    assert (
        f'<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" title="The mail" src="{address}/html">' in shown
    )
    html = browser.get(f"{address}/html").text
    pictures = re.findall(r'src="([^"]+)"', html)
    assert len(pictures) == 3
    assert all(browser.get(picture).content.startswith(b"\x89PNG") for picture in pictures)
    [table] = re.findall(r'href="(/mail/[^"]+/part/\d+)"', shown)
    answer = browser.get(table)
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.content.decode("utf-8-sig").startswith("usage_date,")
    assert browser.get(f"{address}/text").text.startswith("What our LLM applications cost")
    assert "Message-ID" in browser.get(f"{address}/source").text


def test_a_stranger_s_mail_cannot_run_anything(box: MailFolder) -> None:
    mail = EmailMessage()
    mail["Subject"] = "<script>alert(1)</script>"
    mail["To"] = "<img src=x>"
    mail.set_content("plain")
    mail.add_alternative("<html><head></head><body><script>alert(1)</script></body></html>", subtype="html")
    mail.add_attachment(b"<svg onload='alert(1)'/>", maintype="image", subtype="svg+xml", filename='a"; x=y.svg')
    name = box.keep(mail.as_bytes()).stem
    browser = TestClient(web_page(box))
    for path in ("/", f"/mail/{name}"):
        answer = browser.get(path)
        assert "<script>" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    inner = browser.get(f"/mail/{name}/html").headers["content-security-policy"]
    assert "sandbox" in inner
    assert "allow-scripts" not in inner
    assert "script-src" not in inner
    picture = browser.get(f"/mail/{name}/part/4")
    assert picture.headers["content-type"] == "application/octet-stream"
    assert picture.headers["content-disposition"] == "attachment; filename*=UTF-8''a%22%3B%20x%3Dy.svg"


@pytest.mark.parametrize("path", ["/mail/none", "/mail/..%2F..%2Fetc%2Fpasswd", "/mail/00/html", "/mail/00/part/9"])
def test_what_is_not_there_is_not_found(box: MailFolder, path: str) -> None:
    assert TestClient(web_page(box)).get(path).status_code == 404


def test_it_runs_as_a_service(tmp_path: Path, free_port: int, another_free_port: int) -> None:
    web = another_free_port
    command = [
        sys.executable,
        "-m",
        "tracemart.services.mailbox",
        "--smtp-port",
        str(free_port),
        "--http-port",
        str(web),
    ]
    service = subprocess.Popen([*command, "--folder", str(tmp_path / "mail")], cwd=PROJECT_ROOT)
    try:
        for _ in range(200):
            try:
                assert httpx.get(f"http://127.0.0.1:{web}/", trust_env=False).status_code == 200
                break
            except httpx.TransportError:
                time.sleep(0.1)
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = "Grüße", "a@x.org", "b@x.org"
        mail.set_content("hello")
        with smtplib.SMTP("127.0.0.1", free_port) as server:
            server.send_message(mail)
        assert "Grüße" in httpx.get(f"http://127.0.0.1:{web}/", trust_env=False).text
    finally:
        service.terminate()
        service.wait()
    assert len(list((tmp_path / "mail").glob("*.eml"))) == 1
