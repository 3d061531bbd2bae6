"""What every crawl of a service tells of itself when it stops, whether done or not."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from qualia_assets.sources.base import Reject

Status = Literal["complete", "deferred", "budget", "blocked", "failed"]


@dataclass(frozen=True)
class Report:
    """How a crawl of one user's source ended.

    ``deferred``: go on at ``until``. ``budget``: the next run goes on. ``blocked``: the service wants no
    robots, or the token no longer holds; the notes say what the user can do. Notes are for the user, and
    hold no secret.
    """

    status: Status
    requests: int
    new: int = 0
    changed: int = 0
    until: datetime | None = None
    notes: tuple[str, ...] = ()
    rejects: tuple[Reject, ...] = field(default=(), repr=False)

    @property
    def goes_on(self) -> bool:
        """Whether there is more to ask for."""
        return self.status in ("deferred", "budget")
