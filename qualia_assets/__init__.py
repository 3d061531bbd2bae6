"""One person's felt taste, modelled from what they read and save."""

import os

# onnxruntime and the model hub's client otherwise report each process to their makers, onnxruntime with an id
# of this machine, which it writes below the home directory. Both read these before they are first used.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
