"""The map as one file that opens from a disk, without a network and without the app.

It is the app's own map: the same page, style and modules, put into one file with the points in it. What is
a module of its own there is a function here, for a file cannot import from its neighbours. A policy in the
file allows this script and this style, by their hashes, and nothing else.

Belongs here: putting the file together. What a map is made of is in ``app.points``.
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
_STYLES = ("frame.css", "map.css")
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
    """The file. Names of clusters are in it; of the items their places, kinds, sources, hops and days.

    Args:
        tables: what the map is made of.
        annotations: what was said of the items, for their cards; only with ``titles``.
        titles: whether titles, authors, collections, addresses and annotations are in it, too.
        thumbnail: gives the WebP of a picture by its hash, or None where it cannot be shown. Without it
            there are no pictures.
        heading: of the page.
    """
    left_out = {"collection": not titles, "image_sha256": thumbnail is None}
    for column, out in left_out.items():
        if out:
            tables = replace(tables, artefacts=_without(tables.artefacts, column))
    packed = pack(tables, numbered=True)
    script, style = script_of(_ENTRY), _style()
    given = {
        "policy": _policy(script, style),
        "heading": heading,
        "style": _verbatim(style, "style"),
        "script": _verbatim(script, "script"),
        "pack": packed,
        "base": "",
        "why_not": [],
        "points": base64.b64encode(packed.body).decode(),
        "cards": _data(_cards(tables, annotations) if titles else {}),
        "pictures": _data([_encoded(thumbnail(sha)) for sha in pictures_of(tables)] if thumbnail else []),
    }
    return templates().get_template("map_file.html").render(given).encode()


def fingerprint() -> str:
    """Another one as soon as a module, style or template that a file is made of is another."""
    parts = [script_of(_ENTRY), _style(), *((TEMPLATES / name).read_text("utf-8") for name in _TEMPLATES)]
    return sha256("\0".join(parts).encode()).hexdigest()


def script_of(entry: str) -> str:
    """A module and all that it imports as one script: each a function, after those that it needs.

    Raises:
        ValueError: a module is written in a way that this does not know.
    """
    made: dict[str, str] = {}

    def add(name: str) -> None:
        if name in made:
            return
        source = (STATIC / name).read_text(encoding="utf-8")
        for _, needed in _IMPORT.findall(source):
            add(needed)
        names = ", ".join(_EXPORT.findall(source))
        body = _EXPORT.sub("", _IMPORT.sub(lambda m: f"const {{{m[1]}}} = {_called(m[2])};", source))
        if re.search(r"^(import|export|await)\b|^(const|let) .*= await\b", body, re.MULTILINE):
            raise ValueError(f"{name}: an import, export or await that cannot be put into one file")
        made[name] = f"const {_called(name)} = (() => {{\n{body}return {{ {names} }};\n}})();"

    add(entry)
    return "\n".join(made.values())


def _style() -> str:
    return "\n".join((STATIC / name).read_text("utf-8") for name in _STYLES)


def _called(module: str) -> str:
    return "$" + module.removesuffix(".js").replace("-", "_")


def _cards(tables: MapTables, annotations: pa.Table | None) -> dict[str, Any]:
    """By an item's number its card, without what is long."""
    known = Items(tables.artefacts, annotations)
    told = {}
    for number, item in enumerate(ids_of(tables)):
        found = card(known, item)
        if found is not None:
            fields = {name: said for name, said in found["fields"].items() if name != "summary"}
            told[str(number)] = {**found, "id": str(number), "excerpt": "", "fields": fields}
    return told


def _without(table: pa.Table, column: str) -> pa.Table:
    place = table.column_names.index(column)
    empty = pa.nulls(table.num_rows, table.schema.field(column).type)
    return table.set_column(place, column, empty)


def _encoded(picture: bytes | None) -> str | None:
    return base64.b64encode(picture).decode() if picture else None


def _data(value: Any) -> Markup:
    """JSON within a script element, which nothing in it can end."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


def _verbatim(text: str, element: str) -> Markup:
    """Source of our own as it stands.

    Raises:
        ValueError: it would end the element that it is put into.
    """
    if re.search(rf"</{element}|<!--", text, re.IGNORECASE):
        raise ValueError(f"a {element} that holds its own end")
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
