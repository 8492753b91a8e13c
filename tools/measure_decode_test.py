#!/usr/bin/env python3
"""Tests measure_decode.py as far as that needs no GPU.

    python3 tools/measure_decode_test.py
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
from typing import Any, Dict

# The source tree stays as it is.
sys.dont_write_bytecode = True
SCRIPT = pathlib.Path(__file__).absolute().parent / "measure_decode.py"
sys.path.insert(0, str(SCRIPT.parent))

import measure_decode  # pylint: disable=wrong-import-position
import measure_power  # pylint: disable=wrong-import-position
from measure_power_test import parse_textproto  # pylint: disable=wrong-import-position

# Llama-3.1-8B.
CONFIG = {"num_hidden_layers": 32, "hidden_size": 4096, "num_attention_heads": 32,
          "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256}


def faults_of(change: Dict[str, Any]) -> str:
    """What is wrong with a changed configuration."""
    try:
        measure_decode.Shape.of({**CONFIG, **change})
    except measure_power.BadInput as fault:
        return str(fault)
    return ""


class ShapeTest(unittest.TestCase):
    """Shapes and what a step reads."""

    def test_bytes_of_a_step(self) -> None:
        shape = measure_decode.Shape.of(CONFIG)
        # 8.03e9 parameters without the 525 million of the embedding, of which a step
        # reads single rows, and without norms.
        self.assertEqual(shape.weight_bytes(), 2 * 7_504_658_432)
        # 131072 bytes per token, as `tokenjoule analyze` says.
        self.assertEqual(shape.kv_bytes(3, 1000), 3 * 1000 * 131072)

    def test_every_fault_of_a_configuration_is_named(self) -> None:
        faults = faults_of({"hidden_size": "4096", "vocab_size": 0})
        self.assertIn("hidden_size: expected a positive integer", faults)
        self.assertIn("vocab_size: expected a positive integer", faults)
        self.assertIn("divisor of 32", faults_of({"num_key_value_heads": 7}))
        self.assertIn("at most 16", faults_of({"num_key_value_heads": 1}))
        self.assertIn("power of two", faults_of({"head_dim": 96}))
        self.assertIn("dense", faults_of({"num_local_experts": 8}))
        self.assertEqual(faults_of({}), "")


class RowTest(unittest.TestCase):
    """What is written of a measurement."""

    def row(self, *faults: str) -> Dict[str, Any]:
        state = measure_power.DeviceState(1980, 2619, 700, 42, 53)
        window = measure_power.Window(
            "batch 2", 6.0, [{"memory": 144.0, "board": 434.0}] * 60, [state] * 60)
        text = measure_decode.row_text(
            measure_decode.Case(2, 1024, "random"), window, 0.00664,
            measure_decode.Shape.of(CONFIG),
            {"source": "test", "software": "s", "model": "llama-3.1-8b", "device": "h100-sxm"},
            faults)
        (row,) = parse_textproto(text)["row"]
        return row

    def test_energy_is_power_times_time_per_token(self) -> None:
        row = self.row()
        self.assertEqual(row["itl_ms"], [6.64])
        self.assertEqual(row["energy_per_token_j"], [1.441])  # 434 W x 6.64 ms / 2
        self.assertEqual((row["power_w_memory"], row["power_w_per_device"]), ([144], [434]))
        self.assertEqual((row["batch"], row["mean_context_tokens"]), ([2], [1024]))
        self.assertIn("reads 15.28 GB per step, 2301 GB/s", row["note"][0])
        self.assertIn("memory 53 degrees Celsius", row["note"][0])

    def test_a_kept_row_says_why_it_would_be_refused(self) -> None:
        self.assertIn("kept although it drifted", self.row("it drifted")["note"][0])


class CommandLineTest(unittest.TestCase):
    """Flags and files."""

    def run_script(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-B", str(SCRIPT), *arguments], check=False, text=True, timeout=60,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def test_bad_input_is_exit_3(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            config = pathlib.Path(folder) / "config.json"
            config.write_text(json.dumps({**CONFIG, "head_dim": 96}), encoding="utf-8")
            for arguments, fault in (
                    ((f"--config={folder}/absent.json",), "absent.json"),
                    ((f"--config={config}",), "power of two"),
                    ((f"--config={config}", "--batch=1,0"), "--batch"),
                    ((f"--config={config}", "--window=-1"), "--window"),
                    ((f"--config={config}", "--window=nan"), "--window"),
                    ((), "--config")):
                done = self.run_script("--model=m", "--device=d", *arguments)
                self.assertEqual(done.returncode, 3, done.stderr)
                self.assertIn(fault, done.stderr)
                self.assertEqual(done.stdout, "")

    def test_help(self) -> None:
        done = self.run_script("--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn("--context", done.stdout)


if __name__ == "__main__":
    unittest.main()
