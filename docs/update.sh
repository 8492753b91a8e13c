#!/usr/bin/env bash
# Writes what the binary answers now into the documents of a repository:
# README.md, docs/*.md and docs/studies/*.md.
#
#   update.sh TOOL ROOT
#
# A document says where its figures come from:
#
#   $ COMMAND                in a code block: what the command prints stands below
#   <!-- answer: COMMAND --> the code block that follows is what it prints
#   <!-- chart: COMMAND > FILE -->    the file is what it prints
#   <!--=WORDS-->12.2<!--/-->         the figure is what the words print, run as
#                                     a command
#
# Commands are bash and run in the document's own folder. `tokenjoule` is the
# binary, docs/figures.sh has what picks a figure out of an answer, and a block
# of the document
#
#   <!-- figures
#   ...
#   -->
#
# defines functions that its figures use: GitHub takes no "--" within a line's
# comment, so that flags stand there. A figure is on one line and does not begin
# it, where the comment would end the paragraph.
#
# `bazel run //docs:update` does it in the source tree; a test fails where the
# documents are not what this would write. A command that fails, or a figure that
# is empty, is said with its place and ends it.
set -euo pipefail
export LC_ALL=C
# Commands run in the document's folder, not where `bazel run` is called.
unset BUILD_WORKING_DIRECTORY

tool=$(realpath "$1")
root=$(realpath "$2")
# A folder for files that a command makes on its way.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/answers"

# The binary. Many figures are of one answer, which is computed once; one that
# writes files is not an answer to keep.
tokenjoule() {
  case " $* " in
    *' --out='* | *' --update '* | *"$scratch"*) "$tool" "$@" < /dev/null; return ;;
  esac
  local key
  key=$scratch/answers/$(printf '%s\n' "$PWD" "$@" | cksum | tr ' ' -)
  if [[ ! -e $key ]]; then
    # An answer with another exit code is printed and not kept.
    "$tool" "$@" < /dev/null > "$key.new" || { local code=$?; cat "$key.new"; return $code; }
    mv "$key.new" "$key"
  fi
  cat "$key"
}

# shellcheck source=docs/figures.sh
source "$root/docs/figures.sh"

# Runs a command of line `number` of `document`; says where, if it fails.
answer() {
  local command=$1 status=0
  # Apart from `if` and `||`, where `set -e` means nothing.
  set +e
  (set -e; eval "$command")
  status=$?
  set -e
  if [[ $status != 0 ]]; then
    echo "$document:$number: exit code $status of: $command" >&2
    exit 1
  fi
}

# `line` with its figures anew.
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

# The document with every answer anew, on stdout.
answered() {
  local line command number=0
  # Whether lines are old answers, and the command that the next block answers.
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

# The block of functions of a document.
definitions() {
  sed -n '/^<!-- figures$/,/^-->$/p' "$1" | sed '1d;$d'
}

for document in "$root"/README.md "$root"/docs/*.md "$root"/docs/studies/*.md; do
  (
    cd "$(dirname "$document")"
    eval "$(definitions "$document")"
    answered < "$document" > "$scratch/document"
    # The file keeps its mode; one that is current is not touched.
    cmp -s "$scratch/document" "$document" || cat "$scratch/document" > "$document"
  )
done
