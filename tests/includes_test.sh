#!/usr/bin/env bash
# Checks that each C++ target depends directly on every target of this
# repository whose headers it includes. Bazel's layering_check does so only with
# clang; this test works with every compiler.
#
#   tests/includes_test.sh            # or ./tools/bazel test //tests:includes_test
#   tests/includes_test.sh --unused   # also lists dependencies that no file includes
#
# Reads BUILD files in the format of buildifier, without Bazel: an attribute
# begins a line, names are string literals, globs have no `**`. A library
# without files stands for its dependencies. Exits with 1 and one line per
# fault.
set -euo pipefail
unused=0
[ "${1:-}" != --unused ] || unused=1
# In a test this is a link to the file in the workspace. The other files of the
# workspace are not inputs of the test, so its result is never cached (see
# tests/BUILD).
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

mapfile -t packages < <(find analyzer proto tests tools -name BUILD \
  -not -path 'tests/client_workspace/*' -not -path 'tools/third_party/*' | sort)
[ "${#packages[@]}" -gt 10 ] || {
  echo "found only ${#packages[@]} packages below $PWD" >&2
  exit 1
}
mapfile -t sources < <(find analyzer tests tools -name '*.h' -o -name '*.cc')

printf '%s\n' "${sources[@]}" | awk -v unused="$unused" '
  # "//a/b" and "//a/b:b" are the same, ":c" is of this package.
  function Label(text) {
    if (text ~ /^:/) return "//" package text
    if (text ~ /^\/\// && text !~ /:/) {
      short = text
      sub(/.*\//, "", short)
      return text ":" short
    }
    return text
  }

  # Files of the package that match a name or a glob, separated by spaces.
  function Files(name,    i, pattern, found) {
    if (name !~ /\*/) return " " package "/" name
    pattern = package "/" name
    gsub(/[.+]/, "\\\\&", pattern)
    gsub(/\*/, "[^/]*", pattern)
    for (i = 1; i <= num_sources; ++i) {
      if (source[i] ~ "^" pattern "$") found = found " " source[i]
    }
    return found
  }

  # Adds the dependencies that `target` has through libraries without files.
  function Follow(target, from,    i, dep, num) {
    num = split(deps[from], dep)
    for (i = 1; i <= num; ++i) {
      if (!(dep[i] in is_library) || files[dep[i]] != "") continue
      FollowOne(target, dep[i])
    }
  }
  function FollowOne(target, through,    i, dep, num) {
    num = split(deps[through], dep)
    for (i = 1; i <= num; ++i) depends[target, dep[i]] = 1
    Follow(target, through)
  }

  # A header may belong to several targets.
  function Provide(header, target) {
    providers[header] = providers[header] " " target
    has_headers[target] = 1
  }

  FILENAME == "-" {
    source[++num_sources] = $0
    next
  }
  FNR == 1 {
    package = FILENAME
    sub(/\/BUILD$/, "", package)
    rule = ""
  }
  /^[a-z_]+\($/ {
    rule = substr($0, 1, length($0) - 1)
    target = ""
    attribute = ""
    next
  }
  /^\)$/ { rule = "" }
  rule == "" { next }
  /^    [a-z_]+ = / {
    attribute = $1
    excluding = 0
  }
  /^        exclude = / { excluding = 1 }
  {
    line = $0
    sub(/^ *#.*/, "", line)
    while (match(line, /"[^"]*"/)) {
      word = substr(line, RSTART + 1, RLENGTH - 2)
      line = substr(line, RSTART + RLENGTH)
      if (attribute == "name") {
        target = "//" package ":" word
        if (rule ~ /^cc_(library|test|binary)$/) targets[++num_targets] = target
        if (rule == "cc_library") is_library[target] = 1
      } else if (rule == "proto_library" && attribute == "srcs") {
        generated[target] = package "/" word
        sub(/\.proto$/, ".pb.h", generated[target])
      } else if (rule == "cc_proto_library" && attribute == "deps") {
        proto_of[target] = Label(word)
      } else if (rule ~ /^cc_/ && (attribute == "srcs" || attribute == "hdrs")) {
        num_named = split(Files(word), named)
        for (n = 1; n <= num_named; ++n) {
          if (excluding) excluded[target, named[n]] = 1
          files[target] = files[target] " " named[n]
          owns[target, named[n]] = 1
          if (attribute == "hdrs") Provide(named[n], target)
        }
      } else if (rule ~ /^cc_/ && attribute == "deps") {
        deps[target] = deps[target] " " Label(word)
        depends[target, Label(word)] = 1
      }
    }
    if (line ~ /\]/) excluding = 0
  }

  END {
    for (proto in proto_of) Provide(generated[proto_of[proto]], proto)
    faults = 0
    checked = 0
    for (i = 1; i <= num_targets; ++i) {
      target = targets[i]
      split("", used)
      Follow(target, target)
      num_files = split(files[target], file)
      for (f = 1; f <= num_files; ++f) {
        if ((target, file[f]) in excluded) continue
        number = 0
        # Generated files are not read.
        while ((getline line < file[f]) > 0) {
          ++number
          if (line !~ /^#include "(analyzer|proto|tests|tools)\//) continue
          split(line, parts, "\"")
          header = parts[2]
          ++checked
          if ((target, header) in owns) continue
          num_providers = split(providers[header], provider)
          found = 0
          for (p = 1; p <= num_providers; ++p) {
            if (!((target, provider[p]) in depends)) continue
            used[provider[p]] = 1
            found = 1
          }
          if (found) continue
          ++faults
          if (num_providers == 0) {
            printf "%s:%d: \"%s\" is in `hdrs` of no target\n", file[f], number,
                header
          } else {
            printf "%s:%d: \"%s\" is of %s; add it to `deps` of %s\n", file[f],
                number, header, provider[1], target
          }
        }
        close(file[f])
      }
      if (!unused || files[target] == "") continue
      num_deps = split(deps[target], dep)
      for (d = 1; d <= num_deps; ++d) {
        # Files of external targets, and of targets that are only linked, are
        # not included.
        if (dep[d] in used || !(dep[d] in has_headers)) continue
        ++faults
        printf "%s: nothing includes a header of %s; include what is used of " \
            "it, or take it out of `deps`\n", target, dep[d]
      }
    }
    printf "%d targets, %d includes, %d faults\n", num_targets, checked, faults
    if (faults > 0 || num_targets < 50 || checked < 500) exit 1
  }
' - "${packages[@]}"
