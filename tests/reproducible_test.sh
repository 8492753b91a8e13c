#!/usr/bin/env bash
# Builds the binaries twice and compares their bytes. The two builds share nothing
# but the sources and the machine: other folders, outputs, home folders, users'
# variables, umask, time zone and language, no cache, and another day on the files.
#
#   tests/reproducible_test.sh [BINARY...] [-- FLAG...]
#   tests/reproducible_test.sh --against=FOLDER [BINARY...] [-- FLAG...]
#
# BINARY is a label, by default //tools:tokenjoule and //tools:tokenjoule_static;
# flags are for Bazel. --against builds once and compares with the binaries of a
# folder, e.g. bazel-bin/tools, which the same sources and packages made.
#
# A build takes some 10 minutes of two cores. Exits with 1 and the names of the
# files that differ if a binary differs; the builds are then kept.
set -euo pipefail
cd "$(dirname "$0")/.."

against=""
binaries=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  case "$1" in
    --against=*) against=$(cd "${1#--against=}" && pwd -P) ;;
    //*:*) binaries+=("$1") ;;
    *)
      echo "expected --against=FOLDER or a label like //tools:tokenjoule, found $1" >&2
      exit 2
      ;;
  esac
  shift
done
[ $# = 0 ] || shift
[ "${#binaries[@]}" -gt 0 ] || binaries=(//tools:tokenjoule //tools:tokenjoule_static)

work=$(mktemp -d)
# Copies the files under version control, with a time stamp of their own.
copy() { # FOLDER TIME
  mkdir -p "$1"
  git ls-files -z | xargs -0 cp --parents -P -t "$1"
  find "$1" -type f -exec touch -d "$2" {} +
}

# Bazel with a server and outputs of its own, in the environment that
# `environment` says.
bazel() { # FOLDER OUTPUTS VERB ARGUMENT...
  local folder=$1 outputs=$2 verb=$3
  shift 3
  (cd "$folder" && env -i PATH="$PATH" "${environment[@]}" \
    ./tools/bazel --nohome_rc --output_user_root="$outputs" "$verb" "$@")
}

# Builds the binaries and prints the folder of all outputs.
build() { # FOLDER OUTPUTS FLAG...
  local folder=$1 outputs=$2
  shift 2
  bazel "$folder" "$outputs" build "${binaries[@]}" "$@" >&2
  bazel "$folder" "$outputs" info bazel-bin
  bazel "$folder" "$outputs" shutdown
}

# The file of a binary in a folder of outputs, or in the folder of --against.
file_of() { # FOLDER LABEL
  if [ "$1" = "$against" ]; then
    echo "$1/${2##*:}"
  else
    local path=${2#//}
    echo "$1/${path/://}"
  fi
}

first=$against
if [ -z "$against" ]; then
  copy "$work/a" 2020-02-29
  mkdir "$work/home"
  environment=(HOME="$work/home" USER=first TZ=UTC LC_ALL=C)
  first=$(umask 022 && build "$work/a" "$work/outputs" "$@")
fi
copy "$work/folder/of/another/length" "2031-12-31 23:59:59"
environment=(HOME=/nonexistent USER=second LOGNAME=second TZ=Asia/Kathmandu LC_ALL=C.UTF-8
  SOURCE_DATE_EPOCH=1 CXXFLAGS=-DCALLER CPLUS_INCLUDE_PATH=/nonexistent)
second=$(umask 077 && build "$work/folder/of/another/length" "$work/other/outputs" "$@")

failed=0
for binary in "${binaries[@]}"; do
  if cmp "$(file_of "$first" "$binary")" "$(file_of "$second" "$binary")"; then
    echo "the same bytes: $binary $(sha256sum < "$(file_of "$second" "$binary")" | cut -c1-64)"
  else
    echo "FAILED: $binary differs"
    failed=1
  fi
done
if [ "$failed" = 1 ]; then
  if [ -z "$against" ]; then
    (cd "$first" && find . -name '*.o' -o -name '*.cc' -o -name '*.h') | sort |
      while read -r file; do
        cmp -s "$first/$file" "$second/$file" || echo "differs: $file"
      done
  fi
  echo "kept: $work"
  exit 1
fi
chmod -R u+w "$work"
rm -rf "$work"
