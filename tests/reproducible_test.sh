#!/usr/bin/env bash
# Builds the binaries twice and compares their bytes. The two builds share nothing
# but the sources and the machine: other folders, output bases, home folders,
# users' variables, umask, time zone and language, no cache, and another day on
# the files.
#
#   tests/reproducible_test.sh [TARGET...] [-- FLAG...]   # flags for both builds
#
# Needs some 10 minutes of two cores for each build. Exits with 1 and the names of
# the files that differ if a binary differs; the folders are then kept.
set -euo pipefail
cd "$(dirname "$0")/.."

targets=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  targets+=("$1")
  shift
done
[ $# = 0 ] || shift
[ "${#targets[@]}" -gt 0 ] || targets=(//tools:tokenjoule //tools:tokenjoule_static)

work=$(mktemp -d)
# Copies the files under version control, with a time stamp of their own.
copy() { # FOLDER TIME
  mkdir -p "$1"
  git ls-files -z | xargs -0 cp --parents -P -t "$1"
  find "$1" -type f -exec touch -d "$2" {} +
}

# Bazel with a server, caches and outputs of its own, in the environment that
# `environment` says.
build() { # FOLDER ROOT_OF_OUTPUTS VERB ARGUMENT...
  local folder=$1 base=$2 verb=$3
  shift 3
  (cd "$folder" && env -i PATH="$PATH" "${environment[@]}" \
    ./tools/bazel --nohome_rc --output_user_root="$base" "$verb" "$@")
}

failed=0
first=$work/a second=$work/folder/of/another/length
copy "$first" 2020-02-29
copy "$second" "2031-12-31 23:59:59"
umask 022
environment=(HOME="$work/home" USER=first TZ=UTC LC_ALL=C)
mkdir -p "$work/home"
build "$first" "$work/base-a" build "${targets[@]}" "$@"
first_bin=$(build "$first" "$work/base-a" info bazel-bin)
build "$first" "$work/base-a" shutdown
umask 077
environment=(HOME=/nonexistent USER=second LOGNAME=second TZ=Asia/Kathmandu
  LC_ALL=C.UTF-8 LANG=C.UTF-8 SOURCE_DATE_EPOCH=1 CXXFLAGS=-DX CPLUS_INCLUDE_PATH=/tmp)
build "$second" "$work/other/base" build "${targets[@]}" "$@"
second_bin=$(build "$second" "$work/other/base" info bazel-bin)
build "$second" "$work/other/base" shutdown

for target in "${targets[@]}"; do
  path=${target#//}
  path=${path/://}
  if cmp "$first_bin/$path" "$second_bin/$path"; then
    echo "the same bytes: $target $(sha256sum < "$first_bin/$path" | cut -c1-64)"
  else
    echo "FAILED: $target differs"
    failed=1
  fi
done
if [ "$failed" = 1 ]; then
  (cd "$first_bin" && find . -name '*.o' -o -name '*.a' -o -name '*.cc' -o -name '*.h') |
    while read -r file; do
      cmp -s "$first_bin/$file" "$second_bin/$file" || echo "differs: $file"
    done
  echo "kept: $work"
  exit 1
fi
chmod -R u+w "$work"
rm -rf "$work"
