#!/usr/bin/env bash
# Tests that the documents equal the output of update.sh. Runs in the runfiles.
set -euo pipefail

tool=$1
update=$2
copy=$TEST_TMPDIR/repository
mkdir "$copy"
cp -RL README.md docs hw_specs models runtimes tests validation "$copy"
chmod -R u+w "$copy"
"$update" "$tool" "$copy"
stale=no
for file in README.md docs/*.md docs/studies/*.md docs/studies/*.svg; do
  diff -u "$file" "$copy/$file" || stale=yes
done
if [[ $stale == yes ]]; then
  echo "the documents are not current: ./tools/bazel run //docs:update"
  exit 1
fi
