// Exact counts of FLOP and bytes in one decode step, by operator and by class
// of tensor. The ledger is independent of the hardware.
//
// Symbols in the comments: T tokens entering an operator on one replica, S
// context, d width of the residual stream, h query heads, g KV heads, e head
// dimension, b bytes per element, E experts, k experts per token.

#ifndef ANALYZER_LEDGER_LEDGER_H_
#define ANALYZER_LEDGER_LEDGER_H_

#include <array>
#include <cmath>
#include <string>
#include <tuple>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "analyzer/description/architecture.h"
#include "analyzer/description/formats.h"
#include "analyzer/description/offload.h"
#include "analyzer/quality/precision_law.h"
#include "analyzer/units/units.h"
#include "proto/model.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {

// What answers at equal quality ask of a model: the law of precision, and the bits
// of its KV cache, kExactBits without one.
struct EqualQuality {
  PrecisionLaw<> law;
  double kv_bits = kExactBits;
};

// Formats of the matrices of one kind of block.
struct MatrixFormats {
  const NumberFormat* mixer;  // matrices of mixers that are not named below
  const NumberFormat* query;
  const NumberFormat* key;
  const NumberFormat* value;
  const NumberFormat* output;
  const NumberFormat* gate;  // dense MLP or routed experts
  const NumberFormat* up;
  const NumberFormat* down;
  const NumberFormat* shared;  // shared experts: gate and up
  const NumberFormat* shared_down;
};

// Formats of one layer of a network of explicit layers.
struct LayerFormats {
  const NumberFormat* weights;
  const NumberFormat* activations;  // its input
  const NumberFormat* outputs;
  // Weights take stored_bits_per_weight in memory.
  bool compressed;
};

// Storage and operand formats of one run, with every default filled in. Formats
// of matrices may be mixes; `linear`, `mixers`, `experts` and `lm_head` are
// what kernels see of most of them.
struct TensorFormats {
  // By kind of block, in the model's order.
  std::vector<MatrixFormats> blocks;
  // By layer of a network; the fields below then hold the network's defaults.
  std::vector<LayerFormats> network_layers;
  const NumberFormat* linear;     // dense MLP matrices
  const NumberFormat* mixers;     // projections of attention and state spaces
  const NumberFormat* experts;    // routed experts
  const NumberFormat* lm_head;    // LM head
  const NumberFormat* embedding;  // embedding table
  const NumberFormat* vectors;    // norms, biases, routers
  const NumberFormat* state;      // recurrent state, without the convolution
  const NumberFormat* kv;         // keys of the KV cache, and latent vectors
  const NumberFormat* kv_values;  // values of the KV cache
  // Operands of matrix products if the scenario sets them. Otherwise nullptr,
  // and each matrix is multiplied in the format that engines pair with its own.
  const NumberFormat* activations;
  // The same for experts.
  const NumberFormat* expert_activations;
  // Residual stream, collectives, outputs of matrix products, and the state of
  // convolutions.
  const NumberFormat* stream;

  // The format of the operands that matrices of a format are multiplied by, and
  // the same for experts.
  const NumberFormat& ActivationsFor(const NumberFormat& weights) const {
    return activations != nullptr ? *activations
                                  : GetFormat(weights.activations);
  }
  const NumberFormat& ExpertActivationsFor(const NumberFormat& weights) const {
    return expert_activations != nullptr ? *expert_activations
                                         : ActivationsFor(weights);
  }
};

// Fills in the formats that a scenario does not set: the checkpoint's formats,
// and the activations that engines pair with the weights. --weights covers the
// LM head and the experts; norms, biases and routers keep the checkpoint's
// format.
TensorFormats ResolveFormats(const Model& model, const Scenario& scenario);

// `scenario` with its formats and boundary filled in, for the report.
Scenario ResolveScenario(const Model& model, const Scenario& scenario);

// A step to be counted: a model and a way of running it, with everything
// derived from them resolved once.
struct StepSetup {
  const Model& model;
  // Has a context.
  const Scenario& scenario;
  // The draft model for speculative decoding, or nullptr.
  const Model* draft;
  TensorFormats formats;
  // Formats of the draft model, which runs as its checkpoint stores it.
  TensorFormats draft_formats;
  Parallelism parallel;
  // The machines that share the step; nullptr if there is only one.
  const LayerPlacement* placement = nullptr;
  // Absent unless the scenario asks for answers at equal quality.
  absl::optional<EqualQuality> equal_quality = absl::nullopt;
};

// Whether steps carry prompts of newcomers: prompt and output lengths are
// given.
inline bool CarriesPrompts(const Scenario& scenario) {
  return scenario.prompt() > 0 && scenario.output() > 0;
}

// What a scenario with equal_quality asks of a model, by the law at an end of the
// ranges of its constants; nothing for other scenarios.
absl::optional<EqualQuality> EqualQualityOf(const Model& model,
                                            const Scenario& scenario,
                                            LawEnd end = LawEnd::kValue);

// The step of a validated scenario. It points into the arguments.
StepSetup ResolveStep(const Model& model, const Scenario& scenario,
                      const Model* draft);

// Communication between the chips of a group.
enum class Collective {
  kNone,
  kAllReduce,  // every chip ends with the sum of `payload`
  kGather,     // one chip ends with all of `payload`, held in equal parts
  kAllToAll,   // every chip sends `payload` in total to the others
  kSend,       // `payload` goes to the next pipeline stage
};

// Part of a model that an operator belongs to.
enum class Part {
  kAttention,
  kStateSpace,  // Mamba and linear attention
  kMlp,
  kExperts,
  kSharedExperts,
  kRouter,
  kNorms,
  kLmHead,
  kEmbedding,
  kExtra,  // matrices beside mixers and channel parts
  kDraft,  // the draft model for speculative decoding
  // Layers of a network.
  kConvolution,
  kDepthwise,
  kFullyConnected,
  kPooling,
  kResidualAdd,
  kNumParts,
};

// Human-readable name of a part.
absl::string_view PartName(Part part);

// A matrix product on one chip: `tokens` rows of `in` elements by an in x out
// matrix, or `groups` such products with inputs and outputs of their own, as in a
// depthwise convolution.
template <typename N = double>
struct MatrixShape {
  N tokens;
  N in;
  N out;
  N groups = N(1.0);
};

// Kind of matrix product, which selects the engine.
enum class ProductKind { kLinear, kExperts, kLmHead, kAttention };

// One operator: the counts of one run on one chip.
template <typename N = double>
struct Operator {
  // For example "full.attention.qkv_proj".
  std::string name;
  Part part = Part::kNorms;
  // Number of runs on the critical path of a step: the number of layers that
  // have it.
  N count = N(0.0);

  // Matrix products; a multiply-add is two FLOP.
  Work<N> matmul_flop;
  // Storage formats of the operands of the matrix products; nullptr: no
  // product.
  const NumberFormat* weight_format = nullptr;
  const NumberFormat* activation_format = nullptr;
  ProductKind product_kind = ProductKind::kLinear;
  // Shapes of products with weights; products with the cache have none.
  absl::InlinedVector<MatrixShape<N>, 2> shapes;
  // Norms, softmax, activation functions, rotary embedding, sampling.
  Work<N> vector_flop;

  Data<N> weight_read;     // matrices, scales, biases, norms
  Data<N> weight_write;    // weights that a link copies into the memory
  Data<N> kv_read;         // KV cache
  Data<N> kv_write;        // KV cache
  Data<N> state_read;      // recurrent state
  Data<N> state_write;     // recurrent state
  Data<N> embedding_read;  // rows of the embedding and position tables
  Data<N> activation_in;
  Data<N> activation_out;

  // Tokens on each matrix of a product with weights: those of `shapes`, spread
  // over the distinct experts of a grouped product.
  N tokens_per_matrix = N(1.0);
  // Inputs that the matrix with the most of them takes in this kind of step; 0
  // without products.
  N step_inputs = N(0.0);
  // Parameters that a token uses, of all layers and chips. They are counted once,
  // so that operators of further passes over the model, and of a draft model, have
  // none.
  N parameters = N(0.0);
  // Query heads that share a cached vector: the upper bound on its re-reads.
  N kv_sharing = N(1.0);

  // Load of the busiest chip relative to the mean, at least 1. Time follows the
  // busiest chip, energy the mean.
  N weight_imbalance = N(1.0);
  N flop_imbalance = N(1.0);

  Collective collective = Collective::kNone;
  int group = 1;  // chips that take part; 2 for kSend
  // For kSend: chips of all stages of the pipeline, and stages. They decide how
  // many of the sends leave a domain of chips.
  int pipeline_chips = 2;
  int pipeline_stages = 2;
  Data<N> payload;

  // The machine that runs it, as LayerPlacement numbers them. The link to the
  // host runs sends, and reads from the host's memory what they fetch.
  int place = 0;
};

// What lies on one of the machines that share a step; see the fields of the
// same names of Ledger.
template <typename N = double>
struct PlaceTotals {
  N layers = N(0.0);
  N expert_layers = N(0.0);
  N recurrent_layers = N(0.0);
  N latent_layers = N(0.0);
  std::array<Data<N>, static_cast<int>(Part::kNumParts)> weight_footprint;
  Data<N> sequence_footprint;
  Data<N> prefix_footprint;
  Data<N> state_per_sequence;
};

// One decode step of the whole system.
template <typename N = double>
struct Ledger {
  std::vector<Operator<N>> operators;
  // Layers on the critical path.
  N layers = N(0.0);
  // Layers among them with routed experts, with a recurrent state and with
  // latent attention.
  N expert_layers = N(0.0);
  N recurrent_layers = N(0.0);
  N latent_layers = N(0.0);
  // Groups of chips, each with its own sequences.
  N replicas = N(1.0);
  // Sequences per replica.
  N sequences_per_replica = N(0.0);
  // Tokens that a sequence samples or verifies per step: 1 without speculation.
  N samples_per_sequence = N(1.0);
  // Fraction of steps that admit prompts of newcomers. Operators of these steps
  // are listed apart, and counts of runs are means over all steps.
  N admitting = N(0.0);
  // Prompts that a replica admits per step, in the mean.
  N prompts_per_replica = N(0.0);
  // Tokens that the system gains per step.
  N tokens = N(0.0);
  // Tokens that a sequence gains per step.
  N tokens_per_sequence = N(1.0);
  // Chip-runs per operator run: the chips of a stage times the microbatches of
  // a pipeline. Bytes and FLOP of the system are count * passes * (bytes and
  // FLOP of one chip).
  N passes = N(1.0);
  // Chips of the system.
  N chips = N(1.0);

  // Bytes that the weights occupy over all chips, by part.
  std::array<Data<N>, static_cast<int>(Part::kNumParts)> weight_footprint;
  // Bytes that the KV cache and state of one sequence occupy over the chips of
  // its replica, excluding the shared prefix.
  Data<N> sequence_footprint;
  // Bytes that the prefix shared by all sequences occupies over the chips of a
  // replica.
  Data<N> prefix_footprint;
  // Logical KV cache per sequence, including the shared prefix; excludes copies
  // for parallelism and the unused end of the last page.
  Data<N> kv_per_sequence;
  // Recurrent state per sequence.
  Data<N> state_per_sequence;
  // Parameters of the model, including the embedding table, and active
  // parameters per token.
  N parameters = N(0.0);
  N active_parameters = N(0.0);
  // Mean number of distinct routed experts read per layer; 0 without experts.
  N experts_read = N(0.0);
  // How a model grows whose engines require it: see Scenario.growth_depth_share.
  // And by what its parameters have grown.
  N growth_depth_share = N(1.0 / 3);
  N model_growth = N(1.0);
  // See StepSetup; the same for every number type.
  absl::optional<EqualQuality> equal_quality;
  // By machine, as LayerPlacement numbers them; empty if there is only one.
  std::vector<PlaceTotals<N>> places;
  // Choices made, for the report.
  std::vector<std::string> notes;
  // Whether all lanes of a number have the same operators; see Agreement of
  // units.h.
  bool uniform = true;

  Data<N> TotalWeightFootprint() const {
    Data<N> total;
    for (const Data<N>& part : weight_footprint) total += part;
    return total;
  }
};

// Number of runs of an operator over all chips and runs of a step: the factor
// from one chip's bytes and FLOP to those of the system.
template <typename N>
N SystemRuns(const Ledger<N>& ledger, const Operator<N>& op) {
  return op.count * ledger.passes;
}

// Bytes that the data of all sequences occupy over all chips: caches, states
// and, once per replica, the shared prefix.
template <typename N>
Data<N> SequencesFootprint(const Ledger<N>& ledger) {
  return (ledger.sequence_footprint * ledger.sequences_per_replica +
          ledger.prefix_footprint) *
         ledger.replicas;
}

// Bytes that have to be set aside for them: a sequence lies whole in one replica, so
// that each replica needs room for as many as the fullest of them holds.
template <typename N>
Data<N> SequencesReserved(const Ledger<N>& ledger) {
  using std::ceil;
  return (ledger.sequence_footprint * N(ceil(ledger.sequences_per_replica)) +
          ledger.prefix_footprint) *
         ledger.replicas;
}

// Calls `visit(number...)` for each number of one or more ledgers of any number
// types that have the same operators, always in the same order.
template <typename Visit, typename... L>
void ForEachLedgerNumber(Visit&& visit, L&... ledger) {
  const auto& first = std::get<0>(std::tie(ledger...));
  for (size_t i = 0; i < first.operators.size(); ++i) {
    visit(ledger.operators[i].count...);
    visit(ledger.operators[i].matmul_flop...);
    for (size_t k = 0; k < first.operators[i].shapes.size(); ++k) {
      visit(ledger.operators[i].shapes[k].tokens...);
      visit(ledger.operators[i].shapes[k].in...);
      visit(ledger.operators[i].shapes[k].out...);
      visit(ledger.operators[i].shapes[k].groups...);
    }
    visit(ledger.operators[i].vector_flop...);
    visit(ledger.operators[i].weight_read...);
    visit(ledger.operators[i].weight_write...);
    visit(ledger.operators[i].kv_read...);
    visit(ledger.operators[i].kv_write...);
    visit(ledger.operators[i].state_read...);
    visit(ledger.operators[i].state_write...);
    visit(ledger.operators[i].embedding_read...);
    visit(ledger.operators[i].activation_in...);
    visit(ledger.operators[i].activation_out...);
    visit(ledger.operators[i].tokens_per_matrix...);
    visit(ledger.operators[i].step_inputs...);
    visit(ledger.operators[i].parameters...);
    visit(ledger.operators[i].kv_sharing...);
    visit(ledger.operators[i].weight_imbalance...);
    visit(ledger.operators[i].flop_imbalance...);
    visit(ledger.operators[i].payload...);
  }
  visit(ledger.layers...);
  visit(ledger.expert_layers...);
  visit(ledger.recurrent_layers...);
  visit(ledger.latent_layers...);
  visit(ledger.replicas...);
  visit(ledger.sequences_per_replica...);
  visit(ledger.samples_per_sequence...);
  visit(ledger.admitting...);
  visit(ledger.prompts_per_replica...);
  visit(ledger.tokens...);
  visit(ledger.tokens_per_sequence...);
  visit(ledger.passes...);
  visit(ledger.chips...);
  for (size_t i = 0; i < first.weight_footprint.size(); ++i) {
    visit(ledger.weight_footprint[i]...);
  }
  visit(ledger.sequence_footprint...);
  visit(ledger.prefix_footprint...);
  visit(ledger.kv_per_sequence...);
  visit(ledger.state_per_sequence...);
  visit(ledger.parameters...);
  visit(ledger.active_parameters...);
  visit(ledger.experts_read...);
  visit(ledger.growth_depth_share...);
  visit(ledger.model_growth...);
  for (size_t i = 0; i < first.places.size(); ++i) {
    visit(ledger.places[i].layers...);
    visit(ledger.places[i].expert_layers...);
    visit(ledger.places[i].recurrent_layers...);
    visit(ledger.places[i].latent_layers...);
    for (size_t k = 0; k < first.weight_footprint.size(); ++k) {
      visit(ledger.places[i].weight_footprint[k]...);
    }
    visit(ledger.places[i].sequence_footprint...);
    visit(ledger.places[i].prefix_footprint...);
    visit(ledger.places[i].state_per_sequence...);
  }
}

// Converts a ledger to another number type, without names and notes, into
// `out`, whose memory is reused; all lanes of a pack get the same value.
template <typename To>
void ConvertLedger(const Ledger<double>& from, Ledger<To>* out) {
  Ledger<To>& to = *out;
  to.operators.resize(from.operators.size());
  for (size_t i = 0; i < from.operators.size(); ++i) {
    const Operator<double>& op = from.operators[i];
    Operator<To>& copy = to.operators[i];
    copy.part = op.part;
    copy.weight_format = op.weight_format;
    copy.activation_format = op.activation_format;
    copy.product_kind = op.product_kind;
    copy.shapes.resize(op.shapes.size());
    copy.collective = op.collective;
    copy.group = op.group;
    copy.pipeline_chips = op.pipeline_chips;
    copy.pipeline_stages = op.pipeline_stages;
    copy.place = op.place;
  }
  to.places.resize(from.places.size());
  to.equal_quality = from.equal_quality;
  ForEachLedgerNumber(CopyNumber(), from, to);
}
template <typename To>
Ledger<To> ConvertedLedger(const Ledger<double>& from) {
  Ledger<To> to;
  ConvertLedger(from, &to);
  return to;
}

// Builds the ledger of a step. Counts are exact up to 2^53.
Ledger<double> BuildLedger(const StepSetup& step);

// The same for a validated scenario; `draft` is the draft model for speculative
// decoding, or nullptr.
Ledger<double> BuildLedger(const Model& model, const Scenario& scenario,
                           const Model* draft = nullptr);

}  // namespace tokenjoule

#endif  // ANALYZER_LEDGER_LEDGER_H_
