// The cost kernel over many machines at once.

#ifndef ANALYZER_COST_PACK_KERNEL_H_
#define ANALYZER_COST_PACK_KERNEL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "analyzer/cost/kernel.h"
#include "analyzer/cost/limits.h"
#include "analyzer/cost/pack.h"
#include "analyzer/machine/machine.h"

namespace tokenjoule {

// Converts a lowered step to another number type, into `out`, whose memory is
// reused; all lanes of a pack get the same value.
template <typename To>
void ConvertStep(const LoweredStep<double>& step, LoweredStep<To>* out) {
  const auto copy = [](Slope, const auto& number, auto& place) {
    CopyNumber()(number, place);
  };
  LoweredStep<To>& to = *out;
  to.operators.resize(step.operators.size());
  for (size_t i = 0; i < step.operators.size(); ++i) {
    CopyStructure(step.operators[i], &to.operators[i]);
    ForEachNumberOfOperator(copy, step.operators[i], to.operators[i]);
  }
  to.products.clear();
  for (const RateProducts<double>& product : step.products) {
    to.products.push_back({product.rate, To(product.quantisation),
                           Bytes<To>(To(InBytes(product.array_capacity)))});
  }
  ForEachNumberOfStep(copy, step, to);
}
template <typename To>
LoweredStep<To> ConvertedStep(const LoweredStep<double>& step) {
  LoweredStep<To> to;
  ConvertStep(step, &to);
  return to;
}

// A number of the machine that varies along a run of points: its location in a
// Machine<Pack> and its consecutive values, readable up to the next multiple of
// Pack::kLanes.
struct VaryingSlot {
  Pack* place;
  const double* values;
};

// The kernel's result for one point or for a pack of points.
template <typename N>
struct SweepCost {
  N step_time_s;
  // Energy per step inside each boundary, innermost first, J.
  std::array<N, kNumBoundaries> energy_j;
  // Usable bytes of one chip's backing store.
  N usable_bytes;
  // Logic area and manufacturing cost of one chip, copied from the machine.
  N area_mm2;
  N cost_usd;
  // NoiseOf and WearOf of the step.
  N noise;
  N wear;
  // Energy per step of the backing store's devices, whatever they are made of, J;
  // and 1 where they are DRAM, else 0.
  N memory_j;
  N is_dram;
  // Layers of memory on the logic and their heat, else 0.
  N layers;
  StackHeat<N> heat;
  // EngineTopsPerW of the step.
  N tops_per_w;
};

using PackCost = SweepCost<Pack>;

// A step's cost on a machine, in the form that searches use.
template <typename N>
SweepCost<N> SweepCostOf(const LoweredStep<N>& step, Costing<N> machine,
                         const Actions<N>& actions) {
  const Costs<N>& costs = machine.costs;
  const StepCost<N> cost = CostOfActions(step, machine, actions);
  SweepCost<N> out;
  out.step_time_s = InSeconds(cost.step_time);
  for (int i = 0; i < kNumBoundaries; ++i) {
    out.energy_j[i] = InJoules(EnergyInside(cost.terms, i));
  }
  out.usable_bytes = InBytes(costs.levels[0].usable_capacity);
  out.area_mm2 = costs.area_mm2;
  out.cost_usd = costs.cost_usd;
  out.noise = NoiseOf(step, machine);
  out.tops_per_w = EngineTopsPerW(step, machine);
  out.wear = machine.structure.wears ? WearOf(step, machine, actions) : N(0.0);
  const MachineStructure& structure = machine.structure;
  out.memory_j = structure.levels[0].is_dram ? out.energy_j[kStackBoundary]
                                             : InJoules(cost.terms[kSram]);
  out.is_dram = structure.HasDram() ? N(1.0) : N(0.0);
  out.layers = structure.stack_level >= 0 ? costs.stack.layers : N(0.0);
  out.heat = cost.heat;
  return out;
}

// Evaluates points 0 ... count - 1 of a run, one pack at a time, into `costs`,
// which has room for all of them. `machine` holds everything that does not vary
// along the run. `actions` are the actions of the step, if they are known and
// equal on all machines of the run (see PlaceOfActions), else null. Compiled
// for several instruction sets, one of which is chosen at run time; without
// fused multiply-adds, so that all give the same bits as single numbers.
void EvaluateRun(const LoweredStep<Pack>& step,
                 const std::vector<VaryingSlot>& slots, size_t count,
                 const Actions<Pack>* actions, Machine<Pack>* machine,
                 PackCost* costs);

// Evaluates a step that differs from lane to lane, on the machines 0 ... count
// - 1 of a run: a pack of costs for each machine. Compiled as EvaluateRun is.
void EvaluateSteps(const LoweredStep<Pack>& step,
                   const std::vector<VaryingSlot>& slots, size_t count,
                   Machine<Pack>* machine, PackCost* costs);

// Time and energy terms of a step, a lane for each machine.
struct PackTerms {
  Pack step_time_s;
  std::array<Pack, kNumEnergyTerms> terms_j;
};

// Evaluates the kernel on one pack of machines. Compiled like EvaluateRun.
void EvaluatePack(const LoweredStep<Pack>& step, const Machine<Pack>& machine,
                  PackTerms* terms);

// The only number of a machine that affects the actions of a step. If it does
// not vary, all machines have the same actions.
const Pack* PlaceOfActions(Machine<Pack>* machine);

// For benchmarks: MultiplyAddPeak runs independent multiplications and
// additions on packs, to measure the processor's peak rate;
// MultiplyAddOperations returns the number of operations in `rounds` rounds.
double MultiplyAddPeak(int rounds);
int64_t MultiplyAddOperations(int rounds);

}  // namespace tokenjoule

#endif  // ANALYZER_COST_PACK_KERNEL_H_
