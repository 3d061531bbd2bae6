"""The figures as PNG files below the lake, and the map as a self-contained page; linked from the asset."""

import hashlib
from collections.abc import Callable

import dagster as dg
import pyarrow as pa

from qualia_assets.defs.resources import Run
from qualia_assets.defs.stage import Made, lake_files, stage
from qualia_assets.lake.store import replacing
from qualia_assets.lake.tables import FIGURES
from qualia_assets.report import png_figures as draw
from qualia_assets.report.figure_data import compared_adapter
from qualia_assets.report.png_map import map_figure

MAP_PAGE = "map_page"


def _page(run: Run) -> str:
    # The web layer is imported only when it is needed, not with the definitions.
    from qualia_assets.web.map_file import fingerprint

    return fingerprint()


@stage(
    FIGURES,
    group="figures",
    kinds=["matplotlib"],
    code_version="5",
    external_version=_page,
    files=lake_files("figures", "path"),
)
def figures(
    run: Run,
    *,
    artefacts: pa.Table,
    projections: pa.Table,
    clusters: pa.Table,
    cluster_cards: pa.Table,
    cluster_matches: pa.Table,
    query_histograms: pa.Table,
    adapters: pa.Table,
    test_figures: pa.Table,
) -> Made:
    fitted = adapters.to_pylist()
    selected = next(row["config_id"] for row in fitted if row["selected"])
    trained, is_selected = compared_adapter(fitted)
    compared = trained or selected
    title = f"best of the trained, not selected: {compared}"
    if is_selected or trained is None:
        title = f"selected adapter: {compared}"
    wanted: dict[str, tuple[str, Callable[[], bytes]]] = {
        "map": (
            "Posts and pins on one map, clusters named, matched ones joined",
            lambda: map_figure(projections, clusters, cluster_cards, cluster_matches),
        ),
        MAP_PAGE: (
            "The same as a page: to pan and zoom, in one file, without a network",
            lambda: _map_page(artefacts, projections, clusters, cluster_cards, cluster_matches),
        ),
        "svd_text": ("Raw posts, first two SVD axes", lambda: draw.svd_figure(projections, "text")),
        "svd_image": ("Raw pins, first two SVD axes", lambda: draw.svd_figure(projections, "image")),
        "gap": ("The modality gap in each space", lambda: draw.gap_figure(projections, selected)),
        "query_histograms": (
            "Cosines of held-out queries to what they find",
            lambda: draw.histogram_figure(query_histograms, compared, title),
        ),
        "pareto": (
            "Coherence against |modality bias| on validation, every configuration",
            lambda: draw.pareto_figure(adapters, selected),
        ),
        "ratio_by_temperature": (
            "Texts by images retrieved at each temperature, by who asks",
            lambda: draw.ratio_figure(test_figures),
        ),
    }
    rows, metadata = [], {}
    folder = run.lake.folder("figures", run.user)
    for done, (name, (caption, draw_one)) in enumerate(wanted.items()):
        run.progress("drawing pictures", done, len(wanted))
        body = draw_one()
        path = folder / ("map.html" if name == MAP_PAGE else f"{name}.png")
        with replacing(path) as temporary:
            temporary.write_bytes(body)
        below = path.relative_to(run.lake.root).as_posix()
        rows.append(
            {
                "name": name,
                "caption": caption,
                "path": below,
                "sha256": hashlib.sha256(body).hexdigest(),
                "bytes": len(body),
            }
        )
        metadata[name] = dg.MetadataValue.path(str(path))
    run.progress("drawing pictures", len(wanted), len(wanted))
    return Made({"figures": FIGURES.table(rows)}, metadata)


def _map_page(*tables: pa.Table) -> bytes:
    from qualia_assets.views.points import MapTables
    from qualia_assets.web.map_file import map_page

    return map_page(MapTables(*tables))
