"""What the command line prints of a user's results: the paper's Tables 1 to 3 in one.

Belongs here: laying figures out for a terminal. They come from the lake's ``test_figures``.
"""

from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

NOTHING = "without adapter"


def paper_table(rows: list[dict[str, Any]], user: str) -> Table:
    """The paper's layout: doing nothing, one layer and two layers at each temperature; then our recipes.

    Args:
        rows: of ``test_figures``, of one user.
        user: for the title.
    """
    table = Table(
        title=f"Held-out matches of {user!r}: the paper's Tables 1 to 3, and recipes of ours",
        title_justify="left",
        box=SIMPLE_HEAD,
        # Every column of the 80 that a terminal has is needed.
        show_edge=False,
        padding=(0, 1, 0, 0),
        caption=_caption(rows),
        caption_justify="left",
        header_style="bold",
    )
    for name in ("", "unif.", "T/I", "by T|I", "coherence@10", "cross-modal RP"):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    nothing = next((r for r in rows if r["space"] == "annotation"), None)
    chosen = next((r["config_id"] for r in rows if r["selected"]), None)
    if nothing is not None:
        table.add_row(*_cells(NOTHING, nothing, None, chosen == "identity"), end_section=True)
    for arch, layers in (("linear", "1 layer"), ("mlp", "2 layers")):
        mine = [r for r in rows if (r["recipe"], r["arch"]) == ("paper", arch) and not r["balance_weight"]]
        for row in sorted(mine, key=lambda r: (r["temperature"], r["seed"])):
            name = f"{layers}, {row['temperature']:g}" + (f", seed {row['seed']}" if row["seed"] else "")
            table.add_row(*_cells(name, row, nothing, row["selected"]))
        table.add_section()
    for kind in ("inductive", "transductive"):
        ours = [r for r in rows if r["kind"] == kind and r["recipe"] not in ("paper", "identity")]
        for row in sorted(ours, key=lambda r: str(r["recipe"])):
            table.add_row(*_cells(row["recipe"], row, nothing, row["selected"]))
        table.add_section()
    chosen_row = next((r for r in rows if r["selected"]), None)
    if chosen_row is not None and chosen_row["balance_weight"]:
        table.add_row(*_cells(chosen_row["config_id"], chosen_row, nothing, True))
    return table


def _cells(name: str, row: dict[str, Any], nothing: dict[str, Any] | None, chosen: bool) -> list[str]:
    return [
        f"[bold]{name} *[/bold]" if chosen else name,
        _number(row["uniformity"]),
        _number(row["modality_ratio"], 2),
        "|".join(_number(row[f"modality_ratio_{side}_queries"], 2) for side in ("text", "image")),
        _with_interval(row, "coherence", "coherence", nothing),
        _with_interval(row, "cross_modal_r_precision", "cross_modal", nothing),
    ]


def _with_interval(row: dict[str, Any], figure: str, prefix: str, nothing: dict[str, Any] | None) -> str:
    value, low, high = row[figure], row[f"{prefix}_low"], row[f"{prefix}_high"]
    if value is None:
        return "–"
    interval = f" [dim]\\[{_short(low)},{_short(high)}][/dim]" if low is not None else ""
    base = nothing[figure] if nothing is not None else None
    style = "" if base is None else "red" if value < base else "green" if value > base else ""
    return f"[{style}]{value:.3f}[/{style}]{interval}" if style else f"{value:.3f}{interval}"


def _caption(rows: list[dict[str, Any]]) -> str:
    nothing = next((r for r in rows if r["space"] == "annotation"), None)
    if nothing is None or nothing["coherence"] is None:
        return "There are too few held-out matches to measure anything."
    chosen = next((r["config_id"] for r in rows if r["selected"]), "identity")
    return (
        f"{nothing['items']} items of matches that nothing was trained on, with 95 % intervals over matches. "
        f"Chance: coherence {nothing['coherence_chance']:.3f}, "
        f"cross-modal {nothing['cross_modal_chance']:.3f}. "
        "unif.: uniformity. T/I: texts by images retrieved, then for text and for image queries. "
        "RP: R-precision of finding the other modality. Green is above doing nothing, red below. "
        "The last rows, from smoothing on, have seen the vectors of these items, never their matches. "
        f"Chosen on validation matches (*): {chosen}."
    )


def _short(value: float) -> str:
    return f"{value:.2f}".removeprefix("0")


def _number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
