"""Addresses and names as people and pages write them, brought into the one form that is kept.

Belongs here: what is a handle, a slug, a publication's origin or a picture's address, and what is none. All
of it is untrusted, and nothing here asks for anything. Whether an address may be asked is for ``net``.
"""

import re
from urllib.parse import SplitResult, quote, unquote, urlsplit

from qualia_assets.sources.substack.wire import HANDLE, SLUG

_HOST = re.compile(r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_SUBDOMAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
# What no address holds unescaped; urlsplit would drop some of it without a word.
_NOT_IN_ADDRESSES = re.compile(r"[^\x21-\x7e]|[\\\"<>^`{|}]")
_LONGEST = 4_000

_ORIGINAL = re.compile(r"https?(?::|%(?:25)*3a)", re.IGNORECASE)
_IMAGE_PROXIES = ("substackcdn.com", "cdn.substack.com")
_MOST_WRAPPINGS = 5

# Substack's own pages: they are no publications.
_NO_PUBLICATIONS = ("substack.com", "substackcdn.com", "cdn.substack.com", "support.substack.com")


def is_handle(name: str) -> bool:
    """Whether it can be the name of a person's profile, without its @."""
    return HANDLE.fullmatch(name) is not None


def is_slug(name: str) -> bool:
    """Whether it can be a post's name in its address."""
    return SLUG.fullmatch(name) is not None


def canonical_image_url(url: str) -> str | None:
    """Where a picture really is: out of Substack's resizing proxy, without query and fragment.

    One picture is linked in many sizes, which are one address here. None for what is no https address.
    """
    for _ in range(_MOST_WRAPPINGS):
        parts = _split(url)
        if parts is None or parts.scheme != "https":
            return None
        if parts.hostname not in _IMAGE_PROXIES or not parts.path.startswith("/image/fetch/"):
            return f"https://{parts.hostname}{parts.path}" if len(parts.path) > 1 else None
        original = _ORIGINAL.search(parts.path)
        if original is None:
            return None
        url = parts.path[original.start() :]
        if "%" in original.group():
            url = quote(unquote(url), safe="%/:?#[]@!$&'()*+,;=")
    return None


def publication_origin(address: str) -> str | None:
    """``https://host`` of the publication that an address, or a bare host, is of; None where it is of none.

    Short links of the app (``open.substack.com/pub/name/...``) count as the publication that they open.
    """
    parts = _split(address if "://" in address else f"https://{address}")
    if parts is None or parts.scheme not in ("https", "http"):
        return None
    host = parts.hostname or ""
    if host == "open.substack.com":
        before, _, rest = parts.path.partition("/pub/")
        subdomain = rest.partition("/")[0].lower()
        return f"https://{subdomain}.substack.com" if not before and _SUBDOMAIN.fullmatch(subdomain) else None
    return None if host.removeprefix("www.") in _NO_PUBLICATIONS else f"https://{host}"


def profile_handle(address: str) -> str | None:
    """The handle in the address of a profile, ``substack.com/@handle``; None where it is none."""
    parts = _split(address if "://" in address else f"https://{address}")
    if parts is None or (parts.hostname or "").removeprefix("www.") != "substack.com":
        return None
    name = parts.path.removeprefix("/@").partition("/")[0]
    return name if parts.path.startswith("/@") and is_handle(name) else None


def _split(url: str) -> SplitResult | None:
    """The parts of an address with a host by name, no user, no odd port; None where it is none."""
    if len(url) > _LONGEST or _NOT_IN_ADDRESSES.search(url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if "@" in parts.netloc or not _HOST.fullmatch(parts.hostname or ""):
        return None
    return parts if port in (None, {"https": 443, "http": 80}.get(parts.scheme)) else None
