"""The paper's losses, the formula and little else."""

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
