"""Addresses and names of Substack in one form, whatever form they come in."""

import re
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qualia_assets.sources.substack.address import (
    canonical_image_url,
    is_handle,
    is_slug,
    profile_handle,
    publication_origin,
)

ORIGIN = "https://substack-post-media.s3.amazonaws.com/public/images/abc_800x600.jpeg"
PIN = "https://i.pinimg.com/736x/00/11/22/00112233445566778899aabbccddeeff.jpg"


def fetched(url: str, how: str = "w_1456,c_limit,f_auto,q_auto:good", host: str = "substackcdn.com") -> str:
    return f"https://{host}/image/fetch/{how}/{quote(url, safe='')}"


@pytest.mark.parametrize(
    "url",
    [
        ORIGIN,
        f"{ORIGIN}?token=secret&w=1#top",
        fetched(ORIGIN),
        fetched(ORIGIN, "$s_!abcd!,f_auto,q_auto:good,fl_progressive:steep"),
        fetched(ORIGIN, host="cdn.substack.com"),
        fetched(ORIGIN) + "?utm=1",
        fetched(f"{ORIGIN}?token=secret"),
        fetched(fetched(ORIGIN)),
        fetched(fetched(fetched(ORIGIN))),
        f"https://substackcdn.com/image/fetch/w_1456/{ORIGIN}",
        fetched(ORIGIN).replace("%3A", "%3a").replace("%2F", "%2f"),
        ORIGIN.replace("https://substack-post", "HTTPS://Substack-Post"),
        ORIGIN.replace("amazonaws.com/", "amazonaws.com:443/"),
    ],
)
def test_one_picture_in_many_sizes_has_one_address(url: str) -> None:
    assert canonical_image_url(url) == ORIGIN


@pytest.mark.parametrize(
    "url",
    [
        PIN,
        PIN.replace("736x", "originals"),
        "https://host.example/a%20b.png",
        "https://substackcdn.com/images/static.png",
    ],
)
def test_other_addresses_of_pictures_stay_as_they_are(url: str) -> None:
    assert canonical_image_url(url) == url


def test_letters_and_spaces_in_an_original_address_stay_escaped_as_they_were_or_become_so() -> None:
    assert canonical_image_url(fetched("https://host.example/a%20b é.png")) == (
        "https://host.example/a%20b%20%C3%A9.png"
    )


@pytest.mark.parametrize(
    "url",
    [
        "",
        "abc.jpeg",
        "//host.example/a.png",
        "http://host.example/a.png",
        fetched("http://host.example/a.png"),
        fetched("file:///etc/passwd"),
        fetched("javascript:alert(1)"),
        "https://substackcdn.com/image/fetch/w_1456/abc.png",
        "data:image/png;base64,AAAA",
        "https://user:secret@host.example/a.png",
        "https://user@host.example/a.png",
        "https://host.example:8443/a.png",
        "https://host.example:port/a.png",
        "https://127.0.0.1/a.png",
        "https://2130706433/a.png",
        "https://[::1]/a.png",
        "https://[::1/a.png",
        "https://localhost/a.png",
        "https://host.example",
        "https://host.example/",
        "https://host.example/a\nb.png",
        "https://host.example\\@evil.example/a.png",
        "https://host.example/" + "a" * 5_000,
        "https://substackcdn.com/image/fetch/x/" * 6 + "https://host.example/a.png",
    ],
)
def test_what_is_no_https_address_of_a_picture_is_none(url: str) -> None:
    assert canonical_image_url(url) is None


@given(st.one_of(st.text(), st.text().map(fetched), st.from_regex(r"https?://[a-z.]{1,9}.*", fullmatch=True)))
@example("https://a.example/x?y")
def test_a_canonical_address_is_https_without_query_and_canonical_itself(url: str) -> None:
    found = canonical_image_url(url)

    if found is not None:
        parts = urlsplit(found)
        assert parts.scheme == "https"
        assert (parts.query, parts.fragment, parts.username, parts.port) == ("", "", None, None)
        assert found.isascii()
        assert canonical_image_url(found) == found


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://name.substack.com", "https://name.substack.com"),
        ("https://name.substack.com/p/a-post?utm_source=x#c", "https://name.substack.com"),
        ("http://name.substack.com/feed", "https://name.substack.com"),
        ("Name.Substack.com", "https://name.substack.com"),
        ("https://www.own-domain.example/feed", "https://www.own-domain.example"),
        ("own-domain.example", "https://own-domain.example"),
        ("https://open.substack.com/pub/name/p/a-post?r=1", "https://name.substack.com"),
    ],
)
def test_a_publication_is_known_by_its_origin(address: str, origin: str) -> None:
    assert publication_origin(address) == origin


@pytest.mark.parametrize(
    "address",
    [
        "",
        "name",
        "https://substack.com/@name",
        "https://www.substack.com",
        "https://open.substack.com",
        "https://open.substack.com/pub/../etc",
        "https://open.substack.com/x/pub/name",
        "me@example.org",
        "https://user:secret@name.substack.com",
        "https://name.substack.com:8443",
        "ftp://name.substack.com",
        "https://10.0.0.1/feed",
        "https://[fd00::1]/feed",
        "https://localhost/feed",
        "https://-name.example",
        "https://a..example",
        "https://nаme.example",  # a Cyrillic letter
        "https://name.example\r\nHost: evil.example",
    ],
)
def test_what_is_no_publication_is_none(address: str) -> None:
    assert publication_origin(address) is None


@given(st.text())
def test_an_origin_is_a_host_by_name_and_nothing_else(address: str) -> None:
    origin = publication_origin(address)

    if origin is not None:
        assert re.fullmatch(r"https://([a-z0-9-]+\.)+[a-z][a-z0-9-]+", origin)
        assert publication_origin(origin) == origin


@pytest.mark.parametrize(
    ("address", "handle"),
    [
        ("https://substack.com/@name", "name"),
        ("https://www.substack.com/@name/notes?x=1", "name"),
        ("substack.com/@a_b", "a_b"),
        ("https://substack.com/name", None),
        ("https://substack.com/@", None),
        ("https://substack.com/@../etc", None),
        ("https://name.substack.com/@name", None),
    ],
)
def test_a_profile_is_known_by_its_handle(address: str, handle: str | None) -> None:
    assert profile_handle(address) == handle


@given(st.text())
@example("../../etc/passwd")
@example("a/b")
@example("a\n")
@example("%2e%2e")
@example("é")
@example("a" * 300)
def test_handles_and_slugs_are_safe_in_an_address_as_they_are(name: str) -> None:
    if is_handle(name) or is_slug(name):
        assert quote(name, safe="") == name
        assert name.strip(".") == name or not is_slug(name)
        assert not name.startswith(".")
        assert len(name) <= 250
