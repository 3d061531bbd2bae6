"""The map of all items, in three spaces."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qualia_assets.views.item_card import card
from qualia_assets.views.items import items_of
from qualia_assets.views.points import pack_of
from qualia_assets.web.layout import data, data_json, page, snapshot_of

MAX_CARDS = 24
"""In one response."""
_REQUIRED = ("artefacts", "projections")
_OPTIONAL = ("annotations", "clusters", "cluster_cards", "cluster_matches")


def show(request: Request) -> Response:
    snapshot = snapshot_of(request)
    why_not = snapshot.why_not(*_REQUIRED, *_OPTIONAL)
    packed = snapshot.once(pack_of) if snapshot.has(*_REQUIRED) else None
    if packed is not None and not packed.views:
        packed = None
        why_not += [
            f"There are no items to lay out. `qualia import folder PATH --user {snapshot.user}` adds some, "
            f"`qualia run --user {snapshot.user}` lays them out."
        ]
    values = {"why_not": why_not, "pack": packed, "base": f"/u/{snapshot.user}/"}
    return page(request, "map.html", values, title="Map")


def points(request: Request) -> Response:
    snapshot = snapshot_of(request)
    return data(request, snapshot.once(pack_of).body, "application/octet-stream", snapshot.tag)


def cards(request: Request) -> Response:
    """The cards of the items that the address names, in its order; unknown items are skipped."""
    snapshot = snapshot_of(request)
    items = items_of(snapshot)
    ids = request.query_params.getlist("item")[:MAX_CARDS]
    found = [made for item in ids if (made := card(items, item)) is not None]
    return data_json(request, found, snapshot.tag)


ROUTES = [
    Route("/u/{user}/map", show),
    Route("/u/{user}/map/points", points),
    Route("/u/{user}/map/cards", cards),
]
