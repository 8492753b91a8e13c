#!/usr/bin/env bash
# Checks with clang what g++ does not look at, so that `--config=fuzz` builds: a format
# string that is not written where it is used must be a constant expression (Abseil
# checks format strings with clang only), attributes of functions can be combined, the
# fuzz targets compile. Reads syntax only, and only the files where these can be wrong:
# some twenty seconds of one core.
#
#   tests/clang_test.sh          # or ./tools/bazel test //tests:clang_test
#   tests/clang_test.sh --all    # every file that formats: types of arguments too; minutes
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

# Calls whose format is not a literal, after an argument for the output if any.
formats='Str(Append)?Format\((?!\s*(&?[\w.>()*-]+,\s*)?R?")'
[ "${1:-}" != --all ] || formats='Str(Append)?Format\('
mapfile -t files < <(
  grep -rlPz "$formats" --include='*.cc' --include='*.h' analyzer tools || true
  grep -rl '^VECTOR_CLONES' --include='*.cc' analyzer
  ls tests/attack/*.cc
)
# A search that finds too little would check too little.
[ "${#files[@]}" -ge 12 ] || {
  echo "found only ${#files[@]} files below $PWD" >&2
  exit 1
}

flags=(-std=c++17 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare
  -isystem/usr/include/eigen3 -I. -I"$work")
# What most files include, read once.
cat > "$work/common.h" << 'EOF'
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "proto/report.pb.h"
#include "proto/space.pb.h"
EOF
clang++ "${flags[@]}" -x c++-header "$work/common.h" -o "$work/common.pch"
printf '%s\0' "${files[@]}" |
  xargs -0 -n 4 -P "$(nproc)" clang++ "${flags[@]}" -fsyntax-only \
    -Wno-pragma-once-outside-header -include-pch "$work/common.pch" || {
  echo "clang cannot compile a file above; ./tools/bazel build --config=fuzz" \
    "//tests/attack:fuzz would fail" >&2
  exit 1
}
echo "${#files[@]} files"
