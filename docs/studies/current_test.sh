#!/usr/bin/env bash
# The studies are what update.sh would write. Runs in the runfiles.
set -euo pipefail

tool=$1
update=$2
copy=$TEST_TMPDIR/studies
mkdir "$copy"
cp -L docs/studies/*.md docs/studies/*.svg "$copy"
chmod -R u+w "$copy"
"$update" "$tool" "$copy"
for file in "$copy"/*; do
  if ! diff -u "docs/studies/$(basename "$file")" "$file"; then
    echo "docs/studies is not current: ./tools/bazel run //docs/studies:update"
    exit 1
  fi
done
