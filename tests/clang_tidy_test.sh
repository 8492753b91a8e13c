#!/usr/bin/env bash
# Static analysis of the sources with the profile of .clang-tidy: no finding.
#
#   tests/clang_tidy_test.sh            # all sources: an hour of one core
#   tests/clang_tidy_test.sh FILE...    # these
#   JOBS=4 tests/clang_tidy_test.sh     # at once; one is the default
#
# Needs clang-tidy (apt: clang-tidy), without which it says SKIPPED and exits with
# 77. The flags are those of Bazel's compile commands, and its generated headers are
# built before. Exits with 1 if there is a finding.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v clang-tidy > /dev/null || {
  echo "SKIPPED: no clang-tidy; apt-get install clang-tidy"
  exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
./tools/bazel build //proto/...
./tools/compile_commands > "$work/all.json"

# The commands of hand-written sources, without the flags that only GCC knows; the
# names of the sources on standard output.
cat > "$work/select.py" << 'END'
import json
import os
import sys

folder, wanted = sys.argv[1], {os.path.abspath(name) for name in sys.argv[2:]}
with open(os.path.join(folder, "all.json"), encoding="utf-8") as file:
    commands = json.load(file)
selected = {}
for command in commands:
    path = command["file"]
    if not path.startswith(os.getcwd() + "/") or (wanted and path not in wanted):
        continue
    # Bazel's execution root has only what the last build needed.
    command["directory"] = os.getcwd()
    command["arguments"] = [
        argument for argument in command["arguments"]
        if argument != "-fno-canonical-system-headers"]
    # -O0 of tests would warn of _FORTIFY_SOURCE in each.
    command["arguments"] += ["-Wno-unknown-warning-option", "-U_FORTIFY_SOURCE"]
    selected.setdefault(path, command)
with open(os.path.join(folder, "compile_commands.json"), "w",
          encoding="utf-8") as file:
    json.dump(list(selected.values()), file)
missing = wanted - set(selected)
if missing:
    sys.exit("no target compiles " + ", ".join(sorted(missing)))
print("\n".join(sorted(selected)))
END
python3 "$work/select.py" "$work" "$@" > "$work/files"
echo "clang-tidy: $(wc -l < "$work/files") files"

status=0
# Standard error has only counts of findings in headers of others.
xargs -d '\n' -P "${JOBS:-1}" -n 1 nice -n 19 \
  clang-tidy --quiet --config-file=.clang-tidy -p "$work" \
  < "$work/files" > "$work/findings" 2> "$work/errors" || status=$?
# A header's finding is found with each file that includes it.
grep -E '(warning|error):' "$work/findings" | sort -u || true
found=$(grep -E '(warning|error):' "$work/findings" | sort -u | wc -l)
if [ "$status" != 0 ] && [ "$found" = 0 ]; then
  cat "$work/errors"
  found=1
fi
echo "clang-tidy: $found findings"
[ "$found" = 0 ]
