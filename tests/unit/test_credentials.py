"""Passwords: made once, kept for the owner alone, written whole or not at all."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tracemart.credentials import CREDENTIALS_FILE, credential, read_credentials, write_private


def test_a_password_is_made_once_and_is_no_default(tmp_path: Path) -> None:
    home, other = tmp_path / "one", tmp_path / "two"
    first = credential(home, "analyst_password")
    assert credential(home, "analyst_password") == first
    assert len(first) >= 32
    assert first not in (credential(home, "loader_password"), credential(other, "analyst_password"))
    assert read_credentials(home)["analyst_password"] == first


def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        credential(tmp_path, "analyst_password")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / CREDENTIALS_FILE).stat().st_mode) == 0o600


def test_the_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = credential(tmp_path, "analyst_password")
    monkeypatch.setenv("TRACEMART_ANALYST_PASSWORD", "from outside")
    assert credential(tmp_path, "analyst_password") == "from outside"
    assert read_credentials(tmp_path) == {"analyst_password": kept}
    monkeypatch.setenv("TRACEMART_ANALYST_PASSWORD", "")
    assert credential(tmp_path, "analyst_password") == kept


def test_no_password_is_known_where_none_was_made(tmp_path: Path) -> None:
    assert read_credentials(tmp_path / "nowhere") == {}


def test_a_private_file_replaces_an_open_one_whole(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "file"
    write_private(file, "before")
    with file.open() as reader:
        write_private(file, "after, and longer")
        assert reader.read() == "before"
    assert file.read_text() == "after, and longer"
    assert [inner.name for inner in file.parent.iterdir()] == ["file"]


def test_a_private_file_can_be_written_by_many_at_once(tmp_path: Path) -> None:
    file = tmp_path / "file"
    contents = [letter * 5_000 for letter in "abcdefgh"]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: write_private(file, content), contents * 20))
    assert file.read_text() in contents
    assert [inner.name for inner in tmp_path.iterdir()] == ["file"]
