from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tracemart.errors import SettingsError
from tracemart.standin.keys import make_keys, read_keys, write_keys


def test_keys_are_new_each_time_and_shaped_like_langfuses() -> None:
    first, second = make_keys(["a", "b"]), make_keys(["a", "b"])
    pairs = [pair for keys in (first, second) for pair in keys.values()]
    assert len({pair["secret_key"] for pair in pairs}) == 4
    assert all(pair["public_key"].startswith("pk-lf-") and pair["secret_key"].startswith("sk-lf-") for pair in pairs)


def test_a_key_file_is_its_owners_alone_even_if_it_stood_open(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.touch(mode=0o644)
    write_keys(path, make_keys(["a"]))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_was_written_is_read_and_no_repr_shows_the_secret(tmp_path: Path) -> None:
    path, keys = tmp_path / "keys.json", make_keys(["a"])
    write_keys(path, keys)
    pair = read_keys(path, ["a"])["a"]
    assert (pair.public_key, pair.secret_key) == (keys["a"]["public_key"], keys["a"]["secret_key"])
    assert pair.secret_key not in repr(pair)


@pytest.mark.parametrize("content", [None, "not json", "[]", '{"a": 1}', '{"b": {}}', '{"a": {"public_key": "pk"}}'])
def test_a_key_file_that_does_not_serve_is_named_in_one_sentence(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "keys.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SettingsError, match=r"key file .*keys\.json [^\n]*\.$"):
        read_keys(path, ["a"])
