"""Snapshots of a lake that changes: tables that belong together, or a sentence why a table is left out."""

import os
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from qualia_assets.defs.catalogue import stages
from qualia_assets.lake.snapshot import MOST_USERS, ON_DEMAND, Damaged, NotThere, Snapshot, Snapshots
from qualia_assets.lake.store import Lake
from qualia_assets_tests.web.lakes import ORDER, item_id, spec_of, write, write_user

PLAIN = ORDER[:-2]
"""Tables that need no DuckDB, which is slow."""


@pytest.fixture
def snapshots(lake: Lake) -> Snapshots:
    """Of a lake with one user, 'ann'."""
    write_user(lake, "ann", tables=PLAIN)
    return Snapshots(lake)


@pytest.fixture
def newer(lake: Lake) -> Lake:
    """Another lake, with newer tables of the same user."""
    other = Lake(lake.root.with_name("newer"))
    write_user(other, "ann", seed=1, tables=PLAIN)
    return other


def _seeds(snapshot: Snapshot) -> set[str]:
    """The seeds of the items in all tables."""
    with_items = (table for table in snapshot.infos if "artefact_id" in spec_of(table).schema().names)
    ids = (name for table in with_items for name in snapshot.table(table)["artefact_id"].to_pylist())
    return {name.split("-")[1] for name in ids}


def _open_files(below: Path) -> list[str]:
    """Files below a folder that this process has open, including deleted ones."""
    found = []
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            found.append(os.readlink(f"/proc/self/fd/{number}"))
    return [name for name in found if name.startswith(str(below))]


def test_tables_older_than_their_inputs_are_left_out_with_a_reason(lake: Lake) -> None:
    write_user(lake, "ann")
    write_user(lake, "ann", seed=1, tables=["annotations"])
    snapshot = Snapshots(lake).of("ann")
    assert not snapshot.complete
    assert snapshot.has("artefacts", "annotations", "raw_embeddings")
    assert not any(snapshot.has(name) for name in ORDER[4:]), "all are made of annotations"
    said = snapshot.why_not("annotation_embeddings", "artefacts", "cluster_pairs", "figures")
    assert said == [
        "The stage annotation_embeddings is older than annotations, of which it is made: a run is under way, "
        "or was stopped. `qualia run --user ann` makes it.",
        "The stage cluster_pairs is made of cluster_cards, which is out of date: a run is under way, or was "
        "stopped. `qualia run --user ann` makes it.",
        "The stage figures was not made yet. `qualia run --user ann` makes it.",
    ]
    with pytest.raises(NotThere, match="older than annotations"):
        snapshot.table("annotation_embeddings")
    assert snapshot.rows("annotation_embeddings") == []


def test_while_a_run_replaces_tables_every_snapshot_is_all_old_or_all_new(lake: Lake) -> None:
    write_user(lake, "ann", items=20, tables=PLAIN)
    snapshots = Snapshots(lake)
    snapshots.of("ann")
    done = threading.Event()

    def read() -> list[str]:
        seen: list[str] = []
        while not done.is_set():
            snapshot = snapshots.of("ann")
            assert snapshot.has(*PLAIN)
            (seed,) = _seeds(snapshot)
            if seed not in seen[-1:]:
                seen.append(seed)
        return seen

    with ThreadPoolExecutor(4) as readers:
        reading = [readers.submit(read) for _ in range(4)]
        try:
            for seed in range(1, 5):
                write_user(lake, "ann", items=20, seed=seed, tables=PLAIN)
                assert _seeds(snapshots.of("ann")) == {str(seed)}
        finally:
            done.set()
        seen = [reader.result(timeout=20) for reader in reading]
    assert all(order == sorted(order) for order in seen)
    assert len(set().union(*seen)) >= 3


def test_during_a_run_the_tables_from_before_it_are_shown(lake: Lake, snapshots: Snapshots) -> None:
    before = snapshots.of("ann")
    write_user(lake, "ann", seed=1, tables=ORDER[:6])
    assert snapshots.of("ann") is before
    assert snapshots.behind("ann")
    write_user(lake, "ann", seed=1, tables=PLAIN[6:])
    assert _seeds(snapshots.of("ann")) == {"1"}
    assert not snapshots.behind("ann")


def test_tables_made_on_demand_do_not_hold_back_the_others(lake: Lake, snapshots: Snapshots) -> None:
    assert {spec.name for step in stages() if step.on_demand for spec in step.specs} == ON_DEMAND
    write(lake, "ann", "cluster_agreement", [])
    assert snapshots.of("ann").has("cluster_agreement")
    write_user(lake, "ann", seed=1, tables=PLAIN)
    now = snapshots.of("ann")
    assert _seeds(now) == {"1"}
    assert not snapshots.behind("ann")
    assert "`qualia experiment --user ann` makes it." in now.why_not("cluster_agreement")[0]


@pytest.mark.parametrize("complete", [True, False])
def test_a_lake_replaced_by_renaming_is_shown_at_the_next_request(
    lake: Lake, snapshots: Snapshots, newer: Lake, complete: bool
) -> None:
    if not complete:  # made by a run that was stopped, and to be shown nevertheless
        write_user(newer, "ann", seed=2, tables=ORDER[:4])
    before = snapshots.of("ann")
    lake.root.rename(lake.root.with_name("gone"))
    newer.root.rename(lake.root)
    assert _seeds(snapshots.of("ann")) == ({"1"} if complete else {"2"})
    assert _seeds(before) == {"0"}, "what a page still holds stays readable"


BREAK: dict[str, Callable[[Path], object]] = {
    "garbage": lambda path: path.write_bytes(b"<html>no table</html>" * 50),
    "truncated": lambda path: os.truncate(path, path.stat().st_size // 2),
    "empty": lambda path: os.truncate(path, 0),
    "folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("how", BREAK)
def test_only_a_damaged_table_is_left_out(lake: Lake, snapshots: Snapshots, how: str, known: bool) -> None:
    if known:
        snapshots.of("ann").table("artefacts")
    BREAK[how](lake.path("annotations", "ann"))
    snapshot = snapshots.of("ann")
    if how == "folder" and known:  # the open file was replaced, not damaged
        assert snapshot.has(*PLAIN)
        return
    assert snapshot.why_not(*PLAIN) == [
        "The stage annotations is damaged. `qualia run --user ann --from annotations --force` makes it."
    ]
    assert snapshot.table("annotation_embeddings").num_rows == 60


def test_tables_made_from_a_missing_one_have_to_agree_with_the_newest_of_them(
    lake: Lake, snapshots: Snapshots
) -> None:
    write_user(lake, "ann", seed=1, tables=["artefacts", "annotations"])
    lake.path("artefacts", "ann").unlink()
    snapshot = snapshots.of("ann")
    assert snapshot.has("annotations")
    assert not snapshot.has("raw_embeddings")
    assert "older than artefacts" in snapshot.why_not("raw_embeddings")[0]


def test_a_table_found_to_be_damaged_on_reading_is_left_out_from_then_on(
    lake: Lake, snapshots: Snapshots
) -> None:
    path = lake.path("annotations", "ann")
    at = pq.read_metadata(path).row_group(0).column(2).dictionary_page_offset or 4
    body = path.read_bytes()
    path.write_bytes(body[:at] + b"\xff" * 40 + body[at + 40 :])
    snapshot = snapshots.of("ann")
    assert snapshot.has("annotations"), "its footer is whole"
    tag = snapshot.tag
    with pytest.raises(Damaged, match="--from annotations --force"):
        snapshot.table("annotations")
    assert "is damaged" in snapshot.why_not("annotations")[0]
    assert snapshot.tag != tag
    assert snapshot.rows("annotations") == []


def test_a_file_overwritten_in_place_is_never_mixed_with_the_others(
    lake: Lake, snapshots: Snapshots, newer: Lake
) -> None:
    held = snapshots.of("ann")
    for name in PLAIN:
        shutil.copyfile(newer.path(name, "ann"), lake.path(name, "ann"))
    with pytest.raises(Damaged):
        held.table("artefacts")
    assert _seeds(snapshots.of("ann")) == {"1"}


def test_files_of_an_erased_user_are_closed_at_the_next_request(lake: Lake, snapshots: Snapshots) -> None:
    write_user(lake, "bob", tables=PLAIN)
    snapshots.of("ann").space("annotation_embeddings")
    snapshots.compute("ann", lambda snapshot: snapshot.user)
    snapshots.of("bob")
    assert any("user=ann" in name for name in _open_files(lake.root))
    for path in lake.root.glob("*/user=ann"):
        shutil.rmtree(path)
    snapshots.of("bob")
    assert not any("user=ann" in name for name in _open_files(lake.root))
    assert snapshots.users() == ["bob"]
    for asked in (snapshots.of, lambda user: snapshots.compute(user, lambda snapshot: snapshot.user)):
        with pytest.raises(NotThere, match="no user 'ann' in this lake \\(users: bob\\)"):
            asked("ann")


def test_vectors_are_mapped_once_for_all_callers_and_are_read_only(snapshots: Snapshots) -> None:
    snapshot = snapshots.of("ann")
    with ThreadPoolExecutor(8) as threads:
        spaces = list(threads.map(snapshot.space, ["annotation_embeddings"] * 32))
    assert len({id(space) for space in spaces}) == 1
    space = spaces[0]
    assert space.vectors[space.row[item_id("ann", 7)]].shape == (384,)
    with pytest.raises(ValueError, match="read-only"):
        space.vectors[0, 0] = 1.0
    mapped = Path("/proc/self/maps").read_text(encoding="utf-8")
    assert "(deleted)" in mapped, "the vectors are in a file without a name"


def test_only_a_few_users_are_held_open_at_once(lake: Lake) -> None:
    users = [f"u{n}" for n in range(MOST_USERS + 3)]
    for user in users:
        write_user(lake, user, items=4, tables=ORDER[:3])
    snapshots = Snapshots(lake)
    for user in [*users, *users]:
        assert snapshots.of(user).has(*ORDER[:3])
    held = {name.split("user=")[1].split("/")[0] for name in _open_files(lake.root)}
    assert held == set(users[-MOST_USERS:])


def test_what_is_computed_of_a_user_is_kept_until_a_table_is_replaced_and_holds_no_file_open(
    lake: Lake, snapshots: Snapshots
) -> None:
    calls: list[int] = []

    def ids(snapshot: Snapshot) -> list[str]:
        calls.append(1)
        found: list[str] = snapshot.part("artefacts", ["artefact_id"])["artefact_id"].to_pylist()
        return found

    assert snapshots.compute("ann", ids) == snapshots.compute("ann", ids)
    assert len(calls) == 1
    assert _open_files(lake.root) == []
    write_user(lake, "ann", seed=1, tables=["artefacts"])
    assert snapshots.compute("ann", ids)[0] == item_id("ann", 0, seed=1)


def test_only_valid_user_keys_are_users(lake: Lake, snapshots: Snapshots) -> None:
    for name in ("user=..", "user=Ann", "user=a b", "ann", "user="):
        shutil.copytree(lake.folder("artefacts", "ann"), lake.root / "artefacts" / name)
    lake.path("artefacts", "bob").parent.mkdir()  # a folder without a table
    assert snapshots.users() == ["ann"]
    for user in ("..", "../ann", "Ann", "a b", "", "ann/", "*", "ann\0", "a" * 64, "ann\n"):
        with pytest.raises(NotThere):
            snapshots.of(user)


def test_without_a_lake_there_are_no_users(lake: Lake) -> None:
    assert Snapshots(lake).users() == []
    with pytest.raises(NotThere, match="users: none yet"):
        Snapshots(lake).of("ann")
