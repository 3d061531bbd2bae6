"""A page's HTML as elements, for tests that need no browser."""

from html.parser import HTMLParser
from xml.etree import ElementTree

_VOID = {"br", "hr", "img", "input", "link", "meta"}


class Html(HTMLParser):
    """The elements of a page. Selectors are tags, ``.class`` and ``#id``, with spaces for descendants."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self._builder = ElementTree.TreeBuilder()
        self.feed(source)
        self.root = self._builder.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._builder.start(tag, {name: value or "" for name, value in attrs})
        if tag in _VOID:
            self._builder.end(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            self._builder.end(tag)

    def handle_data(self, data: str) -> None:
        self._builder.data(data)

    def all(self, selector: str, within: ElementTree.Element | None = None) -> list[ElementTree.Element]:
        found = [self.root if within is None else within]
        for step in selector.split():
            inside = [e for parent in found for e in parent.iter() if e is not parent and _matches(e, step)]
            found = list(dict.fromkeys(inside))
        return found

    def texts(self, selector: str) -> list[str]:
        return [text_of(element) for element in self.all(selector)]

    def text(self, selector: str = "main") -> str:
        return " ".join(self.texts(selector))


def text_of(element: ElementTree.Element) -> str:
    """All its text on one line."""
    return " ".join(" ".join(element.itertext()).split())


def _matches(element: ElementTree.Element, step: str) -> bool:
    if step.startswith("#"):
        return element.get("id") == step[1:]
    tag, _, name = step.partition(".")
    return tag in ("", element.tag) and (not name or name in element.get("class", "").split())
