#!/usr/bin/env bash
# HDBSCAN's max_cluster_size turns a cluster that is too large and has no sub-clusters into noise.
#
# Expected: a cluster above the limit is split, or kept where nothing in it can be split.
# Instead: each of its points gets the label -1, though they form the densest and most persistent group there is.
# The same is true of scikit-learn's HDBSCAN. Whoever limits the size of clusters must look at the share of noise.
# Versions: hdbscan 0.8.44, scikit-learn 1.9.1, numpy 2.4.6.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
  hdbscan==0.8.44 scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1 joblib==1.6.0 threadpoolctl==3.8.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import hdbscan
import numpy as np
import sklearn.cluster

print("hdbscan", version("hdbscan"), "| scikit-learn", version("scikit-learn"), "| numpy", version("numpy"))
rng = np.random.default_rng(0)
large = rng.normal(size=(200, 2))
small = [rng.normal(size=(60, 2)) / 2 + centre for centre in ([12, 0], [12, 12])]
points = np.concatenate([large, *small])
as_stated = True
for library, model in (
    ("hdbscan", lambda **limit: hdbscan.HDBSCAN(min_cluster_size=40, **limit)),
    ("scikit-learn", lambda **limit: sklearn.cluster.HDBSCAN(min_cluster_size=40, copy=True, **limit)),
):
    free = model().fit(points).labels_
    limited = model(max_cluster_size=100).fit(points).labels_
    for name, labels in (("no limit", free), ("max_cluster_size=100", limited)):
        sizes = {int(label): int((labels == label).sum()) for label in np.unique(labels)}
        print(f"{library}, {name}: points by label {sizes}; noise among the 200: {(labels[:200] == -1).sum()}")
    as_stated &= bool((free[:200] != -1).all() and (limited[:200] == -1).all() and (limited[200:] != -1).all())
print("as stated" if as_stated else "NOT as stated")
raise SystemExit(not as_stated)
PYTHON
