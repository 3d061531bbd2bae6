"""Daily request quotas, shared by all users and processes.

The count is a shared cursor of the crawl, one per day. Callers know the limits.
"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from qualia_assets.state.database import State
from qualia_assets.state.tables import crawl_cursors

_DAY = "day:"


def spend(state: State, source: str, allowed: int | None, many: int = 1) -> bool:
    """Count ``many`` more requests to a source today (UTC); False, and nothing counted, where that exceeds
    the limit. Two processes never both get the last one.

    Args:
        state: of any user.
        source: the requests go to.
        allowed: requests per day; None where they were made already.
        many: requests; negative for requests that were not made after all.
    """
    now = datetime.now(UTC)
    name = f"{_DAY}{now:%Y-%m-%d}"
    c = crawl_cursors.c
    shared = [c.source == source, c.scope == ""]
    with state.engine.begin() as connection:
        # Write first: SQLite lets one process at a time past it, Postgres locks the row that is read next.
        connection.execute(
            state.insert_missing(crawl_cursors),
            {"source": source, "scope": "", "name": name, "value": {"requests": 0}, "moved_at": now},
        )
        today = sa.select(c.value).where(*shared, c.name == name).with_for_update()
        spent: int = connection.execute(today).scalar_one()["requests"] + many
        if allowed is not None and spent > allowed:
            return False
        connection.execute(
            sa.update(crawl_cursors)
            .where(*shared, c.name == name)
            .values(value={"requests": spent}, moved_at=now)
        )
        connection.execute(
            sa.delete(crawl_cursors).where(*shared, c.name.startswith(_DAY, autoescape=True), c.name < name)
        )
    return True


def next_day() -> datetime:
    """When the next quota begins: midnight UTC."""
    return (datetime.now(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
