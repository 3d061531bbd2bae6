"""Services asked inside of stages: with consent, when due, and what becomes of it in the lake and the UI."""

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
from qualia_assets.defs.resources import Qualia
from qualia_assets.lake.store import Lake
from qualia_assets.runs.execution import RunError, dagster_instance, run_stages
from qualia_assets.runs.plan import plan_run
from qualia_assets.settings import load_settings
from qualia_assets.state import consent
from qualia_assets.state.crawl import Visit, digest, last_visit, note_visit
from qualia_assets.state.database import State
from qualia_assets_tests.emulators import pinterest as pinterest_server
from qualia_assets_tests.emulators.substack import SubstackServer
from qualia_assets_tests.places import qualia

USER = "u-1"
CRAWLED = ("substack_publications", "pinterest_boards")


@pytest.fixture
def substack() -> Iterator[SubstackServer]:
    """Two publications that somebody reads, and one that both recommend."""
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
    """A picture of its own for every address."""
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
    substack: SubstackServer,
    pinterest: pinterest_server.World,
    pictures: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Every request goes to one of the three."""
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


def todo(state: State, offline: bool = False) -> list[str]:
    """The stages up to artefacts that a run would make."""
    plan = plan_run(USER, load_settings(), state, offline=offline)
    return [step.name for step in plan.todo if step.group in ("sources", "artefacts")]


def visit(state: State, offline: bool = False) -> None:
    """The part of a run that ends with the artefacts."""
    plan = plan_run(USER, load_settings(), state, offline=offline)
    steps = [step for step in plan.todo if step.group in ("sources", "artefacts")]
    with dagster_instance(state) as instance:
        run_stages(USER, steps, instance, offline=offline)


def rows(lake: Lake, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lake.read(table, USER).to_pylist()
    return found


def test_what_a_user_reads_and_saves_and_what_that_points_to_becomes_artefacts(
    state: State, lake: Lake
) -> None:
    agree(state, "substack", "pinterest", "images")
    visit(state)

    publications = {row["name"]: row for row in rows(lake, "substack_publications")}
    assert {name: (p["hop"], p["pointed_by"], p["posts"]) for name, p in publications.items()} == {
        "The harbour letter": (0, 0, 3),
        "The orchard letter": (0, 0, 3),
        "The kiln letter": (1, 2, 2),
    }
    artefacts = {row["artefact_id"]: row for row in rows(lake, "artefacts")}
    posts = [row for row in artefacts.values() if row["modality"] == "text"]
    pins = [row for row in artefacts.values() if row["modality"] == "image"]
    assert (len(posts), len(pins)) == (8, 2)
    assert {"pinterest:pin:7000", "pinterest:pin:7001"} == {row["artefact_id"] for row in pins}
    assert all(re.fullmatch(r"substack:post:\d+", row["artefact_id"]) for row in posts)
    assert all("All of" in row["text"] for row in posts)
    assert sorted({row["collection"] for row in posts}) == sorted(publications)
    fetched = {row["sha256"] for row in rows(lake, "image_blobs") if row["status"] == "ok"}
    assert {row["image_sha256"] for row in pins} <= fetched


def test_without_consent_nothing_is_asked(
    state: State,
    lake: Lake,
    substack: SubstackServer,
    pinterest: pinterest_server.World,
    pictures: HTTPServer,
) -> None:
    agree(state)
    visit(state)

    assert (substack.asked, pinterest.log, pictures.log) == ([], [], [])
    assert rows(lake, "artefacts") == rows(lake, "substack_posts") == []


def test_pictures_are_fetched_only_where_that_was_agreed_to(
    state: State, lake: Lake, pictures: HTTPServer
) -> None:
    agree(state, "pinterest")
    visit(state)

    assert pictures.log == []
    assert {row["status"] for row in rows(lake, "image_refs")} == {"waiting"}
    assert rows(lake, "artefacts") == []

    consent.consent(state, USER, "images")
    visit(state)

    assert len(rows(lake, "artefacts")) == 2


def test_what_was_asked_is_not_asked_again_before_it_is_due(
    state: State, substack: SubstackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    agree(state, "substack", "pinterest", "images")
    visit(state)
    asked = len(substack.asked)

    assert todo(state) == []

    monkeypatch.setenv("QUALIA_CRAWLING__DUE_HOURS", "1e-9")
    assert set(CRAWLED) <= set(todo(state))
    assert not set(CRAWLED) & set(todo(state, offline=True))
    visit(state)
    since = substack.answered(asked)
    assert {request.path for request in since} == {"/api/v1/user/reads/public_profile", "/feed"}
    assert [request.status for request in since if request.path == "/feed"] == [304] * 3


def test_a_run_that_is_told_to_ask_nobody_asks_nobody(state: State, substack: SubstackServer) -> None:
    agree(state, "substack")
    visit(state, offline=True)

    assert substack.asked == []
    assert "substack_publications" in todo(state)


def test_a_service_that_wants_a_rest_ends_the_visit_and_not_the_run(
    state: State, lake: Lake, substack: SubstackServer
) -> None:
    agree(state, "substack")
    substack.too_many("3600", host="orchard.substack.com", times=None)
    visit(state)

    noted = last_visit(state, USER, "substack")
    assert noted is not None
    assert noted.status == "deferred"
    assert noted.until is not None
    assert timedelta(minutes=55) < noted.until - datetime.now(UTC) <= timedelta(hours=1)
    assert len(rows(lake, "artefacts")) == 3
    assert "substack_publications" not in todo(state)
    shown = qualia("user", "show", USER)
    assert "deferred" in shown.output
    assert "goes on from" in shown.output


def test_a_visit_that_ran_out_of_its_budget_goes_on_with_the_next_run(
    state: State, lake: Lake, substack: SubstackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUALIA_CRAWLING__REQUESTS_PER_RUN", "6")
    agree(state, "substack")
    statuses = []
    while not statuses or (statuses[-1] == "budget" and len(statuses) < 9):
        assert "substack_publications" in todo(state)
        visit(state)
        noted = last_visit(state, USER, "substack")
        statuses.append(noted.status if noted else "never")

    assert len(statuses) > 2
    assert statuses == ["budget"] * (len(statuses) - 1) + ["complete"]
    assert len(rows(lake, "artefacts")) == 8
    assert set(substack.counts().values()) == {1}
    assert todo(state) == []


def test_nothing_personal_is_left_in_dagsters_log(state: State, substack: SubstackServer) -> None:
    agree(state, "substack", "pinterest")
    substack.challenge(host="orchard.substack.com")
    visit(state)

    noted = last_visit(state, USER, "substack")
    assert noted is not None
    assert noted.notes
    with dagster_instance(state) as instance:
        said = "".join(
            str(record.event_log_entry)
            for run in instance.get_runs()
            for record in instance.get_records_for_run(run.run_id).records
        )
    assert "requests" in said
    for personal in ("orchard", "harbour", "kiln", "reads", pinterest_server.PLANTED):
        assert personal not in said


def test_a_missing_contact_is_said_before_anything_is_asked(
    state: State, substack: SubstackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    agree(state, "substack")
    monkeypatch.setenv("QUALIA_CRAWLING__CONTACT", " ")

    with pytest.raises(RunError, match=r"Set `contact` under \[crawling\]"):
        visit(state)
    assert substack.asked == []


def test_the_schedule_starts_a_run_for_each_user_with_a_source_that_is_due(state: State) -> None:
    now = datetime.now(UTC)
    for user, status, at in (
        ("due", "complete", now - timedelta(days=2)),
        ("done", "complete", now),
        ("rests", "deferred", now - timedelta(days=2)),
        ("goes-on", "budget", now),
    ):
        state.add_user(user)
        consent.consent(state, user, "substack")
        until = now + timedelta(hours=1) if status == "deferred" else None
        note_visit(state, user, "substack", Visit(at, status, 1, until, asked_for=digest([])))
    state.add_user("never")
    consent.consent(state, "never", "pinterest")
    state.add_user("did-not-agree")

    with dagster_instance(state) as instance:
        asked = dg.build_schedule_context(
            instance=instance, scheduled_execution_time=now, resources={"qualia": Qualia()}
        )
        with asked as context:
            told = list(due_users(context))

    assert {request.partition_key: request.tags["qualia/due"] for request in told} == {
        "due": "substack",
        "goes-on": "substack",
        "never": "pinterest",
    }
    assert len({request.run_key for request in told}) == 3


def test_the_schedule_is_turned_on_and_off_from_the_command_line(state: State) -> None:
    agree(state, "substack")

    assert "The schedule is off" in qualia("schedule").output
    on = qualia("schedule", "on")
    assert "The schedule is on" in on.output, on.output
    assert f"{USER}: substack due now" in on.output
    assert "The schedule is on" in qualia("schedule", "on").output
    assert "The schedule is off" in qualia("schedule", "off").output


def test_a_user_who_is_gone_is_not_made_again_by_a_run_that_waited(state: State, lake: Lake) -> None:
    agree(state, "substack")
    with dagster_instance(state) as instance:
        steps = plan_run(USER, load_settings(), state).todo[:1]
        with state.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM users")

        with pytest.raises(RunError, match=f"There is no user '{USER}', or no longer"):
            run_stages(USER, steps, instance)
    assert not list(lake.root.glob(f"*/user={USER}"))


def test_a_post_that_was_imported_and_is_found_again_is_one_artefact(
    state: State, lake: Lake, substack: SubstackServer, tmp_path: Path
) -> None:
    harbour = next(p for p in substack.publications.values() if p.subdomain == "harbour")
    mine = harbour.posts[0]
    header = (
        "post_id,post_date,is_published,email_sent_at,inbox_sent_at,type,audience,title,subtitle,podcast_url"
    )
    line = f"{mine.id}.{mine.slug},2026-01-02T03:04:05.678Z,true,newsletter,everyone,{mine.title},"
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("posts.csv", f"{header}\n{line}\n")
        archive.writestr(f"posts/{mine.id}.{mine.slug}.html", "<p>As I wrote it.</p>")
    state.set_source(USER, "substack_export", str(tmp_path / "export.zip"))
    visit(state, offline=True)
    (imported,) = rows(lake, "artefacts")

    agree(state, "substack")
    visit(state)

    artefacts = {row["artefact_id"]: row for row in rows(lake, "artefacts")}
    assert len(artefacts) == 8
    assert imported["artefact_id"] == f"substack:post:{mine.id}"
    both = artefacts[imported["artefact_id"]]
    assert (both["hop"], both["collection"]) == (0, "The harbour letter")
    assert both["url"].endswith(f"harbour.substack.com/p/{mine.slug}")


@pytest.mark.parametrize(
    ("visited", "passed"),
    [
        (None, False),
        (Visit(datetime.now(UTC), "complete", 1), True),
        (Visit(datetime.now(UTC) - timedelta(days=4), "complete", 1), False),
        (Visit(datetime.now(UTC), "blocked", 1), False),
    ],
)
def test_a_source_that_is_not_kept_up_with_is_warned_about(
    state: State, visited: Visit | None, passed: bool
) -> None:
    agree(state, "substack")
    if visited is not None:
        note_visit(state, USER, "substack", visited)
    with dagster_instance(state) as instance:
        asked = dg.build_sensor_context(instance=instance, resources={"qualia": Qualia()})
        with asked as context:
            told = sources_kept_up_with(context)

    warned = {(event.asset_key.to_user_string(), event.partition) for event in told.asset_events}
    # Nobody agreed to Pinterest.
    assert warned == (set() if passed else {("substack_publications", USER)})


def test_a_run_says_whether_a_source_is_kept_up_with(state: State, substack: SubstackServer) -> None:
    agree(state, "substack")
    visit(state)

    with dagster_instance(state) as instance:
        (run,) = instance.get_runs()
        evaluations = [
            record.event_log_entry.dagster_event.asset_check_evaluation_data
            for record in instance.get_records_for_run(
                run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
            ).records
        ]
    kept = {e.asset_key.to_user_string(): e for e in evaluations if e.check_name == "kept_up_with"}
    assert {name: e.passed for name, e in kept.items()} == {
        "substack_publications": True,
        "pinterest_boards": True,
    }
    assert kept["substack_publications"].metadata["visit"].value == "complete"
