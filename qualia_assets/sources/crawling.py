"""The report of a crawl when it stops, whether complete or not."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from qualia_assets.sources.base import Reject

Status = Literal["complete", "deferred", "budget", "blocked", "failed"]
_WORSE: tuple[Status, ...] = ("complete", "failed", "blocked", "budget", "deferred")


@dataclass(frozen=True)
class Report:
    """How a crawl of one user's source ended.

    ``deferred``: continue at ``until``. ``budget``: the next run continues. ``blocked``: the service refuses
    programs, or the token is invalid; the notes say what the user can do. Notes hold no secret.
    """

    status: Status
    requests: int
    new: int = 0
    changed: int = 0
    until: datetime | None = None
    notes: tuple[str, ...] = ()
    rejects: tuple[Reject, ...] = field(default=(), repr=False)

    def after(self, other: "Report") -> "Report":
        """One report of this crawl and the one before it; the less complete status counts."""
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
