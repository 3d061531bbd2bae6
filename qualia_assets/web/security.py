"""What every answer of the app is held to: which hosts may ask, with which token, and what a page may do.

Belongs here: the middleware, and nothing that knows what a page shows.
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
    """The layers around the pages, the outermost first.

    Args:
        host: that the app listens on; requests that name another are refused, which keeps a page elsewhere
            from asking through a name that it points here (DNS rebinding).
        token: that must be shown where it is not empty.
    """
    hosts = [*LOOPBACK, *([host] if host not in LOOPBACK else [])]
    if host in ("0.0.0.0", "::"):
        # Any of this machine's names may be meant; the token is what protects then.
        hosts = ["*"]
    return [
        Middleware(_Headers),
        Middleware(_Failures),
        Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False),
        Middleware(_OwnOrigin),
        *([Middleware(_Token, token=token)] if token else []),
    ]


class _Headers:
    """Puts the same safe headers on every answer."""

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
    """Answers what went wrong with a sentence, and says where it went wrong on the app's output.

    Not what the error says of it: that may be words of the user's, or of their items.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except Exception as error:
            places = "".join(traceback.format_tb(error.__traceback__))
            _log.error("A page could not be made: %s, in\n%s", type(error).__name__, places)
            if begun:
                # Cut short, so that nobody takes it for whole.
                raise ConnectionAbortedError from None
            said = "Something went wrong in making this page; the terminal that the app runs in says where."
            await PlainTextResponse(said, 500)(scope, receive, send)


class _OwnOrigin:
    """Refuses what a page of another origin sends: an upload, say."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD"):
            headers = HTTPConnection(scope).headers
            origin = headers.get("origin")
            if origin is not None and origin.partition("://")[2] != headers.get("host"):
                await PlainTextResponse("This was sent by a page of another origin.", 403)(
                    scope, receive, send
                )
                return
        await self.app(scope, receive, send)


class _Token:
    """Lets in who shows the token: in the address once, in a cookie from then on, or as a bearer."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app, self.token = app, token
        # What the cookie holds: of letters that every header can carry, whatever the token is of.
        self.proof = hashlib.sha256(token.encode()).hexdigest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked = HTTPConnection(scope)
        given = asked.query_params.get("token")
        if given is not None and self._is(given.encode()):
            # Away from the address, where it would be seen and kept in the history.
            clean = asked.url.remove_query_params("token")
            # One slash only: after two a browser would take what follows for another host.
            path = "/" + clean.path.lstrip("/\\")
            answer = RedirectResponse(f"{path}?{clean.query}" if clean.query else path, 303)
            answer.set_cookie(COOKIE, self.proof, httponly=True, samesite="strict", max_age=7 * 24 * 3600)
            await answer(scope, receive, send)
        elif secrets.compare_digest(asked.cookies.get(COOKIE, "").encode(), self.proof.encode()) or self._is(
            asked.headers.get("authorization", "").removeprefix("Bearer ").encode("latin-1")
        ):
            await self.app(scope, receive, send)
        else:
            said = "Open the address that `qualia open` printed: it ends in ?token=..."
            await PlainTextResponse(said, 401)(scope, receive, send)

    def _is(self, given: bytes) -> bool:
        return secrets.compare_digest(given, self.token.encode())
