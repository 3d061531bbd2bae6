"""Models of what Pinterest sends: the fields named here are kept, and nothing else.

Belongs here: shapes, and which picture of a pin is taken. How they are requested is in ``api``.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar, get_args
from typing import Literal as L
from urllib.parse import urlsplit, urlunsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from qualia_assets.sources.base import Reject, clean_line, clean_text
from qualia_assets.sources.substack.address import canonical_image_url

Privacy = L["public", "protected", "secret", "other"]
_MEDIA = ("image", "video", "multiple_images", "multiple_videos", "multiple_mixed")
_SIZES = ("1200x", "600x", "originals", "564x", "400x300", "237x", "150x150")
"""In order of preference; originals can be many times larger than needed."""


def _time(value: Any) -> Any:
    """A time as the service writes it: ISO, in UTC if it has no zone."""
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time out of range") from error


def _address(value: str | None) -> str | None:
    """The address of a web page without its query, which may identify the user; None if it is none."""
    try:
        parts = urlsplit(value or "")
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            return None
    except ValueError:
        return None
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))


Id = Annotated[str, Field(pattern=r"^[0-9]{1,25}$")]
# The bound also keeps out lone surrogates, which no table can hold.
Words = Annotated[str, Field(max_length=20_000)]
Line = Annotated[Words | None, AfterValidator(clean_line)]
Text = Annotated[Words | None, AfterValidator(clean_text)]
Page = Annotated[Words | None, AfterValidator(_address)]
Time = Annotated[datetime | None, BeforeValidator(_time)]


class _Sent(BaseModel):
    """Strict: a number is no title. Other fields are dropped."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    def unknown(self) -> Iterator[str]:
        """The fields that hold an unknown word."""
        yield from ()


class Owner(_Sent):
    """The owner of a board."""

    username: Line = None


class Board(_Sent):
    """One board: the user's own, shared with them, or followed."""

    id: Id
    name: Annotated[Words, AfterValidator(clean_line)]
    description: Text = None
    owner: Owner | None = None
    privacy: Words = "PUBLIC"
    board_pins_modified_at: Time = None

    @property
    def seen_by(self) -> Privacy:
        """Who may see it."""
        word = self.privacy.lower()
        return word if word in get_args(Privacy) else "other"  # type: ignore[return-value]

    def unknown(self) -> Iterator[str]:
        if self.seen_by == "other":
            yield "privacy of a board"

    def payload(self) -> dict[str, Any]:
        modified = self.board_pins_modified_at
        return {
            "name": self.name,
            "description": self.description,
            "owner": self.owner.username if self.owner else None,
            "privacy": self.seen_by,
            "modified_at": modified.isoformat() if modified else None,
        }


class Section(_Sent):
    """A section of a board; only its id."""

    id: Id


class Size(_Sent):
    """A picture in one size."""

    url: Words


Sizes = dict[Annotated[str, Field(max_length=40)], Size | None]


class Part(_Sent):
    """One of several pictures or videos."""

    images: Sizes | None = None
    cover_image_url: Words | None = None


class Media(Part):
    """The pictures or videos of a pin."""

    media_type: Words
    items: list[Part] | None = None

    def picture(self) -> str | None:
        """Address of the first picture, or of a video's cover."""
        for part in (self, *(self.items or ())):
            if found := picture_of(part.images or {}) or canonical_image_url(part.cover_image_url or ""):
                return found
        return None


class Pin(_Sent):
    """One pin, as the API sends it."""

    id: Id
    title: Line = None
    description: Text = None
    alt_text: Text = None
    note: Text = None
    link: Page = None
    media: Media | None = None
    board_id: Id | None = None
    parent_pin_id: Id | None = None
    created_at: Time = None

    def unknown(self) -> Iterator[str]:
        if self.media and self.media.media_type not in _MEDIA:
            yield "kind of a pin's media"

    def payload(self, record: str, board_id: str | None) -> dict[str, Any]:
        words = dict.fromkeys(filter(None, (self.description, self.alt_text, self.note)))
        return {
            "title": self.title,
            "text": "\n\n".join(words) or None,
            "url": self.link,
            "image_url": self.media.picture() if self.media else None,
            "board_id": board_id,
            "parent_pin_id": self.parent_pin_id,
            "created_at": self.created_at.isoformat() if self.created_at else None,
            "record": record,
        }


class Listed(_Sent):
    """One page of a list, its items not yet validated."""

    items: list[Any]
    bookmark: Annotated[str, Field(max_length=10_000)] | None = None


class Granted(_Sent):
    """A renewed token."""

    access_token: Annotated[SecretStr, Field(min_length=1, strict=False)]
    refresh_token: Annotated[SecretStr, Field(strict=False)] | None = None
    expires_in: int | None = Field(None, ge=0, le=10**10)


class WidgetPin(_Sent):
    """One pin, as the widget endpoint sends it."""

    id: Id
    description: Text = None
    link: Page = None
    images: Sizes | None = None

    def payload(self, record: str, board_id: str) -> dict[str, Any]:
        return {
            "title": None,
            "text": self.description,
            "url": self.link,
            "image_url": picture_of(self.images or {}),
            "board_id": board_id,
            "parent_pin_id": None,
            "created_at": None,
            "record": record,
        }


class WidgetBoard(_Sent):
    """The board of a widget."""

    name: Line = None
    description: Text = None


class WidgetData(_Sent):
    """A board and its latest pins, not yet validated."""

    pins: list[Any]
    board: WidgetBoard | None = None


class Widget(_Sent):
    """The answer of the widget endpoint."""

    data: WidgetData


M = TypeVar("M", bound=_Sent)


def picture_of(sizes: Mapping[str, Size | None]) -> str | None:
    """Address of the picture in the preferred size, None where there is none."""
    for name in _SIZES:
        size = sizes.get(name)
        if size and (found := canonical_image_url(size.url)):
            return found
    return None


def parsed(model: type[M], body: bytes) -> M | None:
    """An answer as a model, None where it does not fit. Reports nothing of it, as it may be secret."""
    try:
        return model.model_validate_json(body)
    except ValidationError:
        return None


def read(model: type[M], items: Sequence[Any], record: str) -> Iterator[tuple[str | None, M | Reject]]:
    """The items of a list, each with its id, None where that cannot be read."""
    for number, item in enumerate(items, start=1):
        key = item.get("id") if isinstance(item, dict) else None
        known = key if isinstance(key, str) and key.isascii() and key.isdigit() and len(key) <= 25 else None
        try:
            yield known, model.model_validate(item)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            field = ".".join(map(str, first["loc"])) or "all of it"
            yield (
                known,
                Reject(
                    f"{record}: {known or f'number {number}'}",
                    f"{field[:80]}: {first['msg']}",
                    "Nothing in your collection: the service sends a new shape. Look for a newer version.",
                ),
            )
