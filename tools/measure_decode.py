#!/usr/bin/env python3
"""Measures decode with random weights: step time, and power of memory and board.

    tools/measure_decode.py --config=config.json --model=llama-3.1-8b --device=h100-sxm \\
        --batch=1,8,64 --context=1024 --out=my-rows.textproto

It decodes with the shapes of a dense model of the Llama family, whose config.json it
reads. No checkpoint is needed: time and energy depend on the shapes and on how many
bits differ from one word to the next, and normally distributed weights are like real
ones in that. Weights and KV cache are bf16. One step is a CUDA graph that is replayed
at a fixed context, so that no prefill, no scheduler and no host are in the row.

Run it on an NVIDIA GPU that is yours alone, with PyTorch and Triton. The answer is a
MeasurementSet of proto/measurement.proto, with a `row` for each batch and context.
docs/measuring.md says what the sensor covers.

Exit codes: 0 fine, 1 at least one row was refused, 3 bad input or no sensor.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import math
import pathlib
import sys
import threading
import time
from typing import Any, Callable, Dict, List, Sequence, Tuple

import measure_power
from measure_power import BadInput, Window, field, say

BF16_BYTES = 2
# Weights have the spread of a trained model's; what matters is that their low bits are
# random and that few exponents occur.
WEIGHT_DEVIATION = 0.02
# Rows of the matrix units' smallest tile: query heads that share a KV head fill its
# first rows.
TILE_ROWS = 16
# Tokens that a program of the attention kernel reads at a time.
TILE_TOKENS = 64
# Programs of the attention kernel per multiprocessor, as far as the context allows.
PROGRAMS_PER_PROCESSOR = 4
# Steps that are launched before the host waits take about this long.
BURST_S = 0.05


@dataclasses.dataclass(frozen=True)
class Shape:
    """The shapes of a dense decoder with grouped-query attention and a gated FFN."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_size: int
    ffn: int
    vocabulary: int

    @classmethod
    def of(cls, config: Dict[str, Any]) -> Shape:
        """From the fields of a Hugging Face config.json; raises BadInput."""
        names = ("num_hidden_layers", "hidden_size", "num_attention_heads",
                 "intermediate_size", "vocab_size")
        faults = [f"config.json: {name}: expected a positive integer" for name in names
                  if not isinstance(config.get(name), int) or config[name] <= 0]
        if faults:
            raise BadInput(*faults)
        layers, hidden, heads, ffn, vocabulary = (config[name] for name in names)
        shape = cls(layers, hidden, heads, config.get("num_key_value_heads") or heads,
                    config.get("head_dim") or hidden // heads, ffn, vocabulary)
        if shape.heads % shape.kv_heads or shape.group > TILE_ROWS:
            faults.append(f"config.json: num_key_value_heads: expected a divisor of {heads} "
                          f"that leaves at most {TILE_ROWS} heads each")
        if shape.head_size & (shape.head_size - 1):
            faults.append("config.json: head_dim: expected a power of two")
        if any(config.get(name) for name in ("num_local_experts", "num_experts", "kv_lora_rank")):
            faults.append("config.json: expected a dense model with grouped-query attention")
        if faults:
            raise BadInput(*faults)
        return shape

    @property
    def group(self) -> int:
        """Query heads per KV head."""
        return self.heads // self.kv_heads

    @property
    def qkv(self) -> int:
        """Rows of the fused projection of queries, keys and values."""
        return (self.heads + 2 * self.kv_heads) * self.head_size

    def weight_bytes(self) -> int:
        """Bytes of all matrices that one step reads."""
        layer = self.hidden * (self.qkv + self.heads * self.head_size + 3 * self.ffn)
        return BF16_BYTES * (self.layers * layer + self.hidden * self.vocabulary)

    def kv_bytes(self, batch: int, context: int) -> int:
        """Bytes of the KV cache that one step reads."""
        return BF16_BYTES * 2 * self.layers * batch * context * self.kv_heads * self.head_size


@dataclasses.dataclass(frozen=True)
class Case:
    """One operating point."""

    batch: int
    context: int
    # "random" or "zeros".
    data: str


class Kernels:
    """The kernels between the matrix products, which come from PyTorch."""

    def __init__(self) -> None:
        # pylint: disable=import-outside-toplevel,import-error
        import triton
        import triton.language as tl

        # The bodies are compiled by Triton, which finds its names in the module.
        globals().update(tl=tl)
        self.rotate_and_append = triton.jit(_rotate_and_append)
        self.attend = triton.jit(_attend)
        self.combine = triton.jit(_combine)
        self.gate = triton.jit(_gate)


# pylint: disable=invalid-name,too-many-arguments,too-many-locals,undefined-variable
# mypy: disable-error-code=name-defined


def _rotate_and_append(qkv, queries, keys, values, cosines, sines, position, context,
                       HEADS: tl.constexpr, KV_HEADS: tl.constexpr, HALF: tl.constexpr):
    """Rotates queries and keys, and writes keys and values into the cache."""
    sequence, head = tl.program_id(0), tl.program_id(1)
    at = tl.arange(0, HALF)
    source = qkv + (sequence * (HEADS + 2 * KV_HEADS) + head) * 2 * HALF
    first = tl.load(source + at).to(tl.float32)
    second = tl.load(source + HALF + at).to(tl.float32)
    cosine, sine = tl.load(cosines + at), tl.load(sines + at)
    if head >= HEADS + KV_HEADS:
        cosine, sine = cosine * 0 + 1, sine * 0
    rotated_first = first * cosine - second * sine
    rotated_second = second * cosine + first * sine
    if head < HEADS:
        target = queries + (sequence * HEADS + head) * 2 * HALF
    elif head < HEADS + KV_HEADS:
        row = (sequence * KV_HEADS + head - HEADS).to(tl.int64) * context + position
        target = keys + row * 2 * HALF
    else:
        row = (sequence * KV_HEADS + head - HEADS - KV_HEADS).to(tl.int64) * context + position
        target = values + row * 2 * HALF
    tl.store(target + at, rotated_first.to(tl.bfloat16))
    tl.store(target + HALF + at, rotated_second.to(tl.bfloat16))


def _attend(queries, keys, values, partials, logs, context, scale, split_tokens,
            GROUP: tl.constexpr, ROWS: tl.constexpr, TOKENS: tl.constexpr,
            SIZE: tl.constexpr):
    """Attention of the queries of one KV head to one part of its context."""
    head, split, splits = tl.program_id(0), tl.program_id(1), tl.num_programs(1)
    row, column = tl.arange(0, ROWS), tl.arange(0, SIZE)
    query = tl.load(queries + (head * GROUP + row[:, None]) * SIZE + column[None, :],
                    mask=row[:, None] < GROUP, other=0.0)
    best = tl.full([ROWS], -1e30, tl.float32)
    total = tl.zeros([ROWS], tl.float32)
    mixed = tl.zeros([ROWS, SIZE], tl.float32)
    begin = split * split_tokens
    end = tl.minimum(begin + split_tokens, context)
    cache = head.to(tl.int64) * context
    for start in range(begin, end, TOKENS):
        token = start + tl.arange(0, TOKENS)
        inside = token < end
        key = tl.load(keys + (cache + token[None, :]) * SIZE + column[:, None],
                      mask=inside[None, :], other=0.0)
        score = tl.where(inside[None, :], tl.dot(query, key) * scale, -1e30)
        next_best = tl.maximum(best, tl.max(score, 1))
        weight = tl.exp(score - next_best[:, None])
        shrink = tl.exp(best - next_best)
        value = tl.load(values + (cache + token[:, None]) * SIZE + column[None, :],
                        mask=inside[:, None], other=0.0)
        total = total * shrink + tl.sum(weight, 1)
        mixed = mixed * shrink[:, None] + tl.dot(weight.to(tl.bfloat16), value)
        best = next_best
    part = (head * splits + split) * ROWS + row
    tl.store(partials + part[:, None] * SIZE + column[None, :], mixed / total[:, None])
    tl.store(logs + part, best + tl.log(total))


def _combine(partials, logs, outputs, splits, GROUP: tl.constexpr, ROWS: tl.constexpr,
             SPLITS: tl.constexpr, SIZE: tl.constexpr):
    """Weighs the parts of the context of one query head; SPLITS >= splits, a power of two."""
    program = tl.program_id(0)
    part = tl.arange(0, SPLITS)
    column = tl.arange(0, SIZE)
    row = (program // GROUP * splits + part) * ROWS + program % GROUP
    log = tl.load(logs + row, mask=part < splits, other=-1e30)
    weight = tl.exp(log - tl.max(log, 0))
    weight = weight / tl.sum(weight, 0)
    mixed = tl.load(partials + row[:, None] * SIZE + column[None, :],
                    mask=part[:, None] < splits, other=0.0)
    tl.store(outputs + program * SIZE + column,
             tl.sum(mixed * weight[:, None], 0).to(tl.bfloat16))


def _gate(gate_and_up, outputs, ffn, BLOCK: tl.constexpr):
    """SiLU of the first half of each row, times the second half."""
    sequence = tl.program_id(0)
    at = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    source = gate_and_up + sequence * 2 * ffn + at
    gate = tl.load(source, mask=at < ffn, other=0.0).to(tl.float32)
    up = tl.load(source + ffn, mask=at < ffn, other=0.0).to(tl.float32)
    tl.store(outputs + sequence * ffn + at,
             (gate / (1 + tl.exp(-gate)) * up).to(tl.bfloat16), mask=at < ffn)


# pylint: enable=invalid-name,too-many-arguments,too-many-locals,undefined-variable


class Decoder:
    """A decoder with random weights on the GPU."""

    def __init__(self, torch: Any, shape: Shape, data: str):
        self._torch = torch
        self._shape = shape
        self._data = data
        self._kernels = Kernels()
        self._processors = torch.cuda.get_device_properties(0).multi_processor_count
        attended = shape.heads * shape.head_size
        self._layers = [
            {"qkv": self._filled(shape.qkv, shape.hidden),
             "out": self._filled(shape.hidden, attended),
             "gate_and_up": self._filled(2 * shape.ffn, shape.hidden),
             "down": self._filled(shape.hidden, shape.ffn)}
            for _ in range(shape.layers)]
        self._head = self._filled(shape.vocabulary, shape.hidden)
        self._embedding = torch.empty(
            (shape.vocabulary, shape.hidden), dtype=torch.bfloat16, device="cuda").normal_()
        self._norm = torch.ones(shape.hidden, dtype=torch.bfloat16, device="cuda")

    def _filled(self, *size: int) -> Any:
        tensor = self._torch.zeros(size, dtype=self._torch.bfloat16, device="cuda")
        return tensor if self._data == "zeros" else tensor.normal_(0, WEIGHT_DEVIATION)

    def _attention(self, batch: int, context: int) -> Callable[[Any, Any, Any, Any], None]:
        """A function that attends with (queries, keys, values) and writes into the last argument.

        The context is split so that all processors have a part of it.
        """
        torch, shape, kernels = self._torch, self._shape, self._kernels
        heads = batch * shape.kv_heads
        splits = max(1, min(math.ceil(context / TILE_TOKENS),
                            PROGRAMS_PER_PROCESSOR * self._processors // heads))
        split_tokens = TILE_TOKENS * math.ceil(context / splits / TILE_TOKENS)
        splits = math.ceil(context / split_tokens)
        partials = torch.empty((heads * splits * TILE_ROWS, shape.head_size), device="cuda")
        logs = torch.empty(heads * splits * TILE_ROWS, device="cuda")

        def attend(queries: Any, keys: Any, values: Any, outputs: Any) -> None:
            kernels.attend[(heads, splits)](
                queries, keys, values, partials, logs, context, shape.head_size ** -0.5,
                split_tokens, GROUP=shape.group, ROWS=TILE_ROWS, TOKENS=TILE_TOKENS,
                SIZE=shape.head_size)
            kernels.combine[(heads * shape.group,)](
                partials, logs, outputs, splits, GROUP=shape.group, ROWS=TILE_ROWS,
                SPLITS=1 << (splits - 1).bit_length(), SIZE=shape.head_size)

        return attend

    def step(self, case: Case) -> Callable[[], None]:
        """A function that launches one step at this batch and context.

        It writes the last token of the context and attends to all of it.
        """
        # pylint: disable=too-many-locals
        torch, shape, kernels = self._torch, self._shape, self._kernels
        functional = torch.nn.functional
        cache = [[self._filled(case.batch * shape.kv_heads, case.context, shape.head_size)
                  for _ in range(2)] for _ in range(shape.layers)]
        tokens = torch.randint(shape.vocabulary, (case.batch,), device="cuda")
        half = shape.head_size // 2
        angles = (case.context - 1) * 10000.0 ** (
            -torch.arange(half, device="cuda", dtype=torch.float32) / half)
        cosines, sines = angles.cos(), angles.sin()
        queries = torch.empty((case.batch, shape.heads * shape.head_size),
                              dtype=torch.bfloat16, device="cuda")
        attended = torch.empty_like(queries)
        gated = torch.empty((case.batch, shape.ffn), dtype=torch.bfloat16, device="cuda")
        attend = self._attention(case.batch, case.context)

        def layer(hidden: Any, weights: Dict[str, Any], keys: Any, values: Any) -> Any:
            normed = functional.rms_norm(hidden, (shape.hidden,), self._norm, 1e-5)
            qkv = functional.linear(normed, weights["qkv"])
            kernels.rotate_and_append[(case.batch, shape.heads + 2 * shape.kv_heads)](
                qkv, queries, keys, values, cosines, sines, case.context - 1, case.context,
                HEADS=shape.heads, KV_HEADS=shape.kv_heads, HALF=half)
            attend(queries, keys, values, attended)
            hidden = torch.addmm(hidden, attended, weights["out"].t())
            normed = functional.rms_norm(hidden, (shape.hidden,), self._norm, 1e-5)
            both = functional.linear(normed, weights["gate_and_up"])
            kernels.gate[(case.batch, math.ceil(shape.ffn / 1024))](
                both, gated, shape.ffn, BLOCK=1024)
            return torch.addmm(hidden, gated, weights["down"].t())

        def launch() -> None:
            hidden = functional.embedding(tokens, self._embedding)
            for weights, (keys, values) in zip(self._layers, cache):
                hidden = layer(hidden, weights, keys, values)
            normed = functional.rms_norm(hidden, (shape.hidden,), self._norm, 1e-5)
            tokens.copy_(functional.linear(normed, self._head).argmax(1))

        return launch

    def attention_error(self) -> float:
        """Largest deviation of the attention kernels from PyTorch's, on a small case."""
        torch, shape = self._torch, self._shape
        # Of several tiles in each part, the last of them not full.
        batch, context = 3, 3000
        make = lambda *size: torch.randn(size, device="cuda").bfloat16()
        query = make(batch, shape.heads, 1, shape.head_size)
        keys, values = (make(batch, shape.kv_heads, context, shape.head_size) for _ in range(2))
        found = torch.empty_like(query)
        self._attention(batch, context)(query, keys, values, found)
        expected = torch.nn.functional.scaled_dot_product_attention(
            query.float(), keys.float(), values.float(), enable_gqa=True)
        return (found.float() - expected).abs().max().item()


class Replayer:
    """Replays a step until told, and counts."""

    def __init__(self, torch: Any, launch: Callable[[], None]):
        self._torch = torch
        self._stop = threading.Event()
        self.steps = 0
        # Compiles kernels and lets libraries allocate outside of the graph.
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(2):
                launch()
        torch.cuda.current_stream().wait_stream(stream)
        torch.cuda.synchronize()
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            launch()
        self._replay(1)
        begin = time.perf_counter()
        self._replay(3)
        self._burst = max(1, round(BURST_S * 3 / (time.perf_counter() - begin)))
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _replay(self, times: int) -> None:
        for _ in range(times):
            self._graph.replay()
        self._torch.cuda.synchronize()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._replay(self._burst)
            self.steps += self._burst

    def close(self) -> None:
        """Returns when the GPU is at rest."""
        self._stop.set()
        self._thread.join()


def measure(torch: Any, sensor: measure_power.Sensor, decoder: Decoder, case: Case,
            options: argparse.Namespace) -> Tuple[Window, float]:
    """The samples of one operating point, and its step time in seconds."""
    replayer = Replayer(torch, decoder.step(case))
    try:
        time.sleep(options.settle)
        # Whole bursts are counted, so that the time is taken between two of their ends.
        begin, first = _end_of_burst(replayer)
        window = measure_power.sample(
            sensor, f"batch {case.batch} at context {case.context}, {case.data}", 10,
            lambda seconds: seconds < options.window + 0.05)
        end, last = _end_of_burst(replayer)
    finally:
        replayer.close()
    step_s = (end - begin) / (last - first)
    say(f"{measure_power.summary(window)}, step {1e3 * step_s:.4g} ms")
    return window, step_s


def _end_of_burst(replayer: Replayer) -> Tuple[float, int]:
    """Waits for the end of a burst; its time and the steps until then."""
    steps = replayer.steps
    while replayer.steps == steps:
        time.sleep(0.0002)
    return time.perf_counter(), replayer.steps


def row_text(case: Case, window: Window, step_s: float, shape: Shape, about: Dict[str, str],
             faults: Sequence[str]) -> str:
    """One `row` of a MeasurementSet."""
    board, memory = window.mean_w("board"), window.mean_w("memory")
    read_gb = (shape.weight_bytes() + shape.kv_bytes(case.batch, case.context)) / 1e9
    note = [
        f"{case.data} weights and KV cache, CUDA graph of one step, mean of "
        f"{len(window.readings)} samples in {window.seconds:.3g} s",
        f"reads {read_gb:.4g} GB per step, {read_gb / step_s:.4g} GB/s",
        *window.temperatures(),
        *measure_power.reservations(window, faults),
    ]
    lines = [
        *field("source", about["source"]),
        *field("software", about["software"]),
        *field("workload", "random weights, fixed context"),
        *field("model", about["model"]),
        *field("device", about["device"]),
        "num_devices: 1 tensor_parallel: 1",
        'weight_dtype: "bf16" kv_dtype: "bf16"',
        *field("batch", case.batch),
        *field("mean_context_tokens", case.context),
        *field("itl_ms", 1e3 * step_s),
        *field("power_w_per_device", board),
        *field("power_w_memory", memory),
        *field("energy_per_token_j", board * step_s / case.batch if board else None),
        'boundary: "board"',
        *field("core_clock_mhz", window.median_state("core_clock_mhz")),
        *field("note", "; ".join(note)),
    ]
    return "row {\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


def integers(text: str) -> List[int]:
    """A list of positive integers."""
    values = [int(word) for word in text.split(",")]
    if min(values) <= 0:
        raise ValueError(text)
    return values


def seconds(text: str) -> float:
    """A time in a plausible range."""
    return measure_power.number(0, 86400)(text)


def parse_flags(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n", maxsplit=1)[0], allow_abbrev=False)
    parser.error = _bad_flags  # type: ignore[method-assign]
    parser.add_argument("--config", required=True, help="config.json of a dense model")
    parser.add_argument("--model", required=True, help="its name in `tokenjoule list`")
    parser.add_argument("--device", required=True, help="the machine's name there")
    parser.add_argument("--batch", type=integers, default=[1, 8, 64], help="default 1,8,64")
    parser.add_argument("--context", type=integers, default=[1024], help="tokens, default 1024")
    parser.add_argument("--data", default="random", choices=("random", "zeros"),
                        help="of weights and KV cache; default random")
    parser.add_argument("--source", default="", help="who measured")
    parser.add_argument("--gpu", type=int, default=0, help="index of the GPU")
    parser.add_argument("--settle", type=seconds, default=5, help="before samples; 5 s")
    parser.add_argument("--window", type=seconds, default=10, help="of samples; 10 s")
    parser.add_argument("--keep", action="store_true", help="writes rows that would be refused")
    parser.add_argument("--out", default="", help="file; default stdout")
    return parser.parse_args(arguments)


def _bad_flags(message: str) -> None:
    raise BadInput(message)


def main(arguments: Sequence[str]) -> int:
    """Measures all operating points; returns the exit code."""
    try:
        return run(parse_flags(arguments))
    except (BadInput, measure_power.Unavailable) as fault:
        for line in str(fault).splitlines():
            say(line)
        return measure_power.EXIT_BAD_INPUT


def run(options: argparse.Namespace) -> int:
    """As main, for parsed flags."""
    try:
        config = json.loads(pathlib.Path(options.config).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{options.config}: {error}") from error
    shape = Shape.of(config)
    sensor = measure_power.NvmlSensor.load(options.gpu)
    try:
        import torch  # pylint: disable=import-outside-toplevel
    except ImportError as error:
        raise measure_power.Unavailable(str(error)) from error
    decoder = Decoder(torch, shape, options.data)
    error = decoder.attention_error()
    if not error < 0.02:
        raise measure_power.Unavailable(f"attention is off by {error:g}")
    today = datetime.date.today().isoformat()
    about = {
        "source": options.source or
                  f"tools/measure_decode.py, {sensor.name} ({sensor.device_name}), {today}",
        "software": f"measure_decode.py, PyTorch {torch.__version__}",
        "model": options.model,
        "device": options.device,
    }
    (description,) = field("description", f"Decode with random weights on {options.device}")
    text = f"{measure_power.FILE_HEADER}\n{description}\n\n"
    refused = False
    for context in options.context:
        for batch in options.batch:
            case = Case(batch, context, options.data)
            window, step_s = measure(torch, sensor, decoder, case, options)
            torch.cuda.empty_cache()
            faults = measure_power.rail_faults(window) + measure_power.clock_faults(window)
            faults += measure_power.level_faults(window, sensor.resolution_w)
            if faults and not options.keep:
                refused = True
                text += measure_power.refused_text(window, faults)
            else:
                text += row_text(case, window, step_s, shape, about, faults)
    sensor.close()
    measure_power.write_answer(text, options.out)
    return measure_power.EXIT_REFUSED if refused else measure_power.EXIT_FINE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
