"""The search page: by words, by an item, by a picture; results and reasons; and that no query is kept."""

import io
import re
import socket
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote
from xml.etree.ElementTree import Element

import pyarrow as pa
import pytest
from PIL import Image

from qualia_assets.embed.minilm import NAME
from qualia_assets.lake.store import Lake
from qualia_assets.search.finder import FACETS, RESULTS
from qualia_assets.search.search import search
from qualia_assets.settings import load_settings
from qualia_assets.state.database import State
from qualia_assets_tests.places import USER
from qualia_assets_tests.web.conftest import HOSTILE, Client, Tab, check_accessible, client_over
from qualia_assets_tests.web.html import Html, text_of
from qualia_assets_tests.web.lakes import ORDER, item_id, write, write_user

SEA = "a slow morning by the sea"
PAGE = f"/u/{USER}/search"


@pytest.fixture(scope="module", autouse=True)
def users(lake: Lake) -> None:
    write_user(lake, "posts", items=12, modalities=("text",))
    write_user(lake, "halfway", items=12, tables=ORDER[:5])
    write_user(lake, "single", items=1)


def results(html: Html) -> dict[tuple[str, str], list[Element]]:
    """The results of a page, by space and modality."""
    found = {}
    for space in html.all("section.space"):
        for kind in html.all("section.kind", space):
            name, modality = kind.attrib["aria-labelledby"].split("-")
            found[name, modality] = html.all("li.result", kind)
    return found


def item_of(html: Html, result: Element) -> str:
    return unquote(html.all(".title a", result)[0].attrib["href"].split("/item/")[1])


def sent(client: Client, data: bytes, user: str = USER) -> Any:
    return client.http.post(f"/u/{user}/search", files={"picture": ("x", data)})


def jpeg(colour: tuple[int, int, int] = (40, 90, 130)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (320, 240), colour).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def pin(lake: Lake) -> str:
    """A pin of a cluster with an accepted match."""
    rows = lake.read("item_overview", USER).to_pylist()
    return str(next(r["artefact_id"] for r in rows if r["modality"] == "image" and r["match"] is not None))


def test_words_are_searched_by_keyboard_in_both_spaces_and_the_address_keeps_them(tab: Tab) -> None:
    page = tab.go(PAGE)
    page.focus("input[name=q]")
    page.keyboard.type(SEA)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**" + PAGE + "?q=" + SEA.replace(" ", "+"))

    assert page.input_value("input[name=q]") == SEA
    assert page.locator("h2").all_inner_texts() == ["Adapted", "Annotation"]
    assert page.locator(".kind h3").all_inner_texts() == ["Posts", "Pins", "Posts", "Pins"]
    assert page.locator(".result").count() == 4 * RESULTS
    assert "says “sea”" in page.inner_text("main")
    check_accessible(page)
    page.locator(".result .title a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/item/**")


def test_suggested_words_and_pins_lead_to_results_and_on_to_items(client: Client) -> None:
    html = client.get(PAGE)
    suggested = html.all(".suggested a")
    assert len(suggested) == 3
    assert len(client.get(suggested[0].attrib["href"]).all(".result")) == 4 * RESULTS
    like = client.get(html.all(".suggested-pins a")[0].attrib["href"])
    assert like.texts("h1") == ["More like this"]
    assert client.get(like.all(".result .more")[0].attrib["href"]).texts("h1") == ["More like this"]
    title = like.all(".result .title a")[0]
    assert client.get(title.attrib["href"]).texts("h1") == [text_of(title)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_results_are_accessible_and_in_one_column_on_a_phone(tab: Tab, scheme: str, pin: str) -> None:
    page = tab.go(f"{PAGE}?item={quote(pin)}", width=400, scheme=scheme)
    check_accessible(page)
    edges = page.eval_on_selector_all(".kind", "all => all.map(one => one.getBoundingClientRect().left)")
    assert len(edges) == 4
    assert len(set(edges)) == 1


@pytest.mark.parametrize("by_item", [False, True])
def test_results_ranks_and_similarities_are_those_of_the_command_line(
    client: Client, lake: Lake, site: Path, pin: str, by_item: bool
) -> None:
    settings = load_settings(lake=lake.root, state=str(site / "state.sqlite"))
    html = client.get(f"{PAGE}?item={quote(pin)}" if by_item else f"{PAGE}?q={quote(SEA)}")
    query: dict[str, Any] = {"item": pin} if by_item else {"words": SEA}
    for space in ("annotation", "adapted"):
        for modality in ("text", "image"):
            with closing(State(settings.state_url)) as state:
                hits = search(settings, state, USER, space=space, modality=modality, limit=RESULTS, **query)
                ranking = search(settings, state, USER, space=space, limit=2 * RESULTS, **query)
            found = results(html)[space, modality]
            assert [item_of(html, one) for one in found] == [hit.artefact_id for hit in hits]
            shown = [text_of(html.all(".alike", one)[0]).split()[-1] for one in found]
            assert list(map(float, shown)) == pytest.approx([hit.similarity for hit in hits], abs=0.0051)
            ranks = {hit.artefact_id: rank for rank, hit in enumerate(ranking, 1)}
            numbers = [re.search(r"No\. (\d+)", text_of(one)) for one in found]
            assert [n and int(n[1]) for n in numbers] == [ranks.get(hit.artefact_id) for hit in hits]


def test_the_reasons_for_a_result_are_what_the_tables_say(client: Client, lake: Lake, pin: str) -> None:
    rows = {r["artefact_id"]: r for r in lake.read("item_overview", USER).to_pylist()}
    own = rows[pin]
    html = client.get(f"{PAGE}?item={quote(pin)}")

    reasons = set()
    for (_, kind), found in results(html).items():
        for one in found:
            row = rows[item_of(html, one)]
            why = text_of(html.all(".reasons", one)[0])
            facets = re.search(r"same ((?:mood|aesthetic|lifestyle|moment|, | and )+)", why)
            same = re.findall(r"\w+", facets[1].replace(" and ", " ")) if facets else []
            assert same == [f for f in FACETS if row[f] is not None and row[f] == own[f]]
            assert ("in common" in why) == bool(set(row["themes"]) & set(own["themes"]))
            assert ("same cluster" in why) == (kind == "image" and row["cluster"] == own["cluster"])
            assert ("cluster matched with its own" in why) == (
                kind == "text" and row["match"] == own["match"]
            )
            reasons.add(why)
    assert len(reasons) > 1


def test_one_space_alone_has_an_address(client: Client) -> None:
    html = client.get(f"{PAGE}?q={quote(SEA)}")
    (alone,) = (a for a in html.all("nav.spaces-shown a") if text_of(a) == "Annotation")
    page = client.get(alone.attrib["href"])
    assert page.texts("h2") == ["Annotation"]
    assert len(page.all(".result")) == 2 * RESULTS


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "There are no words to search for."),
        ("sea" * 3_400, "at most 1,000 characters, and this one has 10,200"),
        ("sea%00shore", "There are control characters"),
        ("sea%1b[31m", "There are control characters"),
    ],
)
def test_words_that_cannot_be_searched_get_a_clear_message(client: Client, words: str, message: str) -> None:
    response = client.http.get(f"{PAGE}?q={words}")
    assert response.status_code == 400
    assert message in response.text
    assert "\0" not in response.text
    assert "\x1b" not in response.text
    assert len(response.text) < 20_000


def test_hostile_words_and_titles_stay_text(client: Client, tab: Tab) -> None:
    words = '"><script>window.hacked = 1</script><img src=x onerror=alert(1)>\u202e'
    page = tab.go(f"{PAGE}?q={quote(words)}")
    assert page.input_value("input[name=q]") == words
    assert page.locator(".result").count() == 4 * RESULTS
    page = tab.go(f"/u/ann/search?item={quote(item_id('ann', 10))}", width=400)
    assert page.locator("main script").count() == 0
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert HOSTILE[0] in client.get(f"/u/ann/search?item={quote(item_id('ann', 10))}").texts(".result .title")


def test_unknown_items_and_those_of_other_users_are_not_found(client: Client) -> None:
    for item in ("nobody", "../../etc/passwd", "x" * 5_000, item_id("ann", 1)):
        html = client.get(f"{PAGE}?item={quote(item)}", 404)
        assert f"{USER} has no item" in html.text()
        assert len(html.text()) < 500


def test_a_picture_is_uploaded_annotated_and_finds_its_nearest(tab: Tab, tmp_path: Path) -> None:
    page = tab.go(PAGE)
    page.click("summary")
    large, small = tmp_path / "large.jpg", tmp_path / "small.jpg"
    large.write_bytes(b"x" * (20 * 1024 * 1024 + 1))
    small.write_bytes(jpeg())
    page.set_input_files("input[name=picture]", large)
    message = page.evaluate("document.getElementById('picture').validationMessage")
    assert message == "The file is larger than 20 MB."
    page.click(".by-picture button")
    assert page.inner_text("h1") == "What does it feel like?", "a file that is too large is not sent"

    page.set_input_files("input[name=picture]", small)
    # The models are loaded for the first picture.
    page.click(".by-picture button", no_wait_after=True)
    page.wait_for_selector(".result, .error", timeout=120_000)
    assert page.locator(".error").all_inner_texts() == []
    assert page.inner_text("h1") == "Results for your picture"
    assert page.locator(".result").count() == 4 * RESULTS
    assert page.locator(".query img").evaluate("one => one.naturalWidth") == 256
    assert "Looks like" in page.inner_text(".query")
    check_accessible(page)


def test_queries_leave_no_trace(client: Client, site: Path) -> None:
    def kept() -> dict[str, Any]:
        with sqlite3.connect(f"file:{site / 'state.sqlite'}?mode=ro", uri=True) as database:
            tables = [n for (n,) in database.execute("select name from sqlite_master where type = 'table'")]
            return {n: database.execute(f"select count(*) from {n}").fetchone() for n in tables}

    client.get(PAGE)
    files = sorted(p for p in (site / "lake").rglob("*") if p.is_file())
    before = kept()

    assert sent(client, jpeg(colour=(200, 120, 10))).status_code == 200
    client.get(f"{PAGE}?q=what+nobody+searched+before")

    assert kept() == before
    assert sorted(p for p in (site / "lake").rglob("*") if p.is_file()) == files


def bomb() -> bytes:
    """A picture of more pixels than are decoded."""
    buffer = io.BytesIO()
    Image.new("1", (10_000, 5_001)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "status", "message"),
    [
        (b"not a picture", 400, "not a readable picture"),
        (b"", 400, "No picture was chosen"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 400, "not a readable picture"),
        (jpeg()[:900], 400, "not a readable picture"),
        (b"x" * (20 * 1024 * 1024 + 1), 400, "larger than 20 MB"),
        (b"x" * (21 * 1024 * 1024), 413, "larger than 20 MB"),
        (bomb(), 400, "more than 50 million pixels"),
    ],
    ids=["text", "nothing", "svg", "truncated", "a byte too large", "form too large", "too many pixels"],
)
def test_unusable_pictures_get_a_clear_message(
    client: Client, data: bytes, status: int, message: str
) -> None:
    response = sent(client, data)
    assert (response.status_code, message in response.text) == (status, True)


def test_a_form_without_a_length_is_bounded_while_it_is_read(port: int) -> None:
    """Of forty megabytes in chunks only the beginning is accepted."""

    def chunk(data: bytes) -> bytes:
        return f"{len(data):x}\r\n".encode() + data + b"\r\n"

    head = (
        f"POST {PAGE} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    ).encode()
    part = b'--b\r\nContent-Disposition: form-data; name="picture"; filename="x"\r\n\r\n'
    with socket.create_connection(("127.0.0.1", port), timeout=30) as wire:
        wire.sendall(head + chunk(part))
        # It answers and hangs up while it is still being sent to.
        with suppress(ConnectionError):
            for _ in range(40):
                wire.sendall(chunk(b"x" * (1 << 20)))
        answer = wire.recv(100) if wire.fileno() >= 0 else b""
    assert answer.startswith(b"HTTP/1.1 413")


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
def test_a_malformed_form_is_refused(client: Client, kind: str, body: bytes, status: int) -> None:
    response = client.http.post(PAGE, content=body, headers={"content-type": kind})
    assert response.status_code == status
    assert "went wrong" not in response.text


def test_missing_stages_are_named_and_the_rest_is_shown(client: Client) -> None:
    halfway = client.get(f"/u/halfway/search?item={quote(item_id('halfway', 0))}")
    assert "adapted_embeddings was not made yet" in halfway.text()
    assert len(results(halfway)["annotation", "text"]) == 5

    posts = client.get(f"/u/posts/search?item={quote(item_id('posts', 0))}")
    assert "There are no pins here." in posts.text()
    client.get(f"/u/single/search?item={quote(item_id('single', 0))}")


def test_without_adapting_one_space_is_shown_and_the_page_says_so(client: Client) -> None:
    html = client.get(f"/u/ann/search?item={quote(item_id('ann', 10))}")
    assert "not adapting was the best choice here" in html.text()
    assert {space for space, _ in results(html)} == {"adapted"}


def test_words_are_not_compared_with_vectors_of_another_embedder(client: Client) -> None:
    text = client.get("/u/ann/search?q=sea", 400).text()
    assert f"The items were embedded by test, and the settings name {NAME}" in text


@pytest.fixture
def remote(lake: Lake) -> Client:
    """The app with remote providers and without keys."""
    model = "voyage/voyage-multimodal-3.5"
    write_user(lake, "remote", items=12)
    table = lake.read("annotation_embeddings", "remote")
    column = pa.array([model] * table.num_rows)
    table = table.set_column(table.column_names.index("embedder"), "embedder", column)
    write(lake, "remote", "annotation_embeddings", table)
    chosen = {"QUALIA_EMBEDDER": model, "QUALIA_ANNOTATOR": "anthropic/claude-haiku-4-5"}
    return Client(client_over(lake.root.parent, **chosen))


def test_the_page_says_where_a_query_goes_and_that_a_key_is_missing(remote: Client) -> None:
    text = remote.get("/u/remote/search").text()
    assert "Your words are sent to voyage/voyage-multimodal-3.5" in text
    assert "The picture is sent to anthropic/claude-haiku-4-5" in text
    words = remote.get("/u/remote/search?q=sea", 400)
    assert words.texts(".error")[0].startswith("There is no key for voyage/voyage-multimodal-3.5.")
    picture = sent(remote, jpeg(), "remote")
    assert picture.status_code == 400
    assert Html(picture.text).texts(".error")[0].startswith("There is no key for anthropic/claude-haiku-4-5.")
