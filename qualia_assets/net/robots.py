"""What robots.txt allows to ``qualia-assets``, requested once for each origin and kept for some days.

It is kept in the state database, for all users. A failure to read it is not kept: it counts as a no until the
next run. Belongs here: the rules of RFC 9309, except that 401 and 403 are a no.
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
    """The rules of every origin that one client requests.

    Args:
        state: holds robots.txt.
        days: how long it is kept.
        fetch: the status (below 500) and body of a URL, redirects followed. Raises NoAnswer.
    """

    def __init__(self, state: State, days: float, fetch: Callable[[str], tuple[int, bytes]]) -> None:
        self._kept = Crawl(state, "robots")
        self._age = timedelta(days=days)
        self._fetch = fetch
        self._rules: dict[str, Protego | None] = {}

    def check(self, url: httpx2.URL) -> None:
        """Check that a URL may be requested.

        Raises:
            Disallowed: robots.txt disallows it, or cannot be read.
            Deferred, BudgetSpent: robots.txt could not be requested now.
        """
        site = origin(url)
        if site not in self._rules:
            self._rules[site] = self._kept_rules(site) or self._fetched_rules(site)
        rules = self._rules[site]
        if rules is None:
            raise Disallowed(f"{place(url)} is not requested: its robots.txt could not be read.")
        if not rules.can_fetch(str(url), AGENT):
            raise Disallowed(f"{place(url)} is not requested: robots.txt disallows it.")

    def _kept_rules(self, site: str) -> Protego | None:
        kept = self._kept.cursor(site)
        if kept is None or datetime.now(UTC) - datetime.fromisoformat(kept["fetched_at"]) > self._age:
            return None
        return Protego.parse(kept["body"])

    def _fetched_rules(self, site: str) -> Protego | None:
        try:
            status, body = self._fetch(f"{site}/robots.txt")
        except (Deferred, BudgetSpent):
            raise
        except NoAnswer:
            return None
        if status in (401, 403) or 200 < status < 400:
            return None
        text = body.decode("utf-8", "replace").removeprefix("\ufeff").replace("\0", "")
        fetched = {"body": text, "fetched_at": datetime.now(UTC).isoformat()}
        self._kept.account(cursors={site: fetched})
        return Protego.parse(text)
