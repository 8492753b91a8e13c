#!/usr/bin/env bash
# Runs every command line of README and docs as a reader would, in a folder with
# the repository's files; each must end with exit code 0 or the one in
# commands.txt. That file also lists the commands that are not run, with the
# reason.
#
#   commands_test.sh TOOL COMMANDS
#
# A command is a line of a block marked `sh`, a line of an indented block that
# begins with a program, or text in backticks that begins with one. update.sh
# runs lines "$ ...", together with their answers. Runs in the runfiles.
set -euo pipefail
export LC_ALL=C
unset BUILD_WORKING_DIRECTORY

tool=$(realpath "$1")
listed=$2
root=$PWD
work=$TEST_TMPDIR/repository
elsewhere=$TEST_TMPDIR/elsewhere
mkdir "$work" "$elsewhere" "$TEST_TMPDIR/bin"

# FILE:LINE, a tab and the command, for each command of a document.
commands_of() {
  awk -v file="$1" '
    function emit(at, command) {
      gsub(/[ \t]+/, " ", command); sub(/^ /, "", command); sub(/ $/, "", command)
      print file ":" at "\t" command
    }
    # A line of a block; a line that ends with a backslash continues on the
    # next.
    function line_of(text) {
      if (text ~ /^[ \t]*(#|$)/ && held == "") return
      # Removes the remark for the reader after a command.
      sub(/ +# .*/, "", text); if (held == "") at = NR
      if (text ~ /\\$/) { held = held substr(text, 1, length(text) - 1) " "; return }
      # A quoted word may also continue on the next line.
      quotes = held text
      if (gsub(/'"'"'/, "", quotes) % 2) { held = held text " "; return }
      emit(at, held text); held = ""
    }
    # The texts in backticks of a paragraph, which may be broken across lines.
    function paragraph(  i, n, part) {
      n = split(prose, part, "`")
      for (i = 2; i <= n; i += 2) if (part[i] ~ program) emit(begun, part[i])
      prose = ""
    }
    BEGIN { program = "^(time )?(tokenjoule|bazel|\\./tools/bazel|tools/slurm_sweep\\.sh|tests/client_workspace/test\\.sh|sqlite3) " }
    /^<!--/ && !/-->/ { comment = 1 }
    comment { if (/^-->/) comment = 0; next }
    /^```/ { if (fence) { fence = 0 } else { paragraph(); fence = 1; shell = $0 == "```sh" }; next }
    fence { if (shell) line_of($0); next }
    /^    / && (indented || prose == "") {
      text = substr($0, 5)
      # A line that is indented further continues the one before.
      if (!indented) indented = text ~ program || text ~ /^seq / ? 1 : 2
      if (indented == 1) {
        if (text ~ /^ +#/) next
        line_of(text)
      }
      next
    }
    { indented = 0 }
    /^$/ { paragraph(); next }
    { if (prose == "") begun = NR; prose = prose " " $0 }
    END { paragraph() }' "$1"
}

# commands.txt, by command: how to treat it ("skip", "exit N", "as"), and the
# line below it, which is the reason or the command that is run instead.
declare -A how why used seen
while IFS= read -r line; do
  if [[ -z $line || $line == '#'* ]]; then continue; fi
  IFS= read -r below
  case $line in
    'skip '*) key=${line#skip }; how[$key]=skip ;;
    'as '*) key=${line#as }; how[$key]=as ;;
    'exit '*) key=${line#exit ? }; code=${line#exit }; how[$key]="exit ${code%% *}" ;;
    *) echo "$listed: expected skip, as or exit: $line"; exit 1 ;;
  esac
  why[$key]=${below#"${below%%[! ]*}"}
done < "$listed"

# The repository under the paths of the documents, and the files that their
# commands assume.
cp -RL README.md docs hw_specs models runtimes tests validation "$work"
chmod -R u+w "$work"
cp -L analyzer/import/testdata/hf/llama-3.1-8b.json "$work/config.json"
cat > "$work/chat.textproto" << 'SCENARIO'
model: "llama-3.1-8b"
hardware: "h100-sxm"
batch: 32
SCENARIO
cp "$work/chat.textproto" "$work/night.textproto"
cat > "$work/big.textproto" << 'SPACE'
name: "big"
scenario { model: "llama-3.1-8b" hardware: "h100-sxm" }
axis { path: "scenario.batch" value: "1" value: "16" }
axis { path: "hardware.board.static_power_w" linear { from: 50 to: 200 count: 100 } }
objective { metric: "energy_per_token_j" }
objective { metric: "time_per_token_s" }
SPACE
cd "$work"
ln -s "$tool" "$TEST_TMPDIR/bin/tokenjoule"
PATH=$TEST_TMPDIR/bin:$PATH
"$tool" check --scenario=chat.textproto --baseline=chat_baseline.textproto --update > /dev/null 2>&1

# Runs a command and reports whether it ended with exit code `expected`.
run() {
  local place=$1 command=$2 expected=$3 code=0
  # As `bazel run` does, starts in the runfiles and passes the caller's folder.
  if [[ $command == './tools/bazel run //tools:tokenjoule -- '* ]]; then
    command="cd $elsewhere && BUILD_WORKING_DIRECTORY=$work tokenjoule ${command#* -- }"
  fi
  (eval "$command") < /dev/null > "$TEST_TMPDIR/out" 2> "$TEST_TMPDIR/err" || code=$?
  if [[ $code != "$expected" ]]; then
    echo "$place: exit code $code, expected $expected: $command"
    head -5 "$TEST_TMPDIR/err"
    failed=$((failed + 1))
  fi
  ran=$((ran + 1))
}

failed=0 ran=0 skipped=0
while IFS=$'\t' read -r place command; do
  expected=0 as=$command
  if [[ -n ${how[$command]+set} ]]; then
    used[$command]=yes
    case ${how[$command]} in
      skip) skipped=$((skipped + 1)); continue ;;
      as) as=${why[$command]} ;;
      exit*) expected=${how[$command]#exit } ;;
    esac
  elif [[ $command =~ ^tokenjoule\ [a-z-]+$ && $command != 'tokenjoule list' ]]; then
    # The name of a sub-command only; checks that it exists.
    as="$command --help"
  fi
  # A command that documents repeat is run once.
  if [[ -n ${seen[$as]+set} ]]; then continue; fi
  seen[$as]=yes
  run "$place" "$as" "$expected"
done < <(for document in README.md docs/*.md docs/studies/*.md; do commands_of "$document"; done)

for command in "${!how[@]}"; do
  if [[ -z ${used[$command]+set} ]]; then
    echo "$listed: no document has this command any more: $command"
    failed=$((failed + 1))
  fi
done
echo "$ran commands ran, $skipped were skipped, $failed faults"
[[ $failed == 0 && $ran -gt 20 ]]
