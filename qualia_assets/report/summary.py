"""A user's results in sentences that claim no more than the metrics support.

Belongs here: which sentence is shown, decided by the metrics alone. Sentences give intervals and chance
levels, and say so where the selected adapter does not beat doing nothing.
"""

from collections import Counter
from collections.abc import Iterator
from typing import TypeGuard

from qualia_assets.lake.snapshot import Snapshot
from qualia_assets.report.figure_data import MODALITIES
from qualia_assets.report.numbers import MISSING, interval, number, percent, plural, ratio, signed
from qualia_assets.report.sections import (
    HEADLINE,
    NO_MATCHES,
    NOTHING,
    MetricIndex,
    Row,
    column_of,
    interval_of,
    rows_of,
    without_key,
)

FEW_MATCHES = 10
"""With fewer held-out matches the summary says that they are few."""


def summary(snapshot: Snapshot, with_names: bool) -> tuple[str, ...]:
    """The summary's paragraphs."""
    index = snapshot.once(MetricIndex)
    held_out = sum(row["split"] == "test" for row in rows_of(snapshot, "cluster_matches") if row["accepted"])
    paragraphs = [_counts(snapshot, with_names, held_out)]
    coherence = index.row("annotation", "coherence")
    if coherence and coherence["value"] is not None:
        paragraphs += [_nothing(index), _adapter(index, held_out), _experiment(snapshot), _mixing(index)]
    else:
        paragraphs.append(iter([NO_MATCHES if snapshot.has("metrics") else "Nothing was measured yet."]))
    # A number and its percent sign stay on one line.
    return tuple(text.replace(" %", "\u00a0%") for part in paragraphs if (text := " ".join(part)))


def _counts(snapshot: Snapshot, with_names: bool, held_out: int) -> Iterator[str]:
    if not snapshot.has("artefacts"):
        yield from (without_key(snapshot, line, with_names) for line in snapshot.why_not("artefacts"))
        return
    items = Counter(column_of(snapshot, "artefacts", "modality"))
    yield f"{plural(items['text'], 'post')} and {plural(items['image'], 'pin')}."
    if not snapshot.has("cluster_matches", "clusters"):
        return
    clusters = {(r["modality"], r["cluster"]) for r in rows_of(snapshot, "clusters") if r["cluster"] >= 0}
    number_of = Counter(modality for modality, _ in clusters)
    yield f"They form {plural(number_of['text'], 'cluster')} of posts and {number_of['image']} of pins."
    splits = Counter(row["split"] for row in rows_of(snapshot, "cluster_matches") if row["accepted"])
    used = sum(splits.values())
    yield (
        f"{plural(used, 'match', 'matches')} of a cluster of posts with one of pins "
        f"{'is' if used == 1 else 'are'} close enough to be used: {splits['train']} for training, "
        f"{splits['val']} for validation, {splits['test']} held out."
    )
    coherence = snapshot.once(MetricIndex).row("annotation", "coherence")
    if held_out and coherence:
        yield (
            f"All results below are on the {plural(held_out, 'held-out match', 'held-out matches')} "
            f"({plural(coherence['n'], 'item')}), with 95 % intervals over matches."
        )
        if held_out < FEW_MATCHES:
            yield "That is few: the intervals are wide, and another split could give another result."


def _nothing(index: MetricIndex) -> Iterator[str]:
    coherence, cross_modal = (index.row("annotation", metric) for metric in ("coherence", HEADLINE))
    if coherence:
        yield (
            f"With the embeddings unchanged, {percent(coherence['value'])} of an item's {index.k} nearest "
            f"neighbours belong to its own match ({_uncertainty(coherence)})."
        )
    if cross_modal and cross_modal["value"] is not None:
        yield (
            "In a search for the other kind alone, pins for a post and posts for a pin, "
            f"{percent(cross_modal['value'])} of what belongs to the match is ranked first "
            f"({_uncertainty(cross_modal)})."
        )


def _uncertainty(row: Row) -> str:
    ends = interval_of(row)
    known = f"95 % interval {percent(ends[0])} to {percent(ends[1])}; " if ends else ""
    return f"{known}chance {percent(row['chance'])}"


def _adapter(index: MetricIndex, held_out: int) -> Iterator[str]:
    """Whether the selected adapter does better than doing nothing on matches it was not selected on."""
    adapter = index.adapter
    if adapter is None:
        if index.selected is not None:
            yield (
                "Doing nothing was selected: on the validation matches no adapter did better."
                if index.trained
                else "Doing nothing was selected: there were too few matches to train an adapter."
            )
        return
    ours, nothing = index.row("adapted", HEADLINE, config=adapter), index.row("annotation", HEADLINE)
    yield verdict(adapter, ours, nothing, held_out)
    yield from _coherence(
        index.row("adapted", "coherence", config=adapter), index.row("annotation", "coherence")
    )
    if index.selected and index.selected["kind"] == "transductive":
        yield (
            f"`{adapter}` saw the vectors of the items it is tested on, though never their matches. It "
            "cannot be compared with recipes for new items: a match is made of neighbours, and it brings "
            "neighbours together."
        )


def verdict(adapter: str, ours: Row | None, nothing: Row | None, held_out: int) -> str:
    """One sentence on cross-modal R-precision: not above doing nothing, above but uncertain, or above.

    Args:
        adapter: the selected one.
        ours: its row of ``metrics``, None where there is none.
        nothing: that of doing nothing.
        held_out: the number of matches behind both.
    """
    begins = f"`{adapter}` was selected on validation matches. On the held-out ones"
    if not _measured(ours) or not _measured(nothing):
        note = next((row["note"] for row in (ours, nothing) if row and row["note"]), "it has no value")
        return f"{begins} it could not be compared with doing nothing: {note}."
    value, base = number(ours["value"]), number(nothing["value"])
    if ours["value"] <= nothing["value"]:
        return (
            f"{begins} it does not beat doing nothing: its cross-modal R-precision is {value}, that of doing "
            f"nothing {base}."
        )
    both = (
        f"its cross-modal R-precision is {value} ({_interval(ours)}), that of doing nothing {base} "
        f"({_interval(nothing)})"
    )
    if _apart(ours, nothing):
        return f"{begins} {both}. The intervals do not overlap."
    return (
        f"{begins} {both}. It is higher, but the intervals overlap: "
        f"from {plural(held_out, 'match', 'matches')} one cannot conclude that it beats doing nothing."
    )


def _measured(row: Row | None) -> TypeGuard[Row]:
    return row is not None and row["value"] is not None


def _interval(row: Row) -> str:
    return interval(row["ci_low"], row["ci_high"])


def _coherence(ours: Row | None, nothing: Row | None) -> Iterator[str]:
    if not _measured(ours) or not _measured(nothing):
        return
    above = ours["value"] > nothing["value"]
    unsure = above and not _apart(ours, nothing)
    yield (
        f"Its coherence is {number(ours['value'])} ({_interval(ours)}), {'above' if above else 'not above'} "
        f"the {number(nothing['value'])} of doing nothing{', but the intervals overlap' if unsure else ''}."
    )


def _apart(ours: Row, nothing: Row) -> bool:
    """Whether our interval lies above that of doing nothing."""
    return None not in (ours["ci_low"], nothing["ci_high"]) and ours["ci_low"] > nothing["ci_high"]


_CANDIDATES = {
    "selected:paper": "the paper's adapters",
    "selected:inductive": "all recipes for new items",
    "selected:transductive": "recipes that saw the items",
}


def _experiment(snapshot: Snapshot) -> Iterator[str]:
    """The same over many splits, where the user ran the experiment."""
    rows = [
        row
        for row in rows_of(snapshot, "experiment_results")
        if (row["labels"], row["metric"], row["gallery"], row["query_modality"], row["calibrated"])
        == ("matches", HEADLINE, "full", "all", False)
        and row["config_id"] in _CANDIDATES
    ]
    if not rows:
        return
    yield "One split is one random draw. Over several, what validation selects differs from doing nothing by"
    differences = []
    for row in rows:
        low, high = row["difference_low"], row["difference_high"]
        ends = "" if low is None or high is None else f" (95 %: {signed(low)} to {signed(high)})"
        differences.append(
            f"{signed(row['difference'])}{ends} among {_CANDIDATES[row['config_id']]}, above 0 on "
            f"{row['wins']} of {row['splits']}"
        )
    yield "; ".join(differences) + "."


def _mixing(index: MetricIndex) -> Iterator[str]:
    for name, place in ((NOTHING.capitalize(), 1), (index.adapter and f"`{index.adapter}`", 2)):
        rows = [index.by_space("modality_ratio", query)[place] for query in ("all", "text", "image")]
        if name and all(_measured(row) for row in rows):
            overall, posts, pins = (ratio(row["value"]) for row in rows if row)
            chance = ratio(rows[0]["chance"]) if rows[0] else MISSING
            yield (
                f"{name} retrieves posts {overall} times as often as pins (chance {chance}): {posts} times "
                f"for post queries, {pins} times for pin queries."
            )


def caveats(snapshot: Snapshot) -> Iterator[str]:
    """The stages' own notes on how far the clusters can be trusted."""
    for row in rows_of(snapshot, "cluster_quality"):
        if row["note"]:
            subject = MODALITIES.get(row["modality"], "matches").capitalize()
            yield f"{subject}: {row['note']}."
