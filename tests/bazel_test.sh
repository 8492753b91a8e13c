#!/usr/bin/env bash
# tools/bazel adds options to Bazel's command and nowhere else. A Bazel of the test's own
# prints its arguments.
#
#   tests/bazel_test.sh tools/bazel
set -euo pipefail
script=$(readlink -f "$1")
folder=$(mktemp -d "${TEST_TMPDIR:-/tmp}/bazel_test.XXXXXX")
trap 'rm -rf "$folder"' EXIT
failed=0

mkdir "$folder/bin"
# Every package is installed, and there is no Bazel but the one below.
cat > "$folder/bin/dpkg-query" <<'END'
#!/bin/sh
printf installed
END
cat > "$folder/bazel" <<'END'
#!/bin/sh
if [ "$1" = --version ]; then
  echo "bazel $VERSION"
  exit
fi
for argument; do printf '<%s>' "$argument"; done
echo
END
chmod +x "$folder/bin/dpkg-query" "$folder/bazel"

# What Bazel of version $1 is given where tools/bazel is given the other arguments. The
# overrides of rules depend on what is installed, and are left out.
given() {
  local version=$1
  shift
  VERSION=$version BAZEL_REAL=$folder/bazel PATH=$folder/bin:$PATH TOKENJOULE_NO_INSTALL=1 \
    bash "$script" "$@" |
    sed -E 's/<--override_repository=rules_[a-z]+=[^>]*>//g; s/<--copt=-ffp-contract=off>//g'
}

expect() {
  local wanted=$1 got
  shift
  got=$(given "$@") || got="exit code $?"
  [ "$got" = "$wanted" ] && return
  echo "tools/bazel, Bazel $*:" >&2
  echo "  expected $wanted" >&2
  echo "  found    $got" >&2
  failed=1
}

for version in 7.0.0 7.4.1; do
  expect '<build><--config=bazel7><//a><//b>' $version build //a //b
  expect '<test><--config=bazel7><-c><opt><//...>' $version test -c opt //...
  expect '<query><--config=bazel7><deps(//a)>' $version query 'deps(//a)'
  expect '<run><--config=bazel7><//a><--><x><--config=y>' $version run //a -- x --config=y
  # The program's arguments are its own, also if one is a command of Bazel's.
  expect '<run><--config=bazel7><//a><--><run><build><$(touch x)><>< a  b ><*>' \
    $version run //a -- run build '$(touch x)' '' ' a  b ' '*'
  expect '<test><--config=bazel7><test>' $version test test
  # Options before the command, with their values.
  expect '<--output_base=/x><--nohome_rc><run><--config=bazel7><//a><--><run>' \
    $version --output_base=/x --nohome_rc run //a -- run
  expect '<--output_base></x><run><--config=bazel7><//a>' $version --output_base /x run //a
  expect '<--bazelrc><test><build><--config=bazel7><//a>' $version --bazelrc test build //a
  # Commands that build nothing, and none.
  expect '<help>' $version help
  expect '<help><build>' $version help build
  expect '<clean>' $version clean
  expect '' $version
  expect '<--batch>' $version --batch
  expect '<--bazelrc>' $version --bazelrc
done
# Other versions take the arguments as they are.
expect '<run><//a><--><run><a b>' 4.2.3 run //a -- run 'a b'
expect '<build><//a>' 6.5.0 build //a
expect 'exit code 1' 8.0.0 build //a 2> /dev/null

exit $failed
