"""The paper's losses and ours.

Each is given twice: as a formula on similarities, for reference, and as a function of the sums in that
formula with its gradients, for training.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def info_nce(similarity: "Tensor", positive: "Tensor", negative: "Tensor", temperature: float) -> "Tensor":
    """Compute InfoNCE as in the paper (Eq. 1), averaged over the anchors that have a positive and a negative.

    ``L(q) = -log sum_pos exp(sim(q, pos) / tau) + log sum_neg exp(sim(q, neg) / tau)``

    The denominator has no positive, unlike that of van den Oord et al. 2018, so the loss is not bounded below
    by zero.

    Args:
        similarity: shape (n, n), cosines of anchors (rows) with all points of the batch.
        positive: shape (n, n), true where the column is a positive of the row.
        negative: shape (n, n), true where it is a negative.
        temperature: tau, above 0.

    Returns:
        A scalar; zero, with zero gradient, where no anchor has both a positive and a negative.
    """
    import torch

    usable = positive.any(dim=1) & negative.any(dim=1)
    if not bool(usable.any()):
        return similarity.sum() * 0
    logits = similarity[usable] / temperature
    # -inf drops a term from the sum inside logsumexp, which keeps large exponents finite.
    pull = torch.logsumexp(logits.masked_fill(~positive[usable], -torch.inf), dim=1)
    push = torch.logsumexp(logits.masked_fill(~negative[usable], -torch.inf), dim=1)
    return (push - pull).mean()


def ratio_balance(
    similarity: "Tensor", same_modality: "Tensor", others: "Tensor", temperature: float
) -> "Tensor":
    """Compute the paper's balance term (Eq. 3), made differentiable: same- by other-modality retrievals.

    The paper's counts of retrieved items have no gradient. Here they are softmax weights over the batch,
    ``w_qj = exp(sim(q, j) / tau) / sum_i exp(sim(q, i) / tau)``, and the term is
    ``mean_q sum_same w / sum_other w``. It approaches its infimum, 0, as all retrievals become of the other
    modality: its minimum is not parity.

    Args:
        similarity: shape (n, n).
        same_modality: shape (n, n), true where both have the same modality.
        others: shape (n, n), true except on the diagonal.
        temperature: tau, above 0.

    Returns:
        A scalar; zero, with zero gradient, where no anchor has items of both modalities.
    """
    import torch

    logits = similarity / temperature
    same = torch.logsumexp(logits.masked_fill(~(same_modality & others), -torch.inf), dim=1)
    other = torch.logsumexp(logits.masked_fill(same_modality, -torch.inf), dim=1)
    usable = torch.isfinite(same) & torch.isfinite(other)
    if not bool(usable.any()):
        return similarity.sum() * 0
    return torch.exp(same[usable] - other[usable]).mean()


def share_balance(
    similarity: "Tensor", same_modality: "Tensor", positive: "Tensor", temperature: float
) -> "Tensor":
    """Compute a balance term whose minimum is parity: ``mean_q KL(available || retrieved)`` within q's match.

    *Available* is the share of q's modality among the other items of its match in the batch, *retrieved* its
    share under the softmax over them. The term is zero where the two are equal.

    Args:
        similarity: shape (n, n).
        same_modality: shape (n, n), true where both have the same modality.
        positive: shape (n, n), true where the column is another item of the row's match.
        temperature: tau, above 0.

    Returns:
        A scalar; zero, with zero gradient, where no anchor's match has other items of both modalities.
    """
    import torch

    logits = similarity / temperature
    mine, theirs = positive & same_modality, positive & ~same_modality
    usable = mine.any(dim=1) & theirs.any(dim=1)
    if not bool(usable.any()):
        return similarity.sum() * 0
    logits, mine, theirs = logits[usable], mine[usable], theirs[usable]
    log_mine = torch.logsumexp(logits.masked_fill(~mine, -torch.inf), dim=1)
    log_theirs = torch.logsumexp(logits.masked_fill(~theirs, -torch.inf), dim=1)
    log_all = torch.logaddexp(log_mine, log_theirs)
    available = mine.sum(dim=1) / (mine.sum(dim=1) + theirs.sum(dim=1))
    divergence = available * (available.log() - log_mine + log_all) + (1 - available) * (
        (1 - available).log() - log_theirs + log_all
    )
    return divergence.mean()


def info_nce_gradients(positive: "Tensor", negative: "Tensor") -> "tuple[Tensor, Tensor, Tensor]":
    """Compute :func:`info_nce` and its gradients from its two sums, without masked matrices.

    Args:
        positive: shape (n,), ``sum_pos exp(sim(q, pos) / tau)``; 0 where q has no positive.
        negative: shape (n,), the same over negatives.

    Returns:
        The loss, and its gradients by ``positive`` and ``negative``, shape (n,) each.
    """
    share, pos, neg = _mean_of_usable(positive, negative)
    return share @ (neg.log() - pos.log()), -share / pos, share / neg


def ratio_balance_gradients(same: "Tensor", other: "Tensor") -> "tuple[Tensor, Tensor, Tensor]":
    """Compute :func:`ratio_balance` and its gradients by its two sums, shape (n,) each."""
    share, same, other = _mean_of_usable(same, other)
    gradient = share / other
    return gradient @ same, gradient, -gradient * same / other


def share_balance_gradients(
    mine: "Tensor", theirs: "Tensor", available: "Tensor"
) -> "tuple[Tensor, Tensor, Tensor]":
    """Compute :func:`share_balance` and its gradients by ``mine`` and ``theirs``.

    Args:
        mine: shape (n,), the sum of ``exp(sim / tau)`` over the other items of q's match with q's modality.
        theirs: shape (n,), the same over those with another.
        available: shape (n,), the share of q's modality among them; ignored where a sum is 0.

    Returns:
        The loss, and its gradients, shape (n,) each.
    """
    import torch

    share, mine, theirs = _mean_of_usable(mine, theirs)
    both = mine + theirs
    divergence = torch.xlogy(available, available * both / mine) + torch.xlogy(
        1 - available, (1 - available) * both / theirs
    )
    return (
        share @ divergence,
        share * (1 / both - available / mine),
        share * (1 / both - (1 - available) / theirs),
    )


def _mean_of_usable(a: "Tensor", b: "Tensor") -> "tuple[Tensor, Tensor, Tensor]":
    """Return the weights of anchors in a mean over those where neither sum is 0, and the sums without 0."""
    usable = (a > 0) & (b > 0)
    # Where the weight is 0 any sum will do, except one that makes the product 0 times infinity.
    return usable / usable.sum().clamp_min(1), a.where(usable, 1.0), b.where(usable, 1.0)
