"""What a user's figures come to, in sentences that claim no more than the figures bear out.

Belongs here: which sentence stands where, decided by the figures alone. A sentence names intervals and chance
levels, and says so where the selected adapter does not beat doing nothing.
"""

from collections import Counter
from collections.abc import Iterator

from qualia_assets.lake.snapshot import Snapshot
from qualia_assets.report.sections import (
    HEADLINE,
    KINDS,
    NO_MATCHES,
    NOTHING,
    Measured,
    Row,
    column_of,
    many,
    number,
    ratio,
    rows_of,
    signed,
    span,
    without_key,
)

FEW_MATCHES = 10
"""Held-out matches below which the summary says that they are few."""


def summary(snapshot: Snapshot, named: bool) -> tuple[str, ...]:
    """What the tables and figures come to, in paragraphs that claim no more than they bear out."""
    measured = snapshot.once(Measured)
    held_out = _held_out(snapshot)
    parts = [_counted(snapshot, named, held_out)]
    coherence = measured.of("annotation", "coherence")
    if coherence and coherence["value"] is not None:
        parts += [_nothing(measured), _verdict(measured, held_out), _experiment(snapshot), _mixing(measured)]
    else:
        parts.append(iter([NO_MATCHES if snapshot.has("metrics") else "Nothing was measured yet."]))
    # A number and its sign stay on one line.
    return tuple(said.replace(" %", "\u00a0%") for part in parts if (said := " ".join(part)))


def _counted(snapshot: Snapshot, named: bool, held_out: int) -> Iterator[str]:
    if not snapshot.has("artefacts"):
        yield from (without_key(snapshot, line, named) for line in snapshot.why_not("artefacts"))
        return
    kinds = Counter(column_of(snapshot, "artefacts", "modality"))
    yield f"{many(kinds['text'], 'post')} and {many(kinds['image'], 'pin')}."
    if not snapshot.has("cluster_matches", "clusters"):
        return
    clusters = {(r["modality"], r["cluster"]) for r in rows_of(snapshot, "clusters") if r["cluster"] >= 0}
    found = Counter(modality for modality, _ in clusters)
    yield f"They form {many(found['text'], 'cluster')} of posts and {found['image']} of pins."
    splits = Counter(row["split"] for row in rows_of(snapshot, "cluster_matches") if row["accepted"])
    used = sum(splits.values())
    yield (
        f"{many(used, 'match', 'matches')} of a cluster of posts with one of pins "
        f"{'is' if used == 1 else 'are'} close enough to be used: {splits['train']} to train on, "
        f"{splits['val']} to choose by, {splits['test']} held out."
    )
    coherence = snapshot.once(Measured).of("annotation", "coherence")
    if held_out and coherence:
        items = f" ({many(coherence['n'], 'item')})"
        yield (
            f"All figures below are of the {many(held_out, 'held-out match', 'held-out matches')}{items}, "
            "with 95 % intervals over them."
        )
        if held_out < FEW_MATCHES:
            yield "That is few: the intervals are wide, and another split could say otherwise."


def _nothing(measured: Measured) -> Iterator[str]:
    coherence, crossing = (measured.of("annotation", metric) for metric in ("coherence", HEADLINE))
    if coherence:
        yield (
            f"With nothing done to the embeddings, {_percent(coherence['value'])} of the {measured.k} items "
            f"nearest to one are of its own match ({_within(coherence)})."
        )
    if crossing and crossing["value"] is not None:
        yield (
            "Asked for the other kind alone, pins for a post and posts for a pin, it puts "
            f"{_percent(crossing['value'])} of what belongs to the match in front ({_within(crossing)})."
        )


def _verdict(measured: Measured, held_out: int) -> Iterator[str]:
    """Whether the selected adapter does better than doing nothing, where it was not chosen by."""
    chosen = measured.chosen
    if chosen is None:
        if measured.selected is not None:
            yield (
                "Doing nothing is what was selected: on the validation matches no adapter did better."
                if measured.trained
                else "Doing nothing is what was selected: there were too few matches to train an adapter."
            )
        return
    yield verdict(
        chosen,
        measured.of("adapted", HEADLINE, config=chosen),
        measured.of("annotation", HEADLINE),
        held_out,
    )
    yield from _coherence(
        measured.of("adapted", "coherence", config=chosen), measured.of("annotation", "coherence")
    )
    if measured.selected and measured.selected["kind"] == "transductive":
        yield (
            f"{chosen} has seen the vectors of the items that it is judged on, though never their matches. "
            "It cannot be compared with recipes for new items: a match is made of neighbours, and it brings "
            "neighbours together."
        )


def _coherence(ours: Row | None, nothing: Row | None) -> Iterator[str]:
    if not ours or not nothing or ours["value"] is None or nothing["value"] is None:
        return
    side = "above" if ours["value"] > nothing["value"] else "not above"
    unsure = side == "above" and not _apart(ours, nothing)
    yield (
        f"Its coherence is {number(ours['value'])} ({span(ours['ci_low'], ours['ci_high'])}), {side} the "
        f"{number(nothing['value'])} of doing nothing{', but the intervals overlap' if unsure else ''}."
    )


def _apart(ours: Row, nothing: Row) -> bool:
    """Whether ours is above doing nothing with its whole interval."""
    return None not in (ours["ci_low"], nothing["ci_high"]) and ours["ci_low"] > nothing["ci_high"]


def verdict(chosen: str, ours: Row | None, nothing: Row | None, held_out: int) -> str:
    """One sentence on cross-modal R-precision: below, above but not surely, or above.

    Args:
        chosen: the selected adapter.
        ours: its row of ``metrics``, None where there is none.
        nothing: that of doing nothing.
        held_out: matches behind both.
    """
    begins = f"On validation matches {chosen} was selected. On the held-out ones"
    if not ours or not nothing or ours["value"] is None or nothing["value"] is None:
        note = next((row["note"] for row in (ours, nothing) if row and row["note"]), "no figure")
        return f"{begins} it could not be held against doing nothing: {note}."
    here, there = number(ours["value"]), number(nothing["value"])
    if ours["value"] <= nothing["value"]:
        return (
            f"{begins} it does not beat doing nothing: its cross-modal R-precision is {here}, that of doing "
            f"nothing {there}."
        )
    both = (
        f"its cross-modal R-precision is {here} ({span(ours['ci_low'], ours['ci_high'])}), that of doing "
        f"nothing {there} ({span(nothing['ci_low'], nothing['ci_high'])})"
    )
    if _apart(ours, nothing):
        return f"{begins} {both}. The intervals do not touch."
    return (
        f"{begins} {both}. It is higher, but the intervals overlap: from "
        f"{many(held_out, 'match', 'matches')} it cannot be said that it beats doing nothing."
    )


_PICKED = {
    "selected:paper": "the paper's adapters",
    "selected:inductive": "all recipes for new items",
    "selected:transductive": "recipes that saw the items",
}


def _experiment(snapshot: Snapshot) -> Iterator[str]:
    """The same over many splits, where somebody asked for the experiment."""
    rows = [
        row
        for row in rows_of(snapshot, "experiment_results")
        if (row["labels"], row["metric"], row["gallery"], row["query_modality"], row["calibrated"])
        == ("matches", HEADLINE, "full", "all", False)
        and row["config_id"] in _PICKED
    ]
    if not rows:
        return
    yield "One split is one draw. Tried on several, what validation chose, less doing nothing:"
    said = []
    for row in rows:
        low, high = row["difference_low"], row["difference_high"]
        within = "" if low is None or high is None else f" (95 %: {signed(low)} to {signed(high)})"
        said.append(
            f"{signed(row['difference'])}{within} among {_PICKED[row['config_id']]}, above it on "
            f"{row['wins']} of {row['splits']}"
        )
    yield "; ".join(said) + "."


def _mixing(measured: Measured) -> Iterator[str]:
    for name, place in ((NOTHING.capitalize(), 1), (measured.chosen, 2)):
        found = [measured.in_each("modality_ratio", query)[place] for query in ("all", "text", "image")]
        if name and all(row and row["value"] is not None for row in found):
            whole, posts, pins = (ratio(row["value"]) for row in found if row)
            chance = ratio(found[0]["chance"]) if found[0] else "–"
            yield (
                f"{name} finds posts {whole} times as often as pins (by chance {chance}): "
                f"{posts} times where posts ask, {pins} times where pins ask."
            )


def caveats(snapshot: Snapshot) -> Iterator[str]:
    """What the stages themselves said of how far the clusters can be trusted."""
    for row in rows_of(snapshot, "cluster_quality"):
        if row["note"]:
            whose = KINDS.get(row["modality"], "matches")
            yield f"Of {whose}: {row['note']}."


def _percent(value: float) -> str:
    return f"{value:.0%}".replace("%", " %")


def _within(row: Row) -> str:
    known = row["ci_low"] is not None and row["ci_high"] is not None
    interval = f"95 % interval {_percent(row['ci_low'])} to {_percent(row['ci_high'])}; " if known else ""
    return f"{interval}by chance {_percent(row['chance'])}"


def _held_out(snapshot: Snapshot) -> int:
    return sum(row["split"] == "test" for row in rows_of(snapshot, "cluster_matches") if row["accepted"])
