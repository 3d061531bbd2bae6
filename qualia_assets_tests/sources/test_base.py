"""Text from anywhere becomes plain text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualia_assets.sources.base import clean_line, clean_text


@pytest.mark.parametrize(
    ("text", "plain", "line"),
    [
        ("Tom &amp; Jerry", "Tom & Jerry", "Tom & Jerry"),
        ("&amp;quot;Quoted&amp;quot;", '"Quoted"', '"Quoted"'),
        (" one\n\ntwo\t\tthree \n", "one\n\ntwo\t\tthree", "one two three"),
        ("bell\x07 and zero\x00", "bell and zero", "bell and zero"),
        ("half \ud83d a smile", "half  a smile", "half a smile"),
        ("été 日本 🙂", "été 日本 🙂", "été 日本 🙂"),
        *((nothing, None, None) for nothing in (None, "", "  ", "\n\t", "\x00", "&nbsp;", "\u200b")),
    ],
)
def test_entities_are_resolved_and_control_characters_removed(
    text: str | None, plain: str | None, line: str | None
) -> None:
    assert (clean_text(text), clean_line(text)) == (plain, line)


@given(st.text())
def test_a_clean_line_is_one_line_that_any_table_can_hold(text: str) -> None:
    line = clean_line(text)
    if line is not None:
        assert line
        assert line == " ".join(line.split())
        assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in line)
        line.encode()
