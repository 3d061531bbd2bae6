"""Which figures are taken of one space, under which names: the list that every table is made from.

The formulas are in ``metrics``. A figure that would mean nothing has no value and says why.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from qualia_assets.method import metrics
from qualia_assets.method.intervals import Doubles, interval
from qualia_assets.method.metrics import Points, Retrieved, Statistic
from qualia_assets.method.neighbours import Floats
from qualia_assets.method.retrieval import Calibration, retrieve_calibrated

TEXT, IMAGE = "text", "image"


@dataclass(frozen=True)
class Protocol:
    """How figures are taken."""

    k: int = 10
    bootstrap_draws: int = 1000
    balanced_draws: int = 20
    seed: int = 0


@dataclass(frozen=True)
class Figure:
    """One figure. ``n`` is how many queries (or pairs, or items) stand behind it."""

    metric: str
    gallery: str
    query_modality: str
    k: int | None
    calibrated: bool
    value: float | None
    std: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    n: int = 0
    chance: float | None = None
    note: str | None = None


def score(points: Points, protocol: Protocol, calibration: Calibration | None = None) -> list[Figure]:
    """Every figure of one space and split, on the full and on the balanced gallery.

    ``calibration``: one fitted on other items; what is retrieved under it is judged too, as
    ``parity_coherence``, ``parity_modality_ratio``, ``parity_modality_bias`` and
    ``parity_same_modality_share``.
    """
    figures = [*retrieval_figures(points, protocol), *geometry_figures(points, protocol)]
    if calibration is not None:
        figures += parity_figures(points, protocol, calibration)
    for figure in figures:
        if figure.value is not None and not math.isfinite(figure.value):
            raise ValueError(f"{figure.metric} came out as {figure.value}; its inputs are not finite")
    return figures


def retrieval_figures(points: Points, protocol: Protocol) -> list[Figure]:
    """Coherence, mixing of modalities and cross-modal precision, on either gallery."""
    figures: list[Figure] = []
    for calibrated in (False, True):
        hits = metrics.retrieve(points, protocol.k, calibrated)
        figures += _figures_of(
            _Sums.of(points, [(points, hits)], not calibrated), "full", calibrated, protocol
        )
        if not calibrated:
            figures += list(_occurrence_figures(points, hits, protocol))
    rng = np.random.default_rng(protocol.seed)
    samples = [points.subset(metrics.balanced_subset(points, rng)) for _ in range(protocol.balanced_draws)]
    if len(points.modalities) < 2 or not any(len(s) > 1 for s in samples):
        return figures
    for calibrated in (False, True):
        drawn = [(s, metrics.retrieve(s, protocol.k, calibrated)) for s in samples]
        figures += _figures_of(_Sums.of(points, drawn, not calibrated), "balanced", calibrated, protocol)
    return figures


def parity_figures(points: Points, protocol: Protocol, calibration: Calibration) -> list[Figure]:
    """Coherence and mixing, on either gallery, with offsets that were fitted on other items."""
    rng = np.random.default_rng(protocol.seed)
    samples = [points.subset(metrics.balanced_subset(points, rng)) for _ in range(protocol.balanced_draws)]
    galleries = {"full": [points]}
    if len(points.modalities) > 1 and any(len(sample) > 1 for sample in samples):
        galleries["balanced"] = samples
    taken = []
    for gallery, parts in galleries.items():
        hits = [(part, retrieve_calibrated(part, protocol.k, calibration)) for part in parts]
        taken += _figures_of(_Sums.of(points, hits, crossing=False), gallery, True, protocol)
    return [replace(f, metric=f"parity_{f.metric}") for f in taken]


def headline(points: Points, protocol: Protocol) -> tuple[float | None, float | None, float | None]:
    """What an adapter is chosen by: coherence, |modality bias| and cross-modal R-precision (all).

    On the full gallery and uncalibrated; None for what cannot be said of these points.
    """
    sums = _Sums.of(points, [(points, metrics.retrieve(points, protocol.k))], crossing=True)
    quick = replace(protocol, bootstrap_draws=0)
    values = {(f.metric, f.query_modality): f.value for f in _figures_of(sums, "full", False, quick)}
    bias = values.get(("modality_bias", "all"))
    return (
        values.get(("coherence", "all")),
        abs(bias) if bias is not None else None,
        values.get(("cross_modal_r_precision", "all")),
    )


def geometry_figures(points: Points, protocol: Protocol) -> list[Figure]:
    """Uniformity, alignment and the modality probe; none of them looks at neighbours."""
    base = Figure("uniformity", "full", "all", None, False, None)
    figures = []
    for name, part in [("all", points)] + [
        (m, points.subset(points.modality == m)) for m in points.modalities
    ]:
        figure = replace(base, query_modality=name, n=len(part) * (len(part) - 1) // 2)
        if len(part) < 2:
            figures.append(replace(figure, note="needs two items"))
        else:
            figures.append(_valued(figure, metrics.uniformity(part), len(part.matches), protocol))
    pair = {TEXT, IMAGE} <= set(points.modalities)
    aligned = replace(base, metric="alignment", query_modality=f"{TEXT}>{IMAGE}")
    if pair:
        pairs = int(points.counts(TEXT) @ points.counts(IMAGE))
        statistic = metrics.alignment(points, TEXT, IMAGE)
        figures.append(
            _valued(replace(aligned, n=pairs), statistic, len(points.matches), protocol)
            if pairs
            else replace(aligned, note="no match has both modalities")
        )
    else:
        figures.append(replace(aligned, note="needs both modalities"))
    probe = metrics.modality_auc(points, TEXT, IMAGE, protocol.seed) if pair else None
    auc = replace(base, metric="modality_auc", chance=0.5, n=len(points))
    if probe is None:
        figures.append(replace(auc, note="needs five items of either modality"))
    else:
        statistic, std = probe
        figures.append(replace(_valued(auc, statistic, len(points.matches), protocol), std=std))
    return figures


def recall_figures(pictures: Floats, captions: Floats, protocol: Protocol) -> list[Figure]:
    """Pins to their own caption and back, R@1, 5 and 10; row i of either belongs together."""
    n = len(pictures)
    figures = []
    for direction, queries, gallery in (
        (f"{IMAGE}>{TEXT}", pictures, captions),
        (f"{TEXT}>{IMAGE}", captions, pictures),
    ):
        hits = metrics.recall_at(queries, gallery, (1, 5, 10)) if n >= 2 else {}
        for k in (1, 5, 10):
            figure = Figure(
                "recall", "full", direction, k, False, None, n=n, chance=min(k / n, 1) if n else None
            )
            if n < 2:
                figures.append(replace(figure, note="needs two pins with a caption"))
                continue
            hit = hits[k].astype(np.float64)
            figures.append(_valued(figure, metrics.ratio_of_sums(hit, np.ones(n)), n, protocol))
    return figures


@dataclass(frozen=True)
class _Sums:
    """Sums over matches, averaged over galleries drawn from one set of points.

    Keys are query modalities, ``all`` among them; every array has one entry for each match.
    """

    points: Points
    size: dict[str, float]
    coherence: dict[str, Doubles]
    retrieved: dict[str, dict[str, Doubles]]
    crossing: dict[str, Doubles]
    coherence_chance: float | None
    crossing_chance: dict[str, float]

    @classmethod
    def of(cls, points: Points, drawn: Sequence[tuple[Points, Retrieved]], crossing: bool = True) -> "_Sums":
        groups = ["all", *points.modalities]
        place = {int(match): i for i, match in enumerate(points.matches)}

        def spread(part: Points, values: Doubles) -> Doubles:
            out = np.full(len(points.matches), np.nan)
            out[[place[int(m)] for m in part.matches]] = values
            return out

        def mean(arrays: list[Doubles]) -> Doubles:
            stacked = np.stack(arrays)
            present = np.isfinite(stacked).sum(axis=0)
            total = np.nansum(stacked, axis=0)
            return np.where(present > 0, total / np.maximum(present, 1), np.nan)

        usable = [(part, hits) for part, hits in drawn if len(part) > 1]
        k = int(max((hits.found.max() for _, hits in usable), default=0))
        coherence = {
            g: mean(
                [
                    spread(p, metrics.coherence_per_match(p, h, None if g == "all" else g, k))
                    for p, h in usable
                ]
            )
            if usable
            else np.full(len(points.matches), np.nan)
            for g in groups
        }
        retrieved = {
            g: {
                m: np.nan_to_num(
                    mean(
                        [
                            spread(p, p.per_match(h.by_modality.get(m, np.zeros(len(p))) * _asked(p, g)))
                            for p, h in usable
                        ]
                    )
                )
                if usable
                else np.zeros(len(points.matches))
                for m in points.modalities
            }
            for g in groups
        }
        crossing_values: dict[str, Doubles] = {}
        crossing_chance: dict[str, float] = {}
        for a in points.modalities:
            for b in points.modalities:
                if a != b and crossing and usable:
                    key = f"{a}>{b}"
                    crossing_values[key] = mean(
                        [spread(p, metrics.cross_modal_r_precision_per_match(p, a, b)) for p, _ in usable]
                    )
                    crossing_chance[key] = float(np.mean([_crossing_chance(p, a, b) for p, _ in usable]))
        return cls(
            points=points,
            size={
                g: float(np.mean([_asked(p, g).sum() for p, _ in usable])) if usable else 0.0 for g in groups
            },
            coherence=coherence,
            retrieved=retrieved,
            crossing=crossing_values,
            coherence_chance=float(np.mean([_coherence_chance(p) for p, _ in usable])) if usable else None,
            crossing_chance=crossing_chance,
        )


def _figures_of(sums: _Sums, gallery: str, calibrated: bool, protocol: Protocol) -> list[Figure]:
    points = sums.points
    matches = len(points.matches)
    base = Figure("", gallery, "all", protocol.k, calibrated, None)
    figures: list[Figure] = []
    note = None if matches >= 2 else "needs two matches"
    for group in sums.coherence:
        n = round(sums.size[group])
        figure = replace(
            base, metric="coherence", query_modality=group, n=n, chance=sums.coherence_chance, note=note
        )
        figures.append(figure if note else _over_matches(figure, sums.coherence[group], protocol))
    figures += _mixing_figures(sums, base, protocol)
    if not calibrated:
        # Within one modality's gallery calibration moves every similarity of a query by the same amount.
        crossing = replace(base, metric="cross_modal_r_precision", k=None)
        both: list[Doubles] = []
        for direction, values in sums.crossing.items():
            n = round(sums.size[direction.split(">")[0]])
            figure = replace(
                crossing, query_modality=direction, n=n, chance=sums.crossing_chance[direction], note=note
            )
            figures.append(figure if note else _over_matches(figure, values, protocol))
            both.append(values)
        chance = float(np.mean(list(sums.crossing_chance.values()))) if both else None
        everything = replace(crossing, n=round(sums.size["all"]), chance=chance, note=note)
        if both and not note:
            figures.append(_over_matches(everything, np.mean(np.stack(both), axis=0), protocol))
        else:
            figures.append(replace(everything, note=note or "needs both modalities"))
    return figures


def _mixing_figures(sums: _Sums, base: Figure, protocol: Protocol) -> Iterator[Figure]:
    """modality_ratio, modality_bias and same_modality_share: how texts and images mix in the top k."""
    points, matches = sums.points, len(sums.points.matches)
    if not {TEXT, IMAGE} <= set(points.modalities):
        for metric in ("modality_ratio", "modality_bias", "same_modality_share"):
            yield replace(base, metric=metric, note="needs both modalities")
        return
    available = {m: sums.size[m] for m in (TEXT, IMAGE)}
    parity = available[TEXT] / available[IMAGE] if available[IMAGE] else math.nan
    for group, retrieved in sums.retrieved.items():
        texts, images = retrieved[TEXT], retrieved[IMAGE]
        n = round(sums.size[group])
        ratio = replace(
            base, metric="modality_ratio", query_modality=group, n=n, chance=_ratio(available, group)
        )
        if images.sum() > 0:
            yield _valued(ratio, metrics.ratio_of_sums(texts, images), matches, protocol)
        else:
            yield replace(ratio, note="no image was retrieved")
        bias = replace(base, metric="modality_bias", query_modality=group, n=n, chance=0.0)
        yield _valued(bias, _bias(texts, images, parity), matches, protocol)
    own = sums.retrieved[TEXT][TEXT] + sums.retrieved[IMAGE][IMAGE]
    total = sum((v for m in (TEXT, IMAGE) for v in sums.retrieved[m].values()), start=np.zeros(matches))
    everyone = sum(available.values())
    chance = sum(available[m] * (available[m] - 1) for m in available) / (everyone * max(everyone - 1, 1))
    shares = [("all", own, total, chance)] + [
        (
            m,
            sums.retrieved[m][m],
            sum(sums.retrieved[m].values(), start=np.zeros(matches)),
            (available[m] - 1) / max(everyone - 1, 1),
        )
        for m in (TEXT, IMAGE)
    ]
    for group, part, whole, expected in shares:
        figure = replace(
            base,
            metric="same_modality_share",
            query_modality=group,
            n=round(sums.size[group]),
            chance=expected,
        )
        if whole.sum() > 0:
            yield _valued(figure, metrics.ratio_of_sums(part, whole), matches, protocol)
        else:
            yield replace(figure, note="nothing was retrieved")


def _ratio(available: dict[str, float], group: str) -> float | None:
    """Texts by images in what a query can find, itself left out: what guessing would give."""
    texts = available[TEXT] - (group == TEXT)
    images = available[IMAGE] - (group == IMAGE)
    return texts / images if images > 0 else None


def _bias(texts: Doubles, images: Doubles, parity: float) -> Statistic:
    return lambda w: np.log((w @ texts + 0.5) / (w @ images + 0.5)) - math.log(parity)


def _occurrence_figures(points: Points, hits: Retrieved, protocol: Protocol) -> Iterator[Figure]:
    for group in ["all", *points.modalities]:
        times = hits.times_found[_asked(points, group) > 0]
        shape = metrics.occurrence(times)
        base = Figure("", "full", group, protocol.k, False, None, n=len(times))
        for name in ("skewness", "gini", "never"):
            figure = replace(base, metric=f"occurrence_{name}")
            yield (
                replace(figure, value=getattr(shape, name))
                if shape
                else replace(figure, note="nothing was retrieved")
            )


def _over_matches(figure: Figure, values: Doubles, protocol: Protocol) -> Figure:
    """Fill in the mean over matches, its standard deviation over them, and its interval."""
    present = values[np.isfinite(values)]
    if not len(present):
        return replace(figure, note="no match has both sides")
    filled = _valued(figure, metrics.mean_over_matches(present), len(present), protocol)
    return replace(filled, std=float(present.std()))


def _valued(figure: Figure, statistic: Statistic, units: int, protocol: Protocol) -> Figure:
    value = float(statistic(np.ones((1, units)))[0])
    low, high = (
        interval(statistic, units, protocol.bootstrap_draws, protocol.seed)
        if protocol.bootstrap_draws
        else (None, None)
    )
    return replace(figure, value=value, ci_low=low, ci_high=high)


def _asked(points: Points, group: str) -> Doubles:
    return np.ones(len(points)) if group == "all" else (points.modality == group).astype(np.float64)


def _coherence_chance(points: Points) -> float:
    return float(np.mean((points.counts() - 1) / max(len(points) - 1, 1)))


def _crossing_chance(points: Points, query: str, gallery: str) -> float:
    asked, wanted = points.counts(query) > 0, points.counts(gallery)
    usable = asked & (wanted > 0)
    return float(np.mean(wanted[usable] / wanted.sum())) if usable.any() else 0.0
