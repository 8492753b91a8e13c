#!/usr/bin/env bash
# Builds the static binary for arm64 with Debian's cross compiler and compares its
# answers, under QEMU, with those of the x86-64 binary. Headers are those of the
# packages that are installed; the libraries of arm64 are downloaded.
#
#   tests/arm64_test.sh [FOLDER]      # FOLDER keeps the libraries for the next time
#
# Needs Debian or Ubuntu on x86-64, and the packages g++-aarch64-linux-gnu and
# qemu-user-static; without one of them it says SKIPPED and exits with 77.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() {
  echo "SKIPPED: $*"
  exit 77
}
command -v aarch64-linux-gnu-g++ > /dev/null ||
  skip "no cross compiler; apt-get install g++-aarch64-linux-gnu"
command -v qemu-aarch64-static > /dev/null ||
  skip "no QEMU; apt-get install qemu-user-static"
command -v apt-get > /dev/null || skip "no apt, which the libraries come from"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
folder=$(mkdir -p "${1:-$work/arm64}" && cd "${1:-$work/arm64}" && pwd)
libraries=$folder/root/usr/lib/aarch64-linux-gnu

# Downloads the libraries of arm64 in the versions of the installed headers, with
# lists of packages apart from those of the system.
download() {
  mkdir -p "$folder"/{lists/partial,archives/partial,root}
  : > "$folder/status"
  cat > "$folder/apt.conf" << END
Dir::State::lists "$folder/lists";
Dir::State::status "$folder/status";
Dir::Cache "$folder/archives";
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
END
  export APT_CONFIG=$folder/apt.conf
  apt-get update -qq
  local package
  # Ceres and glog are only named to the linker, by code that uses their headers.
  for package in libabsl-dev libprotobuf-dev libsqlite3-dev zlib1g-dev libceres-dev \
    libgoogle-glog-dev; do
    (cd "$folder" && apt-get download -qq \
      "$package=$(dpkg-query -W -f='${Version}' "$package")")
    dpkg -x "$folder/$package"_*.deb "$folder/root"
  done
  unset APT_CONFIG
}
[ -e "$libraries/libprotobuf.a" ] || download

./tools/bazel build //tools:tokenjoule_static
cp -L bazel-bin/tools/tokenjoule_static "$work/x86-64"
./tools/bazel build --config=arm64 "--linkopt=-L$libraries" //tools:tokenjoule_static
# The link bazel-bin is that of the last build.
cp -L bazel-bin/tools/tokenjoule_static "$work/arm64"
file_type=$(od -An -tx2 -j18 -N2 "$work/arm64" | tr -d ' ')
[ "$file_type" = 00b7 ] || { echo "FAILED: not a binary for arm64"; exit 1; }
qemu-aarch64-static "$work/arm64" version --verbose

# Numbers are equal to 12 digits: without fused multiply-adds only the functions of
# the C library may round differently.
cat > "$work/compare.py" << 'END'
import re
import sys

NUMBER = re.compile(r'-?\d+\.?\d*(?:[eE][-+]?\d+)?')
a, b = (open(path).read() for path in sys.argv[1:])
if NUMBER.sub('#', a) != NUMBER.sub('#', b):
    sys.exit('the texts differ')
worst = 0
for x, y in zip(NUMBER.findall(a), NUMBER.findall(b)):
    x, y = float(x), float(y)
    worst = max(worst, abs(x - y) / max(abs(x), abs(y), 1e-300))
print('same bytes' if a == b else 'largest difference %.1e' % worst)
sys.exit(worst > 1e-12)
END
# 12 000 points, in packs.
cat > "$work/space.textproto" << 'END'
name: "both"
scenario { model: "llama-3.1-8b" hardware: "h100-sxm" context: 4096 }
axis { path: "scenario.batch" value: "1" value: "16" value: "512" }
axis { path: "hardware.memory.hbm.bandwidth_gb_per_s"
       linear { from: 2000 to: 8000 count: 50 } }
axis { path: "hardware.memory.hbm.path_energy_pj_per_bit"
       logarithmic { from: 1 to: 8 count: 80 } }
objective { metric: "energy_per_token_j" }
objective { metric: "tokens_per_s" maximize: true }
END
point='--model=llama-3.1-8b --hardware=h100-sxm'
failed=0
while read -r command; do
  "$work/x86-64" $command > "$work/a" 2>&1 && a=0 || a=$?
  qemu-aarch64-static "$work/arm64" $command > "$work/b" 2>&1 && b=0 || b=$?
  if [ "$a" != "$b" ] || ! verdict=$(python3 "$work/compare.py" "$work/a" "$work/b" 2>&1); then
    echo "FAILED: $command: exit codes $a, $b; ${verdict:-}"
    failed=$((failed + 1))
  else
    echo "ok: $command: $verdict"
  fi
done << END
analyze $point --format=json
analyze --model=deepseek-v3 --hardware=b200 --tp=8 --batch=64 --format=json
batch $point --batch=1:1024:x2 --format=csv
compare $point --to.hardware=b200 --format=json
sensitivity $point --format=json
tricks $point --format=csv
dot-product --bits=1:12 --format=csv
explain --hardware=h100-sxm MEMORY_PATH --format=csv
sweep --space=$work/space.textproto --format=csv
validate --measurements=validation --format=csv
analyze --model=lama
END
[ "$failed" = 0 ] && echo "arm64: all answers agree"
