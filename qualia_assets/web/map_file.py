"""The map as one HTML file that opens from disk, without a network and without the app.

It is the app's own map: the same markup, style and modules, with the points embedded. Each module becomes a
function, since a file opened from disk cannot import others. A Content-Security-Policy in the file allows
this script and this style by their hashes, and nothing else. The points come from ``views.points``.
"""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pyarrow as pa
from markupsafe import Markup

from qualia_assets.views.item_card import card
from qualia_assets.views.items import Items
from qualia_assets.views.points import MapTables, ids_of, pack, pictures_of
from qualia_assets.web.layout import TEMPLATES, templates

STATIC = TEMPLATES.parent / "static"
_STYLES = ("base.css", "map.css")
_TEMPLATES = ("file.html", "map_file.html", "map_body.html")
_ENTRY = "map-file.js"
_IMPORT = re.compile(r'^import \{([^{}]*)\} from "\./([a-z-]+\.js)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.MULTILINE)


def map_page(
    tables: MapTables,
    annotations: pa.Table | None = None,
    *,
    titles: bool = False,
    thumbnail: Callable[[str], bytes | None] | None = None,
    heading: str = "Map",
) -> bytes:
    """The file: labels of clusters, and coordinates, modality, source, hop and day of each item.

    Args:
        tables: what the map is made of.
        annotations: for the cards of items; used only with ``titles``.
        titles: whether to include titles, authors, collections, addresses and annotations.
        thumbnail: returns the WebP of a picture by its hash, or None where it cannot be shown; no pictures
            without it.
        heading: of the page.
    """
    omitted = {"collection": not titles, "image_sha256": thumbnail is None}
    for column, omit in omitted.items():
        if omit:
            tables = replace(tables, artefacts=_without(tables.artefacts, column))
    packed = pack(tables, numbered=True)
    script, style = script_of(_ENTRY), _style()
    values = {
        "policy": _policy(script, style),
        "heading": heading,
        "style": _verbatim(style, "style"),
        "script": _verbatim(script, "script"),
        "pack": packed,
        "base": "",
        "why_not": [],
        "points": base64.b64encode(packed.body).decode(),
        "cards": _json(_cards(tables, annotations) if titles else {}),
        "pictures": _json([_encoded(thumbnail(sha)) for sha in pictures_of(tables)] if thumbnail else []),
    }
    return templates().get_template("map_file.html").render(values).encode()


def fingerprint() -> str:
    """A hash of all modules, styles and templates that a file is made of."""
    parts = [script_of(_ENTRY), _style(), *((TEMPLATES / name).read_text("utf-8") for name in _TEMPLATES)]
    return sha256("\0".join(parts).encode()).hexdigest()


def script_of(entry: str) -> str:
    """A module and its imports as one script: each module a function, dependencies first.

    Raises:
        ValueError: a module uses syntax that this bundler does not support.
    """
    functions: dict[str, str] = {}

    def add(name: str) -> None:
        if name in functions:
            return
        source = (STATIC / name).read_text(encoding="utf-8")
        for _, dependency in _IMPORT.findall(source):
            add(dependency)
        names = ", ".join(_EXPORT.findall(source))
        body = _EXPORT.sub("", _IMPORT.sub(lambda m: f"const {{{m[1]}}} = {_function(m[2])};", source))
        if re.search(r"^(import|export|await)\b|^(const|let) .*= await\b", body, re.MULTILINE):
            raise ValueError(f"{name}: an import, export or await that cannot be bundled")
        functions[name] = f"const {_function(name)} = (() => {{\n{body}return {{ {names} }};\n}})();"

    add(entry)
    return "\n".join(functions.values())


def _style() -> str:
    return "\n".join((STATIC / name).read_text("utf-8") for name in _STYLES)


def _function(module: str) -> str:
    return "$" + module.removesuffix(".js").replace("-", "_")


def _cards(tables: MapTables, annotations: pa.Table | None) -> dict[str, Any]:
    """The cards by item number, without their long texts."""
    items = Items(tables.artefacts, annotations)
    cards = {}
    for number, item in enumerate(ids_of(tables)):
        full = card(items, item)
        if full is not None:
            fields = {name: text for name, text in full["fields"].items() if name != "summary"}
            cards[str(number)] = {**full, "id": str(number), "excerpt": "", "fields": fields}
    return cards


def _without(table: pa.Table, column: str) -> pa.Table:
    index = table.column_names.index(column)
    empty = pa.nulls(table.num_rows, table.schema.field(column).type)
    return table.set_column(index, column, empty)


def _encoded(picture: bytes | None) -> str | None:
    return base64.b64encode(picture).decode() if picture else None


def _json(value: Any) -> Markup:
    """JSON for a script element, which its content cannot close."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


def _verbatim(text: str, element: str) -> Markup:
    """Our own source, unescaped.

    Raises:
        ValueError: it would close its element.
    """
    if re.search(rf"</{element}|<!--", text, re.IGNORECASE):
        raise ValueError(f"a {element} element that contains its closing tag")
    return Markup(text)


def _policy(script: str, style: str) -> str:
    def hashed(text: str) -> str:
        return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"

    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {hashed(script)}",
            f"style-src {hashed(style)}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
