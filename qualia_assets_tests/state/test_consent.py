"""Consents, tokens and tombstones."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from qualia_assets.state import consent
from qualia_assets.state.database import State


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    opened = State(f"sqlite:///{tmp_path / 'state.sqlite'}")
    opened.add_user("ann")
    opened.add_user("ben")
    yield opened
    opened.close()


def test_nobody_agreed_to_anything_until_they_do(state: State) -> None:
    consent.consent(state, "ann", "substack")

    assert set(consent.consented(state, "ann")) == {"substack"}
    assert consent.consented(state, "ben") == {}


def test_agreeing_again_keeps_the_first_time(state: State) -> None:
    consent.consent(state, "ann", "substack")
    first = consent.consented(state, "ann")
    consent.consent(state, "ann", "substack")

    assert consent.consented(state, "ann") == first


def test_a_consent_that_is_withdrawn_takes_its_token_with_it(state: State) -> None:
    for source in ("pinterest", "images"):
        consent.consent(state, "ann", source)
    consent.keep_token(state, "ann", "pinterest", consent.Token(SecretStr("t")))
    consent.withdraw(state, "ann", "pinterest")

    assert set(consent.consented(state, "ann")) == {"images"}
    assert consent.token(state, "ann", "pinterest") is None


def test_a_token_is_kept_whole_and_printed_never(state: State) -> None:
    kept = consent.Token(SecretStr("access-1"), SecretStr("refresh-1"), datetime(2026, 5, 1, tzinfo=UTC))
    consent.keep_token(state, "ann", "pinterest", consent.Token(SecretStr("access-0")))
    consent.keep_token(state, "ann", "pinterest", kept)

    assert consent.token(state, "ann", "pinterest") == kept
    assert "access-1" not in repr(kept)
    assert "refresh-1" not in repr(kept)


def test_a_tombstone_says_that_someone_was_erased_and_not_who(state: State, tmp_path: Path) -> None:
    consent.bury(state, "zebra-quartz")

    assert consent.erased_at(state, "zebra-quartz") is not None
    assert consent.erased_at(state, "ann") is None
    state.close()
    assert b"zebra-quartz" not in b"".join(path.read_bytes() for path in tmp_path.glob("state.sqlite*"))
