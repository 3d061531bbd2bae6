"""Connections that go to the checked address and nowhere else.

A name is resolved once for each connection, inside the code that connects, so that no second look-up can
give another address. The URL keeps its name: TLS is verified against it, and a connection is only reused for
the name that it was verified for (the hosts of a platform often share one IP address).
"""

import logging
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

import httpcore2
import httpx2

from qualia_assets.net.guard import Resolve, public_addresses, resolve

# Both log full URLs with queries, and the second one headers too.
for _name in ("httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_ADDRESSES = 3
_IDLE_SECONDS = 30.0


@cache
def usual_trust() -> ssl.SSLContext:
    """The usual trusted certificates, read once, as there are many."""
    return httpx2.create_ssl_context(trust_env=False)


class PublicTransport(httpx2.BaseTransport):
    """An HTTP/1.1 transport that connects to public addresses only.

    Args:
        resolve: returns all addresses of a host.
        wire: opens the sockets.
        trust: trusted certificates; None for the usual ones.

    Raises (from ``handle_request``, and while a body is read):
        Disallowed: a host resolves to an address that is not public.
        httpx2.TransportError: a timeout or a broken connection; the message holds nothing of the request.
    """

    def __init__(
        self,
        resolve: Resolve = resolve,
        wire: httpcore2.NetworkBackend | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._pool = httpcore2.ConnectionPool(
            ssl_context=trust or usual_trust(),
            max_connections=10,
            max_keepalive_connections=5,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=_Checked(resolve, wire or httpcore2.SyncBackend()),
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        assert isinstance(request.stream, httpx2.SyncByteStream)
        url = request.url
        with _named_errors():
            response = self._pool.handle_request(
                httpcore2.Request(
                    request.method,
                    httpcore2.URL(
                        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                    ),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        return httpx2.Response(response.status, headers=response.headers, stream=_Body(response))

    def close(self) -> None:
        self._pool.close()


class _Body(httpx2.SyncByteStream):
    def __init__(self, response: httpcore2.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        with _named_errors():
            yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


class _Checked(httpcore2.NetworkBackend):
    """Resolves a name, checks every address, and connects to one of those checked."""

    def __init__(self, resolve: Resolve, wire: httpcore2.NetworkBackend) -> None:
        self._resolve, self._wire = resolve, wire

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        failure: Exception = httpcore2.ConnectError()
        try:
            addresses = public_addresses(host, port, self._resolve)
        except OSError:
            raise httpcore2.ConnectError from None
        for address in addresses[:_ADDRESSES]:
            try:
                return self._wire.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure


@contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except httpcore2.TimeoutException:
        raise httpx2.TimeoutException("timeout") from None
    except httpcore2.ProtocolError:
        raise httpx2.ProtocolError("protocol") from None
    except httpcore2.NetworkError:
        raise httpx2.NetworkError("network") from None
