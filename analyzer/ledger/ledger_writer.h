// Common code of the ledger's builder: the step's tokens, the sharing of work
// among chips, and the recording of an operator. See build_ledger.h.

#ifndef ANALYZER_LEDGER_LEDGER_WRITER_H_
#define ANALYZER_LEDGER_LEDGER_WRITER_H_

#include <cmath>
#include <string>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "analyzer/description/architecture.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/units/units.h"
#include "proto/model.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {
namespace ledger_internal {

// Token counts of one microbatch on one replica.
template <typename N>
struct StepTokens {
  // Sequences that decode.
  N sequences = N(0.0);
  // New tokens per sequence: 1, or the number of verified tokens.
  N queries = N(1.0);
  // Prompt tokens of newcomers in the step, and the number of newcomers.
  N prefill = N(0.0);
  N newcomers = N(0.0);

  // Tokens that enter a linear layer.
  N linear() const { return sequences * queries + prefill; }
  // Tokens whose logits are needed; newcomers need only those of their last
  // token.
  N sampled() const { return sequences * queries + newcomers; }
};

// Tokens per page of the cache; 0 without pages. Pages are structure, like tp:
// rounded quantities have no useful derivative with respect to the page size.
template <typename N>
N PageTokens(const Scenario& scenario) {
  return N(static_cast<double>(scenario.kv_page_tokens()));
}

// Tokens of the shared prefix. If the cache has pages, only whole pages are
// shared: each sequence has its own copy of the page in which sequences
// diverge.
template <typename N, typename Reader>
N SharedPrefix(const Scenario& scenario, const Reader& read) {
  using std::floor;
  const N prefix = read(scenario, Scenario::kSharedPrefixTokensFieldNumber);
  if (scenario.kv_page_tokens() == 0) return prefix;
  const N page = PageTokens<N>(scenario);
  return N(floor(prefix / page)) * page;
}

// Bytes that elements of a format occupy.
template <typename N>
Data<N> StoredBytes(const N& elements, const NumberFormat& format) {
  return Bytes<N>(elements * N(format.bits_per_element / 8));
}

template <typename N, typename Reader>
class LedgerWriter {
 public:
  LedgerWriter(const Model& model, const Scenario& scenario,
               const TensorFormats& formats, const Parallelism& parallel,
               const Reader& reader, const StepTokens<N>& tokens,
               Ledger<N>* ledger)
      : model(model),
        scenario(scenario),
        read(reader),
        parallel(parallel),
        formats(formats),
        tokens(tokens),
        d(reader(model, Model::kDModelFieldNumber)),
        vocab(reader(model, Model::kVocabSizeFieldNumber)),
        context(reader(scenario, Scenario::kContextFieldNumber)),
        prefix_tokens(SharedPrefix<N>(scenario, reader)),
        tp(static_cast<double>(parallel.tp)),
        ledger(ledger) {}

  const Model& model;
  const Scenario& scenario;
  const Reader& read;
  const Parallelism parallel;
  const TensorFormats& formats;
  const StepTokens<N> tokens;
  const N d;
  const N vocab;
  const N context;
  // Tokens at the start of the context that the sequences of a replica share.
  const N prefix_tokens;
  const N tp;
  Ledger<N>* const ledger;
  // Number of layers of the current block. If they share their weights, one
  // layer holds them for all.
  N layers = N(0.0);
  bool shares_weights = false;
  // Formats of the current block's matrices.
  const MatrixFormats* matrices = nullptr;
  // Prefix of operator names; used for draft models.
  std::string prefix;
  // Runs of the whole model per step: a draft model runs once per drafted
  // token.
  N repeats = N(1.0);
  // Whether parameters belong to the model itself and are counted.
  bool counts_parameters = true;
  // Whether this pass over the model counts what exists once, however often the
  // model runs: memory, parameters and layers.
  bool is_first_pass = true;
  // The machines that share the model; nullptr if there is only one.
  const LayerPlacement* placement = nullptr;

  // Whether embedding and head are those of the model that is drafted for.
  bool SharesEmbedding() const {
    return !counts_parameters && model.shared_embedding();
  }

  // Operators of plain numbers have names, which reports show; those of other
  // number types go without, because writing names takes longer than counting.
  static constexpr bool kNamed = std::is_same_v<N, double>;

  // Parts of a name put together, where operators have one.
  template <typename... Parts>
  static std::string NameOf(const Parts&... parts) {
    if constexpr (kNamed) return absl::StrCat(parts...);
    return std::string();
  }

  // Adds an operator that runs in `count` layers.
  Operator<N>& Add(absl::string_view name, Part part, const N& count) {
    Operator<N>& op = ledger->operators.emplace_back();
    if constexpr (kNamed) op.name = absl::StrCat(prefix, name);
    op.part = counts_parameters ? part : Part::kDraft;
    op.count = count * repeats;
    return op;
  }

  static Data<N> Stored(const N& elements, const NumberFormat& format) {
    return StoredBytes(elements, format);
  }
  // Bytes of elements of the residual stream or of the output of a matrix
  // product.
  Data<N> Stream(const N& elements) const {
    return Stored(elements, *formats.stream);
  }

  // Adds memory for parameters: `on_chip` elements on each chip of a stage,
  // over all layers of the current block.
  void Hold(Part part, const N& on_chip, const NumberFormat& format) {
    if (!is_first_pass) return;
    const Part where = counts_parameters ? part : Part::kDraft;
    ledger->weight_footprint[static_cast<int>(where)] +=
        Stored(on_chip * N(static_cast<double>(parallel.stage_chips)), format);
  }
  // Adds parameters that a token uses to an operator.
  void CountUsed(Operator<N>& op, const N& used) {
    if (counts_parameters && is_first_pass) op.parameters += used;
  }
  void CountParameters(const N& elements, const N& active) {
    if (!counts_parameters || !is_first_pass) return;
    ledger->parameters += elements;
    ledger->active_parameters += active;
  }

  // Adds parameters to `op`: of the `all` elements per layer, `on_chip` are on
  // each of tp chips and are read once per run.
  void HoldWeights(Operator<N>& op, const N& on_chip, const N& all,
                   const NumberFormat& format) {
    op.weight_read += Stored(on_chip, format);
    N count = op.count / repeats;
    if (shares_weights) count = count / layers;
    Hold(op.part, on_chip * count, format);
    CountParameters(all * count, all * count);
    CountUsed(op, all * count);
  }
  // Adds a vector of parameters that is replicated on every chip of the group.
  void Vector(Operator<N>& op, const N& elements) {
    HoldWeights(op, elements, elements, *formats.vectors);
  }
  // Adds a vector of parameters that is split over the chips of the group.
  void ShardedVector(Operator<N>& op, const N& elements) {
    HoldWeights(op, elements / tp, elements, *formats.vectors);
  }

  static ProductKind KindOf(Part part) {
    switch (part) {
      case Part::kExperts:
      case Part::kSharedExperts:
        return ProductKind::kExperts;
      case Part::kLmHead:
        return ProductKind::kLmHead;
      default:
        return ProductKind::kLinear;
    }
  }

  // Adds FLOP, operands and activations of y = x W for `t` tokens, without the
  // weights themselves. `in` and `out` are the sizes on one chip.
  void Multiply(Operator<N>& op, const N& t, const N& in, const N& out,
                const NumberFormat& format) {
    const NumberFormat& operands = KindOf(op.part) == ProductKind::kExperts
                                       ? formats.ExpertActivationsFor(format)
                                       : formats.ActivationsFor(format);
    op.matmul_flop += Flop<N>(N(2.0) * t * in * out);
    op.weight_format = &KernelFormat(format);
    op.activation_format = &operands;
    op.product_kind = KindOf(op.part);
    op.shapes.push_back({t, in, out});
    op.tokens_per_matrix = t;
    op.step_inputs = tokens.linear();
    op.activation_in += Stored(t * in, operands);
    op.activation_out += Stream(t * out);
  }
  // Adds y = x W with its weights; `all` is the number of elements of the whole
  // matrix.
  void Matmul(Operator<N>& op, const N& t, const N& in, const N& out,
              const N& all, const NumberFormat& format) {
    Multiply(op, t, in, out, format);
    HoldWeights(op, in * out, all, format);
  }

  // Sums the chips' partial results of the residual stream.
  void AllReduce(absl::string_view name, const N& count) {
    AddCollective(name, Collective::kAllReduce, parallel.tp, count,
                  Stream(tokens.linear() * d));
  }
  void AddCollective(absl::string_view name, Collective collective,
                     int64_t group, const N& count, const Data<N>& payload) {
    if (group == 1) return;
    Operator<N>& op = Add(name, Part::kNorms, count);
    op.collective = collective;
    op.group = static_cast<int>(group);
    op.pipeline_chips = static_cast<int>(parallel.chips());
    op.pipeline_stages = static_cast<int>(parallel.pp);
    op.payload = payload;
  }
};

}  // namespace ledger_internal
}  // namespace tokenjoule

#endif  // ANALYZER_LEDGER_LEDGER_WRITER_H_
