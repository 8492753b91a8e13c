#!/usr/bin/env bash
# Checks with clang what g++ does not look at, so that `--config=fuzz` builds: format
# strings are literals and agree with their arguments (Abseil checks that with clang
# only), attributes of functions can be combined, the fuzz targets compile. Reads
# syntax only, and only the files that format strings, clone functions for several
# processors or fuzz: a minute of one core.
#
#   tests/clang_test.sh            # or ./tools/bazel test //tests:clang_test
#   tests/clang_test.sh FILE...    # other files
#
# Skipped, with a line that says so, where there is no clang++ (apt: clang).
set -euo pipefail
# In a test this is a link to the file in the workspace, as in includes_test.sh.
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

command -v clang++ > /dev/null || {
  echo "SKIPPED: clang++ is not installed, so nothing was checked (apt: clang)" >&2
  exit 0
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
protoc --cpp_out="$work" proto/*.proto

if [ $# -gt 0 ]; then
  files=("$@")
else
  mapfile -t files < <(grep -rlE 'Str(Append)?Format\(|VECTOR_CLONES' \
    --include='*.cc' analyzer tools | grep -vE '_(test|benchmark)\.cc$'
  ls tests/attack/*.cc)
  # A grep that finds too little would check too little.
  [ "${#files[@]}" -gt 60 ] || {
    echo "found only ${#files[@]} files below $PWD" >&2
    exit 1
  }
fi

flags=(-std=c++17 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare
  -isystem/usr/include/eigen3 -I. -I"$work")
# What most files include, read once: it halves the time.
cat > "$work/common.h" << 'EOF'
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "proto/measurement.pb.h"
#include "proto/report.pb.h"
#include "proto/space.pb.h"
#include "proto/study.pb.h"
EOF
clang++ "${flags[@]}" -x c++-header "$work/common.h" -o "$work/common.pch"
printf '%s\0' "${files[@]}" |
  xargs -0 -n 4 -P "$(nproc)" clang++ "${flags[@]}" -fsyntax-only \
    -include-pch "$work/common.pch" || {
  echo "clang cannot compile these files; ./tools/bazel build --config=fuzz" \
    "//tests/attack:fuzz would fail" >&2
  exit 1
}
echo "${#files[@]} files"
