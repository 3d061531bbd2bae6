"""The paper's Tables 1 to 3 for one user, and our recipes in the same columns; doing nothing in each.

Belongs here: which configuration stands in which table, and what its cells say.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from qualia_assets.lake.snapshot import Snapshot
from qualia_assets.report import charts
from qualia_assets.report.sections import (
    HEADLINE,
    KINDS,
    NO_MATCHES,
    NOTHING,
    Empty,
    Measured,
    Row,
    number,
    ratio,
    signed,
    span,
)


@dataclass(frozen=True)
class Estimate:
    """A figure in a table: as text, its interval as text, how far from doing nothing, and drawn."""

    value: str
    interval: str = ""
    difference: str = ""
    drawn: Markup | None = None


@dataclass(frozen=True)
class TableRow:
    """One configuration. ``marks``: doing nothing, selected. ``told``: a recipe of ours in a line."""

    name: str
    marks: tuple[str, ...]
    told: str
    uniformity: str
    ratio: str
    ratio_by: str
    coherence: Estimate
    crossing: Estimate


@dataclass(frozen=True)
class Table:
    """One of the paper's tables. ``more``: rows that are folded away."""

    name: str
    caption: str
    rows: tuple[TableRow, ...]
    chance: TableRow
    more: tuple[TableRow, ...] = ()


def tables(snapshot: Snapshot) -> tuple[Table, ...]:
    rows = snapshot.rows("test_figures")
    nothing = next((r for r in rows if r["space"] == "annotation"), None)
    if nothing is None or nothing["coherence"] is None:
        raise Empty(NO_MATCHES)
    chosen = next((r for r in rows if r["selected"]), None)
    identity = chosen is not None and chosen["arch"] == "identity"
    done = _row(NOTHING, nothing, nothing, (NOTHING, *(("selected",) if identity else ())))
    raw = next((r for r in rows if r["space"] == "raw"), None)
    selected = (
        [] if chosen is None or identity else [_row(chosen["config_id"], chosen, nothing, ("selected",))]
    )
    chance = _chance(snapshot, nothing)
    first = Table(
        "Table 1: without an adapter",
        "Doing nothing leaves the embeddings of the annotations as they are. Above it the items embedded as "
        "they are, without annotations"
        + ("; below it what was selected on validation matches." if selected else "."),
        tuple([*([_row("items as they are", raw, nothing)] if raw else []), done, *selected]),
        chance,
    )
    layered = [
        _layered(rows, arch, name, done, nothing, chance)
        for arch, name in (("linear", "Table 2: one layer"), ("mlp", "Table 3: two layers"))
    ]
    return (first, *layered, *_own(rows, done, nothing, chance))


def _layered(rows: list[Row], arch: str, name: str, done: TableRow, nothing: Row, chance: TableRow) -> Table:
    mine = sorted(
        (r for r in rows if (r["recipe"], r["arch"]) == ("paper", arch)),
        key=lambda r: (r["temperature"], r["balance_weight"], r["balance_term"] or "", r["seed"]),
    )
    plain = [r for r in mine if not r["balance_weight"] or r["selected"]]
    folded = [r for r in mine if r not in plain]
    told = "The paper's adapter at each temperature of InfoNCE, on matches that it was not trained on."
    return Table(
        name,
        told if mine else f"{told} None was trained: that takes two matches to train on.",
        (done, *(_row(_paper_name(r), r, nothing) for r in plain)),
        chance,
        tuple(_row(_paper_name(r), r, nothing) for r in folded),
    )


def _paper_name(row: Row) -> str:
    parts = [f"temperature {row['temperature']:g}"]
    if row["balance_weight"]:
        parts.append(f"{row['balance_term']} × {row['balance_weight']:g}")
    return ", ".join(parts + ([f"seed {row['seed']}"] if row["seed"] else []))


def _own(rows: list[Row], done: TableRow, nothing: Row, chance: TableRow) -> Iterator[Table]:
    from qualia_assets.method.recipes import OWN

    kinds = {
        "inductive": (
            "Our recipes, for new items",
            "They never saw the items they are judged on, and do the same for an item that comes tomorrow.",
        ),
        "transductive": (
            "Our recipes, for items that are there",
            "They saw the vectors of these items, never their matches. Not to be compared with the others: a "
            "match is made of neighbours, and smoothing brings neighbours together.",
        ),
    }
    for kind, (name, told) in kinds.items():
        mine = [r for r in rows if r["kind"] == kind and r["recipe"] not in ("paper", "identity")]
        if mine:
            ideas = {r["recipe"]: OWN[r["recipe"]].idea if r["recipe"] in OWN else "" for r in mine}
            ordered = sorted(mine, key=lambda r: str(r["recipe"]))
            yield Table(
                name, told,
                (done, *(_row(r["recipe"], r, nothing, told=ideas[r["recipe"]]) for r in ordered)), chance,
            )  # fmt: skip


def _row(name: str, row: Row, nothing: Row, marks: tuple[str, ...] = (), told: str = "") -> TableRow:
    return TableRow(
        name,
        marks or (("selected",) if row["selected"] else ()),
        told,
        number(row["uniformity"]),
        ratio(row["modality_ratio"]),
        " | ".join(ratio(row[f"modality_ratio_{side}_queries"]) for side in KINDS),
        _estimate(row, nothing, "coherence", "coherence"),
        _estimate(row, nothing, HEADLINE, "cross_modal"),
    )


def _estimate(row: Row, nothing: Row, figure: str, prefix: str) -> Estimate:
    value, low, high = row[figure], row[f"{prefix}_low"], row[f"{prefix}_high"]
    if value is None:
        return Estimate("–")
    base = nothing[figure]
    interval = (low, high) if low is not None and high is not None else None
    return Estimate(
        number(value),
        span(low, high, 2),
        signed(value - base) if row is not nothing and base is not None else "",
        charts.whisker(value, interval, nothing[f"{prefix}_chance"], base),
    )


def _chance(snapshot: Snapshot, nothing: Row) -> TableRow:
    """What guessing would give: of ratios what is there to be found."""
    measured = snapshot.once(Measured)
    ratios = [measured.of("annotation", "modality_ratio", query) for query in ("all", "text", "image")]
    whole, posts, pins = (ratio(row["chance"] if row else None) for row in ratios)
    return TableRow(
        "by chance", (), "", "–", whole, f"{posts} | {pins}",
        Estimate(number(nothing["coherence_chance"])), Estimate(number(nothing["cross_modal_chance"])),
    )  # fmt: skip
