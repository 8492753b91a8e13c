#!/usr/bin/env python3
"""Runs the attacks in slices until they have taken so many core-hours, and says what
they did.

  tests/attack/campaign.py --out=/var/tmp/campaign --core-hours=24 --jobs=2
  tests/attack/campaign.py --out=/var/tmp/campaign --report
  tests/attack/campaign.py --out=/var/tmp/campaign --minimise

Run it in the root of the repository. A slice is five minutes of random questions,
of mutations of every input, or of one target under libFuzzer; the slices take turns,
each with a seed of its own, and libFuzzer goes on from what it has found before. One
line of JSON for each is kept in OUT/slices.jsonl, so that an interrupted campaign
goes on where it was, inputs and questions at fault in OUT/faults, and the corpora in
OUT/corpus. --report prints what all slices did, as the table of docs/reliability.md;
--minimise adds to tests/attack/corpus/ the inputs that reach code that nothing there
reaches. Exits with 1 if a slice found a fault.

The binaries are built first, those of libFuzzer with clang, unless --bin names a
folder that has `attack`, `replay` and `fuzz`. Core-hours are processor time.
"""

import argparse
import concurrent.futures
import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading

# What is committed of a corpus: inputs short enough to be read, of all lengths.
MOST_BYTES = 4096
MOST_INPUTS = 15


def build(out):
    """Builds the binaries and returns the folder that has them."""
    folder = out / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    for config, names in (([], ("attack", "replay")), (["--config=fuzz"], ("fuzz",))):
        labels = [f"//tests/attack:{name}" for name in names]
        subprocess.run(["./tools/bazel", "build", *config, *labels], check=True)
        for name in names:
            shutil.copyfile(f"bazel-bin/tests/attack/{name}", folder / name)
            (folder / name).chmod(0o755)
    return folder


def targets_of(binaries):
    """The targets, as `fuzz` without one lists them."""
    usage = subprocess.run([binaries / "fuzz"], capture_output=True, text=True,
                           check=False).stderr
    return re.findall(r"^  (\w+): ", usage, re.MULTILINE)


class Slice:
    """One run of one binary."""

    def __init__(self, kind, number, seconds, targets, binaries, out):
        self.kind, self.number, self.out = kind, number, out
        self.faults_at = out / "faults" / f"{number:05d}-{kind.replace(':', '-')}"
        # Seeds of a campaign differ from those that people type.
        seed = 1_000_000 + number
        if kind == "questions":
            self.command = [binaries / "attack", f"--seconds={seconds}",
                            f"--seed={seed}"]
        elif kind == "mutations":
            # Each target in turn: their seconds are those of the whole slice.
            each = max(1, seconds // targets)
            self.command = [binaries / "replay", f"--seconds={each}",
                            f"--seed={seed}", f"--out={self.faults_at}"]
        else:
            corpus = out / "corpus" / kind.split(":")[1]
            corpus.mkdir(parents=True, exist_ok=True)
            self.command = [
                binaries / "fuzz", f"--target={kind.split(':')[1]}",
                f"-max_total_time={seconds}", f"-seed={seed}", "-timeout=60",
                "-rss_limit_mb=4096", "-max_len=65536", "-print_final_stats=1",
                "-use_value_profile=1", f"-artifact_prefix={self.faults_at}/", corpus]

    def run(self):
        """Runs it; returns what is kept of it."""
        self.faults_at.mkdir(parents=True, exist_ok=True)
        scratch = self.out / "scratch" / f"{self.number}"
        scratch.mkdir(parents=True, exist_ok=True)
        log = self.faults_at / "log"
        with open(log, "w", encoding="utf-8") as file:
            child = subprocess.Popen(  # pylint: disable=consider-using-with
                self.command, stdout=file, stderr=subprocess.STDOUT,
                env={**os.environ, "TMPDIR": str(scratch)})
            # Processor time of the process and of those that it waited for.
            _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        shutil.rmtree(scratch, ignore_errors=True)
        done = {"slice": self.number, "kind": self.kind,
                "core_s": round(usage.ru_utime + usage.ru_stime, 3),
                **read_log(self.kind, log.read_text(errors="replace")),
                "exit_code": child.returncode}
        done["faults"] = max(done["faults"], int(child.returncode != 0))
        if done["faults"] == 0:
            shutil.rmtree(self.faults_at)
        return done


def read_log(kind, text):
    """What a slice did, by its last words."""
    if kind == "questions":
        found = re.search(r"(\d+) questions, (\d+) answered, (\d+) refused, "
                          r"(\d+) studies, (\d+) broken", text)
        asked, answered, refused, studies, broken = map(int, found.groups())
        return {"executions": asked + studies, "accepted": answered,
                "refused": refused, "faults": broken}
    if kind == "mutations":
        found = re.search(r"^all +(\d+) +(\d+) +(\d+) +(\d+)", text, re.MULTILINE)
        executions, accepted, refused, faults = map(int, found.groups())
        return {"executions": executions, "accepted": accepted, "refused": refused,
                "faults": faults}
    # A fault ends libFuzzer without its statistics.
    counts = re.findall(r"^stat::number_of_executed_units: +(\d+)|^#(\d+)\t", text,
                        re.MULTILINE)
    coverage = re.findall(r" cov: (\d+)", text)
    return {"executions": int(max(counts[-1]) if counts else 0),
            "edges": int(coverage[-1]) if coverage else 0, "faults": 0}


def slices_so_far(out):
    """The slices that are kept."""
    file = out / "slices.jsonl"
    if not file.exists():
        return []
    with open(file, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def report(slices):
    """A table in Markdown of what slices did, by kind."""
    rows = ["| slices | core-hours | executions | accepted | refused | edges | faults |",
            "|---|---|---|---|---|---|---|"]
    total = {}
    for kind in [*dict.fromkeys(one["kind"] for one in slices), "all"]:
        own = [one for one in slices if kind in (one["kind"], "all")]
        total = {field: sum(one.get(field, 0) for one in own)
                 for field in ("executions", "accepted", "refused", "faults")}
        edges = max((one.get("edges", 0) for one in own), default=0)
        # libFuzzer does not say what was accepted.
        has = any("accepted" in one for one in own) and kind != "all"
        rows.append(
            f"| {kind.replace('libFuzzer:', '`') + ('`' if ':' in kind else '')} | "
            f"{sum(one['core_s'] for one in own) / 3600:.2f} | "
            f"{total['executions']} | {total['accepted'] if has else ''} | "
            f"{total['refused'] if has else ''} | "
            f"{edges if ':' in kind else ''} | {total['faults'] or 'none'} |")
    return "\n".join(rows)


def campaign(options, out, binaries):
    """Runs slices until the core-hours are over."""
    targets = targets_of(binaries)
    kinds = ["questions", "mutations", *(f"libFuzzer:{target}" for target in targets)]
    if options.kinds:
        kinds = [kind for kind in kinds if re.search(options.kinds, kind)]
    done = slices_so_far(out)
    lock = threading.Lock()
    numbers = itertools.count(1 + max((one["slice"] for one in done), default=0))

    def hours():
        return sum(one["core_s"] for one in done) / 3600

    def work():
        while True:
            with lock:
                if hours() >= options.core_hours:
                    return
                number = next(numbers)
            kind = kinds[number % len(kinds)]
            one = Slice(kind, number, options.slice_seconds, len(targets), binaries,
                        out).run()
            with lock:
                done.append(one)
                with open(out / "slices.jsonl", "a", encoding="utf-8") as file:
                    file.write(json.dumps(one) + "\n")
                print(f"{hours():.2f} core-hours: {json.dumps(one)}", flush=True)

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for worker in [pool.submit(work) for _ in range(options.jobs)]:
            worker.result()
    return done


def minimise(out, binaries):
    """Adds to the committed corpora what reaches further code than they do."""
    for found in sorted((out / "corpus").iterdir()):
        scratch = out / "scratch" / found.name
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)

        def fuzz(*arguments, target=found.name, temporary=scratch):
            subprocess.run([binaries / "fuzz", f"--target={target}", "-timeout=60",
                            "-rss_limit_mb=4096", *arguments], check=False,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           env={**os.environ, "TMPDIR": str(temporary)})

        # It writes down its seeds, which have the committed corpus; then to these is
        # added what reaches edges of the code that nothing before it reached.
        fuzz("-runs=0")
        [seeds] = scratch.glob("tokenjoule-fuzz-*/seeds")
        shutil.copytree(seeds, scratch / "merged")
        before = {path.name for path in seeds.iterdir()}
        fuzz("-merge=1", "-use_counters=0", scratch / "merged", found)
        inputs = sorted((path for path in (scratch / "merged").iterdir()
                         if path.name not in before
                         and path.stat().st_size <= MOST_BYTES),
                        key=lambda path: (path.stat().st_size, path.name))
        kept = pathlib.Path("tests/attack/corpus") / found.name
        for one in inputs[::max(1, len(inputs) // MOST_INPUTS)][:MOST_INPUTS]:
            kept.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(one, kept / f"found-{one.name[:12]}")
        print(f"{found.name}: {len(list(found.iterdir()))} inputs, of which "
              f"{len(inputs)} reach further, {min(len(inputs), MOST_INPUTS)} kept",
              flush=True)
        shutil.rmtree(scratch)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--core-hours", type=float, default=24,
                        help="of all slices, those before included")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--slice-seconds", type=int, default=300)
    parser.add_argument("--kinds", help="a regular expression; default: all")
    parser.add_argument("--bin", type=pathlib.Path)
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--minimise", action="store_true")
    options = parser.parse_args()
    out = options.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    if options.report:
        print(report(slices_so_far(out)))
        return 0
    binaries = options.bin.absolute() if options.bin else build(out)
    if options.minimise:
        minimise(out, binaries)
        return 0
    done = campaign(options, out, binaries)
    print(report(done))
    return int(any(one["faults"] for one in done))


if __name__ == "__main__":
    sys.exit(main())
