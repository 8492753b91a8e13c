#include "analyzer/cost/sweep_kernel.h"

#include <cstring>

namespace tokenjoule {
namespace {

template <int b, int f, int s, int j>
Quantity<b, f, s, j, Pack> Wide(const Quantity<b, f, s, j, double>& quantity) {
  return Quantity<b, f, s, j, Pack>::FromBase(Pack(quantity.base()));
}

LoweredOperator<Pack> Broadcast(const LoweredOperator<double>& op) {
  LoweredOperator<Pack> wide;
  wide.count = Pack(op.count);
  for (int i = 0; i < kMaxMemoryLevels; ++i) {
    wide.origin_read[i] = Wide(op.origin_read[i]);
    wide.origin_write[i] = Wide(op.origin_write[i]);
  }
  wide.activation_in = Wide(op.activation_in);
  wide.activation_out = Wide(op.activation_out);
  wide.reuse_read = Wide(op.reuse_read);
  wide.reuse_write = Wide(op.reuse_write);
  wide.array_written = Wide(op.array_written);
  wide.matmul_flop = Wide(op.matmul_flop);
  wide.rate = op.rate;
  wide.vector_flop = Wide(op.vector_flop);
  wide.extra_read = Wide(op.extra_read);
  wide.extra_flop = Wide(op.extra_flop);
  wide.link_messages = Pack(op.link_messages);
  wide.link_critical = Wide(op.link_critical);
  wide.link_sent = Wide(op.link_sent);
  wide.reads_backing = op.reads_backing;
  wide.has_activations = op.has_activations;
  wide.is_kernel = op.is_kernel;
  return wide;
}

}  // namespace

LoweredStep<Pack> Broadcast(const LoweredStep<double>& step) {
  LoweredStep<Pack> wide;
  for (const LoweredOperator<double>& op : step.operators) {
    wide.operators.push_back(Broadcast(op));
  }
  wide.layers = Pack(step.layers);
  wide.admitting = Pack(step.admitting);
  wide.sequences = Pack(step.sequences);
  wide.sequences_per_replica = Pack(step.sequences_per_replica);
  wide.tokens = Pack(step.tokens);
  wide.passes = Pack(step.passes);
  wide.chips = Pack(step.chips);
  return wide;
}

__attribute__((target_clones("avx512f", "avx2", "default"), flatten)) void
EvaluateRun(const LoweredStep<Pack>& step,
            const std::vector<VaryingSlot>& slots, size_t count,
            Machine<Pack>* machine, PackCost* costs) {
  for (size_t begin = 0; begin < count; begin += Pack::kLanes) {
    for (const VaryingSlot& slot : slots) {
      std::memcpy(&slot.place->value, slot.values + begin,
                  sizeof(slot.place->value));
    }
    const StepCost<Pack> cost = CostOfStep(step, *machine);
    PackCost& out = costs[begin / Pack::kLanes];
    out.step_time_s = InSeconds(cost.step_time);
    const EnergyTerms<Pack>& t = cost.terms;
    const Energy<Pack> stack = t[kDramActivate] + t[kDramColumn] +
                               t[kDramInterface] + t[kDramBackground];
    const Energy<Pack> path = stack + t[kDramPhyController];
    const Energy<Pack> chip = path + t[kSram] + t[kOnChipNetwork] +
                              t[kCompute] + t[kAdc] + t[kDac] + t[kArrayWrite] +
                              t[kLink];
    const Energy<Pack> board = chip + t[kStatic];
    const Energy<Pack> node = board + t[kHost];
    const Energy<Pack> inside[] = {stack, path, chip,
                                   board, node, node + t[kFacility]};
    for (int i = 0; i < 6; ++i) out.energy_j[i] = InJoules(inside[i]);
    out.usable_bytes = InBytes(machine->levels[0].usable_capacity);
  }
}

}  // namespace tokenjoule
