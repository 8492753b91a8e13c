// Lowering: places a ledger's tensors in a machine's memory levels, its
// products on engines and its collectives on links. Decides structure once, so
// that the kernel has nothing to look up.

#ifndef ANALYZER_COST_LOWER_H_
#define ANALYZER_COST_LOWER_H_

#include <array>

#include "analyzer/cost/kernel.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/machine/in_memory.h"
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

// The engine's own name for a kind of product.
inline ComputeEngine::Products ProductsOf(ProductKind kind) {
  switch (kind) {
    case ProductKind::kExperts:
      return ComputeEngine::EXPERTS;
    case ProductKind::kLmHead:
      return ComputeEngine::LM_HEAD;
    case ProductKind::kAttention:
      return ComputeEngine::ATTENTION;
    case ProductKind::kLinear:
      break;
  }
  return ComputeEngine::LINEAR;
}

// Index of the rate that runs an operator's products; 0 where it has none.
template <typename N>
int RateOf(const Operator<N>& op, const Machine<N>& machine) {
  if (op.weight_format == nullptr) return 0;
  const int rate = RateIndex(machine, *op.weight_format, *op.activation_format,
                             ProductsOf(op.product_kind));
  return rate < 0 ? 0 : rate;
}

// The ledger with the growth that an engine asks of the model, in the products
// it runs: more weights, more FLOP, more memory.
template <typename N>
Ledger<N> Grow(Ledger<N> ledger, const Machine<N>& machine) {
  std::array<bool, static_cast<int>(Part::kNumParts)> grown = {};
  for (Operator<N>& op : ledger.operators) {
    if (op.shapes.empty()) continue;
    const N& growth = machine.rates[RateOf(op, machine)].model_growth;
    op.matmul_flop = op.matmul_flop * growth;
    op.weight_read = op.weight_read * growth;
    bool& done = grown[static_cast<int>(op.part)];
    Data<N>& held = ledger.weight_footprint[static_cast<int>(op.part)];
    if (!done) held = held * growth;
    done = true;
  }
  return ledger;
}

// Shares of weights and of sequences' data that near levels keep, by level.
template <typename N>
struct PinnedShares {
  std::array<N, kMaxMemoryLevels> weights;
  std::array<N, kMaxMemoryLevels> sequences;
};

template <typename N>
PinnedShares<N> SharesOf(const Ledger<N>& ledger, const Machine<N>& machine) {
  PinnedShares<N> shares;
  shares.weights.fill(N(0.0));
  shares.sequences.fill(N(0.0));
  const Data<N> weights = ledger.TotalWeightFootprint() / ledger.chips;
  const Data<N> sequences = SequencesFootprint(ledger) / ledger.chips;
  N weights_left(1.0), sequences_left(1.0);
  // Nearest levels first: what they keep costs least.
  for (int i = machine.num_levels - 1; i > 0; --i) {
    const MemoryLevelCosts<N>& level = machine.levels[i];
    if (level.pins == WEIGHTS && Data<N>() < weights) {
      shares.weights[i] = Min(weights_left, level.pinned_capacity / weights);
      weights_left -= shares.weights[i];
    } else if (level.pins == SEQUENCES && Data<N>() < sequences) {
      shares.sequences[i] =
          Min(sequences_left, level.pinned_capacity / sequences);
      sequences_left -= shares.sequences[i];
    }
  }
  shares.weights[0] = weights_left;
  shares.sequences[0] = sequences_left;
  return shares;
}

// Traffic of a weight-stationary array beyond once in and once out: inputs once
// more for each further strip of columns, partial sums out and back for each
// further strip of rows.
template <typename N>
void AddReuse(const Operator<N>& op, const ComputeCosts<N>& engine,
              LoweredOperator<N>* lowered) {
  if (!engine.has_dataflow || op.shapes.empty()) return;
  const N one(1.0);
  const N input_bytes(op.activation_format->bits_per_element / 8);
  for (const MatrixShape<N>& shape : op.shapes) {
    const N strips = Max(shape.out / engine.columns, one);
    const N folds = Max(shape.in / engine.rows, one);
    const Data<N> inputs = Bytes<N>(shape.tokens * shape.in * input_bytes);
    const Data<N> sums = engine.partial_sum * (shape.tokens * shape.out);
    lowered->reuse_read += inputs * (strips - one) + sums * (folds - one);
    lowered->reuse_write += sums * (folds - one);
  }
}

// Achieved bandwidth of an operator's weights over that of long 16-bit streams.
template <typename N>
N WeightBandwidthFactor(const Operator<N>& op,
                        const MemoryLevelCosts<N>& backing) {
  N factor(1.0);
  for (int i = 0; i < backing.num_stored; ++i) {
    if (backing.stored[i].format == op.weight_format) {
      factor = backing.stored[i].bandwidth_factor;
    }
  }
  return op.product_kind == ProductKind::kExperts
             ? factor * backing.expert_bandwidth_factor
             : factor;
}

template <typename N>
LoweredOperator<N> LowerOperator(const Operator<N>& op,
                                 const Machine<N>& machine,
                                 const PinnedShares<N>& shares) {
  LoweredOperator<N> lowered;
  lowered.count = op.count;
  lowered.is_kernel = op.collective == Collective::kNone;
  if (!lowered.is_kernel) {
    LowerCollective(op, machine.topology, &lowered);
    return lowered;
  }
  lowered.rate = RateOf(op, machine);
  const ComputeCosts<N>& engine = machine.rates[lowered.rate];
  const bool in_array = engine.in_memory && !op.shapes.empty();
  // Weights that live in the arrays are neither read nor written.
  Data<N> weights = op.weight_read;
  if (in_array && engine.resident) weights = {};
  if (in_array && !engine.resident) lowered.array_written = weights;
  for (int level = 0; level < machine.num_levels; ++level) {
    lowered.origin_read[level] =
        weights * shares.weights[level] +
        (op.kv_read + op.state_read) * shares.sequences[level];
    lowered.origin_write[level] =
        (op.kv_write + op.state_write) * shares.sequences[level];
  }
  lowered.origin_read[0] += op.embedding_read;
  lowered.activation_in = op.activation_in;
  lowered.activation_out = op.activation_out;
  lowered.matmul_flop = op.matmul_flop;
  lowered.vector_flop = op.vector_flop;
  AddReuse(op, engine, &lowered);
  // Time waits for the busiest chip, for slower reads of caches and experts.
  const MemoryLevelCosts<N>& backing = machine.levels[0];
  const Data<N> cached = op.kv_read + op.state_read;
  // Bytes that time counts beyond those that move, at a factor of the
  // bandwidth.
  const auto slower = [](const Data<N>& bytes, const N& factor) {
    return bytes * (N(1.0) / factor - N(1.0));
  };
  lowered.extra_read =
      weights *
          (shares.weights[0] * (op.weight_imbalance - N(2.0) +
                                N(1.0) / WeightBandwidthFactor(op, backing))) +
      (slower(op.kv_read, backing.cache_bandwidth_factor) +
       slower(op.state_read + op.state_write, backing.state_bandwidth_factor)) *
          shares.sequences[0];
  if (op.product_kind == ProductKind::kAttention) {
    lowered.extra_read += backing.cache_half_transfer - backing.half_transfer;
  }
  // Kernels read cached vectors at most once for each query head.
  lowered.reuse_read +=
      op.kv_read *
      (Min(backing.cache_passes, Max(op.kv_sharing, N(1.0))) - N(1.0));
  const N again =
      machine.levels[machine.num_levels - 1].activation_passes - N(1.0);
  lowered.reuse_read += op.activation_in * again;
  lowered.reuse_write += op.activation_out * again;
  lowered.extra_flop = op.matmul_flop * (op.flop_imbalance - N(1.0));
  // An operator without weights or cached data still starts and ends as one.
  const bool all_pinned =
      Data<N>() < weights + cached &&
      !(Data<N>() < lowered.origin_read[0] + lowered.origin_write[0]);
  lowered.reads_backing = !all_pinned;
  const Data<N> activations = lowered.activation_in + lowered.activation_out;
  lowered.has_activations = Data<N>() < activations;
  if (lowered.has_activations) {
    lowered.activation_in_share = lowered.activation_in / activations;
  }
  return lowered;
}

// Adds the product of an operator to those of its rate.
template <typename N>
void AddProduct(const Operator<N>& op, int rate, LoweredStep<N>* step) {
  if (op.weight_format == nullptr) return;
  // Errors of the operands add up.
  const auto noise = [](const NumberFormat& format) {
    return NoiseOfSnrDb(SnrDbOfBits<double>(format.precision_bits));
  };
  const N quantisation(noise(*op.weight_format) + noise(*op.activation_format));
  for (ProductNoise<N>& product : step->products) {
    if (product.rate != rate) continue;
    product.quantisation = Max(product.quantisation, quantisation);
    return;
  }
  step->products.push_back({rate, quantisation});
}

// A step ready for the kernel. The ledger has grown already (Grow).
template <typename N>
LoweredStep<N> Lower(const Ledger<N>& ledger, const Machine<N>& machine) {
  const PinnedShares<N> shares = SharesOf(ledger, machine);
  LoweredStep<N> step;
  step.operators.reserve(ledger.operators.size());
  for (const Operator<N>& op : ledger.operators) {
    step.operators.push_back(LowerOperator(op, machine, shares));
    AddProduct(op, step.operators.back().rate, &step);
  }
  step.layers = ledger.layers;
  step.recurrent_layers = ledger.recurrent_layers;
  step.admitting = ledger.admitting;
  step.sequences_per_replica = ledger.sequences_per_replica;
  step.sequences = ledger.tokens / ledger.tokens_per_sequence;
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
    for (size_t level = 0; level < op.origin_read.size(); ++level) {
      op.origin_read[level] =
          (op.origin_read[level] - less.origin_read[level]) / growth;
      op.origin_write[level] =
          (op.origin_write[level] - less.origin_write[level]) / growth;
    }
    op.reuse_read = (op.reuse_read - less.reuse_read) / growth;
    op.reuse_write = (op.reuse_write - less.reuse_write) / growth;
    op.array_written = (op.array_written - less.array_written) / growth;
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
  slope.recurrent_layers = N(0.0);
  slope.sequences_per_replica =
      (b.sequences_per_replica - a.sequences_per_replica) / growth;
  slope.sequences = (b.sequences - a.sequences) / growth;
  slope.tokens = N(1.0);
  return slope;
}

// The machine with everything gone that a step pays once, whatever its size,
// and with room for every activation: no batch does better.
template <typename N>
Machine<N> WithoutFixedCosts(Machine<N> machine) {
  for (int i = 0; i < machine.num_levels; ++i) {
    machine.levels[i].half_transfer = {};
    machine.levels[i].cache_half_transfer = {};
    machine.levels[i].activation_capacity = Bytes<N>(N(1e300));
  }
  machine.link_latency = {};
  ClearFixedTimes(&machine);
  return machine;
}

}  // namespace tokenjoule

#endif  // ANALYZER_COST_LOWER_H_
