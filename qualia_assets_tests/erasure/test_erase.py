"""Erasing a user leaves nothing of them, and everything of the others."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import dagster as dg
import duckdb
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from qualia_assets.defs.catalogue import stages
from qualia_assets.defs.resources import Run
from qualia_assets.erasure.erase import erase
from qualia_assets.erasure.receipt import EraseError, Receipt
from qualia_assets.lake.blobs import blob_path, keep, thumbnail, thumbnail_path
from qualia_assets.lake.store import Lake, LakeError
from qualia_assets.lake.tables import IMAGE_REFS
from qualia_assets.runs.execution import dagster_instance
from qualia_assets.settings import load_settings
from qualia_assets.state import consent
from qualia_assets.state.crawl import Crawl, Interest, Row, Visit, digest, note_visit, set_interests
from qualia_assets.state.database import State
from qualia_assets.state.tables import answer_uses, answers, crawl_rows
from qualia_assets.users import InvalidUserKey
from qualia_assets_tests.collection import picture, write_lines
from qualia_assets_tests.lake.test_blobs import encoded, scene
from qualia_assets_tests.places import USER, lake_of, plan_of, run, settle, with_state

KEY = "zebra-quartz"
SECRET = "the ledger under the cherry floorboard"
TOKEN = "pina-zebra-3f9c2e"
TRACES = {word.encode() for word in (KEY, SECRET, TOKEN)}
STAGES = ("sources", "artefacts", "caption_embeddings", "item_overview", "user_overview")
"""Made of both users, as they are quick; another test erases what a complete run leaves."""


def write_items(folder: Path, said: str, pictures: dict[str, int]) -> Path:
    """Write a few posts and pins of a person as a folder; ``pictures`` are seeds by name."""
    (folder / "images").mkdir(parents=True)
    write_lines(folder / "posts.jsonl", [{"id": f"p{n}", "title": said, "body": said} for n in range(2)])
    for name, seed in pictures.items():
        picture(seed).save(folder / "images" / f"{name}.png")
    pins = folder / "pins.jsonl"
    write_lines(pins, [{"id": name, "image": f"images/{name}.png", "title": said} for name in pictures])
    return folder


def everything_in(place: Path) -> Iterator[tuple[str, bytes]]:
    """Everything in the lake, Dagster's home and the state by file: names, bytes, and unpacked values."""
    found = [path for below in ("lake/**/*", "dagster/**/*", "state.sqlite*") for path in place.glob(below)]
    # All read before one is opened: SQLite removes its logs when it closes a database.
    for path, data in {path: path.read_bytes() for path in found if path.is_file()}.items():
        name = path.relative_to(place).as_posix()
        yield name, name.encode()
        yield name, data
        if path.suffix == ".parquet":
            yield name, str(pq.ParquetFile(path).read().to_pylist()).encode()
        elif path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as marts:
                for (table,) in marts.execute("SELECT table_name FROM duckdb_tables()").fetchall():
                    yield f"{name}:{table}", str(marts.execute(f'FROM "{table}"').fetchall()).encode()
        elif data.startswith(b"SQLite format 3"):
            yield from ((f"{name}:{table}", value) for table, value in _values(path))


def _values(path: Path) -> Iterator[tuple[str, bytes]]:
    with closing(sqlite3.connect(path)) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for value in (value for row in connection.execute(f'SELECT * FROM "{table}"') for value in row):
                yield table, value if isinstance(value, bytes) else str(value).encode()
                if table == "snapshots" and isinstance(value, bytes):
                    yield table, zlib.decompress(value)


def traces(place: Path) -> set[tuple[bytes, str]]:
    return {(trace, name) for name, data in everything_in(place) for trace in TRACES if trace in data}


def files(place: Path, pattern: str = "**/*") -> dict[Path, bytes]:
    """The contents of files, except for what SQLite records about its readers."""
    found = (path for path in place.glob(pattern) if path.is_file())
    return {path: path.read_bytes() for path in found if not path.name.endswith(("-wal", "-shm"))}


def answers_of(user: str | None = None) -> set[str]:
    """Keys of the answers that a user needs, or of all."""

    def keys(state: State) -> set[str]:
        mine = sa.true() if user is None else answer_uses.c.user == user
        with state.engine.connect() as connection:
            return set(connection.scalars(sa.select(answers.c.key).outerjoin(answer_uses).where(mine)))

    return with_state(keys)


def erased(user: str = KEY, dry_run: bool = False) -> Receipt:
    def work(state: State) -> Receipt:
        with dagster_instance(state) as instance:
            return erase(user, load_settings(), state, instance, dry_run)

    return with_state(work)


def stale_marts() -> list[str]:
    def stale(state: State) -> list[str]:
        settings = load_settings()
        of_all = Run("", settings, Lake(settings.lake), state)
        return [step.name for step in stages() if not step.per_user and not step.is_fresh(of_all)]

    return with_state(stale)


def counts(receipt: Receipt) -> dict[str, int]:
    return {line.what: line.count for line in receipt.lines}


def consent_of_the_other(state: State) -> None:
    """They agreed to a source, too, which is not due."""
    state.add_user(USER)
    consent.consent(state, USER, "pinterest")
    note_visit(state, USER, "pinterest", Visit(datetime.now(UTC), "complete", 1, asked_for=digest([])))


def remember(state: State) -> None:
    """What a crawl, a consent and Dagster's daemons keep of a user beside the runs."""
    consent.consent(state, KEY, "pinterest")
    consent.keep_token(state, KEY, "pinterest", consent.Token(SecretStr(TOKEN)))
    mine = Crawl(state, "pinterest", KEY)
    mine.account([Row("board", "1", {"name": SECRET})], {"pins:1": {"bookmark": TOKEN}})
    set_interests(state, KEY, "substack", [Interest("11", 0), Interest("22", 1)])
    set_interests(state, USER, "substack", [Interest("22", 0)])
    shared = Crawl(state, "substack")
    for publication, said in (("11", SECRET), ("22", "public words")):
        rows = [Row("publication", publication, {"name": said})]
        rows.append(Row("post", f"{publication}/a", {"text": said}, parent=publication))
        shared.account(rows, {f"feed:{publication}": {"etag": said}})
    with dagster_instance(state) as instance:
        remember_in_dagster(instance)


def remember_in_dagster(instance: dg.DagsterInstance) -> None:
    from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
    from dagster._core.scheduler.instigation import InstigatorType, TickData, TickStatus
    from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value

    from qualia_assets.defs.partitions import USERS

    for user in (USER, KEY):
        keys = {"run_ids": [], "run_keys": [f"{user} 2026-01-01T00:07"]}
        tick = ("origin", "due_users", InstigatorType.SCHEDULE, TickStatus.SUCCESS)
        instance.create_tick(TickData(*tick, timestamp=1.0, **keys))
        instance.add_backfill(
            PartitionBackfill(
                f"of-{user[:5]}",
                BulkActionStatus.COMPLETED_SUCCESS,
                from_failure=False,
                tags={"dagster/note": user},
                backfill_timestamp=1.0,
                asset_selection=[dg.AssetKey("artefacts")],
                serialized_asset_backfill_data=json.dumps({"partitions": [user]}),
            )
        )
        instance.report_runless_asset_event(dg.AssetMaterialization("artefacts", partition=user))
    get_and_update_asset_status_cache_value(instance, dg.AssetKey("artefacts"), USERS)


def leave_in_free_pages(database: Path) -> None:
    """What SQLite leaves of deleted rows, unless it was built to overwrite them."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("CREATE TABLE deleted (words TEXT)")
        connection.execute("INSERT INTO deleted VALUES (?)", [SECRET * 2000])
        connection.execute("DROP TABLE deleted")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert SECRET.encode() in database.read_bytes()


@dataclass(frozen=True)
class Two:
    """A place with two users, and the answers from before the second came."""

    place: Path
    answered: set[str]

    def picture(self, folder: str, name: str) -> str:
        return sha256((self.place / folder / "images" / f"{name}.png").read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Two:
    place = tmp_path_factory.mktemp("two") / "place"
    place.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUALIA_MODELS", str(tmp_path_factory.getbasetemp().parent / "models"))
        settle(patch, place)
        with_state(consent_of_the_other)
        theirs = write_items(place / "theirs", "public words", {"shared": 0, "theirs": 1})
        run(source=theirs, only=STAGES, recorded=True)
        two = Two(place, answers_of())
        mine = write_items(place / "mine", SECRET, {"shared": 0, "own": 2})
        run(source=mine, user=KEY, only=STAGES, recorded=True)
        run(user=KEY, only=["marts"])
        with_state(remember)
        for name in ("shared", "own"):
            thumbnail(lake_of(place), two.picture("mine", name), 64)
        for database in ("state.sqlite", "dagster/history/runs.db", "dagster/history/runs/index.db"):
            leave_in_free_pages(place / database)
    return two


@pytest.fixture
def two(made: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Two:
    """A copy to erase in."""
    copy = replace(made, place=tmp_path / "place")
    shutil.copytree(made.place, copy.place)
    settle(monkeypatch, copy.place)
    return copy


def test_erasing_a_user_leaves_nothing_of_them_and_everything_of_another(two: Two) -> None:
    place, lake = two.place, lake_of(two.place)
    others, plan = files(place, f"lake/*/user={USER}/**/*"), plan_of(USER)
    assert {step.name for step in plan.fresh} >= {"folder_items", "artefacts", "caption_embeddings"}
    assert {trace for trace, _ in traces(place)} == TRACES
    before = files(place)

    would = erased(dry_run=True)

    assert files(place) == before
    went = erased()
    assert went == would
    assert min(count for what, count in counts(went).items() if "addresses" not in what) > 0
    assert KEY not in str(went)

    assert traces(place) == set()
    assert answers_of() == two.answered
    for path in (blob_path, thumbnail_path, lambda *of: thumbnail_path(*of, 64)):
        assert path(lake, two.picture("mine", "shared")).exists()
        assert not path(lake, two.picture("mine", "own")).exists()
    assert files(place, f"lake/*/user={USER}/**/*") == others
    assert plan_of(USER) == plan
    assert stale_marts() == []
    with duckdb.connect(str(place / "lake" / "qualia.duckdb"), read_only=True) as marts:
        assert marts.execute("SELECT user FROM user_overview").fetchall() == [(USER,)]
    with dg.DagsterInstance.get() as instance:
        for asset in ("caption_embeddings", "artefacts"):
            last = instance.get_latest_materialization_event(dg.AssetKey(asset))
            assert last is not None
            assert last.asset_materialization is not None
            assert last.asset_materialization.partition == USER
            assert instance.get_materialized_partitions(dg.AssetKey(asset)) == {USER}
        assert instance.get_dynamic_partitions("users") == [USER]
        assert {run.tags["dagster/partition"] for run in instance.get_runs()} == {USER}
        assert len(instance.get_backfills()) == 1
    with_state(_shared_rows_are_those_of_the_other)
    assert erased().is_empty


def _shared_rows_are_those_of_the_other(state: State) -> None:
    shared = Crawl(state, "substack")
    assert (set(shared.rows("publication")), set(shared.rows("post"))) == ({"22"}, {"22/a"})
    assert set(shared.cursors()) == {"feed:22"}
    assert set(consent.consented(state, USER)) == {"pinterest"}
    assert consent.erased_at(state, KEY) is not None
    assert consent.erased_at(state, USER) is None


def test_erasing_a_user_after_a_complete_run_and_the_experiment_leaves_nothing_of_them(place: Path) -> None:
    titles = {title for title in lake_of(place).read("artefacts", USER)["title"].to_pylist() if title}
    assert len(titles) > 100
    trace = re.compile("|".join(map(re.escape, (*titles, f"user={USER}", f"'{USER}'"))).encode())

    erased(USER)

    found = {name for name, data in everything_in(place) if data == USER.encode() or trace.search(data)}
    assert found == set()
    assert answers_of() == answers_of("") != set()


KILLED = """if True:
    import os, signal, sys
    from pathlib import Path
    import sqlalchemy as sa
    from qualia_assets.runs.execution import dagster_instance
    from qualia_assets.erasure.erase import erase
    from qualia_assets.settings import load_settings
    from qualia_assets.state.database import State
    import qualia_assets.definitions

    def attempt(steps):
        left = iter(range(steps))
        def tick():
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
        def counted(work):
            def of(*args, **kwargs):
                tick()
                return work(*args, **kwargs)
            return of
        @sa.event.listens_for(sa.Engine, "before_cursor_execute")
        def _(connection, cursor, statement, *rest):
            if statement.lstrip().upper().startswith(("DELETE", "UPDATE", "INSERT")):
                tick()
        Path.unlink, os.rmdir, os.replace = counted(Path.unlink), counted(os.rmdir), counted(os.replace)
        state = State(load_settings().state_url)
        with dagster_instance(state) as instance:
            erase(sys.argv[1], load_settings(), state, instance, False)

    killed = 0
    for steps in (2, 6, 12, 24, 40, 10_000):
        child = os.fork()
        if child == 0:
            attempt(steps)
            os._exit(0)
        killed += os.waitpid(child, 0)[1] == signal.SIGKILL
    print(killed)
"""


def test_an_erasure_that_is_killed_again_and_again_is_completed_by_the_next(two: Two) -> None:
    others, plan = files(two.place, f"lake/*/user={USER}/**/*"), plan_of(USER)

    done = subprocess.run([sys.executable, "-c", KILLED, KEY], capture_output=True, text=True, check=True)

    assert int(done.stdout) >= 4
    assert traces(two.place) == set()
    assert answers_of() == two.answered
    assert files(two.place, f"lake/*/user={USER}/**/*") == others
    assert plan_of(USER) == plan
    assert stale_marts() == []
    assert erased().is_empty


def erase_from_stores(state: State, user: str = KEY) -> Receipt:
    """Erase a user of whom Dagster has no records."""
    return erase(user, load_settings(), state, None, dry_run=False)


def test_a_user_with_a_run_under_way_is_not_erased(state: State, instance: dg.DagsterInstance) -> None:
    from dagster._core.test_utils import create_run_for_test

    state.add_user(KEY)
    tags = {"dagster/partition": KEY}
    begun = create_run_for_test(instance, status=dg.DagsterRunStatus.STARTED, tags=tags)
    instance.report_engine_event("at work", begun)

    with pytest.raises(EraseError, match="is under way"):
        erase(KEY, load_settings(), state, instance, dry_run=False)
    assert state.users() == [KEY]


def test_traces_in_a_database_that_is_held_open_are_reported_and_removed_by_the_next_erasure(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.add_user(KEY)
    Crawl(state, "pinterest", KEY).account([Row("board", "1", {"name": SECRET * 2000})])
    file, connect = Path(str(state.engine.url.database)), sqlite3.connect
    reader = connect(file, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM crawl_rows").fetchone()
    monkeypatch.setattr(sqlite3, "connect", lambda path, **how: connect(path, **{**how, "timeout": 0}))

    with pytest.raises(EraseError, match="holds open"):
        erase_from_stores(state)
    reader.close()
    erase_from_stores(state)

    assert state.users() == []
    assert [p.name for p in file.parent.glob("state.sqlite*") if SECRET.encode() in p.read_bytes()] == []


def test_an_erased_user_who_is_added_again_is_new_and_no_longer_recorded_as_erased(state: State) -> None:
    state.add_user(KEY)
    consent.consent(state, KEY, "images")
    erase_from_stores(state)
    assert consent.erased_at(state, KEY) is not None

    assert state.add_user(KEY)

    assert consent.erased_at(state, KEY) is None
    assert consent.consented(state, KEY) == {}


@pytest.mark.parametrize("key", ["", "*", "../x", "A"])
def test_an_invalid_user_key_is_refused(state: State, key: str) -> None:
    with pytest.raises(InvalidUserKey, match="not a user key"):
        erase_from_stores(state, key)


def fetched(state: State, lake: Lake, user: str, pictures: dict[str, int]) -> dict[str, str]:
    """Leave what a fetch of pictures leaves, and the user's table of it; return hashes by address."""
    found = {url: keep(lake, encoded(scene(seed), "PNG")) for url, seed in pictures.items()}
    at = datetime.now(UTC)
    rows = [{"url": url, "sha256": sha, "status": "ok", "fetched_at": at} for url, sha in found.items()]
    payloads = [{**row, "fetched_at": at.isoformat()} for row in rows]
    Crawl(state, "images").account([Row("picture", p["url"], p, parent=p["url"]) for p in payloads])
    state.add_user(user)
    lake.write(IMAGE_REFS, user, IMAGE_REFS.table(rows))
    return found


def test_pictures_and_addresses_stay_while_another_user_refers_to_them(lake: Lake, state: State) -> None:
    mine = fetched(state, lake, KEY, {"https://a/own": 1, "https://a/both": 2, "https://a/copy": 3})
    fetched(state, lake, "ann", {"https://a/both": 2, "https://b/copy": 3, "https://b/hers": 4})

    receipt = erase_from_stores(state)

    addresses = set(Crawl(state, "images").rows("picture"))
    assert addresses == {"https://a/both", "https://b/copy", "https://b/hers"}
    kept = {url: blob_path(lake, sha).exists() for url, sha in mine.items()}
    assert kept == {"https://a/own": False, "https://a/both": True, "https://a/copy": True}
    assert (counts(receipt)["addresses of pictures"], counts(receipt)["pictures"]) == (2, 1)


def test_what_nobody_refers_to_is_erased_too_unless_it_is_new(lake: Lake, state: State) -> None:
    old, new = (keep(lake, encoded(scene(seed), "PNG")) for seed in (1, 2))
    long_ago = (datetime.now(UTC) - timedelta(days=1)).timestamp()
    os.utime(blob_path(lake, old), (long_ago, long_ago))
    shared = Crawl(state, "substack")
    for publication in ("old", "new"):
        post = Row("post", f"{publication}/a", {}, parent=publication)
        shared.account([post], {f"archive:{publication}": {}})
    with state.engine.begin() as connection:
        of_old = crawl_rows.c.parent == "old"
        connection.execute(sa.update(crawl_rows).where(of_old).values(changed_at=datetime(2020, 1, 1)))

    erase_from_stores(state)

    assert [blob_path(lake, sha).exists() for sha in (old, new)] == [False, True]
    assert set(shared.rows("post")) == {"new/a"}
    assert set(shared.cursors()) == {"archive:new"}


def test_answers_stay_while_another_user_needs_them_or_they_belong_to_nobody(state: State) -> None:
    for user in (KEY, "ann"):
        state.add_user(user)
    state.of(KEY).keep_answers("annotation", "local", {"own": b"1", "both": b"2", "word": b"3"})
    state.of("ann").answers(["both"])
    state.answers(["word"])

    receipt = erase_from_stores(state)

    assert set(state.answers(["own", "both", "word"])) == {"both", "word"}
    assert counts(receipt)["answers of providers"] == 1


def test_nothing_is_erased_while_a_table_of_another_user_is_damaged(lake: Lake, state: State) -> None:
    fetched(state, lake, KEY, {"https://a/own": 1})
    fetched(state, lake, "ann", {"https://b/hers": 2})
    lake.path("image_refs", "ann").write_bytes(b"PAR1 no more")

    with pytest.raises(LakeError, match="is damaged"):
        erase_from_stores(state)

    assert lake.exists("image_refs", KEY)
    assert KEY in state.users()
    assert consent.erased_at(state, KEY) is None
