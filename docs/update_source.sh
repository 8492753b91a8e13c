#!/usr/bin/env bash
# `bazel run //docs:update`: regenerates the documents in the source tree.
set -euo pipefail
exec "$2" "$1" "${BUILD_WORKSPACE_DIRECTORY:?run me with bazel run}"
