"""What robots.txt says to ``qualia-assets``, asked once for each origin and kept for some days.

What a service said is kept in the state database, for all users. That it could not be asked is not: it is
a no until the next run asks again. Belongs here: the rules of RFC 9309, save that 401 and 403 are a no.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx2
from protego import Protego

from qualia_assets.net.base import BudgetSpent, Deferred, Disallowed, NoAnswer
from qualia_assets.net.guard import origin, place
from qualia_assets.state.crawl import Crawl
from qualia_assets.state.database import State

AGENT = "qualia-assets"


class Robots:
    """The rules of every origin that one client asks.

    Args:
        state: where robots.txt is kept.
        days: for how long.
        fetch: the status (below 500) and body of a URL, redirects followed. Raises NoAnswer.
    """

    def __init__(self, state: State, days: float, fetch: Callable[[str], tuple[int, bytes]]) -> None:
        self._kept = Crawl(state, "robots")
        self._age = timedelta(days=days)
        self._fetch = fetch
        self._rules: dict[str, Protego | None] = {}

    def check(self, url: httpx2.URL) -> None:
        """Nothing, where the URL may be asked.

        Raises:
            Disallowed: robots.txt says no, or cannot be read.
            Deferred, BudgetSpent: it could not be asked now.
        """
        asked = origin(url)
        if asked not in self._rules:
            self._rules[asked] = self._kept_rules(asked) or self._fetched_rules(asked)
        rules = self._rules[asked]
        if rules is None:
            raise Disallowed(f"{place(url)} is not asked: the robots.txt there could not be read.")
        if not rules.can_fetch(str(url), AGENT):
            raise Disallowed(f"{place(url)} is not asked: robots.txt says no.")

    def _kept_rules(self, asked: str) -> Protego | None:
        kept = self._kept.cursor(asked)
        if kept is None or datetime.now(UTC) - datetime.fromisoformat(kept["fetched_at"]) > self._age:
            return None
        return Protego.parse(kept["body"])

    def _fetched_rules(self, asked: str) -> Protego | None:
        try:
            status, body = self._fetch(f"{asked}/robots.txt")
        except (Deferred, BudgetSpent):
            raise
        except NoAnswer:
            return None
        if status in (401, 403) or 200 < status < 400:
            return None
        text = body.decode("utf-8", "replace").removeprefix("\ufeff").replace("\0", "")
        fetched = {"body": text, "fetched_at": datetime.now(UTC).isoformat()}
        self._kept.account(cursors={asked: fetched})
        return Protego.parse(text)
