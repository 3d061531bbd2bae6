"""Our own recipes: adapters that improve held-out clusters, which the paper's do not.

Each is one function from a corpus to weights, and declares what it may use. *Inductive*: never the items of
validation and test matches, so it applies equally to new items. *Transductive*: the vectors of all items but
no labels, which suits a user's map and search, since all their items are known. All start by centring each
modality.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from qualia_assets.method.adapters import Kind, Recipe, Weights, apply, ensemble
from qualia_assets.method.clustering import NOISE
from qualia_assets.method.corpus import UNMATCHED, Corpus
from qualia_assets.method.matching import split_matches
from qualia_assets.method.metrics import Points, cross_modal_r_precision_per_match
from qualia_assets.method.neighbours import Floats
from qualia_assets.method.smoothing import same_modality_smoothing
from qualia_assets.method.training import fit_residual_mlp, train, train_residual

LEXICON_NEIGHBOURS, LEXICON_SHARE = 50, 0.45
MEMORY_NEIGHBOURS, MEMORY_SHARE = 20, 0.3
SMOOTHING_NEIGHBOURS, SMOOTHING_SHARE, SMOOTHING_PASSES = 10, 0.6, 3
DISTILLED_NEIGHBOURS, DISTILLED_SHARE = 5, 0.5
RIDGE = 3.0
SPECTRAL_POWER = 0.25
WITHIN_FLOOR, WITHIN_POWER = 1.0, 0.5

Fit = Callable[[Corpus, Recipe, int], Weights]


@dataclass(frozen=True)
class OwnRecipe:
    """A recipe of ours: its configuration, its idea in a line, and how it is fitted."""

    recipe: Recipe
    idea: str
    fit: Fit


OWN: dict[str, OwnRecipe] = {}


def _own(name: str, idea: str, kind: Kind = "inductive", **hyper: object) -> Callable[[Fit], Fit]:
    def keep(fit: Fit) -> Fit:
        recipe = replace(Recipe(recipe=name, arch="lookup", kind=kind), **hyper)  # type: ignore[arg-type]
        OWN[name] = OwnRecipe(recipe, idea, fit)
        return fit

    return keep


def fit(corpus: Corpus, recipe: Recipe, threads: int = 1) -> Weights | None:
    """Fit an adapter.

    Args:
        corpus: all items, of which an inductive recipe is given those of :attr:`Corpus.seen` only.
        recipe: ``identity``, the paper's, or one of :data:`OWN`.
        threads: of torch.

    Returns:
        The weights; None where the corpus lacks what the recipe needs.
    """
    if recipe.recipe == "identity":
        return {}
    seen = only_seen(corpus) if recipe.kind == "inductive" else without_labels(corpus)
    if len(seen.vectors) == 0:
        return None
    if recipe.recipe == "paper":
        training = seen.points("train")
        if len(training.matches) < 2:
            # One match has no negatives.
            return None
        return train(training.vectors, training.modality, training.match, recipe, threads)
    weights = OWN[recipe.recipe].fit(seen, recipe, threads)
    return weights or None


def only_seen(corpus: Corpus) -> Corpus:
    """Return the corpus without the items that an inductive adapter is evaluated on."""
    keep = corpus.seen
    return replace(
        corpus,
        vectors=corpus.vectors[keep],
        modality=corpus.modality[keep],
        cluster=corpus.cluster[keep],
        match=corpus.match[keep],
        split=corpus.split[keep],
    )


def without_labels(corpus: Corpus) -> Corpus:
    """Return all items without their labels."""
    n = len(corpus.vectors)
    return replace(
        corpus,
        cluster=np.full(n, NOISE, dtype=np.int64),
        match=np.full(n, UNMATCHED, dtype=np.int64),
        split=np.full(n, "", dtype=np.str_),
    )


@_own("centring", "subtract each modality's mean")
def centring(corpus: Corpus, recipe: Recipe, threads: int) -> Weights:
    return {
        f"centre.{m}": corpus.vectors[corpus.modality == m].mean(axis=0)
        for m in corpus.modalities
        if (corpus.modality == m).sum() > 1
    }


def _scalar(value: float) -> Floats:
    return np.array([value], dtype=np.float32)


def _adapt(corpus: Corpus, weights: Weights) -> Floats:
    return apply(corpus.vectors, corpus.modality, weights, corpus.lexicon)


@_own("lexicon", "move each item towards the fifty common words nearest to it, which both modalities share")
def lexicon(corpus: Corpus, recipe: Recipe, threads: int) -> Weights:
    """After SpLiCE (Bhalla et al. 2024) and the anchors of relative representations (Moschella et al. 2023).

    What an item's nearest words do not express is partly dropped, and texts and images share the words.
    """
    if not len(corpus.lexicon):
        return {}
    look_up = {
        "lexicon.k": _scalar(LEXICON_NEIGHBOURS),
        "lexicon.share": _scalar(LEXICON_SHARE),
        "lexicon.words": _scalar(len(corpus.lexicon)),
    }
    return {**centring(corpus, recipe, threads), **look_up}


@_own("memory", "move each item towards its nearest seen items of the other modality")
def memory(corpus: Corpus, recipe: Recipe, threads: int) -> Weights:
    """One step of attention (Ramsauer et al. 2021) over a memory of the other modality."""
    return _with_memory(corpus, centring(corpus, recipe, threads))


def _with_memory(corpus: Corpus, weights: Weights) -> Weights:
    if len(corpus.modalities) < 2:
        return {}
    z = _adapt(corpus, weights)
    held = {f"memory.of.{m}": z[corpus.modality == m] for m in corpus.modalities}
    return {**weights, **held, "memory.k": _scalar(MEMORY_NEIGHBOURS), "memory.share": _scalar(MEMORY_SHARE)}


@_own("lexicon+memory", "the lexicon, then the memory")
def lexicon_memory(corpus: Corpus, recipe: Recipe, threads: int) -> Weights:
    base = lexicon(corpus, recipe, threads)
    both = _with_memory(corpus, base) if base else {}
    return {**both, "memory.share": _scalar(MEMORY_SHARE / 3)} if both else {}


@_own(
    "distilled",
    "a residual linear map, in closed form, that does for new items what smoothing does for old ones",
)
def distilled(corpus: Corpus, recipe: Recipe, threads: int) -> Weights:
    """``min_W |Z + Z W - S|^2 + lambda |W|^2`` (ridge regression), S the seen items after smoothing."""
    centre = centring(corpus, recipe, threads)
    z = _adapt(corpus, centre).astype(np.float64)
    gain = _smoothed(corpus, centre) - z
    gram = z.T @ z
    ridge = RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    solved = np.linalg.solve(gram + ridge, z.T @ gain)
    return {**centre, "map.weight": solved.T.astype(np.float32), "map.residual": _scalar(1)}


@_own("distilled-mlp", "the same with two layers", epochs=30, learning_rate=3e-4, arch="mlp")
def distilled_mlp(corpus: Corpus, recipe: Recipe, threads: int) -> Weights:
    centre = centring(corpus, recipe, threads)
    z = _adapt(corpus, centre)
    return {**centre, **fit_residual_mlp(z, _smoothed(corpus, centre), recipe, threads)}


def _smoothed(corpus: Corpus, centre: Weights) -> Floats:
    z = _adapt(corpus, centre)
    return same_modality_smoothing(z, corpus.modality, DISTILLED_NEIGHBOURS, DISTILLED_SHARE, 1)


@_own(
    "residual",
    "a residual linear map trained by InfoNCE on the training matches, stopped early on some of them",
    arch="linear",
    epochs=30,
    weight_decay=0.0,
)
def residual(corpus: Corpus, recipe: Recipe, threads: int) -> Weights:
    return _with_residual(corpus, centring(corpus, recipe, threads), recipe, threads)


def _with_residual(corpus: Corpus, base: Weights, recipe: Recipe, threads: int) -> Weights:
    """Early stopping uses held-out training matches, never those that select among recipes."""
    adapted = Corpus(_adapt(corpus, base), corpus.modality, corpus.cluster, corpus.match, corpus.split)
    matches = sorted(set(adapted.points("train").match.tolist()))
    if len(matches) < 4:
        return {}
    inner = split_matches(matches, 0.5, 0.25, recipe.seed)
    # The last two of the three splits are held out together.
    split = adapted.resplit({m: "train" if s == "train" else "held out" for m, s in inner.items()})
    training, held_out = split.points("train"), split.points("held out")

    def evaluate(weights: Weights) -> float | None:
        z = apply(held_out.vectors, held_out.modality, weights)
        return mean_cross_modal_r_precision(Points(z, held_out.modality, held_out.match))

    trained = train_residual(training.vectors, training.modality, training.match, recipe, evaluate, threads)
    return {**base, **trained}


@_own(
    "lexicon+residual",
    "the lexicon, then the residual map",
    arch="linear",
    epochs=30,
    weight_decay=0.0,
)
def lexicon_residual(corpus: Corpus, recipe: Recipe, threads: int) -> Weights:
    base = lexicon(corpus, recipe, threads)
    return _with_residual(corpus, base, recipe, threads) if base else {}


@_own("spectral", "stretch the directions of highest variance: C^(1/4), C the covariance of the items")
def spectral(corpus: Corpus, recipe: Recipe, threads: int) -> Weights:
    """The opposite of whitening, and like smoothing a low-pass filter."""
    centre = centring(corpus, recipe, threads)
    z = _adapt(corpus, centre).astype(np.float64)
    values, axes = np.linalg.eigh(z.T @ z / len(z))
    power = (axes * np.maximum(values, 1e-12) ** SPECTRAL_POWER) @ axes.T
    return {**centre, "map.weight": power.astype(np.float32)}


@_own(
    "within", "shrink the directions in which items of a cluster differ, over the clusters of both modalities"
)
def within(corpus: Corpus, recipe: Recipe, threads: int) -> Weights:
    """Within-class covariance normalisation (Hatch et al. 2006), with unimodal clusters as classes."""
    centre = centring(corpus, recipe, threads)
    z = _adapt(corpus, centre).astype(np.float64)
    residuals = [
        z[mine] - z[mine].mean(axis=0)
        for m in corpus.modalities
        for c in np.unique(corpus.cluster)
        if c != NOISE and (mine := (corpus.modality == m) & (corpus.cluster == c)).any()
    ]
    if not residuals:
        return {}
    spread = np.concatenate(residuals)
    values, axes = np.linalg.eigh(spread.T @ spread / len(spread))
    scale = (values + WITHIN_FLOOR * values.mean() + 1e-12) ** -WITHIN_POWER
    # The result is scaled to unit length, so the scale of the map does not matter; this keeps it near 1.
    power = (axes * (scale / scale.mean())) @ axes.T
    return {**centre, "map.weight": power.astype(np.float32)}


@_own("ensemble", "the lexicon, the memory and the distilled map side by side")
def side_by_side(corpus: Corpus, recipe: Recipe, threads: int) -> Weights:
    members = [one(corpus, recipe, threads) for one in (lexicon, memory, distilled)]
    return ensemble(*members) if all(members) else {}


@_own(
    "smoothing",
    "move each item towards its neighbours of the same modality, in three passes",
    kind="transductive",
)
def smoothing(corpus: Corpus, recipe: Recipe, threads: int) -> Weights:
    return _with_smoothing(centring(corpus, recipe, threads))


@_own("lexicon+smoothing", "a smaller lexicon step, then smoothing", kind="transductive")
def lexicon_smoothing(corpus: Corpus, recipe: Recipe, threads: int) -> Weights:
    base = lexicon(corpus, recipe, threads)
    return {**_with_smoothing(base), "lexicon.share": _scalar(LEXICON_SHARE / 3)} if base else {}


@_own("memory+smoothing", "a smaller memory step over all items, then smoothing", kind="transductive")
def memory_smoothing(corpus: Corpus, recipe: Recipe, threads: int) -> Weights:
    base = memory(corpus, recipe, threads)
    return {**_with_smoothing(base), "memory.share": _scalar(MEMORY_SHARE / 6)} if base else {}


def _with_smoothing(weights: Weights) -> Weights:
    return {
        **weights,
        "smoothing.k": _scalar(SMOOTHING_NEIGHBOURS),
        "smoothing.share": _scalar(SMOOTHING_SHARE),
        "smoothing.passes": _scalar(SMOOTHING_PASSES),
    }


def mean_cross_modal_r_precision(points: Points) -> float | None:
    """Compute cross-modal R-precision, averaged over both directions and over matches.

    Returns:
        From 0 to 1; None with fewer than two matches or modalities, or where no match has both modalities.
    """
    if len(points.matches) < 2 or len(points.modalities) < 2:
        return None
    a, b = points.modalities[:2]
    both = [cross_modal_r_precision_per_match(points, x, y) for x, y in ((a, b), (b, a))]
    values = np.mean(np.stack(both), axis=0)
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else None


def own_recipes(names: Iterable[str]) -> list[Recipe]:
    """Return our recipes of these names."""
    return [OWN[name].recipe for name in names]
