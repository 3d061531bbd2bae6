"""Which addresses are connected to, and that a connection goes to the one that was checked."""

import ipaddress
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpcore2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qualia_assets.net.base import Answer, Disallowed, Unusable
from qualia_assets.net.client import Client
from qualia_assets.net.guard import Resolve, check_url, is_public, public_addresses
from qualia_assets.net.transport import PublicTransport
from qualia_assets.settings import load_settings
from qualia_assets.state.database import State

PUBLIC = "93.184.216.34"

# What is not public, by why it is not.
INSIDE = """
unspecified   0.0.0.0  0.1.2.3  ::
private       10.1.2.3  172.31.255.255  192.168.0.1  fd00::1
loopback      127.0.0.1  127.255.0.9  ::1
link-local    169.254.0.1  fe80::1  fe80::1%eth0  fec0::1
metadata      169.254.169.254  100.100.100.200  192.0.0.192  168.63.129.16  fd00:ec2::254
carriers      100.64.0.1  100.127.255.255
multicast     224.0.0.1  239.255.255.250  ff02::1  ff0e::1
documentation 203.0.113.7  2001:db8::1  3fff::1
reserved      192.88.99.1  198.18.0.1  240.0.0.1  255.255.255.255
protocols     100::1  2001:20::1  5f00::1  2001:0:4136:e378:8000:63bf:3fff:fdd2
"""
ADDRESSES = [address for line in INSIDE.splitlines() for address in line.split()[1:]]


def embedded(v4: str) -> list[str]:
    """An IPv4 address in each way that IPv6 has of carrying one."""
    number = int(ipaddress.IPv4Address(v4))
    ways = (
        0xFFFF << 32 | number,  # mapped
        number,  # compatible
        0xFFFF << 48 | number,  # translated
        0x64FF9B << 96 | number,  # NAT64
        0x64FF9B0001 << 80 | number,  # local NAT64
        0x2002 << 112 | number << 80,  # 6to4
        0x2001 << 112 | number << 64,  # Teredo server
        0x2001 << 112 | number ^ 0xFFFFFFFF,  # Teredo client
    )
    return [str(ipaddress.IPv6Address(value)) for value in ways]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("v4", [*(address for address in ADDRESSES if ":" not in address), PUBLIC])
def test_no_ipv6_address_is_public_that_carries_an_ipv4_address(v4: str) -> None:
    assert not [address for address in embedded(v4) if is_public(address)]


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111"])
def test_addresses_of_web_pages_are_public(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses())
@example(ipaddress.ip_address("192.0.0.9"))
def test_nothing_is_public_that_the_standard_library_calls_private(address: Any) -> None:
    if is_public(str(address)):
        assert address.is_global
        assert not address.is_multicast
        assert not address.is_reserved


@pytest.mark.parametrize(
    "text", ["", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "1.2.3.4/8"]
)
def test_what_is_no_address_is_not_public(text: str) -> None:
    assert not is_public(text)


# The last three lines: every way to write 127.0.0.1.
FORBIDDEN = r"""
http://a.example/         ftp://a.example/           file:///etc/passwd              //a.example/
https:///a                https://a.example:8443/    https://a.example:80/           https://user@a.example/
https://localhost/        https://intranet/          https://user:word@a.example/    https://a.example./
https://a..example/       https://a_b.example/       https://inside.example\@a.example/
https://-a.example/       https://xn--a.example/     https://a.example%00.b.example/ https://93.184.216.34/
https://127.0.0.1/        https://127.1/             https://2130706433/             https://0x7f000001/
https://0x7f.0.0.1/       https://0177.0.0.1/        https://[::1]/                  https://[::ffff:127.0.0.1]/
https://[::ffff:7f00:1]/  https://[64:ff9b::7f00:1]/ https://[2002:7f00:1::]/        https://①②⑦.⓪.⓪.①/
https://１２７.0.0.1/
"""
LONG = "https://" + "a" * 64 + ".example/"


@pytest.mark.parametrize("url", [*FORBIDDEN.split(), LONG, "", "https://a.example\n.b.example/"])
def test_only_https_to_a_public_name_on_the_usual_port_is_requested(url: str) -> None:
    with pytest.raises(Disallowed) as refused:
        check_url(url)
    assert "word" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("HTTPS://A.Example/P?q=1#part", "https://a.example/P?q=1"),
        ("https://a.example:443/", "https://a.example/"),
        ("https://bücher.example/é", "https://xn--bcher-kva.example/%C3%A9"),
    ],
)
def test_a_url_is_taken_as_it_will_be_sent(url: str, sent: str) -> None:
    assert str(check_url(url)) == sent


def test_a_name_is_refused_if_any_of_its_addresses_is_inside() -> None:
    assert public_addresses("a.example", 443, lambda *_: [PUBLIC, PUBLIC]) == [PUBLIC]
    with pytest.raises(Disallowed, match=r"^a\.example resolves"):
        public_addresses("a.example", 443, lambda *_: [PUBLIC, "10.0.0.1"])
    with pytest.raises(OSError, match="no address"):
        public_addresses("a.example", 443, lambda *_: [])


# Connections


class Wire(httpcore2.SyncBackend):
    """Records which addresses are connected to, and connects to the test's own server instead."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[str] = []

    def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore2.NetworkStream:
        assert port == 443
        self.asked.append(host)
        return super().connect_tcp("127.0.0.1", self.port, *args, **kwargs)


@dataclass
class Site:
    """A server with a certificate for one.example and two.example, and the hosts and paths requested."""

    wire: Wire
    trust: ssl.SSLContext
    asked: list[tuple[str, str]]
    redirects: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    both = tmp_path_factory.mktemp("tls") / "both.pem"
    new = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=one.example"
    names = ["-addext", "subjectAltName=DNS:one.example,DNS:two.example"]
    subprocess.run(
        ["openssl", *new.split(), *names, "-keyout", both, "-out", both.with_name("only.pem")],
        check=True,
        capture_output=True,
    )
    both.write_text(both.read_text() + both.with_name("only.pem").read_text())
    return both


@pytest.fixture
def site(certificate: Path) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found.asked.append((self.headers["Host"], self.path))
            target = found.redirects.get(self.path)
            self.send_response(302 if target else 200)
            if target:
                self.send_header("Location", target)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    trust = ssl.create_default_context(cafile=str(certificate.with_name("only.pem")))
    found = Site(Wire(server.server_address[1]), trust, [])
    yield found
    server.shutdown()
    server.server_close()


Get = Callable[..., Answer]


@pytest.fixture
def get(site: Site, state: State) -> Iterator[Get]:
    """Gets a path of one.example with a client of its own, whose names lead where ``resolve`` says."""
    clients: dict[Resolve, Client] = {}

    def get(resolve: Resolve, path: str = "/a", host: str = "one.example", robots: bool = False) -> Answer:
        if resolve not in clients:
            settings = load_settings(crawling={"contact": "me@example.org", "gap": 0})
            transport = PublicTransport(resolve, site.wire, site.trust)
            clients[resolve] = Client("substack", state, settings, budget=50, transport=transport)
        return clients[resolve].get(f"https://{host}{path}", "json", robots=robots)

    yield get
    for client in clients.values():
        client.close()


def test_a_connection_goes_to_the_address_that_was_checked(site: Site, get: Get) -> None:
    looked_up: list[tuple[str, int]] = []

    def resolve(host: str, port: int) -> list[str]:
        looked_up.append((host, port))
        return [PUBLIC, "1.1.1.1"]

    for _ in range(2):
        assert get(resolve).body == b"{}"
    assert site.wire.asked == [PUBLIC]
    assert looked_up == [("one.example", 443)]
    assert site.asked == [("one.example", "/a")] * 2


def test_a_name_that_is_rebound_never_leads_inside(site: Site, get: Get) -> None:
    def rebound(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    assert get(lambda *_: [PUBLIC]).status == 200
    for robots in (False, True):  # asking for its robots.txt is no way in either
        with pytest.raises(Disallowed):
            get(rebound, robots=robots)
    assert site.wire.asked == [PUBLIC]
    assert len(site.asked) == 1


@pytest.mark.parametrize(
    "inside", ["127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::"]
)
def test_a_redirect_to_a_name_that_leads_inside_is_not_followed(site: Site, get: Get, inside: str) -> None:
    site.redirects["/go"] = "https://two.example/latest/meta-data"
    with pytest.raises(Disallowed, match=r"two\.example resolves to"):
        get(lambda host, _: [inside if host == "two.example" else PUBLIC], "/go")
    assert site.wire.asked == [PUBLIC]


def test_the_next_address_is_tried_where_one_does_not_answer(site: Site, get: Get) -> None:
    class Half(Wire):
        def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore2.NetworkStream:
            if host == "2606:4700::1":
                raise httpcore2.ConnectError
            return super().connect_tcp(host, port, *args, **kwargs)

    site.wire = Half(site.wire.port)
    assert get(lambda *_: ["2606:4700::1", PUBLIC]).status == 200
    assert site.wire.asked == [PUBLIC]


def test_certificates_are_verified_against_the_name_also_where_hosts_share_an_address(
    site: Site, get: Get
) -> None:
    def shared(host: str, port: int) -> list[str]:
        return [PUBLIC]

    for host in ("one.example", "two.example"):
        assert get(shared, host=host).status == 200
    with pytest.raises(Unusable, match=r"three\.example/a: no connection"):
        get(shared, host="three.example")
    assert {host for host, _ in site.asked} == {"one.example", "two.example"}


def test_a_name_without_an_address_is_no_answer(site: Site, get: Get) -> None:
    def resolve(host: str, port: int) -> list[str]:
        raise OSError(f"cannot find {host}")

    with pytest.raises(Unusable, match="no connection, 3 times over"):
        get(resolve)
    assert site.wire.asked == []
