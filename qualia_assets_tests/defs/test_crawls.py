"""Crawled sources in runs: consent, due times, deferrals, and what the lake, Dagster and people see."""

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from PIL import Image
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from qualia_assets.defs.jobs import due_users, sources_kept_up_with
from qualia_assets.defs.partitions import sync_users
from qualia_assets.defs.resources import Qualia
from qualia_assets.lake.store import Lake
from qualia_assets.runs.execution import RunError, dagster_instance, run_stages
from qualia_assets.state import consent
from qualia_assets.state.crawl import Visit, digest, last_visit, note_visit
from qualia_assets.state.database import State
from qualia_assets_tests.emulators import pinterest as pinterest_server
from qualia_assets_tests.emulators.substack import SubstackServer
from qualia_assets_tests.places import USER, plan_of, qualia, run, stale

CRAWLED = {"substack_publications", "pinterest_boards"}
GROUPS = ("sources", "artefacts")
ALL = ("substack", "pinterest", "images")
EVALUATION = "ASSET_CHECK_EVALUATION"
NOW = datetime.now(UTC)


@pytest.fixture
def substack() -> Iterator[SubstackServer]:
    """Two publications that a user reads, and one that both recommend."""
    with SubstackServer() as server:
        recommended = server.publication("kiln", posts=2)
        for name in ("harbour", "orchard"):
            server.publication(name, posts=3, recommends=[recommended.id])
        server.reader("reads", [p for p in server.publications.values() if p is not recommended])
        yield server


@pytest.fixture
def pinterest() -> Iterator[pinterest_server.World]:
    with pinterest_server.serving() as served:
        world = served.begin()
        account, *_ = world.sign_in("u")
        account.board(7, pins=2)
        yield world


def picture(request: Request) -> Response:
    """A different picture for every address."""
    shade = sum(request.path.encode()) % 256
    drawn = io.BytesIO()
    Image.new("RGB", (48, 32), (shade, 255 - shade, 90)).save(drawn, "PNG")
    return Response(drawn.getvalue(), content_type="image/png")


@pytest.fixture
def pictures(httpserver: HTTPServer) -> HTTPServer:
    httpserver.expect_request("/robots.txt").respond_with_data("", status=404)
    httpserver.expect_request(re.compile(".*")).respond_with_handler(picture)
    return httpserver


@pytest.fixture(autouse=True)
def served(
    substack: SubstackServer, pinterest: pinterest_server.World, pictures: HTTPServer, tmp_path: Path
) -> None:
    """Send every request to one of the three."""
    where = {
        "*": substack.url,
        "https://api.pinterest.com": pinterest.url,
        "https://i.pinimg.com": pictures.url_for("").rstrip("/"),
        "https://substack-post-media.s3.amazonaws.com": pictures.url_for("").rstrip("/"),
    }
    sent = ", ".join(f'"{origin}" = "{to}"' for origin, to in where.items())
    (tmp_path / "qualia.toml").write_text(
        f'[crawling]\ncontact = "me@example.org"\ngap = 0\nsend_to = {{ {sent} }}\n[images]\ngap = 0\n'
    )


def agree(state: State, *sources: str) -> None:
    state.add_user(USER)
    state.set_source(USER, "substack", "reads")
    for source in sources:
        consent.consent(state, USER, source)
        if source == "pinterest":
            token = consent.Token(SecretStr(f"{pinterest_server.PLANTED}-access-u"))
            consent.keep_token(state, USER, source, token)


def visit(**how: Any) -> None:
    """Run the stages up to the artefacts."""
    run(only=GROUPS, **how)


def last(state: State) -> Visit:
    found = last_visit(state, USER, "substack")
    assert found is not None
    return found


def rows(lake: Lake, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lake.read(table, USER).to_pylist()
    return found


def test_subscriptions_recommendations_and_boards_become_artefacts_each_once(
    state: State, lake: Lake, substack: SubstackServer, tmp_path: Path
) -> None:
    agree(state, *ALL)
    # One of the posts was imported, too.
    own = next(p for p in substack.publications.values() if p.subdomain == "harbour").posts[0]
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        line = f"{own.id}.{own.slug},2026-01-02T03:04:05.678Z,true,newsletter,everyone,{own.title}"
        archive.writestr("posts.csv", f"post_id,post_date,is_published,type,audience,title\n{line}\n")
        archive.writestr(f"posts/{own.id}.{own.slug}.html", "<p>As I wrote it.</p>")
    state.set_source(USER, "substack_export", str(tmp_path / "export.zip"))
    visit()

    assert [row["item_id"] for row in rows(lake, "substack_export")] == [str(own.id)]

    publications = {row["name"]: row for row in rows(lake, "substack_publications")}
    assert {name: (p["hop"], p["pointed_by"], p["posts"]) for name, p in publications.items()} == {
        "The harbour letter": (0, 0, 3),
        "The orchard letter": (0, 0, 3),
        "The kiln letter": (1, 2, 2),
    }
    artefacts = rows(lake, "artefacts")
    posts = [row for row in artefacts if row["modality"] == "text"]
    pins = [row for row in artefacts if row["modality"] == "image"]
    assert (len(posts), len(pins)) == (8, 2)
    assert {"pinterest:pin:7000", "pinterest:pin:7001"} == {row["artefact_id"] for row in pins}
    assert all(re.fullmatch(r"substack:post:\d+", row["artefact_id"]) for row in posts)
    assert all("All of" in row["text"] for row in posts)
    assert {row["collection"] for row in posts} == set(publications)
    (both,) = (row for row in posts if row["artefact_id"] == f"substack:post:{own.id}")
    assert (both["hop"], both["collection"]) == (0, "The harbour letter")
    assert both["url"].endswith(f"harbour.substack.com/p/{own.slug}")
    fetched = {row["sha256"] for row in rows(lake, "image_blobs") if row["status"] == "ok"}
    assert {row["image_sha256"] for row in pins} <= fetched


@pytest.mark.parametrize(
    ("agreed", "offline", "requested"),
    [((), False, set()), (ALL, True, set()), (("pinterest",), False, {"pinterest"})],
    ids=["no consent", "offline", "no consent to pictures"],
)
def test_nothing_is_requested_offline_or_without_consent(
    agreed: tuple[str, ...],
    offline: bool,
    requested: set[str],
    state: State,
    lake: Lake,
    substack: SubstackServer,
    pinterest: pinterest_server.World,
    pictures: HTTPServer,
) -> None:
    agree(state, *agreed)
    visit(offline=offline)

    logs = {"substack": substack.asked, "pinterest": pinterest.log, "images": pictures.log}
    assert {name for name, log in logs.items() if log} == requested
    # A pin without its picture is no artefact.
    assert rows(lake, "artefacts") == rows(lake, "substack_posts") == []
    assert [row["status"] for row in rows(lake, "image_refs")] == ["waiting"] * 2 * len(requested)
    assert CRAWLED.intersection(stale()) == (CRAWLED if offline else set())


def test_sources_are_requested_again_only_when_due(
    state: State, substack: SubstackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    agree(state, *ALL)
    visit()
    asked = len(substack.asked)

    assert stale(*GROUPS) == []

    monkeypatch.setenv("QUALIA_CRAWLING__DUE_HOURS", "1e-9")
    assert set(stale()) >= CRAWLED
    assert CRAWLED.isdisjoint(stale(offline=True))
    visit()
    since = substack.answered(asked)
    assert {request.path for request in since} == {"/api/v1/user/reads/public_profile", "/feed"}
    assert [request.status for request in since if request.path == "/feed"] == [304] * 3


def test_a_service_that_asks_to_wait_ends_the_visit_but_not_the_run(
    state: State, lake: Lake, substack: SubstackServer
) -> None:
    agree(state, "substack")
    substack.too_many("3600", host="orchard.substack.com", times=None)
    visit()

    assert last(state).status == "deferred"
    until = last(state).until
    assert until is not None
    assert timedelta(minutes=55) < until - datetime.now(UTC) <= timedelta(hours=1)
    assert len(rows(lake, "artefacts")) == 3
    assert "substack_publications" not in stale()
    shown = qualia("user", "show", USER).output
    assert "deferred" in shown
    assert f"{until:%Y-%m-%d %H:%M} UTC" in shown


def test_runs_resume_a_visit_that_used_up_its_budget(
    state: State, lake: Lake, substack: SubstackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUALIA_CRAWLING__REQUESTS_PER_RUN", "6")
    agree(state, "substack")
    statuses: list[str] = []
    while not statuses or (statuses[-1] == "budget" and len(statuses) < 9):
        assert "substack_publications" in stale()
        visit()
        statuses.append(last(state).status)

    assert len(statuses) > 2
    assert statuses == ["budget"] * (len(statuses) - 1) + ["complete"]
    assert len(rows(lake, "artefacts")) == 8
    assert set(substack.counts().values()) == {1}
    assert stale(*GROUPS) == []


def test_a_run_logs_whether_its_sources_are_kept_up_with_and_nothing_personal(
    state: State, substack: SubstackServer, instance: dg.DagsterInstance
) -> None:
    agree(state, "substack", "pinterest")
    substack.challenge(host="orchard.substack.com")
    visit(instance=instance)

    assert last(state).notes
    (recorded,) = instance.get_runs()
    records = instance.get_records_for_run(recorded.run_id).records
    logged = "".join(str(record.event_log_entry) for record in records)
    assert "requests" in logged
    for personal in ("orchard", "harbour", "kiln", "reads", pinterest_server.PLANTED):
        assert personal not in logged
    events = [event for record in records if (event := record.event_log_entry.dagster_event)]
    checks = [e.asset_check_evaluation_data for e in events if e.event_type_value == EVALUATION]
    kept = {c.asset_key.to_user_string(): c for c in checks if c.check_name == "kept_up_with"}
    assert {name: check.passed for name, check in kept.items()} == dict.fromkeys(CRAWLED, True)
    assert kept["substack_publications"].metadata["visit"].value == last(state).status == "complete"


@pytest.fixture
def visited(state: State) -> None:
    """Users with and without consent, visited some time ago or never."""
    for user, ago, status, until in (
        ("late", 4, "complete", None),
        ("due", 2, "complete", None),
        ("not-due", 0, "complete", None),
        ("deferred", 2, "deferred", NOW + timedelta(hours=1)),
        ("unfinished", 0, "budget", None),
        ("blocked", 0, "blocked", None),
    ):
        state.add_user(user)
        consent.consent(state, user, "substack")
        visit = Visit(NOW - timedelta(days=ago), status, 1, until, asked_for=digest([]))
        note_visit(state, user, "substack", visit)
    state.add_user("never")
    consent.consent(state, "never", "pinterest")
    state.add_user("no-consent")


@pytest.mark.usefixtures("visited")
def test_the_schedule_runs_each_user_with_a_source_that_is_due(state: State) -> None:
    resources = {"qualia": Qualia()}
    with (
        dagster_instance(state) as instance,
        dg.build_schedule_context(instance, NOW, resources) as context,
    ):
        requests = list(due_users(context))

    assert {request.partition_key: request.tags["qualia/due"] for request in requests} == {
        "late": "substack",
        "due": "substack",
        "unfinished": "substack",
        "never": "pinterest",
    }
    assert len({request.run_key for request in requests}) == 4


@pytest.mark.usefixtures("visited")
def test_the_sensor_warns_of_sources_that_are_not_kept_up_with(
    state: State, instance: dg.DagsterInstance
) -> None:
    sync_users(instance, state)
    with dg.build_sensor_context(instance=instance, resources={"qualia": Qualia()}) as context:
        result = sources_kept_up_with(context)

    assert {(event.asset_key.to_user_string(), event.partition) for event in result.asset_events} == {
        ("substack_publications", "late"),
        ("substack_publications", "blocked"),
        ("pinterest_boards", "never"),
    }


def test_the_schedule_is_switched_on_and_off_from_the_command_line(state: State) -> None:
    agree(state, "substack")

    assert "The schedule is off" in qualia("schedule").output
    on = qualia("schedule", "on")
    assert "The schedule is on" in on.output, on.output
    assert f"{USER}: substack due now" in on.output
    assert "The schedule is on" in qualia("schedule", "on").output
    assert "The schedule is off" in qualia("schedule", "off").output


def test_a_queued_run_does_not_bring_an_erased_user_back(
    state: State, lake: Lake, instance: dg.DagsterInstance
) -> None:
    agree(state, "substack")
    sync_users(instance, state)
    steps = plan_of().todo[:1]
    with state.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM users")

    with pytest.raises(RunError, match=f"There is no user '{USER}', or no longer"):
        run_stages(USER, steps, instance)
    assert not list(lake.root.glob(f"*/user={USER}"))
