"""What a user's figures come to, in sentences that claim no more than the figures bear out.

Belongs here: which sentence stands where, decided by the figures alone. A sentence names intervals and chance
levels, and says so where the selected adapter does not beat doing nothing.
"""

from collections import Counter
from collections.abc import Iterator

from qualia_assets.views.app.snapshot import Snapshot
from qualia_assets.views.report.parts import (
    HEADLINE,
    KINDS,
    NO_MATCHES,
    NOTHING,
    Measured,
    Row,
    column_of,
    many,
    number,
    rows_of,
    signed,
    span,
    without_key,
)

FEW_MATCHES = 10
"""Held-out matches below which the summary says that they are few."""


def summary(snapshot: Snapshot, named: bool) -> Iterator[str]:
    """What the tables and figures come to, in words that claim no more than they bear out."""
    measured = snapshot.once(Measured)
    held_out = _held_out(snapshot)
    yield from _counted(snapshot, named, held_out)
    nothing = measured.of("annotation", "coherence")
    crossing = measured.of("annotation", HEADLINE)
    if nothing is None or nothing["value"] is None:
        yield NO_MATCHES if snapshot.has("metrics") else "Nothing was measured yet."
        return
    yield (
        f"With nothing done to the embeddings, {_share(nothing)} of the {measured.k} items nearest to one "
        f"are of its own match ({_within(nothing)})."
    )
    if crossing and crossing["value"] is not None:
        yield (
            f"Asked for the other kind alone, pins for a post and posts for a pin, {_share(crossing)} of "
            f"what should come first does ({_within(crossing)})."
        )
    yield from _verdict(measured, held_out)
    yield from _experiment(snapshot)
    yield from _mixing(measured)


def _counted(snapshot: Snapshot, named: bool, held_out: int) -> Iterator[str]:
    if not snapshot.has("artefacts"):
        yield " ".join(without_key(snapshot, line, named) for line in snapshot.why_not("artefacts"))
        return
    kinds = Counter(column_of(snapshot, "artefacts", "modality"))
    yield f"{many(kinds['text'], 'post')} and {many(kinds['image'], 'pin')}."
    if not snapshot.has("cluster_matches", "clusters"):
        return
    matches = rows_of(snapshot, "cluster_matches")
    splits = Counter(row["split"] for row in matches if row["accepted"])
    found = {
        m: len(
            {r["cluster"] for r in rows_of(snapshot, "clusters") if r["modality"] == m and r["cluster"] >= 0}
        )
        for m in KINDS
    }
    yield (
        f"They form {many(found['text'], 'cluster')} of posts and {found['image']} of pins. "
        f"{many(sum(splits.values()), 'match', 'matches')} of a cluster of posts with one of pins "
        f"{'is' if sum(splits.values()) == 1 else 'are'} close enough to be used: {splits['train']} to train "
        f"on, {splits['val']} to choose by, {splits['test']} held out."
    )
    if 0 < held_out < FEW_MATCHES:
        yield (
            f"All figures below are of the {many(held_out, 'held-out match', 'held-out matches')}, with 95 % "
            "intervals over them. That is few: the intervals are wide, and another split could say otherwise."
        )
    elif held_out:
        yield f"All figures below are of the {held_out} held-out matches, with 95 % intervals over them."


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
    ours, theirs = (
        measured.of(s, "coherence", config=c) for s, c in (("adapted", chosen), ("annotation", None))
    )
    if ours and theirs and ours["value"] is not None and theirs["value"] is not None:
        side = "above" if ours["value"] > theirs["value"] else "not above"
        yield (
            f"Its coherence is {number(ours['value'])} ({span(ours['ci_low'], ours['ci_high'])}), {side} the "
            f"{number(theirs['value'])} of doing nothing."
        )
    if measured.selected and measured.selected["kind"] == "transductive":
        yield (
            f"{chosen} has seen the vectors of the items that it is judged on, though never their matches. "
            "It cannot be compared with recipes for new items: a match is made of neighbours, and it brings "
            "neighbours together."
        )


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
    known = None not in (ours["ci_low"], nothing["ci_high"])
    if known and ours["ci_low"] > nothing["ci_high"]:
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
    for row in rows_of(snapshot, "experiment_results"):
        asked = (row["labels"], row["metric"], row["gallery"], row["query_modality"], row["calibrated"])
        among = _PICKED.get(row["config_id"])
        if asked == ("matches", HEADLINE, "full", "all", False) and among:
            yield (
                f"On {many(row['splits'], 'split')} of the matches, what validation chose among {among} "
                f"differs from doing nothing by {signed(row['difference'])}"
                + _in_brackets(row["difference_low"], row["difference_high"])
                + f"; it is above it on {row['wins']}."
            )


def _in_brackets(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" (95 %: {signed(low)} to {signed(high)})"


def _mixing(measured: Measured) -> Iterator[str]:
    for name, place in ((NOTHING, 1), (measured.chosen, 2)):
        found = [measured.in_each("modality_ratio", query)[place] for query in ("all", "text", "image")]
        if name and all(row and row["value"] is not None for row in found):
            whole, posts, pins = (number(row["value"], 2) for row in found if row)
            chance = number(found[0]["chance"], 2) if found[0] else "–"
            yield (
                f"A search over both finds {whole} posts for each pin with {name}: {posts} where posts ask, "
                f"{pins} where pins ask; {chance} are there."
            )


def caveats(snapshot: Snapshot) -> Iterator[str]:
    """What the stages themselves said of how far the clusters can be trusted."""
    for row in rows_of(snapshot, "cluster_quality"):
        if row["note"]:
            whose = KINDS.get(row["modality"], "matches")
            yield f"Of {whose}: {row['note']}."


def _share(row: Row) -> str:
    return f"a share of {number(row['value'])}"


def _within(row: Row) -> str:
    interval = span(row["ci_low"], row["ci_high"])
    return f"{f'95 %: {interval}; ' if interval else ''}by chance {number(row['chance'])}"


def _held_out(snapshot: Snapshot) -> int:
    return sum(row["split"] == "test" for row in rows_of(snapshot, "cluster_matches") if row["accepted"])
