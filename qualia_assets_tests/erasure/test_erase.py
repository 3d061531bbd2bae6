"""What is left of a user who was erased: nothing; and of all others: everything."""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from qualia_assets.erasure.erase import erase
from qualia_assets.erasure.receipt import EraseError, Receipt
from qualia_assets.lake.blobs import blob_path, keep, thumbnail, thumbnail_path
from qualia_assets.lake.store import Lake, LakeError
from qualia_assets.lake.tables import IMAGE_REFS
from qualia_assets.runs.execution import dagster_instance, run_stages
from qualia_assets.runs.plan import plan_run
from qualia_assets.settings import Settings, load_settings
from qualia_assets.state import consent
from qualia_assets.state.crawl import Crawl, Interest, Row, Visit, digest, note_visit, set_interests
from qualia_assets.state.database import State
from qualia_assets.state.tables import answers, crawl_cursors, crawl_rows
from qualia_assets.users import InvalidUserKey
from qualia_assets_tests.collection import picture, write_lines
from qualia_assets_tests.lake.test_blobs import encoded, scene
from qualia_assets_tests.places import USER, lake_of, plan_of, qualia, run, settle, with_state

KEY = "zebra-quartz"
SECRET = "the ledger under the cherry floorboard"
TOKEN = "pina-zebra-3f9c2e"
OLD_SECRET = "a name that was taken out again"
TRACES = (KEY, SECRET, TOKEN, OLD_SECRET)


def write_secrets(folder: Path, shared: Path, said: str = SECRET) -> Path:
    """A few posts and pins of a person; one picture is also another user's."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(shared, folder / "images" / "shared.png")
    picture(4711).save(folder / "images" / "own.png")
    posts = [
        {"id": f"p{n}", "title": f"Evening {n}", "body": f"Rain on the tin roof, {n}."} for n in range(4)
    ]
    write_lines(folder / "posts.jsonl", [*posts, {"id": "s", "title": "Found", "body": f"It is {said}."}])
    pins = [
        {"id": f"pin-{name}", "image": f"images/{name}.png", "title": f"{name} of the {said}"}
        for name in ("shared", "own")
    ]
    write_lines(folder / "pins.jsonl", pins)
    return folder


def everything_of(place: Path) -> Iterator[tuple[str, bytes]]:
    """All bytes below the lake, the instance and the state, packed ones unpacked: files and values."""
    for path in sorted(path for path in place.rglob("*") if path.is_file()):
        name = path.relative_to(place).as_posix()
        if not name.startswith(("lake/", "dagster/", "state.sqlite")):
            continue
        yield name, name.encode()
        yield name, path.read_bytes()
        if path.suffix == ".parquet":
            yield name, str(pq.ParquetFile(path).read().to_pylist()).encode()
        elif path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as marts:
                for (table,) in marts.execute("SELECT table_name FROM duckdb_tables()").fetchall():
                    yield f"{name}:{table}", str(marts.execute(f'FROM "{table}"').fetchall()).encode()
        elif path.read_bytes().startswith(b"SQLite format 3"):
            yield from ((f"{name}:{table}", value) for table, value in _values(path))


def _values(path: Path) -> Iterator[tuple[str, bytes]]:
    with sqlite3.connect(path) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                for value in row:
                    yield table, value if isinstance(value, bytes) else str(value).encode()
                    if table == "snapshots" and isinstance(value, bytes):
                        yield table, zlib.decompress(value)


def traces(place: Path) -> set[tuple[str, str]]:
    return {
        (trace, name) for name, data in everything_of(place) for trace in TRACES if trace.encode() in data
    }


def files_of(place: Path, user: str) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in place.glob(f"lake/*/user={user}/**/*") if path.is_file()}


def hashes(place: Path) -> dict[str, str]:
    """What lies there, without what SQLite notes of who reads."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in place.rglob("*")
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


def keys_of_answers() -> set[str]:
    def asked(state: State) -> set[str]:
        with state.engine.connect() as connection:
            return set(connection.scalars(sa.select(answers.c.key)))

    found: set[str] = with_state(asked)
    return found


def erased(user: str = KEY, dry_run: bool = False) -> Receipt:
    def work(state: State) -> Receipt:
        with dagster_instance(state) as instance:
            return erase(user, load_settings(), state, instance, dry_run)

    receipt: Receipt = with_state(work)
    return receipt


def counts(receipt: Receipt) -> dict[str, int]:
    return {line.what: line.count for line in receipt.lines}


def leave_in_free_pages(database: Path) -> None:
    """What SQLite leaves of deleted rows, unless it was built to overwrite them."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("CREATE TABLE deleted (words TEXT)")
        connection.execute("INSERT INTO deleted VALUES (?)", [SECRET * 2000])
        connection.execute("DROP TABLE deleted")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert SECRET.encode() in database.read_bytes()


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

    for user in (KEY, USER):
        instance.create_tick(
            TickData(
                "origin",
                "due_users",
                InstigatorType.SCHEDULE,
                TickStatus.SUCCESS,
                timestamp=1.0,
                run_ids=[],
                run_keys=[f"{user} 2026-01-01T00:07"],
            )
        )
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
    get_and_update_asset_status_cache_value(instance, dg.AssetKey("clusters"), USERS)


@dataclass(frozen=True)
class Two:
    """A place with two users, and what there was before the second came."""

    place: Path
    answered: set[str]
    shared: str
    own: str


@pytest.fixture(scope="module")
def made(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Two:
    """The finished place, into which a second user was taken, whose collection was edited meanwhile."""
    place = tmp_path_factory.mktemp("two") / "place"
    shutil.copytree(finished, place)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUALIA_MODELS", str(tmp_path_factory.getbasetemp().parent / "models"))
        settle(patch, place)
        with_state(lambda state: _settled(state, place / "mine"))
        run(user=USER)
        answered = keys_of_answers()
        folder = write_secrets(place.parent / "secrets", place / "mine" / "images" / "0.png", OLD_SECRET)
        annotated = qualia("import", "folder", str(folder), "--user", KEY)
        assert annotated.exit_code == 0, annotated.output
        with_state(_annotate)
        write_secrets(folder, place / "mine" / "images" / "0.png")
        run(user=KEY)
        with_state(remember)
        shared, own = (
            hashlib.sha256((folder / "images" / f"{name}.png").read_bytes()).hexdigest()
            for name in ("shared", "own")
        )
        for sha256 in (shared, own):
            thumbnail(lake_of(place), sha256, 64)
        for database in ("state.sqlite", "dagster/history/runs.db", "dagster/history/runs/index.db"):
            leave_in_free_pages(place / database)
    return Two(place, answered, shared, own)


def _settled(state: State, folder: Path) -> None:
    """The other user agreed to a source too, and it is not due."""
    state.set_source(USER, "folder", str(folder))
    consent.consent(state, USER, "pinterest")
    visit = Visit(datetime.now(UTC), "complete", 1, asked_for=digest([]))
    note_visit(state, USER, "pinterest", visit)


def _annotate(state: State) -> None:
    steps = [s for s in plan_run(KEY, load_settings(), state).todo if s.group == "annotations"]
    with dagster_instance(state) as instance:
        run_stages(KEY, steps, instance)


@pytest.fixture
def two(made: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Two:
    """A copy to erase in."""
    place = tmp_path / "place"
    shutil.copytree(made.place, place)
    settle(monkeypatch, place)
    with_state(lambda state: state.set_source(USER, "folder", str(place / "mine")))
    return replace(made, place=place)


def test_of_an_erased_user_nothing_is_left_and_of_another_everything(two: Two) -> None:
    place, others, lake = two.place, files_of(two.place, USER), lake_of(two.place)
    assert {trace for trace, _ in traces(place)} == set(TRACES)
    before = hashes(place)

    would = erased(dry_run=True)

    assert hashes(place) == before
    went = erased()
    assert went == would
    assert min(count for what, count in counts(went).items() if "addresses" not in what) > 0
    assert KEY not in str(went)

    assert traces(place) == set()
    assert keys_of_answers() == two.answered
    assert blob_path(lake, two.shared).exists()
    assert thumbnail_path(lake, two.shared).exists()
    assert thumbnail_path(lake, two.shared, 64).exists()
    assert not blob_path(lake, two.own).exists()
    assert not thumbnail_path(lake, two.own).exists()
    assert not thumbnail_path(lake, two.own, 64).exists()
    assert files_of(place, USER) == others
    assert plan_of(USER).todo == ()
    with duckdb.connect(str(place / "lake" / "qualia.duckdb"), read_only=True) as marts:
        assert marts.execute("SELECT user FROM user_overview").fetchall() == [(USER,)]
    with dg.DagsterInstance.get() as instance:
        last = instance.get_latest_materialization_event(dg.AssetKey("clusters"))
        assert last is not None
        assert last.asset_materialization is not None
        assert last.asset_materialization.partition == USER
        assert instance.get_dynamic_partitions("users") == [USER]
        assert {run.tags["dagster/partition"] for run in instance.get_runs()} == {USER}
        assert instance.get_materialized_partitions(dg.AssetKey("artefacts")) == {USER}
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


KILLED = """if True:
    import os, shutil, signal, sys
    from pathlib import Path
    import sqlalchemy as sa
    import qualia_assets.erasure.erase
    from qualia_assets.runs.execution import dagster_instance
    from qualia_assets.erasure.erase import erase
    from qualia_assets.settings import load_settings
    from qualia_assets.state.database import State
    import qualia_assets.definitions

    def attempt(steps):
        left = steps
        def tick(*_, **__):
            nonlocal left
            left -= 1
            if left < 0:
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


def test_an_erasing_that_is_killed_again_and_again_is_finished_by_the_next(two: Two) -> None:
    others = files_of(two.place, USER)

    done = subprocess.run([sys.executable, "-c", KILLED, KEY], capture_output=True, text=True, check=True)

    assert int(done.stdout) >= 4
    assert traces(two.place) == set()
    assert keys_of_answers() == two.answered
    assert files_of(two.place, USER) == others
    assert plan_of(USER).todo == ()
    assert erased().is_empty


def test_a_user_whose_run_is_under_way_is_not_erased(place: Path) -> None:
    from dagster._core.test_utils import create_run_for_test

    before = files_of(place, USER)
    with dg.DagsterInstance.get() as instance:
        begun = create_run_for_test(
            instance, status=dg.DagsterRunStatus.STARTED, tags={"dagster/partition": USER}
        )
        instance.report_engine_event("at work", begun)

    with pytest.raises(EraseError, match="is under way"):
        erased(USER)
    assert files_of(place, USER) == before


def test_a_database_that_is_held_open_is_told_and_the_next_erasing_cleans_it(
    settings: Settings, state: State
) -> None:
    state.add_user(KEY)
    Crawl(state, "pinterest", KEY).account([Row("board", "1", {"name": SECRET * 2000})])
    file = Path(str(state.engine.url.database))
    reader = sqlite3.connect(file, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM crawl_rows").fetchone()

    with pytest.raises(EraseError, match="holds open"):
        erase(KEY, settings, state, None, dry_run=False)
    reader.close()
    erase(KEY, settings, state, None, dry_run=False)

    assert state.users() == []
    assert [p.name for p in file.parent.glob("state.sqlite*") if SECRET.encode() in p.read_bytes()] == []


def test_who_is_added_again_by_hand_is_no_longer_known_as_erased(settings: Settings, state: State) -> None:
    state.add_user(KEY)
    erase(KEY, settings, state, None, dry_run=False)
    assert consent.erased_at(state, KEY) is not None

    assert state.add_user(KEY)

    assert consent.erased_at(state, KEY) is None
    assert consent.consented(state, KEY) == {}


def test_what_is_no_key_is_refused(settings: Settings, state: State) -> None:
    for key in ("", "*", "../x", "A"):
        with pytest.raises(InvalidUserKey, match="not a user key"):
            erase(key, settings, state, None, dry_run=False)


def fetched(state: State, lake: Lake, user: str, pictures: dict[str, int]) -> dict[str, str]:
    """What a fetch of pictures leaves, and the user's table of it; hashes by address."""
    found = {url: keep(lake, encoded(scene(seed), "PNG")) for url, seed in pictures.items()}
    at = datetime.now(UTC)
    payloads = {url: {"sha256": s, "status": "ok", "fetched_at": at.isoformat()} for url, s in found.items()}
    Crawl(state, "images").account([Row("picture", url, p, parent=url) for url, p in payloads.items()])
    rows = [{"url": url, "sha256": s, "status": "ok", "fetched_at": at} for url, s in found.items()]
    state.add_user(user)
    lake.write(IMAGE_REFS, user, IMAGE_REFS.table(rows))
    return found


def test_pictures_and_their_addresses_stay_as_long_as_another_user_refers_to_them(
    settings: Settings, lake: Lake, state: State
) -> None:
    mine = fetched(state, lake, KEY, {"https://a/own": 1, "https://a/both": 2, "https://a/copy": 3})
    fetched(state, lake, "ann", {"https://a/both": 2, "https://b/copy": 3, "https://b/hers": 4})

    receipt = erase(KEY, settings, state, None, dry_run=False)

    assert set(Crawl(state, "images").rows("picture")) == {
        "https://a/both",
        "https://b/copy",
        "https://b/hers",
    }
    kept = {url: blob_path(lake, sha256).exists() for url, sha256 in mine.items()}
    assert kept == {"https://a/own": False, "https://a/both": True, "https://a/copy": True}
    assert (counts(receipt)["addresses of pictures"], counts(receipt)["pictures"]) == (2, 1)


def test_what_nobody_refers_to_goes_with_them_unless_it_has_only_just_come(
    settings: Settings, lake: Lake, state: State
) -> None:
    old, new = (keep(lake, encoded(scene(seed), "PNG")) for seed in (1, 2))
    long_ago = (datetime.now(UTC) - timedelta(days=1)).timestamp()
    os.utime(blob_path(lake, old), (long_ago, long_ago))
    shared = Crawl(state, "substack")
    for publication in ("old", "new"):
        shared.account(
            [Row("post", f"{publication}/a", {}, parent=publication)], {f"archive:{publication}": {}}
        )
    with state.engine.begin() as connection:
        of_old = crawl_rows.c.parent == "old"
        connection.execute(sa.update(crawl_rows).where(of_old).values(changed_at=datetime(2020, 1, 1)))

    erase(KEY, settings, state, None, dry_run=False)

    assert [blob_path(lake, sha256).exists() for sha256 in (old, new)] == [False, True]
    assert set(shared.rows("post")) == {"new/a"}
    with state.engine.connect() as connection:
        assert list(connection.scalars(sa.select(crawl_cursors.c.name))) == ["archive:new"]


def test_answers_stay_as_long_as_they_are_about_another_users_items_or_nobodys(
    settings: Settings, state: State
) -> None:
    for user in (KEY, "ann"):
        state.add_user(user)
    state.of(KEY).keep_answers("annotation", "local", {"own": b"1", "both": b"2", "word": b"3"})
    state.of("ann").answers(["both"])
    state.answers(["word"])

    receipt = erase(KEY, settings, state, None, dry_run=False)

    assert set(state.answers(["own", "both", "word"])) == {"both", "word"}
    assert counts(receipt)["answers of providers"] == 1


def test_with_a_damaged_table_of_another_user_nothing_goes(
    settings: Settings, lake: Lake, state: State
) -> None:
    fetched(state, lake, KEY, {"https://a/own": 1})
    fetched(state, lake, "ann", {"https://b/hers": 2})
    lake.path("image_refs", "ann").write_bytes(b"PAR1 no more")

    with pytest.raises(LakeError, match="is damaged"):
        erase(KEY, settings, state, None, dry_run=False)

    assert lake.exists("image_refs", KEY)
    assert KEY in state.users()
    assert consent.erased_at(state, KEY) is None
