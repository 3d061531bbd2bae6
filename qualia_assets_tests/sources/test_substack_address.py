"""Addresses and names of Substack in one canonical form."""

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


SIZES = [
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
]
OTHERS = [PIN, PIN.replace("736x", "originals"), "https://host.example/a%20b.png"]
OTHERS += ["https://substackcdn.com/images/static.png"]
NO_PICTURES = r"""
abc.jpeg  //host.example/a.png  http://host.example/a.png  data:image/png;base64,AAAA
https://substackcdn.com/image/fetch/w_1456/abc.png  https://user:secret@host.example/a.png
https://user@host.example/a.png  https://host.example:8443/a.png  https://host.example:port/a.png
https://127.0.0.1/a.png  https://2130706433/a.png  https://[::1]/a.png  https://[::1/a.png
https://localhost/a.png  https://host.example  https://host.example/  https://host.example\@evil.example/a.png
"""
NONE = [fetched(url) for url in ("http://host.example/a.png", "file:///etc/passwd", "javascript:alert(1)")]
NONE += ["", "https://host.example/a\nb.png", "https://host.example/" + "a" * 5_000]
NONE += ["https://substackcdn.com/image/fetch/x/" * 6 + "https://host.example/a.png"]


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        *((url, ORIGIN) for url in SIZES),
        *((url, url) for url in OTHERS),
        (fetched("https://host.example/a%20b é.png"), "https://host.example/a%20b%20%C3%A9.png"),
        *((url, None) for url in [*NO_PICTURES.split(), *NONE]),
    ],
)
def test_a_picture_has_one_https_address_whatever_its_size(url: str, canonical: str | None) -> None:
    assert canonical_image_url(url) == canonical


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


NO_PUBLICATIONS = """
name  https://substack.com/@name  https://www.substack.com  https://open.substack.com  me@example.org
https://open.substack.com/pub/../etc  https://open.substack.com/x/pub/name  ftp://name.substack.com
https://user:secret@name.substack.com  https://name.substack.com:8443  https://10.0.0.1/feed
https://[fd00::1]/feed  https://localhost/feed  https://-name.example  https://a..example
https://nаme.example
"""  # a Cyrillic letter in the last


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
        *((address, None) for address in NO_PUBLICATIONS.split()),
        ("", None),
        ("https://name.example\r\nHost: evil.example", None),
    ],
)
def test_a_publication_is_identified_by_its_origin(address: str, origin: str | None) -> None:
    assert publication_origin(address) == origin


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
def test_a_profile_is_identified_by_its_handle(address: str, handle: str | None) -> None:
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
