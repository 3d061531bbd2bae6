"""Which addresses may be requested at all: public ones, over https, by name.

Belongs here: the form of an address and what its name resolves to. Whether a service permits requests is in
``robots``; how a connection is made to the checked address, in ``transport``.
"""

import ipaddress
import re
import socket
from collections.abc import Callable

import httpx2
import idna

from qualia_assets.net.base import Disallowed

Resolve = Callable[[str, int], list[str]]
"""Every IP address of a host and port, as text. Raises OSError where there is none."""

# A name of at least two labels whose last is no number: "127.1" and "2130706433" are addresses in disguise.
_NAME = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]\Z")

# What IANA's registry of special-purpose addresses does not call globally reachable, and what it does but
# no web page is on: 6to4 relays, multicast. The last is the metadata service of Azure.
_NOT_PUBLIC_V4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "168.63.129.16/32",
    )
)

# All assigned unicast addresses lie in the first. IPv4-mapped, NAT64, loopback, link-local, unique local and
# multicast addresses lie outside of it and need not be listed.
_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(
    ipaddress.IPv6Network(text)
    for text in (
        "2001::/23",  # protocols, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address, whichever
        "2620:4f:8000::/48",
        "3ffe::/16",
        "3fff::/20",
    )
)


def is_public(address: str) -> bool:
    """Whether a text is an IP address on the public internet."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in _NOT_PUBLIC_V4)
    return ip in _PUBLIC_V6 and not any(ip in network for network in _NOT_PUBLIC_V6)


def check_url(url: str) -> httpx2.URL:
    """The URL as it will be sent, without its fragment.

    Raises:
        Disallowed: it is not https on the default port, has user information, or its host is no public name.
    """
    try:
        parsed = httpx2.URL(url)
        host = parsed.raw_host.decode("ascii")
        if "xn--" in host:
            idna.decode(host)
    except (httpx2.InvalidURL, UnicodeError):
        raise Disallowed("An address that is not a URL is not requested.") from None
    if parsed.scheme != "https" or parsed.port is not None:
        raise Disallowed("Only https on its usual port is requested.")
    if parsed.userinfo:
        raise Disallowed("An address with a user name in it is not requested.")
    if not _NAME.match(host):
        raise Disallowed("An address whose host is not a public name is not requested.")
    return parsed.copy_with(fragment=None)


def origin(url: httpx2.URL) -> str:
    """Scheme and host, the host as it is sent."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def place(url: httpx2.URL) -> str:
    """What messages show of a URL: host and path as they are sent, no query."""
    return f"{url.netloc.decode('ascii')}{url.raw_path.decode('ascii').partition('?')[0]}"[:300]


def public_addresses(host: str, port: int, resolve: Resolve) -> list[str]:
    """The addresses of a host, each of them public.

    Raises:
        Disallowed: one of them is not public; then the others are not used either.
        OSError: there are none.
    """
    addresses = list(dict.fromkeys(resolve(host, port)))
    if not all(map(is_public, addresses)):
        raise Disallowed(f"{host} resolves to an address that is not public; it is not requested.")
    if not addresses:
        raise OSError("no address")
    return addresses


def resolve(host: str, port: int) -> list[str]:
    """Addresses from the system's resolver."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
