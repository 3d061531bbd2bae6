"""The paper's grid of 30 configurations: ours against training one by one as a plain notebook does.

2,000 + 2,000 planted items (``planted``) of 384 dimensions, their themes as clusters and matches, split
as the settings have it. Both sides train the same configurations from the same seeds on the training
matches and judge each on the validation matches. Ours: ``method.grid.train_grid``, which also fits the
calibration of queries. The other: AdamW as a loop over parameters, the losses by their formulas under
autograd with masks made anew for each batch, figures from full sorts of the matrix of similarities, and
no calibration. Both on one thread in this process, warmed, by turns at each configuration.

That both do the same is checked outside the timing. All along our way down the loss of each batch is held
against the formula at the same place. The mean losses of the last epoch, each side on its own way, are
held against each other; where rounding alone leads descent elsewhere, the plain side's own distance from
itself under another implementation of AdamW says so. What we judged our adapters by, and their offsets,
are held against full sorts.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.nn import functional as F

from benchmarks import notebook
from benchmarks.notebook import Judging
from benchmarks.planted import MODALITIES, NOWHERE, planted
from benchmarks.report import Line, Report
from benchmarks.timing import Stopwatch
from qualia_assets.method.adapters import Recipe, apply
from qualia_assets.method.corpus import UNMATCHED, Corpus
from qualia_assets.method.grid import TrainedAdapter, train_grid
from qualia_assets.method.matching import split_matches
from qualia_assets.method.metrics import Points
from qualia_assets.method.scorecard import Protocol
from qualia_assets.method.training import train
from qualia_assets.settings import AdapterGrid, Matching, Measuring

LEAST_RATIO = 1.5
SAME_LOSS, SAME_FIGURE = 5e-4, 1e-3
PROTOCOL = Protocol(k=Measuring().k)
JUDGING = Judging(PROTOCOL.k, PROTOCOL.bootstrap_draws, PROTOCOL.balanced_draws, PROTOCOL.seed)
CALIBRATING = replace(JUDGING, balanced_draws=5, seed=0)


@dataclass(frozen=True)
class Judged:
    """What the plain side makes of one configuration: losses of all batches, and figures."""

    losses: list[float]
    figures: tuple[float, ...]


def run(quick: bool) -> Report:
    torch.set_num_threads(1)
    items, themes = (500, 12) if quick else (2000, 28)
    corpus, recipes = placed(items, themes, seed=0), grid(epochs=2 if quick else AdapterGrid().epochs)
    small = placed(500, 12, seed=99)
    for recipe in (recipes[0], recipes[-1]):
        ours(small, recipe)
        theirs(small, recipe)
    mine, other = Stopwatch(), Stopwatch()
    trained: list[TrainedAdapter] = []
    plain: list[Judged] = []
    for turn, recipe in enumerate(recipes):
        for first in (True, False):
            if first == (turn % 2 == 0):
                with mine.time(recipe.arch):
                    trained.append(ours(corpus, recipe))
            else:
                with other.time(recipe.arch):
                    plain.append(theirs(corpus, recipe))
    ratio = other.total / mine.total
    lines = [
        Line(
            "ours / the plain notebook way",
            (mine.total, other.total),
            f"{ratio:.2f}x less",
            f"at least {LEAST_RATIO}x less",
            ratio >= LEAST_RATIO,
        )
    ]
    for arch, seconds in mine.stages.items():
        lines.append(Line(f"  {arch}", (seconds, other.stages[arch]), f"{other.stages[arch] / seconds:.2f}x"))
    lines += same_losses(corpus, recipes, plain)
    lines += same_figures(corpus, trained, plain)
    return Report(
        f"grid: {len(recipes)} configurations, {items:,} + {items:,} items",
        lines,
        [
            "All in float32. bf16 was not used: ours has none, as not every processor computes in it.",
        ],
    )


def placed(items: int, themes: int, seed: int) -> Corpus:
    """Planted items, texts and images in turns as their ids might have it, matched by their themes."""
    data, chosen = planted(items, themes, seed), Matching()
    theme = np.stack([data.theme[m] for m in MODALITIES], axis=1).ravel()
    splits = split_matches(range(themes), chosen.train_share, chosen.val_share, seed)
    return Corpus(
        vectors=np.stack([data.vectors[m] for m in MODALITIES], axis=1).reshape(2 * items, -1),
        modality=np.tile(np.array(MODALITIES), items),
        cluster=theme,
        match=np.where(theme == NOWHERE, UNMATCHED, theme),
        split=np.array([splits.get(int(t), "") for t in theme], dtype=np.str_),
    )


def grid(epochs: int) -> list[Recipe]:
    chosen = AdapterGrid()
    return [
        Recipe(
            arch=arch,
            temperature=temperature,
            balance_weight=weight,
            hidden=chosen.hidden,
            epochs=epochs,
            batch_size=chosen.batch_size,
            learning_rate=chosen.learning_rate,
            weight_decay=chosen.weight_decay,
        )
        for arch in chosen.architectures
        for temperature in chosen.temperatures
        for weight in chosen.balance_weights
    ]


def ours(corpus: Corpus, recipe: Recipe) -> TrainedAdapter:
    return next(train_grid(corpus, [recipe], PROTOCOL, threads=1))


def theirs(corpus: Corpus, recipe: Recipe) -> Judged:
    model, losses = plain_training(corpus.points("train"), recipe)
    val, both = corpus.points("val"), corpus.points(("train", "val"))
    figures = notebook.headline(notebook.adapt(model, val.vectors), val.modality, val.match, JUDGING)
    notebook.offsets(notebook.adapt(model, both.vectors), both.modality, both.match, CALIBRATING)
    return Judged([float(loss) for loss in losses], figures)


def plain_training(
    points: Points, recipe: Recipe, fused: bool = False
) -> tuple[torch.nn.Module, list[torch.Tensor]]:
    """An adapter as a notebook trains it, and the loss of each batch."""
    torch.manual_seed(recipe.seed)
    d = points.vectors.shape[1]
    model: torch.nn.Module = (
        torch.nn.Linear(d, d)
        if recipe.arch == "linear"
        else torch.nn.Sequential(
            torch.nn.Linear(d, recipe.hidden), torch.nn.ReLU(), torch.nn.Linear(recipe.hidden, d)
        )
    )
    optimiser = torch.optim.AdamW(
        model.parameters(),
        lr=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        foreach=False,
        fused=fused,
    )
    x, match = torch.from_numpy(points.vectors), torch.from_numpy(points.match)
    is_text = torch.from_numpy(points.modality == "text")
    # A generator of its own, as ours has: from the same seed both deal the same batches.
    generator = torch.Generator().manual_seed(recipe.seed)
    losses = []
    for _ in range(recipe.epochs):
        for batch in torch.randperm(len(x), generator=generator).split(recipe.batch_size):
            z = F.normalize(model(x[batch]), dim=1)
            loss = plain_loss(z, match[batch], is_text[batch], recipe)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.detach())
    return model, losses


def plain_loss(z: torch.Tensor, match: torch.Tensor, is_text: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    """InfoNCE and the balance term as the paper writes them: sums over the items of a mask."""
    logits = z @ z.T / recipe.temperature
    myself = torch.eye(len(z), dtype=torch.bool)
    same = match[:, None] == match[None, :]

    def log_sum(mask: torch.Tensor) -> torch.Tensor:
        return torch.logsumexp(logits.masked_fill(~mask, -torch.inf), dim=1)

    positive, negative = same & ~myself, ~same
    usable = positive.any(dim=1) & negative.any(dim=1)
    loss = (log_sum(negative) - log_sum(positive))[usable].mean()
    if recipe.balance_weight:
        alike = is_text[:, None] == is_text[None, :]
        loss = loss + recipe.balance_weight * torch.exp(log_sum(alike & ~myself) - log_sum(~alike)).mean()
    return loss


def same_losses(corpus: Corpus, recipes: list[Recipe], plain: list[Judged]) -> list[Line]:
    """Whether our losses are those of the formula, and how far the two ways down part."""
    points = corpus.points("train")
    along, apart = 0.0, []
    for recipe, other in zip(recipes, plain, strict=True):
        here, formula = followed(points, recipe)
        # The balance term can be hundreds at first: float32 has no third decimal of that.
        along = max(along, float((np.abs(here - formula) / np.maximum(np.abs(formula), 1)).max()))
        apart.append(abs(last_epoch(here, recipe) - last_epoch(other.losses, recipe)))
    worst = int(np.argmax(apart))
    itself = 0.0
    for recipe, other, distance in zip(recipes, plain, apart, strict=True):
        if distance >= SAME_LOSS:
            again = [float(loss) for loss in plain_training(points, recipe, fused=True)[1]]
            itself = max(itself, abs(last_epoch(again, recipe) - last_epoch(other.losses, recipe)))
    near = sum(a < SAME_LOSS for a in apart)
    return [
        Line(
            "loss of every batch against the formula at the same place: the largest difference, by the loss "
            "where that is above 1",
            ratio=f"{along:.1e}",
            claim=f"within {SAME_LOSS:.0e}",
            holds=along < SAME_LOSS,
        ),
        Line(
            f"mean loss of the last epoch, each on its own way: {near} of {len(apart)} within "
            f"{SAME_LOSS:.0e}; the largest difference ({recipes[worst].config_id})",
            ratio=f"{apart[worst]:.1e}",
        ),
        Line("  of those further apart, the plain side from itself with fused AdamW", ratio=f"{itself:.1e}"),
    ]


def followed(points: Points, recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """The loss of every batch on our way down, as we have it and by the formula."""
    match, is_text = torch.from_numpy(points.match), torch.from_numpy(points.modality == "text")
    here: list[float] = []
    formula: list[float] = []

    def told(batch: torch.Tensor, z: torch.Tensor, loss: torch.Tensor) -> None:
        here.append(float(loss))
        formula.append(float(plain_loss(z, match[batch], is_text[batch], recipe)))

    train(points.vectors, points.modality, points.match, recipe, on_batch=told)
    return np.array(here), np.array(formula)


def last_epoch(losses: list[float] | np.ndarray, recipe: Recipe) -> float:
    return float(np.mean(losses[-(len(losses) // recipe.epochs) :]))


def same_figures(corpus: Corpus, trained: list[TrainedAdapter], plain: list[Judged]) -> list[Line]:
    """Whether our figures of our adapters are those of full sorts, and how far the two sides' part."""
    val, both = corpus.points("val"), corpus.points(("train", "val"))
    off, apart, offset = [], [], 0.0
    for one, other in zip(trained, plain, strict=True):
        c = one.candidate
        figures = (c.coherence, c.abs_bias, c.cross_modal_r_precision)
        z = apply(val.vectors, val.modality, one.weights)
        sorted_in_full = notebook.headline(z, val.modality, val.match, JUDGING)
        off.append(differences(figures, sorted_in_full))
        apart.append(differences(figures, other.figures))
        z = apply(both.vectors, both.modality, one.weights)
        plainly = notebook.offsets(z, both.modality, both.match, CALIBRATING)
        offset = max(offset, *(abs(plainly[m] - one.calibration.offset[m]) for m in MODALITIES))
    largest, (coherence, bias, crossing) = np.max(off), np.max(apart, axis=0)
    return [
        Line(
            "validation figures of our adapters against full sorts: the largest difference",
            ratio=f"{largest:.1e}",
            claim=f"within {SAME_FIGURE:.0e}",
            holds=bool(largest < SAME_FIGURE),
        ),
        Line(
            "offsets of our adapters against full sorts: the largest difference",
            ratio=f"{offset:.1e}",
            claim=f"within {SAME_FIGURE:.0e}",
            holds=offset < SAME_FIGURE,
        ),
        Line(
            "validation figures of the two sides' own adapters: the largest differences of coherence, "
            "|bias| and cross-modal R-precision",
            ratio=f"{coherence:.4f}, {bias:.4f}, {crossing:.4f}",
        ),
    ]


def differences(mine: tuple[float | None, ...], other: tuple[float, ...]) -> list[float]:
    """None, for what could not be judged, is as far off as can be."""
    return [np.inf if a is None else abs(a - b) for a, b in zip(mine, other, strict=True)]
