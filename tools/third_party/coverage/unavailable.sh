#!/bin/sh
echo "bazel coverage needs upstream's remote_coverage_tools, which this workspace does not fetch." >&2
exit 1
