"""Walks through paged lists that can be killed after any page and go on from there.

Belongs here: bookmarks, and what of a list has been seen. What a list means is for ``crawl``.
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
"""A list was walked to its end; as far as is wanted; or no further, and what was not seen may be there."""

M = TypeVar("M", bound=wire.Board | wire.Section | wire.Pin)


def nothing(_: Any) -> None:
    """What is kept of items that are only counted."""


@dataclass(frozen=True)
class Place(Generic[M]):
    """A list that is paged, and what is kept of its items.

    Args:
        name: of the walk's cursors; no two places share one.
        path: below the API's address.
        model: of an item.
        row: the row of an item; None where there is none.
        held: what is kept of an item until the walk is over; None where nothing is.
        at_most: items that are wanted; None for all.
    """

    name: str
    path: str
    model: type[M]
    row: Callable[[M], Row | None] = nothing
    held: Callable[[M], Payload | None] = nothing
    at_most: int | None = None


@dataclass(frozen=True)
class Walked:
    """What a walk that is over has seen. ``spent`` forgets its cursors: for the call that draws the
    conclusions."""

    ending: Ending
    ids: tuple[str, ...]
    held: dict[str, Payload]
    rejects: list[Payload]
    spent: dict[str, None]


@dataclass
class Log:
    """What a crawl has to tell, gathered on its way."""

    notes: dict[str, None] = field(default_factory=dict)
    counted: Counter[str] = field(default_factory=Counter)
    changes: Changes = field(default_factory=Changes)

    def note(self, text: str) -> None:
        self.notes[text] = None

    def count(self, text: str) -> None:
        """What may be said many times over."""
        self.counted[text] += 1

    def unknown(self, what: str) -> None:
        """A word that is not known yet, as the value of ``what``."""
        self.count(f"A new word as the {what}, taken as `other`")

    def lines(self) -> tuple[str, ...]:
        """All of it, each once."""
        counted = (f"{text} ({count:,} times)." for text, count in sorted(self.counted.items()))
        return (*self.notes, *counted)


def walk(place: Place[M], crawl: Crawl, api: Api, began: str, log: Log) -> Walked:
    """Walk a list from where the last run left it, each page's rows and the way on in one transaction.

    It ends at a bookmark that is null, missing or empty. A page or a bookmark that was there before stops
    it; a bookmark that is refused begins it anew, once.

    Args:
        place: the list.
        crawl: where rows and cursors go.
        api: who asks.
        began: the round of the crawl; what a walk of another round has seen counts no more.
        log: where notes go.

    Raises:
        NoAnswer: of the API. The walk goes on from its last page when it is called again.
    """
    way = _Way(place, crawl, began)
    while way.ending is None:
        try:
            listed = api.page(place.path, way.bookmark, place.at_most or LARGEST_PAGE)
        except Rejected:
            if way.bookmark is None:
                raise
            if way.begin_anew():
                log.note(f"{place.path}: a bookmark was refused, so the walk began anew.")
            else:
                log.note(f"{place.path}: bookmarks were refused twice; what was not seen stays as it was.")
            continue
        found = list(wire.read(place.model, listed.items, place.path))
        if way.repeats(key for key, _ in found):
            way.stop()
            log.note(f"{place.path}: a page came twice; what was not seen stays as it was.")
            continue
        for _, item in found:
            if not isinstance(item, Reject):
                for what in item.unknown():
                    log.unknown(what)
        log.changes += way.account(found, listed.bookmark or None)
        if way.ending == "stopped":
            why = "not all of a page could be read" if way.blind else "a bookmark came twice"
            log.note(f"{place.path}: {why}; what was not seen stays as it was.")
    return way.walked()


class _Way(Generic[M]):
    """How far a walk is. One cursor says where it stands, and one a page what was on it: a long walk does
    not write all that it has seen again with each page."""

    def __init__(self, place: Place[M], crawl: Crawl, began: str) -> None:
        self.place, self.crawl, self.began = place, crawl, began
        self.bookmark: str | None = None
        self.ending: Ending | None = None
        self._anew = False
        self._pages: list[Payload] = []
        self._seen: dict[str, None] = {}
        self._stale = 0
        there = crawl.cursor(self._name)
        if there is None:
            return
        if there["began"] != began:
            self._stale = there["pages"]
            return
        self.bookmark, self.ending, self._anew = there["bookmark"], there["ending"], there["anew"]
        names = [self._page(number) for number in range(there["pages"])]
        stored = crawl.cursors(names)
        self._pages = [stored[name] for name in names]
        self._seen = {key: None for page in self._pages for key in page["ids"]}

    def begin_anew(self) -> bool:
        """Forget what was seen; False, and the walk is over, where that was done before."""
        if self._anew:
            self.stop()
            return False
        self._stale, self._pages, self._seen = len(self._pages), [], {}
        self.bookmark, self._anew = None, True
        self._write()
        return True

    def stop(self) -> None:
        self.ending, self.bookmark = "stopped", None
        self._write()

    def repeats(self, keys: Iterator[str | None]) -> bool:
        """Whether a page, by the ids on it, takes the walk nowhere."""
        if not self._pages:
            return False
        on_it = set(keys)
        if not on_it:
            # Filters may leave a page without items, but not one after the other.
            return not self._pages[-1]["ids"]
        return not on_it - {None} - self._seen.keys()

    def account(self, found: list[tuple[str | None, M | Reject]], bookmark: str | None) -> Changes:
        """Take a page in, and the bookmark of the next."""
        place = self.place
        room = None if place.at_most is None else place.at_most - len(self._seen)
        wanted: dict[str, M | Reject] = {}
        for key, item in found:
            if key is None or (room == 0 and key not in self._seen):
                continue
            if room is not None and key not in self._seen:
                room -= 1
            self._seen[key] = None
            wanted[key] = item
        good = {key: item for key, item in wanted.items() if not isinstance(item, Reject)}
        rejects = [r for key, r in found if isinstance(r, Reject) and (key is None or key in wanted)]
        mark = hashlib.sha256((bookmark or "").encode()).hexdigest()[:16]
        comes_again = any(page["mark"] == mark for page in self._pages)
        held = {key: kept for key, item in good.items() if (kept := place.held(item)) is not None}
        self._pages.append(
            {
                "ids": list(wanted),
                "held": held,
                "rejects": [{"record": r.record, "reason": r.reason, "mend": r.mend} for r in rejects],
                "blind": any(key is None for key, _ in found),
                "mark": mark,
            }
        )
        self.bookmark = bookmark
        if room == 0:
            self.ending = "capped"
        elif bookmark is None:
            self.ending = "whole"
        elif comes_again:
            self.ending = "stopped"
        if self.ending and self.blind:
            self.ending = "stopped"
        if self.ending:
            self.bookmark = None
        return self._write([row for item in good.values() if (row := place.row(item)) is not None])

    @property
    def blind(self) -> bool:
        """Whether there was something without an id: what seems to be missing may be that."""
        return any(page["blind"] for page in self._pages)

    def walked(self) -> Walked:
        assert self.ending is not None
        names = [self._name, *(self._page(number) for number in range(len(self._pages)))]
        return Walked(
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
            "anew": self._anew,
            "ending": self.ending,
        }
        return self.crawl.account(rows or (), cursors)

    @property
    def _name(self) -> str:
        return f"walk:{self.place.name}"

    def _page(self, number: int) -> str:
        return f"page:{self.place.name}:{number}"
