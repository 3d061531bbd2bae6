"""The method as a competent but plain notebook has it: libraries as imported, pandas, loops over draws.

What it does is what ``qualia_assets.method`` does, figure by figure (``method_pipeline`` holds the two
against each other); how is left to the libraries: umap-learn finds its own neighbours and runs 500
epochs, hdbscan and AdamW have their defaults, neighbours are ranked by a full sort.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import hdbscan
import numpy as np
import pandas as pd
import torch
import umap
from scipy.stats import skew
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from torch.nn import functional as F

from benchmarks.planted import Floats, Ints

EPOCHS = 500
CSLS = 0.95
PAIR = ("text", "image")
KEY = ["metric", "gallery", "query_modality", "calibrated"]
Statistic = Callable[[np.ndarray], float]
"""A figure over matches drawn with replacement, given by their positions."""
Row = dict[str, object]


def project(vectors: Floats, dimensions: int, seed: int) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reducer = umap.UMAP(
            n_components=dimensions,
            n_neighbors=15,
            metric="cosine",
            min_dist=0.1 if dimensions == 2 else 0.0,
            n_epochs=EPOCHS,
            random_state=seed,
        )
        return np.asarray(reducer.fit_transform(vectors))


def cluster(projected: Floats, min_cluster_size: int, min_samples: int) -> Ints:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = hdbscan.HDBSCAN(min_cluster_size=min_cluster_size, min_samples=min_samples)
        return np.asarray(model.fit_predict(projected))


@dataclass(frozen=True)
class Training:
    """The numbers that both sides train with."""

    hidden: int
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float


def train(
    vectors: Floats, match: Ints, arch: str, temperature: float, seed: int, how: Training
) -> torch.nn.Module:
    torch.manual_seed(seed)
    d = vectors.shape[1]
    model: torch.nn.Module = (
        torch.nn.Linear(d, d)
        if arch == "linear"
        else torch.nn.Sequential(
            torch.nn.Linear(d, how.hidden), torch.nn.ReLU(), torch.nn.Linear(how.hidden, d)
        )
    )
    optimiser = torch.optim.AdamW(model.parameters(), lr=how.learning_rate, weight_decay=how.weight_decay)
    x, c = torch.from_numpy(vectors), torch.from_numpy(match)
    for _ in range(how.epochs):
        for batch in torch.randperm(len(x)).split(how.batch_size):
            z = F.normalize(model(x[batch]), dim=1)
            e = torch.exp(z @ z.T / temperature)
            same = c[batch][:, None] == c[batch][None, :]
            positive = (e * (same & ~torch.eye(len(batch), dtype=torch.bool))).sum(dim=1)
            negative = (e * ~same).sum(dim=1)
            ok = (positive > 0) & (negative > 0)
            loss = (torch.log(negative[ok]) - torch.log(positive[ok])).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return model


def adapt(model: torch.nn.Module, vectors: Floats) -> Floats:
    with torch.no_grad():
        return np.asarray(F.normalize(model(torch.from_numpy(vectors)), dim=1).numpy())


@dataclass(frozen=True)
class Judging:
    """The numbers that both sides measure with."""

    k: int
    draws: int
    balanced_draws: int
    seed: int


def headline(z: Floats, modality: np.ndarray, match: Ints, how: Judging) -> tuple[float, float, float]:
    """What an adapter is chosen by: coherence, |modality bias|, cross-modal R-precision."""
    hits, _ = retrieve(z, modality, match, how.k, calibrated=False)
    table = per_match(hits).xs("all", level="query_modality")
    parity = np.log((modality == "text").sum() / (modality == "image").sum())
    bias = np.log((table["text"].sum() + 0.5) / (table["image"].sum() + 0.5)) - parity
    crossing = r_precision(z, modality, match).to_numpy().mean()
    return float(table["coherence"].mean()), float(abs(bias)), float(crossing)


def figures(z: Floats, modality: np.ndarray, match: Ints, how: Judging) -> pd.DataFrame:
    """Every figure of one space, with its interval, one row each."""
    rng = np.random.default_rng(how.seed)
    rows = []
    for calibrated in (False, True):
        hits, times = retrieve(z, modality, match, how.k, calibrated)
        sizes = pd.Series(modality).value_counts()
        crossing = None if calibrated else r_precision(z, modality, match)
        rows += retrieval_rows(per_match(hits), crossing, sizes, "full", calibrated, how, rng)
        if not calibrated:
            rows += occurrence_rows(times, modality)
    # Drawn as ours are drawn, by the same generator, so that the figures can be held against each other.
    drawing = np.random.default_rng(how.seed)
    samples = [balanced(modality, match, drawing) for _ in range(how.balanced_draws)]
    for calibrated in (False, True):
        tables = [per_match(retrieve(z[s], modality[s], match[s], how.k, calibrated)[0]) for s in samples]
        average = pd.concat(tables).groupby(level=["query_modality", "match"]).mean()
        sizes = pd.concat([pd.Series(modality[s]).value_counts() for s in samples], axis=1).mean(axis=1)
        crossing = None
        if not calibrated:
            found = pd.concat([r_precision(z[s], modality[s], match[s]) for s in samples])
            crossing = found.groupby(level=0).mean()
        rows += retrieval_rows(average, crossing, sizes, "balanced", calibrated, how, rng)
    rows += geometry_rows(z, modality, match, how, rng)
    return pd.DataFrame(rows)


def retrieve(
    z: Floats, modality: np.ndarray, match: Ints, k: int, calibrated: bool
) -> tuple[pd.DataFrame, np.ndarray]:
    """One row for each thing found, and how often each item was found."""
    similarity = z @ z.T
    np.fill_diagonal(similarity, -np.inf)
    if calibrated:
        for m in PAIR:
            columns = np.flatnonzero(modality == m)
            highest = np.sort(similarity[:, columns], axis=1)[:, -10:]
            similarity[:, columns] -= highest.mean(axis=1, keepdims=True)
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    hits = pd.DataFrame(
        {
            "query_modality": np.repeat(modality, order.shape[1]),
            "match": np.repeat(match, order.shape[1]),
            "same": (match[order] == match[:, None]).ravel(),
            "text": (modality[order] == "text").ravel(),
            "image": (modality[order] == "image").ravel(),
        }
    )
    return hits, np.bincount(order.ravel(), minlength=len(z))


def per_match(hits: pd.DataFrame) -> pd.DataFrame:
    """Coherence, and texts and images found, of each match, by query modality and all."""
    how = {"coherence": ("same", "mean"), "text": ("text", "sum"), "image": ("image", "sum")}
    by_modality = hits.groupby(["query_modality", "match"]).agg(**how)
    together = hits.groupby("match").agg(**how)
    return pd.concat([by_modality, pd.concat({"all": together}, names=["query_modality"])])


def r_precision(z: Floats, modality: np.ndarray, match: Ints) -> pd.DataFrame:
    """Cross-modal R-precision: a row for each match, a column for each direction."""
    found: dict[str, dict[int, float]] = {}
    for a, b in (PAIR, PAIR[::-1]):
        shelf = modality == b
        found[f"{a}>{b}"] = {}
        for c in np.unique(match):
            queries = (modality == a) & (match == c)
            wanted = int((match[shelf] == c).sum())
            order = np.argsort(-(z[queries] @ z[shelf].T), axis=1, kind="stable")[:, :wanted]
            found[f"{a}>{b}"][int(c)] = float((match[shelf][order] == c).mean())
    return pd.DataFrame(found)


def balanced(modality: np.ndarray, match: Ints, rng: np.random.Generator) -> np.ndarray:
    kept = []
    for c in np.unique(match):
        groups = [np.flatnonzero((match == c) & (modality == m)) for m in sorted(PAIR)]
        size = min(len(g) for g in groups)
        kept += [rng.choice(g, size, replace=False) for g in groups]
    return np.sort(np.concatenate(kept))


def offsets(z: Floats, modality: np.ndarray, match: Ints, how: Judging) -> dict[str, float]:
    """What is added to images for queries of either modality, so that each kind is found as often."""
    drawing = np.random.default_rng(how.seed)
    drawn: list[dict[str, float]] = []
    for _ in range(how.balanced_draws):
        s = balanced(modality, match, drawing)
        kind, similarity = modality[s], z[s] @ z[s].T
        np.fill_diagonal(similarity, -np.inf)
        highest = {m: -np.sort(-similarity[:, kind == m], axis=1) for m in PAIR}
        best = {m: h[:, : how.k] - CSLS * h[:, :10].mean(axis=1, keepdims=True) for m, h in highest.items()}
        lifts = best["text"][:, ::-1] - best["image"]
        there = {m: (kind == "image").sum() - (m == "image") for m in PAIR}
        drawn.append({m: np.quantile(lifts[kind == m], there[m] / (len(s) - 1)) for m in PAIR})
    return {m: float(np.mean([d[m] for d in drawn])) for m in PAIR}


def interval(statistic: Statistic, n: int, how: Judging, rng: np.random.Generator) -> tuple[float, float]:
    values = [statistic(rng.integers(0, n, n)) for _ in range(how.draws)]
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)


def mean(values: np.ndarray) -> Statistic:
    return lambda drawn: values[drawn].mean()


def ratio(part: np.ndarray, whole: np.ndarray) -> Statistic:
    return lambda drawn: part[drawn].sum() / whole[drawn].sum()


def bias(text: np.ndarray, image: np.ndarray, parity: float) -> Statistic:
    return lambda drawn: np.log((text[drawn].sum() + 0.5) / (image[drawn].sum() + 0.5)) - parity


def retrieval_rows(
    table: pd.DataFrame,
    crossing: pd.DataFrame | None,
    sizes: pd.Series,
    gallery: str,
    calibrated: bool,
    how: Judging,
    rng: np.random.Generator,
) -> list[Row]:
    wanted: list[tuple[str, str, Statistic]] = []
    parity = float(np.log(sizes["text"] / sizes["image"]))
    counts = {}
    for group in ("all", *PAIR):
        part = table.xs(group, level="query_modality")
        text, image = part["text"].to_numpy(dtype=float), part["image"].to_numpy(dtype=float)
        counts[group] = {"text": text, "image": image}
        wanted += [
            ("coherence", group, mean(part["coherence"].to_numpy())),
            ("modality_ratio", group, ratio(text, image)),
            ("modality_bias", group, bias(text, image, parity)),
        ]
    own = counts["text"]["text"] + counts["image"]["image"]
    total = own + counts["text"]["image"] + counts["image"]["text"]
    wanted.append(("same_modality_share", "all", ratio(own, total)))
    for m in PAIR:
        wanted.append(("same_modality_share", m, ratio(counts[m][m], counts[m]["text"] + counts[m]["image"])))
    if crossing is not None:
        for direction in crossing.columns:
            wanted.append(("cross_modal_r_precision", direction, mean(crossing[direction].to_numpy())))
        wanted.append(("cross_modal_r_precision", "all", mean(crossing.to_numpy().mean(axis=1))))
    n = len(total)
    rows: list[Row] = []
    for metric, group, statistic in wanted:
        low, high = interval(statistic, n, how, rng)
        key = {"metric": metric, "gallery": gallery, "query_modality": group, "calibrated": calibrated}
        over_matches = metric in ("coherence", "cross_modal_r_precision")
        std = float(np.std([statistic(np.array([i])) for i in range(n)])) if over_matches else None
        value = statistic(np.arange(n))
        rows.append({**key, "value": value, "std": std, "ci_low": low, "ci_high": high})
    return rows


def occurrence_rows(times: np.ndarray, modality: np.ndarray) -> list[Row]:
    rows: list[Row] = []
    for group in ("all", *PAIR):
        found = np.sort(times if group == "all" else times[modality == group])
        n = len(found)
        gini = (2 * np.arange(1, n + 1) - n - 1) @ found / (n * found.sum())
        for name, value in (("skewness", skew(found)), ("gini", gini), ("never", (found == 0).mean())):
            key = {"metric": f"occurrence_{name}", "gallery": "full", "query_modality": group}
            rows.append({**key, "calibrated": False, "value": float(value)})
    return rows


def geometry_rows(
    z: Floats, modality: np.ndarray, match: Ints, how: Judging, rng: np.random.Generator
) -> list[Row]:
    rows: list[Row] = []
    base = {"gallery": "full", "calibrated": False}
    for group in ("all", *PAIR):
        keep = np.ones(len(z), dtype=bool) if group == "all" else modality == group
        kernel = np.exp(-4 * (1 - z[keep] @ z[keep].T))
        np.fill_diagonal(kernel, 0)
        sums = by_match(kernel, match[keep], match[keep])
        sizes = np.unique(match[keep], return_counts=True)[1]
        pairs = np.outer(sizes, sizes) - np.diag(sizes)

        def uniformity(s: np.ndarray, a: np.ndarray = sums, b: np.ndarray = pairs) -> float:
            return float(np.log(over_pairs(s, a) / over_pairs(s, b)))

        low, high = interval(uniformity, len(sizes), how, rng)
        value = uniformity(np.arange(len(sizes)))
        key = {"metric": "uniformity", "query_modality": group, **base}
        rows.append({**key, "value": value, "ci_low": low, "ci_high": high})
    total, pairs_of = [], []
    for c in np.unique(match):
        left, right = z[(match == c) & (modality == "text")], z[(match == c) & (modality == "image")]
        distances = 2 - 2 * (left @ right.T)
        total.append(distances.sum(dtype=float))
        pairs_of.append(distances.size)
    sums, counts = np.array(total), np.array(pairs_of)
    low, high = interval(lambda s: sums[s].sum() / counts[s].sum(), len(sums), how, rng)
    key = {"metric": "alignment", "query_modality": "text>image", **base}
    rows.append({**key, "value": sums.sum() / counts.sum(), "ci_low": low, "ci_high": high})
    rows.append({**auc_row(z, modality, match, how, rng), **base})
    return rows


def auc_row(z: Floats, modality: np.ndarray, match: Ints, how: Judging, rng: np.random.Generator) -> Row:
    """How well a logistic probe tells the modalities apart, pooled over 5 folds."""
    is_text = modality == "text"
    names = np.unique(match)
    won, pairs = np.zeros((len(names), len(names))), np.zeros((len(names), len(names)))
    areas = []
    for seen, unseen in StratifiedKFold(5, shuffle=True, random_state=how.seed).split(z, is_text):
        probe = LogisticRegression(max_iter=200).fit(z[seen], is_text[seen])
        scores = probe.decision_function(z[unseen])
        areas.append(roc_auc_score(is_text[unseen], scores))
        left, right = is_text[unseen], ~is_text[unseen]
        difference = scores[left][:, None] - scores[right]
        wins = (difference > 0) + 0.5 * (difference == 0)
        sides = match[unseen][left], match[unseen][right]
        won += by_match(wins, *sides, names)
        pairs += by_match(np.ones_like(wins), *sides, names)
    n = len(names)
    low, high = interval(lambda s: over_pairs(s, won) / over_pairs(s, pairs), n, how, rng)
    value = won.sum() / pairs.sum()
    key = {"metric": "modality_auc", "query_modality": "all"}
    return {**key, "value": value, "std": float(np.std(areas)), "ci_low": low, "ci_high": high}


def by_match(values: np.ndarray, rows: Ints, columns: Ints, names: Ints | None = None) -> np.ndarray:
    """A matrix summed over the items of each match on either side."""
    table = pd.DataFrame(values).groupby(rows).sum().T.groupby(columns).sum().T
    return (table if names is None else table.reindex(index=names, columns=names, fill_value=0)).to_numpy(
        dtype=float
    )


def over_pairs(sample: np.ndarray, matrix: np.ndarray) -> float:
    """The sum over the pairs of drawn matches; copies of one match are not compared with one another."""
    w = np.bincount(sample, minlength=len(matrix)).astype(float)
    diagonal = np.diag(matrix)
    across = w @ matrix @ w - (w * w) @ diagonal
    drawn = w.sum() ** 2 - (w * w).sum()
    return float(across * w.sum() * (w.sum() - 1) / drawn + w @ diagonal) if drawn else float(w @ diagonal)
