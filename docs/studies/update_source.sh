#!/usr/bin/env bash
# `bazel run //docs/studies:update`: the studies of the source tree anew.
set -euo pipefail
exec "$2" "$1" "${BUILD_WORKSPACE_DIRECTORY:?run me with bazel run}/docs/studies"
