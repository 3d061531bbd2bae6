"""Polite requests to one platform.

Every request, including those for robots.txt, redirects and retries, counts against the budget and goes
through the platform's gate. Exceptions name host and path, never a query, a header or a body.

Belongs here: what a status means and which request follows. Which addresses are allowed is in ``guard``, when
in ``gate``, whether the service permits it in ``robots``, how a body is read in ``body``.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import version
from types import TracebackType
from urllib.parse import urlencode

import httpx2
import stamina
from pydantic import SecretStr

from qualia_assets.net.base import (
    Answer,
    Blocked,
    BudgetSpent,
    Deferred,
    Disallowed,
    Gone,
    Kind,
    NoAnswer,
    Rejected,
    Unauthorised,
    Unusable,
)
from qualia_assets.net.body import ACCEPTED, MOST_BYTES, Damaged, Poison, check, read
from qualia_assets.net.gate import Gate, retry_after
from qualia_assets.net.guard import check_url, origin, place
from qualia_assets.net.robots import AGENT, Robots
from qualia_assets.net.transport import PublicTransport, usual_trust
from qualia_assets.settings import Settings, SettingsError
from qualia_assets.state.database import State

_REDIRECTS = 5
_MOVED = (301, 302, 303, 307, 308)
_CONTENT = (200, 304, 404, 410, *_MOVED)
"""Statuses after which a widened gap may shrink again."""

_TRIES = 3
_PATIENCE = 4
"""How often one request may be answered with "too many requests" before the crawl is deferred."""

_CONNECT_SECONDS = 10.0
_KEPT_HEADERS = ("etag", "last-modified", "content-type")
_ACCEPT: dict[Kind, str] = {
    "json": "application/json",
    "feed": "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/xml;q=0.8",
    "image": "image/webp, image/png, image/jpeg, image/gif",
    "text": "text/plain, */*;q=0.1",
}
_SENDABLE = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,198}[\x21-\x7e])?")


class _Broken(Exception):
    """A request that may succeed on a retry. The message says where and why; it is logged."""


@dataclass(frozen=True)
class _Reply:
    url: httpx2.URL
    status: int
    headers: httpx2.Headers
    body: bytes


class Client:
    """Polite requests to one platform, through one gate for all its hosts and all processes.

    Args:
        platform: ``substack``, ``pinterest`` or ``images``.
        state: holds the platform's gate, and robots.txt.
        settings: ``crawling`` holds the contact, the rate, and addresses that requests are redirected to.
        budget: number of requests that this client may make.
        gap: seconds between requests; ``crawling.gap`` where it is None.
        transport: makes the connections; to public addresses only where it is None.

    Raises:
        SettingsError: there is no contact for services to write to.
    """

    def __init__(
        self,
        platform: str,
        state: State,
        settings: Settings,
        *,
        budget: int,
        gap: float | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        crawling = settings.crawling
        if not _SENDABLE.fullmatch(crawling.contact):
            raise SettingsError(
                "Nothing is fetched before you say how services can reach you; every request includes it. "
                "Set `contact` under [crawling] in qualia.toml, or QUALIA_CRAWLING__CONTACT, to an e-mail "
                "address or a web page of yours, in plain ASCII."
            )
        self.platform = platform
        self.requests = 0
        self._budget = budget
        self._gap = crawling.gap if gap is None else gap
        self._longest_wait = crawling.longest_wait
        self._body_seconds = 4 * crawling.timeout
        timeout = httpx2.Timeout(crawling.timeout, connect=min(_CONNECT_SECONDS, crawling.timeout))
        self._gate = Gate(
            platform,
            state,
            gap=self._gap,
            longest_wait=self._longest_wait,
            hold=crawling.timeout + _CONNECT_SECONDS,
        )
        self._robots = Robots(state, crawling.robots_days, self._robots_txt)
        self._send_to = {url: httpx2.URL(to) for url, to in crawling.send_to.items()}
        agent = f"{AGENT}/{version('qualia-assets')} (personal archive; +{crawling.contact})"
        self._http = httpx2.Client(
            transport=transport or PublicTransport(),
            mounts={
                origin(to): httpx2.HTTPTransport(verify=usual_trust(), trust_env=False)
                for to in self._send_to.values()
            },
            trust_env=False,
            timeout=timeout,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={"User-Agent": agent, "Accept-Encoding": ACCEPTED},
        )

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def get(
        self,
        url: str,
        kind: Kind,
        *,
        params: Mapping[str, str | int] | None = None,
        etag: str | None = None,
        last_modified: str | None = None,
        bearer: SecretStr | None = None,
        robots: bool = True,
    ) -> Answer:
        """Make a GET request.

        Args:
            url: https, on a public host.
            kind: what the body must be.
            params: added to the URL's query.
            etag: of the stored answer; the new one is a 304 where nothing has changed.
            last_modified: likewise.
            bearer: token; sent to the host of ``url`` only.
            robots: whether robots.txt must allow it; False for an official API.

        Returns:
            an answer of status 200, or 304 with an empty body.

        Raises:
            NoAnswer: one of its subclasses.
        """
        target = check_url(url)
        headers = {"Accept": _ACCEPT[kind]}
        if etag:
            headers["If-None-Match"] = etag
        if last_modified:
            headers["If-Modified-Since"] = last_modified
        if bearer:
            headers["Authorization"] = f"Bearer {bearer.get_secret_value()}"
        reply = self._follow(target.copy_merge_params(params or {}), kind, headers, robots)
        conditional = bool(etag or last_modified)
        if reply.status != 200 and not (reply.status == 304 and conditional):
            raise self._refusal(reply)
        return self._answer(reply, kind)

    def post_form(self, url: str, form: Mapping[str, str], *, user: str, password: SecretStr) -> Answer:
        """Request a token from an OAuth endpoint, without retries: the form may be valid only once.

        Raises:
            Unauthorised: the credentials are invalid or have expired (400 or 401).
            NoAnswer: as ``get``.
        """
        login = base64.b64encode(f"{user}:{password.get_secret_value()}".encode()).decode("ascii")
        headers = {
            "Accept": _ACCEPT["json"],
            "Authorization": f"Basic {login}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        reply = self._send("POST", check_url(url), "json", headers, urlencode(form).encode("ascii"), tries=1)
        if reply.status == 400:
            raise Unauthorised(f"{place(reply.url)} refused the sign-in.")
        if reply.status != 200:
            raise self._refusal(reply)
        return self._answer(reply, "json")

    def _robots_txt(self, url: str) -> tuple[int, bytes]:
        reply = self._follow(check_url(url), "text", {"Accept": _ACCEPT["text"]}, robots=False)
        if reply.status == 200:
            self._answer(reply, "text")
        return reply.status, reply.body

    def _follow(self, url: httpx2.URL, kind: Kind, headers: dict[str, str], robots: bool) -> _Reply:
        """Make a GET request and follow redirects."""
        for _ in range(_REDIRECTS + 1):
            if robots:
                self._robots.check(url)
            reply = self._send("GET", url, kind, headers)
            if reply.status not in _MOVED:
                return reply
            url = self._next(reply)
            if url.netloc != reply.url.netloc:
                headers.pop("Authorization", None)
        raise Unusable(f"{place(url)}: more than {_REDIRECTS} redirects.")

    def _next(self, reply: _Reply) -> httpx2.URL:
        if "location" not in reply.headers:
            raise Unusable(f"{place(reply.url)}: a redirect to nowhere.")
        try:
            return check_url(str(reply.url.join(reply.headers["location"])))
        except httpx2.InvalidURL:
            raise Disallowed(f"{place(reply.url)} redirects to what is not a URL.") from None

    def _send(
        self,
        method: str,
        url: httpx2.URL,
        kind: Kind,
        headers: Mapping[str, str],
        content: bytes | None = None,
        tries: int = _TRIES,
    ) -> _Reply:
        """A reply of any status below 500, with retries."""
        try:
            for attempt in stamina.retry_context(
                on=_Broken,
                attempts=tries,
                timeout=None,
                wait_initial=self._gap,
                wait_max=self._longest_wait,
                wait_jitter=self._gap,
            ):
                with attempt:
                    return self._patiently(method, url, kind, headers, content)
        except _Broken as error:
            raise Unusable(f"{error}, {tries} times over." if tries > 1 else f"{error}.") from None
        raise AssertionError("a retry context without an attempt")

    def _patiently(
        self, method: str, url: httpx2.URL, kind: Kind, headers: Mapping[str, str], content: bytes | None
    ) -> _Reply:
        """A reply other than "too many requests"; after each of these the gate makes everybody wait."""
        for _ in range(_PATIENCE):
            reply = self._once(method, url, kind, headers, content)
            told_to_wait = reply.status == 503 and "retry-after" in reply.headers
            if reply.status != 429 and not told_to_wait:
                if reply.status >= 500:
                    raise _Broken(f"{place(url)}: status {reply.status}")
                return reply
            self._gate.penalise(retry_after(reply.headers.get("retry-after")))
        self._gate.penalise(self._longest_wait)
        until = datetime.now(UTC) + timedelta(seconds=self._longest_wait)
        raise Deferred(f"{place(url)} answered {_PATIENCE} times that it gets too many requests.", until)

    def _once(
        self, method: str, url: httpx2.URL, kind: Kind, headers: Mapping[str, str], content: bytes | None
    ) -> _Reply:
        if self.requests >= self._budget:
            raise BudgetSpent(f"This run has made the {self._budget:,} requests that it is allowed.")
        request = self._request(method, url, headers, content)
        self._gate.take()
        self.requests += 1
        healthy = False
        try:
            response = self._http.send(request, stream=True)
            healthy = response.status_code in _CONTENT
        except httpx2.TransportError as error:
            raise _Broken(f"{place(url)}: {_failure(error)}") from None
        finally:
            self._gate.release(healthy)
        try:
            return _Reply(url, _status(response), response.headers, self._body(response, url, kind))
        finally:
            response.close()

    def _request(
        self, method: str, url: httpx2.URL, headers: Mapping[str, str], content: bytes | None
    ) -> httpx2.Request:
        sent = {**headers, "Host": url.netloc.decode("ascii")}
        to = self._send_to.get(origin(url)) or self._send_to.get("*")
        if to is not None:
            url = url.copy_with(scheme=to.scheme, host=to.host, port=to.port)
        return self._http.build_request(method, url, headers=sent, content=content)

    def _body(self, response: httpx2.Response, url: httpx2.URL, kind: Kind) -> bytes:
        """The body of a 200; that of another status is not read."""
        if response.status_code not in (200, 304):
            return b""
        try:
            return read(response, MOST_BYTES[kind], self._body_seconds)
        except Damaged as error:
            raise _Broken(f"{place(url)}: {error}") from None
        except httpx2.TransportError as error:
            raise _Broken(f"{place(url)}: {_failure(error)}") from None
        except Unusable as error:
            raise Unusable(f"{place(url)}: {error}.", error.status) from None

    def _answer(self, reply: _Reply, kind: Kind) -> Answer:
        """The answer in a 200 or a 304, if it is of the requested kind."""
        if reply.status == 200:
            try:
                check(kind, reply.body)
            except Unusable as error:
                if isinstance(error, Poison):
                    self._gate.penalise()
                raise Unusable(f"{place(reply.url)}: {error}.", error.status) from None
        # Kept headers are sent back later, so only those that can be sent are kept.
        kept = {
            name: reply.headers[name]
            for name in _KEPT_HEADERS
            if _SENDABLE.fullmatch(reply.headers.get(name, ""))
        }
        url = str(reply.url.copy_with(query=None))
        return Answer(url, reply.status, reply.body if reply.status == 200 else b"", kept)

    def _refusal(self, reply: _Reply) -> NoAnswer:
        """The exception for a status other than 200 and 304."""
        there = place(reply.url)
        if reply.status == 401:
            return Unauthorised(f"{there}: the sign-in is invalid or has expired.")
        if reply.status == 403:
            instead = f" Use the export instead: `qualia import {self.platform} PATH`."
            advice = "" if self.platform == "images" else instead
            return Blocked(f"{there} refuses programs (403); no further requests are made.{advice}")
        if reply.status in (404, 410):
            return Gone(f"{there}: there is nothing there.")
        if reply.status == 400:
            return Rejected(f"{there} rejected the request (400).")
        return Unusable(f"{there}: status {reply.status}.")


def _status(response: httpx2.Response) -> int:
    """The status; 403 for a challenge, whatever status it has."""
    return 403 if response.headers.get("cf-mitigated") == "challenge" else response.status_code


def _failure(error: httpx2.TransportError) -> str:
    if isinstance(error, httpx2.TimeoutException):
        return "it did not answer in time"
    return "it broke off" if isinstance(error, httpx2.ProtocolError) else "no connection"
