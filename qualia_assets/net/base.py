"""The result of a request to a service: an answer, or one of a few exceptions that say why there is none.

Belongs here: the types that ``net`` and the sources share. How a request is made is in ``client``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from qualia_assets.errors import QualiaError

Kind = Literal["json", "feed", "image", "text"]


@dataclass(frozen=True)
class Answer:
    """What a service sent. ``url`` is the final one after redirects, without its query."""

    url: str
    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Names in lower case; only ``etag``, ``last-modified`` and ``content-type``."""

    @property
    def unchanged(self) -> bool:
        return self.status == 304


class NoAnswer(QualiaError):
    """A request without a usable answer. The message is for the user and holds no secret."""


class Deferred(NoAnswer):
    """The service asks for a longer wait than a run allows: continue at ``until``; nothing failed."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        self.until = until


class BudgetSpent(NoAnswer):
    """This run, or this day, has made as many requests as the settings allow.

    ``until``: when there is a new budget, None where the next run has one.
    """

    def __init__(self, message: str, until: datetime | None = None) -> None:
        super().__init__(message)
        self.until = until


class Blocked(NoAnswer):
    """The service refuses programs here (a challenge or a 403): no further requests."""


class Disallowed(NoAnswer):
    """robots.txt disallows it or could not be read, or the address must never be requested."""


class Unauthorised(NoAnswer):
    """The token is invalid or has expired (401)."""


class Gone(NoAnswer):
    """There is nothing there (404, 410)."""


class Unusable(NoAnswer):
    """The answer is not what was requested (another kind, too large, damaged), or none came after all tries.

    The message repeats nothing of the answer.
    """

    def __init__(self, message: str, status: Literal["bad_mime", "too_big", "failed"] = "failed") -> None:
        super().__init__(message)
        self.status = status


class Rejected(Unusable):
    """The service rejected the request (400), for example because a bookmark has expired."""
