"""Models of what Substack sends: the fields named here are kept, and no others.

Belongs here: models of its JSON, and how a wrong record is reported. Other fields (counts of likes, tokens,
what a reader pays) are dropped while reading. The feed is parsed in ``feed``.
"""

import json
import re
from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import (
    AliasChoices,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from qualia_assets.net.base import Unusable
from qualia_assets.sources.base import Reject, clean_line

Audience = Literal["everyone", "only_paid", "founding", "only_free", "unknown", "other"]
Type = Literal["newsletter", "podcast", "thread", "video", "restack", "adhoc_email", "page", "note", "other"]

SLUG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,249}")
HANDLE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_HOST = re.compile(r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_LINE, _BODY = 10_000, 5_000_000

# The bounds also keep out lone surrogates, which no table can hold.
Id = Annotated[int, Field(strict=True, gt=0, lt=10**15)]
Line = Annotated[str, Field(strict=True, max_length=_LINE)]
Flag = Annotated[bool, Field(strict=True)]


def _blank_is_none(value: Any) -> Any:
    return None if value == "" else value


Slug = Annotated[str, Field(strict=True, pattern=rf"\A{SLUG.pattern}\z")]
Handle = Annotated[str, Field(strict=True, pattern=rf"\A{HANDLE.pattern}\z")]
Subdomain = Annotated[str, Field(strict=True, pattern=r"\A[a-z0-9][a-z0-9-]{0,62}\z")]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


def _host(value: Any) -> Any:
    """A host name: no port, no IP address."""
    if not value:
        return None
    if not isinstance(value, str) or not _HOST.fullmatch(value.lower()):
        raise ValueError("is not the name of a host")
    return value.lower()


class Author(_Wire):
    """The author of a publication or a post."""

    name: Line | None = None


class Publication(_Wire):
    """A publication, as profiles, recommendations and bylines send it."""

    id: Id
    subdomain: Subdomain
    custom_domain: Annotated[str | None, BeforeValidator(_host)] = None
    name: Line | None = None
    hero_text: Line | None = None
    language: Annotated[Line | None, BeforeValidator(_blank_is_none)] = None
    author: Author | None = None
    block_ai_crawlers: Flag | None = None

    def base(self, publication_url: str) -> str:
        """Its origin: its own domain if it has one."""
        if self.custom_domain:
            return f"https://{self.custom_domain}"
        return publication_url.format(subdomain=self.subdomain)

    def payload(self, publication_url: str) -> dict[str, Any]:
        """The stored fields, as JSON."""
        return {
            "publication_id": str(self.id),
            "subdomain": self.subdomain,
            "custom_domain": self.custom_domain,
            "name": clean_line(self.name),
            "description": clean_line(self.hero_text),
            "language": clean_line(self.language),
            "author": clean_line(self.author.name) if self.author else None,
            "declared": self.base(publication_url),
            "declined": self.block_ai_crawlers,
        }


class Recommendation(_Wire):
    """A recommendation of another publication."""

    publication: Publication = Field(
        validation_alias=AliasChoices("recommendedPublication", "recommended_publication", "publication")
    )


class Profile(_Wire):
    """A person's public profile; its publications are read one by one."""

    id: Id
    handle: Handle
    name: Line | None = None
    hasHiddenSubscriptions: Flag = False
    subscriptionsTruncated: Flag = False


class _Tag(_Wire):
    name: Line


class Post(_Wire):
    """A post, as the archive (without a body) and the post's own address send it."""

    id: Id
    publication_id: Id
    slug: Slug
    title: Line | None
    post_date: AwareDatetime
    audience: Line
    type: Line
    subtitle: Line | None = None
    cover_image: Line | None = None
    body_html: Annotated[str, Field(strict=True, max_length=_BODY)] | None = None
    postTags: list[_Tag] | None = None
    publishedBylines: list[Author] | None = None

    @property
    def tags(self) -> list[str]:
        return [tag for tag in (clean_line(tag.name) for tag in self.postTags or ()) if tag]

    @property
    def author(self) -> str | None:
        names = (clean_line(author.name) for author in self.publishedBylines or ())
        return ", ".join(filter(None, names)) or None


M = TypeVar("M", bound=_Wire)


class Reader:
    """Validates records, and collects rejects and unknown words.

    ``rejects`` by record, so that a repeated page is reported once; ``unknown`` counts by field.
    """

    def __init__(self) -> None:
        self.rejects: dict[str, Reject] = {}
        self.unknown: Counter[str] = Counter()

    def validated(self, model: type[M], value: Any, record: str) -> M | None:
        """The record, or None and a reject if a required field is missing or one is out of bounds.

        Args:
            model: of the record.
            value: what was sent.
            record: where it came from; repeats nothing that was sent.
        """
        try:
            return model.model_validate(value)
        except ValidationError as error:
            first = error.errors(include_input=False, include_context=False, include_url=False)[0]
            # Keys may be sent by anybody: only names of the model's fields are reported.
            field = str(first["loc"][0]) if first["loc"] else "the record"
            self.reject(
                record, f"{field}: {first['msg']}", "Nothing to do here: what Substack sends changed."
            )
        except (ValueError, OverflowError):
            self.reject(record, "holds a value out of bounds", "Nothing to do here.")
        return None

    def reject(self, record: str, reason: str, mend: str) -> None:
        self.rejects[record] = Reject(record, reason, mend)

    def word(self, field: str, value: str, choices: Any) -> str:
        """The value if it is one of the choices, else ``other``, which is counted."""
        if value in get_args(choices):
            return value
        self.unknown[field] += 1
        return "other"

    def notes(self) -> tuple[str, ...]:
        return tuple(
            f"{count:,} values of {field} are new to this project, and are kept as 'other'."
            for field, count in sorted(self.unknown.items())
        )


def load(body: bytes, path: str) -> Any:
    """The JSON of an answer.

    Raises:
        Unusable: it is none.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Unusable(f"What came from {path} is not JSON.", "bad_mime") from None


def rows_of(data: Any, path: str) -> list[Any]:
    """The records of a list, sent bare or as ``{rows, total}``.

    Raises:
        Unusable: it is neither.
    """
    rows = data.get("rows") if isinstance(data, dict) else data
    if not isinstance(rows, list):
        raise Unusable(f"What came from {path} is not a list.", "bad_mime")
    return rows


def crawler_choices(data: Any) -> dict[str, bool]:
    """Whether publications decline crawlers of AI, by id, for those that state it.

    It is a field of a publication, or of the settings beside it.
    """
    choices: dict[str, bool] = {}
    left = [data]
    while left:
        value = left.pop()
        if isinstance(value, list):
            left.extend(value)
        elif isinstance(value, dict):
            left.extend(value.values())
            _note_choice(value, value, choices)
            _note_choice(value.get("publication"), value.get("publicationSettings"), choices)
    return choices


def _note_choice(owner: Any, settings: Any, choices: dict[str, bool]) -> None:
    if not isinstance(owner, dict) or not isinstance(settings, dict):
        return
    key, choice = owner.get("id", owner.get("publication_id")), settings.get("block_ai_crawlers")
    if isinstance(key, int) and isinstance(choice, bool):
        # One refusal counts, even if another place allows it.
        choices[str(key)] = choices.get(str(key), False) or choice


def utc(time: datetime) -> str:
    """A time in ISO format, in UTC."""
    return time.astimezone(UTC).isoformat()
