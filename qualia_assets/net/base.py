"""What a request to a service can come to: an answer, or one of a few reasons why there is none.

Belongs here: the words that ``net`` and the sources share. How a request is made is in ``client``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from qualia_assets.errors import QualiaError

Kind = Literal["json", "feed", "image", "text"]


@dataclass(frozen=True)
class Answer:
    """What a service sent. ``url`` is where it came from after redirects, without its query."""

    url: str
    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Lower case, and only ``etag``, ``last-modified``, ``content-type``."""

    @property
    def unchanged(self) -> bool:
        return self.status == 304


class NoAnswer(QualiaError):
    """A request that gave nothing that can be used. Its message is for the user, and names no secret."""


class Deferred(NoAnswer):
    """The service wants to be left alone for longer than a run waits: go on later, nothing failed."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        self.until = until


class BudgetSpent(NoAnswer):
    """This run, or this day, has made as many requests as the settings allow."""


class Blocked(NoAnswer):
    """The service refuses robots here (a challenge, a 403): it is asked no further."""


class Disallowed(NoAnswer):
    """robots.txt says no, or could not be read, or the address is one that is never asked."""


class Unauthorised(NoAnswer):
    """The token is not, or no longer, good (401)."""


class Gone(NoAnswer):
    """There is nothing there (404, 410)."""


class Unusable(NoAnswer):
    """Something came that is not what was asked for: another kind, too large, damaged; or nothing came
    after all tries. Carries no content of what came."""

    def __init__(self, message: str, status: Literal["bad_mime", "too_big", "failed"] = "failed") -> None:
        super().__init__(message)
        self.status = status


class Rejected(Unusable):
    """The service did not understand the question (400): a bookmark that no longer holds, say."""
