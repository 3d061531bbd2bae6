"""Usage of providers and its cost: one row per request, and their totals.

Knows neither prices nor providers. A row has the user, the stage and the amounts, but no content.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime

import sqlalchemy as sa

from qualia_assets.state.database import State
from qualia_assets.state.tables import ledger
from qualia_assets.state.usage import Usage


@dataclass(frozen=True)
class Spent:
    """The usage of one provider by one stage on one day (UTC), for one user; dollars at list prices."""

    user: str
    stage: str
    provider: str
    day: date
    usage: Usage
    usd: float


def note(state: State, stage: str, provider: str, usage: Usage, usd: float) -> None:
    """Record the usage of a request, for the state's user.

    Args:
        state: bound to the user.
        stage: that made the request.
        provider: and model.
        usage: as the provider counted it.
        usd: by the list price.
    """
    row = {
        "user": state.user,
        "stage": stage,
        "provider": provider,
        "at": datetime.now(UTC),
        "requests": usage.requests,
        "items": usage.items,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "pixels": usage.pixels,
        "usd": usd,
    }
    with state.engine.begin() as connection:
        connection.execute(sa.insert(ledger), [row])


def spent(state: State) -> list[Spent]:
    """Totals by user, stage, provider and day, sorted in this order."""
    usages: dict[tuple[str, str, str, date], Usage] = defaultdict(Usage)
    usd: dict[tuple[str, str, str, date], float] = defaultdict(float)
    with state.engine.connect() as connection:
        for row in connection.execute(sa.select(ledger).order_by(ledger.c.id)):
            # SQLite drops the time zone.
            at = row.at.astimezone(UTC) if row.at.tzinfo else row.at
            key = (row.user, row.stage, row.provider, at.date())
            usages[key] += Usage(row.requests, row.items, row.input_tokens, row.output_tokens, row.pixels)
            usd[key] += row.usd
    return [Spent(*key, usages[key], usd[key]) for key in sorted(usages)]
