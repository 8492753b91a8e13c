// What every part of the ledger's builder needs: the step's tokens, how chips
// share the work, and how an operator is written down. See build_ledger.h.

#ifndef ANALYZER_LEDGER_LEDGER_WRITER_H_
#define ANALYZER_LEDGER_LEDGER_WRITER_H_

#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "analyzer/description/architecture.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/units/units.h"
#include "proto/model.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {
namespace ledger_internal {

// Tokens of one microbatch on one replica.
template <typename N>
struct StepTokens {
  // Sequences that decode.
  N sequences = N(0.0);
  // New tokens of each of them: 1, or those that are verified.
  N queries = N(1.0);
  // Prompt tokens of newcomers that the step carries, and the newcomers.
  N prefill = N(0.0);
  N newcomers = N(0.0);

  // Tokens that enter a linear layer.
  N linear() const { return sequences * queries + prefill; }
  // Tokens whose logits are wanted: newcomers only those of their last one.
  N sampled() const { return sequences * queries + newcomers; }
};

// Tokens of a page of the cache; 0 without pages. Pages are structure, as tp
// is: what is rounded has no useful derivative by them.
template <typename N>
N PageTokens(const Scenario& scenario) {
  return N(static_cast<double>(scenario.kv_page_tokens()));
}

// Tokens of the shared prefix, those that fill whole pages where the cache has
// pages: sequences part within a page, which each of them has to itself.
template <typename N, typename Reader>
N SharedPrefix(const Scenario& scenario, const Reader& read) {
  using std::floor;
  const N prefix = read(scenario, Scenario::kSharedPrefixTokensFieldNumber);
  if (scenario.kv_page_tokens() == 0) return prefix;
  const N page = PageTokens<N>(scenario);
  return N(floor(prefix / page)) * page;
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
  const TensorFormats formats;
  const StepTokens<N> tokens;
  const N d;
  const N vocab;
  const N context;
  // Tokens at its start that the sequences of a replica share.
  const N prefix_tokens;
  const N tp;
  Ledger<N>* const ledger;
  // Layers of the block at hand.
  N layers = N(0.0);
  // Put before operator names; draft models have one.
  std::string prefix;
  // Runs of the whole model a step: a draft model runs once a drafted token.
  N repeats = N(1.0);
  // Whether parameters are the model's own, to be counted.
  bool counts_parameters = true;

  // Adds an operator that runs in `count` layers.
  Operator<N>& Add(absl::string_view name, Part part, const N& count) {
    Operator<N> op;
    op.name = absl::StrCat(prefix, name);
    op.part = counts_parameters ? part : Part::kDraft;
    op.count = count * repeats;
    ledger->operators.push_back(std::move(op));
    return ledger->operators.back();
  }

  static Data<N> Stored(const N& elements, const NumberFormat& format) {
    return Bytes<N>(elements * N(format.bits_per_element / 8));
  }
  // Elements of the residual stream and of what leaves a matrix product.
  Data<N> Stream(const N& elements) const {
    return Stored(elements, *formats.stream);
  }

  // Memory for parameters: `on_chip` elements of all layers of the block at
  // hand on each chip of the stages.
  void Hold(Part part, const N& on_chip, const NumberFormat& format) {
    const Part where = counts_parameters ? part : Part::kDraft;
    ledger->weight_footprint[static_cast<int>(where)] +=
        Stored(on_chip * N(static_cast<double>(parallel.stage_chips)), format);
  }
  void CountParameters(const N& elements, const N& active) {
    if (!counts_parameters) return;
    ledger->parameters += elements;
    ledger->active_parameters += active;
  }

  // Parameters of `op`: `on_chip` of the `all` elements of one layer are on one
  // of tp chips and read once a run.
  void HoldWeights(Operator<N>& op, const N& on_chip, const N& all,
                   const NumberFormat& format) {
    op.weight_read += Stored(on_chip, format);
    const N count = op.count / repeats;
    Hold(op.part, on_chip * count, format);
    CountParameters(all * count, all * count);
  }
  // A vector of parameters that every chip of the group holds.
  void Vector(Operator<N>& op, const N& elements) {
    HoldWeights(op, elements, elements, *formats.vectors);
  }
  // A vector of parameters of which each chip holds its part.
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

  // FLOP, operands and activations of y = x W, `t` times in x out, without the
  // weights themselves. `in` and `out` are one chip's.
  void Multiply(Operator<N>& op, const N& t, const N& in, const N& out,
                const NumberFormat& format) {
    const NumberFormat& operands = formats.ActivationsFor(format);
    op.matmul_flop += Flop<N>(N(2.0) * t * in * out);
    op.weight_format = &format;
    op.activation_format = &operands;
    op.product_kind = KindOf(op.part);
    op.shapes.push_back({t, in, out});
    op.activation_in += Stored(t * in, operands);
    op.activation_out += Stream(t * out);
  }
  // y = x W with its weights; `all` counts the whole matrix.
  void Matmul(Operator<N>& op, const N& t, const N& in, const N& out,
              const N& all, const NumberFormat& format) {
    Multiply(op, t, in, out, format);
    HoldWeights(op, in * out, all, format);
  }

  // Sum of every chip's part of the residual stream.
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
    op.payload = payload;
  }
};

}  // namespace ledger_internal
}  // namespace tokenjoule

#endif  // ANALYZER_LEDGER_LEDGER_WRITER_H_
