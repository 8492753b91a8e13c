#!/usr/bin/env bash
# Runs tools/slurm_sweep.sh on a real Slurm of one node, which the test starts
# and stops itself. Covers an array smaller than the number of shards, killed
# shards, the shards that are repeated, and identical bytes of the answers.
#
#   ./tools/bazel test -c opt //tests:slurm_test
#
# Needs slurmctld, slurmd and munged, and a user who may start them (root).
set -euo pipefail

for program in slurmctld slurmd sbatch munged; do
  PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null || {
    echo "FAILED: $program is not installed: apt-get install --no-install-recommends slurm-wlm munge" >&2
    exit 1
  }
done
export PATH=$PATH:/usr/sbin:/sbin

tool=$(realpath "$1")
script=$(realpath "$2")
# The path is short, because the path of a socket has at most 107 characters.
work=$(mktemp -d /tmp/slurm_test.XXXXXX)
study="$work/my 100 % study"
shards=13
daemons=()
passed=0

# Slurm ---------------------------------------------------------------------------

show_logs() { tail -n 20 "$work"/log/* "$study"/*/*.log 2>/dev/null || true; }

fail() {
  echo "FAILED: $*"
  [ ! -f "$work/out" ] || cat "$work/out"
  show_logs
  exit 1
}

claim() {
  passed=$((passed + 1))
  echo "ok: $*"
}

# within SECONDS COMMAND...: waits until the command succeeds.
within() {
  local left=$(($1 * 5))
  shift
  until "$@" >/dev/null 2>&1; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    sleep 0.2
  done
}

queue_is_empty() { [ -z "$(squeue --noheader)" ]; }

# Also runs after a failure, so that no job and no daemon remains.
finish() {
  local i
  trap - EXIT
  if [ "${#daemons[@]}" -gt 1 ]; then
    scancel --user="$(id -un)" 2>/dev/null || true
    within 20 queue_is_empty || true
  fi
  # In reverse order of starting: slurmd, slurmctld, munged.
  for ((i = ${#daemons[@]} - 1; i >= 0; i--)); do
    kill "${daemons[i]}" 2>/dev/null || true
    within 10 is_gone "${daemons[i]}" || kill -9 "${daemons[i]}" 2>/dev/null || true
  done
  rm -rf "$work"
}
is_gone() { ! kill -0 "$1"; }
trap finish EXIT
trap 'exit 1' INT TERM HUP

# free_port FROM: the first port, from FROM on, that nothing listens on.
free_port() {
  local port=$1
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
  echo "$port"
}

start_slurm() {
  local name controller_port node_port first
  name=$(hostname -s)
  first=$((20000 + RANDOM % 10000))
  controller_port=$(free_port "$first")
  node_port=$(free_port $((controller_port + 1)))
  mkdir -p "$work"/{log,munge,state,spool}
  chmod 700 "$work/munge"
  (umask 077 && head -c 1024 /dev/urandom >"$work/munge/key")
  cat >"$work/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$name(127.0.0.1)
SlurmctldPort=$controller_port
SlurmdPort=$node_port
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
CredType=cred/munge
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/log/slurmctld
SlurmdLogFile=$work/log/slurmd
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_interval=1
ReturnToService=2
KillWait=2
MaxArraySize=6
NodeName=$name NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
  # Disables control groups. Older versions of Slurm do not know the option and
  # need none here.
  if [ "$(slurmctld -V | grep -oE '[0-9]+' | head -n 1)" -ge 24 ]; then
    echo "CgroupPlugin=disabled" >"$work/cgroup.conf"
  fi
  export SLURM_CONF=$work/slurm.conf
  munged --foreground --force --key-file="$work/munge/key" --socket="$work/munge/socket" \
    --pid-file="$work/munge/pid" --log-file="$work/munge/log" --seed-file="$work/munge/seed" \
    >"$work/log/munged" 2>&1 &
  daemons+=($!)
  within 10 test -S "$work/munge/socket" || fail "munged did not start"
  slurmctld -D >"$work/log/slurmctld.out" 2>&1 &
  daemons+=($!)
  within 20 scontrol ping || fail "slurmctld did not start"
  slurmd -D >"$work/log/slurmd.out" 2>&1 &
  daemons+=($!)
  within 20 node_is_idle || fail "slurmd did not register: $(sinfo --noheader)"
}
node_is_idle() { [ "$(sinfo --noheader --format=%T)" = idle ]; }

# The search ----------------------------------------------------------------------

# 16 pieces of 20 000 points.
write_space() {
  mkdir -p "$study"
  cat >"$study/a space.textproto" <<'SPACE'
name: "slurm"
scenario { model: "llama-3.1-8b" hardware: "h100-sxm" context: 4096 }
axis { path: "scenario.batch"
       value: "1" value: "2" value: "3" value: "4" value: "6" value: "8" value: "12" value: "16"
       value: "20" value: "24" value: "32" value: "40" value: "48" value: "56" value: "64" value: "72" }
axis { path: "hardware.memory.hbm.bandwidth_gb_per_s" linear { from: 2000 to: 8000 count: 100 } }
axis { path: "hardware.memory.hbm.path_energy_pj_per_bit"
       linear { from: 1 to: 8 count: 200 } }
objective { metric: "energy_per_token_j" }
objective { metric: "tokens_per_s" maximize: true }
SPACE
  # A wrapper of the tool that logs the shards it ran and stops in the shard
  # that `stop` names, so that there is a process to kill.
  cat >"$work/tokenjoule" <<TOOL
#!/bin/bash
for flag; do case \$flag in --shard=*) shard=\${flag#--shard=} ;; esac; done
[ -z "\${shard:-}" ] || echo "\$shard" >>"$work/ran"
if [ -n "\${shard:-}" ] && [ "\$shard" = "\$(cat "$work/stop" 2>/dev/null)" ]; then
  "$tool" "\$@" &
  kill -STOP \$!
  echo \$! >"$work/stopped.new" && mv "$work/stopped.new" "$work/stopped"
  wait \$!
  exit
fi
exec "$tool" "\$@"
TOOL
  chmod +x "$work/tokenjoule"
  "$tool" sweep --space="$study/a space.textproto" --shard=0/1 --format=json --out="$work/whole.json"
  "$tool" merge --space="$study/a space.textproto" --format=json --out="$work/expected.json" "$work/whole.json"
}

# search EXIT-CODE FLAG...: runs the script as a user does, in the folder of the
# study.
search() {
  local wanted=$1 code=0
  shift
  : >"$work/ran"
  (cd "$study" && "$script" "--space=a space.textproto" "--shards=$shards" "--out=the front.json" \
    "--tool=$work/tokenjoule" "$@") >"$work/out" 2>&1 || code=$?
  [ "$code" = "$wanted" ] || fail "exit code $code, expected $wanted"
}

expect_text() {
  grep -qF -e "$1" "$work/out" || fail "expected \"$1\""
}

# expect_ran SHARD...: expects exactly these shards to have run since the last
# search.
expect_ran() {
  local ran wanted
  ran=$(sort -n "$work/ran" | tr '\n' ' ')
  wanted=$(printf "%s/$shards " "$@")
  [ "$ran" = "$wanted" ] || fail "shards that ran: $ran, expected: $wanted"
}

expect_no_answer() { [ ! -e "$study/the front.json" ] || fail "there is an answer"; }

expect_answer() {
  cmp "$work/expected.json" "$study/the front.json" || fail "the answer differs"
  rm "$study/the front.json"
}

parts="$study/the front.json.shards-$shards"
start_slurm
write_space
claim "a Slurm of one node with arrays of $(scontrol show config | awk '$1 == "MaxArraySize" { print $3 }') tasks"

echo "4/$shards" >"$work/stop"
search 0
expect_text "13 of 13 shards to do, in 6 tasks"
within 60 test -e "$work/stopped" || fail "shard 4 did not start"
search 1
expect_text "is still at work on these shards"
kill -9 "$(cat "$work/stopped")"
rm "$work/stopped"
within 60 queue_is_empty || fail "the queue is not empty: $(squeue)"
[ ! -e "$parts/4.json" ] || fail "the killed shard left a file"
[ "$(find "$parts" -name '[0-9]*.json' | wc -l)" = 12 ] || fail "expected the 12 others"
expect_no_answer
claim "a shard that is killed (kill -9) leaves no file and no answer; the others are done"

code=0
(cd "$parts" && "$tool" merge --space="$study/a space.textproto" [0-9]*.json) >"$work/out" 2>&1 || code=$?
[ "$code" = 3 ] || fail "merge without a shard: exit code $code, expected 3"
expect_text "run it with --shard=4/13"
claim "merge without it is an error that names it"

search 0
expect_text "1 of 13 shards to do, in 1 tasks"
within 60 test -e "$work/stopped" || fail "shard 4 did not start again"
scancel "$(cat "$parts/job.txt")"
# A stopped process receives Slurm's signal only when it continues.
kill -CONT "$(cat "$work/stopped")" 2>/dev/null || true
within 60 queue_is_empty || fail "the queue is not empty: $(squeue)"
[ ! -e "$parts/4.json" ] || fail "the cancelled shard left a file"
expect_no_answer
claim "nor does one that is cancelled (scancel)"

rm -f "$work/stop" "$work/stopped"
touch -d "1 hour ago" "$work/before" "$parts"/[0-9]*.json
search 0 --wait
expect_ran 4
[ "$(find "$parts" -name '[0-9]*.json' -newer "$work/before" | wc -l)" = 1 ] || fail "other shards were written"
expect_answer
claim "the same command again runs that shard alone; the bytes are those of one piece"

search 0
expect_text "all 13 shards are there"
[ ! -s "$work/ran" ] || fail "shards ran"
queue_is_empty || fail "jobs were submitted"
expect_answer
claim "with all shards there it merges"

head -c 900 "$parts/7.json" >"$work/torn" && cp "$work/torn" "$parts/7.json"
rm "$parts/11.json"
search 0 --tasks=1
expect_text "2 of 13 shards to do, in 1 tasks"
within 60 queue_is_empty || fail "the queue is not empty: $(squeue)"
expect_ran 7 11
expect_answer
claim "a torn shard and a lost one are repeated, here in one task"

echo "0/$shards" >"$work/stop"
rm "$parts/0.json"
(within 60 test -e "$work/stopped" && kill -9 "$(cat "$work/stopped")") &
search 1 --wait
wait $!
expect_text "no answer"
expect_no_answer
rm -f "$work/stop" "$work/stopped"
claim "--wait fails where a shard fails"

search 1 -- --partition=nowhere
expect_text "nothing was submitted"
search 0 --wait -- --partition=all --time=5 --cpus-per-task=2
expect_ran 0
expect_answer
claim "options of sbatch are handed on"

sed -i 's/to: 8 count: 200/to: 9 count: 200/' "$study/a space.textproto"
search 3
expect_text "another space"
sed -i 's/to: 9 count: 200/to: 8 count: 200/; s/tokens_per_s/tokens_per_z/' "$study/a space.textproto"
search 3
expect_text "tokens_per_z"
sed -i 's/tokens_per_z/tokens_per_s/' "$study/a space.textproto"
echo "# another build" >>"$work/tokenjoule"
search 3
expect_text "another build"
search 2 --shards=0
search 2 --frobnicate
search 2 --out="$work/nowhere/x.json"
queue_is_empty || fail "jobs were submitted"
claim "shards of another space, another build, and what cannot be read are refused"

echo "slurm: all $passed claims hold"
