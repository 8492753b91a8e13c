// The cost kernel: time and energy of one decode step. It is the only place
// where a ledger's counts meet a machine's costs, written once for every number
// type: double for an answer, dual numbers for exact derivatives, SIMD packs
// for sweeps. It does not allocate and never branches on a value.
//
// docs/model.md gives the same equations in mathematical notation.

#ifndef ANALYZER_COST_KERNEL_H_
#define ANALYZER_COST_KERNEL_H_

#include <array>
#include <cmath>
#include <vector>

#include "analyzer/description/boundary.h"
#include "analyzer/machine/machine.h"
#include "analyzer/machine/stack.h"
#include "analyzer/machine/terms.h"
#include "analyzer/units/units.h"

namespace tokenjoule {

// The kernel's parameter type for a machine: the part that it may read, to
// which a Machine converts implicitly.
template <typename N>
using Costing = const typename machine_internal::NotDeduced<CostView<N>>::type&;

// One operator on one chip, with its tensors placed in memory levels and its
// products assigned to an engine.
template <typename N = double>
struct LoweredOperator {
  // Number of runs on the critical path of a step.
  N count = N(0.0);
  // Bytes of weights, KV cache, state and embedding rows, by the level that
  // they are read from or written to: the backing store, or a nearer level that
  // holds them.
  std::array<Data<N>, kMaxMemoryLevels> origin_read;
  std::array<Data<N>, kMaxMemoryLevels> origin_write;
  Data<N> activation_in;
  Data<N> activation_out;
  // Share of activation_in in the sum of both.
  N activation_in_share = N(0.0);
  // Traffic of a weight-stationary array beyond reading each input and writing
  // each output once: repeated input reads, and partial sums written and read
  // back.
  Data<N> reuse_read;
  Data<N> reuse_write;
  // Weights written into in-memory arrays.
  Data<N> array_written;
  // Matrix products, on rate `rate` of the machine.
  Work<N> matmul_flop;
  // Analog arrays: the FLOP that as many conversions of sums and of inputs
  // serve where a matrix fills an array, which is more than matmul_flop where
  // it does not.
  Work<N> adc_flop;
  Work<N> dac_flop;
  int rate = 0;
  Work<N> vector_flop;
  // Energy of the core's instructions for the weights it reads.
  Energy<N> instructions;
  // Bytes and FLOP that count towards time only: the busiest chip's excess over
  // the mean, and the slower reads of caches and experts.
  Data<N> extra_read;
  Work<N> extra_flop;
  // Collective: number of latencies on the critical path, bytes through the
  // busiest link, mean bytes sent per chip, on each network.
  std::array<N, kMaxNetworks> link_messages = {};
  std::array<Data<N>, kMaxNetworks> link_critical;
  std::array<Data<N>, kMaxNetworks> link_sent;
  // Time of its own beyond the launch of a kernel.
  Duration<N> launch;
  // Toggling of the data that it reads from or writes to its origins, relative
  // to random data.
  N toggling = N(1.0);
  // Time of its streams on the core's clock relative to that on the memory's;
  // see core_time_ratio of proto/runtime.proto.
  N core_time_ratio = N(0.0);
  // Structure, which is the same for every number type: whether the operator
  // accesses the backing store, whether it moves activations, and whether it is
  // a kernel (a collective is not).
  bool reads_backing = false;
  bool has_activations = false;
  bool is_kernel = false;
  // Whether it attends to the KV cache; such kernels use cache_half_transfer.
  bool attends = false;
  // See LoweredStep::uniform.
  bool uniform = true;
};

// How PerSequence forms each number of the difference of two steps that are one
// sequence apart.
enum class Slope {
  // Take the difference.
  kDifference,
  // Keep the value: it does not depend on the batch.
  kKept,
  // Zero: it is paid once per step, however large the batch.
  kZero,
};

// Calls `visit(Slope, number...)` for each number of one or more operators of
// any number types, always in the same order.
template <typename Visit, typename... Op>
void ForEachNumberOfOperator(Visit&& visit, Op&... op) {
  visit(Slope::kKept, op.count...);
  for (int level = 0; level < kMaxMemoryLevels; ++level) {
    visit(Slope::kDifference, op.origin_read[level]...);
    visit(Slope::kDifference, op.origin_write[level]...);
  }
  visit(Slope::kDifference, op.activation_in...);
  visit(Slope::kDifference, op.activation_out...);
  visit(Slope::kKept, op.activation_in_share...);
  visit(Slope::kDifference, op.reuse_read...);
  visit(Slope::kDifference, op.reuse_write...);
  visit(Slope::kDifference, op.array_written...);
  visit(Slope::kDifference, op.matmul_flop...);
  visit(Slope::kDifference, op.adc_flop...);
  visit(Slope::kDifference, op.dac_flop...);
  visit(Slope::kDifference, op.vector_flop...);
  visit(Slope::kDifference, op.instructions...);
  visit(Slope::kDifference, op.extra_read...);
  visit(Slope::kDifference, op.extra_flop...);
  for (int network = 0; network < kMaxNetworks; ++network) {
    visit(Slope::kZero, op.link_messages[network]...);
    visit(Slope::kDifference, op.link_critical[network]...);
    visit(Slope::kDifference, op.link_sent[network]...);
  }
  visit(Slope::kZero, op.launch...);
  visit(Slope::kKept, op.toggling...);
  visit(Slope::kKept, op.core_time_ratio...);
}

// Copies the fields of an operator that are not numbers.
template <typename From, typename To>
void CopyStructure(const LoweredOperator<From>& from, LoweredOperator<To>* to) {
  to->rate = from.rate;
  to->reads_backing = from.reads_backing;
  to->has_activations = from.has_activations;
  to->is_kernel = from.is_kernel;
  to->attends = from.attends;
}

// The matrix products that run on rate `rate` of the machine.
template <typename N = double>
struct RateProducts {
  int rate = 0;
  // The largest quantisation noise power of their operands' formats, relative
  // to the signal power.
  N quantisation = N(0.0);
  // Weight capacity of the arrays of all chips, bytes; 0 if not given.
  Data<N> array_capacity;
};

// One step, ready for the kernel. See Ledger for the meaning of the fields.
template <typename N = double>
struct LoweredStep {
  std::vector<LoweredOperator<N>> operators;
  // One entry per rate in use.
  std::vector<RateProducts<N>> products;
  N layers = N(0.0);
  N expert_layers = N(0.0);
  N recurrent_layers = N(0.0);
  N latent_layers = N(0.0);
  N admitting = N(0.0);
  // Tokens that are sampled or verified, of one replica and of all.
  N samples_per_replica = N(0.0);
  N samples = N(0.0);
  // Prompts that a replica admits.
  N prompts_per_replica = N(0.0);
  N tokens = N(0.0);
  N passes = N(1.0);
  N chips = N(1.0);
  // Whether all lanes of a number have the same operator structure; see
  // Agreement of units.h. If not, the step is meaningless.
  bool uniform = true;
};

// Calls `visit(Slope, number...)` for each number of one or more steps, except
// those of operators and products.
template <typename Visit, typename... Step>
void ForEachNumberOfStep(Visit&& visit, Step&... step) {
  visit(Slope::kZero, step.layers...);
  visit(Slope::kZero, step.expert_layers...);
  visit(Slope::kZero, step.recurrent_layers...);
  visit(Slope::kZero, step.latent_layers...);
  visit(Slope::kKept, step.admitting...);
  visit(Slope::kDifference, step.samples_per_replica...);
  visit(Slope::kDifference, step.samples...);
  visit(Slope::kDifference, step.prompts_per_replica...);
  visit(Slope::kDifference, step.tokens...);
  visit(Slope::kKept, step.passes...);
  visit(Slope::kKept, step.chips...);
}

// Bytes through one memory level, and the same weighted by the toggling of the
// data relative to random data.
template <typename N = double>
struct Traffic {
  Data<N> read;
  Data<N> write;
  Data<N> read_toggling;
  Data<N> write_toggling;
};

// Actions of a step, summed over chips and runs; energy is linear in them.
template <typename N = double>
struct Actions {
  std::array<Traffic<N>, kMaxMemoryLevels> traffic;
  std::array<Work<N>, kMaxFormatRates> matmul;
  // Of analog arrays; see LoweredOperator.
  std::array<Work<N>, kMaxFormatRates> adc;
  std::array<Work<N>, kMaxFormatRates> dac;
  std::array<Data<N>, kMaxFormatRates> array_written;
  Work<N> vector;
  Energy<N> instructions;
  std::array<Data<N>, kMaxNetworks> link;
};

// Time per run of an operator, by resource.
template <typename N = double>
struct OperatorTimes {
  Duration<N> memory;   // the slowest level
  Duration<N> compute;  // the slower engine
  Duration<N> link;
  Duration<N> overhead;
  Duration<N> total;
  // Decrease of `total` per relative increase of the core's clock.
  Duration<N> clock_slope;
};

template <typename N = double>
using EnergyTerms = std::array<Energy<N>, kNumEnergyTerms>;

template <typename N = double>
struct StepCost {
  Duration<N> step_time;
  // Clock of the core, relative to the reference.
  N clock = N(1.0);
  // Power of all boards without a cap.
  Power<N> uncapped_power;
  // Time that a power cap added to the step.
  Duration<N> stretch;
  // Of memory on the logic, if there is any, and what its warmth adds to the
  // power of refresh of all chips.
  StackHeat<N> heat;
  Power<N> warm_refresh;
  EnergyTerms<N> terms;  // whole system, whole step
};

// Bytes that one run moves through level `level` of a chip. Data read from a
// level passes through all nearer levels, but for those of activations only.
// Activations live in the nearest level; the part beyond its activation_capacity
// spills to the backing store. Only what it holds moves through a level beside the
// path, and through no other.
template <typename N>
Traffic<N> TrafficOf(const LoweredOperator<N>& op, Costing<N> machine,
                     int level) {
  const auto& levels = machine.structure.levels;
  // Most machines have none: their loop stays without conditions.
  const bool side = machine.structure.has_side_levels;
  const bool beside = side && levels[level].beside_path;
  Traffic<N> traffic;
  if (!side) {
    for (int origin = 0; origin <= level; ++origin) {
      traffic.read += op.origin_read[origin];
      traffic.write += op.origin_write[origin];
    }
  } else if (!levels[level].activations_only) {
    for (int origin = beside ? level : 0; origin <= level; ++origin) {
      if (levels[origin].beside_path && origin != level) continue;
      traffic.read += op.origin_read[origin];
      traffic.write += op.origin_write[origin];
    }
  }
  traffic.read_toggling = traffic.read * op.toggling;
  traffic.write_toggling = traffic.write * op.toggling;
  const auto add = [&](const Data<N>& read, const Data<N>& write) {
    traffic.read += read;
    traffic.write += write;
    // Activations are taken to toggle like random data.
    traffic.read_toggling += read;
    traffic.write_toggling += write;
  };
  if (beside) return traffic;
  if (level > 0) {
    add(op.activation_in + op.reuse_read, op.activation_out + op.reuse_write);
    return traffic;
  }
  if (!op.has_activations) return traffic;
  const Data<N> activations = op.activation_in + op.activation_out;
  const Data<N> room = machine.costs.levels[machine.structure.num_levels - 1]
                           .activation_capacity;
  const Data<N> spilled = Max(Data<N>(), activations - room);
  const Data<N> spilled_in = spilled * op.activation_in_share;
  add(spilled_in, spilled - spilled_in);
  return traffic;
}

// Time per byte and per FLOP at a clock of the core: the reciprocals of the
// rates. Computed once per step, because a division takes as long as a dozen
// multiplications.
template <typename N = double>
struct UnitTimes {
  // `clock` is relative to the reference.
  explicit UnitTimes(const CostView<N>& machine, const N& clock = N(1.0),
                     bool for_cap = false)
      : for_cap(for_cap),
        slowdown(N(1.0) / clock),
        core(machine.costs.core_balance * slowdown) {
    const Costs<N>& costs = machine.costs;
    for (int i = 0; i < machine.structure.num_levels; ++i) {
      memory[i] = Inverse(costs.levels[i].LongBandwidth());
      if (i > 0) memory[i] = memory[i] * slowdown;
    }
    backing_at_peak = Inverse(costs.levels[0].peak_bandwidth);
    for (int i = 0; i < machine.structure.num_rates; ++i) {
      matmul[i] = Inverse(costs.rates[i].Achieved()) * slowdown;
      matmul_at_peak[i] = Inverse(costs.rates[i].peak) * slowdown;
    }
    vector = Inverse(costs.vector.Achieved()) * slowdown;
    for (int i = 0; i < machine.structure.num_networks; ++i) {
      link[i] = Inverse(costs.networks[i].bandwidth);
    }
  }

  static DurationPerData<N> Inverse(const DataRate<N>& rate) {
    return DurationPerData<N>::FromBase(N(1.0) / rate.base());
  }
  static DurationPerWork<N> Inverse(const WorkRate<N>& rate) {
    return DurationPerWork<N>::FromBase(N(1.0) / rate.base());
  }

  // Whether the slopes by the clock are wanted, too.
  bool for_cap;
  // Reciprocal of the clock, and times q; see StreamSlowdown.
  N slowdown;
  N core;

  std::array<DurationPerData<N>, kMaxMemoryLevels> memory;
  std::array<DurationPerWork<N>, kMaxFormatRates> matmul;
  // At the peak of the backing store and of each rate.
  DurationPerData<N> backing_at_peak;
  std::array<DurationPerWork<N>, kMaxFormatRates> matmul_at_peak;
  DurationPerWork<N> vector;
  std::array<DurationPerData<N>, kMaxNetworks> link;
};

// Time to move `bytes` through a level at `unit` per byte. The achieved
// bandwidth rises with the size of the transfer:
//   t = n / (B eff(n)),  eff(n) = eff_max n / (n + n_half)
//     = (n + n_half) / (B eff_max).
template <typename N>
Duration<N> TransferTime(const LevelCosts<N>& level,
                         const DurationPerData<N>& unit, const Data<N>& bytes,
                         bool attends) {
  return (bytes + (attends ? level.cache_half_transfer : level.half_transfer)) *
         unit;
}

// Streams from the backing store need the core as well as the memory: with r the
// ratio of the times on their two clocks at the reference, a stream takes
//   s = sqrt((1 + (q r / x)^2) / (1 + r^2))
// times as long at a clock of x, on a machine whose core is slower for its memory
// by q than the one on which r was measured.
template <typename N = double>
struct StreamSlowdown {
  // s, and -d ln s / d ln x.
  N factor = N(1.0);
  N slope = N(0.0);

  StreamSlowdown(const LoweredOperator<N>& op, const UnitTimes<N>& units) {
    using std::sqrt;
    const N r = op.core_time_ratio * op.core_time_ratio;
    const N slowed = r * units.core * units.core;
    factor = N(sqrt((N(1.0) + slowed) / (N(1.0) + r)));
    slope = slowed / (N(1.0) + slowed);
  }
};

// Time per run. Resources overlap: t = w max(t_i) + (1 - w) sum(t_i), where w
// is the overlap fraction; the launch time of the kernel is added on top. No
// resource takes less than at its peak rate.
template <typename N>
OperatorTimes<N> TimesOf(const LoweredOperator<N>& op, Costing<N> machine,
                         const UnitTimes<N>& units) {
  const Costs<N>& costs = machine.costs;
  OperatorTimes<N> times;
  Duration<N> sum;
  // Of the slowest level.
  N memory_slope(1.0);
  for (int level = 0; level < machine.structure.num_levels; ++level) {
    if (level == 0 ? !op.reads_backing : !op.is_kernel) continue;
    const Traffic<N> traffic = TrafficOf(op, machine, level);
    const Data<N> moved = traffic.read + traffic.write;
    Data<N> bytes = moved;
    if (level == 0) bytes += op.extra_read;
    Duration<N> time =
        TransferTime(costs.levels[level], units.memory[level], bytes,
                     level == 0 && op.attends);
    if (level == 0) {
      const StreamSlowdown<N> slowdown(op, units);
      // What kernels reach is relative to other kernels; none exceeds the peak,
      // which does not depend on the clock of the core.
      const Duration<N> at_peak = moved * units.backing_at_peak;
      time = time * slowdown.factor;
      memory_slope = Select(time < at_peak, N(0.0), slowdown.slope);
      time = Max(time, at_peak);
    } else {
      memory_slope = Select(times.memory < time, N(1.0), memory_slope);
    }
    times.memory = Max(times.memory, time);
  }
  // Levels form a pipeline, so only the slowest one counts.
  sum += times.memory;
  const Duration<N> matmul =
      Max((op.matmul_flop + op.extra_flop) * units.matmul[op.rate],
          op.matmul_flop * units.matmul_at_peak[op.rate]);
  const Duration<N> vector = op.vector_flop * units.vector;
  times.compute = Max(matmul, vector);
  sum += matmul + vector;
  if (machine.structure.rates[op.rate].has_write_rate) {
    const Duration<N> writing = op.array_written /
                                costs.rates[op.rate].write_rate *
                                units.slowdown;
    times.compute = Max(times.compute, writing);
    sum += writing;
  }
  if (!op.is_kernel) {
    // The phases of a hierarchical collective follow one another.
    for (int i = 0; i < machine.structure.num_networks; ++i) {
      times.link += costs.networks[i].latency * op.link_messages[i] +
                    op.link_critical[i] * units.link[i];
    }
    sum += times.link;
    times.overhead = costs.time_per_collective;
  } else {
    times.overhead = costs.time_per_kernel + op.launch;
  }
  const Duration<N> longest = Max(Max(times.memory, times.compute), times.link);
  times.total = longest * costs.overlap_fraction +
                sum * (1.0 - costs.overlap_fraction) + times.overhead;
  if (!units.for_cap) return times;
  const Duration<N> of_memory = times.memory * memory_slope;
  Duration<N> of_longest =
      Select(times.compute < longest, Duration<N>(), times.compute);
  of_longest = Select(times.memory < longest, of_longest, of_memory);
  times.clock_slope =
      of_longest * costs.overlap_fraction +
      (of_memory + matmul + vector) * (1.0 - costs.overlap_fraction);
  return times;
}

// Adds the actions of `runs` runs of an operator.
template <typename N>
void AddActions(const LoweredOperator<N>& op, Costing<N> machine, const N& runs,
                Actions<N>* actions) {
  for (int level = 0; level < machine.structure.num_levels; ++level) {
    const Traffic<N> traffic = TrafficOf(op, machine, level);
    actions->traffic[level].read += traffic.read * runs;
    actions->traffic[level].write += traffic.write * runs;
    actions->traffic[level].read_toggling += traffic.read_toggling * runs;
    actions->traffic[level].write_toggling += traffic.write_toggling * runs;
  }
  actions->matmul[op.rate] += op.matmul_flop * runs;
  if (machine.structure.rates[op.rate].is_analog) {
    actions->adc[op.rate] += op.adc_flop * runs;
    actions->dac[op.rate] += op.dac_flop * runs;
  }
  actions->array_written[op.rate] += op.array_written * runs;
  actions->vector += op.vector_flop * runs;
  actions->instructions += op.instructions * runs;
  for (int i = 0; i < machine.structure.num_networks; ++i) {
    actions->link[i] += op.link_sent[i] * runs;
  }
}

// What a farther level moves through a nearer one is written into it before it
// is read from there, and the other way round: reads of the farther level are
// fills of the nearer one, and writes of the farther level are drains of it.
// Fills and drains are accesses to the devices of the nearer level; what
// carries them there is the path of the farther one. They are taken to find
// ports of their own, i.e. cost no time.
template <typename N>
void AddFills(const Traffic<N>& farther, const LevelCosts<N>& level,
              bool is_dram, EnergyTerms<N>* terms) {
  const Data<N>& fill = farther.read;
  const Data<N>& drain = farther.write;
  (*terms)[is_dram ? kDramColumn : kSram] +=
      level.write.column * fill + level.read.column * drain +
      level.write.column_toggling * farther.read_toggling +
      level.read.column_toggling * farther.write_toggling;
  if (!is_dram) return;
  (*terms)[kDramActivate] +=
      level.write.activate * fill + level.read.activate * drain;
  (*terms)[kDramInterface] +=
      level.write.interface * fill + level.read.interface * drain;
  (*terms)[kDramPhy] += level.write.phy * fill + level.read.phy * drain;
}

// Dynamic energy at the reference clock: each action times its cost. Standing
// terms stay zero.
template <typename N>
EnergyTerms<N> DynamicEnergy(const Actions<N>& actions, Costing<N> machine) {
  const Costs<N>& costs = machine.costs;
  EnergyTerms<N> terms;
  // The next farther level on the path.
  int farther = -1;
  for (int i = 0; i < machine.structure.num_levels; ++i) {
    const LevelCosts<N>& level = costs.levels[i];
    const Traffic<N>& t = actions.traffic[i];
    const LevelStructure& its = machine.structure.levels[i];
    if (!its.beside_path && !its.activations_only) {
      if (farther >= 0 && !its.fills_included) {
        AddFills(actions.traffic[farther], level, its.is_dram, &terms);
      }
      farther = i;
    }
    if (machine.structure.levels[i].is_dram) {
      terms[kDramActivate] +=
          level.read.activate * t.read + level.write.activate * t.write;
      terms[kDramInterface] +=
          level.read.interface * t.read + level.write.interface * t.write;
    }
    terms[machine.structure.levels[i].is_dram ? kDramColumn : kSram] +=
        level.read.column * t.read + level.write.column * t.write +
        level.read.column_toggling * t.read_toggling +
        level.write.column_toggling * t.write_toggling;
    terms[kDramPhy] += level.read.phy * t.read + level.write.phy * t.write;
    terms[kMemoryPath] += level.read.path * t.read + level.write.path * t.write +
                          level.read.path_toggling * t.read_toggling +
                          level.write.path_toggling * t.write_toggling;
    terms[kLink] += level.read.link * t.read + level.write.link * t.write;
    terms[kOnChipNetwork] +=
        level.read.network * t.read + level.write.network * t.write +
        level.read.network_toggling * t.read_toggling +
        level.write.network_toggling * t.write_toggling;
  }
  for (int i = 0; i < machine.structure.num_rates; ++i) {
    const RateCosts<N>& rate = costs.rates[i];
    terms[kCompute] += rate.energy * actions.matmul[i];
    if (machine.structure.rates[i].is_analog) {
      terms[kAdc] += rate.adc * actions.adc[i];
      terms[kDac] += rate.dac * actions.dac[i];
    }
    terms[kArrayWrite] += rate.array_write * actions.array_written[i];
  }
  terms[kCompute] += costs.vector.energy * actions.vector + actions.instructions;
  for (int i = 0; i < machine.structure.num_networks; ++i) {
    terms[kLink] += costs.networks[i].energy * actions.link[i];
  }
  return terms;
}

template <typename N>
Energy<N> Sum(const EnergyTerms<N>& terms) {
  Energy<N> sum;
  for (const Energy<N>& term : terms) sum += term;
  return sum;
}

// Background power of one chip's memory.
template <typename N>
Power<N> MemoryBackground(const CostView<N>& machine) {
  Power<N> power;
  for (int i = 0; i < machine.structure.num_levels; ++i) {
    power += machine.costs.levels[i].background;
  }
  return power;
}
template <typename N>
Power<N> MemoryBackground(const Machine<N>& machine) {
  return MemoryBackground(CostView<N>(machine));
}

// Actions of a step. The only number of the machine that matters is the
// activation capacity.
template <typename N>
Actions<N> ActionsOf(const LoweredStep<N>& step, Costing<N> machine) {
  Actions<N> actions;
  for (const LoweredOperator<N>& op : step.operators) {
    AddActions(op, machine, op.count * step.passes, &actions);
  }
  return actions;
}

// Clock and voltage of the core domain, relative to the reference.
template <typename N = double>
struct CoreState {
  N clock;
  N voltage_squared;
  // d ln v^2 / d ln x.
  N voltage_slope;
};

// The voltage that a clock needs: the largest of a floor and of two lines; see
// CoreClock of proto/hardware.proto.
template <typename N>
CoreState<N> CoreAt(const N& clock, const ClockCosts<N>& costs) {
  const N line = N(1.0) + costs.voltage_slope * (clock - N(1.0));
  const N steep = N(1.0) + costs.voltage_slope * (costs.steep_from - N(1.0)) +
                  costs.steep_voltage_slope * (clock - costs.steep_from);
  N voltage = Max(costs.voltage_floor, line);
  N slope = Select(costs.voltage_floor < line, costs.voltage_slope, N(0.0));
  slope = Select(voltage < steep, costs.steep_voltage_slope, slope);
  voltage = Max(voltage, steep);
  return {clock, voltage * voltage, N(2.0) * slope * clock / voltage};
}

// Takes dynamic energies from the reference to the core's voltage.
template <typename N>
void TakeToVoltage(const CoreState<N>& core, EnergyTerms<N>* terms) {
  for (int i = 0; i < kNumEnergyTerms; ++i) {
    if (!kEnergyTerms[i].of_core) continue;
    (*terms)[i] = (*terms)[i] * core.voltage_squared;
  }
}

// Time of a step at a clock, and its decrease per relative increase of the
// clock.
template <typename N = double>
struct TimeAtClock {
  Duration<N> time;
  Duration<N> slope;
};

template <typename N>
TimeAtClock<N> TimeOfStep(const LoweredStep<N>& step, Costing<N> machine,
                          const UnitTimes<N>& units) {
  const Costs<N>& costs = machine.costs;
  TimeAtClock<N> out;
  out.time =
      costs.time_per_step +
      (costs.time_per_layer + costs.time_per_layer_admitting * step.admitting) *
          step.layers +
      costs.time_per_expert_layer * step.expert_layers +
      (costs.time_per_recurrent_layer +
       costs.time_per_recurrent_layer_admitting * step.admitting) *
          step.recurrent_layers +
      costs.time_per_latent_layer * step.latent_layers +
      costs.time_per_sequence * step.samples_per_replica +
      costs.time_per_prompt * step.prompts_per_replica;
  for (const LoweredOperator<N>& op : step.operators) {
    const OperatorTimes<N> times = TimesOf(op, machine, units);
    out.time += times.total * op.count;
    out.slope += times.clock_slope * op.count;
  }
  return out;
}

// What a step draws, at the reference: energies and powers of all chips. The
// board supplies the stack directly and everything else through its regulators:
//   board = stack + (rest + core v^2) / eta.
template <typename N = double>
struct Draw {
  Energy<N> stack;
  Energy<N> rest;
  Energy<N> core;
  Power<N> background;    // of the stack
  Power<N> static_power;  // does not depend on the clock
  Power<N> clocks;        // times v^2 x

  // `samples` are the tokens that all chips sample or verify.
  Draw(const N& chips, const N& samples, Costing<N> machine,
       const EnergyTerms<N>& terms) {
    const Costs<N>& costs = machine.costs;
    for (int i = 0; i < kNumEnergyTerms; ++i) {
      (kEnergyTerms[i].of_core ? core
       : kEnergyTerms[i].boundary == kStackBoundary ? stack
                                                    : rest) += terms[i];
    }
    core += costs.energy_per_sequence * samples;
    background = MemoryBackground(machine) * chips;
    static_power = costs.static_power * chips;
    clocks = costs.clock.power * chips;
  }

  Power<N> StandingAt(const CoreState<N>& at) const {
    return static_power + clocks * (at.voltage_squared * at.clock);
  }
  // Power of the board, at a clock where the step takes `time`.
  Power<N> BoardAt(const CoreState<N>& at, const Duration<N>& time,
                   const N& efficiency) const {
    return stack / time + background +
           ((rest + core * at.voltage_squared) / time + StandingAt(at)) /
               efficiency;
  }
  // Its increase per relative increase of the clock.
  Power<N> BoardSlopeAt(const CoreState<N>& at, const TimeAtClock<N>& step,
                        const N& efficiency) const {
    const Energy<N> core_at = core * at.voltage_squared;
    const Power<N> energies =
        ((stack + (rest + core_at) / efficiency) / step.time) *
        (step.slope / step.time);
    return energies +
           ((core_at / step.time) * at.voltage_slope +
            clocks * (at.voltage_squared * at.clock) *
                (at.voltage_slope + N(1.0))) /
               efficiency;
  }
};

// Steps of Newton's method to the clock of a power cap. The power is convex in
// the logarithm of the clock but for its knees, so that the steps come down from
// above.
inline constexpr int kStepsToCap = 5;

// The largest clock, from the lowest to the set one, at which the board draws at
// most the cap. `time_at(clock)` is the TimeAtClock of what draws it.
template <typename N, typename TimeAt>
N CappedClock(const Power<N>& cap, Costing<N> machine, const Draw<N>& draw,
              const TimeAt& time_at) {
  const Costs<N>& costs = machine.costs;
  N clock = costs.clock.set;
  for (int i = 0; i < kStepsToCap; ++i) {
    const TimeAtClock<N> time = time_at(clock);
    const CoreState<N> at = CoreAt(clock, costs.clock);
    const Power<N> excess =
        draw.BoardAt(at, time.time, costs.regulator_efficiency) - cap;
    // Never 0: an idle chip has clocks.
    const N move =
        excess / draw.BoardSlopeAt(at, time, costs.regulator_efficiency);
    clock = clock / (N(1.0) + Max(move, N(-0.5)));
    clock = Max(costs.clock.lowest, Min(costs.clock.set, clock));
  }
  return clock;
}

// Energies of a step that standing power and losses are added to.
template <typename N = double>
struct Supplied {
  Energy<N> stack;    // dynamic, of the stack
  Energy<N> dynamic;  // dynamic, of everything behind the regulators
  // Of what is done per sequence beyond the ledger.
  Energy<N> sequences;
};

// Adds the power that is drawn for `time` whatever the chips do, and the losses
// of regulators, supplies and facility on it and on the dynamic energies.
template <typename N>
void AddStanding(const Supplied<N>& energies, const Power<N>& background,
                 const Power<N>& standing, const N& chips,
                 const Duration<N>& time, Costing<N> machine,
                 EnergyTerms<N>* out) {
  const Costs<N>& costs = machine.costs;
  EnergyTerms<N>& terms = *out;
  const Energy<N> of_background = background * time;
  terms[kDramBackground] += of_background;
  // Static power, energy per sequence beyond the ledger, and the regulators'
  // loss on everything they supply.
  const Energy<N> supplied = energies.dynamic + standing * time;
  const Energy<N> loss = supplied / costs.regulator_efficiency - supplied;
  terms[kStatic] += standing * time + energies.sequences + loss;
  // Host power, and the power supplies' loss on board and host.
  const Energy<N> board = energies.stack + of_background + supplied + loss;
  const Energy<N> node = (board + costs.host_power * chips * time) /
                         costs.supply_efficiency;
  terms[kHost] += node - board;
  terms[kFacility] += node * (costs.power_usage_effectiveness - 1.0);
}

// Time and energy of a step with these actions. `around` is the time that other
// machines work on the same step while these chips wait, where they alternate so
// fast that a power cap holds for the mean over both. The energy is that of the
// chips' own time.
template <typename N>
StepCost<N> CostOfActions(const LoweredStep<N>& step, Costing<N> machine,
                          const Actions<N>& actions,
                          const Duration<N>& around = Duration<N>()) {
  const Costs<N>& costs = machine.costs;
  StepCost<N> cost;
  cost.terms = DynamicEnergy(actions, machine);
  const Draw<N> draw(step.chips, step.samples, machine, cost.terms);
  cost.clock = costs.clock.set;
  const bool one_clock = !machine.structure.has_core_clock;
  Duration<N> time =
      TimeOfStep(step, machine, UnitTimes<N>(machine, cost.clock)).time;
  const Duration<N> uncapped = time;
  cost.uncapped_power =
      draw.BoardAt(CoreAt(cost.clock, costs.clock), time + around,
                   costs.regulator_efficiency);
  if (machine.structure.has_power_cap && !one_clock) {
    // Where no lane is above its cap, the set clock is the answer.
    if (MayHold(costs.power_cap * step.chips < cost.uncapped_power)) {
      cost.clock = CappedClock<N>(
          costs.power_cap * step.chips, machine, draw, [&](const N& clock) {
            TimeAtClock<N> at = TimeOfStep(
                step, machine, UnitTimes<N>(machine, clock, true));
            at.time += around;
            return at;
          });
      time = TimeOfStep(step, machine, UnitTimes<N>(machine, cost.clock)).time;
    }
  }
  const CoreState<N> at = CoreAt(cost.clock, costs.clock);
  const Energy<N> core = draw.core * at.voltage_squared;
  const Power<N> standing = draw.StandingAt(at);
  cost.step_time = time;
  if (machine.structure.has_power_cap) {
    // What the clock cannot save stretches the step until
    //   (stack + (rest + core) / eta) / t + P_standing <= P_cap.
    const Power<N> room = costs.power_cap * step.chips - draw.background -
                          standing / costs.regulator_efficiency;
    const Energy<N> dynamic =
        draw.stack + (draw.rest + core) / costs.regulator_efficiency;
    cost.step_time = Max(time + around, dynamic / room) - around;
  }
  cost.stretch = cost.step_time - uncapped;

  if (machine.structure.stack_level >= 0) {
    const Power<N> drawn = (draw.stack + draw.rest + core) / cost.step_time +
                           draw.background + standing;
    cost.heat = HeatOf(costs.stack, drawn / step.chips);
    cost.warm_refresh = costs.stack.refresh *
                        ((cost.heat.refresh_factor - N(1.0)) * step.chips);
  }
  TakeToVoltage(at, &cost.terms);
  const Energy<N> sequences =
      costs.energy_per_sequence * (step.samples * at.voltage_squared);
  AddStanding<N>({draw.stack, draw.rest + core, sequences},
                 draw.background + cost.warm_refresh, standing, step.chips,
                 cost.step_time, machine, &cost.terms);
  return cost;
}

// Adds what the chips of a step draw while they wait for `waiting`: the memory's
// background, the standing power at the clock of the step, and what the supplies
// and the host add to both.
template <typename N>
void AddWaiting(const LoweredStep<N>& step, Costing<N> machine,
                const Duration<N>& waiting, StepCost<N>* cost) {
  const Draw<N> draw(step.chips, N(0.0), machine, EnergyTerms<N>());
  AddStanding<N>({}, draw.background,
                 draw.StandingAt(CoreAt(cost->clock, machine.costs.clock)),
                 step.chips, waiting, machine, &cost->terms);
}

// Energy of the terms inside the boundary with this index.
template <typename N>
Energy<N> EnergyInside(const EnergyTerms<N>& terms, int boundary) {
  Energy<N> sum;
  for (int i = 0; i < kNumEnergyTerms; ++i) {
    if (kEnergyTerms[i].boundary <= boundary) sum += terms[i];
  }
  return sum;
}

// Time and energy of a step.
template <typename N>
StepCost<N> CostOfStep(const LoweredStep<N>& step, Costing<N> machine,
                       const Duration<N>& around = Duration<N>()) {
  return CostOfActions(step, machine, ActionsOf(step, machine), around);
}

}  // namespace tokenjoule

#endif  // ANALYZER_COST_KERNEL_H_
