// Lowering: places a ledger's tensors in a machine's memory levels, its
// products on engines and its collectives on links. Decides structure once, so
// that the kernel has nothing to look up.

#ifndef ANALYZER_COST_LOWER_H_
#define ANALYZER_COST_LOWER_H_

#include "analyzer/cost/kernel.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/machine/machine.h"
#include "analyzer/units/units.h"

namespace tokenjoule {

// A collective of `payload` over `group` chips:
//   all-reduce  reduce-scatter and all-gather, 2 (n - 1) / n payload sent by
//               each chip, in two steps through a switch or 2 (n - 1) on a ring
//               (Thakur et al., IJHPCA 2005, section 4.4);
//   gather      the root receives (n - 1) / n payload, in one step;
//   all-to-all  each chip sends its payload, in one step or n - 1 on a ring;
//   send        the payload, in one step.
template <typename N>
void LowerCollective(const Operator<N>& op, Interconnect::Topology topology,
                     LoweredOperator<N>* lowered) {
  const N n(static_cast<double>(op.group));
  const N part = (n - N(1.0)) / n;
  const bool ring = topology == Interconnect::RING;
  switch (op.collective) {
    case Collective::kNone:
      return;
    case Collective::kAllReduce:
      lowered->link_messages = ring ? N(2.0) * (n - N(1.0)) : N(2.0);
      lowered->link_critical = op.payload * (N(2.0) * part);
      lowered->link_sent = lowered->link_critical;
      return;
    case Collective::kGather:
      lowered->link_messages = ring ? n - N(1.0) : N(1.0);
      lowered->link_critical = op.payload * part;
      lowered->link_sent = lowered->link_critical / n;
      return;
    case Collective::kAllToAll:
      lowered->link_messages = ring ? n - N(1.0) : N(1.0);
      lowered->link_critical = op.payload;
      lowered->link_sent = op.payload;
      return;
    case Collective::kSend:
      lowered->link_messages = N(1.0);
      lowered->link_critical = op.payload;
      lowered->link_sent = op.payload;
      return;
  }
}

template <typename N>
LoweredOperator<N> LowerOperator(const Operator<N>& op,
                                 const Machine<N>& machine) {
  LoweredOperator<N> lowered;
  lowered.count = op.count;
  lowered.is_kernel = op.collective == Collective::kNone;
  if (!lowered.is_kernel) {
    LowerCollective(op, machine.topology, &lowered);
    return lowered;
  }
  lowered.backing_read =
      op.weight_read + op.kv_read + op.state_read + op.embedding_read;
  lowered.backing_write = op.kv_write + op.state_write;
  lowered.activation_in = op.activation_in;
  lowered.activation_out = op.activation_out;
  lowered.matmul_flop = op.matmul_flop;
  if (op.weight_format != nullptr) {
    lowered.tensor_rate = TensorRateIndex(
        machine, OperandFormat(*op.weight_format, *op.activation_format));
  }
  lowered.vector_flop = op.vector_flop;
  lowered.extra_read = op.weight_read * (op.weight_imbalance - N(1.0));
  lowered.extra_flop = op.matmul_flop * (op.flop_imbalance - N(1.0));
  lowered.reads_backing = true;
  lowered.has_activations = true;
  return lowered;
}

template <typename N>
LoweredStep<N> Lower(const Ledger<N>& ledger, const Machine<N>& machine) {
  LoweredStep<N> step;
  step.operators.reserve(ledger.operators.size());
  for (const Operator<N>& op : ledger.operators) {
    step.operators.push_back(LowerOperator(op, machine));
  }
  step.layers = ledger.layers;
  step.sequences_per_replica = ledger.sequences_per_replica;
  step.tokens = ledger.tokens;
  step.passes = ledger.passes;
  step.chips = ledger.chips;
  return step;
}

// What one more sequence adds to a step, for steps whose counts are affine in
// the batch: (b - a) / (tokens_b - tokens_a). With it, CostOfStep on a machine
// without fixed costs (WithoutFixedCosts) is the cost of a token as the batch
// grows without end.
template <typename N>
LoweredStep<N> PerSequence(const LoweredStep<N>& a, const LoweredStep<N>& b) {
  LoweredStep<N> slope = b;
  const N growth = b.tokens - a.tokens;
  for (size_t i = 0; i < slope.operators.size(); ++i) {
    LoweredOperator<N>& op = slope.operators[i];
    const LoweredOperator<N>& less = a.operators[i];
    op.backing_read = (op.backing_read - less.backing_read) / growth;
    op.backing_write = (op.backing_write - less.backing_write) / growth;
    op.activation_in = (op.activation_in - less.activation_in) / growth;
    op.activation_out = (op.activation_out - less.activation_out) / growth;
    op.matmul_flop = (op.matmul_flop - less.matmul_flop) / growth;
    op.vector_flop = (op.vector_flop - less.vector_flop) / growth;
    op.extra_read = (op.extra_read - less.extra_read) / growth;
    op.extra_flop = (op.extra_flop - less.extra_flop) / growth;
    op.link_messages = N(0.0);
    op.link_critical = (op.link_critical - less.link_critical) / growth;
    op.link_sent = (op.link_sent - less.link_sent) / growth;
  }
  slope.layers = N(0.0);
  slope.sequences_per_replica =
      (b.sequences_per_replica - a.sequences_per_replica) / growth;
  slope.tokens = N(1.0);
  return slope;
}

// The machine with everything gone that a step pays once, whatever its size.
template <typename N>
Machine<N> WithoutFixedCosts(Machine<N> machine) {
  for (int i = 0; i < machine.num_levels; ++i) {
    machine.levels[i].half_transfer = {};
    machine.levels[i].activation_capacity = {};
  }
  machine.link_latency = {};
  machine.time_per_step = {};
  machine.time_per_layer = {};
  machine.time_per_kernel = {};
  return machine;
}

}  // namespace tokenjoule

#endif  // ANALYZER_COST_LOWER_H_
