#!/usr/bin/env bash
# On Linux, onnxruntime's first session writes a device id and a queue of telemetry below ~/.cache/Microsoft.
#
# Expected: nothing outside the process. Telemetry of this library used to be Windows only, and
# onnxruntime.disable_telemetry_events() is there to switch it off.
# Instead: creating a session (no run of it is needed) leaves a lasting UUID and an SQLite file of events to be sent,
# with the path of the program among them. disable_telemetry_events(), called first of all, changes nothing, nor does
# ORT_TELEMETRY_DISABLED=1. ORT_DISABLE_TELEMETRY=1 in the environment, set before the first session, does.
# (It is also off where the variable CI is set, as on most build machines, which is why it is easily missed.)
# Versions: onnxruntime 1.32.0, onnx 1.23.2.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2
cat > "$folder/session.py" <<'PYTHON'
import sys

import onnx
import onnxruntime
from onnx import TensorProto, helper

if "api" in sys.argv:
    onnxruntime.disable_telemetry_events()
x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "identity", [x], [y])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
PYTHON
left() { # what a session leaves in an empty home directory
  local home; home=$(mktemp -d -p "$folder")
  env -u CI HOME="$home" XDG_CACHE_HOME= "${@:2}" "$folder/venv/bin/python" "$folder/session.py" "$1"
  (cd "$home" && find . -type f | sort | tr '\n' ' ')
}
files="./.cache/Microsoft/DeveloperTools/.onnxruntime/deviceid ./.cache/Microsoft/DeveloperTools/.onnxruntime/onnxruntime.db "
as_stated=true
check() { # name, expected, found
  echo "$1: ${3:-nothing}"
  [ "$2" = "$3" ] || as_stated=false
}
check "a session" "$files" "$(left plain)"
check "after disable_telemetry_events()" "$files" "$(left api)"
check "with ORT_TELEMETRY_DISABLED=1" "$files" "$(left plain ORT_TELEMETRY_DISABLED=1)"
check "with ORT_DISABLE_TELEMETRY=1" "" "$(left plain ORT_DISABLE_TELEMETRY=1)"
$as_stated && echo "as stated" || { echo "NOT as stated"; exit 1; }
