"""Users, their sources, and answers that are asked for once, kept where several processes may write."""

import subprocess
import sys
from pathlib import Path

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
    assert state.add_user("zoe")
    assert state.add_user("ann")
    assert not state.add_user("ann")
    assert state.users() == ["ann", "zoe"]


def test_a_name_that_is_no_user_key_is_refused_before_it_is_kept(state: State) -> None:
    with pytest.raises(InvalidUserKey, match="not a user key"):
        state.set_source("../ann", "folder", "/somewhere")

    assert state.users() == []


def test_a_new_source_of_a_name_takes_the_place_of_the_old_one(state: State) -> None:
    state.set_source("ann", "folder", "/old")
    state.set_source("ann", "demo", "demo")
    state.set_source("ann", "folder", "/new")

    assert state.source("ann", "folder") == UserSource("ann", "folder", "/new")
    assert state.source("ann", "demo") == UserSource("ann", "demo", "demo")
    assert state.users() == ["ann"]


def test_where_nothing_was_noted_there_is_no_source(state: State) -> None:
    state.set_source("ann", "folder", "/there")

    assert state.source("ann", "demo") is None
    assert state.source("bob", "folder") is None


def test_answers_are_found_by_key_and_an_old_answer_stays(state: State) -> None:
    state.keep_answers("embedding", "local", {"k1": b"first", "k2": b"\x00\xff"})
    state.keep_answers("embedding", "local", {"k1": b"second", "k3": b""})
    state.keep_answers("embedding", "local", {})

    assert state.answers(["k1", "k2", "k3", "k4"]) == {"k1": b"first", "k2": b"\x00\xff", "k3": b""}
    assert state.answers([]) == {}


def test_more_answers_than_a_query_may_name_come_in_several(state: State) -> None:
    payloads = {f"key {i}": str(i).encode() for i in range(1203)}
    state.keep_answers("embedding", "local", payloads)

    assert state.answers(iter([*payloads, "another"])) == payloads


def test_answers_outlive_the_process_that_kept_them(settings: Settings) -> None:
    first = State(settings.state_url)
    first.keep_answers("annotation", "local", {"k": b"kept"})
    first.close()

    second = State(settings.state_url)
    assert second.answers(["k"]) == {"k": b"kept"}
    second.close()


def test_the_database_is_made_in_wal_mode_in_a_folder_that_need_not_be_there(tmp_path: Path) -> None:
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


def test_two_processes_that_keep_the_same_answers_at_once_both_succeed(settings: Settings) -> None:
    script = (
        "import sys\n"
        "from qualia_assets.state.database import State\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "state = State(sys.argv[1])\n"
        "state.set_source('ann', 'folder', sys.argv[2])\n"
        "for batch in range(5):\n"
        "    keys = [f'{batch} {i}' for i in range(400)]\n"
        "    state.keep_answers('embedding', 'local', dict.fromkeys(keys, sys.argv[2].encode()))\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, settings.state_url, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=PROJECT_ROOT,
            text=True,
        )
        for name in ("one", "two")
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()

    assert [process.wait() for process in processes] == [0, 0]

    state = State(settings.state_url)
    assert state.users() == ["ann"]
    for batch in range(5):
        kept = state.answers(f"{batch} {i}" for i in range(400))
        assert len(kept) == 400
        assert set(kept.values()) in ({b"one"}, {b"two"}), "a batch is one transaction"
    state.close()


def test_all_statements_are_ones_that_postgres_takes() -> None:
    postgres = State.__new__(State)  # without the server and the driver that its __init__ asks for
    postgres.engine = sa.create_mock_engine("postgresql://", executor=print)  # type: ignore[assignment]
    dialect = postgres.engine.dialect

    insert = str(postgres.insert_missing(answers).compile(dialect=dialect))
    assert insert.startswith("INSERT INTO answers (")
    assert insert.endswith("ON CONFLICT DO NOTHING")

    created = [
        str(CreateTable(table, if_not_exists=True).compile(dialect=dialect))
        for table in metadata.sorted_tables
    ]
    assert all("CREATE TABLE IF NOT EXISTS" in statement for statement in created)
    assert any("payload BYTEA NOT NULL" in statement for statement in created)
    assert all('"user"' in statement for statement in created if "user VARCHAR" in statement.replace('"', ""))


KEY = {
    "kind": "embedding",
    "provider": "local",
    "version": "1",
    "parameters": {"a": 1, "b": 2},
    "content": "c",
}


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "annotation"},
        {"provider": "other"},
        {"version": "2"},
        {"parameters": {"a": 1}},
        {"content": "d"},
    ],
    ids=str,
)
def test_whatever_decides_an_answer_changes_its_key(change: dict[str, object]) -> None:
    assert answer_key(**KEY) != answer_key(**{**KEY, **change})  # type: ignore[arg-type]


def test_the_order_of_parameters_does_not_change_a_key() -> None:
    other = {**KEY, "parameters": {"b": 2, "a": 1}}

    assert answer_key(**KEY) == answer_key(**other)  # type: ignore[arg-type]


@given(st.text(), st.text(), st.text(), st.text())
def test_parts_of_a_key_do_not_run_into_one_another(a: str, b: str, c: str, d: str) -> None:
    if (a, b) != (c, d):
        assert answer_key("k", a, b, {}, "") != answer_key("k", c, d, {}, "")


@pytest.mark.parametrize("url", ["postgresql://me:secret@nowhere/db", "no-such-database://x", "://"])
def test_a_database_that_cannot_be_opened_is_one_clear_line_without_its_password(url: str) -> None:
    with pytest.raises(StateError, match="QUALIA_STATE") as error:
        State(url)
    assert "secret" not in str(error.value)
