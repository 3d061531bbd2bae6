"""Pictures from the web: asked for once, looked at before they are kept, from a real server."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from qualia_assets.lake.blobs import blob_path
from qualia_assets.lake.store import Lake
from qualia_assets.lake.tables import IMAGE_REFS
from qualia_assets.net.client import Client
from qualia_assets.progress import silent
from qualia_assets.settings import Settings
from qualia_assets.sources import images
from qualia_assets.sources.crawling import Report
from qualia_assets.state.database import State
from qualia_assets_tests.lake.test_blobs import SECRET, encoded, png_that_claims, scene, with_notes

HOST = "i.pinimg.com"
HOSTS = (HOST, "substackcdn.com")


def at(path: str, host: str = HOST) -> str:
    return f"https://{host}/{path}"


class Cdn:
    """A CDN of a few pictures, which notes what it was asked for."""

    def __init__(self, server: HTTPServer) -> None:
        self.asked: list[str] = []
        self.files: dict[str, bytes | int | Response] = {"/robots.txt": 404}
        self.url = server.url_for("")
        server.expect_request(re.compile(".*")).respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        if request.path != "/robots.txt":
            self.asked.append(f"{request.host}{request.path}")
        found = self.files.get(request.path, 404)
        if isinstance(found, bytes):
            return Response(found, mimetype="application/octet-stream")
        return found if isinstance(found, Response) else Response(status=found)


@pytest.fixture
def cdn(httpserver: HTTPServer) -> Cdn:
    return Cdn(httpserver)


Fetch = Callable[..., Report]


@pytest.fixture
def fetch(cdn: Cdn, lake: Lake, state: State) -> Iterator[Fetch]:
    """What a run does: a client of its own, and a fetch."""

    def of(*urls: str, budget: int = 100) -> Report:
        send_to = {"*": cdn.url.rstrip("/")}
        settings = Settings(crawling={"contact": "me@example.org", "gap": 0, "send_to": send_to})  # type: ignore[arg-type]
        with Client("images", state, settings, budget=budget) as client:
            return images.fetch(urls, lake, state, client, HOSTS, silent)

    return of


def statuses(state: State, *urls: str) -> dict[str, str]:
    rows = images.refs(state, urls)
    table = IMAGE_REFS.conform(IMAGE_REFS.table(rows))
    assert IMAGE_REFS.violations(table) == []
    return {row["url"]: row["status"] for row in rows}


def blobs_of(lake: Lake) -> list[Path]:
    return sorted(path for path in (lake.root / "blobs").rglob("*") if path.is_file())


def test_a_picture_is_kept_by_its_bytes_and_asked_for_once_ever(
    cdn: Cdn, fetch: Fetch, lake: Lake, state: State
) -> None:
    data = encoded(scene(0), "JPEG")
    cdn.files["/a.jpg"] = data

    first, again = fetch(at("a.jpg")), fetch(at("a.jpg"))

    assert cdn.asked == [f"{HOST}/a.jpg"]
    assert (first.status, first.new, again.status, again.new, again.requests) == (
        "complete",
        1,
        "complete",
        0,
        0,
    )
    (row,) = images.refs(state, [at("a.jpg")])
    assert (row["status"], blob_path(lake, row["sha256"]).read_bytes()) == ("ok", data)
    assert (datetime.now(UTC) - row["fetched_at"]).total_seconds() < 60


def test_one_picture_at_two_addresses_is_one_blob_and_two_refs(
    cdn: Cdn, fetch: Fetch, lake: Lake, state: State
) -> None:
    cdn.files["/a.jpg"] = cdn.files["/b.jpg"] = encoded(scene(0), "JPEG")

    fetch(at("a.jpg"), at("b.jpg", "substackcdn.com"), at("a.jpg"))

    refs = images.refs(state, [at("a.jpg"), at("b.jpg", "substackcdn.com")])
    assert [ref["status"] for ref in refs] == ["ok", "ok"]
    assert {ref["sha256"] for ref in refs} == {path.name for path in blobs_of(lake)}
    assert len(blobs_of(lake)) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a.jpg",
        f"http://{HOST}/a.jpg",
        f"https://{HOST}:8443/a.jpg",
        f"https://me@{HOST}/a.jpg",
        f"https://sub.{HOST}/a.jpg",
        f"https://{HOST}.example.org/a.jpg",
        "https://169.254.169.254/latest",
        "file:///etc/passwd",
        "https://[::1/a.jpg",
        "",
    ],
)
def test_only_listed_hosts_over_https_are_asked(cdn: Cdn, fetch: Fetch, state: State, url: str) -> None:
    report = fetch(url)

    assert (report.status, report.requests, cdn.asked) == ("complete", 0, [])
    assert statuses(state, url) == {url: "blocked"}


def test_a_host_that_is_listed_later_is_asked_then(cdn: Cdn, fetch: Fetch, state: State) -> None:
    url = at("a.jpg", "cdn.example.org")
    fetch(url)

    assert images.pending(state, [url], HOSTS) == []
    assert images.pending(state, [url], (*HOSTS, "cdn.example.org")) == [url]


def test_what_a_listed_host_points_on_to_is_not_kept(
    cdn: Cdn, fetch: Fetch, lake: Lake, state: State
) -> None:
    cdn.files["/a.jpg"] = Response(status=302, headers={"Location": "https://example.org/b.jpg"})
    cdn.files["/b.jpg"] = encoded(scene(0), "JPEG")

    fetch(at("a.jpg"))

    assert statuses(state, at("a.jpg")) == {at("a.jpg"): "blocked"}
    assert blobs_of(lake) == []


def too_long() -> bytes:
    return encoded(scene(0), "PNG") + b"\0" * 21_000_000


LIES: dict[str, tuple[bytes | int, str]] = {
    "bomb.png": (png_that_claims(60_000, 60_000), "bomb"),
    "largest.png": (png_that_claims(2**31 - 1, 2**31 - 1), "bomb"),
    "flat.png": (encoded(Image.new("1", (9_000, 9_000)), "PNG"), "bomb"),
    "short.png": (png_that_claims(7_000, 7_000), "bad_mime"),
    "half.jpg": (encoded(scene(0), "JPEG")[:700], "bad_mime"),
    "drawing.jpg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "bad_mime"),
    "text.png": (b"I am no picture at all, whatever I am called.", "bad_mime"),
    "page.png": (b"<!doctype html><html>Just a moment...</html>", "bad_mime"),
    "scan.png": (encoded(scene(0), "TIFF"), "bad_mime"),
    "gone.png": (404, "gone"),
    "removed.png": (410, "gone"),
}


def test_bombs_and_lies_are_told_apart_and_nothing_of_them_is_kept(
    cdn: Cdn, fetch: Fetch, lake: Lake, state: State
) -> None:
    cdn.files |= {f"/{name}": data for name, (data, _) in LIES.items()} | {"/long.png": too_long()}
    urls = [at(name) for name in (*LIES, "long.png")]

    report = fetch(*urls)

    expected = {at(name): status for name, (_, status) in LIES.items()} | {at("long.png"): "too_big"}
    assert statuses(state, *urls) == expected
    assert (report.status, report.new, blobs_of(lake)) == ("complete", 0, [])
    fetch(*urls)
    assert len(cdn.asked) == len(urls)


def test_a_picture_is_known_by_its_content_whatever_it_is_called(
    cdn: Cdn, fetch: Fetch, state: State
) -> None:
    kinds = ("JPEG", "PNG", "WEBP", "GIF")
    cdn.files |= {f"/{kind}.txt": encoded(scene(0), kind) for kind in kinds}

    fetch(*(at(f"{kind}.txt") for kind in kinds))

    assert set(statuses(state, *(at(f"{kind}.txt") for kind in kinds)).values()) == {"ok"}


def test_what_a_camera_noted_is_nowhere_in_the_lake(cdn: Cdn, fetch: Fetch, lake: Lake, state: State) -> None:
    cdn.files["/a.jpg"] = with_notes(scene(0, (96, 64)), "JPEG", 6)

    fetch(at("a.jpg"))

    (blob,) = blobs_of(lake)
    assert SECRET.encode() not in blob.read_bytes()
    with Image.open(blob) as image:
        assert (image.size, dict(image.getexif())) == ((64, 96), {})


def test_the_memory_that_hostile_pictures_take_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(png_that_claims(2**31 - 1, 2**31 - 1))
    (tmp_path / "flat.png").write_bytes(encoded(Image.new("L", (7_000, 7_000)), "PNG"))
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "turned.jpg").write_bytes(encoded(Image.new("RGB", (7_000, 7_000)), "JPEG", exif=exif))
    program = """if True:
        import resource, sys
        from pathlib import Path
        from qualia_assets.lake import blobs
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        seen = []
        for path in sorted(Path(sys.argv[1]).iterdir()):
            data = path.read_bytes()
            status = blobs.inspect_bytes(data).status
            seen.append(status)
            if status == "ok":
                blobs.without_metadata(data)
        print(seen, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
    """
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    found, megabytes = done.stdout.rsplit(" ", 1)
    assert found == "['bomb', 'ok', 'ok']"
    # Two copies of 49 million pixels of three bytes, and what encodes them.
    assert int(megabytes) < 450


def test_a_picture_that_fails_is_tried_on_three_runs_and_then_counts_as_gone(
    cdn: Cdn, fetch: Fetch, state: State
) -> None:
    cdn.files["/a.jpg"] = 400
    seen = []
    for _ in range(4):
        fetch(at("a.jpg"))
        seen.append(statuses(state, at("a.jpg"))[at("a.jpg")])

    assert seen == ["waiting", "waiting", "gone", "gone"]
    assert len(cdn.asked) == 3


def test_a_picture_that_failed_once_can_still_come(cdn: Cdn, fetch: Fetch, state: State) -> None:
    cdn.files["/a.jpg"] = 400
    fetch(at("a.jpg"))
    cdn.files["/a.jpg"] = encoded(scene(0), "JPEG")
    fetch(at("a.jpg"))

    assert statuses(state, at("a.jpg")) == {at("a.jpg"): "ok"}


def test_when_the_budget_is_spent_what_is_done_stays_and_the_next_run_goes_on(
    cdn: Cdn, fetch: Fetch, state: State
) -> None:
    urls = [at(f"{n}.jpg") for n in range(5)]
    cdn.files |= {f"/{n}.jpg": encoded(scene(n), "JPEG") for n in range(5)}

    first = fetch(*urls, budget=3)  # one of them for robots.txt

    assert (first.status, first.requests, first.new, first.goes_on) == ("budget", 3, 2, True)
    assert list(statuses(state, *urls).values()) == ["ok"] * 2 + ["waiting"] * 3
    assert images.pending(state, urls, HOSTS) == urls[2:]
    assert (fetch(*urls).status, set(statuses(state, *urls).values())) == ("complete", {"ok"})
    assert len(cdn.asked) == 5


def test_a_long_wait_that_a_service_asks_for_ends_the_run_as_deferred(
    cdn: Cdn, fetch: Fetch, state: State
) -> None:
    cdn.files["/a.jpg"] = encoded(scene(0), "JPEG")
    cdn.files["/b.jpg"] = Response(status=429, headers={"Retry-After": "3600"})

    urls = [at("a.jpg"), at("b.jpg"), at("c.jpg")]

    report = fetch(*urls)

    assert (report.status, report.new) == ("deferred", 1)
    assert report.until is not None
    assert 3000 < (report.until - datetime.now(UTC)).total_seconds() <= 3700
    assert list(statuses(state, at("a.jpg"), at("b.jpg"), at("c.jpg")).values()) == [
        "ok",
        "waiting",
        "waiting",
    ]
    assert cdn.asked == [f"{HOST}/a.jpg", f"{HOST}/b.jpg"]


def test_one_picture_that_is_refused_leaves_the_others_alone(cdn: Cdn, fetch: Fetch, state: State) -> None:
    cdn.files |= {"/a.jpg": 403, "/b.jpg": encoded(scene(0), "JPEG"), "/c.jpg": 403}
    urls = [at("a.jpg"), at("b.jpg"), at("c.jpg")]

    assert fetch(*urls).status == "complete"
    assert list(statuses(state, *urls).values()) == ["blocked", "ok", "blocked"]
    fetch(*urls)
    assert len(cdn.asked) == 3


def test_a_host_that_refuses_three_in_a_row_is_asked_no_further_and_another_is(
    cdn: Cdn, fetch: Fetch, state: State
) -> None:
    cdn.files |= {f"/{n}.jpg": 403 for n in range(9)} | {"/z.jpg": encoded(scene(0), "JPEG")}
    urls = [*(at(f"{n}.jpg") for n in range(9)), at("z.jpg", "substackcdn.com")]

    report = fetch(*urls)

    assert report.status == "blocked"
    assert f"{HOST} refuses" in " ".join(report.notes)
    assert list(statuses(state, *urls).values()) == ["blocked"] * 3 + ["waiting"] * 6 + ["ok"]
    assert len(cdn.asked) == 4


def test_what_robots_txt_denies_is_never_asked_for(cdn: Cdn, fetch: Fetch, state: State) -> None:
    cdn.files |= {
        "/robots.txt": Response("User-agent: *\nDisallow: /", mimetype="text/plain"),
        "/a.jpg": encoded(scene(0), "JPEG"),
    }

    fetch(at("a.jpg"))

    assert (cdn.asked, statuses(state, at("a.jpg"))) == ([], {at("a.jpg"): "blocked"})
    assert images.pending(state, [at("a.jpg")], HOSTS) == [at("a.jpg")]


def test_refs_of_what_was_never_asked_for_wait(state: State) -> None:
    assert images.refs(state, [at("b.jpg"), at("a.jpg"), at("a.jpg")]) == [
        {"url": at(name), "sha256": None, "status": "waiting", "fetched_at": None}
        for name in ("a.jpg", "b.jpg")
    ]
