"""The metrics reported for one space, by name: the rows of the metrics table.

The formulas are in ``metrics``. A metric that is undefined for the items has no value, and a note says why.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from qualia_assets.method import metrics
from qualia_assets.method.calibration import IMAGE, Calibration
from qualia_assets.method.intervals import Doubles, interval
from qualia_assets.method.metrics import Points, Retrieved, Statistic
from qualia_assets.method.neighbours import Floats
from qualia_assets.method.retrieval import retrieve_calibrated

TEXT = "text"


@dataclass(frozen=True)
class Protocol:
    """How metrics are computed: neighbours, resamples, balanced galleries, and the seed of both draws."""

    k: int = 10
    bootstrap_draws: int = 1000
    balanced_draws: int = 20
    seed: int = 0


@dataclass(frozen=True)
class MetricValue:
    """One metric. ``n`` is the number of queries (or pairs, or items) that it is computed from."""

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


def evaluate(points: Points, protocol: Protocol, calibration: Calibration | None = None) -> list[MetricValue]:
    """Compute every metric of one space and split, on the full and on the balanced gallery.

    Args:
        points: the items.
        protocol: how metrics are computed.
        calibration: fitted on other items; retrieval under it is evaluated too, as ``parity_coherence``,
            ``parity_modality_ratio``, ``parity_modality_bias`` and ``parity_same_modality_share``.

    Raises:
        ValueError: a value is not finite, as the vectors are not.
    """
    values = [*retrieval_metrics(points, protocol), *geometry_metrics(points, protocol)]
    if calibration is not None:
        values += parity_metrics(points, protocol, calibration)
    for one in values:
        if one.value is not None and not math.isfinite(one.value):
            raise ValueError(f"{one.metric} came out as {one.value}; its inputs are not finite")
    return values


def retrieval_metrics(points: Points, protocol: Protocol) -> list[MetricValue]:
    """Compute coherence, modality mixing and cross-modal R-precision, on both galleries."""
    values: list[MetricValue] = []
    for calibrated in (False, True):
        hits = metrics.retrieve(points, protocol.k, calibrated)
        values += _retrieval_values(
            _Sums.of(points, [(points, hits)], not calibrated), "full", calibrated, protocol
        )
        if not calibrated:
            values += list(_occurrence_values(points, hits, protocol))
    rng = np.random.default_rng(protocol.seed)
    samples = [points.subset(metrics.balanced_subset(points, rng)) for _ in range(protocol.balanced_draws)]
    if len(points.modalities) < 2 or not any(len(s) > 1 for s in samples):
        return values
    for calibrated in (False, True):
        drawn = [(s, metrics.retrieve(s, protocol.k, calibrated)) for s in samples]
        values += _retrieval_values(_Sums.of(points, drawn, not calibrated), "balanced", calibrated, protocol)
    return values


def parity_metrics(points: Points, protocol: Protocol, calibration: Calibration) -> list[MetricValue]:
    """Compute coherence and modality mixing on both galleries, under a calibration fitted on other items."""
    rng = np.random.default_rng(protocol.seed)
    samples = [points.subset(metrics.balanced_subset(points, rng)) for _ in range(protocol.balanced_draws)]
    galleries = {"full": [points]}
    if len(points.modalities) > 1 and any(len(sample) > 1 for sample in samples):
        galleries["balanced"] = samples
    values: list[MetricValue] = []
    for gallery, parts in galleries.items():
        hits = [(part, retrieve_calibrated(part, protocol.k, calibration)) for part in parts]
        values += _retrieval_values(_Sums.of(points, hits, cross_modal=False), gallery, True, protocol)
    return [replace(f, metric=f"parity_{f.metric}") for f in values]


def selection_metrics(points: Points, protocol: Protocol) -> tuple[float | None, float | None, float | None]:
    """Compute what adapters are selected by: coherence, |modality bias| and cross-modal R-precision (all).

    On the full gallery and uncalibrated; None for a metric that is undefined for the points.
    """
    sums = _Sums.of(points, [(points, metrics.retrieve(points, protocol.k))], cross_modal=True)
    quick = replace(protocol, bootstrap_draws=0)
    values = {(f.metric, f.query_modality): f.value for f in _retrieval_values(sums, "full", False, quick)}
    bias = values.get(("modality_bias", "all"))
    return (
        values.get(("coherence", "all")),
        abs(bias) if bias is not None else None,
        values.get(("cross_modal_r_precision", "all")),
    )


def geometry_metrics(points: Points, protocol: Protocol) -> list[MetricValue]:
    """Compute uniformity, alignment and the modality probe, none of which uses neighbours."""
    base = MetricValue("uniformity", "full", "all", None, False, None)
    values = []
    for name, part in [("all", points)] + [
        (m, points.subset(points.modality == m)) for m in points.modalities
    ]:
        row = replace(base, query_modality=name, n=len(part) * (len(part) - 1) // 2)
        if len(part) < 2:
            values.append(replace(row, note="needs two items"))
        else:
            values.append(_with_value(row, metrics.uniformity(part), len(part.matches), protocol))
    pair = {TEXT, IMAGE} <= set(points.modalities)
    aligned = replace(base, metric="alignment", query_modality=f"{TEXT}>{IMAGE}")
    if pair:
        pairs = int(points.counts(TEXT) @ points.counts(IMAGE))
        statistic = metrics.alignment(points, TEXT, IMAGE)
        values.append(
            _with_value(replace(aligned, n=pairs), statistic, len(points.matches), protocol)
            if pairs
            else replace(aligned, note="no match has both modalities")
        )
    else:
        values.append(replace(aligned, note="needs both modalities"))
    probe = metrics.modality_auc(points, TEXT, IMAGE, protocol.seed) if pair else None
    auc = replace(base, metric="modality_auc", chance=0.5, n=len(points))
    if probe is None:
        values.append(replace(auc, note="needs five items of either modality"))
    else:
        statistic, std = probe
        values.append(replace(_with_value(auc, statistic, len(points.matches), protocol), std=std))
    return values


def recall_metrics(pictures: Floats, captions: Floats, protocol: Protocol) -> list[MetricValue]:
    """Compute R@1, 5 and 10 from pins to their captions and back.

    Args:
        pictures: shape (n, d), unit.
        captions: shape (n, d), unit; row i is the caption of picture i.
        protocol: how intervals are computed.
    """
    n = len(pictures)
    values = []
    for direction, queries, gallery in (
        (f"{IMAGE}>{TEXT}", pictures, captions),
        (f"{TEXT}>{IMAGE}", captions, pictures),
    ):
        hits = metrics.recall_at(queries, gallery, (1, 5, 10)) if n >= 2 else {}
        for k in (1, 5, 10):
            row = MetricValue(
                "recall", "full", direction, k, False, None, n=n, chance=min(k / n, 1) if n else None
            )
            if n < 2:
                values.append(replace(row, note="needs two pins with a caption"))
                continue
            hit = hits[k].astype(np.float64)
            values.append(_with_value(row, metrics.ratio_of_sums(hit, np.ones(n)), n, protocol))
    return values


@dataclass(frozen=True)
class _Sums:
    """Sums over matches, averaged over galleries drawn from one set of points.

    Keys are query modalities and ``all``; every array has one entry per match.
    """

    points: Points
    size: dict[str, float]
    coherence: dict[str, Doubles]
    retrieved: dict[str, dict[str, Doubles]]
    cross_modal: dict[str, Doubles]
    coherence_chance: float | None
    cross_modal_chance: dict[str, float]

    @classmethod
    def of(
        cls, points: Points, drawn: Sequence[tuple[Points, Retrieved]], cross_modal: bool = True
    ) -> "_Sums":
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
        k = int(max((hits.count.max() for _, hits in usable), default=0))
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
                            spread(p, p.per_match(h.by_modality.get(m, np.zeros(len(p))) * _query_mask(p, g)))
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
        cross_modal_values: dict[str, Doubles] = {}
        cross_modal_chance: dict[str, float] = {}
        for a in points.modalities:
            for b in points.modalities:
                if a != b and cross_modal and usable:
                    key = f"{a}>{b}"
                    cross_modal_values[key] = mean(
                        [spread(p, metrics.cross_modal_r_precision_per_match(p, a, b)) for p, _ in usable]
                    )
                    cross_modal_chance[key] = float(
                        np.mean([_cross_modal_chance(p, a, b) for p, _ in usable])
                    )
        return cls(
            points=points,
            size={
                g: float(np.mean([_query_mask(p, g).sum() for p, _ in usable])) if usable else 0.0
                for g in groups
            },
            coherence=coherence,
            retrieved=retrieved,
            cross_modal=cross_modal_values,
            coherence_chance=float(np.mean([_coherence_chance(p) for p, _ in usable])) if usable else None,
            cross_modal_chance=cross_modal_chance,
        )


def _retrieval_values(sums: _Sums, gallery: str, calibrated: bool, protocol: Protocol) -> list[MetricValue]:
    points = sums.points
    matches = len(points.matches)
    base = MetricValue("", gallery, "all", protocol.k, calibrated, None)
    values: list[MetricValue] = []
    note = None if matches >= 2 else "needs two matches"
    for group in sums.coherence:
        n = round(sums.size[group])
        row = replace(
            base, metric="coherence", query_modality=group, n=n, chance=sums.coherence_chance, note=note
        )
        values.append(row if note else _over_matches(row, sums.coherence[group], protocol))
    values += _mixing_values(sums, base, protocol)
    if not calibrated:
        # Within the gallery of one modality, calibration shifts all similarities of a query equally.
        cross_modal = replace(base, metric="cross_modal_r_precision", k=None)
        both: list[Doubles] = []
        for direction, per_match in sums.cross_modal.items():
            n = round(sums.size[direction.split(">")[0]])
            row = replace(
                cross_modal,
                query_modality=direction,
                n=n,
                chance=sums.cross_modal_chance[direction],
                note=note,
            )
            values.append(row if note else _over_matches(row, per_match, protocol))
            both.append(per_match)
        chance = float(np.mean(list(sums.cross_modal_chance.values()))) if both else None
        everything = replace(cross_modal, n=round(sums.size["all"]), chance=chance, note=note)
        if both and not note:
            values.append(_over_matches(everything, np.mean(np.stack(both), axis=0), protocol))
        else:
            values.append(replace(everything, note=note or "needs both modalities"))
    return values


def _mixing_values(sums: _Sums, base: MetricValue, protocol: Protocol) -> Iterator[MetricValue]:
    """Yield modality_ratio, modality_bias and same_modality_share: how texts and images mix in the top k."""
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
            yield _with_value(ratio, metrics.ratio_of_sums(texts, images), matches, protocol)
        else:
            yield replace(ratio, note="no image was retrieved")
        bias = replace(base, metric="modality_bias", query_modality=group, n=n, chance=0.0)
        yield _with_value(bias, _bias(texts, images, parity), matches, protocol)
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
    for group, part, retrieved_all, expected in shares:
        row = replace(
            base,
            metric="same_modality_share",
            query_modality=group,
            n=round(sums.size[group]),
            chance=expected,
        )
        if retrieved_all.sum() > 0:
            yield _with_value(row, metrics.ratio_of_sums(part, retrieved_all), matches, protocol)
        else:
            yield replace(row, note="nothing was retrieved")


def _ratio(available: dict[str, float], group: str) -> float | None:
    """Return texts by images among what a query can retrieve, itself excluded: the ratio by chance."""
    texts = available[TEXT] - (group == TEXT)
    images = available[IMAGE] - (group == IMAGE)
    return texts / images if images > 0 else None


def _bias(texts: Doubles, images: Doubles, parity: float) -> Statistic:
    return lambda w: np.log((w @ texts + 0.5) / (w @ images + 0.5)) - math.log(parity)


def _occurrence_values(points: Points, hits: Retrieved, protocol: Protocol) -> Iterator[MetricValue]:
    for group in ["all", *points.modalities]:
        occurrences = hits.occurrences[_query_mask(points, group) > 0]
        stats = metrics.occurrence_stats(occurrences)
        base = MetricValue("", "full", group, protocol.k, False, None, n=len(occurrences))
        for name in ("skewness", "gini", "never"):
            row = replace(base, metric=f"occurrence_{name}")
            yield (
                replace(row, value=getattr(stats, name))
                if stats
                else replace(row, note="nothing was retrieved")
            )


def _over_matches(row: MetricValue, values: Doubles, protocol: Protocol) -> MetricValue:
    """Fill in the mean over matches, the standard deviation over them, and the interval."""
    present = values[np.isfinite(values)]
    if not len(present):
        return replace(row, note="no match has both sides")
    filled = _with_value(row, metrics.mean_over_matches(present), len(present), protocol)
    return replace(filled, std=float(present.std()))


def _with_value(row: MetricValue, statistic: Statistic, units: int, protocol: Protocol) -> MetricValue:
    value = float(statistic(np.ones((1, units)))[0])
    low, high = (
        interval(statistic, units, protocol.bootstrap_draws, protocol.seed)
        if protocol.bootstrap_draws
        else (None, None)
    )
    return replace(row, value=value, ci_low=low, ci_high=high)


def _query_mask(points: Points, group: str) -> Doubles:
    return np.ones(len(points)) if group == "all" else (points.modality == group).astype(np.float64)


def _coherence_chance(points: Points) -> float:
    return float(np.mean((points.counts() - 1) / max(len(points) - 1, 1)))


def _cross_modal_chance(points: Points, query: str, gallery: str) -> float:
    has_query, relevant = points.counts(query) > 0, points.counts(gallery)
    usable = has_query & (relevant > 0)
    return float(np.mean(relevant[usable] / relevant.sum())) if usable.any() else 0.0
