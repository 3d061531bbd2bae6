"""The paper's Tables 1 to 3 as the command line prints them, in one table of 80 columns."""

from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.table import Table

from qualia_assets.report.numbers import MISSING, plain
from qualia_assets.report.paper_tables import (
    KINDS,
    LAYERS,
    Configuration,
    Estimate,
    PaperTables,
    Row,
    paper_tables,
)


def paper_table(rows: Iterable[Row], user: str) -> Table:
    """Lay out rows of ``test_figures``: doing nothing, the paper's adapters without balance, our recipes."""
    found = paper_tables(rows)
    table = Table(
        title=f"Held-out matches of {user!r}: the paper's Tables 1 to 3, and recipes of ours",
        title_justify="left",
        box=SIMPLE_HEAD,
        # All 80 columns of a terminal are needed.
        show_edge=False,
        padding=(0, 1, 0, 0),
        caption=_caption(found),
        caption_justify="left",
        header_style="bold",
    )
    for name in ("", "unif.", "T/I", "by T|I", "coherence@10", "cross-modal RP"):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    nothing, selected = found.nothing, found.selected
    if nothing is not None:
        identity = selected is not None and selected.is_identity
        table.add_row(*_cells("without adapter", nothing, None, identity), end_section=True)
    for arch, layers in LAYERS.items():
        for c in found.unbalanced(arch):
            seed = f", seed {c.row['seed']}" if c.row["seed"] else ""
            name = f"{layers} layer{'s' if layers > 1 else ''}, {c.row['temperature']:g}{seed}"
            table.add_row(*_cells(name, c, nothing, c.selected))
        table.add_section()
    for kind in KINDS:
        for c in found.recipes[kind]:
            table.add_row(*_cells(c.row["recipe"], c, nothing, c.selected))
        table.add_section()
    if selected is not None and selected.row["balance_weight"]:
        table.add_row(*_cells(selected.name, selected, nothing, True))
    return table


def _cells(name: str, c: Configuration, nothing: Configuration | None, selected: bool) -> list[str]:
    return [
        f"[bold]{name} *[/bold]" if selected else name,
        plain(c.uniformity),
        plain(c.ratio, 2),
        "|".join(plain(value, 2) for value in c.ratio_by_query),
        _estimate(c.coherence, nothing.coherence if nothing else None),
        _estimate(c.cross_modal, nothing.cross_modal if nothing else None),
    ]


def _estimate(estimate: Estimate, nothing: Estimate | None) -> str:
    value, base = estimate.value, nothing.value if nothing else None
    if value is None:
        return MISSING
    ends = estimate.interval
    interval = f" [dim]\\[{_short(ends[0])},{_short(ends[1])}][/dim]" if ends else ""
    style = "" if base is None else "red" if value < base else "green" if value > base else ""
    return f"[{style}]{value:.3f}[/{style}]{interval}" if style else f"{value:.3f}{interval}"


def _caption(found: PaperTables) -> str:
    base = found.baseline
    if base is None:
        return "There are too few held-out matches to measure anything."
    return (
        f"{base.row['items']} items of held-out matches, on which nothing was trained, with 95 % intervals "
        f"over matches. Chance: coherence {plain(base.coherence.chance)}, cross-modal "
        f"{plain(base.cross_modal.chance)}. unif.: uniformity. T/I: texts retrieved for each image, then the "
        "same for text and for image queries. RP: R-precision of retrieving the other modality. Green is "
        "above doing nothing, red below. Recipes with smoothing saw the vectors of these items, never their "
        "matches. Selected on validation matches (*): "
        f"{found.selected.name if found.selected else 'identity'}."
    )


def _short(value: float) -> str:
    return f"{value:.2f}".removeprefix("0")
