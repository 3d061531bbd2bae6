"""The map: where every item lies, in three spaces."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qualia_assets.views.item_card import card
from qualia_assets.views.items import items_of
from qualia_assets.views.points import pack_of
from qualia_assets.web.layout import data, data_json, page, snapshot_of

MOST_CARDS = 24
"""In one answer."""
_NEEDED = ("artefacts", "projections")
_BETTER = ("annotations", "clusters", "cluster_cards", "cluster_matches")


def show(request: Request) -> Response:
    snapshot = snapshot_of(request)
    why_not = snapshot.why_not(*_NEEDED, *_BETTER)
    packed = snapshot.once(pack_of) if snapshot.has(*_NEEDED) else None
    if packed is not None and not packed.views:
        packed = None
        why_not += [
            f"There is no item to place. `qualia import folder PATH --user {snapshot.user}` brings some, "
            f"`qualia run --user {snapshot.user}` places them."
        ]
    given = {
        "why_not": why_not,
        "pack": packed,
        "base": f"/u/{snapshot.user}/",
    }
    return page(request, "map.html", given, title="Map")


def points(request: Request) -> Response:
    snapshot = snapshot_of(request)
    return data(request, snapshot.once(pack_of).body, "application/octet-stream", snapshot.tag)


def cards(request: Request) -> Response:
    """The cards of the items that the address names, those that there are, in its order."""
    snapshot = snapshot_of(request)
    items = items_of(snapshot)
    asked = request.query_params.getlist("item")[:MOST_CARDS]
    found = [told for item in asked if (told := card(items, item)) is not None]
    return data_json(request, found, snapshot.tag)


ROUTES = [
    Route("/u/{user}/map", show),
    Route("/u/{user}/map/points", points),
    Route("/u/{user}/map/cards", cards),
]
