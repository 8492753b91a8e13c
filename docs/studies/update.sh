#!/usr/bin/env bash
# Writes the answers into the studies of a folder: below each line "$ COMMAND"
# of a code block what it prints now, and for each line
# "<!-- chart: COMMAND > FILE -->" the file.
#
#   update.sh TOOL FOLDER
#
# `bazel run //docs/studies:update` does it in the source tree; a test fails
# where the studies are not what this would write.
set -euo pipefail
export LC_ALL=C

tool=$(realpath "$1")
folder=$(realpath "$2")
tokenjoule() { "$tool" "$@"; }

# The file with every answer anew, on stdout.
answered() {
  local line skipping=no
  while IFS= read -r line; do
    if [[ $line == '```' ]]; then skipping=no; fi
    case $line in
      '$ '*)
        printf '%s\n' "$line"
        eval "${line#\$ }" < /dev/null
        skipping=yes
        ;;
      '<!-- chart: '*' -->')
        local command=${line#<!-- chart: }
        eval "${command% -->}" < /dev/null
        printf '%s\n' "$line"
        ;;
      *)
        if [[ $skipping == no ]]; then printf '%s\n' "$line"; fi
        ;;
    esac
  done
}

cd "$folder"
for study in *.md; do
  answered < "$study" > "$study.new"
  mv "$study.new" "$study"
done
