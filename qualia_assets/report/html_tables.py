"""The paper's Tables 1 to 3 for one user, and those of our recipes, as the HTML report shows them.

Belongs here: captions, and cells as text and SVG. Which configuration is in which table: ``paper_tables``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from qualia_assets.lake.snapshot import Snapshot
from qualia_assets.report import svg
from qualia_assets.report.numbers import MISSING, interval, number, ratio, signed
from qualia_assets.report.paper_tables import KINDS, Configuration, Estimate, PaperTables, paper_tables
from qualia_assets.report.sections import NO_MATCHES, NOTHING, EmptySection, MetricIndex


@dataclass(frozen=True)
class Cell:
    """An estimate as text: its interval, its difference to doing nothing, and its whiskers as SVG."""

    value: str
    interval: str = ""
    difference: str = ""
    chart: Markup | None = None


@dataclass(frozen=True)
class TableRow:
    """One configuration. ``marks``: doing nothing, selected. ``idea``: what a recipe of ours does."""

    name: str
    marks: tuple[str, ...]
    idea: str
    uniformity: str
    ratio: str
    ratio_by_query: str
    coherence: Cell
    cross_modal: Cell


@dataclass(frozen=True)
class Table:
    """One table. ``folded``: rows that are shown on demand."""

    name: str
    caption: str
    rows: tuple[TableRow, ...]
    chance: TableRow
    folded: tuple[TableRow, ...] = ()


def tables(snapshot: Snapshot) -> tuple[Table, ...]:
    """All tables, doing nothing among the rows of each."""
    found = paper_tables(snapshot.rows("test_figures"))
    if found.baseline is None:
        raise EmptySection(NO_MATCHES)
    return tuple(_Builder(found, found.baseline, _chance(snapshot, found.baseline)).tables())


_LAYERED = {"linear": "Table 2: one layer", "mlp": "Table 3: two layers"}
_RECIPES = {
    "inductive": (
        "Our recipes, for new items",
        "They never saw the items they are tested on, and work the same for items that come later.",
    ),
    "transductive": (
        "Our recipes, for existing items",
        "They saw the vectors of the test items, never their matches. Not comparable with the others: a "
        "match is made of neighbours, and smoothing brings neighbours together.",
    ),
}


@dataclass(frozen=True)
class _Builder:
    found: PaperTables
    nothing: Configuration
    chance: TableRow

    def tables(self) -> Iterator[Table]:
        yield self._first()
        for arch, name in _LAYERED.items():
            yield self._layered(arch, name)
        for kind in KINDS:
            if self.found.recipes[kind]:
                yield self._recipes(kind)

    def _first(self) -> Table:
        selected = self.found.selected
        adapter = [] if selected is None or selected.is_identity else [self._row(selected.name, selected)]
        raw = [self._row("raw items", self.found.raw)] if self.found.raw else []
        caption = (
            "Doing nothing keeps the embeddings of the annotations unchanged. Above it: the raw items, "
            "embedded without annotations"
            + ("; below it: what was selected on validation matches." if adapter else ".")
        )
        rows = (*raw, self._baseline(), *adapter)
        return Table("Table 1: without an adapter", caption, rows, self.chance)

    def _layered(self, arch: str, name: str) -> Table:
        grid = self.found.grid[arch]
        shown = [c for c in grid if not c.row["balance_weight"] or c.selected]
        caption = "The paper's adapter at each temperature of InfoNCE, on matches that it was not trained on."
        if not grid:
            caption += " None was trained: that takes at least two training matches."
        folded = tuple(self._row(_grid_name(c), c) for c in grid if c not in shown)
        return self._table(name, caption, [self._row(_grid_name(c), c) for c in shown], folded)

    def _recipes(self, kind: str) -> Table:
        from qualia_assets.method.recipes import OWN

        rows = []
        for c in self.found.recipes[kind]:
            recipe = c.row["recipe"]
            rows.append(self._row(recipe, c, OWN[recipe].idea if recipe in OWN else ""))
        return self._table(*_RECIPES[kind], rows)

    def _table(
        self, name: str, caption: str, rows: Sequence[TableRow], folded: tuple[TableRow, ...] = ()
    ) -> Table:
        return Table(name, caption, (self._baseline(), *rows), self.chance, folded)

    def _baseline(self) -> TableRow:
        selected = self.found.selected is not None and self.found.selected.is_identity
        return self._row(NOTHING, self.nothing, marks=(NOTHING, *(("selected",) if selected else ())))

    def _row(
        self, name: str, c: Configuration, idea: str = "", marks: tuple[str, ...] | None = None
    ) -> TableRow:
        if marks is None:
            marks = ("selected",) if c.selected else ()
        return TableRow(
            name,
            marks,
            idea,
            number(c.uniformity),
            ratio(c.ratio),
            " | ".join(ratio(value) for value in c.ratio_by_query),
            self._cell(c, c.coherence, self.nothing.coherence),
            self._cell(c, c.cross_modal, self.nothing.cross_modal),
        )

    def _cell(self, c: Configuration, estimate: Estimate, nothing: Estimate) -> Cell:
        if estimate.value is None:
            return Cell(MISSING)
        compared = c is not self.nothing and nothing.value is not None
        return Cell(
            number(estimate.value),
            interval(estimate.low, estimate.high, 2),
            signed(estimate.value - (nothing.value or 0.0)) if compared else "",
            svg.whisker(estimate.value, estimate.interval, nothing.chance, nothing.value),
        )


def _grid_name(c: Configuration) -> str:
    words = [f"temperature {c.row['temperature']:g}"]
    if c.row["balance_weight"]:
        words.append(f"{c.row['balance_term']} × {c.row['balance_weight']:g}")
    return ", ".join(words + ([f"seed {c.row['seed']}"] if c.row["seed"] else []))


def _chance(snapshot: Snapshot, nothing: Configuration) -> TableRow:
    """What guessing would reach; the ratios are those of the gallery."""
    index = snapshot.once(MetricIndex)
    found = [index.row("annotation", "modality_ratio", query) for query in ("all", "text", "image")]
    overall, posts, pins = (ratio(row["chance"] if row else None) for row in found)
    return TableRow(
        "chance", (), "", MISSING, overall, f"{posts} | {pins}",
        Cell(number(nothing.coherence.chance)), Cell(number(nothing.cross_modal.chance)),
    )  # fmt: skip
