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

// A lowered step in another number type, into one that was there and whose
// memory is used again; in packs every lane is the same.
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

// A number of the machine that varies along a run of points: a place in a
// Machine<Pack> and its values one after the other, readable up to the next
// multiple of Pack::kLanes.
struct VaryingSlot {
  Pack* place;
  const double* values;
};

// What the kernel says of a point, or of a pack of points.
template <typename N>
struct SweepCost {
  N step_time_s;
  // Joules of a step inside each boundary, from the inside out.
  std::array<N, kNumBoundaries> energy_j;
  // Usable bytes of one chip's backing store.
  N usable_bytes;
  // Logic of one chip and cost of making one, as Machine has them.
  N area_mm2;
  N cost_usd;
  // NoiseOf and WearOf of the step.
  N noise;
  N wear;
};

using PackCost = SweepCost<Pack>;

// A step's cost on a machine as a search takes it.
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
  out.wear = machine.structure.wears ? WearOf(step, machine, actions) : N(0.0);
  return out;
}

// Evaluates points 0 ... count - 1 of a run, a pack at a time into `costs`
// (which has room for them all). `machine` holds everything that does not vary
// along the run. `actions` are those of the step on all of the run's machines,
// or null where they are not known or not the same (PlaceOfActions). Compiled
// for several instruction sets and chosen at run time; without fused
// multiply-adds, so that all give the same bits as one number at a time.
void EvaluateRun(const LoweredStep<Pack>& step,
                 const std::vector<VaryingSlot>& slots, size_t count,
                 const Actions<Pack>* actions, Machine<Pack>* machine,
                 PackCost* costs);

// Time and energy terms of a step, a lane for each machine.
struct PackTerms {
  Pack step_time_s;
  std::array<Pack, kNumEnergyTerms> terms_j;
};

// The kernel over one pack of machines. Compiled as EvaluateRun is.
void EvaluatePack(const LoweredStep<Pack>& step, const Machine<Pack>& machine,
                  PackTerms* terms);

// The place in a machine that decides what happens in a step; where it does not
// vary, all machines have the same actions.
const Pack* PlaceOfActions(Machine<Pack>* machine);

// Products and additions in packs that do not wait for one another, for
// benchmarks: what the processor can do at most, and how many MultiplyAddPeak
// does in so many rounds.
double MultiplyAddPeak(int rounds);
int64_t MultiplyAddOperations(int rounds);

}  // namespace tokenjoule

#endif  // ANALYZER_COST_PACK_KERNEL_H_
