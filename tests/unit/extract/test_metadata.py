"""Metadata comes out as it was sent, as far as the server kept it."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tracemart.extract.metadata import CUT_LENGTH, decoded_metadata


def answered(value: Any, *, ascii_only: bool = False) -> Any:
    """What a 4.16.0 answers for a value that the SDK stored: cut, then parsed if it still parses (recording 03)."""
    stored = json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":"))[:CUT_LENGTH]
    try:
        return json.loads(stored)
    except ValueError:
        return stored


@settings(deadline=None)
@given(st.text(max_size=600), st.booleans())
def test_text_is_as_sent_or_its_beginning(sent: str, ascii_only: bool) -> None:
    received = decoded_metadata({"key": answered(sent, ascii_only=ascii_only)})["key"]

    if len(json.dumps(sent, ensure_ascii=ascii_only)) <= CUT_LENGTH:
        assert received == sent
    else:
        # An escape takes up to twelve characters, and one that was cut in two is left out.
        assert sent.startswith(received)
        assert len(received) >= (CUT_LENGTH - 12) // 12


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=5,
    )
)
def test_short_values_keep_their_type(sent: Any) -> None:
    if len(json.dumps(sent, ensure_ascii=False, separators=(",", ":"))) < CUT_LENGTH:
        assert decoded_metadata({"key": answered(sent)}) == {"key": sent}


def test_quotes_that_a_person_sent_stay() -> None:
    assert decoded_metadata({"said": answered('"Hello" she said')}) == {"said": '"Hello" she said'}
    assert decoded_metadata({"said": answered('"Hello"')}) == {"said": '"Hello"'}


def test_cut_object_stays_the_text_it_is() -> None:
    received = answered({"long": "x" * 300})

    assert decoded_metadata({"object": received}) == {"object": received}


def test_metadata_of_another_shape_is_left_alone() -> None:
    assert decoded_metadata("plain") == "plain"
    assert decoded_metadata(None) is None
