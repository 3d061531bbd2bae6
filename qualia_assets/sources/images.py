"""Pictures that items refer to by address: each fetched once for all users, inspected, and stored once.

The result of an address is a shared row of the state, so that no address is requested twice. The bytes are
blobs of the lake, inspected and stripped of camera metadata before they are stored. Belongs here: which
addresses are requested, and what their answers mean. What may be requested at all is in ``net``.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from qualia_assets.lake import blobs
from qualia_assets.lake.store import Lake
from qualia_assets.lake.strip_metadata import MalformedImage
from qualia_assets.net.base import (
    Blocked,
    BudgetSpent,
    Deferred,
    Disallowed,
    Gone,
    NoAnswer,
    Unauthorised,
    Unusable,
)
from qualia_assets.net.client import Client
from qualia_assets.progress import Progress, tracked
from qualia_assets.sources.crawling import Report, Status
from qualia_assets.state.crawl import Crawl, Payload, Row
from qualia_assets.state.database import State

TRIES = 3
"""How often a failing address is requested before its picture counts as gone."""
REFUSED = 3
"""Number of refusals in a row after which a host is not requested again in this run."""
_KIND = "picture"


def pending(state: State, urls: Iterable[str], hosts: tuple[str, ...]) -> list[str]:
    """The addresses that are still to be requested, sorted."""
    wanted = sorted(set(urls))
    known = _known(state, wanted)
    return [url for url in wanted if _allowed(url, hosts) and _is_open(known.get(url))]


def fetch(
    urls: Iterable[str],
    lake: Lake,
    state: State,
    client: Client,
    hosts: tuple[str, ...],
    progress: Progress,
) -> Report:
    """Fetch the pictures that were not fetched before, within the budget.

    Args:
        urls: canonical addresses.
        lake: stores the bytes.
        state: stores the result of each address before the next is requested.
        client: for the platform ``images``.
        hosts: the only allowed ones, over https only.
        progress: reports on the addresses to be requested.

    Returns:
        a report, ``new`` being the number of pictures fetched; the next run fetches the rest.
    """
    wanted = sorted(set(urls))
    fetching = _Fetch(lake, Crawl(state, "images"), client, hosts, _known(state, wanted))
    fetching.rule_out([url for url in wanted if not _allowed(url, hosts)])
    todo = [url for url in wanted if _allowed(url, hosts) and _is_open(fetching.known.get(url))]
    try:
        for url in tracked(todo, progress, "fetching pictures", len(todo)):
            fetching.take(url)
    except Deferred as error:
        return fetching.report("deferred", error.until, str(error))
    except BudgetSpent as error:
        return fetching.report("budget", error.until, str(error))
    return fetching.report("blocked" if fetching.refusing else "complete")


def refs(state: State, urls: Iterable[str]) -> list[dict[str, Any]]:
    """The result of each address, as rows of the table image_refs, ordered by address."""
    wanted = sorted(set(urls))
    known = _known(state, wanted)
    return [_ref(url, known.get(url)) for url in wanted]


def _ref(url: str, row: Payload | None) -> dict[str, Any]:
    if row is None:
        return {"url": url, "sha256": None, "status": "waiting", "fetched_at": None}
    at = row["fetched_at"]
    return {
        "url": url,
        "sha256": row["sha256"],
        "status": row["status"],
        "fetched_at": datetime.fromisoformat(at) if at else None,
    }


def _known(state: State, urls: list[str]) -> dict[str, Payload]:
    """The stored results of addresses; the row of an address is its own parent."""
    return Crawl(state, "images").rows(_KIND, parents=urls)


def _is_open(row: Payload | None) -> bool:
    """Whether an address is still to be requested: it never was, it failed, or it was not allowed."""
    return row is None or row["status"] == "waiting" or (row["status"] == "blocked" and not row["fetched_at"])


def _allowed(url: str, hosts: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and parts.netloc in hosts
    except ValueError:
        return False


@dataclass
class _Fetch:
    """One pass over addresses, with what is known about them."""

    lake: Lake
    crawl: Crawl
    client: Client
    hosts: tuple[str, ...]
    known: dict[str, Payload]
    new: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    """Refusals in a row, by host."""
    refusing: set[str] = field(default_factory=set)

    def rule_out(self, urls: list[str]) -> None:
        """Store which addresses are not allowed, without a request."""
        fresh = [url for url in urls if url not in self.known]
        if fresh:
            self.crawl.account(rows=[_row(url, "blocked", requested=False) for url in fresh])

    def take(self, url: str) -> None:
        """Request one picture, and store the result.

        Raises:
            Deferred, BudgetSpent: no request was made; the address stays as it was.
        """
        host = urlsplit(url).netloc
        if host in self.refusing:
            return
        try:
            answer = self.client.get(url, "image")
        except (Deferred, BudgetSpent):
            raise
        except Disallowed:
            self._note(_row(url, "blocked", requested=False))
        except (Blocked, Unauthorised):
            # Some CDNs answer 403 for a single missing picture, too.
            self._note(_row(url, "blocked"))
            self.refusals[host] += 1
            if self.refusals[host] == REFUSED:
                self.refusing.add(host)
            return
        except Gone:
            self._note(_row(url, "gone"))
        except Unusable as unusable:
            self._note(self._failed(url) if unusable.status == "failed" else _row(url, unusable.status))
        except NoAnswer:
            self._note(self._failed(url))
        else:
            # A listed host may redirect to one that is not listed.
            listed = _allowed(answer.url, self.hosts)
            self._note(self._inspected(url, answer.body) if listed else _row(url, "blocked"))
        self.refusals[host] = 0

    def _inspected(self, url: str, data: bytes) -> Row:
        status = blobs.inspect_bytes(data).status
        if status != "ok":
            return _row(url, status)
        try:
            bare = blobs.without_metadata(data)
        except MalformedImage:
            return _row(url, "bad_mime")
        self.new += 1
        return _row(url, "ok", blobs.keep(self.lake, bare))

    def _failed(self, url: str) -> Row:
        tries = self.known.get(url, {}).get("tries", 0) + 1
        return _row(url, "gone" if tries >= TRIES else "waiting", tries=tries)

    def _note(self, row: Row) -> None:
        self.statuses[row.payload["status"]] += 1
        self.crawl.account(rows=[row])

    def report(self, status: Status, until: datetime | None = None, *notes: str) -> Report:
        refusals = [f"{host} refuses: no further pictures were requested" for host in sorted(self.refusing)]
        counts = ", ".join(f"{count:,} {name}" for name, count in sorted(self.statuses.items()))
        return Report(
            status,
            self.client.requests,
            new=self.new,
            until=until,
            notes=(*notes, *refusals, *([f"pictures: {counts}"] if counts else [])),
        )


def _row(url: str, status: str, sha256: str | None = None, *, requested: bool = True, tries: int = 0) -> Row:
    at = datetime.now(UTC).isoformat() if requested and status != "waiting" else None
    payload: Payload = {"sha256": sha256, "status": status, "fetched_at": at}
    return Row(_KIND, url, {**payload, "tries": tries} if tries else payload, parent=url)
