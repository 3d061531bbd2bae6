"""Tests, in the places of the modules they are about."""

import os

# Nothing may be fetched, and tests run beside one another: one thread each. Set here, before anything
# is loaded: libraries read their number of threads once.
os.environ.update(
    HF_HUB_OFFLINE="1",
    QUALIA_THREADS="1",
    OMP_NUM_THREADS="1",
    OPENBLAS_NUM_THREADS="1",
    DAGSTER_DISABLE_TELEMETRY="yes",
)
