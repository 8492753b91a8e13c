#!/usr/bin/env python3
"""campaign.py with binaries that only say what the real ones say."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

CAMPAIGN = pathlib.Path(__file__).with_name("campaign.py").absolute()

ATTACK = """#!/bin/sh
echo "seed 5: 100 questions, 60 answered, 40 refused, 25 studies, $BROKEN broken, in 1 s"
[ "$BROKEN" = 0 ]
"""

REPLAY = """#!/bin/sh
echo "model   30   20   10   0   1.0   0.1"
echo "all     70   40   30   0   2.0"
"""

# Two targets; the one called `crashes` does.
FUZZ = """#!/bin/sh
case $1 in
  --target=crashes) echo "#32	NEW    cov: 7 ft: 9"; exit 77 ;;
  --target=model) echo "#8	INITED cov: 5 ft: 6"; echo "#64	DONE   cov: 11 ft: 12"
    echo "stat::number_of_executed_units: 64" ;;
  *) echo "usage: fuzz --target=NAME" >&2
    echo "  model: a model" >&2; echo "  crashes: nothing" >&2; exit 2 ;;
esac
"""


class CampaignTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.out = self.folder / "out"
        for name, text in (("attack", ATTACK), ("replay", REPLAY), ("fuzz", FUZZ)):
            path = self.folder / name
            path.write_text(text)
            path.chmod(0o755)

    def run_campaign(self, *arguments, broken=0):
        return subprocess.run(
            [sys.executable, CAMPAIGN, f"--out={self.out}", f"--bin={self.folder}",
             "--jobs=1", "--slice-seconds=1", *arguments],
            capture_output=True, text=True, check=False,
            env={"BROKEN": str(broken), "PATH": "/usr/bin:/bin"})

    def slices(self):
        with open(self.out / "slices.jsonl", encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    def test_slices_take_turns_until_the_core_hours_are_over(self):
        # A slice of a shell takes a few thousandths of a second.
        result = self.run_campaign("--core-hours=0.00002", "--kinds=questions|mutations")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        slices = self.slices()
        self.assertGreater(len(slices), 1)
        self.assertGreaterEqual(sum(one["core_s"] for one in slices), 0.072)
        self.assertEqual({one["kind"] for one in slices}, {"questions", "mutations"})
        self.assertEqual([one["slice"] for one in slices],
                         list(range(1, len(slices) + 1)))
        for one in slices:
            executions = 125 if one["kind"] == "questions" else 70
            self.assertEqual(one["executions"], executions)
        # What was there is counted, so that there is nothing left to do.
        before = len(slices)
        self.run_campaign("--core-hours=0.00001")
        self.assertEqual(len(self.slices()), before)
        self.assertIn(f"| {sum(one['executions'] for one in slices)} |",
                      self.run_campaign("--report").stdout)

    def test_what_libfuzzer_says_is_read(self):
        self.run_campaign("--core-hours=0.000001", "--kinds=libFuzzer:model")
        self.assertEqual(self.slices()[0]["executions"], 64)
        self.assertEqual(self.slices()[0]["edges"], 11)
        self.assertEqual(self.slices()[0]["faults"], 0)
        self.assertFalse(list((self.out / "faults").iterdir()))

    def test_a_fault_is_counted_and_kept(self):
        result = self.run_campaign("--core-hours=0.000001", "--kinds=crashes")
        self.assertEqual(result.returncode, 1)
        self.assertEqual(self.slices()[0]["faults"], 1)
        self.assertEqual(self.slices()[0]["executions"], 32)
        [kept] = (self.out / "faults").iterdir()
        self.assertIn("cov: 7", (kept / "log").read_text())

    def test_broken_relations_are_counted(self):
        result = self.run_campaign("--core-hours=0.000001", "--kinds=questions",
                                   broken=3)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(self.slices()[0]["faults"], 3)


if __name__ == "__main__":
    unittest.main()
