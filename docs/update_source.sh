#!/usr/bin/env bash
# `bazel run //docs:update`: the documents of the source tree anew.
set -euo pipefail
exec "$2" "$1" "${BUILD_WORKSPACE_DIRECTORY:?run me with bazel run}"
