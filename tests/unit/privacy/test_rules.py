"""The rules of a team's settings: what of user ids, metadata, texts and rejected rows is kept."""

import hashlib
import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from tracemart.errors import SettingsError
from tracemart.privacy import Privacy
from tracemart.settings import Settings

KEY = "0123456789abcdef-team"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcde"), inner, max_size=4),
    max_leaves=12,
)


def privacy(**settings: Any) -> Privacy:
    return Privacy.of(Settings(**settings))


def pseudonyms(**settings: Any) -> Privacy:
    return privacy(user_ids="hmac", user_id_key=SecretStr(KEY), **settings)


def test_by_default_all_stays_but_inputs_and_outputs() -> None:
    rules = privacy()
    row = {"id": "a", "userId": "ada", "metadata": {"mail": "bob@x.com"}, "statusMessage": "bob@x.com", "input": "hi"}
    assert rules.keeps_everything
    assert rules.user_id("ada") == "ada"
    assert rules.metadata(row["metadata"]) is row["metadata"]
    assert rules.free_text("bob@x.com") == "bob@x.com"
    assert rules.io("hello") is None
    assert rules.payload("observations", row) == row | {"input": None}


def test_redaction_reaches_every_text_that_people_write() -> None:
    rules = privacy(store_io="redacted")
    assert not rules.keeps_everything
    assert rules.io("to bob@x.com") == "to [EMAIL]"
    assert rules.io(None) is None
    assert rules.free_text("failed for bob@x.com") == "failed for [EMAIL]"
    assert rules.metadata({"note": "bob@x.com", "n": 1}) == {"note": "[EMAIL]", "n": 1}
    row = {"userId": "bob@x.com", "input": {"to": "bob@x.com"}, "output": "bob@x.com", "comment": "bob@x.com", "id": 1}
    assert rules.payload("scores", row) == {
        "userId": "bob@x.com", "input": {"to": "[EMAIL]"}, "output": "[EMAIL]", "comment": "[EMAIL]", "id": 1,
    }  # fmt: skip


@pytest.mark.parametrize("store_io", ["no", "redacted"])
def test_figures_are_never_touched(store_io: str) -> None:
    row = {
        "id": "a", "usageDetails": {"input": 10, "output": 5}, "costDetails": {"input": 0.5}, "inputCost": 4e15,
        "modelParameters": {"value": "x"}, "subject": {"kind": "trace", "id": "t"}, "value": 4111111111111111,
    }  # fmt: skip
    assert pseudonyms(store_io=store_io, metadata_keys=["a"]).payload("observations", row) == row


@given(st.text(min_size=1))
def test_a_pseudonym_is_the_keyed_digest_and_stays_when_it_is_read_again(user_id: str) -> None:
    rules = pseudonyms()
    digest = hmac.new(KEY.encode(), user_id.encode(), hashlib.sha256).hexdigest()
    assert rules.user_id(user_id) == f"hmac-{digest}"
    assert rules.user_id(rules.user_id(user_id)) == f"hmac-{digest}"
    other = Privacy.of(Settings(user_ids="hmac", user_id_key=SecretStr("another key of a team")))
    assert other.user_id(user_id) != f"hmac-{digest}"


def test_pseudonyms_replace_user_ids_in_metadata_and_rejected_rows() -> None:
    rules = pseudonyms()
    ada = rules.user_id("ada")
    assert rules.user_id("") == ""
    assert rules.metadata({"attributes": {"user.id": "ada", "kind": "ada"}}) == {
        "attributes": {"user.id": ada, "kind": "ada"}
    }
    trace = {"id": 7, "userId": "ada", "observations": [{"user_id": "ada", "output": "x"}], "tags": ["ada"]}
    clean = {"id": 7, "userId": ada, "observations": [{"user_id": ada, "output": None}], "tags": ["ada"]}
    assert rules.payload("observations", trace) == clean
    assert rules.payload("observations", {"userId": 42}) == {"userId": rules.user_id("42")}


@pytest.mark.parametrize(
    ("key", "says"), [(None, "USER_ID_KEY is not set"), (SecretStr("too short"), "shorter than 16 characters")]
)
def test_a_missing_or_short_key_is_named_and_never_shown(key: SecretStr | None, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as error:
        privacy(user_ids="hmac", user_id_key=key)
    assert "too short" not in str(error.value)


def test_only_listed_metadata_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACEMART_METADATA_KEYS", "department, customer.id ,scope.version")
    rules = Privacy.of(Settings.load())
    metadata = {
        "department": {"any": "thing"}, "customer": {"id": 7, "name": "Ada"}, "scope.version": "5", "note": "x",
        "scope": {"name": 1},
    }  # fmt: skip
    assert rules.metadata(metadata) == {"department": {"any": "thing"}, "customer": {"id": 7}, "scope.version": "5"}
    assert rules.metadata({"note": "x"}) is None
    assert rules.metadata("a text") is None
    assert rules.payload("scores", {"metadata": metadata})["metadata"] == rules.metadata(metadata)


@given(JSON, st.sets(st.sampled_from(["a", "b.c", "d.e.a", "e"])))
def test_filtering_keeps_nothing_new_and_filtering_again_changes_nothing(metadata: Any, keys: set[str]) -> None:
    rules = privacy(metadata_keys=sorted(keys))
    kept = rules.metadata(metadata)
    assert kept is None or {name.split(".")[0] for name in keys} >= set(kept)
    assert rules.metadata(kept) == kept


def test_a_rejected_text_keeps_its_length_alone_unless_it_can_be_redacted() -> None:
    assert privacy().payload("observations", "a prompt") == "[TEXT of 8 characters]"
    assert privacy(store_io="redacted").payload("observations", ["by bob@x.com", 3]) == ["by [EMAIL]", 3]
