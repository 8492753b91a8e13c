// The power of one chip that streams data through its memory at given rates: what
// sensors on memory and board see of a microbenchmark. Kernels of streams
// compute nothing that counts.

#ifndef ANALYZER_COST_STREAM_H_
#define ANALYZER_COST_STREAM_H_

#include "analyzer/cost/kernel.h"
#include "analyzer/machine/machine.h"
#include "analyzer/units/units.h"

namespace tokenjoule {

// What is streamed.
template <typename N = double>
struct Stream {
  DataRate<N> read;
  DataRate<N> write;
  // Reads that the level next to memory serves.
  DataRate<N> cached;
  // Toggling of the data relative to random data.
  N toggling = N(1.0);
};

// Power of one chip's memory devices and of its board, and the clock of its
// core relative to the reference.
template <typename N = double>
struct StreamPower {
  Power<N> memory;
  Power<N> board;
  N clock = N(1.0);
};

// The rates are held whatever the clock; a power cap lowers it as in a step.
template <typename N>
StreamPower<N> PowerOfStream(const Stream<N>& stream, Costing<N> machine) {
  const Costs<N>& costs = machine.costs;
  const Duration<N> second = Seconds<N>(N(1.0));
  Actions<N> actions;
  for (int i = 0; i < machine.structure.num_levels; ++i) {
    Traffic<N>& traffic = actions.traffic[i];
    traffic.read = stream.read * second;
    if (i > 0) traffic.read += stream.cached * second;
    traffic.write = stream.write * second;
    traffic.read_toggling = traffic.read * stream.toggling;
    traffic.write_toggling = traffic.write * stream.toggling;
  }
  const Draw<N> draw(N(1.0), N(0.0), machine, DynamicEnergy(actions, machine));
  StreamPower<N> power;
  power.clock = costs.clock.set;
  if (machine.structure.has_power_cap && machine.structure.has_core_clock) {
    power.clock = CappedClock<N>(
        costs.power_cap, machine, draw,
        [&](const N&) { return TimeAtClock<N>{second, Duration<N>()}; });
  }
  power.memory = draw.stack / second + draw.background;
  power.board = draw.BoardAt(CoreAt(power.clock, costs.clock), second,
                             costs.regulator_efficiency);
  if (machine.structure.has_power_cap) {
    power.board = Min(power.board, costs.power_cap);
  }
  return power;
}

}  // namespace tokenjoule

#endif  // ANALYZER_COST_STREAM_H_
