"""What sets a cluster apart in words, and a name made of it."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from qualia_assets.method.clustering import NOISE
from qualia_assets.method.neighbours import Floats, Ints

_WORD = re.compile(r"[^\W\d_][\w'-]*[^\W_]")


def words(text: str) -> list[str]:
    """The words of a text that may say something: lower case, three letters and more, no function words."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    found = (w.removesuffix("'s") for w in _WORD.findall(text.lower()))
    return [w for w in found if len(w) > 2 and w not in ENGLISH_STOP_WORDS]


def keywords(terms: Sequence[Sequence[str]], cluster: Ints, most: int = 8) -> dict[int, list[str]]:
    """The terms that set each cluster apart from all items, the strongest first.

    ``w(t, c) = p(t | c) log(p(t | c) / p(t))``, the term's part in the Kullback-Leibler divergence
    of the cluster from the whole (Tomokiyo & Hurst 2003), with ``p`` the share of items that have
    the term. Only terms of at least two of the cluster's items, commoner there than elsewhere.

    Args:
        terms: of each item.
        cluster: shape (n,).
        most: terms a cluster.
    """
    overall = Counter(t for item in terms for t in set(item))
    found = {}
    for c in np.unique(cluster[cluster != NOISE]):
        members = np.flatnonzero(cluster == c)
        inside = Counter(t for i in members.tolist() for t in set(terms[i]))
        weight = {
            t: n / len(members) * math.log((n / len(members)) / (overall[t] / len(terms)))
            for t, n in inside.items()
            if n > 1
        }
        found[int(c)] = sorted((t for t in weight if weight[t] > 0), key=lambda t: (-weight[t], t))[:most]
    return found


def distinct_labels(felt: Mapping[int, Sequence[str]], said: Mapping[int, Sequence[str]]) -> dict[int, str]:
    """A name for each cluster, no two the same: what it feels like, and what it speaks of.

    Args:
        felt: of each cluster, phrases of its annotations, the strongest first.
        said: of each cluster, words of its items, the strongest first.
    """
    labels: dict[int, str] = {}
    for cluster in sorted(felt):
        about = _unlike(said[cluster])
        for size in range(2, len(about) + 3):
            label = ": ".join(
                part for part in (", ".join(felt[cluster][:1]), ", ".join(about[:size])) if part
            )
            if label and label not in labels.values():
                break
        labels[cluster] = label if label and label not in labels.values() else f"{label} {cluster}".strip()
    return labels


def _unlike(words_: Sequence[str]) -> list[str]:
    """The words without those that begin like one before them (``sea``, ``seaside``)."""
    kept: list[str] = []
    for word in words_:
        if not any(word.startswith(k[:4]) or k.startswith(word[:4]) for k in kept):
            kept.append(word)
    return kept


def exemplars(vectors: Floats, cluster: Ints, most: int = 5) -> dict[int, list[int]]:
    """Positions of the items nearest to each cluster's mean, the nearest first."""
    out = {}
    for c in np.unique(cluster[cluster != NOISE]):
        members = np.flatnonzero(cluster == c)
        similarity = vectors[members] @ vectors[members].mean(axis=0)
        out[int(c)] = [int(i) for i in members[np.argsort(-similarity, kind="stable")[:most]]]
    return out
