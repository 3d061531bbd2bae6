"""Addresses and names as people and pages write them, brought into one canonical form.

Belongs here: the validation of handles, slugs, origins of publications and addresses of pictures. All input
is untrusted; no requests are made. Whether an address may be requested is in ``net``.
"""

import re
from urllib.parse import SplitResult, quote, unquote, urlsplit

from qualia_assets.sources.substack.wire import HANDLE, SLUG

_HOST = re.compile(r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_SUBDOMAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
# Characters that must be escaped in an address; urlsplit drops some of them silently.
_NOT_IN_ADDRESSES = re.compile(r"[^\x21-\x7e]|[\\\"<>^`{|}]")
_LONGEST = 4_000

_ORIGINAL = re.compile(r"https?(?::|%(?:25)*3a)", re.IGNORECASE)
_IMAGE_PROXIES = ("substackcdn.com", "cdn.substack.com")
_MOST_WRAPPINGS = 5

# Substack's own sites, which are no publications.
_NO_PUBLICATIONS = ("substack.com", "substackcdn.com", "cdn.substack.com", "support.substack.com")


def is_handle(name: str) -> bool:
    """Whether a name is a valid handle of a profile, without its @."""
    return HANDLE.fullmatch(name) is not None


def is_slug(name: str) -> bool:
    """Whether a name is a valid slug of a post."""
    return SLUG.fullmatch(name) is not None


def canonical_image_url(url: str) -> str | None:
    """The original address of a picture, without Substack's resizing proxy, query and fragment.

    The many sizes in which a picture is linked have one address here. None for what is no https address.
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
    """``https://host`` of the publication of an address or a bare host; None where there is none.

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
    """The handle in the address of a profile, ``substack.com/@handle``; None for other addresses."""
    parts = _split(address if "://" in address else f"https://{address}")
    if parts is None or (parts.hostname or "").removeprefix("www.") != "substack.com":
        return None
    name = parts.path.removeprefix("/@").partition("/")[0]
    return name if parts.path.startswith("/@") and is_handle(name) else None


def _split(url: str) -> SplitResult | None:
    """The parts of an address, None if it has no host name, or a user name or an unusual port."""
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
