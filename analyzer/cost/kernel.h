// The cost kernel: time and energy of one decode step. It is the only place
// where a ledger's counts meet a machine's costs, written once for every number
// type: double for an answer, dual numbers for exact derivatives, SIMD packs
// for sweeps. It does not allocate and never branches on a value.
//
// docs/model.md gives the same equations in mathematical notation.

#ifndef ANALYZER_COST_KERNEL_H_
#define ANALYZER_COST_KERNEL_H_

#include <array>
#include <vector>

#include "analyzer/description/boundary.h"
#include "analyzer/machine/machine.h"
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
  int rate = 0;
  Work<N> vector_flop;
  // Bytes and FLOP that count towards time only: the busiest chip's excess over
  // the mean, and the slower reads of caches and experts.
  Data<N> extra_read;
  Work<N> extra_flop;
  // Collective: number of latencies on the critical path, bytes through the
  // busiest link, mean bytes sent per chip.
  N link_messages = N(0.0);
  Data<N> link_critical;
  Data<N> link_sent;
  // Time of its own beyond the launch of a kernel.
  Duration<N> launch;
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
  visit(Slope::kDifference, op.vector_flop...);
  visit(Slope::kDifference, op.extra_read...);
  visit(Slope::kDifference, op.extra_flop...);
  visit(Slope::kZero, op.link_messages...);
  visit(Slope::kDifference, op.link_critical...);
  visit(Slope::kDifference, op.link_sent...);
  visit(Slope::kZero, op.launch...);
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

// Bytes through one memory level.
template <typename N = double>
struct Traffic {
  Data<N> read;
  Data<N> write;
};

// Actions of a step, summed over chips and runs; energy is linear in them.
template <typename N = double>
struct Actions {
  std::array<Traffic<N>, kMaxMemoryLevels> traffic;
  std::array<Work<N>, kMaxFormatRates> matmul;
  std::array<Data<N>, kMaxFormatRates> array_written;
  Work<N> vector;
  Data<N> link;
};

// Time per run of an operator, by resource.
template <typename N = double>
struct OperatorTimes {
  Duration<N> memory;   // the slowest level
  Duration<N> compute;  // the slower engine
  Duration<N> link;
  Duration<N> overhead;
  Duration<N> total;
};

template <typename N = double>
using EnergyTerms = std::array<Energy<N>, kNumEnergyTerms>;

template <typename N = double>
struct StepCost {
  Duration<N> step_time;
  // Time that a power cap added to the step.
  Duration<N> stretch;
  EnergyTerms<N> terms;  // whole system, whole step
};

// Bytes that one run moves through level `level` of a chip. Data read from a
// level passes through all nearer levels. Activations live in the nearest
// level; the part beyond its activation_capacity spills to the backing store.
template <typename N>
Traffic<N> TrafficOf(const LoweredOperator<N>& op, Costing<N> machine,
                     int level) {
  Traffic<N> traffic;
  for (int origin = 0; origin <= level; ++origin) {
    traffic.read += op.origin_read[origin];
    traffic.write += op.origin_write[origin];
  }
  if (level > 0) {
    traffic.read += op.activation_in + op.reuse_read;
    traffic.write += op.activation_out + op.reuse_write;
    return traffic;
  }
  if (!op.has_activations) return traffic;
  const Data<N> activations = op.activation_in + op.activation_out;
  const Data<N> room = machine.costs.levels[machine.structure.num_levels - 1]
                           .activation_capacity;
  const Data<N> spilled = Max(Data<N>(), activations - room);
  const Data<N> spilled_in = spilled * op.activation_in_share;
  traffic.read += spilled_in;
  traffic.write += spilled - spilled_in;
  return traffic;
}

// Time per byte and per FLOP: the reciprocals of the rates. Computed once per
// step, because a division takes as long as a dozen multiplications.
template <typename N = double>
struct UnitTimes {
  explicit UnitTimes(const CostView<N>& machine) {
    const Costs<N>& costs = machine.costs;
    for (int i = 0; i < machine.structure.num_levels; ++i) {
      memory[i] = Inverse(costs.levels[i].LongBandwidth());
    }
    for (int i = 0; i < machine.structure.num_rates; ++i) {
      matmul[i] = Inverse(costs.rates[i].Achieved());
    }
    vector = Inverse(costs.vector.Achieved());
    link = Inverse(costs.link_bandwidth);
  }

  static DurationPerData<N> Inverse(const DataRate<N>& rate) {
    return DurationPerData<N>::FromBase(N(1.0) / rate.base());
  }
  static DurationPerWork<N> Inverse(const WorkRate<N>& rate) {
    return DurationPerWork<N>::FromBase(N(1.0) / rate.base());
  }

  std::array<DurationPerData<N>, kMaxMemoryLevels> memory;
  std::array<DurationPerWork<N>, kMaxFormatRates> matmul;
  DurationPerWork<N> vector;
  DurationPerData<N> link;
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

// Time per run. Resources overlap: t = w max(t_i) + (1 - w) sum(t_i), where w
// is the overlap fraction; the launch time of the kernel is added on top.
template <typename N>
OperatorTimes<N> TimesOf(const LoweredOperator<N>& op, Costing<N> machine,
                         const UnitTimes<N>& units) {
  const Costs<N>& costs = machine.costs;
  OperatorTimes<N> times;
  Duration<N> sum;
  for (int level = 0; level < machine.structure.num_levels; ++level) {
    if (level == 0 ? !op.reads_backing : !op.is_kernel) continue;
    const Traffic<N> traffic = TrafficOf(op, machine, level);
    Data<N> bytes = traffic.read + traffic.write;
    if (level == 0) bytes += op.extra_read;
    const Duration<N> time =
        TransferTime(costs.levels[level], units.memory[level], bytes,
                     level == 0 && op.attends);
    times.memory = Max(times.memory, time);
  }
  // Levels form a pipeline, so only the slowest one counts.
  sum += times.memory;
  const Duration<N> matmul =
      (op.matmul_flop + op.extra_flop) * units.matmul[op.rate];
  const Duration<N> vector = op.vector_flop * units.vector;
  times.compute = Max(matmul, vector);
  sum += matmul + vector;
  if (!op.is_kernel) {
    times.link =
        costs.link_latency * op.link_messages + op.link_critical * units.link;
    sum += times.link;
    times.overhead = costs.time_per_collective;
  } else {
    times.overhead = costs.time_per_kernel + op.launch;
  }
  const Duration<N> longest = Max(Max(times.memory, times.compute), times.link);
  times.total = longest * costs.overlap_fraction +
                sum * (1.0 - costs.overlap_fraction) + times.overhead;
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
  }
  actions->matmul[op.rate] += op.matmul_flop * runs;
  actions->array_written[op.rate] += op.array_written * runs;
  actions->vector += op.vector_flop * runs;
  actions->link += op.link_sent * runs;
}

// Dynamic energy: each action times its cost. Standing terms stay zero.
template <typename N>
EnergyTerms<N> DynamicEnergy(const Actions<N>& actions, Costing<N> machine) {
  const Costs<N>& costs = machine.costs;
  EnergyTerms<N> terms;
  for (int i = 0; i < machine.structure.num_levels; ++i) {
    const LevelCosts<N>& level = costs.levels[i];
    const Traffic<N>& t = actions.traffic[i];
    if (machine.structure.levels[i].is_dram) {
      terms[kDramActivate] +=
          level.read.activate * t.read + level.write.activate * t.write;
      terms[kDramColumn] +=
          level.read.column * t.read + level.write.column * t.write;
      terms[kDramInterface] +=
          level.read.interface * t.read + level.write.interface * t.write;
    } else {
      terms[kSram] += level.read.column * t.read + level.write.column * t.write;
    }
    terms[kDramPhyController] += level.read.phy_controller * t.read +
                                 level.write.phy_controller * t.write;
    terms[kOnChipNetwork] +=
        level.read.network * t.read + level.write.network * t.write;
  }
  for (int i = 0; i < machine.structure.num_rates; ++i) {
    const RateCosts<N>& rate = costs.rates[i];
    terms[kCompute] += rate.energy * actions.matmul[i];
    terms[kAdc] += rate.adc * actions.matmul[i];
    terms[kDac] += rate.dac * actions.matmul[i];
    terms[kArrayWrite] += rate.array_write * actions.array_written[i];
  }
  terms[kCompute] += costs.vector.energy * actions.vector;
  terms[kLink] = costs.link_energy * actions.link;
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

// Time and energy of a step with these actions.
template <typename N>
StepCost<N> CostOfActions(const LoweredStep<N>& step, Costing<N> machine,
                          const Actions<N>& actions) {
  const Costs<N>& costs = machine.costs;
  StepCost<N> cost;
  Duration<N> time =
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
  const UnitTimes<N> units(machine);
  for (const LoweredOperator<N>& op : step.operators) {
    time += TimesOf(op, machine, units).total * op.count;
  }
  cost.terms = DynamicEnergy(actions, machine);
  const Energy<N> sequences = costs.energy_per_sequence * step.samples;
  const Energy<N> dynamic = Sum(cost.terms) + sequences;

  // A power cap stretches the step until
  //   (E_dynamic / t + P_standing) / eta_regulator <= P_cap.
  const Power<N> background = MemoryBackground(machine) * step.chips;
  const Power<N> standing = background + costs.static_power * step.chips;
  cost.step_time = time;
  if (machine.structure.has_power_cap) {
    const Power<N> room =
        costs.power_cap * (costs.regulator_efficiency * step.chips) - standing;
    cost.step_time = Max(time, dynamic / room);
    cost.stretch = cost.step_time - time;
  }

  cost.terms[kDramBackground] = background * cost.step_time;
  const Energy<N> chip_and_standing = dynamic + standing * cost.step_time;
  // Static power, energy per sequence beyond the ledger, and the regulators'
  // loss on everything they supply.
  const Energy<N> board = chip_and_standing / costs.regulator_efficiency;
  cost.terms[kStatic] = costs.static_power * step.chips * cost.step_time +
                        sequences + (board - chip_and_standing);
  // Host power, and the power supplies' loss on board and host.
  const Energy<N> node =
      (board + costs.host_power * step.chips * cost.step_time) /
      costs.supply_efficiency;
  cost.terms[kHost] = node - board;
  cost.terms[kFacility] = node * (costs.power_usage_effectiveness - 1.0);
  return cost;
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
StepCost<N> CostOfStep(const LoweredStep<N>& step, Costing<N> machine) {
  return CostOfActions(step, machine, ActionsOf(step, machine));
}

}  // namespace tokenjoule

#endif  // ANALYZER_COST_KERNEL_H_
