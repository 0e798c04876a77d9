"""Redaction: what is drawn to be secret never survives, what is not stays letter by letter, and JSON stays JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.privacy.texts import (
    ADDRESSES,
    AFTER_A_WORD,
    EMAILS,
    PHONES,
    PRIVATE_KEYS,
    PROSE,
    SECRETS,
    around,
    cards,
    ibans,
)
from tracemart.privacy.redaction import redacted, redacted_value

KINDS = {
    "[EMAIL]": EMAILS,
    "[PHONE]": PHONES,
    "[SECRET]": st.one_of(SECRETS, PRIVATE_KEYS),
    "[CARD]": cards(),
    "[IBAN]": ibans(),
    "[IP]": ADDRESSES,
}
ANYTHING = st.one_of(*KINDS.values())


def says(text: str) -> str:
    """The secret part of what AFTER_A_WORD draws."""
    return text.rstrip('"=').split()[-1].split("=")[-1].strip('"')


@pytest.mark.parametrize("placeholder", KINDS)
@given(data=st.data())
def test_what_identifies_or_opens_never_survives(placeholder: str, data: st.DataObject) -> None:
    secret = data.draw(KINDS[placeholder])
    clean = redacted(data.draw(around(secret)))
    assert secret not in clean
    assert placeholder in clean


@given(st.data())
def test_what_stands_after_a_telling_word_never_survives(data: st.DataObject) -> None:
    drawn = data.draw(AFTER_A_WORD)
    clean = redacted(data.draw(around(drawn)))
    assert says(drawn) not in clean
    assert "[SECRET]" in clean


@given(PROSE)
def test_a_text_without_secrets_is_unchanged(text: str) -> None:
    assert redacted(text) == text
    assert redacted(json.dumps({"content": text}, indent=2)) == json.dumps({"content": text}, indent=2)


@given(st.text(max_size=300) | st.lists(ANYTHING | PROSE | st.text(max_size=5), max_size=6).map("".join))
def test_redacting_again_changes_nothing(text: str) -> None:
    assert redacted(redacted(text)) == redacted(text)


@given(st.data())
def test_json_text_is_redacted_inside_and_stays_json(data: st.DataObject) -> None:
    secrets = data.draw(st.lists(ANYTHING, min_size=1, max_size=3))
    texts = [data.draw(around(secret)) for secret in secrets]
    escapes = data.draw(st.booleans())
    arguments = json.dumps({"to": texts[0], "n": 1.50}, ensure_ascii=escapes)
    chat = [
        *({"role": "user", "content": text, "temperature": 0.7} for text in texts),
        {"role": "assistant", "tool_calls": [{"function": {"name": "send", "arguments": arguments}}], "n": 12345},
    ]
    clean = redacted(json.dumps(chat, ensure_ascii=escapes, indent=data.draw(st.sampled_from([None, 2]))))
    read = json.loads(clean)
    assert [sorted(message) for message in read] == [sorted(message) for message in chat]
    assert [message["content"] for message in read[:-1]] == [redacted(text) for text in texts]
    called = json.loads(read[-1]["tool_calls"][0]["function"]["arguments"])
    assert called == {"to": redacted(texts[0]), "n": 1.5}
    assert read[-1]["n"] == 12345
    assert redacted(clean) == clean


def test_json_keeps_its_spelling_where_nothing_is_redacted() -> None:
    written = '{ "a" : 1.50, "big":12345678901234567890123, "u":"\\u00fc\\n", "mail" :"bob@x.com" , "e":1E5 }'
    assert redacted(written) == written.replace("bob@x.com", "[EMAIL]")


def test_escapes_of_json_do_not_hide_what_they_spell() -> None:
    assert json.loads(redacted('{"a": "line\\nbob\\u0040x.com\\tend"}')) == {"a": "line\n[EMAIL]\tend"}


def test_secrets_are_known_by_their_name_in_objects() -> None:
    value = {"user": "ada", "Api-Key": "letters", "password": 1234, "nested": {"secret": ["kept"]}, "max_tokens": 100}
    clean = {"user": "ada", "Api-Key": "[SECRET]", "password": "[SECRET]", "nested": {"secret": ["kept"]}}
    assert redacted_value(value) == {**clean, "max_tokens": 100}
    assert json.loads(redacted(json.dumps(value))) == {**clean, "max_tokens": 100}
    unnamed = '[{"password": null}, "letters", {"password": "a"}, 7]'
    assert json.loads(redacted(unnamed)) == [{"password": None}, "letters", {"password": "[SECRET]"}, 7]


def test_keys_of_objects_and_whole_numbers_are_redacted_too() -> None:
    value = {"bob@x.com": {"card": 4111111111111111, "id": 4111111111111112}}
    clean = {"[EMAIL]": {"card": "[CARD]", "id": 4111111111111112}}
    assert redacted_value(value) == clean
    assert json.loads(redacted(json.dumps(value))) == clean


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("ring 415-555-2671 or 1 (415) 555-2671", "ring [PHONE] or [PHONE]"),
        ("Tel.: 030/1234567, phone 2025550143", "Tel.: [PHONE], phone [PHONE]"),
        ("0049 30 901820 and +90 532 123 45 67!", "[PHONE] and [PHONE]!"),
        ("https://bob:pa55@db.example.com/x", "https://[SECRET]@db.example.com/x"),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer [SECRET]"),
        ("DE89 3704 0044 0532 0130 00 and more", "[IBAN] and more"),
        ("DE88370400440532013000 is none", "DE88370400440532013000 is none"),
        ("4111 1111 1111 1112 is none", "4111 1111 1111 1112 is none"),
        ("from [2001:db8::1]:443 and ::ffff:10.0.0.1", "from [[IP]]:443 and [IP]"),
        ("now + 1700000000000", "now + 1700000000000"),
        ("mailto:bob%40x.com", "mailto:[EMAIL]"),
        ("999.1.1.1 v1.2.3 1.2.3.4.5", "999.1.1.1 v1.2.3 1.2.3.4.5"),
    ],
)
def test_examples(text: str, clean: str) -> None:
    assert redacted(text) == clean
