#include "analyzer/cost/pack_kernel.h"

#include <cstring>

#include "analyzer/base/vector_clones.h"

namespace tokenjoule {

const Pack* PlaceOfActions(Machine<Pack>* machine) {
  return &machine->costs.levels[machine->structure.num_levels - 1]
              .activation_capacity.mutable_base();
}

VECTOR_CLONES void EvaluateRun(const LoweredStep<Pack>& step,
                               const std::vector<VaryingSlot>& slots,
                               size_t count, const Actions<Pack>* actions,
                               Machine<Pack>* machine, PackCost* costs) {
  bool varies = false;
  if (actions == nullptr) {
    const Pack* place = PlaceOfActions(machine);
    for (const VaryingSlot& slot : slots) varies |= slot.place == place;
  }
  // A local copy, which the compiler may keep in registers because nothing else
  // can alias it.
  Actions<Pack> own = actions != nullptr ? *actions : ActionsOf(step, *machine);
  for (size_t begin = 0; begin < count; begin += Pack::kLanes) {
    for (const VaryingSlot& slot : slots) {
      std::memcpy(&slot.place->value, slot.values + begin,
                  sizeof(slot.place->value));
    }
    if (varies) own = ActionsOf(step, *machine);
    costs[begin / Pack::kLanes] = SweepCostOf(step, *machine, own);
  }
}

VECTOR_CLONES void EvaluateSteps(const LoweredStep<Pack>& step,
                                 const std::vector<VaryingSlot>& slots,
                                 size_t count, Machine<Pack>* machine,
                                 PackCost* costs) {
  const Pack* place = PlaceOfActions(machine);
  bool varies = false;
  for (const VaryingSlot& slot : slots) varies |= slot.place == place;
  Actions<Pack> actions;
  for (size_t k = 0; k < count; ++k) {
    for (const VaryingSlot& slot : slots) *slot.place = Pack(slot.values[k]);
    if (k == 0 || varies) actions = ActionsOf(step, *machine);
    costs[k] = SweepCostOf(step, *machine, actions);
  }
}

VECTOR_CLONES void EvaluatePack(const LoweredStep<Pack>& step,
                                const Machine<Pack>& machine,
                                PackTerms* terms) {
  const StepCost<Pack> cost = CostOfStep(step, machine);
  terms->step_time_s = InSeconds(cost.step_time);
  for (int i = 0; i < kNumEnergyTerms; ++i) {
    terms->terms_j[i] = InJoules(cost.terms[i]);
  }
}

namespace {

// Independent chains: enough to fill every execution pipe.
constexpr int kChains = 12;

}  // namespace

int64_t MultiplyAddOperations(int rounds) {
  return int64_t{2} * kChains * Pack::kLanes * rounds;
}

VECTOR_CLONES double MultiplyAddPeak(int rounds) {
  Pack chains[kChains];
  for (int i = 0; i < kChains; ++i) chains[i] = Pack(1.0 + i);
  const Pack factor(1.0 - 1e-9), term(1e-9);
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < kChains; ++i) chains[i] = chains[i] * factor + term;
  }
  Pack sum(0.0);
  for (int i = 0; i < kChains; ++i) sum += chains[i];
  return sum[0];
}

}  // namespace tokenjoule
