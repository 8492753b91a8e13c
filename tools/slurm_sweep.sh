#!/usr/bin/env bash
# A search as a Slurm job array: one task per shard, then a job that merges them.
#
#   tools/slurm_sweep.sh --space=big.textproto --shards=1000 --out=front.json -- --time=10:00 --mem=1G
#
# The shards are files in front.json.shards-1000/, beside the answer. A shard is
# written completely or not at all; running the same command again repeats only
# the missing shards, and merges if none is missing. The nodes must see the
# folder of --out under the same path; the binary is copied there. Needs Slurm
# 20 or later.
#
# Exit codes: 0 submitted (with --wait: answered), 1 Slurm or a task failed,
# 2 usage, 3 bad data.
set -euo pipefail

usage() {
  cat <<'HELP'
usage: slurm_sweep.sh --space=NAME --shards=N --out=FILE [flags] [-- SBATCH-OPTION...]

  --space=NAME     a name of `tokenjoule list spaces`, or a path to a textproto
  --shards=N       number of shards, 1 to 50000; a shard holds whole pieces of about
                   two million points, and shards beyond the pieces are empty
  --out=FILE       the answer; the shards are kept in FILE.shards-N/
  --format=FORMAT  table, json, csv, svg or sqlite (default json)
  --tool=FILE      the binary (default: bazel-bin/tools/tokenjoule of this clone,
                   or tokenjoule of PATH)
  --tasks=N        most tasks in the array, each of which does several shards in
                   turn (default: as many as Slurm's MaxArraySize allows)
  --wait           return only when the answer is written or a job has failed

Arguments after -- are options of sbatch for both the array and the merge, e.g.
--partition, --account, --time. Give --mem=1G if jobs get a whole node by
default. A shard uses as many threads as --cpus-per-task gives (default 1).
HELP
}

# Paths in messages may hold anything; what a terminal would take for a command is
# shown as a question mark.
tell() { printf '%s\n' "${*//[[:cntrl:]]/?}"; }

say() { tell "slurm_sweep.sh: $*" >&2; }

# die EXIT-CODE TEXT...
die() {
  local code=$1
  shift
  say "$@"
  exit "$code"
}

# Prints the numbers of the complete shards among awk's files: those whose name
# matches their content, that were not interrupted, and that have an end.
# shellcheck disable=SC2016  # awk's dollars
whole='
  function end() {
    if (file == shard ".json" && of == shards && interrupted == "false" && last == "}") print shard
    shard = of = interrupted = last = ""
  }
  FNR == 1 { end(); file = FILENAME; sub(/^\.\//, "", file) }
  /^ "shard": /       { shard = $2; sub(/,$/, "", shard) }
  /^ "shards": /      { of = $2; sub(/,$/, "", of) }
  /^ "interrupted": / { interrupted = $2 }
  { last = $0 }
  END { end() }'

# whole_shards N: those of this folder.
whole_shards() {
  find . -maxdepth 1 -name '[0-9]*.json' -print0 | xargs -0 -r awk -v shards="$1" "$whole" | sort -n
}

# is_whole SHARD N
is_whole() {
  [ -f "$1.json" ] && [ "$(awk -v shards="$2" "$whole" "$1.json")" = "$1" ]
}

# Run by Slurm
# -------------------------------------------------------------------

# enter FOLDER
enter() {
  if ! cd -- "$1" 2>/dev/null || [ ! -x ./tokenjoule ]; then
    die 3 "$1 is not on node ${SLURMD_NODENAME:-}: --out must be in a folder that every node sees under the same path"
  fi
}

# run_task FOLDER SPACE N: does the lines of todo.txt that belong to this task.
run_task() {
  local folder=$1 space=$2 shards=$3
  enter "$folder"
  local tasks=$SLURM_ARRAY_TASK_COUNT task=$SLURM_ARRAY_TASK_ID
  local failed=0 line=0 shard code part
  while read -r shard; do
    line=$((line + 1))
    [ $(((line - 1) % tasks)) = "$task" ] || continue
    if is_whole "$shard" "$shards"; then
      echo "shard $shard: there already"
      continue
    fi
    part=part-$shard-$SLURM_JOB_ID
    code=0
    ./tokenjoule sweep --space="$space" --shard="$shard/$shards" --format=json \
      --threads="${SLURM_CPUS_PER_TASK:-1}" --out="$part" </dev/null || code=$?
    if [ "$code" = 0 ] && mv -f -- "$part" "$shard.json"; then
      echo "shard $shard: done"
    else
      rm -f -- "$part"
      say "shard $shard: failed with exit code $code on ${SLURMD_NODENAME:-}"
      failed=1
    fi
  done <todo.txt
  return "$failed"
}

# run_merge FOLDER SPACE N FORMAT OUT
run_merge() {
  enter "$1"
  local i files=()
  for ((i = 0; i < $3; i++)); do
    # The tool reports missing shards.
    [ ! -f "$i.json" ] || files+=("$i.json")
  done
  ./tokenjoule merge --space="$2" --format="$4" --out="$5" "${files[@]}"
}

# Run by the user
# ----------------------------------------------------------------

# absolute PATH: its folder must exist.
absolute() {
  local folder
  folder=$(cd -- "$(dirname -- "$1")" 2>/dev/null && pwd -P) ||
    die 2 "$1: no such folder; create it first"
  echo "${folder%/}/$(basename -- "$1")"
}

# find_tool: the binary if --tool does not name one.
find_tool() {
  local built
  built=$(dirname -- "${BASH_SOURCE[0]}")/../bazel-bin/tools/tokenjoule
  if [ -x "$built" ]; then
    echo "$built"
  else
    command -v tokenjoule ||
      die 2 "no tokenjoule found: ./tools/bazel build --config=opt //tools:tokenjoule, or --tool=FILE"
  fi
}

# keep_tool TOOL FOLDER: a copy, so that a new build in between does not mix two.
keep_tool() {
  if [ ! -e "$2/tokenjoule" ]; then
    if ! install -m 755 -- "$1" "$2/part-tokenjoule" || ! mv -- "$2/part-tokenjoule" "$2/tokenjoule"; then
      die 3 "$2: cannot be written"
    fi
  elif ! cmp -s -- "$1" "$2/tokenjoule"; then
    die 3 "the shards in $2 are of another build of tokenjoule than $1: continue with --tool=\"$2/tokenjoule\", or remove the folder to start again"
  fi
}

# check_space TOOL SPACE: checks that the space and everything its axes name
# load. The tool is asked for an impossible point, which it reports only after
# it has loaded the space.
check_space() {
  local code=0 message
  message=$("$1" sweep --space="$2" --point=none 2>&1 >/dev/null) || code=$?
  if [ "$code" != 2 ]; then
    echo "$message" >&2
    exit 3
  fi
}

# refuse_while_running FOLDER
refuse_while_running() {
  [ -f "$1/job.txt" ] || return 0
  local job
  job=$(cat -- "$1/job.txt")
  # squeue fails for a job that ended long ago.
  [ -z "$(squeue --noheader --jobs="$job" 2>/dev/null)" ] ||
    die 1 "job $job is still at work on these shards: wait for it (squeue --jobs=$job) or end it (scancel $job), then run this again"
}

# merge_or_list_todo: if all shards exist, writes the answer and exits with 0.
# Otherwise checks that the existing shards belong together, and writes
# todo.txt.
merge_or_list_todo() {
  local there errors code=0 others
  # Files of tasks that were killed.
  rm -f -- part-*
  mapfile -t there < <(whole_shards "$shards")
  if [ "${#there[@]}" -gt 0 ]; then
    errors=$(./tokenjoule merge --space="$space" --format="$format" --out="$out" \
      "${there[@]/%/.json}" 2>&1 >/dev/null) || code=$?
    if [ "$code" = 0 ]; then
      tell "all $shards shards are there; merged into $out"
      exit 0
    fi
    others=$(grep -v ' is missing; run it with ' <<<"$errors" || true)
    if [ -n "$others" ]; then
      head -n 5 <<<"$others" >&2
      die 3 "the shards in $PWD cannot be used: remove those named above (or the folder) and run this again"
    fi
  fi
  comm -23 <(seq 0 $((shards - 1)) | sort) <(printf '%s\n' "${there[@]}" | sort) | sort -n >todo.txt
}

# largest_array: the largest number of tasks that the cluster accepts in one
# array.
largest_array() {
  local most
  most=$(scontrol show config | awk '$1 == "MaxArraySize" { print $3 }') ||
    die 1 "scontrol show config failed: does Slurm's controller answer? (scontrol ping)"
  [[ $most =~ ^[0-9]+$ && $most -ge 1 ]] ||
    die 1 "MaxArraySize is \"$most\": this cluster takes no job arrays; run the shards by hand (docs/scale.md)"
  echo "$most"
}

# submit OPTION...: submits a job and prints its number. Slurm keeps a copy of
# this script.
submit() {
  local job
  job=$(sbatch --parsable "$@") || return 1
  echo "${job%%;*}"
}

# completed JOB: whether a job that has ended succeeded. sbatch --wait also
# returns 0 for a job that was dropped because a job that it depends on failed.
completed() {
  local state
  while :; do
    state=$(scontrol --oneliner show job "$1") || return 1
    [[ $state == *" JobState=COMPLETING "* ]] || break
    sleep 1
  done
  [[ $state == *" JobState=COMPLETED "* ]]
}

run_user() {
  local space="" shards="" out="" format=json tool="" tasks="" wait="" sbatch_options=()
  while [ "$#" -gt 0 ]; do
    case $1 in
      --space=*) space=${1#*=} ;;
      --shards=*) shards=${1#*=} ;;
      --out=*) out=${1#*=} ;;
      --format=*) format=${1#*=} ;;
      --tool=*) tool=${1#*=} ;;
      --tasks=*) tasks=${1#*=} ;;
      --wait) wait=1 ;;
      --help | -h)
        usage
        exit 0
        ;;
      --)
        shift
        sbatch_options=("$@")
        break
        ;;
      *)
        usage >&2
        die 2 "unknown flag \"$1\"; options of sbatch come after --"
        ;;
    esac
    shift
  done
  if [ -z "$space" ] || [ -z "$shards" ] || [ -z "$out" ]; then
    usage >&2
    die 2 "--space, --shards and --out are needed"
  fi
  [[ $shards =~ ^[1-9][0-9]{0,4}$ && $shards -le 50000 ]] ||
    die 2 "--shards: expected 1 to 50000, found \"$shards\""
  [[ -z $tasks || $tasks =~ ^[1-9][0-9]{0,6}$ ]] ||
    die 2 "--tasks: expected a number from 1, found \"$tasks\""
  case $format in
    table | json | csv | svg | sqlite) ;;
    *) die 2 "--format: expected table, json, csv, svg or sqlite, found \"$format\"" ;;
  esac
  local program
  for program in sbatch squeue scontrol; do
    command -v "$program" >/dev/null ||
      die 1 "$program is not here: run this where jobs are submitted (Debian: apt-get install slurm-client)"
  done
  [ -n "$tool" ] || tool=$(find_tool)
  if [ ! -f "$tool" ] || [ ! -x "$tool" ]; then
    die 2 "--tool=$tool: no such program"
  fi
  tool=$(absolute "$tool")
  # The same rule by which the tool distinguishes a path from a name.
  case $space in
    */* | *.textproto) space=$(absolute "$space") ;;
  esac
  out=$(absolute "$out")
  [ ! -d "$out" ] || die 2 "--out=$out: a folder; expected a file"
  # Slurm interprets these characters in the names of logs.
  case $out in
    *\\* | *$'\n'*) die 2 "--out=$out: a backslash or newline in the path; choose another folder" ;;
  esac
  local folder=$out.shards-$shards count
  count=$(largest_array)
  check_space "$tool" "$space"
  mkdir -p -- "$folder" || die 3 "$folder: cannot be made"
  refuse_while_running "$folder"
  keep_tool "$tool" "$folder"

  local self
  self=$(absolute "${BASH_SOURCE[0]}")
  cd -- "$folder"
  merge_or_list_todo

  local todo array merge logs=${folder//%/%%}
  todo=$(wc -l <todo.txt)
  [ "$todo" -ge "$count" ] || count=$todo
  [ -z "$tasks" ] || [ "$tasks" -ge "$count" ] || count=$tasks
  array=$(submit --job-name=tokenjoule-sweep --cpus-per-task=1 --requeue \
    "${sbatch_options[@]}" --array="0-$((count - 1))" --chdir="$folder" \
    --output="$logs/sweep-%A_%a.log" "$self" run-task "$folder" "$space" "$shards") ||
    die 1 "sbatch did not take the array of $count tasks (its error is above); nothing was submitted"
  echo "$array" >job.txt
  echo "$todo of $shards shards to do, in $count tasks: job $array"
  # With --wait, sbatch prints the number only when the job has ended.
  merge=$(submit --job-name=tokenjoule-merge --cpus-per-task=1 --requeue \
    "${sbatch_options[@]}" --dependency="afterok:$array" --kill-on-invalid-dep=yes \
    --chdir="$folder" --output="$logs/merge-%j.log" ${wait:+--wait} "$self" \
    run-merge "$folder" "$space" "$shards" "$format" "$out") || {
    [ -z "$wait" ] ||
      die 1 "no answer: see $folder/*.log; run the same command again to repeat the missing shards"
    die 1 "sbatch did not take the merge (its error is above); once job $array has ended, run the same command again to merge"
  }
  if [ -n "$wait" ]; then
    completed "$merge" || die 1 "no answer: see $folder/*.log; run the same command again to repeat the missing shards"
    tell "merged into $out"
  else
    tell "then merged into $out: job $merge"
    echo "if a task fails, the merge is dropped; run the same command again to repeat the missing shards"
  fi
}

case ${1:-} in
  run-task) run_task "${@:2}" ;;
  run-merge) run_merge "${@:2}" ;;
  *) run_user "$@" ;;
esac
