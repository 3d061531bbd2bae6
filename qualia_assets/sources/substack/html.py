"""Extracts a post's text, by block, and its first picture from the HTML of its body.

Belongs here: what is kept of a body, for the export and the crawl alike, and the hash that shows edits. HTML
is untrusted: it is bounded and cleaned by nh3 before it is parsed.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import nh3

from qualia_assets.sources.base import clean_text
from qualia_assets.sources.substack.address import canonical_image_url

# What Substack adds to the writing: forms, buttons, polls, and other publications' posts.
WIDGETS = frozenset(
    {
        "button-wrapper",
        "captioned-button-wrap",
        "community-chat",
        "cta-caption",
        "digest-post-embed",
        "directMessage",
        "embedded-post-wrap",
        "embedded-publication-wrap",
        "footnote-anchor",
        "footnote-number",
        "image-link-expand",
        "install-substack-app-embed",
        "paywall",
        "paywall-cta",
        "paywall-jump",
        "poll-embed",
        "post-ufi",
        "share-dialog",
        "sponsorship-campaign-embed",
        "subscribe-footer",
        "subscribe-widget",
        "subscription-widget",
        "subscription-widget-wrap",
        "subscription-widget-wrap-editor",
    }
)
_BLOCKS = frozenset(
    {
        "address",
        "article",
        "aside",
        "blockquote",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "figcaption",
        "figure",
        "footer",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "tr",
        "ul",
    }
)
_WITHOUT_END = frozenset({"br", "hr", "img"})
_KEPT = _BLOCKS | _WITHOUT_END | {"a", "span", "td", "th"}
_UNREAD = frozenset(
    {
        "audio",
        "button",
        "form",
        "iframe",
        "noscript",
        "object",
        "script",
        "select",
        "style",
        "svg",
        "template",
        "textarea",
        "title",
        "video",
    }
)

# The parser takes quadratic time for deep nesting and for many attributes. Complete books are within these
# bounds, and what exceeds them takes seconds, not hours.
_LONGEST = 600_000
_MOST_TAGS = 20_000
_UNUSED = re.compile(r'\s(?:data-attrs|srcset)="[^"]*"')  # often longer than the words
_TAG = re.compile(r"</?[a-zA-Z]")


def plain_text(html: str) -> str:
    """The text of a body: blocks separated by an empty line, list items by a line, widgets left out."""
    body = _Body(html)
    joined = "".join(
        ("\n" if item and after_item else "\n\n") + text for text, item, after_item in body.blocks()
    )
    return clean_text(joined) or ""


def first_image(html: str) -> str | None:
    """The canonical address of the writer's first picture; None where there is none."""
    return _Body(html).image


def editorial_sha256(
    title: str | None,
    subtitle: str | None,
    body_text: str | None,
    audience: str | None,
    image_url: str | None,
) -> str:
    """Hash of what the writer wrote and chose; edits change it, likes do not."""
    written = json.dumps([title, subtitle, body_text, audience, image_url])
    return hashlib.sha256(written.encode()).hexdigest()


class _Body(HTMLParser):
    """One pass over a cleaned body: its blocks, and its first picture."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.image: str | None = None
        self._blocks: list[tuple[str, bool]] = []
        self._text: list[str] = []
        self._marker = ""
        self._depth = 0
        self._preformatted = 0
        self._dropped_from: int | None = None
        self._numbers: list[int | None] = []
        self.feed(_cleaned(html))
        self.close()
        self._end_block()

    def blocks(self) -> Iterator[tuple[str, bool, bool]]:
        """Each block's text, whether it is a list item, and whether the one before is."""
        after_item = False
        for text, item in self._blocks:
            yield text, item, after_item
            after_item = item

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in _WITHOUT_END:
            self._depth += 1
            if self._dropped_from is None and not WIDGETS.isdisjoint((given.get("class") or "").split()):
                self._dropped_from = self._depth
        if self._dropped_from is not None:
            return
        if tag == "img":
            self.image = self.image or canonical_image_url(given.get("src") or "")
        elif tag == "br":
            self._text.append("\n")
        elif tag in ("td", "th"):
            self._text.append(" " if self._text else "")
        elif tag in _BLOCKS:
            self._end_block()
            self._preformatted += tag == "pre"
            if tag in ("ul", "ol"):
                self._numbers.append(0 if tag == "ol" else None)
            elif tag == "li":
                self._marker = self._next_marker()

    def handle_endtag(self, tag: str) -> None:
        if tag in _WITHOUT_END:
            return
        if self._dropped_from is not None:
            if self._dropped_from == self._depth:
                self._dropped_from = None
        elif tag in _BLOCKS:
            self._end_block()
            self._preformatted -= tag == "pre"
            if tag == "li":
                self._marker = ""
            elif tag in ("ul", "ol"):
                self._numbers.pop()
        self._depth -= 1

    def handle_data(self, data: str) -> None:
        if self._dropped_from is not None:
            return
        if not self._preformatted:
            data = re.sub(r"\s+", " ", data)
            if not self._text or self._text[-1].endswith(("\n", " ")):
                data = data.lstrip()
        if data:
            self._text.append(data)

    def _next_marker(self) -> str:
        if not self._numbers or self._numbers[-1] is None:
            return "- "
        self._numbers[-1] += 1
        return f"{self._numbers[-1]}. "

    def _end_block(self) -> None:
        lines = (line.rstrip() for line in "".join(self._text).split("\n"))
        text = "\n".join(lines).strip("\n")
        self._text.clear()
        if text:
            self._blocks.append((self._marker + text, bool(self._marker)))
            self._marker = ""


def _cleaned(html: str) -> str:
    """Well-formed HTML of the relevant tags, each closed, with ``class`` and ``src`` only."""
    return nh3.clean(
        _bounded(html),
        tags=set(_KEPT),
        clean_content_tags=set(_UNREAD),
        attributes={"*": {"class"}, "img": {"src"}},
        url_schemes={"https"},
        link_rel=None,
    )


def _bounded(html: str) -> str:
    """The body within bounds; after the maximum number of tags only the text is left."""
    html = html.encode("utf-8", "replace").decode()  # JSON can hold lone surrogates
    html = _UNUSED.sub("", html)[:_LONGEST]
    for number, tag in enumerate(_TAG.finditer(html)):
        if number == _MOST_TAGS:
            return html[: tag.start()] + re.sub(r"<[^<>]*>?", "\n", html[tag.start() :])
    return html
