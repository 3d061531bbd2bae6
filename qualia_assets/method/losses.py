"""The paper's losses and ours, the formula and little else.

Each stands here twice: as a formula on similarities, to be read, and on the sums that it is made of with
its slopes by them, to train by.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def info_nce(similarity: "Tensor", positive: "Tensor", negative: "Tensor", temperature: float) -> "Tensor":
    """InfoNCE as the paper has it (Eq. 1), averaged over the anchors that have a positive.

    ``L(q) = -log sum_pos exp(sim(q, pos) / tau) + log sum_neg exp(sim(q, neg) / tau)``

    There is no positive in the denominator, so the loss has no floor at zero (van den Oord et al.
    2018 have one there).

    Args:
        similarity: shape (n, n), cosine of every anchor (row) to every point of the batch.
        positive: shape (n, n), true where the column is a positive of the row.
        negative: shape (n, n), true where it is a negative.
        temperature: tau, above 0.

    Returns:
        A scalar; zero with a gradient of zero where no anchor has both a positive and a negative.
    """
    import torch

    usable = positive.any(dim=1) & negative.any(dim=1)
    if not bool(usable.any()):
        return similarity.sum() * 0
    logits = similarity[usable] / temperature
    # -inf leaves a term out of the sum inside logsumexp, which keeps large exponents finite.
    pull = torch.logsumexp(logits.masked_fill(~positive[usable], -torch.inf), dim=1)
    push = torch.logsumexp(logits.masked_fill(~negative[usable], -torch.inf), dim=1)
    return (push - pull).mean()


def ratio_balance(
    similarity: "Tensor", same_modality: "Tensor", others: "Tensor", temperature: float
) -> "Tensor":
    """The paper's balance term (Eq. 3), made differentiable: retrieved of one's modality by the other.

    As the paper has it, counts of what is retrieved, it has no gradient. Here what is retrieved is the
    softmax over the batch, ``w_qj = exp(sim(q, j) / tau) / sum_i exp(sim(q, i) / tau)``, and the term is
    ``mean_q sum_same w / sum_other w``. It falls without end as everything retrieved becomes of the
    other modality: its minimum is not parity.

    Args:
        similarity: shape (n, n).
        same_modality: shape (n, n), true where both are of one modality.
        others: shape (n, n), true but for the anchor itself.
        temperature: tau.
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
    """A balance term whose minimum is parity: ``mean_q KL(available || retrieved)`` in q's own match.

    Available is the share of q's modality among the other items of its match in the batch, retrieved
    the share of it under the softmax over them. Zero where each is found as often as it is there.

    Args:
        similarity: shape (n, n).
        same_modality: shape (n, n), true where both are of one modality.
        positive: shape (n, n), true where the column is another item of the row's match.
        temperature: tau.
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


def info_nce_slopes(positive: "Tensor", negative: "Tensor") -> "tuple[Tensor, Tensor, Tensor]":
    """:func:`info_nce` from what it sums, and its slopes, so that training needs no masked matrices.

    Args:
        positive: shape (n,), ``sum_pos exp(sim(q, pos) / tau)``; 0 where q has no positive.
        negative: the same of the negatives.

    Returns:
        The loss, and its derivatives by ``positive`` and by ``negative``.
    """
    share, pos, neg = _mean_of_usable(positive, negative)
    return share @ (neg.log() - pos.log()), -share / pos, share / neg


def ratio_balance_slopes(same: "Tensor", other: "Tensor") -> "tuple[Tensor, Tensor, Tensor]":
    """:func:`ratio_balance` from its two sums, shape (n,), and its derivatives by them."""
    share, same, other = _mean_of_usable(same, other)
    slope = share / other
    return slope @ same, slope, -slope * same / other


def share_balance_slopes(
    mine: "Tensor", theirs: "Tensor", available: "Tensor"
) -> "tuple[Tensor, Tensor, Tensor]":
    """:func:`share_balance` from its two sums, and its derivatives by them.

    Args:
        mine: shape (n,), the sum over the other items of q's match that have q's modality.
        theirs: over those that have another.
        available: shape (n,), the share of q's modality among them; any number where one sum is 0.
    """
    import torch

    share, mine, theirs = _mean_of_usable(mine, theirs)
    both = mine + theirs
    divergence = torch.xlogy(available, available * both / mine) + torch.xlogy(
        1 - available, (1 - available) * both / theirs
    )
    usual = 1 / both
    return share @ divergence, share * (usual - available / mine), share * (usual - (1 - available) / theirs)


def _mean_of_usable(a: "Tensor", b: "Tensor") -> "tuple[Tensor, Tensor, Tensor]":
    """What each anchor counts for: the same if neither sum is 0, else nothing. And the sums without 0."""
    usable = (a > 0) & (b > 0)
    # Where an anchor counts for nothing, any sum will do but one that makes it 0 times infinity.
    return usable / usable.sum().clamp_min(1), a.where(usable, 1.0), b.where(usable, 1.0)
