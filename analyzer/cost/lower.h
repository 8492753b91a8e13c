// Lowering: assigns a ledger's tensors to a machine's memory levels, its
// products to engines and its collectives to links. Structure is decided here
// once, so that the kernel has nothing to look up.

#ifndef ANALYZER_COST_LOWER_H_
#define ANALYZER_COST_LOWER_H_

#include <algorithm>
#include <array>
#include <cmath>

#include "analyzer/cost/kernel.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/machine/in_memory.h"
#include "analyzer/machine/machine.h"
#include "analyzer/quality/precision_law.h"
#include "analyzer/quality/shipped_precision.h"
#include "analyzer/units/units.h"

namespace tokenjoule {

// Lowering's parameter type for a machine: the part that it may read, to which
// a Machine converts implicitly.
template <typename N>
using Placing =
    const typename machine_internal::NotDeduced<PlacementView<N>>::type&;

// Whether a count is above 0, which decides structure. Clears `uniform` if the
// lanes of a pack disagree.
template <typename N>
bool IsPositive(const Data<N>& count, bool* uniform) {
  const Agreement positive = Agree(Data<N>() < count);
  *uniform &= positive.uniform;
  return positive.holds;
}

// Latencies of a phase of a collective over `members` domains (or chips) of a
// network: `passes` is 2 for an all-reduce, 1 otherwise.
inline double Latencies(const NetworkStructure& network, bool is_domain,
                        double members, double passes) {
  switch (network.topology) {
    case Interconnect::RING:
      return passes * (members - 1);
    case Interconnect::TORUS: {
      const double dimensions = network.torus_dimensions;
      const double side = std::pow(members, 1 / dimensions);
      return passes * dimensions * std::max(1.0, side / 2);
    }
    default:
      // A chip reaches all others of its domain at once; between domains an
      // all-reduce climbs a tree and comes down again.
      if (is_domain || passes == 1) return passes;
      return passes * std::ceil(std::log2(members));
  }
}

// Bandwidth of a chip over the part of it that a group of `members` can use: on
// a mesh each chip has one bundle of links to each of the others, and a group
// uses only the bundles between its own chips; on a torus a side of two chips
// uses one of a ring's two links.
inline double UnusedBandwidth(const NetworkStructure& network, double members) {
  switch (network.topology) {
    case Interconnect::MESH:
      return (network.max_chips - 1) / (members - 1);
    case Interconnect::TORUS: {
      const double side = std::pow(members, 1.0 / network.torus_dimensions);
      return 1 / std::min(1.0, (side - 1) / 2);
    }
    default:
      return 1;
  }
}

// A collective of `payload` over `group` chips, network by network from the
// inside outwards; m domains of a network have n chips in all, and a chip holds
// `part` of the payload after the networks inside:
//   all-reduce  reduce-scatter and all-gather (Thakur et al., IJHPCA 2005,
//               section 4.4): 2 (m - 1) / m part sent by each chip;
//   gather      the root receives what the m - 1 other domains hold;
//   all-to-all  each chip sends its payload in equal parts to all others;
//   send        the payload, over the network that joins the two stages.
template <typename N>
void LowerCollective(const Operator<N>& op, const MachineStructure& machine,
                     LoweredOperator<N>* lowered) {
  if (op.collective == Collective::kNone) return;
  const auto add = [&](int i, double members, double passes, double critical,
                       double sent) {
    const NetworkStructure& network = machine.networks[i];
    lowered->link_messages[i] =
        N(Latencies(network, i == 0, members, passes));
    lowered->link_critical[i] =
        op.payload * N(critical * UnusedBandwidth(network, members));
    lowered->link_sent[i] = op.payload * N(sent);
  };
  if (op.collective == Collective::kSend) {
    const double boundaries = op.pipeline_stages - 1;
    // Boundaries between stages that the networks inside do not join.
    double open = boundaries;
    for (int i = 0; i < machine.num_networks && open > 0; ++i) {
      const double left = std::min(
          open, std::ceil(static_cast<double>(op.pipeline_chips) /
                          machine.networks[i].max_chips) -
                    1);
      const double share = (open - left) / boundaries;
      if (share > 0) {
        add(i, 2, 1, share, share);
        lowered->link_messages[i] = N(share);
      }
      open = left;
    }
    return;
  }
  const double group = op.group;
  double inside = 1, part = 1;
  for (int i = 0; i < machine.num_networks && inside < group; ++i) {
    const double size =
        std::min(group, static_cast<double>(machine.networks[i].max_chips));
    const double members = std::ceil(size / inside);
    if (members < 2) continue;
    switch (op.collective) {
      case Collective::kAllReduce: {
        const double each = 2 * (members - 1) / members * part;
        add(i, members, 2, each, each);
        part /= members;
        break;
      }
      case Collective::kGather: {
        const double received = (size - inside) / group;
        add(i, members, 1, received, received / size);
        break;
      }
      default: {
        const double beyond = (size - inside) / (group - 1);
        add(i, members, 1, beyond, beyond);
      }
    }
    inside = size;
  }
}

// The name that engines use for a kind of product.
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

// Index of the rate that runs an operator's products; 0 if it has none.
template <typename N>
int RateOf(const Operator<N>& op, const MachineStructure& structure) {
  if (op.weight_format == nullptr) return 0;
  const int rate =
      RateIndex(structure, *op.weight_format, *op.activation_format,
                ProductsOf(op.product_kind));
  return rate < 0 ? 0 : rate;
}

// Whether the scenario or an engine of the machine requires a larger model.
template <typename N>
bool AsksForGrowth(const Ledger<N>& ledger, const MachineStructure& structure) {
  if (ledger.equal_quality.has_value()) return true;
  for (int i = 0; i < structure.num_rates; ++i) {
    if (structure.rates[i].has_model_growth) return true;
  }
  return false;
}

// Growth that a product requires by itself: its engine's model_growth, and what
// the precision of its operands, with the noise of an analog array, costs.
template <typename N>
N GrowthOf(const Operator<N>& op, const absl::optional<EqualQuality>& quality,
           const RatePlacement<N>& rate) {
  if (!quality.has_value()) return rate.model_growth;
  const auto part = [](const PrecisionPart<>& from) {
    return PrecisionPart<N>{N(from.scale_bits), N(from.offset)};
  };
  const PrecisionLaw<N> law = {part(quality->law.weights),
                               part(quality->law.activations),
                               part(quality->law.kv_cache)};
  PrecisionBits<N> bits;
  bits.weights =
      BitsWithNoise(LawBits(ElementBits(*op.weight_format)), rate.array_noise);
  bits.activations = BitsWithNoise(LawBits(ElementBits(*op.activation_format)),
                                   rate.array_noise);
  bits.kv_cache = N(quality->kv_bits);
  return rate.model_growth * GrowthForPrecision(law, bits);
}

// Growth of the model that its products require together: the harmonic mean over
// them, by the parameters that a token uses. Parameters of a precision count as
// fewer effective parameters, and those of all products add. `machine_of(op)` is
// the PlacementView of the machine that runs a product.
template <typename N, typename MachineOf>
N GrowthOf(const Ledger<N>& ledger, const MachineOf& machine_of) {
  N all(0.0), effective(0.0);
  for (const Operator<N>& op : ledger.operators) {
    if (op.shapes.empty()) continue;
    const PlacementView<N> machine = machine_of(op);
    const N growth =
        GrowthOf(op, ledger.equal_quality,
                 machine.numbers.rates[RateOf(op, machine.structure)]);
    all += op.parameters;
    effective += op.parameters / growth;
  }
  // A step without such products does not grow.
  return Select(N(0.0) < all, N(all / Max(effective, N(1e-30))), N(1.0));
}

// Factors by which layers and width of a model grow if its parameters grow by
// g: g^a and g^((1 - a) / 2), because the matrices of a layer grow with the
// square of the width.
template <typename N = double>
struct ShapeGrowth {
  ShapeGrowth(const N& growth, const N& depth_share) {
    using std::pow;
    layers = N(pow(growth, depth_share));
    width = N(pow(growth, (N(1.0) - depth_share) / N(2.0)));
  }
  N layers;
  N width;
};

// Whether an operator is part of a layer, of which there are more in a deeper
// model. The draft model stays as it is.
inline bool InLayers(Part part) {
  return part != Part::kLmHead && part != Part::kEmbedding &&
         part != Part::kDraft;
}
// Grows the matrices, vectors, caches and activations of one operator.
template <typename N>
void GrowOperator(const ShapeGrowth<N>& by, Operator<N>* op) {
  if (op->part == Part::kDraft) return;
  const N& width = by.width;
  // The vocabulary and the number of experts stay.
  const bool one_sided = op->part == Part::kLmHead || op->part == Part::kRouter;
  const N matrices = one_sided ? width : width * width;
  const bool multiplies = !op->shapes.empty();
  op->matmul_flop = op->matmul_flop * (multiplies ? matrices : width);
  op->weight_read = op->weight_read * (multiplies ? matrices : width);
  op->weight_write = op->weight_write * matrices;
  for (MatrixShape<N>& shape : op->shapes) {
    shape.in = shape.in * width;
    if (!one_sided) shape.out = shape.out * width;
  }
  if (op->part != Part::kLmHead) op->vector_flop = op->vector_flop * width;
  for (Data<N>* data :
       {&op->kv_read, &op->kv_write, &op->state_read, &op->state_write,
        &op->embedding_read, &op->activation_in, &op->payload}) {
    *data = *data * width;
  }
  if (op->part != Part::kLmHead)
    op->activation_out = op->activation_out * width;
  // Stages of a pipeline stay as many as they are.
  if (InLayers(op->part) && op->collective != Collective::kSend) {
    op->count = op->count * by.layers;
  }
}

// Grows what parts of a model, or of the machine's share of it, occupy. `T` is
// a Ledger or a PlaceTotals.
template <typename N, typename T>
void GrowTotals(const ShapeGrowth<N>& by, T* totals) {
  const N& width = by.width;
  for (int i = 0; i < static_cast<int>(Part::kNumParts); ++i) {
    const Part part = static_cast<Part>(i);
    if (part == Part::kDraft) continue;
    const bool one_sided = part == Part::kLmHead || part == Part::kEmbedding ||
                           part == Part::kRouter || part == Part::kNorms;
    N growth = one_sided ? width : width * width;
    if (InLayers(part)) growth = growth * by.layers;
    totals->weight_footprint[i] = totals->weight_footprint[i] * growth;
  }
  for (N* layers : {&totals->layers, &totals->expert_layers,
                    &totals->recurrent_layers, &totals->latent_layers}) {
    *layers = *layers * by.layers;
  }
  for (Data<N>* data : {&totals->sequence_footprint, &totals->prefix_footprint,
                        &totals->state_per_sequence}) {
    *data = *data * (width * by.layers);
  }
}

// Grows a model: more layers and more width, hence more weights, FLOP, KV cache,
// activations and vector work.
template <typename N>
void GrowBy(const N& growth, Ledger<N>* ledger) {
  const ShapeGrowth<N> by(growth, ledger->growth_depth_share);
  for (Operator<N>& op : ledger->operators) GrowOperator(by, &op);
  GrowTotals(by, ledger);
  for (PlaceTotals<N>& place : ledger->places) GrowTotals(by, &place);
  ledger->kv_per_sequence = ledger->kv_per_sequence * (by.width * by.layers);
  ledger->model_growth = growth;
}

// Grows the model as its engines require (model_growth) or the scenario asks
// (equal_quality).
template <typename N>
void GrowInPlace(Placing<N> machine, Ledger<N>* ledger) {
  if (!AsksForGrowth(*ledger, machine.structure)) return;
  GrowBy<N>(GrowthOf(*ledger, [&](const Operator<N>&) { return machine; }),
            ledger);
}
// Returns the grown ledger.
template <typename N>
Ledger<N> Grow(Ledger<N> ledger, Placing<N> machine) {
  GrowInPlace(machine, &ledger);
  return ledger;
}

// What lowering an operator needs to know of the whole step: the shares of the
// weights and of the sequences' data held by each level, and the matrices in
// arrays.
template <typename N>
struct StepShares {
  std::array<N, kMaxMemoryLevels> weights;
  std::array<N, kMaxMemoryLevels> sequences;
  // Matrices that a token passes one after another in arrays that hold them; 0 on
  // machines without such arrays.
  N resident_matrices = N(0.0);
  // See LoweredStep::uniform.
  bool uniform = true;
};

template <typename N>
N ResidentMatrices(const Ledger<N>& ledger, Placing<N> machine) {
  N matrices(0.0);
  bool any = false;
  for (int i = 0; i < machine.structure.num_rates; ++i) {
    any |= machine.structure.rates[i].resident;
  }
  if (!any) return matrices;
  for (const Operator<N>& op : ledger.operators) {
    if (op.shapes.empty()) continue;
    if (machine.structure.rates[RateOf(op, machine.structure)].resident) {
      matrices += op.count;
    }
  }
  return matrices;
}

template <typename N>
StepShares<N> SharesOf(const Ledger<N>& ledger, Placing<N> machine) {
  StepShares<N> shares;
  shares.weights.fill(N(0.0));
  shares.sequences.fill(N(0.0));
  const Data<N> weights = ledger.TotalWeightFootprint() / ledger.chips;
  const Data<N> sequences = SequencesFootprint(ledger) / ledger.chips;
  N weights_left(1.0), sequences_left(1.0);
  // Fill the nearest levels first: their accesses cost least.
  for (int i = machine.structure.num_levels - 1; i > 0; --i) {
    const Pinned pins = machine.structure.levels[i].pins;
    const Data<N>& room = machine.numbers.levels[i].pinned_capacity;
    if (pins == WEIGHTS && IsPositive(weights, &shares.uniform)) {
      shares.weights[i] = Min(weights_left, room / weights);
      weights_left -= shares.weights[i];
    } else if (pins == SEQUENCES && IsPositive(sequences, &shares.uniform)) {
      shares.sequences[i] = Min(sequences_left, room / sequences);
      sequences_left -= shares.sequences[i];
    }
  }
  shares.weights[0] = weights_left;
  shares.sequences[0] = sequences_left;
  shares.resident_matrices = ResidentMatrices<N>(ledger, machine);
  return shares;
}

// Extra traffic of a weight-stationary array: inputs are read again for each
// further strip of columns, and partial sums are written and read back for each
// further strip of rows.
template <typename N>
void AddReuse(const Operator<N>& op, const RatePlacement<N>& engine,
              LoweredOperator<N>* lowered) {
  const N one(1.0);
  const N input_bytes(op.activation_format->bits_per_element / 8);
  for (const MatrixShape<N>& shape : op.shapes) {
    const N strips = Max(shape.out / engine.columns, one);
    const N folds = Max(shape.in / engine.rows, one);
    const Data<N> inputs = Bytes<N>(shape.tokens * shape.in * shape.groups * input_bytes);
    const Data<N> sums = engine.partial_sum * (shape.tokens * shape.out * shape.groups);
    lowered->reuse_read += inputs * (strips - one) + sums * (folds - one);
    lowered->reuse_write += sums * (folds - one);
  }
}

// How a layer's shape fills the lanes of a bit-serial engine.
template <typename N = double>
struct LaneUse {
  // Times that each weight is read: once per group of pixels.
  N weight_passes = N(1.0);
  // Cycles relative to lanes that are all busy, and of those the accumulators'
  // share: additions of rows of inputs, relative to full rows.
  N slowdown = N(1.0);
  N additions = N(1.0);
};

// `size` in whole groups of `lanes`, relative to `size`.
template <typename N>
N Rounding(const N& size, const N& lanes) {
  using std::ceil;
  return N(ceil(size / lanes)) * lanes / size;
}

template <typename N>
LaneUse<N> LaneUseOf(const Operator<N>& op, const RateStructure& structure,
                     const RatePlacement<N>& engine) {
  using std::ceil;
  LaneUse<N> use;
  const N& pixels = op.tokens_per_matrix;
  use.weight_passes = N(ceil(pixels / engine.lane_pixels));
  // Means over the products of an operator, by their weights.
  N all(0.0), cycles(0.0), additions(0.0);
  for (const MatrixShape<N>& shape : op.shapes) {
    const N weights = shape.in * shape.out * shape.groups;
    const N rows = Rounding(shape.in, engine.lane_inputs);
    const N outputs =
        structure.separate_inputs
            ? Rounding(N(shape.out * shape.groups), engine.lane_outputs)
            : Rounding(shape.out, engine.lane_outputs);
    all += weights;
    cycles += weights * outputs * rows;
    additions += weights * rows;
  }
  use.slowdown = Rounding(pixels, engine.lane_pixels) * cycles / all;
  use.additions = additions / all;
  return use;
}

// Reads of inputs beyond reading each once: for each further group of output
// channels and, without a line buffer, for each further place in the kernel.
template <typename N>
void AddLaneReads(const Operator<N>& op, const RateStructure& structure,
                  const RatePlacement<N>& engine, LoweredOperator<N>* lowered) {
  using std::ceil;
  const N bytes(op.activation_format->bits_per_element / 8);
  N inputs(0.0), read(0.0);
  Data<N> all;
  for (const MatrixShape<N>& shape : op.shapes) {
    const N strips = N(ceil(shape.out / engine.lane_outputs));
    const N of_shape = shape.in * shape.groups;
    inputs += of_shape;
    read += of_shape * strips;
    all += Bytes<N>(shape.tokens * of_shape * strips * bytes);
  }
  lowered->reuse_read +=
      (structure.line_buffer ? op.activation_in * (read / inputs) : all) -
      op.activation_in;
}

// The runtime's kernels for an operator's products with weights: those of their
// format, or its 16-bit kernels.
template <typename N>
KernelPlacement<N> KernelsOf(const Operator<N>& op, Placing<N> machine) {
  for (int i = 0; i < machine.structure.num_kernels; ++i) {
    if (op.shapes.empty()) break;
    if (machine.structure.kernels[i] == op.weight_format) {
      return machine.numbers.runtime.kernels[i];
    }
  }
  KernelPlacement<N> kernels;
  kernels.compute_share = machine.numbers.runtime.compute_share;
  kernels.core_time_ratio = machine.numbers.runtime.core_time_ratio;
  kernels.instructions = machine.numbers.runtime.instructions;
  return kernels;
}

// Achieved bandwidth of an operator's weights, relative to the longest streams.
template <typename N>
N WeightBandwidthShare(const Operator<N>& op, const KernelPlacement<N>& kernels,
                       Placing<N> machine) {
  const RuntimePlacement<N>& runtime = machine.numbers.runtime;
  const N share = runtime.bandwidth_share * kernels.bandwidth_factor;
  return op.product_kind == ProductKind::kExperts
             ? share * runtime.expert_bandwidth_factor
             : share;
}

// FLOP that a product computes, relative to those of its tokens: products of more
// than vector_rows tokens run in tiles, so that n tokens on one matrix compute
// max(tile, n) rows. The numbers of tokens of experts differ, so that the last
// tile of each is half full in the mean: max(tile, n + (tile - 1) / 2). Padded
// rows take time and energy.
template <typename N>
N Padding(const Operator<N>& op, Placing<N> machine) {
  if (op.shapes.empty()) return N(1.0);
  const RuntimePlacement<N>& runtime = machine.numbers.runtime;
  const N& rows = op.tokens_per_matrix;
  const bool grouped = op.product_kind == ProductKind::kExperts;
  const N tile = grouped ? runtime.expert_tile_rows : runtime.tile_rows;
  // At a full tile the derivative is that of more tokens.
  N padding = Max(N(1.0), tile / rows);
  if (grouped) padding = Max(padding, 1.0 + (tile - 1.0) / (rows * 2.0));
  return Select(runtime.vector_rows < rows, padding, N(1.0));
}

// Time that the busiest chip's products take, relative to the mean chip's on an
// engine that the runtime uses as well as it can be used.
template <typename N>
N ComputeSlowdown(const Operator<N>& op, const KernelPlacement<N>& kernels,
                  Placing<N> machine) {
  const RuntimePlacement<N>& runtime = machine.numbers.runtime;
  if (op.product_kind == ProductKind::kAttention) {
    return op.flop_imbalance /
           (runtime.compute_share * runtime.attention_compute_factor);
  }
  if (op.shapes.empty()) return op.flop_imbalance;
  const N slowdown = op.flop_imbalance / kernels.compute_share;
  return op.product_kind == ProductKind::kExperts
             ? slowdown / runtime.expert_compute_factor
             : slowdown;
}

// How the matrices of an operator lie in in-memory arrays of R rows and C
// columns.
template <typename N = double>
struct ArrayFill {
  // Conversions that follow one another in a column for one input: one for each
  // group of elements that share a scale, max(1, min(R, in) / group), if the
  // array is analog.
  N waits = N(1.0);
  // Conversions of sums and of inputs relative to matrices that fill arrays:
  // max(1, R / in) waits, and max(1, C / out).
  N sums = N(1.0);
  N inputs = N(1.0);
  // Cells that the matrices occupy, idle ones included, relative to their
  // elements; and the time they take, relative to full arrays.
  N cells = N(1.0);
  N time = N(1.0);
  // Sums that are multiplied by a scale outside the array.
  N scaled = N(0.0);
};

template <typename N>
ArrayFill<N> FillOf(const Operator<N>& op, const RateStructure& rate,
                    const RatePlacement<N>& array) {
  const N one(1.0), zero(0.0);
  // The array's own format has a scale per channel at most, which needs no sums
  // of its own.
  const bool grouped = op.weight_format != rate.format &&
                       op.weight_format->elements_per_scale > 0;
  const N group(static_cast<double>(op.weight_format->elements_per_scale));
  // Means over the matrices, which all multiply the same tokens.
  N all = zero;
  ArrayFill<N> sum = {zero, zero, zero, zero, zero, zero};
  for (const MatrixShape<N>& shape : op.shapes) {
    const N work = shape.in * shape.out;
    const N idle_rows = Max(one, array.array_rows / shape.in);
    const N idle_columns = Max(one, array.array_columns / shape.out);
    N waits = one;
    if (grouped) {
      if (rate.is_analog) {
        waits = Max(one, Min(array.array_rows, shape.in) / group);
      }
      sum.scaled += shape.tokens * shape.out * Max(one, shape.in / group);
    }
    all += work;
    sum.waits += work * waits;
    sum.sums += work * (idle_rows * waits);
    sum.inputs += work * idle_columns;
    sum.cells += work * (idle_rows * idle_columns);
    sum.time += work * (idle_rows * idle_columns * waits);
  }
  return {sum.waits / all, sum.sums / all, sum.inputs / all,
          sum.cells / all, sum.time / all, sum.scaled};
}

// Time of an operator's products in arrays, relative to all arrays of the chip
// working all the time. Resident matrices use only their own arrays, which take
// one input after another: t each. The matrices of a step form a pipeline over
// the sequences, whose slowest stage is the matrix with the most inputs: n of
// them through S matrices take t (S + n - 1).
template <typename N>
N ArraySlowdown(const Operator<N>& op, const RateStructure& rate,
                const RatePlacement<N>& array, const ArrayFill<N>& fill,
                const N& resident_matrices) {
  if (!rate.resident) return fill.time;
  const N one(1.0);
  const N& own = op.tokens_per_matrix;
  const N most = Max(op.step_inputs, own);
  // Scales lie beside the arrays and take no time.
  const N elements = N(op.weight_format->bits_per_element /
                       rate.format->bits_per_element);
  return array.weight_capacity / Max(op.weight_read, Bytes<N>(N(1e-30))) *
         elements * fill.waits *
         ((one + (most - one) / resident_matrices) / own);
}

template <typename N>
LoweredOperator<N> LowerOperator(const Operator<N>& op, Placing<N> machine,
                                 const StepShares<N>& shares) {
  LoweredOperator<N> lowered;
  lowered.count = op.count;
  lowered.is_kernel = op.collective == Collective::kNone;
  if (!lowered.is_kernel) {
    LowerCollective(op, machine.structure, &lowered);
    // What a link fetches from the memory behind it streams through both.
    lowered.origin_read[0] = op.weight_read + op.kv_read;
    lowered.origin_write[0] = op.kv_write;
    lowered.reads_backing =
        IsPositive(lowered.origin_read[0], &lowered.uniform);
    return lowered;
  }
  lowered.rate = RateOf(op, machine.structure);
  const RateStructure& engine = machine.structure.rates[lowered.rate];
  const bool in_array = engine.in_memory && !op.shapes.empty();
  // Resident weights are neither read nor written.
  Data<N> weights = op.weight_read;
  if (in_array && engine.resident) weights = {};
  if (in_array && !engine.resident) lowered.array_written = weights;
  const bool on_lanes = engine.has_lanes && !op.shapes.empty();
  const RatePlacement<N>& numbers = machine.numbers.rates[lowered.rate];
  LaneUse<N> lanes;
  if (on_lanes) {
    lanes = LaneUseOf(op, engine, numbers);
    weights = weights * lanes.weight_passes;
  }
  for (int level = 0; level < machine.structure.num_levels; ++level) {
    lowered.origin_read[level] =
        weights * shares.weights[level] +
        (op.kv_read + op.state_read) * shares.sequences[level];
    lowered.origin_write[level] =
        (op.kv_write + op.state_write) * shares.sequences[level];
  }
  lowered.origin_read[0] += op.embedding_read;
  lowered.origin_write[0] += op.weight_write;
  lowered.activation_in = op.activation_in;
  lowered.activation_out = op.activation_out;
  lowered.matmul_flop = op.matmul_flop;
  lowered.vector_flop = op.vector_flop;
  if (engine.has_dataflow && !op.shapes.empty()) {
    AddReuse(op, numbers, &lowered);
  }
  if (on_lanes) AddLaneReads(op, engine, numbers, &lowered);
  // The step waits for the busiest chip and for kernels that stay below what
  // the silicon reaches. Both are expressed as extra bytes and FLOP that count
  // towards time only.
  const RuntimePlacement<N>& runtime = machine.numbers.runtime;
  const KernelPlacement<N> kernels = KernelsOf(op, machine);
  const auto slower = [](const Data<N>& bytes, const N& factor) {
    return bytes * (1.0 / factor - 1.0);
  };
  lowered.extra_read =
      weights *
          (shares.weights[0] *
           (op.weight_imbalance / WeightBandwidthShare(op, kernels, machine) -
            1.0)) +
      (slower(op.kv_read, runtime.cache_bandwidth_share) +
       slower(op.state_read + op.state_write, runtime.state_bandwidth_share)) *
          shares.sequences[0];
  lowered.attends = op.product_kind == ProductKind::kAttention;
  lowered.core_time_ratio = kernels.core_time_ratio;
  if (!op.shapes.empty() && !in_array) {
    lowered.instructions =
        kernels.instructions *
        (InBytes(weights) * N(8.0 / op.weight_format->bits_per_element));
  }
  // State and vectors are stored in 16 bits.
  lowered.toggling =
      N(ToggleRate(op.weight_format != nullptr ? *op.weight_format
                                               : GetFormat("bf16")) /
        kRandomToggleRate);
  // Kernels read cached vectors at most once per query head.
  lowered.reuse_read +=
      op.kv_read *
      (Min(runtime.cache_passes, Max(op.kv_sharing, N(1.0))) - 1.0);
  const N again = runtime.activation_passes - 1.0;
  lowered.reuse_read += op.activation_in * again;
  lowered.reuse_write += op.activation_out * again;
  // Arrays that multiply where weights are stored have no kernels.
  N slowdown = op.flop_imbalance;
  if (in_array) {
    const RatePlacement<N>& array = machine.numbers.rates[lowered.rate];
    const ArrayFill<N> fill = FillOf(op, engine, array);
    slowdown =
        slowdown * ArraySlowdown(op, engine, array, fill, shares.resident_matrices);
    lowered.vector_flop += Flop<N>(N(2.0) * fill.scaled);
    if (engine.is_analog) {
      lowered.adc_flop = op.matmul_flop * fill.sums;
      lowered.dac_flop = op.matmul_flop * fill.inputs;
    }
  } else {
    slowdown = ComputeSlowdown(op, kernels, machine);
    lowered.matmul_flop = op.matmul_flop * Padding(op, machine);
  }
  lowered.extra_flop =
      lowered.matmul_flop * (slowdown * lanes.slowdown - 1.0);
  if (on_lanes) {
    // Idle lanes are gated, but accumulators add rows of inputs that are not
    // full.
    lowered.instructions +=
        numbers.accumulate * lowered.matmul_flop * (lanes.additions - N(1.0));
  }
  if (op.product_kind == ProductKind::kExperts && !op.shapes.empty()) {
    lowered.launch = kernels.time_per_expert_product;
  }
  // An operator without weights or cached data still counts as a transfer and
  // pays the half transfer.
  const bool all_pinned =
      IsPositive(weights + op.kv_read + op.state_read, &lowered.uniform) &&
      !IsPositive(lowered.origin_read[0] + lowered.origin_write[0],
                  &lowered.uniform);
  lowered.reads_backing = !all_pinned;
  const Data<N> activations = lowered.activation_in + lowered.activation_out;
  lowered.has_activations = IsPositive(activations, &lowered.uniform);
  if (lowered.has_activations) {
    lowered.activation_in_share = lowered.activation_in / activations;
  }
  return lowered;
}

// Adds the product of an operator to the products of its rate.
template <typename N>
void AddProduct(const Operator<N>& op, int rate, Placing<N> machine,
                const N& chips, LoweredStep<N>* step) {
  if (op.weight_format == nullptr) return;
  // The noise powers of the operands add.
  const auto noise = [](const NumberFormat& format) {
    return NoiseOfSnrDb(SnrDbOfBits<double>(format.precision_bits));
  };
  const N quantisation(noise(*op.weight_format) + noise(*op.activation_format));
  for (RateProducts<N>& product : step->products) {
    if (product.rate != rate) continue;
    product.quantisation = Max(product.quantisation, quantisation);
    return;
  }
  RateProducts<N> product = {rate, quantisation, {}};
  if (machine.structure.rates[rate].has_weight_capacity) {
    product.array_capacity =
        machine.numbers.rates[rate].weight_capacity * chips;
  }
  step->products.push_back(product);
}

// Lowers a ledger, to which Grow has been applied, into `out`, whose memory is
// reused.
template <typename N>
void LowerInto(const Ledger<N>& ledger, Placing<N> machine,
               LoweredStep<N>* out) {
  LoweredStep<N>& step = *out;
  const StepShares<N> shares = SharesOf(ledger, machine);
  step.uniform = ledger.uniform && shares.uniform;
  step.operators.resize(ledger.operators.size());
  step.products.clear();
  for (size_t i = 0; i < ledger.operators.size(); ++i) {
    const Operator<N>& op = ledger.operators[i];
    step.operators[i] = LowerOperator(op, machine, shares);
    step.uniform &= step.operators[i].uniform;
    AddProduct(op, step.operators[i].rate, machine, ledger.chips, &step);
  }
  step.layers = ledger.layers;
  step.expert_layers = ledger.expert_layers;
  step.recurrent_layers = ledger.recurrent_layers;
  step.latent_layers = ledger.latent_layers;
  step.admitting = ledger.admitting;
  step.samples_per_replica =
      ledger.sequences_per_replica * ledger.samples_per_sequence;
  step.samples = step.samples_per_replica * ledger.replicas;
  step.prompts_per_replica = ledger.prompts_per_replica;
  step.tokens = ledger.tokens;
  step.passes = ledger.passes;
  step.chips = ledger.chips;
}

// Returns the lowered step.
template <typename N>
LoweredStep<N> Lower(const Ledger<N>& ledger, Placing<N> machine) {
  LoweredStep<N> step;
  LowerInto(ledger, machine, &step);
  return step;
}

// The marginal step per token, for steps whose counts are affine in the batch:
// (b - a) / (tokens_b - tokens_a). CostOfStep of it, on a machine without fixed
// costs (WithoutFixedCosts), is the limit of the cost per token as the batch
// grows to infinity.
template <typename N>
LoweredStep<N> PerSequence(const LoweredStep<N>& a, const LoweredStep<N>& b) {
  LoweredStep<N> slope = b;
  const N growth = b.tokens - a.tokens;
  const auto subtract = [&](Slope kind, auto& number, const auto& less) {
    switch (kind) {
      case Slope::kDifference:
        number = (number - less) / growth;
        return;
      case Slope::kZero:
        number = {};
        return;
      case Slope::kKept:
        return;
    }
  };
  for (size_t i = 0; i < slope.operators.size(); ++i) {
    ForEachNumberOfOperator(subtract, slope.operators[i], a.operators[i]);
  }
  ForEachNumberOfStep(subtract, slope, a);
  return slope;
}

}  // namespace tokenjoule

#endif  // ANALYZER_COST_LOWER_H_
