"""What holds for every response of the app: allowed hosts, origins and tokens, and what a page may do.

Belongs here: middleware that knows nothing of what a page shows.
"""

import hashlib
import logging
import secrets
import traceback
from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger("uvicorn.error")
LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
COOKIE = "qualia_token"
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


def middleware(host: str, token: str) -> Sequence[Middleware]:
    """The middleware, outermost first.

    Args:
        host: that the app listens on; requests that name another host are refused, against DNS rebinding.
        token: that every request must show, unless it is empty.
    """
    hosts = [*LOOPBACK, *([host] if host not in LOOPBACK else [])]
    if host in ("0.0.0.0", "::"):
        # Any of this machine's names may be used; the token protects it.
        hosts = ["*"]
    return [
        Middleware(_Headers),
        Middleware(_Failures),
        Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False),
        Middleware(_OwnOrigin),
        *([Middleware(_Token, token=token)] if token else []),
    ]


class _Headers:
    """Sets the same security headers on every response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self.app(scope, receive, with_headers)


class _Failures:
    """Answers an unexpected error with one sentence and logs where it happened.

    The error's message is not logged: it may quote the user or their items.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_started(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, send_started)
        except Exception as error:
            frames = "".join(traceback.format_tb(error.__traceback__))
            _log.error("A page could not be made: %s, in\n%s", type(error).__name__, frames)
            if started:
                # Break the connection, so that the response is not taken for complete.
                raise ConnectionAbortedError from None
            message = "Something went wrong while making this page; the app's terminal says where."
            await PlainTextResponse(message, 500)(scope, receive, send)


class _OwnOrigin:
    """Refuses what a page of another origin submits, an upload for example."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD"):
            headers = HTTPConnection(scope).headers
            origin = headers.get("origin")
            if origin is not None and origin.partition("://")[2] != headers.get("host"):
                await PlainTextResponse("This request comes from a page of another origin.", 403)(
                    scope, receive, send
                )
                return
        await self.app(scope, receive, send)


class _Token:
    """Requires the token: in the address once, then in a cookie, or as a bearer token."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app, self.token = app, token
        # The cookie's value: hexadecimal, since a token may hold characters that a header cannot.
        self.proof = hashlib.sha256(token.encode()).hexdigest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        given = request.query_params.get("token")
        if given is not None and self._is(given.encode()):
            # Remove it from the address, which is visible and kept in the history.
            clean = request.url.remove_query_params("token")
            # One slash only: after two a browser would take the rest for another host.
            path = "/" + clean.path.lstrip("/\\")
            response = RedirectResponse(f"{path}?{clean.query}" if clean.query else path, 303)
            response.set_cookie(COOKIE, self.proof, httponly=True, samesite="strict", max_age=7 * 24 * 3600)
            await response(scope, receive, send)
        elif self._is_shown(request):
            await self.app(scope, receive, send)
        else:
            message = "Open the address that `qualia open` printed: it ends in ?token=..."
            await PlainTextResponse(message, 401)(scope, receive, send)

    def _is_shown(self, request: HTTPConnection) -> bool:
        cookie = request.cookies.get(COOKIE, "").encode()
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ").encode("latin-1")
        return secrets.compare_digest(cookie, self.proof.encode()) or self._is(bearer)

    def _is(self, given: bytes) -> bool:
        return secrets.compare_digest(given, self.token.encode())
