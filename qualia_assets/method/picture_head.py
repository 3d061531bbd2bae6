"""A head on a frozen picture encoder: its features mapped into the text space, fitted on captioned pictures.

Ridge regression from features to the vectors of captions, in the features themselves or in a Gaussian kernel
of them, added to the picture's untouched vector (ConSE's, or that of an encoder which shares a space with
texts). Which of the candidates is used, doing nothing among them, is chosen on validation captions; figures
are of test captions. The mean of the fitted captions, which every caption shares, is taken off all of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qualia_assets.method.calibration import csls
from qualia_assets.method.intervals import interval
from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Floats, Ints, Mask

Form = Literal["untouched", "ridge", "kernel", "residual"]
Split = Literal["val", "test"]
UNTOUCHED: Form = "untouched"
"""The form that does nothing."""

LEAST_CAPTIONS = 25
"""With fewer distinct captions nothing is fitted: the test would hold five or less."""
MOST_FITTED = 3_000
"""Captions that a head is fitted on; the kernel's cost grows with the third power of their number."""
FOLDS = 5
NEGATIVES = 9
_HELD_OUT = 0.2
"""Share of the captions for test; the others are for validation, by folds."""
_RIDGE = {"ridge": 1.0, "kernel": 0.3, "residual": 0.3}
"""Regularisation. A third or three times as much changed recall@10 on clip art by at most .02."""
_WIDTHS = (1.0, 2.0, 4.0)
_WEIGHTS = (0.0, 0.3, 0.6, 1.2)


@dataclass(frozen=True)
class HeadRecipe:
    """One way to map a picture into the text space.

    Args:
        form: ``untouched`` does nothing; ``ridge`` and ``kernel`` predict the caption's vector, ``residual``
            (in the kernel) what the untouched vector lacks of it.
        width: gamma of the Gaussian kernel ``exp(-gamma |x - y|^2)``.
        weight: of the untouched vector that is added to the prediction, both of unit length.
    """

    form: Form
    width: float | None = None
    weight: float | None = None

    @property
    def name(self) -> str:
        width = "" if self.width is None else f"-{self.width:g}"
        return f"{self.form}{width}" + (f"+{self.weight:g}" if self.weight else "")


def candidates(has_untouched: bool) -> list[HeadRecipe]:
    """The recipes that are tried, doing nothing first; without untouched vectors, those that need none."""
    weights = _WEIGHTS if has_untouched else (0.0,)
    fitted = [HeadRecipe("ridge", None, w) for w in weights]
    fitted += [HeadRecipe("kernel", g, w) for g in _WIDTHS for w in weights]
    if not has_untouched:
        return fitted
    return [HeadRecipe(UNTOUCHED), *fitted, *(HeadRecipe("residual", g) for g in _WIDTHS)]


@dataclass(frozen=True)
class Pictures:
    """What a head sees.

    Args:
        features: of all pictures, shape (n, d), from :func:`prepared`.
        untouched: shape (n, k), unit, with the mean over the pictures taken off; None where there are none.
        captions: shape (n, k), unit; rows without a caption are ignored.
        group: of each picture, shape (n,): those with one caption share a group; -1 without a caption.
    """

    features: Floats
    untouched: Floats | None
    captions: Floats
    group: Ints

    @property
    def captioned(self) -> Ints:
        """The rows that have a caption."""
        return np.flatnonzero(self.group >= 0)


@dataclass(frozen=True)
class Head:
    """A fitted head: the arrays that :func:`apply` needs."""

    recipe: HeadRecipe
    arrays: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True)
class HeadFigure:
    """One figure of one recipe on held-out captions."""

    recipe: HeadRecipe
    split: Split
    metric: str
    direction: str
    k: int | None
    calibrated: bool
    value: float
    ci_low: float | None
    ci_high: float | None
    chance: float
    n: int


@dataclass(frozen=True)
class Chosen:
    """The recipe that is best on validation captions, and figures of all; ``note``: why there are none.

    ``learnt_from``: the pictures of those captions.
    """

    recipe: HeadRecipe
    figures: Sequence[HeadFigure] = ()
    learnt_from: int = 0
    note: str | None = None


def prepared(features: Floats) -> Floats:
    """Make features comparable: signed roots, which tame the few large ones, then unit length, then centred.

    Args:
        features: of all of a user's pictures, shape (n, d).

    Returns:
        Shape (n, d); the mean over the pictures is zero.
    """
    if not len(features):
        return features
    rooted = unit(np.sign(features) * np.sqrt(np.abs(features)))
    return np.asarray(rooted - rooted.mean(axis=0), dtype=np.float32)


def split_groups(group: Ints, seed: int) -> dict[Split, Ints]:
    """Divide the captioned rows into 80 % for validation, by folds, and 20 % for test, groups unbroken.

    Args:
        group: shape (n,), -1 for rows without a caption.
        seed: of the order of groups.

    Returns:
        Row numbers by split, ascending.
    """
    order = _shuffled_groups(group, seed)
    held_out = round(_HELD_OUT * len(order))
    parts: dict[Split, Ints] = {"val": order[held_out:], "test": order[:held_out]}
    return {split: np.flatnonzero(np.isin(group, part)) for split, part in parts.items()}


def fit(recipe: HeadRecipe, pictures: Pictures, rows: Ints, seed: int) -> Head:
    """Fit a head on some rows, of which at most :data:`MOST_FITTED` are drawn.

    Ridge regression of the captions' vectors, with their mean taken off (Hoerl & Kennard 1970, eq. 2.1), or
    its kernel form (Saunders et al. 1998, eq. 6).
    """
    if recipe.form == UNTOUCHED:
        return Head(recipe)
    if len(rows) > MOST_FITTED:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_FITTED, replace=False))
    x = pictures.features[rows].astype(np.float64)
    captions = pictures.captions[rows]
    y = (captions - captions.mean(axis=0)).astype(np.float64)
    if recipe.form == "residual":
        assert pictures.untouched is not None
        y = unit(y) - pictures.untouched[rows]
    if recipe.form == "ridge":
        gram = x.T @ x + _RIDGE["ridge"] * np.eye(x.shape[1])
        return Head(recipe, {"map": np.linalg.solve(gram, x.T @ y).astype(np.float32)})
    assert recipe.width is not None
    gram = _gaussian(x, x, recipe.width) + _RIDGE[recipe.form] * np.eye(len(x))
    coefficients = np.linalg.solve(gram, y).astype(np.float32)
    return Head(recipe, {"support": pictures.features[rows], "coefficients": coefficients})


def apply(head: Head, features: Floats, untouched: Floats | None) -> Floats:
    """Map pictures into the text space.

    Args:
        head: from :func:`fit`.
        features: shape (n, d), prepared.
        untouched: shape (n, k), as in :class:`Pictures`.

    Returns:
        Unit vectors of shape (n, k), to be compared with vectors of texts less the captions' mean.
    """
    recipe = head.recipe
    if recipe.form == UNTOUCHED:
        assert untouched is not None
        return unit(untouched)
    if recipe.form == "ridge":
        predicted = features @ head.arrays["map"]
    else:
        assert recipe.width is not None
        kernel = _gaussian(features, head.arrays["support"], recipe.width)
        predicted = kernel @ head.arrays["coefficients"]
    if recipe.form == "residual":
        assert untouched is not None
        return unit(untouched + predicted)
    return _with_untouched(recipe, unit(predicted), untouched)


def _with_untouched(recipe: HeadRecipe, predicted: Floats, untouched: Floats | None) -> Floats:
    if not recipe.weight:
        return predicted
    assert untouched is not None
    return unit(predicted + np.float32(recipe.weight) * unit(untouched))


def choose(pictures: Pictures, seed: int, draws: int) -> Chosen:
    """Choose a recipe by the mean reciprocal rank of validation captions, both ways and calibrated.

    Each validation picture is mapped by a head fitted on the other folds, the test pictures by one fitted on
    all of the folds. Doing nothing wins ties.

    Args:
        pictures: of one user.
        seed: of the split, the folds and the negatives.
        draws: bootstrap resamples of the intervals.
    """
    recipes = candidates(pictures.untouched is not None)
    distinct = len(np.unique(pictures.group[pictures.group >= 0]))
    if distinct < LEAST_CAPTIONS:
        return Chosen(recipes[0], note=f"needs {LEAST_CAPTIONS} different captions; there are {distinct}")
    splits = split_groups(pictures.group, seed)
    seen = np.isin(np.arange(len(pictures.group)), splits["val"])
    learnt = replace(pictures, group=np.where(seen, pictures.group, -1))
    # Whatever the recipe, the mean of the captions that were learnt from: test captions are not to be known.
    mean = pictures.captions[splits["val"]].mean(axis=0)
    # Within each fold: among captions that a head was fitted on, its pictures would be drawn to those.
    ranked_within: dict[Split, list[_Gallery]] = {
        "val": [_Gallery.of(pictures, rows, mean, seed) for rows in _folds(learnt.group, seed)],
        "test": [_Gallery.of(pictures, splits["test"], mean, seed)],
    }
    figures: list[HeadFigure] = []
    alone: dict[HeadRecipe, Floats] = {}
    for recipe in recipes:
        # Recipes that differ in the weight alone share the fits.
        unweighted = replace(recipe, weight=None)
        if unweighted not in alone:
            alone[unweighted] = out_of_fold(unweighted, learnt, seed)
        mapped = _with_untouched(recipe, alone[unweighted], pictures.untouched)
        for split, galleries in ranked_within.items():
            figures += _figures(recipe, mapped, split, galleries, seed, draws)
    score = {
        recipe: sum(f.value for f in figures if f.recipe == recipe and _decides(f)) for recipe in recipes
    }
    return Chosen(max(recipes, key=score.__getitem__), figures, len(splits["val"]))


def _decides(figure: HeadFigure) -> bool:
    return figure.split == "val" and figure.metric == "mrr" and figure.calibrated


def out_of_fold(recipe: HeadRecipe, pictures: Pictures, seed: int) -> Floats:
    """Map all pictures, each captioned one by a head that was fitted without its caption.

    Returns:
        Unit vectors, shape (n, k).
    """
    captioned = pictures.captioned
    mapped = apply(fit(recipe, pictures, captioned, seed), pictures.features, pictures.untouched)
    if recipe.form == UNTOUCHED:
        return mapped
    for inside in _folds(pictures.group, seed):
        head = fit(recipe, pictures, np.setdiff1d(captioned, inside), seed)
        untouched = None if pictures.untouched is None else pictures.untouched[inside]
        mapped[inside] = apply(head, pictures.features[inside], untouched)
    return mapped


def _folds(group: Ints, seed: int) -> list[Ints]:
    """Divide the captioned rows into folds, whole groups at a time."""
    groups = _shuffled_groups(group, seed)
    return [np.flatnonzero(np.isin(group, groups[fold::FOLDS])) for fold in range(FOLDS)]


def _shuffled_groups(group: Ints, seed: int) -> Ints:
    return np.random.default_rng(seed).permutation(np.unique(group[group >= 0]))


@dataclass(frozen=True)
class _Gallery:
    """Held-out pictures and their captions, among which recipes are judged.

    Args:
        rows: of the pictures, shape (n,).
        captions: shape (n, k), unit, less the mean of the captions that were learnt from.
        same: whether two rows have one caption, shape (n, n).
        negatives: by figure, nine other rows for each, shape (n, 9); none where there are too few.
    """

    rows: Ints
    captions: Floats
    same: Mask
    negatives: Mapping[str, Ints]

    @classmethod
    def of(cls, pictures: Pictures, rows: Ints, mean: Floats, seed: int) -> "_Gallery":
        captions = unit(pictures.captions[rows] - mean)
        group = pictures.group[rows]
        same = group[:, None] == group[None, :]
        negatives: dict[str, Ints] = {}
        if len(np.unique(group)) > NEGATIVES:
            drawn = np.random.default_rng(seed).random(same.shape)
            for name, order in (("alignment_easy", drawn), ("alignment_hard", captions @ captions.T)):
                others = np.where(same, -np.inf, order)
                negatives[name] = np.argsort(-others, axis=1, kind="stable")[:, :NEGATIVES]
        return cls(rows, captions, same, negatives)

    def figures(
        self, mapped: Floats
    ) -> Iterator[tuple[tuple[str, str, int | None, bool], NDArray[Any], float]]:
        """Yield each picture's or caption's score, by metric, direction, k and calibration, with its chance.

        Args:
            mapped: of all pictures, shape (pictures, k).
        """
        n, similarity = len(self.rows), mapped[self.rows] @ self.captions.T
        for calibrated in (False, True):
            scores = csls(similarity) if calibrated else similarity
            for direction, table in (("image>text", scores), ("text>image", scores.T)):
                rank = ranks(table, self.same)
                by_chance = float(np.mean(1 / np.arange(1, n + 1)))
                yield ("mrr", direction, None, calibrated), 1 / (1 + rank), by_chance
                for k in (1, 10):
                    yield ("recall", direction, k, calibrated), rank < k, min(k / n, 1)
        for name, negatives in self.negatives.items():
            for direction, table in (("image>text", similarity), ("text>image", similarity.T)):
                others = np.take_along_axis(table, negatives, axis=1)
                yield (name, direction, None, False), np.diag(table) > others.max(axis=1), 1 / (NEGATIVES + 1)


def _figures(
    recipe: HeadRecipe, mapped: Floats, split: Split, galleries: Sequence[_Gallery], seed: int, draws: int
) -> Iterator[HeadFigure]:
    """Yield the figures of one recipe, over all galleries of a split."""
    found: dict[tuple[str, str, int | None, bool], list[tuple[NDArray[np.float64], float]]] = {}
    for gallery in galleries:
        for key, values, chance in gallery.figures(mapped):
            found.setdefault(key, []).append((values.astype(np.float64), chance))
    for (metric, direction, k, calibrated), parts in found.items():
        values = np.concatenate([part for part, _ in parts])
        chance = float(np.average([c for _, c in parts], weights=[len(part) for part, _ in parts]))
        low, high = interval(lambda w, v=values: (w @ v) / len(v), len(values), draws, seed)  # type: ignore[misc]
        value = float(values.mean())
        yield HeadFigure(
            recipe, split, metric, direction, k, calibrated, value, low, high, chance, len(values)
        )


def ranks(scores: Floats, same: Mask) -> Ints:
    """Count the others that come before each row's partner, the column of the same number; ties do.

    Args:
        scores: shape (n, n).
        same: shape (n, n); where it is true, the column has the partner's own caption and is no other.

    Returns:
        Shape (n,); 0 where the partner is first.
    """
    own = np.diag(scores)[:, None]
    before: Ints = ((scores >= own) & ~same).sum(axis=1)
    return before


def _gaussian(x: NDArray[np.floating], y: NDArray[np.floating], width: float) -> NDArray[np.floating]:
    squares = (x * x).sum(axis=1)[:, None] + (y * y).sum(axis=1)[None, :] - 2 * (x @ y.T)
    return np.asarray(np.exp(-width * np.maximum(squares, 0)))
