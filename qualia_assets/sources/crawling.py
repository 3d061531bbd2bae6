"""What every crawl of a service tells of itself when it stops, whether done or not."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from qualia_assets.sources.base import Reject

Status = Literal["complete", "deferred", "budget", "blocked", "failed"]
_WORSE: tuple[Status, ...] = ("complete", "failed", "blocked", "budget", "deferred")


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

    def after(self, other: "Report") -> "Report":
        """This report and the one before it as one: what is left to do of either is left."""
        worst = max((self, other), key=lambda report: _WORSE.index(report.status))
        return Report(
            worst.status,
            self.requests + other.requests,
            self.new + other.new,
            self.changed + other.changed,
            worst.until,
            (*other.notes, *self.notes),
            (*other.rejects, *self.rejects),
        )

    @property
    def goes_on(self) -> bool:
        """Whether there is more to ask for."""
        return self.status in ("deferred", "budget")
