"""Consents, tokens and tombstones."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from qualia_assets.state import consent
from qualia_assets.state.database import State


@pytest.fixture
def state(state: State) -> State:
    for user in ("ann", "ben"):
        state.add_user(user)
    return state


def test_a_consent_is_one_users_for_one_source_and_keeps_its_first_date(state: State) -> None:
    consent.consent(state, "ann", "substack")
    first = consent.consented(state, "ann")
    assert set(first) == {"substack"}
    assert consent.consented(state, "ben") == {}
    consent.consent(state, "ann", "substack")
    assert consent.consented(state, "ann") == first


def test_withdrawing_a_consent_deletes_its_token(state: State) -> None:
    for source in ("pinterest", "images"):
        consent.consent(state, "ann", source)
    consent.keep_token(state, "ann", "pinterest", consent.Token(SecretStr("t")))
    consent.withdraw(state, "ann", "pinterest")
    assert set(consent.consented(state, "ann")) == {"images"}
    assert consent.token(state, "ann", "pinterest") is None


def test_a_new_token_replaces_the_old_one_and_is_never_printed(state: State) -> None:
    kept = consent.Token(SecretStr("access-1"), SecretStr("refresh-1"), datetime(2026, 5, 1, tzinfo=UTC))
    consent.keep_token(state, "ann", "pinterest", consent.Token(SecretStr("access-0")))
    consent.keep_token(state, "ann", "pinterest", kept)
    assert consent.token(state, "ann", "pinterest") == kept
    assert "access-1" not in repr(kept)
    assert "refresh-1" not in repr(kept)


def test_a_tombstone_records_that_a_user_was_erased_without_naming_them(state: State, tmp_path: Path) -> None:
    consent.bury(state, "zebra-quartz")
    assert consent.erased_at(state, "zebra-quartz") is not None
    assert consent.erased_at(state, "ann") is None
    state.close()
    assert b"zebra-quartz" not in b"".join(path.read_bytes() for path in tmp_path.glob("state.sqlite*"))
