// The formulas of the ledger, for every number type. Include this only to
// instantiate them; users of doubles call BuildLedger of ledger.h.

#ifndef ANALYZER_LEDGER_BUILD_H_
#define ANALYZER_LEDGER_BUILD_H_

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/units/units.h"
#include "proto/model.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {

template <typename N, typename Reader>
class LedgerBuilder {
 public:
  LedgerBuilder(const Model& model, const Scenario& scenario,
                const Reader& reader)
      : model_(model),
        scenario_(scenario),
        read_(reader),
        formats_(ResolveFormats(model, scenario)),
        d_(reader(model, Model::kDModelFieldNumber)),
        vocab_(reader(model, Model::kVocabSizeFieldNumber)),
        context_(reader(scenario, Scenario::kContextFieldNumber)),
        tp_(scenario.tp()) {}

  Ledger<N> Build() {
    const N batch = read_(scenario_, Scenario::kBatchFieldNumber);
    const N dp(scenario_.dp());
    const N pp(scenario_.pp());
    ledger_.tokens = batch;
    ledger_.sequences_per_replica = batch / dp;
    // A pipeline of pp stages decodes pp microbatches at once, or as many as
    // there are sequences; each stage reads its weights once for each of them.
    const N microbatches = Min(pp, ledger_.sequences_per_replica);
    tokens_ = ledger_.sequences_per_replica / microbatches;
    ledger_.passes = N(tp_) * microbatches * dp;
    ledger_.chips = N(tp_) * pp * dp;

    Embedding();
    for (const Block& block : model_.block()) {
      layers_ = LayersOf(block.name());
      ledger_.layers += layers_;
      AddBlock(block);
    }
    Head();
    if (scenario_.pp() > 1) {
      Operator<N>& op = Add("pipeline.send", N(scenario_.pp()));
      op.collective = Collective::kSend;
      op.group = 2;
      // Each tensor-parallel chip sends its part to its counterpart.
      op.payload = Stream(tokens_ * d_ / N(tp_));
    }
    // Weights are held once in each replica; what tensor parallelism copies
    // (norms, KV heads) is in the chips' own footprint.
    ledger_.weight_footprint = ledger_.weight_footprint * dp;
    return std::move(ledger_);
  }

 private:
  Operator<N>& Add(std::string name, N count) {
    Operator<N> op;
    op.name = std::move(name);
    op.count = count;
    ledger_.operators.push_back(std::move(op));
    return ledger_.operators.back();
  }

  N LayersOf(const std::string& block) const {
    double layers = 0;
    for (const LayerPattern& pattern : model_.layers()) {
      for (const LayerPattern::Run& run : pattern.run()) {
        if (run.block() != block) continue;
        layers += static_cast<double>(run.count()) *
                  std::max<double>(pattern.repeat(), 1);
      }
    }
    return N(layers);
  }

  static Data<N> Stored(const N& elements, const NumberFormat& format) {
    return Bytes<N>(elements * N(format.bits_per_element / 8));
  }
  Data<N> Stream(const N& elements) const {
    return Stored(elements, *formats_.stream);
  }

  // Registers parameters that one chip holds and reads once a run of `op`;
  // `on_chip` elements of the `all` that the model has in one layer.
  void HoldWeights(Operator<N>& op, const N& on_chip, const N& all,
                   const NumberFormat& format) {
    op.weight_read += Stored(on_chip, format);
    ledger_.weight_footprint += Stored(on_chip * N(tp_) * op.count, format);
    ledger_.parameters += all * op.count;
  }

  // y = x W: T x in times in x out, split over tp chips along one of the two.
  // `in` and `out` are one chip's; `all` counts the whole matrix.
  void Matmul(Operator<N>& op, const N& tokens, const N& in, const N& out,
              const N& all, const NumberFormat& format) {
    op.matmul_flop += Flop<N>(N(2.0) * tokens * in * out);
    op.weight_format = &format;
    op.activation_format = formats_.activations;
    op.activation_in += Stored(tokens * in, *formats_.activations);
    op.activation_out += Stream(tokens * out);
    HoldWeights(op, in * out, all, format);
  }

  // A vector of parameters that every chip of the group holds.
  void Vector(Operator<N>& op, const N& elements) {
    HoldWeights(op, elements, elements, *formats_.vectors);
  }
  // A vector of parameters of which each chip holds its part.
  void ShardedVector(Operator<N>& op, const N& elements) {
    HoldWeights(op, elements / N(tp_), elements, *formats_.vectors);
  }

  void AllReduce(const std::string& name, const N& count) {
    if (scenario_.tp() == 1) return;
    Operator<N>& op = Add(name, count);
    op.collective = Collective::kAllReduce;
    op.group = scenario_.tp();
    op.payload = Stream(tokens_ * d_);
  }

  // `count` norms of width d with their residual addition. RMSNorm: square,
  // add, scale by the root and by the weight, add the residual: 5 FLOP an
  // element; LayerNorm 8.
  void Norm(const std::string& name, const N& count) {
    if (model_.norm() == NO_NORM) return;
    const bool layer_norm = model_.norm() == LAYER_NORM;
    Operator<N>& op = Add(name, count);
    op.vector_flop = Flop<N>(N(layer_norm ? 8.0 : 5.0) * tokens_ * d_);
    op.activation_in = Stream(tokens_ * d_);
    op.activation_out = Stream(tokens_ * d_);
    Vector(op, layer_norm ? N(2.0) * d_ : d_);
  }

  void Embedding() {
    // Rows of T tokens, not the table: it only takes capacity.
    Operator<N>& op = Add("embedding", N(1.0));
    op.embedding_read = Stored(tokens_ * d_, *formats_.embedding);
    op.activation_out = Stream(tokens_ * d_);
    const N table = vocab_ * d_;
    ledger_.parameters += table;
    if (!model_.tied_embeddings()) {
      ledger_.weight_footprint += Stored(table, *formats_.embedding);
    }
    if (model_.learned_positions() > 0) {
      const N positions =
          read_(model_, Model::kLearnedPositionsFieldNumber) * d_;
      op.embedding_read += Stored(tokens_ * d_, *formats_.embedding);
      op.vector_flop = Flop<N>(tokens_ * d_);
      ledger_.parameters += positions;
      ledger_.weight_footprint += Stored(positions, *formats_.embedding);
    }
    AllReduce("embedding.all_reduce", N(1.0));
  }

  void Head() {
    Norm("final_norm", N(1.0));
    Operator<N>& op = Add("lm_head", N(1.0));
    // A tied head is the embedding table: read as any head, counted once.
    const N all = model_.tied_embeddings() ? N(0.0) : vocab_ * d_;
    Matmul(op, tokens_, d_, vocab_ / N(tp_), all, *formats_.lm_head);
    if (model_.lm_head_bias()) ShardedVector(op, vocab_);
    // Sampling: softmax and a draw over the vocabulary, 5 FLOP a logit.
    op.vector_flop = Flop<N>(N(5.0) * tokens_ * vocab_ / N(tp_));
    if (scenario_.tp() > 1) {
      Operator<N>& gather = Add("lm_head.gather", N(1.0));
      gather.collective = Collective::kGather;
      gather.group = scenario_.tp();
      gather.payload = Stream(tokens_ * vocab_);
    }
  }

  void AddBlock(const Block& block) {
    const N norms = read_(block, Block::kNormsFieldNumber);
    // Norms that are not before the mixer or the channel part (post-norms)
    // cost the same; they are one operator here.
    if (block.norms() > 0) {
      Norm(absl::StrCat(block.name(), ".norm"), layers_ * norms);
    }
    if (block.has_attention()) {
      AddAttention(block.attention(), block.name());
      if (!block.parallel()) {
        AllReduce(absl::StrCat(block.name(), ".attention.all_reduce"), layers_);
      }
    }
    if (block.has_mlp()) {
      AddMlp(block.mlp(), absl::StrCat(block.name(), ".mlp"), *formats_.linear);
      AllReduce(absl::StrCat(block.name(), ".mlp.all_reduce"), layers_);
    }
  }

  // Positions of the cache that one new token reads.
  N Span(const Attention& attention) const {
    if (attention.has_sliding_tokens()) {
      return Min(context_,
                 read_(attention, Attention::kSlidingTokensFieldNumber));
    }
    if (attention.has_chunk_tokens()) {
      // A token's chunk holds 1 to C tokens: (C + 1) / 2 in the mean over
      // sequences that are spread over their chunks.
      return Min(
          context_,
          (read_(attention, Attention::kChunkTokensFieldNumber) + N(1.0)) /
              N(2.0));
    }
    return context_;
  }

  // Positions of the cache that must be kept.
  N Kept(const Attention& attention) const {
    if (attention.has_chunk_tokens()) {
      return Min(context_,
                 read_(attention, Attention::kChunkTokensFieldNumber));
    }
    return Span(attention);
  }

  void AddAttention(const Attention& attention, const std::string& block) {
    const N heads = read_(attention, Attention::kHeadsFieldNumber);
    const N kv_heads = read_(attention, Attention::kKvHeadsFieldNumber);
    const N e = read_(attention, Attention::kHeadDimFieldNumber);
    // One chip's heads. Each chip holds at least one KV head: with more chips
    // than KV heads, heads are copied.
    const N h = heads / N(tp_);
    const N g = Max(kv_heads / N(tp_), N(1.0));
    const N gate(attention.output_gate() ? 2.0 : 1.0);
    const std::string prefix = absl::StrCat(block, ".attention.");

    // Query, key and value projections as one product, with the output gate
    // beside the queries where there is one.
    Operator<N>& qkv = Add(prefix + "qkv_proj", layers_);
    Matmul(qkv, tokens_, d_, (gate * h + N(2.0) * g) * e,
           d_ * (gate * heads + N(2.0) * kv_heads) * e, *formats_.linear);
    if (attention.qkv_bias()) {
      HoldWeights(qkv, (h + N(2.0) * g) * e, (heads + N(2.0) * kv_heads) * e,
                  *formats_.vectors);
    }
    if (attention.qk_norm()) Vector(qkv, N(2.0) * e);
    // Rotary embedding: two products and a sum for each element of queries and
    // keys; q/k norms 4 more.
    qkv.vector_flop =
        Flop<N>(N(attention.qk_norm() ? 7.0 : 3.0) * tokens_ * (h + g) * e);

    // softmax(q K^T) V over a span of the context: two products of T h S e
    // multiply-adds; K and V are each g S e elements a sequence.
    const N span = Span(attention);
    Operator<N>& core = Add(prefix + "core", layers_);
    core.matmul_flop = Flop<N>(N(4.0) * tokens_ * h * span * e);
    core.weight_format = formats_.kv;
    core.activation_format = formats_.stream;
    // Scale, subtract the maximum, exponentiate, sum, divide: 5 FLOP a score.
    core.vector_flop = Flop<N>(N(5.0) * tokens_ * h * span);
    core.kv_read = Stored(tokens_ * N(2.0) * g * e * span, *formats_.kv);
    core.kv_write = Stored(tokens_ * N(2.0) * g * e, *formats_.kv);
    core.activation_in = Stream(tokens_ * (h + N(2.0) * g) * e);
    core.activation_out = Stream(tokens_ * h * e);
    if (attention.sinks()) ShardedVector(core, heads);

    Operator<N>& output = Add(prefix + "output_proj", layers_);
    Matmul(output, tokens_, h * e, d_, heads * e * d_, *formats_.linear);
    if (attention.output_bias()) Vector(output, d_);
    if (attention.output_gate()) {
      output.vector_flop = Flop<N>(N(5.0) * tokens_ * h * e);
    }

    const N kept = Kept(attention);
    ledger_.kv_per_sequence +=
        Stored(N(2.0) * kv_heads * e * kept * layers_, *formats_.kv);
    ledger_.sequence_footprint +=
        Stored(N(2.0) * g * N(tp_) * e * kept * layers_, *formats_.kv);
  }

  void AddMlp(const Mlp& mlp, const std::string& name,
              const NumberFormat& format) {
    const N ff_all = read_(mlp, Mlp::kDFfFieldNumber);
    const N ff = ff_all / N(tp_);
    const N ups(mlp.gated() ? 2.0 : 1.0);
    Operator<N>& up =
        Add(absl::StrCat(name, mlp.gated() ? ".gate_up_proj" : ".up_proj"),
            layers_);
    Matmul(up, tokens_, d_, ups * ff, d_ * ups * ff_all, format);
    if (mlp.bias()) ShardedVector(up, ups * ff_all);
    // The activation function, about 5 FLOP, and the gate's product.
    up.vector_flop = Flop<N>(N(mlp.gated() ? 6.0 : 5.0) * tokens_ * ff);
    Operator<N>& down = Add(absl::StrCat(name, ".down_proj"), layers_);
    Matmul(down, tokens_, ff, d_, ff_all * d_, format);
    if (mlp.bias()) Vector(down, d_);
  }

  const Model& model_;
  const Scenario& scenario_;
  const Reader& read_;
  const TensorFormats formats_;
  const N d_;
  const N vocab_;
  const N context_;
  const double tp_;
  N tokens_ = N(0.0);  // tokens of one microbatch of one replica
  N layers_ = N(0.0);  // layers of the block at hand
  Ledger<N> ledger_;
};

// The ledger in number type N, its inputs read by `reader`.
template <typename N, typename Reader>
Ledger<N> BuildLedger(const Model& model, const Scenario& scenario,
                      const Reader& reader) {
  return LedgerBuilder<N, Reader>(model, scenario, reader).Build();
}

}  // namespace tokenjoule

#endif  // ANALYZER_LEDGER_BUILD_H_
