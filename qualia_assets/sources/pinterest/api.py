"""Questions to Pinterest's official API in one user's name: their token, and the app's daily allowance.

Belongs here: how one question is asked. Which are asked, and what becomes of the answers, is in ``crawl``.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from qualia_assets.net.base import Answer, Blocked, BudgetSpent, Gone, NoAnswer, Unauthorised, Unusable
from qualia_assets.net.client import Client
from qualia_assets.settings import Pinterest
from qualia_assets.sources.pinterest import wire
from qualia_assets.state.consent import Token, keep_token
from qualia_assets.state.database import State
from qualia_assets.state.quota import next_day, spend

LARGEST_PAGE = 250
SIGN_IN = (
    "Give a new token with `qualia user consent`, or import Pinterest's data download with "
    "`qualia import pinterest`, which needs none."
)
M = TypeVar("M", bound=wire.Listed | wire.Pin)


class DaySpent(BudgetSpent):
    """The app has made as many requests today as it may, for all users together."""

    def __init__(self) -> None:
        super().__init__("Pinterest allows this app no more requests today; the crawl goes on tomorrow.")
        self.until = next_day()


class SignedOut(Unauthorised):
    """The token does not hold, and is not renewed; the message says what to do."""


class NotRenewed(NoAnswer):
    """The token is over, and the service gave no usable answer to the wish to renew it. It may later."""


class Api:
    """What one user may ask. Every method raises ``NoAnswer``: besides the client's, ``DaySpent``,
    ``SignedOut`` and ``NotRenewed``."""

    def __init__(self, user: str, state: State, client: Client, chosen: Pinterest, token: Token) -> None:
        self.user, self.state, self.client, self.chosen = user, state, client, chosen
        self._token = token
        self._refreshed = False

    def page(self, path: str, bookmark: str | None, size: int = LARGEST_PAGE) -> wire.Listed:
        """One page of a list.

        Args:
            path: below the API's address, with a slash in front.
            bookmark: what the page before gave; None for the first.
            size: items asked for.
        """
        params: dict[str, str | int] = {"page_size": min(size, LARGEST_PAGE)}
        if bookmark:
            params["bookmark"] = bookmark
        return self._whole(wire.Listed, path, self._get(path, params))

    def pin(self, pin_id: str) -> wire.Pin:
        """One pin. Another one than was asked for is ``Unusable``."""
        path = f"/pins/{pin_id}"
        pin = self._whole(wire.Pin, path, self._get(path, {}))
        if pin.id != pin_id:
            raise Unusable(f"Pinterest sent another pin than {path}.")
        return pin

    def _get(self, path: str, params: dict[str, str | int]) -> Answer:
        def ask() -> Answer:
            return self.client.get(
                f"{self.chosen.api_url}{path}",
                "json",
                params=params,
                bearer=self._token.access,
                robots=False,  # an API that one signs in to; robots.txt speaks of web pages
            )

        try:
            return self._counted(ask)
        except Unauthorised:
            if self._refreshed:
                raise SignedOut(f"Pinterest does not accept this user's token. {SIGN_IN}") from None
        self._refresh()
        try:
            return self._counted(ask)
        except Unauthorised:
            raise SignedOut(f"Pinterest does not accept this user's renewed token. {SIGN_IN}") from None

    def _refresh(self) -> None:
        """Renew the token, once in a crawl, and keep what comes at once: the old one may be void by then."""
        self._refreshed = True
        refresh = self._token.refresh
        if refresh is None or not self.chosen.client_id:
            lacks = (
                "`pinterest.client_id` and `client_secret` are not set" if refresh else "it has no refresh"
            )
            raise SignedOut(f"This user's Pinterest token is over, and {lacks}. {SIGN_IN}")
        form = {"grant_type": "refresh_token", "refresh_token": refresh.get_secret_value()}
        path = "/oauth/token"

        def ask() -> Answer:
            return self.client.post_form(
                f"{self.chosen.api_url}{path}",
                form,
                user=self.chosen.client_id,
                password=self.chosen.client_secret,
            )

        try:
            answer = self._counted(ask)
        except (Unauthorised, Blocked, Gone):
            raise SignedOut(f"Pinterest does not renew this user's token. {SIGN_IN}") from None
        except Unusable as error:
            raise NotRenewed(f"This user's Pinterest token could not be renewed. {error}") from None
        granted = wire.whole(wire.Granted, answer.body)
        if granted is None:
            raise NotRenewed("Pinterest sent something else than a renewed token.")
        lasts = timedelta(seconds=granted.expires_in) if granted.expires_in is not None else None
        self._token = Token(
            granted.access_token,
            granted.refresh_token or refresh,
            datetime.now(UTC) + lasts if lasts is not None else None,
        )
        keep_token(self.state, self.user, "pinterest", self._token)

    def _counted(self, ask: Callable[[], Answer]) -> Answer:
        """The answer, its requests counted for the day: one before, those of further tries after."""
        if not spend(self.state, "pinterest", self.chosen.requests_per_day):
            raise DaySpent
        before = self.client.requests
        try:
            return ask()
        finally:
            more = self.client.requests - before - 1
            if more:
                spend(self.state, "pinterest", None, more)

    def _whole(self, model: type[M], path: str, answer: Answer) -> M:
        found = wire.whole(model, answer.body)
        if found is None:
            raise Unusable(f"Pinterest sent something else than was asked for at {path}.")
        return found
