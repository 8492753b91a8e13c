#include "analyzer/cost/pack_kernel.h"

#include <cstring>

namespace tokenjoule {

const Pack* PlaceOfActions(Machine<Pack>* machine) {
  return &machine->costs.levels[machine->structure.num_levels - 1]
              .activation_capacity.mutable_base();
}

namespace {

// The machines of a run, each read by `set(slot, k)`, one pack of costs each.
// Its own `actions` are a copy: the compiler may keep what nothing else can
// reach.
template <typename Set>
inline void EvaluateMachines(const LoweredStep<Pack>& step,
                             const std::vector<VaryingSlot>& slots,
                             size_t count, const Actions<Pack>* actions,
                             Machine<Pack>* machine, const Set& set,
                             PackCost* costs) {
  bool varies = false;
  if (actions == nullptr) {
    const Pack* place = PlaceOfActions(machine);
    for (const VaryingSlot& slot : slots) varies |= slot.place == place;
  }
  Actions<Pack> own = actions != nullptr ? *actions : ActionsOf(step, *machine);
  for (size_t k = 0; k < count; ++k) {
    for (const VaryingSlot& slot : slots) set(slot, k);
    if (varies) own = ActionsOf(step, *machine);
    costs[k] = SweepCostOf(step, *machine, own);
  }
}

}  // namespace

__attribute__((target_clones("avx512f", "avx2", "default"), flatten)) void
EvaluateRun(const LoweredStep<Pack>& step,
            const std::vector<VaryingSlot>& slots, size_t count,
            const Actions<Pack>* actions, Machine<Pack>* machine,
            PackCost* costs) {
  EvaluateMachines(
      step, slots, (count + Pack::kLanes - 1) / Pack::kLanes, actions, machine,
      [](const VaryingSlot& slot, size_t k) {
        std::memcpy(&slot.place->value, slot.values + k * Pack::kLanes,
                    sizeof(slot.place->value));
      },
      costs);
}

__attribute__((target_clones("avx512f", "avx2", "default"), flatten)) void
EvaluateSteps(const LoweredStep<Pack>& step,
              const std::vector<VaryingSlot>& slots, size_t count,
              Machine<Pack>* machine, PackCost* costs) {
  EvaluateMachines(
      step, slots, count, nullptr, machine,
      [](const VaryingSlot& slot, size_t k) {
        *slot.place = Pack(slot.values[k]);
      },
      costs);
}

__attribute__((target_clones("avx512f", "avx2", "default"), flatten)) void
EvaluatePack(const LoweredStep<Pack>& step, const Machine<Pack>& machine,
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

__attribute__((target_clones("avx512f", "avx2", "default"), flatten)) double
MultiplyAddPeak(int rounds) {
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
