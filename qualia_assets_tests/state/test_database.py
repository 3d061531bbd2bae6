"""Users, their sources and cached answers, in a database that several processes may write at once."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.schema import CreateTable

from qualia_assets.settings import Settings
from qualia_assets.state.database import State, StateError, UserSource, answer_key, answers, metadata
from qualia_assets.users import InvalidUserKey
from qualia_assets_tests.places import PROJECT_ROOT


def test_a_user_is_added_once(state: State) -> None:
    assert [state.add_user(user) for user in ("zoe", "ann", "ann")] == [True, True, False]
    assert state.users() == ["ann", "zoe"]


def test_an_invalid_user_key_is_not_stored(state: State) -> None:
    with pytest.raises(InvalidUserKey, match="not a user key"):
        state.set_source("../ann", "folder", "/somewhere")
    assert state.users() == []


def test_a_new_location_replaces_that_of_the_same_source_only(state: State) -> None:
    for source, location in (("folder", "/old"), ("demo", "demo"), ("folder", "/new")):
        state.set_source("ann", source, location)
    assert state.source("ann", "folder") == UserSource("ann", "folder", "/new")
    assert state.source("ann", "demo") == UserSource("ann", "demo", "demo")
    assert state.source("ann", "pinterest") is None
    assert state.source("bob", "folder") is None
    assert state.users() == ["ann"]


def test_an_answer_is_found_by_its_key_and_never_changed(state: State) -> None:
    state.keep_answers("embedding", "local", {"k1": b"first", "k2": b"\x00\xff"})
    state.keep_answers("embedding", "local", {"k1": b"second", "k3": b""})
    state.keep_answers("embedding", "local", {})
    assert state.answers(["k1", "k2", "k3", "k4"]) == {"k1": b"first", "k2": b"\x00\xff", "k3": b""}
    assert state.answers([]) == {}


def test_more_answers_are_found_than_one_query_has_parameters(state: State) -> None:
    payloads = {f"key {i}": str(i).encode() for i in range(1203)}
    state.keep_answers("embedding", "local", payloads)
    assert state.answers(iter([*payloads, "another"])) == payloads


def test_the_database_and_its_folder_are_created_for_several_processes(tmp_path: Path) -> None:
    state = State(f"sqlite:///{tmp_path}/not/yet/state.sqlite")
    with state.engine.connect() as connection:
        assert connection.scalar(sa.text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(sa.text("PRAGMA foreign_keys")) == 1
        assert connection.scalar(sa.text("PRAGMA busy_timeout")) >= 10_000
    state.close()


def test_a_reader_does_not_wait_for_a_writer(state: State, settings: Settings) -> None:
    state.keep_answers("embedding", "local", {"k": b"kept"})
    other = State(settings.state_url)
    with state.engine.begin() as writing:
        writing.execute(sa.delete(answers))
        assert other.answers(["k"]) == {"k": b"kept"}
    assert other.answers(["k"]) == {}
    other.close()


WRITER = """
import sys
from qualia_assets.state.database import State
print("ready", flush=True)
sys.stdin.read()
state = State(sys.argv[1])
state.set_source("ann", "folder", sys.argv[2])
for batch in range(5):
    keys = [f"{batch} {i}" for i in range(400)]
    state.keep_answers("embedding", "local", dict.fromkeys(keys, sys.argv[2].encode()))
"""


def test_two_processes_can_store_the_same_answers_at_once(settings: Settings) -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "cwd": PROJECT_ROOT}
    commands = [[sys.executable, "-c", WRITER, settings.state_url, name] for name in ("one", "two")]
    writers: list[Any] = [subprocess.Popen(command, **pipes) for command in commands]
    assert [writer.stdout.readline() for writer in writers] == [b"ready\n"] * 2
    for writer in writers:
        writer.stdin.close()
    assert [writer.wait() for writer in writers] == [0, 0]

    state = State(settings.state_url)
    assert state.users() == ["ann"]
    for batch in range(5):
        kept = state.answers(f"{batch} {i}" for i in range(400))
        assert len(kept) == 400
        assert set(kept.values()) in ({b"one"}, {b"two"}), "a batch is one transaction"
    state.close()


def test_statements_are_valid_for_postgres() -> None:
    postgres = State.__new__(State)  # without the server and the driver that its __init__ asks for
    postgres.engine = sa.create_mock_engine("postgresql://", executor=print)  # type: ignore[assignment]
    dialect = postgres.engine.dialect
    insert = str(postgres.insert_missing(answers).compile(dialect=dialect))
    assert insert.startswith("INSERT INTO answers (")
    assert insert.endswith("ON CONFLICT DO NOTHING")
    tables = [CreateTable(table, if_not_exists=True) for table in metadata.sorted_tables]
    created = [str(table.compile(dialect=dialect)) for table in tables]
    assert all("CREATE TABLE IF NOT EXISTS" in statement for statement in created)
    assert any("payload BYTEA NOT NULL" in statement for statement in created)
    assert all('"user"' in statement for statement in created if "user VARCHAR" in statement.replace('"', ""))


PARTS: list[Any] = ["embedding", "local", "1", {"a": 1, "b": 2}, "content"]
OTHERS: list[Any] = ["annotation", "other", "2", {"a": 1}, "other"]


@pytest.mark.parametrize("part", range(5), ids=["kind", "provider", "version", "parameters", "content"])
def test_every_part_of_a_key_changes_it(part: int) -> None:
    assert answer_key(*PARTS[:part], OTHERS[part], *PARTS[part + 1 :]) != answer_key(*PARTS)


def test_the_order_of_parameters_does_not_change_a_key() -> None:
    assert answer_key(*PARTS[:3], {"b": 2, "a": 1}, *PARTS[4:]) == answer_key(*PARTS)


@given(st.text('a", ', max_size=6), st.integers(0, 6), st.integers(0, 6))
def test_where_one_part_of_a_key_ends_and_the_next_begins_matters(text: str, cut: int, other: int) -> None:
    one, two = (text[:cut], text[cut:]), (text[:other], text[other:])
    assert (answer_key("k", *one, {}, "") == answer_key("k", *two, {}, "")) is (one == two)


@pytest.mark.parametrize("url", ["postgresql://me:secret@nowhere/db", "no-such-database://x", "://"])
def test_the_error_for_an_unusable_database_names_the_setting_but_no_password(url: str) -> None:
    with pytest.raises(StateError, match="QUALIA_STATE") as error:
        State(url)
    assert "secret" not in str(error.value)
