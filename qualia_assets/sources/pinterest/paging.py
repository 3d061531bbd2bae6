"""Reads paged lists so that a crawl can be killed after any page and resume there.

Belongs here: bookmarks, and which items of a list were seen. The meaning of a list is in ``crawl``.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from qualia_assets.net.base import Rejected
from qualia_assets.sources.base import Reject
from qualia_assets.sources.pinterest import wire
from qualia_assets.sources.pinterest.api import LARGEST_PAGE, Api
from qualia_assets.state.crawl import Changes, Crawl, Payload, Row

Ending = Literal["whole", "capped", "stopped"]
"""A list was read to its end, as far as wanted, or not to its end: then unseen items may still exist."""

M = TypeVar("M", bound=wire.Board | wire.Section | wire.Pin)


def nothing(_: Any) -> None:
    """Stores nothing of an item."""


@dataclass(frozen=True)
class PagedList(Generic[M]):
    """A paged list, and what is stored of its items.

    Args:
        name: unique; names the list's cursors.
        path: below the API's address.
        model: of an item.
        row: the row of an item, if any.
        held: what is stored of an item until the list is read, if anything.
        at_most: number of items wanted; None for all.
    """

    name: str
    path: str
    model: type[M]
    row: Callable[[M], Row | None] = nothing
    held: Callable[[M], Payload | None] = nothing
    at_most: int | None = None


@dataclass(frozen=True)
class Seen:
    """What was seen of a list that is no longer read. ``spent`` deletes its cursors, together with the
    conclusions drawn."""

    ending: Ending
    ids: tuple[str, ...]
    held: dict[str, Payload]
    rejects: list[Payload]
    spent: dict[str, None]


@dataclass
class Log:
    """Notes and changes collected during a crawl."""

    notes: dict[str, None] = field(default_factory=dict)
    counted: Counter[str] = field(default_factory=Counter)
    changes: Changes = field(default_factory=Changes)

    def note(self, text: str) -> None:
        self.notes[text] = None

    def count(self, text: str) -> None:
        """Add a note that may occur many times."""
        self.counted[text] += 1

    def unknown(self, what: str) -> None:
        """Count an unknown word as the value of ``what``."""
        self.count(f"A new word as the {what}, taken as `other`")

    def lines(self) -> tuple[str, ...]:
        """All notes, each once."""
        counted = (f"{text} ({count:,} times)." for text, count in sorted(self.counted.items()))
        return (*self.notes, *counted)


def read_list(place: PagedList[M], crawl: Crawl, api: Api, began: str, log: Log) -> Seen:
    """Read a list from where the last run stopped; a page's rows and the next bookmark are one transaction.

    A list ends at a bookmark that is null, missing or empty. A repeated page or bookmark stops the reading; a
    bookmark that is refused restarts it, once.

    Args:
        place: the list.
        crawl: stores rows and cursors.
        api: makes the requests.
        began: the round of the crawl; pages seen in another round do not count.
        log: collects notes.

    Raises:
        NoAnswer: from the API. The next call resumes after the last page.
    """
    position = _Position(place, crawl, began)
    while position.ending is None:
        try:
            listed = api.page(place.path, position.bookmark, place.at_most or LARGEST_PAGE)
        except Rejected:
            if position.bookmark is None:
                raise
            if position.restart():
                log.note(f"{place.path}: a bookmark was refused, so the list was read anew.")
            else:
                log.note(f"{place.path}: bookmarks were refused twice; what was not seen stays as it was.")
            continue
        items = list(wire.read(place.model, listed.items, place.path))
        if position.repeats(key for key, _ in items):
            position.stop()
            log.note(f"{place.path}: a page came twice; what was not seen stays as it was.")
            continue
        for _, item in items:
            if not isinstance(item, Reject):
                for what in item.unknown():
                    log.unknown(what)
        log.changes += position.account(items, listed.bookmark or None)
        if position.ending == "stopped":
            why = "not all of a page could be read" if position.blind else "a bookmark came twice"
            log.note(f"{place.path}: {why}; what was not seen stays as it was.")
    return position.seen()


class _Position(Generic[M]):
    """How far a list was read. One cursor holds the position, and one for each page what was on it, so that a
    new page does not rewrite all that was seen."""

    def __init__(self, place: PagedList[M], crawl: Crawl, began: str) -> None:
        self.place, self.crawl, self.began = place, crawl, began
        self.bookmark: str | None = None
        self.ending: Ending | None = None
        self._restarted = False
        self._pages: list[Payload] = []
        self._seen: dict[str, None] = {}
        self._stale = 0
        there = crawl.cursor(self._name)
        if there is None:
            return
        if there["began"] != began:
            self._stale = there["pages"]
            return
        self.bookmark, self.ending, self._restarted = there["bookmark"], there["ending"], there["anew"]
        names = [self._page(number) for number in range(there["pages"])]
        stored = crawl.cursors(names)
        self._pages = [stored[name] for name in names]
        self._seen = {key: None for page in self._pages for key in page["ids"]}

    def restart(self) -> bool:
        """Restart the list; False, and the reading stops, if that was done before."""
        if self._restarted:
            self.stop()
            return False
        self._stale, self._pages, self._seen = len(self._pages), [], {}
        self.bookmark, self._restarted = None, True
        self._write()
        return True

    def stop(self) -> None:
        self.ending, self.bookmark = "stopped", None
        self._write()

    def repeats(self, keys: Iterator[str | None]) -> bool:
        """Whether a page, by its ids, brings nothing new."""
        if not self._pages:
            return False
        on_it = set(keys)
        if not on_it:
            # Filters may leave one page empty, but not two in a row.
            return not self._pages[-1]["ids"]
        return not on_it - {None} - self._seen.keys()

    def account(self, items: list[tuple[str | None, M | Reject]], bookmark: str | None) -> Changes:
        """Store a page, and the bookmark of the next."""
        place = self.place
        room = None if place.at_most is None else place.at_most - len(self._seen)
        wanted: dict[str, M | Reject] = {}
        for key, item in items:
            if key is None or (room == 0 and key not in self._seen):
                continue
            if room is not None and key not in self._seen:
                room -= 1
            self._seen[key] = None
            wanted[key] = item
        good = {key: item for key, item in wanted.items() if not isinstance(item, Reject)}
        rejects = [r for key, r in items if isinstance(r, Reject) and (key is None or key in wanted)]
        mark = hashlib.sha256((bookmark or "").encode()).hexdigest()[:16]
        repeated = any(page["mark"] == mark for page in self._pages)
        held = {key: kept for key, item in good.items() if (kept := place.held(item)) is not None}
        self._pages.append(
            {
                "ids": list(wanted),
                "held": held,
                "rejects": [{"record": r.record, "reason": r.reason, "mend": r.mend} for r in rejects],
                "blind": any(key is None for key, _ in items),
                "mark": mark,
            }
        )
        self.bookmark = bookmark
        if room == 0:
            self.ending = "capped"
        elif bookmark is None:
            self.ending = "whole"
        elif repeated:
            self.ending = "stopped"
        if self.ending and self.blind:
            self.ending = "stopped"
        if self.ending:
            self.bookmark = None
        return self._write([row for item in good.values() if (row := place.row(item)) is not None])

    @property
    def blind(self) -> bool:
        """Whether an item had no readable id: a missing item may be that one."""
        return any(page["blind"] for page in self._pages)

    def seen(self) -> Seen:
        assert self.ending is not None
        names = [self._name, *(self._page(number) for number in range(len(self._pages)))]
        return Seen(
            self.ending,
            tuple(self._seen),
            {key: kept for page in self._pages for key, kept in page["held"].items()},
            [reject for page in self._pages for reject in page["rejects"]],
            dict.fromkeys(names),
        )

    def _write(self, rows: list[Row] | None = None) -> Changes:
        cursors: dict[str, Payload | None] = {self._page(number): None for number in range(self._stale)}
        self._stale = 0
        if self._pages:
            cursors[self._page(len(self._pages) - 1)] = self._pages[-1]
        cursors[self._name] = {
            "began": self.began,
            "bookmark": self.bookmark,
            "pages": len(self._pages),
            "anew": self._restarted,
            "ending": self.ending,
        }
        return self.crawl.account(rows or (), cursors)

    @property
    def _name(self) -> str:
        return f"walk:{self.place.name}"

    def _page(self, number: int) -> str:
        return f"page:{self.place.name}:{number}"
