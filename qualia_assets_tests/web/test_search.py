"""The search page: by words, by an item, by a picture; what is found and why; and that nothing is kept."""

import io
import re
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2
import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from qualia_assets.embed.minilm import NAME
from qualia_assets.lake.specs import vectors
from qualia_assets.lake.store import Lake
from qualia_assets.search.finder import FACETS, SHOWN
from qualia_assets.search.search import search
from qualia_assets.settings import load_settings
from qualia_assets.state.database import State
from qualia_assets_tests.web.conftest import Visit, serious_findings, serving
from qualia_assets_tests.web.lakes import ORDER, item_id, write, write_user

SEA = "a slow morning by the sea"
RESULT = re.compile(r'<li class="result">.*?</li>', re.S)


def asked(app: str, query: str, user: str = "demo") -> httpx2.Response:
    return httpx2.get(f"{app}/u/{user}/search?{query}", timeout=60)


def sent(app: str, data: bytes, user: str = "demo") -> httpx2.Response:
    return httpx2.post(f"{app}/u/{user}/search", files={"picture": ("x", data)}, timeout=60)


def columns(page: str) -> dict[tuple[str, str], list[str]]:
    """The results of a page, as HTML, by space and modality."""
    found = {}
    for space in re.split(r'<section class="space"', page)[1:]:
        name = re.search(r'id="space-(\w+)"', space)
        assert name is not None
        for kind in re.split(r'<section class="kind"', space)[1:]:
            modality = "image" if '-image"' in kind[:80] else "text"
            found[name[1], modality] = RESULT.findall(kind)
    return found


def ids(results: list[str]) -> list[str]:
    found = [re.search(r'/item/([^"]+)"', one) for one in results]
    return [m[1].replace("%3A", ":") for m in found if m]


def jpeg(width: int = 320, height: int = 240, colour: tuple[int, int, int] = (40, 90, 130)) -> bytes:
    image = Image.new("RGB", (width, height), colour)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return buffer.getvalue()


def pin_of(demos: Path, user: str = "demo") -> dict[str, Any]:
    """A pin of the user whose file there is, of an accepted match."""
    rows = Lake(demos / "lake").read("item_overview", user).to_pylist()
    matched = {r["artefact_id"] for r in rows if r["modality"] == "image" and r["match"] is not None}
    artefacts = Lake(demos / "lake").read("artefacts", user).to_pylist()
    return next(r for r in artefacts if r["artefact_id"] in matched and r["image_sha256"])


def test_words_are_asked_with_a_form_and_found_in_both_spaces(visit: Visit) -> None:
    page = visit.go("/u/demo/search")
    page.fill("input[name=q]", SEA)
    page.press("input[name=q]", "Enter")
    page.wait_for_load_state("networkidle")

    assert page.input_value("input[name=q]") == SEA
    assert page.locator("h2").all_inner_texts() == ["Adapted", "Annotation"]
    assert page.locator(".kind h3").all_inner_texts() == ["Posts", "Pins", "Posts", "Pins"]
    assert page.locator(".result").count() == 4 * SHOWN
    assert "says “sea”" in page.inner_text("main")
    # The same address gives the same page.
    assert urlsplit(page.url).path + "?" + urlsplit(page.url).query == "/u/demo/search?q=" + SEA.replace(
        " ", "+"
    )
    assert serious_findings(page) == []


def test_a_suggested_question_and_a_pin_lead_on_to_results_and_items(visit: Visit) -> None:
    page = visit.go("/u/demo/search")
    assert page.locator(".suggested a").count() == 3
    page.locator(".suggested a").first.click()
    page.wait_for_load_state("networkidle")
    assert page.locator(".result").count() == 4 * SHOWN

    page = visit.go("/u/demo/search")
    page.locator(".beginnings a").first.click()
    page.wait_for_load_state("networkidle")
    assert page.inner_text("h1") == "More like this"
    page.locator(".result .more").first.click()
    page.wait_for_load_state("networkidle")
    assert page.inner_text("h1") == "More like this"
    page.locator(".result .title a").first.click()
    page.wait_for_load_state("networkidle")
    assert "/u/demo/item/" in page.url


def test_the_whole_way_goes_by_the_keyboard(visit: Visit) -> None:
    page = visit.go("/u/demo/search")
    page.focus("input[name=q]")
    page.keyboard.type("rust")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=rust")
    page.locator(".result .title a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/item/**")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_results_are_accessible_and_fit_a_phone(visit: Visit, scheme: str, demos: Path) -> None:
    visit.page.emulate_media(color_scheme=scheme)
    page = visit.go(f"/u/demo/search?item={quote(pin_of(demos)['artefact_id'])}")
    assert serious_findings(page) == []
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    # One column below the other.
    edges = page.eval_on_selector_all(".kind", "all => all.map(one => one.getBoundingClientRect().left)")
    assert len(edges) == 4
    assert len(set(edges)) == 1


@pytest.mark.parametrize("space", ["annotation", "adapted"])
def test_an_item_finds_its_nearest_by_cosine_and_never_itself(app: str, demos: Path, space: str) -> None:
    item = pin_of(demos)["artefact_id"]
    table = Lake(demos / "lake").read(f"{space}_embeddings", "demo")
    names, kinds = table["artefact_id"].to_pylist(), np.array(table["modality"].to_pylist())
    cosine = vectors(table) @ vectors(table)[names.index(item)]
    cosine[names.index(item)] = -2

    found = columns(asked(app, f"item={quote(item)}").text)

    for kind in ("text", "image"):
        expected = [names[i] for i in np.argsort(-cosine, kind="stable") if kinds[i] == kind][:SHOWN]
        assert ids(found[space, kind]) == expected
        shown = [
            float(m[1]) for one in found[space, kind] if (m := re.search(r"</span>(\d\.\d\d)</span>", one))
        ]
        assert shown == [pytest.approx(cosine[names.index(name)], abs=0.006) for name in expected]


def test_places_of_posts_and_pins_together_are_those_of_the_command_line(app: str, demos: Path) -> None:
    settings = load_settings(lake=demos / "lake", state=str(demos / "state.sqlite"))
    page = columns(asked(app, f"q={quote(SEA)}").text)
    for space in ("annotation", "adapted"):
        with closing(State(settings.state_url)) as state:
            hits = search(settings, state, "demo", SEA, space=space, limit=16)
        told = {
            int(place[1]): ids([one])[0]
            for kind in ("text", "image")
            for one in page[space, kind]
            if (place := re.search(r"No\. (\d+)", one))
        }
        assert len(told) >= SHOWN
        assert told == {place: hits[place - 1].artefact_id for place in told}


def test_why_an_item_was_found_is_what_the_tables_say(app: str, demos: Path) -> None:
    item = pin_of(demos)["artefact_id"]
    rows = {r["artefact_id"]: r for r in Lake(demos / "lake").read("item_overview", "demo").to_pylist()}
    own = rows[item]

    reasons = 0
    for (_, kind), results in columns(asked(app, f"item={quote(item)}").text).items():
        for name, one in zip(ids(results), results, strict=True):
            row = rows[name]
            why = re.search(r'<p class="why">(.*?)</p>', one, re.S)
            assert why is not None
            told = re.search(r"same ([\w, ]+)", why[1].replace("same cluster", ""))
            facets = re.findall(r"mood|aesthetic|lifestyle|moment", told[1]) if told else []
            assert facets == [f for f in FACETS if row[f] is not None and row[f] == own[f]]
            assert ("in common" in why[1]) == bool(set(row["themes"]) & set(own["themes"]))
            assert ("same cluster" in why[1]) == (kind == "image" and row["cluster"] == own["cluster"])
            assert ("cluster matched with its own" in why[1]) == (
                kind == "text" and row["match"] == own["match"]
            )
            reasons += why[1] != "by feeling alone"
    assert reasons > 10


def test_one_space_alone_can_be_asked_for_and_has_an_address(visit: Visit) -> None:
    page = visit.go(f"/u/demo/search?q={quote(SEA)}")
    page.click("text=Annotation >> nth=0")
    page.wait_for_url("**space=annotation")
    assert page.locator("h2").all_inner_texts() == ["Annotation"]
    assert page.locator(".result").count() == 2 * SHOWN


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("%20%09", "There are no words to search for."),
        ("", "There are no words to search for."),
        ("sea" * 3_400, "at most 1,000 characters, and this one has 10,200"),
        ("sea%00shore", "There are control characters"),
        ("sea%1b[31m", "There are control characters"),
        ("sea%C2%85%C2%9b", "There are control characters"),
    ],
)
def test_a_question_that_cannot_be_asked_gets_a_clear_word(app: str, words: str, said: str) -> None:
    answer = asked(app, f"q={words}")
    assert answer.status_code == 400
    assert said in answer.text
    assert "\0" not in answer.text
    assert "\x1b" not in answer.text
    assert len(answer.text) < 20_000


def test_words_are_shown_as_text_whatever_they_are(visit: Visit) -> None:
    hostile = '"><script>document.title = "taken"</script><img src=x onerror=alert(1)>\u202e'
    page = visit.go(f"/u/demo/search?q={quote(hostile)}")
    assert page.input_value("input[name=q]") == hostile
    assert "taken" not in page.evaluate("document.title.split('<')[0]")
    assert page.locator(".result").count() == 4 * SHOWN


def test_an_unknown_item_and_another_users_item_are_not_there(app: str, demos: Path) -> None:
    theirs = Lake(demos / "lake").read("artefacts", "demo-2")["artefact_id"].to_pylist()
    own = set(Lake(demos / "lake").read("artefacts", "demo")["artefact_id"].to_pylist())
    for item in ("nobody", "../../etc/passwd", "x" * 5_000, next(i for i in theirs if i not in own)):
        answer = asked(app, f"item={quote(item)}")
        assert answer.status_code == 404
        assert "has no item" in answer.text
        assert len(answer.text) < 5_000


def test_a_picture_is_annotated_and_finds_what_lies_near(visit: Visit, tmp_path: Path) -> None:
    page = visit.go("/u/demo/search")
    page.click("text=Search with a picture")
    file = tmp_path / "picture.jpg"
    file.write_bytes(jpeg())
    page.set_input_files("input[name=picture]", file)
    page.click("text=Search with it")
    page.wait_for_selector(".result", timeout=60_000)

    assert page.inner_text("h1") == "Near to your picture"
    assert page.locator(".result").count() == 4 * SHOWN
    assert page.locator(".asking img").evaluate("one => one.naturalWidth") == 256
    assert "Mood" in page.inner_text(".asking")
    assert serious_findings(page) == []


def test_a_picture_leaves_no_trace(app: str, demos: Path) -> None:
    def state() -> dict[str, Any]:
        with sqlite3.connect(f"file:{demos / 'state.sqlite'}?mode=ro", uri=True) as database:
            tables = [n for (n,) in database.execute("select name from sqlite_master where type = 'table'")]
            return {n: database.execute(f"select count(*) from {n}").fetchone() for n in tables}

    files = sorted(p for p in (demos / "lake").rglob("*") if p.is_file())
    before = state()

    assert sent(app, jpeg(colour=(200, 120, 10))).status_code == 200
    assert asked(app, "q=what+nobody+asked+before").status_code == 200

    assert state() == before
    assert sorted(p for p in (demos / "lake").rglob("*") if p.is_file()) == files


def bomb() -> bytes:
    buffer = io.BytesIO()
    Image.new("1", (10_000, 5_001)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "status", "said"),
    [
        (b"not a picture", 400, "no picture that can be read"),
        (b"", 400, "No picture was chosen"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 400, "no picture that can be read"),
        (jpeg()[:900], 400, "no picture that can be read"),
        (b"x" * (20 * 1024 * 1024 + 1), 400, "larger than 20 MB"),
        (b"x" * (21 * 1024 * 1024), 413, "larger than 20 MB"),
    ],
    ids=["text", "nothing", "svg", "cut short", "a byte too large", "too large a form"],
)
def test_what_is_no_picture_that_can_be_used_gets_a_clear_word(
    app: str, data: bytes, status: int, said: str
) -> None:
    answer = sent(app, data)
    assert (answer.status_code, said in answer.text) == (status, True)


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(app: str) -> None:
    answer = sent(app, bomb())
    assert answer.status_code == 400
    assert "more than 50 million pixels" in answer.text


def test_a_form_without_a_length_is_bounded_while_it_is_read(app: str) -> None:
    """Of forty megabytes in chunks only the beginning is taken."""
    address = urlsplit(app)
    head = (
        b"POST /u/demo/search HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    )
    part = b'--b\r\nContent-Disposition: form-data; name="picture"; filename="x"\r\n\r\n'
    with socket.create_connection((address.hostname, address.port), timeout=30) as wire:
        wire.sendall(head + chunk(part))
        # It answers and hangs up while it is still being sent to.
        with suppress(ConnectionError):
            for _ in range(40):
                wire.sendall(chunk(b"x" * (1 << 20)))
        answer = wire.recv(100) if wire.fileno() >= 0 else b""
    assert answer.startswith(b"HTTP/1.1 413")


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


FORM = "multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n'


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b"{}", 415),
        ("multipart/form-data", b"", 415),
        (FORM, b"", 400),
        (FORM, b"--b\r\n", 400),
        (FORM, b"nonsense", 400),
        (FORM, PART % b"other" + b"x\r\n--b--\r\n", 400),
        (FORM, PART % b"picture" + b"cut short", 400),
        (FORM, b"--b\r\n" + b"x: y\r\n" * 5_000 + b"\r\nz\r\n--b--\r\n", 400),
    ],
)
def test_a_form_that_is_none_is_refused(app: str, kind: str, body: bytes, status: int) -> None:
    answer = httpx2.post(f"{app}/u/demo/search", content=body, headers={"content-type": kind})
    assert answer.status_code == status
    assert "went wrong" not in answer.text


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Lake]]:
    """An app over small users, half-made ones among them."""
    place = tmp_path_factory.mktemp("small")
    (place / "qualia.toml").touch()
    lake = Lake(place / "lake")
    hostile = ["<script>alert(1)</script>", "\u202egnp.exe", "y" * 10_000, "nul \0 here", "🌊 sea"]
    write_user(lake, "hostile", items=20, titles=hostile)
    write_user(lake, "posts", items=12, modalities=("text",))
    write_user(lake, "begun", items=12, tables=ORDER[:3])
    write_user(lake, "halfway", items=12, tables=ORDER[:5])
    write_user(lake, "one", items=1)
    with serving(place) as url:
        yield url, lake


def test_hostile_titles_stay_text(small: tuple[str, Lake], chromium: Any) -> None:
    tab = Visit(chromium.new_page(), small[0])
    page = tab.go(f"/u/hostile/search?item={quote(item_id('hostile', 4))}")
    assert "<script>alert(1)</script>" in page.inner_text("main")
    assert page.locator("main script").count() == 0
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.close()
    tab.is_clean()


def test_what_is_not_there_yet_is_said_and_the_rest_shown(small: tuple[str, Lake]) -> None:
    app, _ = small
    answer = asked(app, "", "begun")
    assert answer.status_code == 200
    assert "annotation_embeddings was not made yet" in answer.text
    assert "qualia run --user begun" in answer.text

    halfway = asked(app, f"item={quote(item_id('halfway', 0))}", "halfway").text
    assert "adapted_embeddings was not made yet" in halfway
    assert len(columns(halfway)["annotation", "text"]) == 5

    posts = asked(app, f"item={quote(item_id('posts', 0))}", "posts").text
    assert "There are no pins here." in posts
    assert asked(app, f"item={quote(item_id('one', 0))}", "one").status_code == 200


def test_doing_nothing_is_shown_once_and_called_so(small: tuple[str, Lake]) -> None:
    page = asked(small[0], f"item={quote(item_id('hostile', 0))}", "hostile").text
    assert "doing nothing was the best adapter here" in page
    assert {space for space, _ in columns(page)} == {"adapted"}


def test_words_are_not_compared_with_what_another_embedder_made(small: tuple[str, Lake]) -> None:
    answer = asked(small[0], "q=sea", "hostile")
    assert answer.status_code == 400
    assert f"The items were embedded by test, and the settings name {NAME}" in answer.text


def test_a_file_that_is_too_large_is_not_sent_at_all(visit: Visit, tmp_path: Path) -> None:
    file = tmp_path / "large.jpg"
    file.write_bytes(b"x" * (20 * 1024 * 1024 + 1))
    page = visit.go("/u/demo/search")
    page.click("summary")
    page.set_input_files("input[name=picture]", file)
    assert (
        page.evaluate("document.getElementById('picture').validationMessage")
        == "The file is larger than 20 MB."
    )
    page.click("text=Search with it")
    assert page.inner_text("h1") == "What does it feel like?"


def test_where_a_question_goes_is_said_and_a_service_that_cannot_be_asked_too(
    small: tuple[str, Lake],
) -> None:
    model, lake = "voyage/voyage-multimodal-3.5", small[1]
    write_user(lake, "abroad", items=12)
    table = lake.read("annotation_embeddings", "abroad")
    made_by = pa.array([model] * table.num_rows)
    place = table.column_names.index("embedder")
    write(lake, "abroad", "annotation_embeddings", table.set_column(place, "embedder", made_by))
    chosen = {"QUALIA_EMBEDDER": model, "QUALIA_ANNOTATOR": "anthropic/claude-haiku-4-5"}
    with serving(lake.root.parent, **chosen) as app:
        page = asked(app, "", "abroad").text
        assert f"Your words are sent to {model}" in page
        assert "The picture is sent to anthropic/claude-haiku-4-5" in page
        for answer, who in (
            (asked(app, "q=sea", "abroad"), model),
            (sent(app, jpeg(), "abroad"), "anthropic/claude-haiku-4-5"),
        ):
            assert answer.status_code == 400
            assert f'role="alert">There is no key for {who}.' in answer.text
