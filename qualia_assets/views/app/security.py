"""What every answer of the app is held to: which hosts may ask, with which token, and what a page may do.

Belongs here: the middleware, and nothing that knows what a page shows.
"""

import secrets
from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
        Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False),
        Middleware(_Headers),
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked = HTTPConnection(scope)
        given = asked.query_params.get("token")
        if given is not None and self._is(given):
            # Away from the address, where it would be seen and kept in the history.
            clean = asked.url.remove_query_params("token")
            answer = RedirectResponse(f"{clean.path}?{clean.query}" if clean.query else clean.path, 303)
            answer.set_cookie(COOKIE, given, httponly=True, samesite="strict", max_age=7 * 24 * 3600)
            await answer(scope, receive, send)
        elif self._is(asked.cookies.get(COOKIE, "")) or self._is(
            asked.headers.get("authorization", "").removeprefix("Bearer ")
        ):
            await self.app(scope, receive, send)
        else:
            said = "Open the address that `qualia open` printed: it ends in ?token=..."
            await PlainTextResponse(said, 401)(scope, receive, send)

    def _is(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self.token.encode())
