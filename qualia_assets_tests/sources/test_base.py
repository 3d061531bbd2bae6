"""Text from anywhere becomes plain text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualia_assets.sources.base import clean_line, clean_text


@pytest.mark.parametrize(
    ("given_text", "plain"),
    [
        ("Tom &amp; Jerry", "Tom & Jerry"),
        ("&amp;quot;Quoted&amp;quot;", '"Quoted"'),
        ("  spaced \n", "spaced"),
        ("one\n\ntwo\tthree", "one\n\ntwo\tthree"),
        ("bell\x07 and zero\x00", "bell and zero"),
        ("half \ud83d a smile", "half  a smile"),
        ("été 日本 🙂", "été 日本 🙂"),
    ],
)
def test_entities_are_resolved_and_control_characters_go(given_text: str, plain: str) -> None:
    assert clean_text(given_text) == plain


def test_a_line_has_single_spaces() -> None:
    assert clean_line(" a\n\n b\t\tc ") == "a b c"


@pytest.mark.parametrize("nothing", [None, "", "  ", "\n\t", "\x00", "&nbsp;", "\u200b"])
def test_where_nothing_is_left_there_is_none(nothing: str | None) -> None:
    assert clean_text(nothing) is None
    assert clean_line(nothing) is None


@given(st.text())
def test_a_clean_line_is_one_line_that_any_table_can_hold(text: str) -> None:
    line = clean_line(text)

    if line is not None:
        assert line
        assert line == " ".join(line.split())
        assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in line)
        line.encode()
