#!/bin/sh
# Uses the rules of //tools:energy.bzl from this workspace, as another project
# does, with good and bad specs and with baselines that are absent, met, missed
# and accepted.
#
#   tests/client_workspace/test.sh [BINARY]
#
# With BINARY, a tokenjoule that is already built, the rules use it (and the
# tokenjoule_search beside it, if there is one) and nothing is compiled, which
# takes half a minute. Without it the client's Bazel compiles all of tokenjoule
# from source.
set -eu

client=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$client/../.." && pwd)
binary=${1:-}
[ -z "$binary" ] || binary=$(cd "$(dirname "$binary")" && pwd)/$(basename "$binary")
work=$(mktemp -d)
passed=0

bazel() {
  command=$1
  shift
  # Runs in the client's folder, so that Bazel finds the workspace; the
  # repository's wrapper finds a Bazel and installs nothing.
  (cd "$work/client" && TOKENJOULE_NO_INSTALL=1 "$repository/tools/bazel" \
    --output_user_root="$work/bazel" --max_idle_secs=60 "$command" \
    "--override_repository=tokenjoule=$work/tokenjoule" "$@")
}

finish() {
  (cd "$work/client" && "$repository/tools/bazel" \
    --output_user_root="$work/bazel" shutdown >/dev/null 2>&1) || true
  # Bazel makes its outputs read-only.
  chmod -R u+w "$work" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

# Either the repository, or its rules with the binary in place of the sources.
set_up_repository() {
  if [ -z "$binary" ]; then
    ln -s "$repository" "$work/tokenjoule"
    return
  fi
  mkdir -p "$work/tokenjoule/tools"
  cp "$repository/WORKSPACE" "$work/tokenjoule/"
  cp "$repository/tools/energy.bzl" "$work/tokenjoule/tools/"
  cp -r "$repository/tools/third_party" "$work/tokenjoule/tools/"
  cp "$binary" "$work/tokenjoule/tools/tokenjoule_binary"
  search=$(dirname "$binary")/tokenjoule_search
  # Both give the same answers.
  [ -x "$search" ] || search=$binary
  cp "$search" "$work/tokenjoule/tools/tokenjoule_search_binary"
  cat >"$work/tokenjoule/tools/BUILD" <<'END'
sh_binary(
    name = "tokenjoule_search",
    srcs = ["tokenjoule_search_binary"],
    visibility = ["//visibility:public"],
)

sh_binary(
    name = "tokenjoule",
    srcs = ["tokenjoule_binary"],
    visibility = ["//visibility:public"],
)
END
}

fail() {
  echo "FAILED: $*"
  cat "$work/log"
  exit 1
}

# expect EXIT_CODE COMMAND...: runs the command and keeps its output.
expect() {
  wanted=$1
  shift
  code=0
  "$@" >"$work/log" 2>&1 || code=$?
  [ "$code" = "$wanted" ] || fail "exit code $code, expected $wanted: $*"
}

# expect_text TEXT...: expects each text in the output of the last command.
expect_text() {
  for text in "$@"; do
    grep -qF -e "$text" "$work/log" || fail "expected \"$text\" in"
  done
}

claim() {
  passed=$((passed + 1))
  echo "ok: $*"
}

# Each block of build_rules.md that is a BUILD file, as one of a package of its own.
write_snippets() {
  awk -v folder="$work/client/snippets" '
    /^```starlark/ { inside = 1; text = ""; next }
    /^```/ && inside {
      inside = 0
      if (text ~ /workspace\(/) next
      package = folder "/" ++n
      system("mkdir -p " package)
      printf "%s", text > (package "/BUILD")
      next
    }
    inside { text = text $0 "\n" }' "$repository/docs/build_rules.md"
}

# Number of configurations in which the client compiles a file of the sources: the
# tools of build actions and those of tests are to be the same ones. (Within one,
# Bazel knows two ways to compile a file and takes the one that a target needs.)
compilations() {
  bazel aquery "--override_repository=tokenjoule=$repository" \
    "mnemonic(CppCompile, deps(//:all))" |
    awk -v file="$1'" '
      /^action / { wanted = index($0, file) }
      wanted && /^ *Configuration:/ { print $2; wanted = 0 }' | sort -u | wc -l
}

set_up_repository
cp -r "$client" "$work/client"
rm -rf "$work/client/baselines" "$work/client/chat_baseline.textproto"
out=$work/client/bazel-bin
logs=$work/client/bazel-testlogs

expect 0 bazel build //:all
for file in tiny.lint.txt house_asic.lint.txt chat_report.json chat_page.html chat_batches.csv llama_batches.txt; do
  [ -s "$out/$file" ] || fail "$file is missing"
done
grep -q '"model": "tiny"' "$out/chat_report.json" || fail "the report is of another model"
grep -q '"model": "tiny"' "$out/chat_page.html" || fail "the page is of another model"
[ "$(wc -l <"$out/chat_batches.csv")" = 4 ] || fail "expected three batches"
claim "good specs build; reports and studies are files"

write_snippets
expect 0 bazel query //snippets/...
for target in snippets/2:tiny :chat_report :chat_batches :accelerators :chat_update :update_all; do
  expect_text "${target##*/}"
done
rm -r "$work/client/snippets"
claim "the snippets of build_rules.md load as they are"

for file in analyzer/evaluate/account.cc tools/main.cc; do
  [ "$(compilations "$file")" = 1 ] ||
    fail "expected one compilation of $file for reports, sweeps and tests"
done
claim "a workspace with reports, sweeps and tests compiles the tool once"

for format in csv sqlite; do
  one=$out/stacks_${format}_1.$format
  three=$out/stacks_${format}_3.$format
  [ -s "$one" ] || fail "$one is missing"
  cmp "$one" "$three" || fail "three shards answer other bytes than one"
done
for shard in 0 1 2; do
  [ -s "$out/stacks_csv_3.shard-$shard.json" ] || fail "shard $shard is missing"
done
[ "$(wc -l <"$out/stacks_csv_1.csv")" -gt 2 ] || fail "expected a front of several points"
grep -q '^id,scenario.batch,' "$out/stacks_csv_1.csv" || fail "the front is of another space"
[ "$(head -c 15 "$out/stacks_sqlite_1.sqlite")" = "SQLite format 3" ] || fail "no database"
claim "a search of our own space in three shards is the bytes of one"

cp "$out/chat_report.json" "$work/first.json"
rm -f "$out/chat_report.json"
LC_ALL=de_DE.UTF-8 TZ=Asia/Tokyo expect 0 bazel build //:chat_report
cmp "$work/first.json" "$out/chat_report.json" || fail "the report differs from itself"
claim "a report is the same bytes in another locale and time zone"

# Bazel exits with 3 if tests failed.
expect 3 bazel test //:chat
expect_text "chat_baseline.textproto: cannot be read" "bazel run //:chat_update"
claim "a missing baseline fails and names the command that writes it"

expect 0 bazel run //:update_all
[ -s "$work/client/chat_baseline.textproto" ] || fail "no baseline was written"
[ -s "$work/client/baselines/llama.textproto" ] || fail "no baseline was written in a new folder"
expect 0 bazel test //:all
claim "update_all writes missing baselines; then every gate passes"

grep -q '<testcase classname="//:chat" name="energy_per_token_j' "$logs/chat/test.xml" ||
  fail "test.xml is not the tool's"
# Bazel packs the outputs of a test with zip, and loses them if zip is not
# installed.
if [ -f "$logs/chat/test.outputs/outputs.zip" ]; then
  summary=$(unzip -p "$logs/chat/test.outputs/outputs.zip" summary.md)
elif command -v zip >/dev/null; then
  summary=$(cat "$logs/chat/test.outputs/summary.md")
else
  summary="### Energy per token: //:chat passed, not seen for want of zip"
fi
case "$summary" in
  "### Energy per token: //:chat passed"*) ;;
  *) fail "no summary in Markdown: $summary" ;;
esac
claim "JUnit XML and a Markdown summary are where Bazel looks for them"

cp "$work/client/chat_baseline.textproto" "$work/baseline"
expect 0 bazel run //:chat_update
cmp "$work/baseline" "$work/client/chat_baseline.textproto" || fail "an update changed a good baseline"
claim "an update of a good baseline changes nothing"

# Names of targets and files are words of the scripts that are made of them, and no
# commands. (Bazel makes no runfiles with blanks in their names.)
mkdir "$work/client/names"
cat >"$work/client/names/BUILD" <<'END'
load("@tokenjoule//tools:energy.bzl", "energy_regression_test", "energy_update_all")

_NAMES = [
    "$(touch${IFS}PWNED)",
    "it's\"PWNED\"&touch${IFS}PWNED;#",
    "~$HOME[a]{b}(c)|touch${IFS}PWNED",
    "--update",
]

[
    energy_regression_test(
        name = name,
        baseline = "of-" + name + ".textproto",
        hardware = "h100-sxm",
        model = "llama-3.1-8b",
    )
    for name in _NAMES
]

energy_update_all(
    name = "update_all",
    tests = [":" + name for name in _NAMES],
)
END
expect 3 bazel test --build_tests_only //names:all
expect_text "cannot be read" "bazel run '//names:\$(touch\${IFS}PWNED)_update'" \
  "bazel run '//names:it'\\''s\"PWNED\"&touch\${IFS}PWNED;#_update'"
expect 0 bazel run //names:update_all
for name in "\$(touch\${IFS}PWNED)" "it's\"PWNED\"&touch\${IFS}PWNED;#" \
  "~\$HOME[a]{b}(c)|touch\${IFS}PWNED" "--update"; do
  [ -s "$work/client/names/of-$name.textproto" ] || fail "no baseline of $name"
done
expect 0 bazel test --build_tests_only //names:all
cd "$work"
expect 2 "$out/names/\$(touch\${IFS}PWNED)_update"
expect_text "run it with: bazel run '//names:\$(touch\${IFS}PWNED)_update'"
[ -z "$(find "$work" -name PWNED)" ] || fail "a name was run as a command"
rm -r "$work/client/names"
claim "names of targets and baselines are not run as commands"

mkdir "$work/client/bad"
for baseline in "*.textproto" "**/*.textproto" ../chat.textproto /etc/passwd.textproto \
  a//b.textproto ./a.textproto :a.textproto a.txt ""; do
  cat >"$work/client/bad/BUILD" <<END
load("@tokenjoule//tools:energy.bzl", "energy_regression_test")

energy_regression_test(
    name = "bad",
    baseline = "$baseline",
    hardware = "h100-sxm",
    model = "llama-3.1-8b",
)
END
  expect 7 bazel query //bad:all
  expect_text "expected the path of one textproto in this package" "found \"$baseline\""
done
rm -r "$work/client/bad"
claim "a baseline is one file of the package, and no pattern"

# A memory that takes more energy, the kind of change that a gate must detect.
dram=$work/client/hardware/house_dram.textproto
cp "$dram" "$work/dram"
sed 's/value: 350 low: 190 high: 600/value: 3500 low: 190 high: 4000/' "$work/dram" >"$dram"
expect 3 bazel test //:chat
expect_text "//:chat: FAILED" "Terms that moved" "DRAM row activation" "FAILS" \
  "bazel run //:chat_update"
grep -q '<failure message=' "$logs/chat/test.xml" || fail "no failure in test.xml"
claim "a change of a file behind two others fails and names the term that moved"

expect 0 bazel run //:chat_update
expect 0 bazel test //:chat
claim "what is accepted passes"

echo 'batch: 64' >>"$work/client/chat.textproto"
sed -i.old '/^batch: 32/d' "$work/client/chat.textproto"
expect 3 bazel test //:chat
expect_text "batch: 32 -> 64" "Terms that moved" "bazel run //:chat_update"
claim "a stale baseline, of another scenario, fails and says so"

echo 'nonsense' >"$work/client/chat_baseline.textproto"
expect 3 bazel test //:chat
expect_text "chat_baseline.textproto:" "bazel run //:chat_update"
claim "a broken baseline fails and says where"

cp "$work/dram" "$dram"
sed -i.old -e 's/d_model: 1024/d_modle: 1024/' -e 's/vocab_size: 32000/vocab_size: -1/' \
  "$work/client/tiny.textproto"
expect 1 bazel build //:chat_report
expect_text "tiny.textproto:8:8: unknown field" "tiny.textproto:9:1: vocab_size: -1"
claim "a faulty spec fails the build with every fault"

echo "client workspace: all $passed claims hold"
