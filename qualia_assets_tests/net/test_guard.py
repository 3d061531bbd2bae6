"""Which addresses are asked, and that a connection goes to the one that was checked."""

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

from qualia_assets.net.base import Disallowed, Unusable
from qualia_assets.net.client import Client
from qualia_assets.net.guard import check_url, is_public, public_addresses
from qualia_assets.net.transport import PublicTransport
from qualia_assets.settings import load_settings
from qualia_assets.state.database import State

PUBLIC = "93.184.216.34"

INSIDE_V4 = {
    "unspecified": "0.0.0.0",
    "this network": "0.1.2.3",
    "private 10": "10.1.2.3",
    "private 172": "172.31.255.255",
    "private 192": "192.168.0.1",
    "loopback": "127.0.0.1",
    "loopback, not the usual one": "127.255.0.9",
    "link-local": "169.254.0.1",
    "metadata": "169.254.169.254",
    "metadata of Alibaba": "100.100.100.200",
    "metadata of Oracle": "192.0.0.192",
    "metadata of Azure": "168.63.129.16",
    "shared by carriers": "100.64.0.1",
    "shared by carriers, the last": "100.127.255.255",
    "6to4 relay": "192.88.99.1",
    "benchmarks": "198.18.0.1",
    "documentation": "203.0.113.7",
    "multicast": "224.0.0.1",
    "multicast that is_global lets through": "239.255.255.250",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
}
INSIDE_V6 = {
    "unspecified": "::",
    "loopback": "::1",
    "unique local": "fd00::1",
    "metadata of AWS": "fd00:ec2::254",
    "link-local": "fe80::1",
    "link-local with its zone": "fe80::1%eth0",
    "site-local": "fec0::1",
    "multicast": "ff02::1",
    "multicast, global scope": "ff0e::1",
    "documentation": "2001:db8::1",
    "documentation, the new one": "3fff::1",
    "discard": "100::1",
    "ORCHID": "2001:20::1",
    "segment routing": "5f00::1",
    "Teredo": "2001:0:4136:e378:8000:63bf:3fff:fdd2",
}


def embedded(v4: str) -> dict[str, str]:
    """An IPv4 address in each way that IPv6 has of carrying one."""
    number = int(ipaddress.IPv4Address(v4))
    ways = {
        "mapped": 0xFFFF << 32 | number,
        "compatible": number,
        "translated": 0xFFFF << 48 | number,
        "NAT64": 0x64FF9B << 96 | number,
        "local NAT64": 0x64FF9B0001 << 80 | number,
        "6to4": 0x2002 << 112 | number << 80,
        "Teredo server": 0x2001 << 112 | number << 64,
        "Teredo client": 0x2001 << 112 | number ^ 0xFFFFFFFF,
    }
    return {way: str(ipaddress.IPv6Address(value)) for way, value in ways.items()}


@pytest.mark.parametrize("address", [*INSIDE_V4.values(), *INSIDE_V6.values()])
def test_an_address_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("v4", [*INSIDE_V4.values(), PUBLIC])
@pytest.mark.parametrize("way", embedded(PUBLIC))
def test_no_address_is_public_that_carries_another_one(way: str, v4: str) -> None:
    assert not is_public(embedded(v4)[way])


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111"])
def test_addresses_that_pages_are_on_are_public(address: str) -> None:
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


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example/",
        "ftp://a.example/",
        "file:///etc/passwd",
        "//a.example/",
        "",
        "https:///a",
        "https://a.example:8443/",
        "https://a.example:80/",
        "https://user@a.example/",
        "https://user:word@a.example/",
        r"https://inside.example\@a.example/",
        "https://localhost/",
        "https://intranet/",
        "https://a.example./",
        "https://a..example/",
        "https://a_b.example/",
        "https://-a.example/",
        "https://a.example%00.b.example/",
        "https://a.example\n.b.example/",
        "https://" + "a" * 64 + ".example/",
        "https://xn--a.example/",
        # Every way to write 127.0.0.1.
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://①②⑦.⓪.⓪.①/",
        "https://１２７.0.0.1/",
        f"https://{PUBLIC}/",
    ],
)
def test_only_https_to_a_public_name_on_the_usual_port_is_asked(url: str) -> None:
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
    with pytest.raises(Disallowed, match=r"^a\.example leads"):
        public_addresses("a.example", 443, lambda *_: [PUBLIC, "10.0.0.1"])
    with pytest.raises(OSError, match="no address"):
        public_addresses("a.example", 443, lambda *_: [])


# Connections


class Wire(httpcore2.SyncBackend):
    """Notes which address is connected to, and ends at the test's own server instead."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[str] = []

    def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore2.NetworkStream:
        assert port == 443
        self.asked.append(host)
        return super().connect_tcp("127.0.0.1", self.port, *args, **kwargs)


@dataclass
class Site:
    """A server that holds a certificate for one.example and two.example, and whom it was asked as."""

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


@pytest.fixture
def visit(site: Site, state: State) -> Iterator[Callable[..., Client]]:
    made: list[Client] = []

    def make(resolve: Callable[[str, int], list[str]]) -> Client:
        settings = load_settings(crawling={"contact": "me@example.org", "gap": 0})
        transport = PublicTransport(resolve, site.wire, site.trust)
        made.append(Client("substack", state, settings, budget=50, transport=transport))
        return made[-1]

    yield make
    for client in made:
        client.close()


def test_a_connection_goes_to_the_address_that_was_checked(site: Site, visit: Callable[..., Client]) -> None:
    looked_up: list[tuple[str, int]] = []

    def resolve(host: str, port: int) -> list[str]:
        looked_up.append((host, port))
        return [PUBLIC, "1.1.1.1"]

    client = visit(resolve)
    for _ in range(2):
        assert client.get("https://one.example/a", "json", robots=False).body == b"{}"
    assert site.wire.asked == [PUBLIC]
    assert looked_up == [("one.example", 443)]
    assert site.asked == [("one.example", "/a")] * 2


def test_a_name_that_is_rebound_never_leads_inside(site: Site, visit: Callable[..., Client]) -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]])
    first, second = visit(lambda *_: next(answers)), visit(lambda *_: next(answers))
    assert first.get("https://one.example/a", "json", robots=False).status == 200
    with pytest.raises(Disallowed):
        second.get("https://one.example/a", "json", robots=False)
    with pytest.raises(Disallowed):  # and asking for its robots.txt is no way in either
        second.get("https://one.example/a", "json")
    assert site.wire.asked == [PUBLIC]
    assert len(site.asked) == 1


@pytest.mark.parametrize(
    "inside", ["127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::"]
)
def test_a_redirect_to_a_name_that_leads_inside_is_not_followed(
    site: Site, visit: Callable[..., Client], inside: str
) -> None:
    site.redirects["/go"] = "https://two.example/latest/meta-data"
    client = visit(lambda host, _: [inside if host == "two.example" else PUBLIC])
    with pytest.raises(Disallowed, match=r"two\.example leads to"):
        client.get("https://one.example/go", "json", robots=False)
    assert site.wire.asked == [PUBLIC]


def test_the_next_address_is_tried_where_one_does_not_answer(
    site: Site, visit: Callable[..., Client]
) -> None:
    class Half(Wire):
        def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore2.NetworkStream:
            if host == "2606:4700::1":
                raise httpcore2.ConnectError
            return super().connect_tcp(host, port, *args, **kwargs)

    site.wire = Half(site.wire.port)
    client = visit(lambda *_: ["2606:4700::1", PUBLIC])
    assert client.get("https://one.example/a", "json", robots=False).status == 200
    assert site.wire.asked == [PUBLIC]


def test_certificates_are_verified_against_the_name_also_where_hosts_share_an_address(
    site: Site, visit: Callable[..., Client]
) -> None:
    client = visit(lambda *_: [PUBLIC])
    assert client.get("https://one.example/a", "json", robots=False).status == 200
    assert client.get("https://two.example/a", "json", robots=False).status == 200
    with pytest.raises(Unusable, match=r"three\.example/a: no connection"):
        client.get("https://three.example/a", "json", robots=False)
    assert {host for host, _ in site.asked} == {"one.example", "two.example"}


def test_a_name_without_an_address_is_no_answer(site: Site, visit: Callable[..., Client]) -> None:
    def resolve(host: str, port: int) -> list[str]:
        raise OSError(f"cannot find {host}")

    with pytest.raises(Unusable, match="no connection, 3 times over"):
        visit(resolve).get("https://one.example/a", "json", robots=False)
    assert site.wire.asked == []
