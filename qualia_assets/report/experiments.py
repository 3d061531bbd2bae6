"""The report of experiments: one Markdown page about several users, and its pictures beside it.

Belongs here: layout. Nothing is measured here, and no sentence claims more than the tables do. Aggregates
only: no titles, no names of items or clusters.
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from qualia_assets.lake.store import Lake, replacing
from qualia_assets.report.figure_data import MODALITIES
from qualia_assets.report.numbers import MISSING, brackets, is_missing, plain
from qualia_assets.report.paper_tables import LAYERS, Configuration, Estimate, paper_tables
from qualia_assets.report.sections import HEADLINE

if TYPE_CHECKING:
    import pandas as pd

PICTURES = {
    "pareto": "Coherence against balance on validation matches, every configuration",
    "ratio_by_temperature": "Texts by images retrieved at each temperature",
    "query_histograms": "How near queries are to what they find",
    "gap": "The modality gap",
}


def experiment_table(results: "pd.DataFrame", user: str) -> Table:
    """For a terminal: the headline metric of every configuration over many splits, by label source."""
    table = Table(
        title=f"Experiment on {user!r}: cross-modal R-precision over splits of the matches",
        title_justify="left",
        box=SIMPLE_HEAD,
        header_style="bold",
        padding=(0, 1, 0, 0),
        caption="Difference to doing nothing on the same splits, with a 95 % interval. Recipes marked † "
        "saw the vectors of the items they are tested on, never their matches.",
        caption_justify="left",
    )
    for name in ("labels", "config", "mean", "difference", "wins"):
        table.add_column(name, justify="left" if name in ("labels", "config") else "right", no_wrap=True)
    for labels in ("matches", "view"):
        rows = _rows(results, labels)
        for row in rows:
            style = "green" if row["difference"] > 0 else "red" if row["difference"] < 0 else ""
            difference = _difference(row)
            table.add_row(
                labels,
                row["config_id"] + (" †" if row["kind"] == "transductive" else ""),
                f"{row['mean']:.3f}",
                f"[{style}]{difference}[/{style}]" if style else difference,
                f"{row['wins']} of {row['splits']}",
            )
        table.add_section()
    return table


def _rows(results: "pd.DataFrame", labels: str) -> list[dict[str, Any]]:
    """The headline by configuration: doing nothing, the paper's, our inductive, our transductive recipes."""
    mine = results[
        (results["labels"] == labels)
        & (results["metric"] == HEADLINE)
        & (results["gallery"] == "full")
        & (results["query_modality"] == "all")
    ]
    return sorted(_records(mine), key=_group)


def _records(rows: "pd.DataFrame") -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def _group(row: dict[str, Any]) -> tuple[int, str]:
    config = str(row["config_id"])
    if config == "identity":
        return 0, config
    if config.startswith(("linear-", "mlp-", "selected:paper")):
        return 1, config
    return (2 if row["kind"] == "inductive" else 3), config


def _difference(row: dict[str, Any]) -> str:
    if row["config_id"] == "identity":
        return ""
    return f"{row['difference']:+.3f}{brackets(row['difference_low'], row['difference_high'], '+.3f')}"


def report(lake: Lake, users: Sequence[str], threshold: float, out: Path) -> None:
    """Write the report, and the pictures it shows into the folder ``results`` beside it.

    Args:
        lake: holds ``experiment_results`` and the tables of ``qualia run``.
        users: one section each.
        threshold: the similarity from which matches are accepted, stated in the report.
        out: the Markdown file, replaced atomically, as is each picture.
    """
    # Not named like the report: whoever renames one of the two would break the links.
    pictures = out.parent / "results"
    pictures.mkdir(parents=True, exist_ok=True)
    lines = [_heading(users, threshold)]
    for user in users:
        lines += _section(lake, user, threshold, pictures, out)
    with replacing(out) as temporary:
        temporary.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


_HEADING = """# Results

Made by `qualia experiment {users} --out FILE`, with the local providers. Every table has a row for
doing nothing (*identity*). Matches are accepted from a centroid cosine of {threshold:g}; complete matches are
held out, and nothing is fitted on what it is tested on.

- *x* is `cross_modal_r_precision`, the headline metric; *c* is coherence@10 of a search that is calibrated
  with offsets from training and validation items; *T/I* is the ratio of texts to images that such a search
  retrieves from the balanced gallery, for text and for image queries: 1 is parity.
- The difference to doing nothing is paired by split. Its 95 % interval is the corrected resampled t (Nadeau
  & Bengio 2003), since splits of the same matches overlap.
- *Inductive* recipes never saw the items they are tested on, and work the same for items that come later.
  *Transductive* ones saw all vectors and no label. The two are not comparable: a match is made of neighbours,
  and smoothing brings neighbours together.
- `selected:...` is what validation selected on each split, with doing nothing among the candidates.

The recipes:

{recipes}
"""


def _heading(users: Sequence[str], threshold: float) -> str:
    from qualia_assets.method.recipes import OWN

    ours = [f"- `{name}` ({own.recipe.kind}): {own.idea}" for name, own in OWN.items()]
    return _HEADING.format(
        users=" ".join(f"--user {user}" for user in users),
        threshold=threshold,
        recipes="\n".join(
            [
                "- `linear-t0.1-b0.3ratio-s0`: the paper's, by layers, temperature, balance and seed",
                *ours,
            ]
        ),
    )


def _section(lake: Lake, user: str, threshold: float, pictures: Path, out: Path) -> Iterator[str]:
    results = lake.read("experiment_results", user).to_pandas()
    trials = lake.read("experiment_trials", user).to_pandas()
    yield f"## {user}"
    yield ""
    yield from _collection(lake, user)
    yield from _paper(lake, user, threshold)
    yield f"### Many splits, labels from the pipeline's matches (threshold {threshold:g})"
    yield ""
    yield from _splits(results, trials, "matches")
    yield f"### Many splits, labels from another view (threshold {threshold:g})"
    yield ""
    yield "Clusters and matches come from the words alone (TF-IDF, SVD), computed for every split, so that no"
    yield "embedder's neighbours make the labels; adapters are trained and tested on the embeddings."
    yield ""
    yield from _splits(results, trials, "view")
    yield from _people(results)
    yield from _agreement(lake, user)
    yield from _quality(lake, user)
    yield from _pictures(lake, user, pictures, out)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(header) + " |"
    yield "|" + "|".join(" --- " if i == 0 else " ---: " for i in range(len(header))) + "|"
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def _collection(lake: Lake, user: str) -> Iterator[str]:
    clusters = lake.read("clusters", user).to_pandas()
    matches = lake.read("cluster_matches", user).to_pandas()
    counts = []
    for modality, name in (("text", "texts"), ("image", "pictures")):
        mine = clusters[clusters["modality"] == modality]
        number = mine.loc[mine["cluster"] >= 0, "cluster"].nunique()
        counts.append(f"{len(mine):,} {name} in {number} clusters ({(mine['cluster'] < 0).mean():.0%} noise)")
    yield f"{counts[0]}, {counts[1]}; {int(matches['accepted'].sum())} of {len(matches)} pairs accepted."
    yield ""


def _paper(lake: Lake, user: str, threshold: float) -> Iterator[str]:
    yield f"### The paper's Tables 1 to 3: one split, no calibration (threshold {threshold:g})"
    yield ""
    tables = paper_tables(lake.read("test_figures", user).to_pylist())
    base = tables.baseline
    if base is None:
        yield "There are too few held-out matches to measure anything."
        yield ""
        return
    rows = [_paper_row("without adapter", base)]
    for arch, layers in LAYERS.items():
        for c in tables.unbalanced(arch):
            if c.row["seed"] == 0 and c.coherence.value is not None:
                name = f"{layers} layer{'s' if layers > 1 else ''}, {c.row['temperature']:g}"
                rows.append(_paper_row(name, c))
    yield from _table(("", "uniformity", "T/I (text / image queries)", "coherence@10 ± std", "x"), rows)
    yield (
        f"{base.row['items']} items; chance: coherence {plain(base.coherence.chance)}, "
        f"x {plain(base.cross_modal.chance)}."
    )
    yield ""


def _paper_row(name: str, c: Configuration) -> list[str]:
    def cell(estimate: Estimate, std: str = "") -> str:
        return f"{plain(estimate.value)}{std}{brackets(estimate.low, estimate.high, '.2f')}"

    return [
        name,
        plain(c.uniformity),
        f"{plain(c.ratio, 2)} ({' / '.join(plain(value, 2) for value in c.ratio_by_query)})",
        cell(c.coherence, f" ± {plain(c.row['coherence_std'])}"),
        cell(c.cross_modal),
    ]


def _splits(results: "pd.DataFrame", trials: "pd.DataFrame", labels: str) -> Iterator[str]:
    rows = _rows(results, labels)
    if not rows:
        yield "There are too few matches to split."
        yield ""
        return
    coherent = _by_config(results, labels, "parity_coherence")
    ratio = trials[
        (trials["labels"] == labels)
        & (trials["metric"] == "parity_modality_ratio")
        & (trials["gallery"] == "balanced")
    ]
    parity = ratio.groupby(["config_id", "query_modality"])["value"].mean()
    kinds = (
        ("Doing nothing, and the paper's", (0, 1)),
        ("Ours, inductive", (0, 2)),
        ("Ours, transductive", (0, 3)),
    )
    for title, places in kinds:
        mine = [row for row in rows if _group(row)[0] in places]
        yield f"**{title}**"
        yield ""
        cells = []
        for row in mine:
            config = row["config_id"]
            c = coherent.get(config)
            name = f"**{config}**" if config.startswith("selected") else config
            cells.append(
                [
                    name,
                    f"{row['mean']:.3f} ± {row['std']:.3f}",
                    _difference(row),
                    "" if config == "identity" else f"{row['wins']} of {row['splits']}",
                    plain(c["mean"]) if c else MISSING,
                    _difference(c) if c else "",
                    " / ".join(plain(parity.get((config, modality)), 2) for modality in MODALITIES),
                ]
            )
        yield from _table(("", "x", "over doing nothing", "wins", "c", "over doing nothing", "T/I"), cells)
    if not is_missing(rows[0]["chance"]):
        chance, splits = plain(rows[0]["chance"]), rows[0]["splits"]
        yield f"{splits} splits. Chance of x: {chance}; of c: {_chance(coherent)}."
        yield ""


def _chance(rows: dict[str, dict[str, Any]]) -> str:
    return plain(rows["identity"]["chance"]) if "identity" in rows else MISSING


def _by_config(
    results: "pd.DataFrame", labels: str, metric: str, query_modality: str = "all"
) -> dict[str, dict[str, Any]]:
    mine = results[
        (results["labels"] == labels)
        & (results["metric"] == metric)
        & (results["gallery"] == "full")
        & (results["query_modality"] == query_modality)
    ]
    return {str(row["config_id"]): row for row in _records(mine)}


def _people(results: "pd.DataFrame") -> Iterator[str]:
    sources = [label for label in ("people:text", "people:image") if (results["labels"] == label).any()]
    yield "### Labels by people: coherence@10 of collections, within one modality"
    yield ""
    if not sources:
        yield "The items have no collections, or too few."
        yield ""
        return
    uncalibrated = results[~results["calibrated"]]
    found = {label: _by_config(uncalibrated, label, "coherence") for label in sources}
    configs = sorted(
        {row["config_id"]: row for rows in found.values() for row in rows.values()}.values(), key=_group
    )
    cells = []
    for row in configs:
        config = row["config_id"]
        row_cells = []
        for label in sources:
            mine = found[label].get(config)
            row_cells += [plain(mine["mean"]), _difference(mine)] if mine else [MISSING, ""]
        cells.append([config, *row_cells])
    names = {"people:text": "publications", "people:image": "boards"}
    header = [cell for label in sources for cell in (names[label], "over doing nothing")]
    yield from _table(("", *header), cells)
    chances = ", ".join(f"{names[s]} {_chance(found[s])}" for s in sources)
    yield f"Whole collections are held out. Chance: {chances}."
    yield ""


def _agreement(lake: Lake, user: str) -> Iterator[str]:
    rows = lake.read("cluster_agreement", user).to_pandas()
    rows = rows[rows["value"].notna()]
    if rows.empty:
        return
    yield "### Clusters against what people called the items, before and after the selected adapter"
    yield ""
    wide = rows.pivot_table(index=["labels", "modality", "metric"], columns="space", values="value")
    cells = [
        [
            f"{labels}, {modality}: {metric.replace('_', ' ')}",
            *(plain(values.get(space), 3) for space in ("annotation", "adapted")),
        ]
        for (labels, modality, metric), values in wide.iterrows()
    ]
    yield from _table(("", "before", "after"), cells)
    yield "ARI and AMI are 0 by chance. Noise counts as one cluster more unless it is left out."
    yield ""


def _quality(lake: Lake, user: str) -> Iterator[str]:
    rows = lake.read("cluster_quality", user).to_pylist()
    yield "### Can the clusters be trusted"
    yield ""
    cells = [
        [f"{r['modality']}: {r['metric'].replace('_', ' ')}", plain(r["value"], 3), r["note"] or ""]
        for r in rows
    ]
    yield from _table(("", "", "note"), cells)


def _pictures(lake: Lake, user: str, pictures: Path, out: Path) -> Iterator[str]:
    drawn = {row["name"]: row for row in lake.read("figures", user).to_pylist()}
    for name, caption in PICTURES.items():
        if name in drawn:
            target = pictures / f"{user}-{name}.png"
            with replacing(target) as temporary:
                shutil.copyfile(lake.root / drawn[name]["path"], temporary)
            yield f"![{caption}]({target.relative_to(out.parent).as_posix()})"
            yield ""
