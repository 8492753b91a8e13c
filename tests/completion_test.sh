#!/usr/bin/env bash
# Completes command lines in real shells with the scripts that `tokenjoule
# completion` prints. Shells that are not installed are named and skipped; bash
# always runs.
#
#   completion_test.sh TOOL
set -euo pipefail

mkdir -p "$TEST_TMPDIR/bin"
ln -s "$(realpath "$1")" "$TEST_TMPDIR/bin/tokenjoule"
PATH=$TEST_TMPDIR/bin:$PATH
export HOME=$TEST_TMPDIR
cd "$TEST_TMPDIR"
touch answer.json
failed=0

# expect SHELL LINE EXPECTED: the completions of a line, separated by blanks.
expect() {
  local found
  found=$("complete_$1" "$2" | tr '\n' ' ')
  if [[ ${found% } != "$3" ]]; then
    echo "$1: $2: expected \"$3\", found \"${found% }\""
    failed=$((failed + 1))
  fi
}

# What bash would offer; as in a terminal, the part of the word behind "=".
complete_bash() {
  bash --norc --noprofile -c '
    source <(tokenjoule completion bash)
    COMP_LINE=$1 COMP_POINT=${#1}
    # As bash splits words for completion.
    COMP_WORDS=($1) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    handler=$(complete -p tokenjoule | sed "s/.*-F \([^ ]*\).*/\1/")
    "$handler" tokenjoule "" ""
    for word in "${COMPREPLY[@]}"; do echo "$word"; done' bash "$1"
}

complete_zsh() {
  zsh -f -c '
    compdef() {}
    compset() {}
    _files() { print FILES }
    compadd() { while [[ $1 != -- ]]; do shift; done; shift; print -l -- "$@" }
    source <(tokenjoule completion zsh)
    words=("${(@s: :)1}") CURRENT=$#words
    _tokenjoule' zsh "$1"
}

complete_fish() {
  fish --no-config -c '
    tokenjoule completion fish | source
    complete -C $argv[1]' "$1" | cut -f 1
}

expect bash 'tokenjoule comp' 'compare completion'
expect bash 'tokenjoule analyze --hardw' '--hardware='
expect bash 'tokenjoule analyze --model=llama-3.1-8' 'llama-3.1-8b'
expect bash 'tokenjoule batch --hardware=b200,h100-sx' 'b200,h100-sxm'
expect bash 'tokenjoule analyze --model llama-3.1-8' 'llama-3.1-8b'
expect bash 'tokenjoule list mod' 'models'
# Files are left to bash's own completion.
expect bash 'tokenjoule analyze --out=ans' ''
# What the line completes to is what compgen offers of all sub-commands.
all=$(complete_bash 'tokenjoule ')
expect bash 'tokenjoule s' "$(compgen -W "$all" -- s | tr '\n' ' ' | sed 's/ $//')"

if command -v zsh > /dev/null; then
  expect zsh 'tokenjoule comp' 'compare completion'
  expect zsh 'tokenjoule analyze --hardw' '--hardware='
  expect zsh 'tokenjoule analyze --model=llama-3.1-8' '--model=llama-3.1-8b'
  expect zsh 'tokenjoule analyze --out=ans' 'FILES'
else
  echo "SKIPPED: zsh is not installed"
fi
if command -v fish > /dev/null; then
  expect fish 'tokenjoule comp' 'compare completion'
  expect fish 'tokenjoule analyze --hardw' '--hardware='
  expect fish 'tokenjoule analyze --model=llama-3.1-8' '--model=llama-3.1-8b'
  expect fish 'tokenjoule analyze --out=ans' '--out=answer.json'
else
  echo "SKIPPED: fish is not installed"
fi
[[ $failed == 0 ]] && echo "all completions are as expected"
