#!/usr/bin/env bash
# Regenerates the output of the binary in the documents of a repository:
# README.md, docs/*.md and docs/studies/*.md.
#
#   update.sh TOOL ROOT
#
# A document marks its figures with the commands that print them:
#
#   $ COMMAND                in a code block: the output of the command follows
#   <!-- answer: COMMAND --> the next code block is the output of the command
#   <!-- chart: COMMAND > FILE -->    the file is the output of the command
#   <!--=WORDS-->12.2<!--/-->         the figure is the output of the words, run
#                                     as a command
#
# Commands are bash and run in the document's own folder. `tokenjoule` is the
# binary, docs/figures.sh has functions that extract a figure from an answer,
# and a block of the document
#
#   <!-- figures
#   ...
#   -->
#
# defines functions that its figures use. Flags must be in that block, because
# GitHub does not accept "--" inside a comment within a line. A figure is on one
# line and does not begin it, because there the comment would end the paragraph.
#
# `bazel run //docs:update` does so in the source tree; a test fails if the
# documents differ from the output of this script. If a command fails or a
# figure is empty, the script reports the place and stops.
set -euo pipefail
export LC_ALL=C
# Commands run in the document's folder, not in that of the caller of `bazel
# run`.
unset BUILD_WORKING_DIRECTORY

tool=$(realpath "$1")
root=$(realpath "$2")
# A folder for temporary files of commands.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/answers"

# Runs the binary. Many figures come from the same answer, which is computed
# once and kept, unless the command writes files.
tokenjoule() {
  case " $* " in
    *' --out='* | *' --update '* | *"$scratch"*) "$tool" "$@" < /dev/null; return ;;
  esac
  local key
  key=$scratch/answers/$(printf '%s\n' "$PWD" "$@" | cksum | tr ' ' -)
  if [[ ! -e $key ]]; then
    # An answer with a non-zero exit code is printed and not kept.
    "$tool" "$@" < /dev/null > "$key.new" || { local code=$?; cat "$key.new"; return $code; }
    mv "$key.new" "$key"
  fi
  cat "$key"
}

# shellcheck source=docs/figures.sh
source "$root/docs/figures.sh"

# Runs a command of line `number` of `document`; on failure reports the place.
answer() {
  local command=$1 status=0
  # Not inside `if` or `||`, where `set -e` has no effect.
  set +e
  (set -e; eval "$command")
  status=$?
  set -e
  if [[ $status != 0 ]]; then
    echo "$document:$number: exit code $status of: $command" >&2
    exit 1
  fi
}

# Regenerates the figures in `line`.
figures() {
  local rest=$line out='' command value
  if [[ $line =~ ^' '{0,3}'<!--=' ]]; then
    echo "$document:$number: a figure begins the line, which ends the paragraph" >&2
    exit 1
  fi
  while [[ $rest == *'<!--='* ]]; do
    out+=${rest%%<!--=*}'<!--='
    rest=${rest#*<!--=}
    if [[ $rest != *'-->'*'<!--/-->'* ]]; then
      echo "$document:$number: a figure has no end on its line" >&2
      exit 1
    fi
    command=${rest%%-->*}
    rest=${rest#*<!--/-->}
    value=$(answer "$command")
    if [[ -z $value || $value == *$'\n'* ]]; then
      echo "$document:$number: \"$value\" is no figure: $command" >&2
      exit 1
    fi
    out+="$command-->$value<!--/-->"
  done
  printf '%s\n' "$out$rest"
}

# Prints the document with every answer regenerated.
answered() {
  local line command number=0
  # Whether lines belong to an old answer, and the command of the next block.
  local skipping=no pending='' fence=no
  while IFS= read -r line; do
    number=$((number + 1))
    if [[ $line == '```'* ]]; then
      skipping=no
      if [[ $fence == no ]]; then fence=yes; else fence=no; fi
      printf '%s\n' "$line"
      if [[ $fence == yes && -n $pending ]]; then
        answer "$pending"
        pending=''
        skipping=yes
      fi
      continue
    fi
    if [[ $fence == yes ]]; then
      if [[ $line == '$ '* ]]; then
        printf '%s\n' "$line"
        answer "${line#\$ }"
        skipping=yes
      elif [[ $skipping == no ]]; then
        printf '%s\n' "$line"
      fi
      continue
    fi
    case $line in
      '<!-- chart: '*' -->')
        command=${line#<!-- chart: }
        answer "${command% -->}"
        printf '%s\n' "$line"
        ;;
      '<!-- answer: '*' -->')
        pending=${line#<!-- answer: }
        pending=${pending% -->}
        printf '%s\n' "$line"
        ;;
      *'<!--='*) figures ;;
      *) printf '%s\n' "$line" ;;
    esac
  done
}

# The block with the functions of a document.
definitions() {
  sed -n '/^<!-- figures$/,/^-->$/p' "$1" | sed '1d;$d'
}

for document in "$root"/README.md "$root"/docs/*.md "$root"/docs/studies/*.md; do
  (
    cd "$(dirname "$document")"
    eval "$(definitions "$document")"
    answered < "$document" > "$scratch/document"
    # The file keeps its mode; a file that is current is not touched.
    cmp -s "$scratch/document" "$document" || cat "$scratch/document" > "$document"
  )
done
