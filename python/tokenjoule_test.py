#!/usr/bin/env python3
"""Tests of the Python package on the program itself.

    python3 python/tokenjoule_test.py bazel-bin/tools/tokenjoule
"""

import contextlib
import io
import json
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import warnings

# The source tree stays as it is.
sys.dont_write_bytecode = True
FOLDER = pathlib.Path(__file__).absolute().parent
sys.path.insert(0, str(FOLDER))

import fields as fields_of_schema  # pylint: disable=wrong-import-position
import run_notebook  # pylint: disable=wrong-import-position
import tokenjoule as tj  # pylint: disable=wrong-import-position
from tokenjoule import answers, fields  # pylint: disable=wrong-import-position

# The first argument, if it is a program, is the one to test.
if len(sys.argv) > 1 and os.access(sys.argv[1], os.X_OK):
    os.environ["TOKENJOULE"] = os.path.abspath(sys.argv.pop(1))
PROGRAM = tj.Engine().program
SETUP = {"model": "llama-3.1-8b", "hardware": "h100-sxm"}


def command_line(*words):
    """What the program prints."""
    return subprocess.run([PROGRAM, *words], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout.decode()


def setup_words():
    return ["--%s=%s" % pair for pair in SETUP.items()]


class AnswersTest(unittest.TestCase):

    def test_are_those_of_the_command_line(self):
        for name, more in [("analyze", {}), ("batch", {"batch": "1,2"}),
                           ("ceiling", {}), ("tricks", {}), ("sensitivity", {})]:
            answer = getattr(tj, name)(**SETUP, **more)
            words = ["--%s=%s" % pair for pair in more.items()]
            expected = command_line(name, *setup_words(), *words, "--format=json")
            self.assertEqual(answer.to_dict(), json.loads(expected), name)
            self.assertIn("tokenjoule %s --model=llama-3.1-8b" % name, answer.command)
            table = command_line(name, *setup_words(), *words)
            self.assertEqual(answer.text(), table, name)

    def test_compare_has_two_sides(self):
        comparison = tj.compare(to={"batch": 32}, **SETUP)
        self.assertEqual(comparison.a.scenario.batch, 1)
        self.assertEqual(comparison.b.scenario.batch, 32)
        self.assertAlmostEqual(
            comparison.energy_change_j,
            sum(term.change_j for term in comparison.terms), places=9)

    def test_explain_and_list(self):
        self.assertIn("compute", repr(tj.explain("COMPUTE", **SETUP)).lower())
        names = [entry.name for entry in tj.list("hardware").entries]
        self.assertIn("h100-sxm", names)

    def test_sweep_runs_by_itself(self):
        space = tj.sweep(space="hbm-accelerator", set=["scenario.context=4096"])
        self.assertGreater(len(space.front), 0)
        with self.assertRaises(tj.Fault) as caught:
            tj.sweep(space="nowhere")
        self.assertEqual(caught.exception.exit_code, 3)
        self.assertIn("nowhere", caught.exception.faults[0])

    def test_flags_are_lists_dicts_numbers_and_bools(self):
        study = tj.batch(batch=[1, 4], context=range(1024, 2049, 1024), ranges=False,
                         set={"hardware.board.set_power_cap_w": 500}, **SETUP)
        self.assertEqual(
            study.command,
            "tokenjoule batch --model=llama-3.1-8b --hardware=h100-sxm --batch=1,4 "
            "--context=1024,2048 --set=hardware.board.set_power_cap_w=500 "
            "--ranges=false")
        self.assertEqual(tj.analyze(ideal=True, kv=None, **SETUP).scenario.ideal, True)

    def test_faults_are_all_there(self):
        with self.assertRaises(tj.Fault) as caught:
            tj.analyze(model="llama-3.1-8b", hardware="h100-sxm", batch="x", tp="y")
        self.assertEqual(caught.exception.exit_code, 2)
        self.assertEqual(len(caught.exception.faults), 2)
        with self.assertRaises(tj.Fault) as caught:
            tj.analyze(model="no-such-model", hardware="h100-sxm")
        self.assertEqual(caught.exception.exit_code, 3)
        with self.assertRaises(tj.Fault):
            tj.ask("serve")
        # The process goes on.
        self.assertGreater(tj.analyze(**SETUP).energy_per_token_j, 0)

    def test_files_are_read_wherever_the_process_started(self):
        before = os.getcwd()
        with tempfile.TemporaryDirectory() as folder:
            try:
                os.chdir(folder)
                pathlib.Path("mine.textproto").write_text(
                    'name: "mine" base: "h100-sxm"\n')
                report = tj.analyze(model="llama-3.1-8b", hardware="mine.textproto")
                self.assertEqual(report.hardware, "mine")
                path = pathlib.Path("mine.textproto")
                report = tj.analyze(model="llama-3.1-8b", hardware=path)
                self.assertEqual(report.hardware, "mine")
            finally:
                os.chdir(before)

    def test_rows_have_the_columns_of_the_csv(self):
        study = tj.batch(batch="1,2,4", ranges=False, **SETUP)
        rows = study.records()
        self.assertEqual([row["scenario.batch"] for row in rows], [1, 2, 4])
        self.assertIs(rows[0]["fits"], True)
        self.assertIsNone(rows[0]["scenario.routing"])
        self.assertAlmostEqual(rows[1]["energy_per_token_j"],
                               study.rows[1].energy_per_token_j, places=6)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            frame = study.frame()
        try:
            import pandas  # pylint: disable=import-outside-toplevel
            self.assertIsInstance(frame, pandas.DataFrame)
        except ImportError:
            self.assertEqual(frame, rows)
            self.assertIn("pandas is not installed", str(caught[0].message))


    def test_version_is_that_of_the_answers(self):
        self.assertEqual(tj.version(), tj.analyze(**SETUP).tokenjoule_version)


class RecordsTest(unittest.TestCase):

    def test_fields_are_attributes_and_missing_ones_are_none(self):
        record = answers.Record({"a": {"b": [{"c": 1}]}, "n": "NaN", "i": "-Infinity",
                                 "seed": "12"})
        self.assertEqual(record.a.b[0].c, 1)
        self.assertNotEqual(record.n, record.n)
        self.assertEqual(record.i, float("-inf"))
        self.assertEqual(record.seed, 12)
        self.assertIsNone(record.dram_energy_share)
        self.assertIn("a", dir(record))
        self.assertIn("a", record)
        self.assertEqual(record["a"]["b"][0]["c"], 1)
        with self.assertRaisesRegex(AttributeError, "did you mean 'seed'"):
            record.sed  # pylint: disable=pointless-statement
        with self.assertRaises(KeyError):
            record["sed"]  # pylint: disable=pointless-statement
        self.assertEqual(pickle.loads(pickle.dumps(record)), record)

    def test_names_are_those_of_the_schema(self):
        protos = [FOLDER.parent / "proto" / name
                  for name in ("report.proto", "scenario.proto")]
        text = fields_of_schema.module_text([path.read_text() for path in protos])
        with open(fields.__file__, encoding="utf-8") as file:
            self.assertEqual(
                file.read(), text,
                "run: python3 python/fields.py proto/report.proto "
                "proto/scenario.proto > python/tokenjoule/fields.py")

    def test_answers_can_be_kept(self):
        answer = tj.analyze(**SETUP)
        again = pickle.loads(pickle.dumps(answer))
        self.assertEqual(again, answer)
        self.assertEqual(again.text("csv"), answer.text("csv"))


class EngineTest(unittest.TestCase):

    def test_threads_share_one_process(self):
        wrong = []

        def ask(batch):
            report = tj.analyze(batch=batch, **SETUP)
            if report.scenario.batch != batch:
                wrong.append((batch, report.scenario.batch))

        threads = [threading.Thread(target=ask, args=(batch,))
                   for batch in range(1, 33)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])

    def test_a_process_that_ends_is_replaced(self):
        engine = tj.Engine(PROGRAM)
        engine.ask("list", "boundaries")
        engine._process.kill()  # pylint: disable=protected-access
        engine._process.wait()  # pylint: disable=protected-access
        with self.assertRaisesRegex(tj.EngineError, "ended unexpectedly"):
            engine.ask("list", "boundaries")
        engine.ask("list", "boundaries")
        engine.close()

    def test_programs_that_are_none(self):
        with self.assertRaisesRegex(tj.EngineError, "is not a program"):
            tj.Engine("/nowhere/tokenjoule").ask("list")
        with self.assertRaisesRegex(tj.EngineError, "ended unexpectedly"):
            tj.Engine("/bin/true").ask("list")

    def test_a_curve_of_1000_points_takes_under_a_second(self):
        tj.analyze(**SETUP)
        begin = time.monotonic()
        study = tj.batch(batch="1:1000", ranges=False, **SETUP)
        energies = [row.energy_per_token_j for row in study.rows]
        took = time.monotonic() - begin
        self.assertEqual(len(energies), 1000)
        print("1000 points: %.3f s" % took)
        # Machines that test are shared: four times as long is no regression.
        self.assertLess(took, 4)


class NotebookTest(unittest.TestCase):

    def test_runs_and_holds_no_outputs(self):
        path = FOLDER / "studies.ipynb"
        with open(path, encoding="utf-8") as file:
            notebook = json.load(file)
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                self.assertEqual(cell["outputs"], [])
                self.assertIsNone(cell["execution_count"])
        # Without a screen; set before matplotlib is imported, if it is there.
        os.environ["MPLBACKEND"] = "agg"
        shown = []
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            names = run_notebook.run(str(path), shown.append)
        self.assertIn("board", printed.getvalue())
        self.assertIn("J at batch 1", printed.getvalue())
        self.assertEqual(len(names["curve"].rows), 1000)
        self.assertTrue(shown)


if __name__ == "__main__":
    unittest.main()
