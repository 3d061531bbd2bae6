"""Pictures from the web: requested once, inspected before they are kept, from a real server."""

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from qualia_assets.lake.blobs import blob_path
from qualia_assets.lake.store import Lake
from qualia_assets.lake.tables import IMAGE_REFS
from qualia_assets.net.client import Client
from qualia_assets.progress import silent
from qualia_assets.settings import load_settings
from qualia_assets.sources import images
from qualia_assets.sources.crawling import Report
from qualia_assets.state.database import State
from qualia_assets_tests.lake.test_blobs import SECRET, encoded, png_that_claims, scene, with_notes
from qualia_assets_tests.sources.reading import fits

HOST = "i.pinimg.com"
HOSTS = (HOST, "substackcdn.com")
JPEG = encoded(scene(0), "JPEG")


def at(path: str, host: str = HOST) -> str:
    return f"https://{host}/{path}"


class Cdn:
    """A CDN of a few pictures, and the fetches of runs, each with a client of its own."""

    def __init__(self, server: HTTPServer, lake: Lake, state: State) -> None:
        self.lake, self.state, self._url = lake, state, server.url_for("").rstrip("/")
        self.requests: list[str] = []
        self.files: dict[str, bytes | int | Response] = {"/robots.txt": 404}
        server.expect_request(re.compile(".*")).respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        if request.path != "/robots.txt":
            self.requests.append(f"{request.host}{request.path}")
        found = self.files.get(request.path, 404)
        if isinstance(found, bytes):
            return Response(found, mimetype="application/octet-stream")
        return found if isinstance(found, Response) else Response(status=found)

    def fetch(self, *urls: str, budget: int = 100) -> Report:
        crawling = {"contact": "me@example.org", "gap": 0, "send_to": {"*": self._url}}
        with Client("images", self.state, load_settings(crawling=crawling), budget=budget) as client:
            return images.fetch(urls, self.lake, self.state, client, HOSTS, silent)

    def refs(self, *urls: str) -> list[dict[str, Any]]:
        """Rows in order of address, as the table holds them."""
        rows = images.refs(self.state, urls)
        assert fits(IMAGE_REFS, rows)
        return rows

    def statuses(self, *urls: str) -> list[str]:
        return [row["status"] for row in self.refs(*urls)]

    def blobs(self) -> list[Path]:
        return sorted(path for path in (self.lake.root / "blobs").rglob("*") if path.is_file())


@pytest.fixture
def cdn(httpserver: HTTPServer, lake: Lake, state: State) -> Cdn:
    return Cdn(httpserver, lake, state)


def test_a_picture_is_kept_by_its_bytes_and_requested_only_once(cdn: Cdn) -> None:
    cdn.files["/a.jpg"] = JPEG
    first, again = cdn.fetch(at("a.jpg")), cdn.fetch(at("a.jpg"))
    assert cdn.requests == [f"{HOST}/a.jpg"]
    assert (first.status, first.new) == ("complete", 1)
    assert (again.status, again.new, again.requests) == ("complete", 0, 0)
    (row,) = cdn.refs(at("a.jpg"))
    assert (row["status"], blob_path(cdn.lake, row["sha256"]).read_bytes()) == ("ok", JPEG)
    assert (datetime.now(UTC) - row["fetched_at"]).total_seconds() < 60


def test_one_picture_at_two_addresses_is_one_blob_and_two_refs(cdn: Cdn) -> None:
    cdn.files["/a.jpg"] = cdn.files["/b.jpg"] = JPEG
    urls = at("a.jpg"), at("b.jpg", "substackcdn.com")
    cdn.fetch(*urls, urls[0])
    refs = cdn.refs(*urls)
    assert [ref["status"] for ref in refs] == ["ok", "ok"]
    assert {ref["sha256"] for ref in refs} == {path.name for path in cdn.blobs()}
    assert len(cdn.blobs()) == 1


FORBIDDEN = f"""
https://example.org/a.jpg  http://{HOST}/a.jpg  https://{HOST}:8443/a.jpg  https://me@{HOST}/a.jpg
https://sub.{HOST}/a.jpg  https://{HOST}.example.org/a.jpg  https://169.254.169.254/latest
file:///etc/passwd  https://[::1/a.jpg
"""


@pytest.mark.parametrize("url", [*FORBIDDEN.split(), ""])
def test_only_listed_hosts_are_requested_and_over_https(cdn: Cdn, url: str) -> None:
    report = cdn.fetch(url)
    assert (report.status, report.requests, cdn.requests) == ("complete", 0, [])
    assert cdn.statuses(url) == ["blocked"]


def test_a_host_that_is_listed_later_is_requested_then(cdn: Cdn) -> None:
    url = at("a.jpg", "cdn.example.org")
    cdn.fetch(url)
    assert images.pending(cdn.state, [url], HOSTS) == []
    assert images.pending(cdn.state, [url], (*HOSTS, "cdn.example.org")) == [url]


def test_a_picture_behind_a_redirect_to_another_host_is_not_kept(cdn: Cdn) -> None:
    cdn.files["/a.jpg"] = Response(status=302, headers={"Location": "https://example.org/b.jpg"})
    cdn.files["/b.jpg"] = JPEG
    cdn.fetch(at("a.jpg"))
    assert (cdn.statuses(at("a.jpg")), cdn.blobs()) == (["blocked"], [])


OUTCOMES: dict[str, tuple[bytes | int, str]] = {
    "bomb.png": (png_that_claims(60_000, 60_000), "bomb"),
    "largest.png": (png_that_claims(2**31 - 1, 2**31 - 1), "bomb"),
    "flat.png": (encoded(Image.new("1", (9_000, 9_000)), "PNG"), "bomb"),
    "short.png": (png_that_claims(7_000, 7_000), "bad_mime"),
    "half.jpg": (JPEG[:700], "bad_mime"),
    "drawing.jpg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "bad_mime"),
    "text.png": (b"I am no picture at all, whatever I am called.", "bad_mime"),
    "page.png": (b"<!doctype html><html>Just a moment...</html>", "bad_mime"),
    "scan.png": (encoded(scene(0), "TIFF"), "bad_mime"),
    "long.png": (encoded(scene(0), "PNG") + bytes(21_000_000), "too_big"),
    "gone.png": (404, "gone"),
    "removed.png": (410, "gone"),
}


def test_bombs_and_lies_have_a_status_and_nothing_of_them_is_kept(cdn: Cdn) -> None:
    cdn.files |= {f"/{name}": data for name, (data, _) in OUTCOMES.items()}
    urls = [at(name) for name in OUTCOMES]
    report = cdn.fetch(*urls)
    assert {ref["url"]: ref["status"] for ref in cdn.refs(*urls)} == {
        at(name): status for name, (_, status) in OUTCOMES.items()
    }
    assert (report.status, report.new, cdn.blobs()) == ("complete", 0, [])
    cdn.fetch(*urls)
    assert len(cdn.requests) == len(urls)


def test_a_picture_is_recognised_by_its_content_whatever_its_name(cdn: Cdn) -> None:
    kinds = ("JPEG", "PNG", "WEBP", "GIF")
    cdn.files |= {f"/{kind}.txt": encoded(scene(0), kind) for kind in kinds}
    urls = [at(f"{kind}.txt") for kind in kinds]
    cdn.fetch(*urls)
    assert cdn.statuses(*urls) == ["ok"] * 4


def test_the_metadata_of_a_camera_is_nowhere_in_the_lake(cdn: Cdn) -> None:
    cdn.files["/a.jpg"] = with_notes(scene(0, (96, 64)), "JPEG", 6)
    cdn.fetch(at("a.jpg"))
    (blob,) = cdn.blobs()
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
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found, megabytes = done.stdout.rsplit(" ", 1)
    assert found == "['bomb', 'ok', 'ok']"
    # Two copies of 49 million pixels of three bytes, and what encodes them.
    assert int(megabytes) < 450


# When a service does not give them


def test_a_picture_that_fails_is_tried_on_three_runs_and_then_counts_as_gone(cdn: Cdn) -> None:
    cdn.files["/a.jpg"] = 400
    seen = []
    for _ in range(4):
        cdn.fetch(at("a.jpg"))
        seen += cdn.statuses(at("a.jpg"))
    assert seen == ["waiting", "waiting", "gone", "gone"]
    assert len(cdn.requests) == 3


def test_a_picture_that_failed_once_can_still_come(cdn: Cdn) -> None:
    for answer in (400, JPEG):
        cdn.files["/a.jpg"] = answer
        cdn.fetch(at("a.jpg"))
    assert cdn.statuses(at("a.jpg")) == ["ok"]


def test_what_a_spent_budget_leaves_over_is_for_the_next_run(cdn: Cdn) -> None:
    urls = [at(f"{n}.jpg") for n in range(5)]
    cdn.files |= {f"/{n}.jpg": encoded(scene(n), "JPEG") for n in range(5)}
    first = cdn.fetch(*urls, budget=3)  # one of them for robots.txt
    assert (first.status, first.requests, first.new) == ("budget", 3, 2)
    assert cdn.statuses(*urls) == ["ok"] * 2 + ["waiting"] * 3
    assert images.pending(cdn.state, urls, HOSTS) == urls[2:]
    assert (cdn.fetch(*urls).status, set(cdn.statuses(*urls))) == ("complete", {"ok"})
    assert len(cdn.requests) == 5


def test_a_long_wait_that_a_service_asks_for_ends_the_run_as_deferred(cdn: Cdn) -> None:
    too_many = Response(status=429, headers={"Retry-After": "3600"})
    cdn.files |= {"/a.jpg": JPEG, "/b.jpg": too_many}
    urls = [at(f"{name}.jpg") for name in "abc"]
    report = cdn.fetch(*urls)
    assert (report.status, report.new) == ("deferred", 1)
    assert report.until is not None
    assert 3000 < (report.until - datetime.now(UTC)).total_seconds() <= 3700
    assert cdn.statuses(*urls) == ["ok", "waiting", "waiting"]
    assert cdn.requests == [f"{HOST}/a.jpg", f"{HOST}/b.jpg"]


def test_one_picture_that_is_refused_leaves_the_others_alone(cdn: Cdn) -> None:
    cdn.files |= {"/a.jpg": 403, "/b.jpg": JPEG, "/c.jpg": 403}
    urls = [at(f"{name}.jpg") for name in "abc"]
    assert cdn.fetch(*urls).status == "complete"
    assert cdn.statuses(*urls) == ["blocked", "ok", "blocked"]
    cdn.fetch(*urls)
    assert len(cdn.requests) == 3


def test_a_host_that_refuses_three_in_a_row_is_given_up_and_another_is_not(cdn: Cdn) -> None:
    cdn.files |= {f"/{n}.jpg": 403 for n in range(9)} | {"/z.jpg": JPEG}
    urls = [*(at(f"{n}.jpg") for n in range(9)), at("z.jpg", "substackcdn.com")]
    report = cdn.fetch(*urls)
    assert report.status == "blocked"
    assert f"{HOST} refuses" in " ".join(report.notes)
    assert cdn.statuses(*urls) == ["blocked"] * 3 + ["waiting"] * 6 + ["ok"]
    assert len(cdn.requests) == 4


def test_what_robots_txt_denies_is_never_requested(cdn: Cdn) -> None:
    rules = Response("User-agent: *\nDisallow: /", mimetype="text/plain")
    cdn.files |= {"/robots.txt": rules, "/a.jpg": JPEG}
    cdn.fetch(at("a.jpg"))
    assert (cdn.requests, cdn.statuses(at("a.jpg"))) == ([], ["blocked"])
    assert images.pending(cdn.state, [at("a.jpg")], HOSTS) == [at("a.jpg")]


def test_refs_of_what_was_never_requested_wait(cdn: Cdn) -> None:
    assert cdn.refs(at("b.jpg"), at("a.jpg"), at("a.jpg")) == [
        {"url": at(name), "sha256": None, "status": "waiting", "fetched_at": None}
        for name in ("a.jpg", "b.jpg")
    ]
