"""Pictures that items refer to by address: each fetched once for all users, looked at, and kept once.

What came of an address is a shared row of the state, so that no address is asked for twice; the bytes are
blobs of the lake, looked at before they are kept, and kept without what a camera noted in them. Belongs
here: which addresses are asked for, and what their answers mean. What may be asked at all is for ``net``.
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
"""So often is an address asked for that fails; then its picture counts as gone."""
REFUSED = 3
"""After so many refusals in a row a host is asked no further in this run."""
_KIND = "picture"


def pending(state: State, urls: Iterable[str], hosts: tuple[str, ...]) -> list[str]:
    """Those of the addresses that are still to be asked for, sorted."""
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
    """Fetch the pictures that were not fetched before, as far as the budget goes.

    Args:
        urls: canonical addresses.
        lake: where the bytes are kept.
        state: where it is noted what came of each address, before the next is asked for.
        client: for ``images``.
        hosts: the only ones that are asked, and over https only.
        progress: of the addresses that are to be asked for.

    Returns:
        ``new``: pictures that were fetched. Where it is not complete, the rest waits for the next run.
    """
    wanted = sorted(set(urls))
    walk = _Walk(lake, Crawl(state, "images"), client, hosts, _known(state, wanted))
    walk.rule_out([url for url in wanted if not _allowed(url, hosts)])
    todo = [url for url in wanted if _allowed(url, hosts) and _is_open(walk.known.get(url))]
    try:
        for url in tracked(todo, progress, "fetching pictures", len(todo)):
            walk.take(url)
    except Deferred as put_off:
        return walk.report("deferred", put_off.until, str(put_off))
    except BudgetSpent as spent:
        return walk.report("budget", None, str(spent))
    return walk.report("blocked" if walk.refusing else "complete")


def refs(state: State, urls: Iterable[str]) -> list[dict[str, Any]]:
    """What came of each address, as rows of the table image_refs, in order of address."""
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
    """What came of those of the addresses that were asked for. An address hangs on itself."""
    return Crawl(state, "images").rows(_KIND, parents=urls)


def _is_open(row: Payload | None) -> bool:
    """Whether an address may be asked for: never asked, failed, or ruled out without asking."""
    return row is None or row["status"] == "waiting" or (row["status"] == "blocked" and not row["fetched_at"])


def _allowed(url: str, hosts: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and parts.netloc in hosts
    except ValueError:
        return False


@dataclass
class _Walk:
    """One pass over addresses, and what is known of them."""

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
        """Note the addresses that are never asked for, without asking."""
        fresh = [url for url in urls if url not in self.known]
        if fresh:
            self.crawl.account(rows=[_row(url, "blocked", asked=False) for url in fresh])

    def take(self, url: str) -> None:
        """Ask for one picture, and note what came of it.

        Raises:
            Deferred, BudgetSpent: nothing was asked; the address stays as it is.
        """
        host = urlsplit(url).netloc
        if host in self.refusing:
            return
        try:
            answer = self.client.get(url, "image")
        except (Deferred, BudgetSpent):
            raise
        except Disallowed:
            self._note(_row(url, "blocked", asked=False))
        except (Blocked, Unauthorised):
            # A CDN says 403 of one picture that is not there, too.
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
            # What a listed host points on to is not listed by that.
            listed = _allowed(answer.url, self.hosts)
            self._note(self._looked_at(url, answer.body) if listed else _row(url, "blocked"))
        self.refusals[host] = 0

    def _looked_at(self, url: str, data: bytes) -> Row:
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
        said = [f"{host} refuses: it was asked no further for pictures" for host in sorted(self.refusing)]
        counts = ", ".join(f"{count:,} {name}" for name, count in sorted(self.statuses.items()))
        return Report(
            status,
            self.client.requests,
            new=self.new,
            until=until,
            notes=(*notes, *said, *([f"pictures: {counts}"] if counts else [])),
        )


def _row(url: str, status: str, sha256: str | None = None, *, asked: bool = True, tries: int = 0) -> Row:
    at = datetime.now(UTC).isoformat() if asked and status != "waiting" else None
    payload: Payload = {"sha256": sha256, "status": status, "fetched_at": at}
    return Row(_KIND, url, {**payload, "tries": tries} if tries else payload, parent=url)
