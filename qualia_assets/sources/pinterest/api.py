"""Requests to Pinterest's official API in one user's name: their token, and the app's daily limit.

Belongs here: how a request is made. Which are made, and how answers are used, is in ``crawl``.
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


class Api:
    """The API as one user may use it.

    Methods raise ``NoAnswer`` as the client does. ``BudgetSpent`` also comes once the app's requests of the
    day are used up, ``Unauthorised`` only if the token cannot be renewed; its message says what to do.
    """

    def __init__(self, user: str, state: State, client: Client, chosen: Pinterest, token: Token) -> None:
        self.user, self.state, self.client, self.chosen = user, state, client, chosen
        self._token = token
        self._refreshed = False

    def page(self, path: str, bookmark: str | None, size: int = LARGEST_PAGE) -> wire.Listed:
        """One page of a list.

        Args:
            path: below the API's address, with a leading slash.
            bookmark: from the page before; None for the first.
            size: number of items requested.
        """
        params: dict[str, str | int] = {"page_size": min(size, LARGEST_PAGE)}
        if bookmark:
            params["bookmark"] = bookmark
        return self._parsed(wire.Listed, path, self._get(path, params))

    def pin(self, pin_id: str) -> wire.Pin:
        """One pin; ``Unusable`` if another one comes."""
        path = f"/pins/{pin_id}"
        pin = self._parsed(wire.Pin, path, self._get(path, {}))
        if pin.id != pin_id:
            raise Unusable(f"Pinterest sent another pin than {path}.")
        return pin

    def _get(self, path: str, params: dict[str, str | int]) -> Answer:
        def get() -> Answer:
            return self.client.get(
                f"{self.chosen.api_url}{path}",
                "json",
                params=params,
                bearer=self._token.access,
                robots=False,  # robots.txt is about web pages, not about an API with a sign-in
            )

        try:
            return self._counted(get)
        except Unauthorised:
            if self._refreshed:
                raise Unauthorised(f"Pinterest does not accept this user's token. {SIGN_IN}") from None
        self._refresh()
        try:
            return self._counted(get)
        except Unauthorised:
            raise Unauthorised(f"Pinterest does not accept this user's renewed token. {SIGN_IN}") from None

    def _refresh(self) -> None:
        """Renew the token, once in a crawl, and store the new one at once, as the old one may be void."""
        self._refreshed = True
        refresh = self._token.refresh
        if refresh is None or not self.chosen.client_id:
            lacks = (
                "`pinterest.client_id` and `client_secret` are not set"
                if refresh
                else "there is no refresh token"
            )
            raise Unauthorised(f"This user's Pinterest token has expired, and {lacks}. {SIGN_IN}")
        form = {"grant_type": "refresh_token", "refresh_token": refresh.get_secret_value()}
        path = "/oauth/token"

        def post() -> Answer:
            return self.client.post_form(
                f"{self.chosen.api_url}{path}",
                form,
                user=self.chosen.client_id,
                password=self.chosen.client_secret,
            )

        try:
            answer = self._counted(post)
        except (Unauthorised, Blocked, Gone):
            raise Unauthorised(f"Pinterest does not renew this user's token. {SIGN_IN}") from None
        except Unusable as error:
            raise NoAnswer(f"This user's Pinterest token could not be renewed. {error}") from None
        granted = wire.parsed(wire.Granted, answer.body)
        if granted is None:
            raise NoAnswer("Pinterest sent something other than a renewed token.")
        lasts = timedelta(seconds=granted.expires_in) if granted.expires_in is not None else None
        self._token = Token(
            granted.access_token,
            granted.refresh_token or refresh,
            datetime.now(UTC) + lasts if lasts is not None else None,
        )
        keep_token(self.state, self.user, "pinterest", self._token)

    def _counted(self, request: Callable[[], Answer]) -> Answer:
        """The answer to a request, which is counted for the day before it is made; its retries after."""
        if not spend(self.state, "pinterest", self.chosen.requests_per_day):
            why = "Pinterest allows this app no more requests today; the crawl continues tomorrow."
            raise BudgetSpent(why, next_day())
        before = self.client.requests
        try:
            return request()
        finally:
            more = self.client.requests - before - 1
            if more:
                spend(self.state, "pinterest", None, more)

    def _parsed(self, model: type[M], path: str, answer: Answer) -> M:
        found = wire.parsed(model, answer.body)
        if found is None:
            raise Unusable(f"Pinterest sent something other than was requested at {path}.")
        return found
