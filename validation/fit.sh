#!/usr/bin/env bash
# Repeats the joint fit of runtimes and machines in the source tree:
#
#   ./tools/bazel run //validation:fit
#
# Arguments are added to those of `tokenjoule calibrate --all`.
set -euo pipefail

tool=$(realpath "$1")
shift
root=${BUILD_WORKSPACE_DIRECTORY:?run this with bazel run}
cd "$root"
unset BUILD_WORKING_DIRECTORY
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT
"$tool" calibrate --all --measurements=validation --out-dir=. "$@" > "$errors"
# A fit that was not cross-validated leaves the errors of the last one alone.
if grep -q '^ *machine ' "$errors"; then
  sed -n '/^Absolute errors/,$p' "$errors" > validation/errors.txt
fi
cat "$errors"
