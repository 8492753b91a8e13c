#include "analyzer/cost/sweep_kernel.h"

#include <cstring>

namespace tokenjoule {
__attribute__((target_clones("avx512f", "avx2", "default"), flatten)) void
EvaluateRun(const LoweredStep<Pack>& step,
            const std::vector<VaryingSlot>& slots, size_t count,
            Machine<Pack>* machine, PackCost* costs) {
  // What happens is the same along the run unless the room for activations is
  // not.
  const Pack* room = &machine->levels[machine->num_levels - 1]
                          .activation_capacity.mutable_base();
  bool same_actions = true;
  for (const VaryingSlot& slot : slots) same_actions &= slot.place != room;
  Actions<Pack> actions = ActionsOf(step, *machine);
  for (size_t begin = 0; begin < count; begin += Pack::kLanes) {
    for (const VaryingSlot& slot : slots) {
      std::memcpy(&slot.place->value, slot.values + begin,
                  sizeof(slot.place->value));
    }
    if (!same_actions) actions = ActionsOf(step, *machine);
    costs[begin / Pack::kLanes] =
        SweepCostOf(step, *machine, actions);
  }
}

namespace {

// Chains that do not wait for one another: enough to fill every pipe.
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
