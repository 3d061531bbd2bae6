"""Keywords that distinguish a cluster, and labels made of them."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from qualia_assets.method.clustering import NOISE
from qualia_assets.method.neighbours import Floats, Ints

_WORD = re.compile(r"[^\W\d_][\w'-]*[^\W_]")


def words(text: str) -> list[str]:
    """Return the content words of a text: lower case, at least three letters, no function words."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    candidates = (w.removesuffix("'s") for w in _WORD.findall(text.lower()))
    return [w for w in candidates if len(w) > 2 and w not in ENGLISH_STOP_WORDS]


def keywords(terms: Sequence[Sequence[str]], cluster: Ints, most: int = 8) -> dict[int, list[str]]:
    """Find the terms that distinguish each cluster from all items, the strongest first.

    ``w(t, c) = p(t | c) log(p(t | c) / p(t))``, the term's contribution to the Kullback-Leibler divergence of
    the cluster from all items (Tomokiyo & Hurst 2003), with ``p`` the share of items that have the term. Only
    terms of at least two of the cluster's items, and more frequent in it than overall, count.

    Args:
        terms: of each item.
        cluster: shape (n,).
        most: terms per cluster.

    Returns:
        Terms by cluster; noise has none.
    """
    overall = Counter(t for item in terms for t in set(item))
    result = {}
    for c in np.unique(cluster[cluster != NOISE]):
        members = np.flatnonzero(cluster == c)
        inside = Counter(t for i in members.tolist() for t in set(terms[i]))
        weight = {
            t: n / len(members) * math.log((n / len(members)) / (overall[t] / len(terms)))
            for t, n in inside.items()
            if n > 1
        }
        result[int(c)] = sorted((t for t in weight if weight[t] > 0), key=lambda t: (-weight[t], t))[:most]
    return result


def distinct_labels(
    phrases: Mapping[int, Sequence[str]], keywords: Mapping[int, Sequence[str]]
) -> dict[int, str]:
    """Label each cluster uniquely: how it feels, and what it is about.

    Args:
        phrases: by cluster, from its annotations, the strongest first.
        keywords: by cluster, from its items' words, the strongest first.

    Returns:
        ``phrase: keyword, keyword`` by cluster, with more keywords or the cluster's number where two would be
        equal.
    """
    labels: dict[int, str] = {}
    for cluster in sorted(phrases):
        about = _without_shared_prefixes(keywords[cluster])
        for size in range(2, len(about) + 3):
            label = ": ".join(
                part for part in (", ".join(phrases[cluster][:1]), ", ".join(about[:size])) if part
            )
            if label and label not in labels.values():
                break
        labels[cluster] = label if label and label not in labels.values() else f"{label} {cluster}".strip()
    return labels


def _without_shared_prefixes(words_: Sequence[str]) -> list[str]:
    """Drop words that begin like an earlier one (``sea``, ``seaside``)."""
    kept: list[str] = []
    for word in words_:
        if not any(word.startswith(k[:4]) or k.startswith(word[:4]) for k in kept):
            kept.append(word)
    return kept


def exemplars(vectors: Floats, cluster: Ints, most: int = 5) -> dict[int, list[int]]:
    """Find the items nearest to each cluster's mean.

    Args:
        vectors: shape (n, d), unit.
        cluster: shape (n,).
        most: items per cluster.

    Returns:
        Positions by cluster, nearest first; ties go to the smaller.
    """
    out = {}
    for c in np.unique(cluster[cluster != NOISE]):
        members = np.flatnonzero(cluster == c)
        similarity = vectors[members] @ vectors[members].mean(axis=0)
        out[int(c)] = [int(i) for i in members[np.argsort(-similarity, kind="stable")[:most]]]
    return out
