// The cost kernel over many machines at once.

#ifndef ANALYZER_COST_SWEEP_KERNEL_H_
#define ANALYZER_COST_SWEEP_KERNEL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "analyzer/cost/boundary.h"
#include "analyzer/cost/kernel.h"
#include "analyzer/cost/limits.h"
#include "analyzer/cost/pack.h"
#include "analyzer/machine/machine.h"

namespace tokenjoule {

namespace sweep_internal {

template <typename To, int b, int f, int s, int j>
void Convert(const Quantity<b, f, s, j, double>& from,
             Quantity<b, f, s, j, To>* to) {
  *to = Quantity<b, f, s, j, To>::FromBase(To(from.base()));
}

template <typename To>
LoweredOperator<To> ConvertedOperator(const LoweredOperator<double>& op) {
  LoweredOperator<To> to;
  to.count = To(op.count);
  for (int i = 0; i < kMaxMemoryLevels; ++i) {
    Convert(op.origin_read[i], &to.origin_read[i]);
    Convert(op.origin_write[i], &to.origin_write[i]);
  }
  Convert(op.activation_in, &to.activation_in);
  Convert(op.activation_out, &to.activation_out);
  to.activation_in_share = To(op.activation_in_share);
  Convert(op.reuse_read, &to.reuse_read);
  Convert(op.reuse_write, &to.reuse_write);
  Convert(op.array_written, &to.array_written);
  Convert(op.matmul_flop, &to.matmul_flop);
  to.rate = op.rate;
  Convert(op.vector_flop, &to.vector_flop);
  Convert(op.extra_read, &to.extra_read);
  Convert(op.extra_flop, &to.extra_flop);
  to.link_messages = To(op.link_messages);
  Convert(op.link_critical, &to.link_critical);
  Convert(op.link_sent, &to.link_sent);
  to.reads_backing = op.reads_backing;
  to.has_activations = op.has_activations;
  to.is_kernel = op.is_kernel;
  return to;
}

}  // namespace sweep_internal

// A lowered step in another number type; in packs every lane is the same.
template <typename To>
LoweredStep<To> ConvertedStep(const LoweredStep<double>& step) {
  LoweredStep<To> to;
  for (const LoweredOperator<double>& op : step.operators) {
    to.operators.push_back(sweep_internal::ConvertedOperator<To>(op));
  }
  for (const ProductNoise<double>& product : step.products) {
    to.products.push_back({product.rate, To(product.quantisation)});
  }
  to.layers = To(step.layers);
  to.recurrent_layers = To(step.recurrent_layers);
  to.admitting = To(step.admitting);
  to.sequences_per_replica = To(step.sequences_per_replica);
  to.sequences = To(step.sequences);
  to.tokens = To(step.tokens);
  to.passes = To(step.passes);
  to.chips = To(step.chips);
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
SweepCost<N> SweepCostOf(const LoweredStep<N>& step, const Machine<N>& machine,
                         const Actions<N>& actions) {
  const StepCost<N> cost = CostOfActions(step, machine, actions);
  SweepCost<N> out;
  out.step_time_s = InSeconds(cost.step_time);
  for (int i = 0; i < kNumBoundaries; ++i) {
    out.energy_j[i] = InJoules(EnergyInside(cost.terms, i));
  }
  out.usable_bytes = InBytes(machine.levels[0].usable_capacity);
  out.area_mm2 = machine.area_mm2;
  out.cost_usd = machine.cost_usd;
  out.noise = NoiseOf(step, machine);
  out.wear = machine.wears ? WearOf(step, machine, actions) : N(0.0);
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

// The place in a machine that decides what happens in a step; where it does not
// vary, all machines have the same actions.
const Pack* PlaceOfActions(Machine<Pack>* machine);

// Products and additions in packs that do not wait for one another, for
// benchmarks: what the processor can do at most, and how many MultiplyAddPeak
// does in so many rounds.
double MultiplyAddPeak(int rounds);
int64_t MultiplyAddOperations(int rounds);

}  // namespace tokenjoule

#endif  // ANALYZER_COST_SWEEP_KERNEL_H_
