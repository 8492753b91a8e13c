#!/usr/bin/env python3
"""Tests measure_power.py with fake sensors; needs no GPU and no root.

    python3 tools/measure_power_test.py
"""

from __future__ import annotations

import ctypes
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import types
import unittest
from typing import Any, Dict, List, Optional
from unittest import mock

# The source tree stays as it is.
sys.dont_write_bytecode = True
SCRIPT = pathlib.Path(__file__).absolute().parent / "measure_power.py"
sys.path.insert(0, str(SCRIPT.parent))

import measure_power  # pylint: disable=wrong-import-position


def write_files(root: pathlib.Path, files: Dict[str, object]) -> None:
    """Files with one value each, as in sysfs."""
    for name, value in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{value}\n", encoding="utf-8")


def write_program(path: pathlib.Path, script: str) -> str:
    """An executable shell script; returns its path."""
    path.write_text("#!/bin/sh\n" + script, encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess:
    """Runs the script."""
    return subprocess.run(
        [sys.executable, "-B", str(SCRIPT), *map(str, arguments)], check=False, text=True,
        timeout=60, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, **environment})


TOKEN = re.compile(r'\s*(?:#[^\n]*\n)?(?:(?P<field>\w+):\s*(?P<value>"(?:[^"\\\n]|\\.)*"|[-+.\w]+)'
                   r'|(?P<begin>\w+) \{|(?P<end>\}))')


def parse_textproto(text: str) -> Dict[str, List[Any]]:
    """Values by field, each a list; raises AssertionError if it is not well formed."""
    stack: List[Dict[str, List[Any]]] = [{}]
    at = 0
    text = re.sub(r"(?m)^#.*\n", "", text)
    while text[at:].strip():
        token = TOKEN.match(text, at)
        assert token, f"not a textproto: {text[at:at + 60]!r}"
        at = token.end()
        if token["field"]:
            value = token["value"]
            value = value[1:-1] if value.startswith('"') else float(value)
            stack[-1].setdefault(token["field"], []).append(value)
        elif token["begin"]:
            message: Dict[str, List[Any]] = {}
            stack[-1].setdefault(token["begin"], []).append(message)
            stack.append(message)
        else:
            stack.pop()
            assert stack, "a brace too many"
    assert len(stack) == 1, "a brace is missing"
    return stack[0]


class FolderTest(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)


# Sensors ---------------------------------------------------------------------


class RaplTest(FolderTest):
    """Two packages, one with a DRAM domain that wraps."""

    ZONES = "class/powercap/intel-rapl"

    def setUp(self) -> None:
        super().setUp()
        self.now = 100.0
        write_files(self.folder, {
            f"{self.ZONES}/enabled": 1,
            f"{self.ZONES}:0/name": "package-0",
            f"{self.ZONES}:0/energy_uj": 5_000_000,
            f"{self.ZONES}:0/max_energy_range_uj": 262_143_000_000,
            f"{self.ZONES}:0:0/name": "core",
            f"{self.ZONES}:0:0/energy_uj": 1_000_000,
            f"{self.ZONES}:0:1/name": "dram",
            f"{self.ZONES}:0:1/energy_uj": 65_712_999_000,
            f"{self.ZONES}:0:1/max_energy_range_uj": 65_712_999_613,
            f"{self.ZONES}:1/name": "package-1",
            f"{self.ZONES}:1/energy_uj": 0,
            f"{self.ZONES}-mmio:0/name": "package-0",
            f"{self.ZONES}-mmio:0/energy_uj": 0,
        })

    def sensor(self) -> measure_power.RaplSensor:
        return measure_power.RaplSensor(self.folder, clock=lambda: self.now)

    def test_power_is_energy_over_time_also_when_a_counter_wraps(self) -> None:
        sensor = self.sensor()
        self.now += 2
        write_files(self.folder, {
            f"{self.ZONES}:0/energy_uj": 205_000_000,  # 200 J in 2 s
            f"{self.ZONES}:0:0/energy_uj": 121_000_000,
            f"{self.ZONES}:0:1/energy_uj": 39_999_387,  # wrapped, 40 J
            f"{self.ZONES}:1/energy_uj": 60_000_000,
        })
        reading = sensor.read()
        self.assertAlmostEqual(reading["memory"], 20)
        self.assertAlmostEqual(reading["package"], 130)
        self.assertAlmostEqual(reading["core"], 60)
        self.assertAlmostEqual(reading["board"], 150)

    def test_a_reading_begins_where_the_last_one_ended(self) -> None:
        sensor = self.sensor()
        self.now += 1
        sensor.read()
        self.now += 1
        write_files(self.folder, {f"{self.ZONES}:1/energy_uj": 7_000_000})
        self.assertAlmostEqual(sensor.read()["package"], 7)

    def test_without_dram_the_platform_domain_is_the_board(self) -> None:
        for part in (self.folder / f"{self.ZONES}:0:1").iterdir():
            part.unlink()
        sensor = self.sensor()
        self.now += 1
        reading = sensor.read()
        self.assertIsNone(reading["memory"])
        self.assertIsNone(reading["board"])
        write_files(self.folder, {
            f"{self.ZONES}:2/name": "psys", f"{self.ZONES}:2/energy_uj": 0})
        sensor = self.sensor()
        self.now += 1
        write_files(self.folder, {f"{self.ZONES}:2/energy_uj": 90_000_000})
        self.assertAlmostEqual(sensor.read()["board"], 90)

    def test_counters_that_only_root_can_read_are_explained(self) -> None:
        for energy in self.folder.glob("class/powercap/*/energy_uj"):
            energy.unlink()
        with self.assertRaisesRegex(measure_power.Unavailable, "run this as root"):
            self.sensor()


def write_orin(root: pathlib.Path, memory_milliamperes: int = 880) -> None:
    """The monitors of a Jetson AGX Orin: 30.4 W in all, memory 4.37 W."""
    write_files(root, {
        "class/hwmon/hwmon0/name": "pwmfan",
        "class/hwmon/hwmon3/name": "ina3221",
        "class/hwmon/hwmon3/in1_label": "VDD_GPU_SOC",
        "class/hwmon/hwmon3/in1_input": 19000,
        "class/hwmon/hwmon3/curr1_input": 1000,
        "class/hwmon/hwmon3/in2_label": "VDD_CPU_CV",
        "class/hwmon/hwmon3/in2_input": 19000,
        "class/hwmon/hwmon3/curr2_input": 100,
        "class/hwmon/hwmon3/in3_label": "VIN_SYS_5V0",
        "class/hwmon/hwmon3/in3_input": 5000,
        "class/hwmon/hwmon3/curr3_input": 1900,
        "class/hwmon/hwmon4/name": "ina3221",
        "class/hwmon/hwmon4/in1_label": "NC",
        "class/hwmon/hwmon4/in1_input": 0,
        "class/hwmon/hwmon4/curr1_input": 0,
        "class/hwmon/hwmon4/in2_label": "VDDQ_VDD2_1V8AO",
        "class/hwmon/hwmon4/in2_input": 4968,
        "class/hwmon/hwmon4/curr2_input": memory_milliamperes,
        "class/hwmon/hwmon4/in7_label": "sum of shunt voltages",
        "class/devfreq/17000000.gpu/cur_freq": 1_300_500_000,
    })


class Ina3221Test(FolderTest):
    """Rails of Jetson modules."""

    def test_memory_is_a_part_of_the_board_and_not_added_to_it(self) -> None:
        write_orin(self.folder)
        sensor = measure_power.Ina3221Sensor(self.folder)
        reading = sensor.read()
        self.assertAlmostEqual(reading["memory"], 4.968 * 0.88)
        self.assertAlmostEqual(reading["board"], 19 + 1.9 + 9.5)
        self.assertNotIn("NC", reading)
        self.assertEqual(sensor.state().core_clock_mhz, 1300.5)

    def test_a_module_without_a_memory_rail_has_only_its_board(self) -> None:
        write_files(self.folder, {
            "class/hwmon/hwmon1/name": "ina3221",
            "class/hwmon/hwmon1/in1_label": "VDD_IN",
            "class/hwmon/hwmon1/in1_input": 5000,
            "class/hwmon/hwmon1/curr1_input": 2000,
        })
        reading = measure_power.Ina3221Sensor(self.folder).read()
        self.assertIsNone(reading["memory"])
        self.assertAlmostEqual(reading["board"], 10)

    def test_a_rail_that_cannot_be_read_is_missing(self) -> None:
        write_orin(self.folder)
        sensor = measure_power.Ina3221Sensor(self.folder)
        (self.folder / "class/hwmon/hwmon4/curr2_input").write_text("", encoding="utf-8")
        self.assertIsNone(sensor.read()["memory"])


SMI_TEXT = """
==============NVSMI LOG==============

Driver Version                            : 570.86.15
Attached GPUs                             : 8
GPU 00000000:19:00.0
    Clocks Event Reasons
        Idle                              : Not Active
        SW Power Cap                      : Active
        HW Slowdown                       : Not Active
            HW Thermal Slowdown           : Not Active
    GPU Power Readings
        Average Power Draw                : 525.98 W
        Instantaneous Power Draw          : 530.12 W
        Current Power Limit               : 700.00 W
    GPU Memory Power Readings 
        Average Power Draw                : {memory}
        Instantaneous Power Draw          : N/A
    Module Power Readings
        Average Power Draw                : N/A
        Current Power Limit               : N/A
    Clocks
        Graphics                          : 1980 MHz
        SM                                : 1980 MHz
        Memory                            : 3201 MHz
    Max Clocks
        SM                                : 2000 MHz
"""


class NvidiaSmiTest(FolderTest):
    """The text of nvidia-smi."""

    def fake(self, memory: str = "226.70 W") -> str:
        write_files(self.folder, {"smi.txt": SMI_TEXT.format(memory=memory)})
        return write_program(
            self.folder / "nvidia-smi",
            'case "$*" in *--query-gpu=*) echo "GPU-1234, NVIDIA H200";; '
            f'*) cat "{self.folder}/smi.txt";; esac\n')

    def test_reads_memory_and_board_and_the_state(self) -> None:
        sensor = measure_power.NvidiaSmiSensor(self.fake(), 0)
        reading = sensor.read()
        self.assertEqual((sensor.uuid, sensor.device_name), ("GPU-1234", "NVIDIA H200"))
        self.assertEqual((reading["memory"], reading["board"]), (226.7, 525.98))
        self.assertIsNone(reading["module"])
        self.assertEqual(sensor.state(), measure_power.DeviceState(
            core_clock_mhz=1980, memory_clock_mhz=3201, power_cap_w=700,
            limited_by=("SW Power Cap",)))

    def test_headings_of_older_drivers_are_known(self) -> None:
        program = self.fake()
        text = SMI_TEXT.replace("GPU Power Readings", "Power Readings").replace(
            "Average Power Draw", "Power Draw").format(memory="N/A")
        write_files(self.folder, {"smi.txt": text})
        reading = measure_power.NvidiaSmiSensor(program, 0).read()
        self.assertEqual((reading["memory"], reading["board"]), (None, 525.98))

    def test_replaces_nvml_if_only_it_knows_the_memory(self) -> None:
        board_only = measure_power.NvmlSensor(FakeNvml({(185, 0): 400_000}), 0)
        options = measure_power.Options(nvidia_smi=self.fake())
        with mock.patch.object(measure_power.NvmlSensor, "load", return_value=board_only):
            self.assertEqual(measure_power.find_sensor(options).name, "nvidia-smi")
            self.fake(memory="N/A")
            with mock.patch.object(measure_power, "say") as said:
                self.assertIs(measure_power.find_sensor(options), board_only)
        self.assertIn("does not report the power of memory alone", said.call_args[0][0])

    def test_the_whole_way_to_an_idle_row(self) -> None:
        done = run("idle", "--sensor=nvidia-smi", f"--nvidia-smi={self.fake()}", "--device=h200",
                   "--settle=0", "--window=0.3")
        self.assertEqual(done.returncode, 0, done.stderr)
        (stream,) = parse_textproto(done.stdout)["stream"]
        self.assertEqual(stream["power_w_memory"], [226.7])
        self.assertEqual(stream["power_cap_w"], [700])
        self.assertIn("SW Power Cap", stream["note"][0])


class FakeNvml:
    """libnvidia-ml.so.1, with power fields in mW by (field, scope)."""

    NUMBERS = {
        "nvmlDeviceGetPowerUsage": 401_000,
        "nvmlDeviceGetEnforcedPowerLimit": 700_000,
        # GPU idle, SW power cap and SW thermal slowdown.
        "nvmlDeviceGetCurrentClocksThrottleReasons": 0x1 | 0x4 | 0x20,
    }

    def __init__(self, fields: Optional[Dict[Any, int]]):
        if fields is not None:
            self.nvmlDeviceGetFieldValues = self._field_values
        self._fields = fields
        for name, value in self.NUMBERS.items():
            setattr(self, name, lambda device, number, value=value: self._set(number, value))

    @staticmethod
    def _set(reference: Any, value: int) -> int:
        reference._obj.value = value
        return 0

    def _field_values(self, device: Any, count: int, reference: Any) -> int:
        value = reference._obj
        milliwatts = self._fields.get((value.fieldId, value.scopeId))
        value.nvmlReturn = 3 if milliwatts is None else 0  # NVML_ERROR_NOT_SUPPORTED
        value.valueType = 1  # NVML_VALUE_TYPE_UNSIGNED_INT
        value.value.ullVal = 0xdead_0000_0000 + (milliwatts or 0)  # only the low half counts
        return 0

    def nvmlInit_v2(self) -> int:
        return 0

    def nvmlShutdown(self) -> int:
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index: int, device: Any) -> int:
        return 2 if index > 0 else self._set(device, 0x1000)

    def nvmlDeviceGetName(self, device: Any, text: Any, length: Any) -> int:
        text.value = b"NVIDIA H100 80GB HBM3"
        return 0

    def nvmlDeviceGetUUID(self, device: Any, text: Any, length: Any) -> int:
        text.value = b"GPU-5678"
        return 0

    def nvmlDeviceGetTemperature(self, device: Any, sensor: int, number: Any) -> int:
        return self._set(number, {0: 47}[sensor])

    def nvmlDeviceGetClockInfo(self, device: Any, clock: int, number: Any) -> int:
        return self._set(number, {1: 1980, 2: 2619}[clock])


class NvmlTest(unittest.TestCase):
    """Fields, scopes and what devices refuse."""

    def test_prefers_averages_and_takes_instants_where_there_is_nothing_else(self) -> None:
        sensor = measure_power.NvmlSensor(FakeNvml({
            (186, 0): 410_000, (185, 0): 400_000, (186, 2): 120_500, (185, 1): 0}), 0)
        self.assertEqual(sensor.read(), {"board": 400, "memory": 120.5})
        self.assertEqual((sensor.device_name, sensor.uuid), ("NVIDIA H100 80GB HBM3", "GPU-5678"))

    def test_drivers_without_fields_have_only_the_board(self) -> None:
        sensor = measure_power.NvmlSensor(FakeNvml(None), 0)
        self.assertEqual(sensor.read(), {"board": 401, "memory": None})

    def test_state(self) -> None:
        self.assertEqual(
            measure_power.NvmlSensor(FakeNvml({(82, 0): 63}), 0).state(),
            measure_power.DeviceState(
                1980, 2619, 700, 47, 63, ("SW power cap", "SW thermal slowdown")))
        self.assertIsNone(measure_power.NvmlSensor(FakeNvml({}), 0).state().memory_temperature_c)

    def test_a_wrong_index_is_named(self) -> None:
        with self.assertRaisesRegex(measure_power.Unavailable, "no GPU 3"):
            measure_power.NvmlSensor(FakeNvml({}), 3)

    def test_structures_have_the_sizes_of_the_header(self) -> None:
        self.assertEqual(ctypes.sizeof(measure_power.NvmlFieldValue), 40)
        self.assertEqual(measure_power.NvmlFieldValue.value.offset, 32)


class PowermetricsTest(FolderTest):
    """The text of powermetrics."""

    def sensor(self, *lines: str) -> measure_power.PowermetricsSensor:
        program = write_program(
            self.folder / "powermetrics",
            "cat << 'END'\n" + "\n".join(lines) + "\nEND\nexec sleep 10\n")
        sensor = measure_power.PowermetricsSensor(program)
        self.addCleanup(sensor.close)
        return sensor

    def test_a_recent_chip_has_neither_memory_nor_board(self) -> None:
        sensor = self.sensor(
            "*** Sampled system activity ***", "E-Cluster Power: 30 mW",
            "GPU HW active frequency: 1296 MHz", "CPU Power: 823 mW", "GPU Power: 26 mW",
            "Combined Power (CPU + GPU + ANE): 1172 mW")
        self.assertEqual(sensor.read(), {
            "memory": None, "board": None, "E-Cluster": 0.03, "CPU": 0.823, "GPU": 0.026,
            "Combined": 1.172})
        self.assertEqual(sensor.state().core_clock_mhz, 1296)

    def test_an_older_chip_has_a_line_of_memory(self) -> None:
        sensor = self.sensor("DRAM Power: 345 mW", "Package Power: 900 mW")
        self.assertEqual(sensor.read()["memory"], 0.345)

    def test_without_root_its_own_message_is_shown(self) -> None:
        program = write_program(
            self.folder / "powermetrics",
            "echo powermetrics must be invoked as the superuser >&2; exit 1\n")
        with self.assertRaisesRegex(measure_power.Unavailable, "as the superuser"):
            measure_power.PowermetricsSensor(program)


# Traffic ---------------------------------------------------------------------


class PatternTest(unittest.TestCase):
    """What is in the buffers."""

    def test_patterns(self) -> None:
        self.assertEqual(measure_power.pattern_block("zeros", 4), b"\x00" * 4)
        self.assertEqual(measure_power.pattern_block("ones", 4), b"\xff" * 4)
        self.assertEqual(measure_power.pattern_block("alternating:2", 8),
                         b"\x00\x00\xff\xff\x00\x00\xff\xff")
        ones = sum(bin(byte).count("1") for byte in measure_power.pattern_block("random", 1 << 14))
        self.assertAlmostEqual(ones / (8 << 14), 0.5, delta=0.01)

    def test_toggle_rate_is_absent_if_it_depends_on_the_bus(self) -> None:
        rates = [measure_power.Stream("read", pattern).toggle_rate
                 for pattern in ("zeros", "ones", "random", "alternating:8")]
        self.assertEqual(rates, [0, 0, 0.5, None])

    def test_a_duty_of_zero_is_idle(self) -> None:
        self.assertTrue(measure_power.Stream("read", "zeros", 0).is_idle)

    def test_buffers_hold_whole_words_for_every_number_of_processes(self) -> None:
        for processes in (1, 3, 128):
            request = measure_power.StreamerRequest("cpu", 10_000_000, 1 << 20, processes)
            for in_cache in (False, True):
                size = measure_power.buffer_size(request, in_cache, 1 << 20, 1 << 30)
                self.assertGreater(size, 0)
                self.assertEqual(size % (4 * measure_power.MAX_WORD_BYTES), 0)


class CpuStreamerTest(unittest.TestCase):
    """Bytes that are really moved."""

    def test_counts_the_bytes_of_a_pass(self) -> None:
        request = measure_power.StreamerRequest("cpu", 1 << 20, 1 << 20, 1)
        streamer = measure_power.CpuStreamer(request)
        size, cached = 1 << 20, 1 << 18
        for stream, traffic in (
                (("read", "random"), (size, 0, 0)),
                (("write", "ones"), (0, size, 0)),
                (("write", "alternating:4096"), (size // 2, size // 2, 0)),
                (("cache", "random"), (0, 0, cached))):
            self.assertEqual(streamer.prepare(measure_power.Stream(*stream)), traffic, stream)
            streamer.launch()

    def test_halves_are_equal_so_that_a_comparison_reads_all(self) -> None:
        streamer = measure_power.CpuStreamer(
            measure_power.StreamerRequest("cpu", 1 << 20, 1 << 20, 1))
        first, second = streamer._filled_halves("random", 1 << 19)
        self.assertEqual(ctypes.string_at(first, 1 << 19), ctypes.string_at(second, 1 << 19))
        self.assertNotEqual(ctypes.string_at(first, 1 << 10), bytes(1 << 10))


class DutyTest(unittest.TestCase):
    """Bursts of traffic and the pauses between them."""

    class FakeStreamer(measure_power.Streamer):
        """A pass takes 1 ms and moves a byte."""

        def prepare(self, stream: measure_power.Stream) -> measure_power.Traffic:
            return measure_power.Traffic(1, 0, 0)

        def launch(self) -> None:
            time.sleep(0.001)

    def passes(self, duty: float, seconds: float) -> float:
        end = time.monotonic() + seconds
        pipe = mock.Mock(poll=lambda: time.monotonic() > end)
        moved = [0.0, 0.0, 0.0]
        stream = measure_power.Stream("read", "zeros", duty)
        measure_power.stream_until_told(self.FakeStreamer(), stream, pipe, moved)
        pipe.send.assert_called_once_with(("ready", ""))
        return moved[0]

    def test_a_quarter_of_the_duty_is_about_a_quarter_of_the_traffic(self) -> None:
        # Wide, because other programs may run on the machine of the test.
        ratio = self.passes(0.25, 0.5) / self.passes(1, 0.5)
        self.assertAlmostEqual(ratio, 0.25, delta=0.1)


class TorchStreamerTest(unittest.TestCase):
    """The calls of PyTorch, on a library that only records them."""

    def setUp(self) -> None:
        self.torch = mock.MagicMock()
        self.torch.__version__ = "2.5.1"
        self.torch.cuda.is_available.return_value = True
        self.torch.cuda.get_device_properties.return_value = types.SimpleNamespace(
            name="NVIDIA H100", L2_cache_size=50 << 20)
        self.torch.cuda.mem_get_info.return_value = (80 << 30, 80 << 30)
        with mock.patch("importlib.import_module", return_value=self.torch):
            self.streamer = measure_power.TorchStreamer(
                measure_power.StreamerRequest("gpu", 0, 0, 1))

    def test_reads_sum_a_buffer_of_many_caches_without_conversion(self) -> None:
        traffic = self.streamer.prepare(measure_power.Stream("read", "zeros"))
        self.assertEqual(traffic, (32 * (50 << 20), 0, 0))
        self.streamer.launch()
        self.assertIs(self.torch.sum.call_args[1]["dtype"], self.torch.int32)

    def test_writes_only_write(self) -> None:
        traffic = self.streamer.prepare(measure_power.Stream("write", "random"))
        self.assertEqual(traffic, (0, 32 * (50 << 20), 0))

    def test_a_cache_loop_is_a_graph_of_reads_of_a_part_of_the_cache(self) -> None:
        traffic = self.streamer.prepare(measure_power.Stream("cache", "zeros"))
        self.streamer.launch()
        self.assertEqual(traffic.read_bytes, 0)
        self.assertLess(traffic.cached_bytes / measure_power.READS_PER_CACHE_PASS, 50 << 20)
        self.torch.cuda.CUDAGraph().replay.assert_called_once_with()

    def test_without_a_gpu_the_reason_is_given(self) -> None:
        self.torch.cuda.is_available.return_value = False
        with mock.patch("importlib.import_module", side_effect=[
                ImportError("No module named 'cupy'"), self.torch]):
            with self.assertRaisesRegex(measure_power.Unavailable,
                                        "No module named 'cupy'; PyTorch finds no GPU"):
                measure_power.make_streamer(measure_power.StreamerRequest("gpu", 0, 0, 1))


class CupyStreamerTest(unittest.TestCase):
    """The launches of our kernels, on a library that only records them."""

    def setUp(self) -> None:
        self.cupy = mock.MagicMock()
        self.cupy.__version__ = "14.2.0"
        self.cupy.cuda.runtime.CUDARuntimeError = RuntimeError
        self.cupy.cuda.runtime.getDeviceProperties.return_value = {"name": b"NVIDIA H100"}
        device = self.cupy.cuda.Device.return_value
        device.attributes = {"L2CacheSize": 50 << 20, "MultiProcessorCount": 132}
        device.mem_info = (80 << 30, 80 << 30)
        # An array's size is all that counts; a tile is as many times as large.
        self.cupy.array = lambda host: types.SimpleNamespace(
            nbytes=len(host), size=len(host) // 4, dtype="int32")
        self.cupy.tile = lambda array, rows: types.SimpleNamespace(nbytes=array.nbytes * rows)
        self.cupy.empty = lambda shape, dtype: types.SimpleNamespace(
            nbytes=4 * shape[0] * shape[1])
        self.cupy.int32 = self.cupy.int64 = int
        self.kernels: Dict[str, mock.MagicMock] = {
            name: mock.MagicMock() for name in ("read_words", "write_words")}
        self.cupy.RawModule.return_value.get_function = self.kernels.get
        self.numpy = types.SimpleNamespace(frombuffer=lambda block, dtype: block)
        with mock.patch("importlib.import_module", self.library):
            self.streamer = measure_power.CupyStreamer(
                measure_power.StreamerRequest("gpu", 0, 0, 1))

    def library(self, name: str) -> Any:
        return {"cupy": self.cupy, "numpy": self.numpy}[name]

    def launched(self, stream: measure_power.Stream) -> Any:
        with mock.patch("importlib.import_module", self.library):
            traffic = self.streamer.prepare(stream)
        self.streamer.launch()
        return traffic

    def test_a_read_reads_each_word_of_the_buffer_once(self) -> None:
        traffic = self.launched(measure_power.Stream("read", "random"))
        self.assertEqual(traffic, (32 * (50 << 20), 0, 0))
        _, _, (buffer, words, times, _) = self.kernels["read_words"].call_args[0]
        self.assertEqual((buffer.nbytes, 16 * words, times),
                         (traffic.read_bytes, traffic.read_bytes, 1))

    def test_a_cache_loop_is_one_launch_inside_the_cache(self) -> None:
        traffic = self.launched(measure_power.Stream("cache", "zeros"))
        _, _, (_, words, times, _) = self.kernels["read_words"].call_args[0]
        self.assertEqual(traffic, (0, 0, 16 * words * times))
        self.assertLess(16 * words, 50 << 20)

    def test_a_write_writes_each_word_once_from_a_block_in_the_cache(self) -> None:
        traffic = self.launched(measure_power.Stream("write", "random"))
        _, _, (_, words, block, block_words) = self.kernels["write_words"].call_args[0]
        self.assertEqual(traffic, (0, 16 * words, 0))
        self.assertEqual(16 * block_words, block.nbytes)
        self.assertLess(block.nbytes, 50 << 20)


class CacheSizeTest(FolderTest):
    """The last-level cache of the processors."""

    def test_shared_caches_of_the_last_level_count_once(self) -> None:
        cpus = "devices/system/cpu"
        for cpu, sharers in (0, "0-1"), (1, "0-1"), (2, "2-3"):
            write_files(self.folder, {
                f"{cpus}/cpu{cpu}/cache/index2/level": 2,
                f"{cpus}/cpu{cpu}/cache/index2/size": "1024K",
                f"{cpus}/cpu{cpu}/cache/index2/shared_cpu_list": cpu,
                f"{cpus}/cpu{cpu}/cache/index3/level": 3,
                f"{cpus}/cpu{cpu}/cache/index3/size": "32768K",
                f"{cpus}/cpu{cpu}/cache/index3/shared_cpu_list": sharers,
            })
        self.assertEqual(measure_power.cpu_cache_bytes(self.folder), 64 << 20)


# Faults ----------------------------------------------------------------------


def window_of(memory: List[Optional[float]], board: List[Optional[float]],
              clocks: Optional[List[float]] = None) -> measure_power.Window:
    """A window with these samples."""
    readings = [{"memory": m, "board": b} for m, b in zip(memory, board)]
    states = [measure_power.DeviceState(core_clock_mhz=clock)
              for clock in clocks or [1980.0] * len(readings)]
    return measure_power.Window("read", 1.0, readings, states)


class FaultsTest(unittest.TestCase):
    """The reasons to refuse a row."""

    def test_idle_may_drift_by_a_tenth(self) -> None:
        before = window_of([45] * 5, [80] * 5)
        self.assertEqual(
            measure_power.drift_faults(before, window_of([49] * 5, [87] * 5), 0), [])
        (fault,) = measure_power.drift_faults(before, window_of([45] * 5, [89] * 5), 0)
        self.assertIn("idle board power drifted from 80 W to 89 W", fault)

    def test_a_step_of_the_sensor_is_no_drift(self) -> None:
        before, after = window_of([0.4] * 5, [10] * 5), window_of([0.5] * 5, [10] * 5)
        self.assertEqual(measure_power.drift_faults(before, after, 0.1), [])
        self.assertEqual(len(measure_power.drift_faults(before, after, 0.01)), 1)

    def test_clocks_may_change_by_a_twentieth(self) -> None:
        samples = [100] * 20, [400] * 20
        self.assertEqual(measure_power.clock_faults(window_of(*samples, [1980, 1900] * 10)), [])
        (fault,) = measure_power.clock_faults(window_of(*samples, [1980, 1800] * 10))
        self.assertIn("from 1800 to 1980 MHz", fault)

    def test_one_outlier_of_a_clock_is_tolerated(self) -> None:
        window = window_of([100] * 40, [400] * 40, [1980] * 39 + [300])
        self.assertEqual(measure_power.clock_faults(window), [])

    def test_power_at_full_rate_is_constant(self) -> None:
        window = window_of([100] * 6 + [50] * 4, [400] * 10)
        (fault,) = measure_power.level_faults(window, 0.001)
        self.assertIn("memory power was not constant: median 100 W, mean 80 W", fault)

    def test_rails_that_make_no_sense(self) -> None:
        (fault,) = measure_power.rail_faults(window_of([400] * 5, [400] * 5))
        self.assertIn("as much as the board", fault)
        (fault,) = measure_power.rail_faults(measure_power.Window("idle", 1, [
            {"memory": None, "board": None, "CPU": 1.0}] * 5, []))
        self.assertIn("the sensor has only CPU", fault)
        (fault,) = measure_power.rail_faults(window_of([10, None, None], [20] * 3))
        self.assertIn("1 samples of memory", fault)

    def test_bursts_are_described_by_their_mean_and_constant_power_by_its_median(self) -> None:
        window = window_of([10, 10, 40, 100], [200] * 4)
        for stream, watts in ((measure_power.Stream("read", "zeros", 0.5), 40),
                              (measure_power.Stream("read", "zeros", 1), 25), (None, 40)):
            self.assertEqual(measure_power.Result(window, stream, window, []).watts("memory"), watts)

    def test_missing_samples_are_told(self) -> None:
        window = window_of([10, None, 10, 10], [20] * 4)
        note = measure_power.note_of(
            measure_power.Result(window, measure_power.IDLE, window, []), "")
        self.assertIn("memory 10 W (10 to 10 W) without 1 missing samples", note)


# The whole way ---------------------------------------------------------------


class WholeWayTest(FolderTest):
    """The script on a Jetson whose rails are files."""

    def setUp(self) -> None:
        super().setUp()
        write_orin(self.folder)
        self.flags = ["--device=jetson-agx-orin-64gb", f"--sysfs-root={self.folder}",
                      "--sensor=ina3221", "--settle=0", "--window=0.4"]

    def test_a_stream_writes_idle_and_traffic(self) -> None:
        out = self.folder / "rows.textproto"
        done = run("stream", *self.flags, "--target=cpu", "--buffer-mb=8", f"--out={out}",
                   "--source=a \"quoted\" name")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(list(self.folder.glob("rows.textproto?*")), [])
        text = out.read_text(encoding="utf-8")
        self.assertTrue(text.startswith("# proto-file: proto/measurement.proto\n"
                                        "# proto-message: MeasurementSet\n"))
        idle, stream = parse_textproto(text)["stream"]
        self.assertEqual((idle["read_gb_per_s"], idle["write_gb_per_s"]), ([0], [0]))
        self.assertNotIn("pattern", idle)
        self.assertGreater(stream["read_gb_per_s"][0], 0.1)
        self.assertEqual(stream["write_gb_per_s"], [0])
        self.assertEqual(stream["device"], ["jetson-agx-orin-64gb"])
        self.assertEqual(stream["pattern"], ["random"])
        self.assertEqual(stream["toggle_rate"], [0.5])
        self.assertEqual(stream["power_w_memory"], [4.372])
        self.assertEqual(stream["power_w_per_device"], [30.4])
        self.assertEqual(stream["core_clock_mhz"], [1300])
        self.assertEqual(stream["source"], ['a \\"quoted\\" name'])
        self.assertIn("idle before: memory 4.372 W, board 30.4 W", stream["note"][0])

    def test_a_cache_loop_moves_nothing_in_memory(self) -> None:
        done = run("cache", *self.flags, "--target=cpu")
        self.assertEqual(done.returncode, 0, done.stderr)
        _, stream = parse_textproto(done.stdout)["stream"]
        self.assertEqual((stream["read_gb_per_s"], stream["pattern"]), ([0], ["random"]))
        self.assertEqual(stream["toggle_rate"], [0.5])
        self.assertGreater(stream["cache_gb_per_s"][0], 0.1)
        self.assertNotIn("duty", stream)

    def test_a_stream_that_pauses_says_so(self) -> None:
        done = run("stream", *self.flags, "--target=cpu", "--buffer-mb=8", "--duty=0.5")
        self.assertEqual(done.returncode, 0, done.stderr)
        idle, stream = parse_textproto(done.stdout)["stream"]
        self.assertEqual(stream["duty"], [0.5])
        self.assertNotIn("duty", idle)

    def command(self, script: str, *flags: str) -> subprocess.CompletedProcess:
        return run("command", *self.flags, *flags, "--", "sh", "-c", script)

    def test_a_command_gives_a_commented_row(self) -> None:
        done = self.command("echo output of the command; sleep 0.8")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(list(parse_textproto(done.stdout)), ["description"])
        self.assertNotIn("output of the command", done.stdout)
        row = re.sub(r"(?m)^# ", "", done.stdout[done.stdout.index("# row {"):])
        row = re.sub(r" +# .*", "", row)
        self.assertIn("model: \"TODO\"", row)
        (row,) = parse_textproto(row.replace(": TODO", ": 1"))["row"]
        self.assertEqual(row["power_w_memory"], [4.372])
        self.assertEqual(row["power_w_per_device"], [30.4])
        self.assertEqual(row["boundary"], ["board"])

    def test_drift_of_idle_refuses_the_row_unless_it_is_kept(self) -> None:
        current = self.folder / "class/hwmon/hwmon4/curr2_input"
        script = f"echo 1200 > {current}; sleep 0.8"
        done = self.command(script)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertNotIn("row {", done.stdout)
        self.assertIn("# refused command: idle memory power drifted from 4.372 W to 5.962 W",
                      done.stdout)
        self.assertIn("idle memory power drifted", done.stderr)
        write_orin(self.folder)
        done = self.command(script, "--keep")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("kept although idle memory power drifted", done.stdout)

    def test_a_command_that_fails_or_ends_at_once_is_refused(self) -> None:
        done = self.command("exit 7", "--settle=0.1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("ended with exit code 7", done.stderr)
        self.assertIn("choose a shorter --settle", done.stderr)

    def test_without_a_library_for_the_gpu_it_offers_a_command(self) -> None:
        for library in ("torch", "cupy"):
            write_files(self.folder, {f"{library}.py": f"raise ImportError('no {library} here')"})
        done = run("stream", *self.flags, "--target=gpu", PYTHONPATH=str(self.folder))
        self.assertEqual(done.returncode, 3)
        self.assertIn("no cupy here; no torch here", done.stderr)
        self.assertIn("install PyTorch", done.stderr)
        self.assertIn("measure_power.py command", done.stderr)


class CommandLineTest(FolderTest):
    """Flags."""

    def test_every_fault_is_listed(self) -> None:
        done = run("stream", "--duty=2", "--pattern=alternating:3", "--rat=5", "--gpu=x",
                   f"--out={self.folder}/absent/rows", "--keep=yes", "--settle")
        self.assertEqual(done.returncode, 3)
        self.assertEqual(done.stdout, "")
        for fault in ('--duty: expected 0 to 1, found "2"', "--pattern: expected zeros, ones",
                      "unknown flag --rat; did you mean --rate?", "--gpu: expected an integer",
                      "--out: expected a file", "--keep: expected no value",
                      "--settle: expected --settle=VALUE", "--device is missing"):
            self.assertIn(fault, done.stderr)

    def test_faults_of_the_workload(self) -> None:
        for arguments, fault in (
                ([], "expected one workload"),
                (["idle", "stream", "--plan"], "found idle, stream"),
                (["comand", "--plan"], "did you mean command?"),
                (["command", "--plan"], "expected the program to run after --"),
                (["idle", "--plan", "--", "ls"], "only for command"),
                (["all", "--plan", "--duty=0.5"], "--duty: only for stream, cache")):
            done = run(*arguments)
            self.assertEqual(done.returncode, 3, arguments)
            self.assertIn(fault, done.stderr)

    def test_without_a_sensor_all_reasons_are_given(self) -> None:
        done = run("idle", "--device=x", "--sensor=rapl", f"--sysfs-root={self.folder}")
        self.assertEqual(done.returncode, 3)
        self.assertIn("no sensor of power answers here", done.stderr)
        self.assertIn("has no intel-rapl domain", done.stderr)

    def test_the_plan_of_all_takes_some_seven_minutes(self) -> None:
        done = run("all", "--plan")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"(?m)^ *440 s  in all")
        # The first is warmed up for.
        self.assertEqual(len(re.findall("read|write|cache", done.stdout)) - 1, 22)

    def test_help_lists_every_flag(self) -> None:
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        for flag in (*measure_power.PARSERS, *measure_power.SWITCHES):
            self.assertIn(f"--{flag}", done.stdout)


if __name__ == "__main__":
    unittest.main()
