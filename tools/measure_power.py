#!/usr/bin/env python3
"""Measures the power of memory beside that of the board, under known traffic.

    tools/measure_power.py all --device=h100-sxm --out=my-rows.textproto
    tools/measure_power.py command --device=h100-sxm --settle=60 --window=30 -- ./decode.sh

Run it on the device that you want to measure. It needs Python 3.9 or later and
nothing else to read sensors; streams on a GPU also need PyTorch or CuPy. The
answer is a MeasurementSet of proto/measurement.proto: one `stream` per traffic,
or for `command` a `row` to fill in. docs/measuring.md says what each sensor
covers and how to read the answer.

GB is 1e9 bytes. stdout is the answer, stderr is progress and advice.

Exit codes: 0 fine, 1 at least one row was refused, 3 bad input or no sensor.
"""

from __future__ import annotations

import ctypes
import dataclasses
import datetime
import difflib
import importlib
import mmap
import multiprocessing
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

EXIT_FINE = 0
EXIT_REFUSED = 1
EXIT_BAD_INPUT = 3
EXIT_INTERRUPTED = 130

STDERR_FD = 2

# A row is refused beyond these, unless --keep is given.
MAX_IDLE_DRIFT = 0.10
MAX_CLOCK_CHANGE = 0.05
# At full rate the power is constant, so that median and mean must agree.
MAX_MEAN_FROM_MEDIAN = 0.05
MIN_SAMPLES = 3

# Traffic is switched on and off in bursts that are short beside the time over
# which sensors average.
BURST_S = 0.002
# A stream's buffer has the size of so many last-level caches, so that hardly
# anything of it is still cached when it is read again.
BUFFER_PER_CACHE = 32
# A cache loop uses a quarter of the last-level cache, because caches of GPUs
# keep lines in both of their halves.
CACHE_PER_LOOP = 4
# Buffers are filled with copies of a block of this size.
BLOCK_BYTES = 16 << 20
# The longest word of an alternating pattern. All buffers, and their halves, are
# multiples of two such words.
MAX_WORD_BYTES = 4096
# Assumed where the system does not tell.
UNKNOWN_CACHE_BYTES = 32 << 20
# Cached reads that are launched together, because a launch takes as long as
# such a read.
READS_PER_CACHE_PASS = 64

# Watts by rail. "memory" and "board" are the two that rows have; other rails
# have the names that the device gives them. None: not measured this time.
Reading = Dict[str, Optional[float]]


class BadInput(Exception):
    """Everything that is wrong with the input, so that it is reported at once."""

    def __init__(self, *faults: str):
        super().__init__("\n".join(faults))
        self.faults = faults


class Unavailable(Exception):
    """The reason why a sensor or a source of traffic cannot be used here."""


def say(text: str) -> None:
    """Progress and advice."""
    print(f"{pathlib.Path(sys.argv[0]).name}: {text}", file=sys.stderr, flush=True)


# Sensors ---------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class DeviceState:
    """The clocks and limits of the device at the time of a sample."""

    core_clock_mhz: Optional[float] = None
    memory_clock_mhz: Optional[float] = None
    power_cap_w: Optional[float] = None
    # Of the chip and of the hottest memory device, degrees Celsius.
    chip_temperature_c: Optional[float] = None
    memory_temperature_c: Optional[float] = None
    # What held the clocks down, e.g. "SW power cap".
    limited_by: Tuple[str, ...] = ()


class Sensor:
    """Reads the power of one device."""

    name = ""
    # The boundary of the sensor, for a reader of the answer.
    covers = ""
    # What traffic changes these readings: "gpu" or "cpu", the preferred first.
    targets: Tuple[str, ...] = ()
    # Smallest step of a reading.
    resolution_w = 0.0
    # The name by which the device calls itself, and its UUID if it has one.
    device_name = ""
    uuid = ""

    def read(self) -> Reading:
        """Watts by rail."""
        raise NotImplementedError

    def state(self) -> DeviceState:
        """Clocks and limits; fields that the sensor does not know are absent."""
        return DeviceState()

    def close(self) -> None:
        """Ends whatever the sensor started."""


class NvmlValue(ctypes.Union):
    """nvmlValue_t."""

    _fields_ = [
        ("dVal", ctypes.c_double),
        ("siVal", ctypes.c_int),
        ("uiVal", ctypes.c_uint),
        ("ulVal", ctypes.c_ulong),
        ("ullVal", ctypes.c_ulonglong),
        ("sllVal", ctypes.c_longlong),
    ]


# Members of nvmlValue_t in the order of nvmlValueType_t.
NVML_VALUE_MEMBERS = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal")


class NvmlFieldValue(ctypes.Structure):
    """nvmlFieldValue_t."""

    _fields_ = [
        ("fieldId", ctypes.c_uint),
        ("scopeId", ctypes.c_uint),
        ("timestamp", ctypes.c_longlong),
        ("latencyUsec", ctypes.c_longlong),
        ("valueType", ctypes.c_int),
        ("nvmlReturn", ctypes.c_int),
        ("value", NvmlValue),
    ]


NVML_FI_DEV_MEMORY_TEMP = 82
NVML_FI_DEV_POWER_AVERAGE = 185
NVML_FI_DEV_POWER_INSTANT = 186
# nvmlPowerScopeType_t, by our name of the rail.
NVML_SCOPES = {"board": 0, "module": 1, "memory": 2}
NVML_TEMPERATURE_GPU = 0
NVML_CLOCK_SM = 1
NVML_CLOCK_MEM = 2
# nvmlClocksEventReasons that hold the clocks of a busy GPU down.
NVML_LIMITS = {
    0x4: "SW power cap",
    0x8: "HW slowdown",
    0x10: "sync boost",
    0x20: "SW thermal slowdown",
    0x40: "HW thermal slowdown",
    0x80: "HW power brake slowdown",
}

NVIDIA_COVERS = (
    "memory: the supply rails of the HBM or GDDR devices as the board measures them; "
    "NVIDIA does not document whether losses of regulators and the supply of the PHY's "
    "I/O are in it; board: the whole board or module, with memory and regulators"
)


class NvmlSensor(Sensor):
    """NVIDIA's management library."""

    name = "NVML"
    covers = NVIDIA_COVERS
    targets = ("gpu",)
    resolution_w = 0.001

    def __init__(self, library: Any, gpu: int):
        self._library = library
        self._device = ctypes.c_void_p()
        if not self._call("nvmlInit_v2"):
            raise Unavailable("NVML: no driver answers")
        if not self._call("nvmlDeviceGetHandleByIndex_v2", gpu, ctypes.byref(self._device)):
            raise Unavailable(f"NVML: there is no GPU {gpu}")
        self.device_name = self._text("nvmlDeviceGetName")
        self.uuid = self._text("nvmlDeviceGetUUID")
        # The field that this device answers for each scope; averages are
        # preferred, because they do not alias with traffic in bursts.
        self._fields = {
            rail: field
            for rail in NVML_SCOPES
            for field in (NVML_FI_DEV_POWER_INSTANT, NVML_FI_DEV_POWER_AVERAGE)
            if self._field_w(field, rail) is not None
        }
        if self.read()["board"] is None:
            raise Unavailable(f"NVML: {self.device_name} reports no power")

    @classmethod
    def load(cls, gpu: int) -> NvmlSensor:
        """The sensor with the driver's library."""
        try:
            return cls(ctypes.CDLL("libnvidia-ml.so.1"), gpu)
        except OSError as error:
            raise Unavailable(f"NVML: {error}") from error

    def _call(self, function: str, *arguments: Any) -> bool:
        """Whether the library has the function and it succeeded."""
        try:
            return getattr(self._library, function)(*arguments) == 0
        except AttributeError:
            return False

    def _text(self, function: str) -> str:
        text = ctypes.create_string_buffer(96)
        known = self._call(function, self._device, text, ctypes.c_uint(len(text)))
        return text.value.decode() if known else ""

    def _number(self, function: str, *arguments: Any, kind: Any = ctypes.c_uint) -> Optional[int]:
        number = kind()
        known = self._call(function, self._device, *arguments, ctypes.byref(number))
        return number.value if known else None

    def _field(self, field: int, scope: int) -> Optional[float]:
        """One field; devices without such a sensor refuse it or say 0."""
        value = NvmlFieldValue(fieldId=field, scopeId=scope)
        known = self._call("nvmlDeviceGetFieldValues", self._device, 1, ctypes.byref(value))
        if not known or value.nvmlReturn != 0 or value.valueType >= len(NVML_VALUE_MEMBERS):
            return None
        number = getattr(value.value, NVML_VALUE_MEMBERS[value.valueType])
        return number if number > 0 else None

    def _field_w(self, field: int, rail: str) -> Optional[float]:
        """One power field."""
        milliwatts = self._field(field, NVML_SCOPES[rail])
        return None if milliwatts is None else milliwatts / 1e3

    def read(self) -> Reading:
        reading: Reading = {"memory": None, "board": None}
        for rail, field in self._fields.items():
            reading[rail] = self._field_w(field, rail)
        if "board" not in self._fields:
            milliwatts = self._number("nvmlDeviceGetPowerUsage")
            reading["board"] = milliwatts / 1e3 if milliwatts else None
        return reading

    def state(self) -> DeviceState:
        limit_mw = self._number("nvmlDeviceGetEnforcedPowerLimit")
        reasons = self._number(
            "nvmlDeviceGetCurrentClocksThrottleReasons", kind=ctypes.c_ulonglong)
        return DeviceState(
            core_clock_mhz=self._number("nvmlDeviceGetClockInfo", NVML_CLOCK_SM),
            memory_clock_mhz=self._number("nvmlDeviceGetClockInfo", NVML_CLOCK_MEM),
            power_cap_w=limit_mw / 1e3 if limit_mw else None,
            chip_temperature_c=self._number("nvmlDeviceGetTemperature", NVML_TEMPERATURE_GPU),
            memory_temperature_c=self._field(NVML_FI_DEV_MEMORY_TEMP, 0),
            limited_by=tuple(text for bit, text in NVML_LIMITS.items() if (reasons or 0) & bit))

    def close(self) -> None:
        self._call("nvmlShutdown")


def quantity(text: Optional[str], unit: str) -> Optional[float]:
    """The number of "12.3 W"; None for "N/A" and for zero, as absent sensors say."""
    match = re.fullmatch(rf"([\d.]+) {unit}", text or "")
    return float(match.group(1)) or None if match else None


class NvidiaSmiSensor(Sensor):
    """The text of nvidia-smi, for drivers whose library refuses the fields."""

    name = "nvidia-smi"
    covers = NVIDIA_COVERS
    targets = ("gpu",)
    resolution_w = 0.01

    SECTIONS = {
        "board": ("GPU Power Readings", "Power Readings"),
        "memory": ("GPU Memory Power Readings",),
        "module": ("Module Power Readings",),
    }
    DRAWS = ("Average Power Draw", "Power Draw", "Instantaneous Power Draw")
    LIMITS = ("SW Power Cap", "HW Slowdown", "HW Thermal Slowdown", "HW Power Brake Slowdown",
              "Sync Boost", "SW Thermal Slowdown")

    def __init__(self, program: str, gpu: int):
        self._program = program
        self._gpu = str(gpu)
        identity = self._run("--query-gpu=uuid,name", "--format=csv,noheader")
        self.uuid, _, self.device_name = (part.strip() for part in identity.partition(","))
        self._sections: Dict[str, Dict[str, str]] = {}
        if self.read()["board"] is None:
            raise Unavailable(f"nvidia-smi: {self.device_name} reports no power")

    def _run(self, *arguments: str) -> str:
        try:
            return subprocess.run(
                [self._program, *arguments, "-i", self._gpu], check=True, timeout=30,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
        except (OSError, subprocess.SubprocessError) as error:
            raise Unavailable(f"nvidia-smi: {error}") from error

    @staticmethod
    def parse(text: str) -> Dict[str, Dict[str, str]]:
        """The "key : value" lines under each heading."""
        sections: Dict[str, Dict[str, str]] = {}
        entries = sections.setdefault("", {})
        for line in text.splitlines():
            key, separator, value = line.partition(" : ")
            if separator:
                entries[key.strip()] = value.strip()
            elif line.strip():
                entries = sections.setdefault(line.strip(), {})
        return sections

    def read(self) -> Reading:
        self._sections = self.parse(self._run("-q", "-d", "POWER,CLOCK,PERFORMANCE"))
        return {rail: self._draw(headings) for rail, headings in self.SECTIONS.items()}

    def _draw(self, headings: Sequence[str]) -> Optional[float]:
        for heading in headings:
            for draw in self.DRAWS:
                watts = quantity(self._sections.get(heading, {}).get(draw), "W")
                if watts is not None:
                    return watts
        return None

    def state(self) -> DeviceState:
        """The state at the last reading."""
        entries = self._sections
        clocks = entries.get("Clocks", {})
        power = entries.get("GPU Power Readings") or entries.get("Power Readings", {})
        reasons = (entries.get("Clocks Event Reasons") or
                   entries.get("Clocks Throttle Reasons", {}))
        return DeviceState(
            core_clock_mhz=quantity(clocks.get("SM"), "MHz"),
            memory_clock_mhz=quantity(clocks.get("Memory"), "MHz"),
            power_cap_w=quantity(power.get("Current Power Limit"), "W"),
            limited_by=tuple(text for text in self.LIMITS if reasons.get(text) == "Active"))


def read_text(path: pathlib.Path) -> Optional[str]:
    """The content of a small file; None if it is absent or cannot be read."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return None


def read_number(path: pathlib.Path) -> Optional[float]:
    """The number in a file; None if there is none."""
    try:
        return float(read_text(path) or "")
    except ValueError:
        return None


class Ina3221Sensor(Sensor):
    """The rails of a Jetson, through its INA3221 monitors."""

    name = "INA3221"
    covers = (
        "memory: the input of the regulators of LPDDR5 VDD2, VDDQ and VDD1 at 5 V, with "
        "their losses and the SoC's side of VDDQ; the PHY's core and the controller are in "
        "VDD_GPU_SOC; board: the sum of the rails that feed the module"
    )
    targets = ("gpu", "cpu")
    # 40 uV over a shunt of 2 mohm, at 5 V.
    resolution_w = 0.1

    # The rail of memory, and the rails whose sum is the module. That of memory
    # is fed by VIN_SYS_5V0.
    MODULES = (
        ("VDDQ_VDD2_1V8AO", ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0")),  # AGX Orin
        (None, ("VDD_IN",)),  # Orin NX and Nano
    )

    def __init__(self, sysfs_root: pathlib.Path):
        self._root = sysfs_root
        self._rails: Dict[str, Tuple[pathlib.Path, pathlib.Path]] = {}
        for monitor in sorted(sysfs_root.glob("class/hwmon/hwmon*")):
            if read_text(monitor / "name") == "ina3221":
                self._add_rails(monitor)
        if not self._rails:
            raise Unavailable(f"INA3221: {sysfs_root}/class/hwmon has no such monitor with rails")

    def _add_rails(self, monitor: pathlib.Path) -> None:
        for label in sorted(monitor.glob("in[0-9]_label")):
            channel = label.name[2]
            current = monitor / f"curr{channel}_input"
            # "NC" is an input that is not connected.
            if (rail := read_text(label)) and rail != "NC" and current.exists():
                self._rails[rail] = (monitor / f"in{channel}_input", current)

    def read(self) -> Reading:
        rails: Reading = {}
        for rail, (millivolts, milliamperes) in self._rails.items():
            volts, amperes = read_number(millivolts), read_number(milliamperes)
            rails[rail] = None if volts is None or amperes is None else volts * amperes / 1e6
        return {"memory": self._memory(rails), "board": self._board(rails), **rails}

    def _memory(self, rails: Reading) -> Optional[float]:
        return next((rails[memory] for memory, _ in self.MODULES if memory in rails), None)

    def _board(self, rails: Reading) -> Optional[float]:
        for _, parts in self.MODULES:
            watts = [rails.get(part) for part in parts]
            if None not in watts:
                return sum(watts)
        return None

    def state(self) -> DeviceState:
        for pattern in ("*.gpu", "*.ga10b"):
            for device in self._root.glob(f"class/devfreq/{pattern}"):
                hertz = read_number(device / "cur_freq")
                if hertz is not None:
                    return DeviceState(core_clock_mhz=hertz / 1e6)
        return DeviceState()


class RaplSensor(Sensor):
    """The energy counters of x86 processors, through Linux's powercap."""

    name = "RAPL"
    covers = (
        "memory: the DRAM domain, which on servers is measured at the regulators of the "
        "DIMMs and on client chips may be a model; board: packages and DRAM (or psys, if "
        "there is no DRAM domain), without supply losses, fans and disks"
    )
    targets = ("cpu",)

    def __init__(self, sysfs_root: pathlib.Path, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        # "intel-rapl-mmio:*" are the same packages once more.
        zones = sorted(sysfs_root.glob("class/powercap/intel-rapl:*"))
        self._zones = [zone for zone in zones if read_text(zone / "name")]
        if not self._zones:
            raise Unavailable(f"RAPL: {sysfs_root}/class/powercap has no intel-rapl domain")
        if all(read_number(zone / "energy_uj") is None for zone in self._zones):
            raise Unavailable("RAPL: energy_uj cannot be read; run this as root")
        self._energies = self._read_energies()
        self._time = clock()

    def _read_energies(self) -> Dict[pathlib.Path, Optional[float]]:
        return {zone: read_number(zone / "energy_uj") for zone in self._zones}

    def _microjoules_since(self, zone: pathlib.Path, before: Optional[float],
                           after: Optional[float]) -> Optional[float]:
        if before is None or after is None:
            return None
        if after >= before:
            return after - before
        # The counter began again at zero.
        wrap = read_number(zone / "max_energy_range_uj")
        return None if wrap is None else after - before + wrap

    def read(self) -> Reading:
        """Mean power since the last reading; domains of one kind are added."""
        energies, now = self._read_energies(), self._clock()
        seconds = now - self._time
        domains: Dict[str, List[Optional[float]]] = {}
        for zone, energy in energies.items():
            microjoules = self._microjoules_since(zone, self._energies[zone], energy)
            watts = None if microjoules is None else microjoules / 1e6 / seconds
            kind = (read_text(zone / "name") or "").split("-")[0]
            domains.setdefault(kind, []).append(watts)
        self._energies, self._time = energies, now
        rails = {kind: None if None in watts else sum(watts) for kind, watts in domains.items()}
        return {"memory": rails.get("dram"), "board": self._board(rails), **rails}

    @staticmethod
    def _board(rails: Reading) -> Optional[float]:
        package, dram = rails.get("package"), rails.get("dram")
        if package is not None and dram is not None:
            return package + dram
        return rails.get("psys")


class PowermetricsSensor(Sensor):
    """Apple's powermetrics, which needs root."""

    name = "powermetrics"
    covers = (
        "estimates of the chip's parts; memory: the DRAM line, which recent chips and "
        "releases of macOS do not print; board: none, because no line covers it"
    )
    targets = ("cpu",)
    resolution_w = 0.001

    POWER = re.compile(r"(\S[^:]*) Power(?: \(.*\))?: +([\d.]+) mW")
    CLOCK = re.compile(r"GPU (?:HW )?active frequency: +([\d.]+) MHz")

    def __init__(self, program: str, patience_s: float = 5):
        self._rails: Reading = {}
        self._gpu_clock_mhz: Optional[float] = None
        try:
            self._process = subprocess.Popen(
                [program, "--samplers", "cpu_power,gpu_power", "-i", "100"],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        except OSError as error:
            raise Unavailable(f"powermetrics: {error}") from error
        self._last_line = ""
        self._first = threading.Event()
        self._reader = threading.Thread(target=self._follow, daemon=True)
        self._reader.start()
        self._first.wait(patience_s)
        if not self._rails:
            self.close()
            raise Unavailable(f"powermetrics: no power in its output: {self._last_line}")

    def _follow(self) -> None:
        for line in self._process.stdout:
            self._last_line = line.strip() or self._last_line
            power, clock = self.POWER.match(line), self.CLOCK.match(line)
            if power:
                self._rails[power.group(1)] = float(power.group(2)) / 1e3
                # The combined power is the last of a sample.
                if power.group(1) in ("Combined", "Package"):
                    self._first.set()
            elif clock:
                self._gpu_clock_mhz = float(clock.group(1))
        self._first.set()

    def read(self) -> Reading:
        rails = dict(self._rails)
        if self._process.poll() is not None:
            return {rail: None for rail in ("memory", "board", *rails)}
        return {"memory": rails.get("DRAM"), "board": None, **rails}

    def state(self) -> DeviceState:
        return DeviceState(core_clock_mhz=self._gpu_clock_mhz)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()


def find_sensor(options: Options) -> Sensor:
    """The sensor that was asked for, or the first that works on this device.

    Of two sensors of one device, that which knows the memory's power is taken.
    """
    root = pathlib.Path(options.sysfs_root)
    devices: List[Dict[str, Callable[[], Sensor]]] = [
        {"nvml": lambda: NvmlSensor.load(options.gpu),
         "nvidia-smi": lambda: NvidiaSmiSensor(options.nvidia_smi, options.gpu)},
        {"ina3221": lambda: Ina3221Sensor(root)},
        {"rapl": lambda: RaplSensor(root)},
        {"powermetrics": lambda: PowermetricsSensor(options.powermetrics)},
    ]
    reasons: List[str] = []
    for makers in devices:
        working: List[Sensor] = []
        for name, make in makers.items():
            if options.sensor not in ("auto", name):
                continue
            try:
                sensor = make()
            except Unavailable as reason:
                reasons.append(str(reason))
                continue
            if sensor.read()["memory"] is not None:
                return sensor
            working.append(sensor)
        if working:
            say(f"{working[0].name} does not report the power of memory alone on this device")
            return working[0]
    raise BadInput("no sensor of power answers here", *reasons)


# Traffic ---------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Stream:
    """Traffic of one kind."""

    # "idle", "read", "write", or "cache": reads of the last-level cache.
    direction: str
    # "zeros", "ones", "random", or "alternating:N": words of N bytes, all bits
    # 0 and all bits 1 in turn.
    pattern: str = "zeros"
    # Fraction of the time in which there is traffic.
    duty: float = 1.0

    @property
    def is_idle(self) -> bool:
        return self.direction == "idle" or self.duty == 0

    @property
    def label(self) -> str:
        if self.is_idle:
            return "idle"
        return f"{self.direction} {self.pattern} at duty {self.duty:g}"

    @property
    def toggle_rate(self) -> Optional[float]:
        """Fraction of bits that differ between successive transfers.

        None if it depends on the width of the bus.
        """
        return {"zeros": 0.0, "ones": 0.0, "random": 0.5}.get(self.pattern)


IDLE = Stream("idle")


class Traffic(NamedTuple):
    """Bytes moved: read and written in memory, and read from the cache."""

    read_bytes: float
    written_bytes: float
    cached_bytes: float


def pattern_block(pattern: str, size: int) -> bytes:
    """Bytes with a pattern; `size` is a multiple of two words."""
    if pattern == "random":
        return os.urandom(size)
    if pattern.startswith("alternating:"):
        word = int(pattern.partition(":")[2])
        return (b"\x00" * word + b"\xff" * word) * (size // (2 * word))
    return {"zeros": b"\x00", "ones": b"\xff"}[pattern] * size


class Streamer:
    """Moves bytes, in passes over a buffer."""

    # The library and device that move them.
    description = ""

    def prepare(self, stream: Stream) -> Traffic:
        """Fills a buffer; returns the traffic of one pass."""
        raise NotImplementedError

    def launch(self) -> None:
        """Starts one pass."""
        raise NotImplementedError

    def wait(self) -> None:
        """Returns when all passes are complete."""


@dataclasses.dataclass(frozen=True)
class StreamerRequest:
    """What a process that makes traffic needs to know."""

    target: str
    # Size of the buffer; 0: chosen from the size of the cache.
    buffer_bytes: int
    # The cache of the processors, and how many processes share it and the
    # buffer.
    cpu_cache_bytes: int
    processes: int


def buffer_size(request: StreamerRequest, in_cache: bool, cache_bytes: int, most: int) -> int:
    """Size of the buffer of one process, a multiple of all words' sizes."""
    if in_cache:
        size = cache_bytes // CACHE_PER_LOOP
    else:
        size = min(request.buffer_bytes or BUFFER_PER_CACHE * cache_bytes, most)
    grain = 4 * MAX_WORD_BYTES
    return max(grain, size // request.processes // grain * grain)


class GpuStreamer(Streamer):
    """What the libraries of arrays have in common."""

    def __init__(self, request: StreamerRequest):
        self._request = request
        self._launch: Callable[[], Any] = lambda: None

    def prepare(self, stream: Stream) -> Traffic:
        # Frees the buffers of the last stream.
        self._launch = lambda: None
        in_cache = stream.direction == "cache"
        size = buffer_size(self._request, in_cache, self._cache_bytes(), self._free_bytes() // 2)
        block = pattern_block(stream.pattern, min(size, BLOCK_BYTES))
        rows = size // len(block)
        size = rows * len(block)
        if stream.direction == "write":
            self._launch = self._writer(block, rows, stream.pattern)
            return Traffic(0, size, 0)
        if in_cache:
            self._launch = self._reader(block, rows, READS_PER_CACHE_PASS)
            return Traffic(0, 0, size * READS_PER_CACHE_PASS)
        self._launch = self._reader(block, rows, 1)
        return Traffic(size, 0, 0)

    def launch(self) -> None:
        self._launch()

    def _cache_bytes(self) -> int:
        raise NotImplementedError

    def _free_bytes(self) -> int:
        raise NotImplementedError

    def _reader(self, block: bytes, rows: int, times: int) -> Callable[[], Any]:
        """A function that reads a buffer of copies of the block into a scalar, `times` times."""
        raise NotImplementedError

    def _writer(self, block: bytes, rows: int, pattern: str) -> Callable[[], Any]:
        """A function that writes copies of the block into a buffer.

        The block stays in the cache, so that memory is only written.
        """
        raise NotImplementedError


class TorchStreamer(GpuStreamer):
    """PyTorch with CUDA or ROCm."""

    def __init__(self, request: StreamerRequest):
        super().__init__(request)
        self._torch = importlib.import_module("torch")
        if not self._torch.cuda.is_available():
            raise ImportError("PyTorch finds no GPU")
        self._properties = self._torch.cuda.get_device_properties(0)
        self.description = f"PyTorch {self._torch.__version__} on {self._properties.name}"

    def _cache_bytes(self) -> int:
        return getattr(self._properties, "L2_cache_size", 0) or UNKNOWN_CACHE_BYTES

    def _free_bytes(self) -> int:
        self._torch.cuda.empty_cache()
        return self._torch.cuda.mem_get_info()[0]

    def _on_gpu(self, block: bytes) -> Any:
        torch = self._torch
        return torch.frombuffer(bytearray(block), dtype=torch.int32).cuda()

    def _reader(self, block: bytes, rows: int, times: int) -> Callable[[], Any]:
        torch = self._torch
        buffer = self._on_gpu(block).repeat(rows)

        def read() -> Any:
            # With another type of the sum, the buffer would first be converted.
            return torch.sum(buffer, dtype=torch.int32)

        return read if times == 1 else self._repeated(read, times)

    def _writer(self, block: bytes, rows: int, pattern: str) -> Callable[[], Any]:
        source = self._on_gpu(block)
        buffer = source.new_empty((rows, source.numel()))
        if pattern in ("zeros", "ones"):
            return lambda: buffer.fill_(0 if pattern == "zeros" else -1)
        return lambda: buffer.copy_(source)

    def _repeated(self, read: Callable[[], Any], times: int) -> Callable[[], Any]:
        """One graph, because a launch takes longer than a cached read."""
        torch = self._torch
        read()
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for _ in range(times):
                read()

        def replay() -> None:
            graph.replay()
            # A graph does not own the buffer that it reads; this function does.
            _ = read

        return replay

    def wait(self) -> None:
        self._torch.cuda.synchronize()


# read_words reads all words, `times` times. Each read is asked of the L2 and not of the L1,
# and the compiler may not drop or merge it; words are combined by the cheapest instruction.
# write_words writes all words with copies of the first ones of a block.
KERNELS = r"""
extern "C" __global__ void read_words(
    const uint4* words, long long count, int times, unsigned int* sink) {
  const long long stride = (long long)gridDim.x * blockDim.x;
  const long long first = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  unsigned int all = 0;
  for (int time = 0; time < times; ++time) {
    #pragma unroll 8
    for (long long i = first; i < count; i += stride) {
      uint4 word;
      asm volatile("ld.global.cg.v4.u32 {%0, %1, %2, %3}, [%4];"
          : "=r"(word.x), "=r"(word.y), "=r"(word.z), "=r"(word.w) : "l"(words + i));
      all ^= word.x ^ word.y ^ word.z ^ word.w;
    }
  }
  if (all == 0x9e3779b9u) *sink = all;
}
extern "C" __global__ void write_words(
    uint4* words, long long count, const uint4* block, long long block_count) {
  const long long stride = (long long)gridDim.x * blockDim.x;
  const long long first = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  const uint4 word = block[first % block_count];
  #pragma unroll 8
  for (long long i = first; i < count; i += stride) words[i] = word;
}
"""
KERNEL_WORD_BYTES = 16
KERNEL_THREADS = 256
KERNEL_BLOCKS_PER_PROCESSOR = 8


class CupyStreamer(GpuStreamer):
    """CuPy, with kernels of ours."""

    def __init__(self, request: StreamerRequest):
        super().__init__(request)
        self._cupy = importlib.import_module("cupy")
        try:
            self._device = self._cupy.cuda.Device(0)
            name = self._cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
        except self._cupy.cuda.runtime.CUDARuntimeError as error:
            raise ImportError(f"CuPy finds no GPU: {error}") from error
        self.description = f"CuPy {self._cupy.__version__} on {name}"
        module = self._cupy.RawModule(code=KERNELS)
        self._read_words = module.get_function("read_words")
        self._write_words = module.get_function("write_words")
        self._sink = self._cupy.zeros(1, dtype="uint32")

    def _cache_bytes(self) -> int:
        return self._device.attributes.get("L2CacheSize", 0) or UNKNOWN_CACHE_BYTES

    def _free_bytes(self) -> int:
        self._cupy.get_default_memory_pool().free_all_blocks()
        return self._device.mem_info[0]

    def _on_gpu(self, block: bytes) -> Any:
        # Copied, because a buffer of bytes is not writable.
        host = importlib.import_module("numpy").frombuffer(block, dtype="int32")
        return self._cupy.array(host)

    def _reader(self, block: bytes, rows: int, times: int) -> Callable[[], Any]:
        cupy = self._cupy
        buffer = cupy.tile(self._on_gpu(block), rows)
        return self._launcher(
            self._read_words, buffer, self._words(buffer), cupy.int32(times), self._sink)

    def _writer(self, block: bytes, rows: int, pattern: str) -> Callable[[], Any]:
        source = self._on_gpu(block)
        buffer = self._cupy.empty((rows, source.size), dtype=source.dtype)
        return self._launcher(
            self._write_words, buffer, self._words(buffer), source, self._words(source))

    def _words(self, array: Any) -> Any:
        return self._cupy.int64(array.nbytes // KERNEL_WORD_BYTES)

    def _launcher(self, kernel: Any, *arguments: Any) -> Callable[[], Any]:
        blocks = self._device.attributes["MultiProcessorCount"] * KERNEL_BLOCKS_PER_PROCESSOR
        return lambda: kernel((blocks,), (KERNEL_THREADS,), arguments)

    def wait(self) -> None:
        self._device.synchronize()


class CpuStreamer(Streamer):
    """Functions of the C library in one of several processes."""

    def __init__(self, request: StreamerRequest):
        self._request = request
        self._launch: Callable[[], Any] = lambda: None
        library = ctypes.CDLL(None)
        self._compare, self._copy, self._set = library.memcmp, library.memmove, library.memset
        self._compare.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
        self._copy.argtypes = self._compare.argtypes
        self._set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
        self.description = f"the C library in {request.processes} processes"

    def prepare(self, stream: Stream) -> Traffic:
        physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        in_cache = stream.direction == "cache"
        size = buffer_size(
            self._request, in_cache, self._request.cpu_cache_bytes, physical // 4)
        half = size // 2
        first, second = self._filled_halves(stream.pattern, half)
        if stream.direction == "write" and stream.pattern in ("zeros", "ones"):
            byte = 0 if stream.pattern == "zeros" else 0xff
            self._launch = lambda: (self._set(first, byte, half), self._set(second, byte, half))
            return Traffic(0, size, 0)
        if stream.direction == "write":
            # Without a large source, the library would write through the cache
            # and read each line before it.
            self._launch = lambda: self._copy(first, second, half)
            return Traffic(half, half, 0)
        # The halves are equal, so that the comparison reads all of both.
        self._launch = lambda: self._compare(first, second, half)
        return Traffic(0, 0, size) if in_cache else Traffic(size, 0, 0)

    def _filled_halves(self, pattern: str, half: int) -> Tuple[int, int]:
        """Addresses of two equal buffers."""
        block = pattern_block(pattern, min(half, BLOCK_BYTES))
        # Released when the next stream replaces it.
        self._memory = mmap.mmap(-1, 2 * half)
        first = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        for offset in range(0, half, len(block)):
            length = min(len(block), half - offset)
            self._copy(first + offset, block, length)
            self._copy(first + half + offset, block, length)
        return first, first + half

    def launch(self) -> None:
        self._launch()


def make_streamer(request: StreamerRequest) -> Streamer:
    """The first library that works; raises Unavailable if none does."""
    if request.target == "cpu":
        return CpuStreamer(request)
    reasons = []
    # CuPy first: its reads are a kernel of ours, which reaches the full rate of a cache.
    for kind in (CupyStreamer, TorchStreamer):
        try:
            return kind(request)
        except ImportError as error:
            reasons.append(str(error))
    raise Unavailable("; ".join(reasons))


def passes_per_burst(streamer: Streamer) -> int:
    """Number of passes that take about BURST_S."""
    seconds = 0.0
    for _ in range(2):  # The first is not counted: it also loads code.
        begin = time.perf_counter()
        streamer.launch()
        streamer.wait()
        seconds = time.perf_counter() - begin
    return max(1, round(BURST_S / max(seconds, 1e-6)))


def stream_until_told(streamer: Streamer, stream: Stream, pipe: Any, moved: Any) -> None:
    """Makes traffic until there is a message in the pipe, and counts it in `moved`."""
    traffic = streamer.prepare(stream)
    passes = passes_per_burst(streamer)
    pipe.send(("ready", streamer.description))
    while not pipe.poll():
        begin = time.perf_counter()
        for _ in range(passes):
            streamer.launch()
        streamer.wait()
        busy_s = time.perf_counter() - begin
        for kind, amount in enumerate(traffic):
            moved[kind] += passes * amount
        if stream.duty < 1:
            time.sleep(busy_s * (1 / stream.duty - 1))


def serve_streams(request: StreamerRequest, pipe: Any, moved: Any) -> None:
    """The main function of a process that makes the traffic it is told to."""
    try:
        streamer = make_streamer(request)
        pipe.send(("ready", streamer.description))
        while True:
            stream = pipe.recv()
            if stream.is_idle:
                pipe.send(("ready", streamer.description))
            else:
                stream_until_told(streamer, stream, pipe, moved)
    except (BrokenPipeError, EOFError, KeyboardInterrupt):
        pass  # The measuring process has ended.
    except Exception as error:  # pylint: disable=broad-except
        # Libraries of GPUs have exceptions of their own; the user must see them.
        pipe.send(("error", str(error) or type(error).__name__))


class StreamProcesses:
    """The processes that make the traffic."""

    # Loading a library and filling a buffer can take long.
    PATIENCE_S = 300

    def __init__(self, request: StreamerRequest):
        context = multiprocessing.get_context("spawn")
        self._members = []
        self.description = ""
        for _ in range(request.processes):
            ours, theirs = context.Pipe()
            moved = context.Array("d", 3, lock=False)
            process = context.Process(
                target=serve_streams, args=(request, theirs, moved), daemon=True)
            process.start()
            theirs.close()
            self._members.append((process, ours, moved))
        self._await_ready()

    def run(self, stream: Stream) -> None:
        """Returns when all processes make this traffic."""
        try:
            for _, pipe, _ in self._members:
                pipe.send(stream)
        except OSError:
            pass  # _await_ready reports why the process has ended.
        self._await_ready()

    def moved(self) -> Traffic:
        """Traffic since the start."""
        self._check()
        return Traffic(*(sum(column) for column in zip(*(m for _, _, m in self._members))))

    def _check(self) -> None:
        """Raises if a process has failed."""
        for _, pipe, _ in self._members:
            if pipe.poll():
                self._receive(pipe)

    def _await_ready(self) -> None:
        for _, pipe, _ in self._members:
            if not pipe.poll(self.PATIENCE_S):
                self.close()
                raise Unavailable(f"no traffic after {self.PATIENCE_S} s")
            self._receive(pipe)

    def _receive(self, pipe: Any) -> None:
        try:
            kind, text = pipe.recv()
        except (EOFError, OSError):
            kind, text = "error", "the process that makes the traffic has ended"
        if kind == "error":
            self.close()
            raise Unavailable(text)
        self.description = text

    def close(self) -> None:
        for process, _, _ in self._members:
            process.terminate()
        for process, pipe, _ in self._members:
            process.join()
            pipe.close()
        self._members = []


def cpu_cache_bytes(sysfs_root: pathlib.Path) -> int:
    """Sum of all caches of the last level."""
    levels: Dict[int, Dict[str, int]] = {}
    for cache in sysfs_root.glob("devices/system/cpu/cpu[0-9]*/cache/index[0-9]*"):
        size = re.fullmatch(r"(\d+)K", read_text(cache / "size") or "")
        if size:
            level = int(read_number(cache / "level") or 0)
            sharers = read_text(cache / "shared_cpu_list") or ""
            levels.setdefault(level, {})[sharers] = int(size.group(1)) << 10
    return sum(levels[max(levels)].values()) if levels else UNKNOWN_CACHE_BYTES


def usable_cpus() -> int:
    """Number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def start_streams(options: Options, sensor: Sensor) -> StreamProcesses:
    """Processes for traffic that the sensor sees; raises BadInput if there are none."""
    reasons = []
    # The libraries number GPUs in another order than NVML.
    if sensor.uuid:
        os.environ["CUDA_VISIBLE_DEVICES"] = sensor.uuid
    for target in (options.target,) if options.target else sensor.targets:
        request = StreamerRequest(
            target=target,
            buffer_bytes=round(options.buffer_mb * 1e6),
            cpu_cache_bytes=cpu_cache_bytes(pathlib.Path(options.sysfs_root)),
            processes=usable_cpus() if target == "cpu" else 1)
        try:
            return StreamProcesses(request)
        except Unavailable as reason:
            reasons.append(f"no traffic from the {target}: {reason}")
            say(reasons[-1])
    raise BadInput(
        *reasons,
        "install PyTorch (pip install torch) or CuPy (pip install cupy-cuda12x), or measure a "
        "program of yours: measure_power.py command --device=NAME -- PROGRAM")


# Windows of samples and their faults -----------------------------------------


@dataclasses.dataclass
class Window:
    """The samples that were taken while one kind of traffic was on."""

    label: str
    seconds: float
    readings: List[Reading]
    states: List[DeviceState]
    # Bytes per second.
    rates: Traffic = Traffic(0, 0, 0)

    def watts(self, rail: str) -> List[float]:
        """The samples of a rail that are not missing."""
        return [w for w in (reading.get(rail) for reading in self.readings) if w is not None]

    def median_w(self, rail: str) -> Optional[float]:
        watts = self.watts(rail)
        return statistics.median(watts) if watts else None

    def mean_w(self, rail: str) -> Optional[float]:
        watts = self.watts(rail)
        return statistics.fmean(watts) if watts else None

    def rails(self) -> List[str]:
        """Rails that were measured, in the order of the sensor."""
        return [rail for rail in (self.readings[0] if self.readings else {}) if self.watts(rail)]

    def known(self, field: str) -> List[float]:
        """The values of a field of the states that are not missing."""
        values = (getattr(state, field) for state in self.states)
        return [value for value in values if value is not None]

    def median_state(self, field: str) -> Optional[float]:
        values = self.known(field)
        return statistics.median(values) if values else None

    def temperatures(self) -> List[str]:
        """Of chip and memory, as far as the sensor knows them."""
        return [f"{name} {degrees:.3g} degrees Celsius" for name in ("chip", "memory")
                if (degrees := self.median_state(f"{name}_temperature_c")) is not None]

    def limits(self) -> List[str]:
        """What held the clocks down in any sample."""
        return sorted({limit for state in self.states for limit in state.limited_by})


def percentiles_5_and_95(values: Sequence[float]) -> Tuple[float, float]:
    """The samples nearest to these percentiles."""
    ordered = sorted(values)
    last = len(ordered) - 1
    return ordered[round(0.05 * last)], ordered[round(0.95 * last)]


def sample(sensor: Sensor, label: str, rate_hz: float, more: Callable[[float], bool]) -> Window:
    """Samples at most `rate_hz` times a second, as long as more(SECONDS) says so."""
    window = Window(label, 0, [], [])
    sensor.read()  # Counters start anew here.
    begin = due = time.monotonic()
    while True:
        # A slow sensor skips samples and does not catch up.
        due = max(due + 1 / rate_hz, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))
        seconds = time.monotonic() - begin
        if not more(seconds):
            return window
        window.readings.append(sensor.read())
        window.states.append(sensor.state())
        window.seconds = seconds


def drift_faults(before: Window, after: Window, resolution_w: float) -> List[str]:
    """Rails whose idle power has changed."""
    faults = []
    for rail in ("memory", "board"):
        first, last = before.median_w(rail), after.median_w(rail)
        if first is None or last is None:
            continue
        if abs(last - first) > max(MAX_IDLE_DRIFT * first, 1.01 * resolution_w):
            faults.append(f"idle {rail} power drifted from {first:.4g} W to {last:.4g} W, more "
                          f"than {MAX_IDLE_DRIFT:.0%}: let the device reach its temperature "
                          "(--settle) and stop other programs")
    return faults


def rail_faults(window: Window) -> List[str]:
    """Whether the sensor gave enough."""
    if not window.rails():
        return ["the sensor gave no sample"]
    memory, board = window.median_w("memory"), window.median_w("board")
    faults = []
    if memory is None and board is None:
        faults.append("no rail covers the memory or the whole board; the sensor has only "
                      + ", ".join(window.rails()))
    if memory is not None and board is not None and memory >= board:
        faults.append(f"memory ({memory:.4g} W) draws as much as the board ({board:.4g} W): the "
                      "driver is probably too old to separate them")
    for rail in ("memory", "board"):
        count = len(window.watts(rail))
        if 0 < count < MIN_SAMPLES:
            faults.append(f"{count} samples of {rail}, expected at least {MIN_SAMPLES}: choose a "
                          "longer --window")
    return faults


def clock_faults(window: Window) -> List[str]:
    """Clocks that changed."""
    faults = []
    for name in ("core", "memory"):
        values = window.known(f"{name}_clock_mhz")
        if not values:
            continue
        low, high = percentiles_5_and_95(values)
        if high - low > MAX_CLOCK_CHANGE * high:
            limits = ", ".join(window.limits()) or "no reason reported"
            faults.append(f"the {name} clock changed from {low:.4g} to {high:.4g} MHz, more than "
                          f"{MAX_CLOCK_CHANGE:.0%} ({limits}): lock it, e.g. nvidia-smi -lgc")
    return faults


def level_faults(window: Window, resolution_w: float) -> List[str]:
    """Rails whose power was not constant."""
    faults = []
    for rail in ("memory", "board"):
        median, mean = window.median_w(rail), window.mean_w(rail)
        if median is None or mean is None:
            continue
        if abs(mean - median) > max(MAX_MEAN_FROM_MEDIAN * median, resolution_w):
            faults.append(f"{rail} power was not constant: median {median:.4g} W, mean "
                          f"{mean:.4g} W; choose a longer --settle")
    return faults


@dataclasses.dataclass
class Result:
    """A window, what to write of it, and the reasons to refuse it."""

    window: Window
    stream: Optional[Stream]  # None for a command.
    idle: Window
    faults: List[str]

    @property
    def uses_mean(self) -> bool:
        """Traffic in bursts and programs are described by their mean power."""
        return self.stream is None or (not self.stream.is_idle and self.stream.duty < 1)

    def watts(self, rail: str) -> Optional[float]:
        return self.window.mean_w(rail) if self.uses_mean else self.window.median_w(rail)


# Measuring -------------------------------------------------------------------

DUTIES = (0.25, 0.5, 0.75, 1.0)
# Idle is measured before and after each group.
ALL_GROUPS = [
    *([Stream("read", pattern, duty) for duty in DUTIES]
      for pattern in ("zeros", "random", "alternating:8")),
    [Stream("write", "zeros"), Stream("write", "random")],
    *([Stream("cache", pattern, duty) for duty in DUTIES] for pattern in ("zeros", "random")),
]


def groups_of(options: Options) -> List[List[Stream]]:
    """The streams of a workload."""
    if options.workload == "all":
        return ALL_GROUPS
    if options.workload == "idle":
        return [[]]
    direction = options.direction if options.workload == "stream" else "cache"
    return [[Stream(direction, options.pattern, options.duty)]]


def summary(window: Window) -> str:
    """One line about a window."""
    parts = [f"{rail} {window.median_w(rail):.4g} W" for rail in window.rails()]
    for name, rate in zip(("read", "written", "from the cache"), window.rates):
        if rate > 0:
            parts.append(f"{rate / 1e9:.4g} GB/s {name}")
    return f"{window.label}: " + (", ".join(parts) or "no samples")


def measure_stream(sensor: Sensor, processes: Optional[StreamProcesses], stream: Stream,
                   options: Options) -> Window:
    """Settles, then samples, with one kind of traffic."""
    if processes:
        processes.run(stream)
    time.sleep(options.settle)
    moved = processes.moved() if processes else Traffic(0, 0, 0)
    begin = time.monotonic()
    window = sample(
        sensor, stream.label, options.rate, lambda seconds: seconds < options.last_sample_s)
    if processes:
        seconds = time.monotonic() - begin
        window.rates = Traffic(*((b - a) / seconds for a, b in zip(moved, processes.moved())))
    say(summary(window))
    return window


def measure_groups(sensor: Sensor, processes: Optional[StreamProcesses],
                   options: Options) -> List[Result]:
    """All streams of a workload, with idle before and after each group."""
    groups = groups_of(options)
    if processes and groups[0]:
        say(f"warming up for {options.settle:g} s")
        processes.run(groups[0][0])
        time.sleep(options.settle)
    before = measure_stream(sensor, processes, IDLE, options)
    faults = rail_faults(before) + level_faults(before, sensor.resolution_w)
    results = [Result(before, IDLE, before, faults)]
    for index, group in enumerate(groups):
        windows = [measure_stream(sensor, processes, stream, options) for stream in group]
        after = measure_stream(sensor, processes, IDLE, options)
        drift = drift_faults(before, after, sensor.resolution_w)
        if index == 0:
            results[0].faults += drift
        for stream, window in zip(group, windows):
            faults = rail_faults(window) + clock_faults(window) + drift
            if stream.duty == 1:
                faults += level_faults(window, sensor.resolution_w)
            results.append(Result(window, stream, before, faults))
        before = after
    return results


def measure_command(sensor: Sensor, options: Options) -> List[Result]:
    """A program of the user, with idle before and after."""
    before = measure_stream(sensor, None, IDLE, options)
    try:
        # To stderr, because stdout is for the answer.
        process = subprocess.Popen(options.command, stdout=STDERR_FD)
    except OSError as error:
        raise BadInput(f"{options.command[0]}: {error}") from error
    try:
        try:
            process.wait(options.settle)
        except subprocess.TimeoutExpired:
            pass
        window = sample(
            sensor, "command", options.rate,
            lambda seconds: process.poll() is None and (
                options.window is None or seconds < options.last_sample_s))
        say(summary(window))
        code = process.wait()
    finally:
        process.kill()
        process.wait()
    after = measure_stream(sensor, None, IDLE, options)
    faults = (rail_faults(window) + clock_faults(window)
              + drift_faults(before, after, sensor.resolution_w))
    if not window.readings:
        faults.append(f"the command ended within {options.settle:g} s: choose a shorter --settle")
    if code != 0:
        faults.append(f"the command ended with exit code {code}")
    return [Result(window, None, before, faults)]


def describe_plan(options: Options) -> str:
    """What would be run and how long it takes."""
    each = options.settle + options.window_s
    idle = f"{each:6.0f} s  idle: settles {options.settle:g} s, samples {options.window_s:g} s"
    if options.workload == "command":
        limit = "it ends" if options.window is None else f"{options.window:g} s are sampled"
        command = " ".join(options.command)
        return "\n".join([idle, f"           {command}: samples from {options.settle:g} s after "
                          f"its start until {limit}", idle]) + "\n"
    groups = groups_of(options)
    warm_up = options.settle if groups[0] else 0
    lines = [f"{warm_up:6.0f} s  warm-up: {groups[0][0].label}"] if groups[0] else []
    lines.append(idle)
    for group in groups:
        lines += [f"{each:6.0f} s  {stream.label}" for stream in group] + [idle]
    windows = 1 + sum(len(group) + 1 for group in groups)
    lines.append(f"{warm_up + windows * each:6.0f} s  in all, and the time to fill buffers")
    return "\n".join(lines) + "\n"


# The answer ------------------------------------------------------------------


# The first lines of an answer.
FILE_HEADER = "# proto-file: proto/measurement.proto\n# proto-message: MeasurementSet\n"


def quoted(text: str) -> str:
    """A string of a textproto."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def field(name: str, value: Any) -> List[str]:
    """The line of a field; none if it has no value. Numbers have four digits."""
    if value is None:
        return []
    text = quoted(value) if isinstance(value, str) else f"{float(f'{value:.4g}'):g}"
    return [f"{name}: {text}"]


def rail_note(window: Window, rail: str) -> str:
    """The samples of one rail."""
    watts = window.watts(rail)
    text = f"{rail} {window.median_w(rail):.4g} W"
    if rail in ("memory", "board"):
        text += " ({:.4g} to {:.4g} W)".format(*percentiles_5_and_95(watts))
    missing = len(window.readings) - len(watts)
    return text + (f" without {missing} missing samples" if missing else "")


def reservations(window: Window, faults: Sequence[str]) -> List[str]:
    """What a note says of clocks that were held down, and of faults of a row that is kept."""
    limits = ", ".join(window.limits())
    return ([f"clocks limited by {limits}"] if limits else []) + [
        f"kept although {fault}" for fault in faults]


def refused_text(window: Window, faults: Sequence[str]) -> str:
    """What stands in the answer instead of a row."""
    return "".join(f"# refused {window.label}: {fault}\n" for fault in faults)


def note_of(result: Result, traffic: str) -> str:
    """What a reader of the row must know."""
    window = result.window
    statistic = "mean" if result.uses_mean else "median"
    parts = [f"{window.label}, {statistic} of {len(window.readings)} samples in "
             f"{window.seconds:.3g} s" + (f" with {traffic}" if traffic else ""),
             "medians (5th to 95th percentile) of the rails follow"]
    parts += [rail_note(window, rail) for rail in window.rails()]
    if result.idle is not window:
        idle = [f"{rail} {result.idle.median_w(rail):.4g} W" for rail in ("memory", "board")
                if result.idle.median_w(rail) is not None]
        parts.append("idle before: " + ", ".join(idle))
    memory_clock = window.median_state("memory_clock_mhz")
    if memory_clock is not None:
        parts.append(f"memory clock {memory_clock:.4g} MHz")
    if window.temperatures():
        parts.append(", ".join(window.temperatures()))
    return "; ".join(parts + reservations(window, result.faults))


def stream_text(result: Result, source: str, device: str, traffic: str) -> str:
    """One `stream` of a MeasurementSet."""
    window, stream = result.window, result.stream
    busy = not stream.is_idle
    lines = [
        *field("source", source),
        *field("device", device),
        *field("read_gb_per_s", window.rates.read_bytes / 1e9 if busy else 0),
        *field("write_gb_per_s", window.rates.written_bytes / 1e9 if busy else 0),
        *field("cache_gb_per_s", window.rates.cached_bytes / 1e9 or None),
        *field("duty", stream.duty if busy and stream.duty < 1 else None),
        *field("toggle_rate", stream.toggle_rate if busy else None),
        *field("pattern", stream.pattern if busy else None),
        *field("power_w_memory", result.watts("memory")),
        *field("power_w_per_device", result.watts("board")),
        *field("core_clock_mhz", window.median_state("core_clock_mhz")),
        *field("power_cap_w", window.median_state("power_cap_w")),
        *field("note", note_of(result, traffic)),
    ]
    return "stream {\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


def row_text(result: Result, source: str, options: Options) -> str:
    """A `row` of a MeasurementSet as comments, with the fields to be filled in."""
    lines = [
        "row {",
        *(f"  {line}" for line in field("source", source)),
        '  software: "TODO"  # engine and release, e.g. "vllm 0.11"',
        '  workload: "TODO"  # the traffic that was served',
        '  model: "TODO"  # a name of `tokenjoule list`',
        *(f"  {line}" for line in field("device", options.device)),
        "  num_devices: TODO tensor_parallel: TODO",
        '  weight_dtype: "TODO" kv_dtype: "TODO"',
        "  batch: TODO  # mean number of sequences per decode step",
        "  prompt_tokens: TODO output_tokens: TODO mean_context_tokens: TODO",
        "  itl_ms: TODO  # a pure decode step, or step_ms with the prefill of newcomers",
        *(f"  {line}" for line in field("power_w_memory", result.watts("memory"))),
        *(f"  {line}" for line in field("power_w_per_device", result.watts("board"))),
        "  energy_per_token_j: TODO  # power_w_per_device x num_devices x step time in s / batch",
        '  boundary: "board"',
        *(f"  {line}" for line in field("note", note_of(result, ""))),
        "}",
    ]
    advice = "# Replace every TODO or remove its field, then remove the leading \"# \".\n"
    return advice + "".join(f"# {line}\n" for line in lines)


def answer_text(results: Sequence[Result], sensor: Sensor, traffic: str,
                options: Options) -> str:
    """The MeasurementSet, with a comment for each row that was refused."""
    today = datetime.date.today().isoformat()
    device = f" ({sensor.device_name})" if sensor.device_name else ""
    source = options.source or f"tools/measure_power.py, {sensor.name}{device}, {today}"
    about = (f"Power measured by tools/measure_power.py on {today} with {sensor.name}{device}. "
             f"Boundary of the sensor: {sensor.covers}.")
    text = (
        FILE_HEADER + "#\n"
        + textwrap.fill(about, 88, initial_indent="# ", subsequent_indent="# ")
        + "\n\ndescription: "
        + quoted(f"Power of memory and board of {options.device}, by {sensor.name}") + "\n\n")
    for result in results:
        if result.faults and not options.keep:
            text += refused_text(result.window, result.faults)
        elif result.stream is None:
            text += row_text(result, source, options)
        else:
            text += stream_text(result, source, options.device, traffic)
    return text


def write_answer(text: str, out: str) -> None:
    """Writes a file completely or not at all; without a name, writes to stdout."""
    if not out:
        sys.stdout.write(text)
        return
    path = pathlib.Path(out)
    with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=path.name, delete=False, encoding="utf-8") as part:
        part.write(text)
    os.chmod(part.name, 0o644)
    os.replace(part.name, path)


# Flags -----------------------------------------------------------------------

WORKLOADS = ("idle", "stream", "cache", "command", "all")
SENSORS = ("auto", "nvml", "nvidia-smi", "ina3221", "rapl", "powermetrics")


@dataclasses.dataclass
class Options:
    """The command line; fields have the names of the flags."""

    workload: str = ""
    command: Sequence[str] = ()
    device: str = ""
    source: str = ""
    sensor: str = "auto"
    gpu: int = 0
    direction: str = "read"
    pattern: str = "random"
    duty: float = 1.0
    settle: float = 10.0
    window: Optional[float] = None
    rate: float = 10.0
    buffer_mb: float = 0.0
    target: str = ""
    out: str = ""
    keep: bool = False
    plan: bool = False
    sysfs_root: str = "/sys"
    nvidia_smi: str = "nvidia-smi"
    powermetrics: str = "powermetrics"

    @property
    def window_s(self) -> float:
        """Time for which idle and streams are sampled."""
        if self.window is not None:
            return self.window
        return 10.0 if self.workload == "all" else 30.0

    @property
    def last_sample_s(self) -> float:
        """Half a period more, so that the last sample is not lost by a millisecond."""
        return self.window_s + 0.5 / self.rate


HELP = f"""usage: measure_power.py WORKLOAD --device=NAME [flags] [-- COMMAND...]

workloads
  idle      nothing
  stream    a buffer much larger than the last-level cache is read or written
  cache     a buffer that fits in the last-level cache is read
  command   the program after --, e.g. a decode run, is sampled while it runs
  all       idle, reads of three patterns at four duties, writes, and cache
            loops at four duties: some seven minutes

flags
  --device=NAME        the machine's name in `tokenjoule list`, e.g. h100-sxm
  --source=TEXT        who measured; default: this script, the sensor, the date
  --sensor=NAME        {", ".join(SENSORS)}
  --gpu=N              index of the GPU in nvidia-smi (default 0)
  --direction=NAME     read (default) or write, of a stream
  --pattern=NAME       zeros, ones, random (default), or alternating:N: words of N
                       bytes, all bits 0 and all bits 1 in turn; N is a power of
                       two, at most {MAX_WORD_BYTES}
  --duty=FRACTION      0 to 1 (default) of the time at full rate
  --settle=SECONDS     before samples are taken (default 10; 5 for all)
  --window=SECONDS     of samples (default 30; 10 for all; for a command until it
                       ends)
  --rate=HZ            samples per second, 0.1 to 10 (default)
  --buffer-mb=MB       of a stream (default: {BUFFER_PER_CACHE} times the last-level cache)
  --target=NAME        gpu or cpu: what makes the traffic (default: by sensor)
  --keep               writes rows that would be refused, and says why in their note
  --plan               prints what would be run, and for how long
  --out=FILE           written at the end, completely or not at all (default: stdout)
  --sysfs-root=FOLDER, --nvidia-smi=PROGRAM, --powermetrics=PROGRAM
                       where sensors are read, for tests

A row is refused if idle power drifted by more than {MAX_IDLE_DRIFT:.0%}, clocks changed by more
than {MAX_CLOCK_CHANGE:.0%}, or power at full rate was not constant.

Exit codes: 0 fine, 1 at least one row was refused, 3 bad input or no sensor.
"""


def number(low: float, high: float) -> Callable[[str], float]:
    """A parser of numbers in a range."""
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise ValueError(f"{low:g} to {high:g}")
        return value
    return parse


def integer(low: int, high: int) -> Callable[[str], int]:
    """A parser of integers in a range."""
    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"an integer from {low} to {high}")
        return int(text)
    return parse


def one_of(*names: str) -> Callable[[str], str]:
    """A parser of names."""
    def parse(text: str) -> str:
        if text not in names:
            raise ValueError(", ".join(names))
        return text
    return parse


def nearest(text: str, names: Sequence[str], prefix: str = "") -> str:
    """A suggestion for an unknown name."""
    near = difflib.get_close_matches(text, names, n=1)
    return f"; did you mean {prefix}{near[0]}?" if near else ""


def parse_pattern(text: str) -> str:
    """A pattern's name."""
    words = {f"alternating:{1 << bit}" for bit in range(MAX_WORD_BYTES.bit_length())}
    if text not in {"zeros", "ones", "random"} | words:
        raise ValueError("zeros, ones, random, or alternating:N with N a power of two from 1 to "
                         f"{MAX_WORD_BYTES}")
    return text


def parse_out(text: str) -> str:
    """A file that can be written."""
    folder = pathlib.Path(text).parent
    if not text or os.path.isdir(text) or not os.access(folder, os.W_OK | os.X_OK):
        raise ValueError("a file in a folder that exists and can be written")
    return text


PARSERS: Dict[str, Callable[[str], Any]] = {
    "device": str,
    "source": str,
    "sensor": one_of(*SENSORS),
    "gpu": integer(0, 1023),
    "direction": one_of("read", "write"),
    "pattern": parse_pattern,
    "duty": number(0, 1),
    "settle": number(0, 3600),
    "window": number(0.1, 86400),
    "rate": number(0.1, 10),
    "buffer-mb": number(1, 1e6),
    "target": one_of("gpu", "cpu"),
    "out": parse_out,
    "sysfs-root": str,
    "nvidia-smi": str,
    "powermetrics": str,
}
SWITCHES = ("keep", "plan")
# Flags that only some workloads have.
ONLY_FOR = {
    "direction": ("stream",),
    "pattern": ("stream", "cache"),
    "duty": ("stream", "cache"),
    "target": ("stream", "cache", "all"),
    "buffer-mb": ("stream", "all"),
}


def parse_flag(argument: str, options: Options) -> List[str]:
    """Sets one flag; returns the faults."""
    name, equals, value = argument[2:].partition("=")
    if name in SWITCHES:
        setattr(options, name, True)
        return [f"--{name}: expected no value, found {quoted(value)}"] if equals else []
    if name not in PARSERS:
        return [f"unknown flag --{name}{nearest(name, [*PARSERS, *SWITCHES], '--')}"]
    if not equals:
        return [f"--{name}: expected --{name}=VALUE"]
    try:
        setattr(options, name.replace("-", "_"), PARSERS[name](value))
    except ValueError as expected:
        return [f"--{name}: expected {expected}, found {quoted(value)}"]
    return []


def workload_faults(options: Options, workloads: Sequence[str], given: Sequence[str]) -> List[str]:
    """Faults of the workload and of what it needs."""
    names = ", ".join(WORKLOADS)
    if len(workloads) != 1:
        found = ", ".join(workloads) or "none"
        return [f"expected one workload ({names}), found {found}"]
    if options.workload not in WORKLOADS:
        return [f"unknown workload {quoted(options.workload)}, expected {names}"
                + nearest(options.workload, WORKLOADS)]
    faults = []
    if options.workload == "command" and not options.command:
        faults.append("command: expected the program to run after --")
    if options.workload != "command" and options.command:
        faults.append(f"{options.workload}: a program after -- is only for command")
    for name in given:
        if options.workload not in ONLY_FOR.get(name, WORKLOADS):
            faults.append(f"--{name}: only for {', '.join(ONLY_FOR[name])}")
    if not options.device and not options.plan:
        faults.append("--device is missing: the machine's name in `tokenjoule list`, e.g. "
                      "--device=h100-sxm")
    return faults


def parse_arguments(arguments: Sequence[str]) -> Options:
    """The command line; raises BadInput with all of its faults."""
    arguments = list(arguments)
    command: List[str] = []
    if "--" in arguments:
        split = arguments.index("--")
        arguments, command = arguments[:split], arguments[split + 1:]
    flags = [argument for argument in arguments if argument.startswith("-")]
    workloads = [argument for argument in arguments if not argument.startswith("-")]
    options = Options(workload="".join(workloads[:1]), command=command)
    if options.workload == "all":
        options.settle = 5.0
    faults: List[str] = []
    for flag in flags:
        faults += parse_flag(flag, options)
    given = [flag[2:].partition("=")[0] for flag in flags]
    faults += workload_faults(options, workloads, given)
    if faults:
        raise BadInput(*faults)
    return options


def needs_traffic(options: Options) -> bool:
    return options.workload in ("stream", "cache", "all")


def measure(options: Options) -> int:
    """Measures and writes the answer; returns the exit code."""
    sensor = find_sensor(options)
    say(f"reads {sensor.name} {sensor.device_name}".rstrip() + f"; {sensor.covers}")
    processes = None
    try:
        if options.workload == "command":
            results = measure_command(sensor, options)
        else:
            processes = start_streams(options, sensor) if needs_traffic(options) else None
            results = measure_groups(sensor, processes, options)
        traffic = processes.description if processes else ""
    except Unavailable as reason:
        raise BadInput(str(reason)) from reason
    finally:
        if processes:
            processes.close()
        sensor.close()
    write_answer(answer_text(results, sensor, traffic, options), options.out)
    refused = [result for result in results if result.faults]
    for result in refused:
        for fault in result.faults:
            say(f"{'kept' if options.keep else 'refused'} {result.window.label}: {fault}")
    return EXIT_REFUSED if refused and not options.keep else EXIT_FINE


def main(arguments: Sequence[str]) -> int:
    before_command = arguments[:list(arguments).index("--")] if "--" in arguments else arguments
    if "--help" in before_command or "-h" in before_command:
        sys.stdout.write(HELP)
        return EXIT_FINE
    try:
        options = parse_arguments(arguments)
        if options.plan:
            sys.stdout.write(describe_plan(options))
            return EXIT_FINE
        return measure(options)
    except BadInput as error:
        for fault in error.faults:
            say(fault)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        say("interrupted; nothing was written")
        return EXIT_INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
