// Softmax attention in the ledger: MHA, MQA, GQA with any window, and latent
// attention. See build_ledger.h.

#ifndef ANALYZER_LEDGER_ATTENTION_H_
#define ANALYZER_LEDGER_ATTENTION_H_

#include <cmath>
#include <string>
#include <type_traits>

#include "absl/strings/str_format.h"
#include "analyzer/ledger/ledger_writer.h"
#include "analyzer/units/units.h"

namespace tokenjoule {
namespace ledger_internal {

// Positions of the cache that a new token reads, out of a context of S. With
// chunks of C tokens a context of at most C lies in one chunk, of which the
// token reads all S positions. In a longer context the token is at position 1
// to C of its chunk: (C + 1) / 2 on average, over sequences that are spread
// uniformly over their chunks, as in a batch in flight. The span therefore
// falls from C to (C + 1) / 2 just above C, which is where the second chunk
// begins; there a single sequence falls from C to 1.
template <typename N, typename Reader>
N Span(const LedgerWriter<N, Reader>& c, const Attention& attention,
       const N& context) {
  if (attention.has_sliding_tokens()) {
    return Min(context,
               N(c.read(attention, Attention::kSlidingTokensFieldNumber)));
  }
  if (attention.has_chunk_tokens()) {
    const N chunk = c.read(attention, Attention::kChunkTokensFieldNumber);
    return Select(chunk < context, (chunk + N(1.0)) / N(2.0), context);
  }
  return context;
}

// Positions of the cache that must be held in memory.
template <typename N, typename Reader>
N Kept(const LedgerWriter<N, Reader>& c, const Attention& attention) {
  if (attention.has_chunk_tokens()) {
    return Min(c.context,
               N(c.read(attention, Attention::kChunkTokensFieldNumber)));
  }
  return Span(c, attention, c.context);
}

// Tokens of the shared prefix among the last `width` positions of the context.
// With a prefix that ends at P and a window that begins at S - width this is
// max(0, P - (S - width)). A chunk counts with its mean or largest width, as in
// Span and Kept.
template <typename N, typename Reader>
N SharedWithin(const LedgerWriter<N, Reader>& c, const N& width) {
  // A study may use contexts shorter than the prefix, so limit it to `width`.
  return Min(width, Max(N(0.0), c.prefix_tokens - (c.context - width)));
}

// FLOP and vector work of attention on one chip: `per_score` multiply-adds per
// head and position of a decoded token, `per_prefill_score` for a prompt token;
// 5 vector FLOP per score (scale, subtract the maximum, exponentiate, sum,
// divide).
template <typename N, typename Reader>
void AddScores(const LedgerWriter<N, Reader>& c, const N& heads, const N& span,
               const N& prefill_span, const N& per_score,
               const N& per_prefill_score, Operator<N>* op) {
  const N scores = heads * c.tokens.sequences * c.tokens.queries * span;
  const N prefill_scores = heads * c.tokens.prefill * prefill_span;
  op->matmul_flop = Flop<N>(
      N(2.0) * (scores * per_score + prefill_scores * per_prefill_score));
  op->vector_flop = Flop<N>(N(5.0) * (scores + prefill_scores));
  op->product_kind = ProductKind::kAttention;
  op->weight_format = c.formats.kv;
  op->activation_format = c.formats.stream;
}

// KV cache traffic of one chip, with `elements` per token and layer. Each
// sequence's cache is read once per step, however many tokens are verified; a
// shared prefix is read once for all sequences if the kernels support it.
// Prompts are written to the cache but read back on chip, except for the
// `prefill_cached` positions of a shared prefix, which each newcomer reads
// once.
template <typename N, typename Reader>
void AddCache(const LedgerWriter<N, Reader>& c, const N& elements,
              const N& span, const N& prefill_cached, Operator<N>* op) {
  N positions = c.tokens.sequences * span + c.tokens.newcomers * prefill_cached;
  if (c.scenario.shared_prefix_read_once()) {
    positions -= (c.tokens.sequences - N(1.0)) * SharedWithin(c, span);
  }
  op->kv_read = c.Stored(elements * positions, *c.formats.kv);
  op->kv_write = c.Stored(c.tokens.linear() * elements, *c.formats.kv);
}

// Memory of the cache: `logical` elements per token and layer, or `held`
// including the copies over the chips of a replica; `kept` positions, in whole
// pages if there are pages: p ceil(kept / p), of which p floor(shared / p) hold
// the prefix.
template <typename N, typename Reader>
void HoldCache(const LedgerWriter<N, Reader>& c, const N& logical,
               const N& held, const N& kept) {
  using std::ceil;
  using std::floor;
  if (!c.is_first_pass) return;
  if (c.counts_parameters) {
    c.ledger->kv_per_sequence +=
        c.Stored(logical * kept * c.layers, *c.formats.kv);
  }
  N all = kept, shared = SharedWithin(c, kept);
  if (c.scenario.kv_page_tokens() > 0) {
    const N page = PageTokens<N>(c.scenario);
    all = N(ceil(all / page)) * page;
    shared = N(floor(shared / page)) * page;
  }
  c.ledger->sequence_footprint +=
      c.Stored(held * (all - shared) * c.layers, *c.formats.kv);
  c.ledger->prefix_footprint +=
      c.Stored(held * shared * c.layers, *c.formats.kv);
}

// Sum of min(i, W) over the first x positions: x^2 / 2, or W x - W^2 / 2 beyond
// the window.
template <typename N>
N WindowedSum(const N& x, const N& window) {
  return Select(x < window, x * x / 2.0, window * x - window * window / 2.0);
}

// Sum of the positions within chunks of C tokens over the first x positions:
// C^2 / 2 for each whole chunk and r^2 / 2 for the r positions of the last.
template <typename N>
N ChunkedSum(const N& x, const N& chunk) {
  using std::floor;
  const N whole = N(floor(x / chunk));
  const N rest = x - whole * chunk;
  return (whole * chunk * chunk + rest * rest) / 2.0;
}

// Mean number of positions that a prefilled token attends to, over a prompt
// from the end p of the shared prefix (0 without one) to its own end P: (p + P)
// / 2; with a window of W the mean of min(i, W), which is W - W^2 / (2 P) for
// p = 0; with chunks of C the mean position within a chunk, which is P / 2 for
// p = 0 and P <= C, and C / 2 for whole chunks.
template <typename N, typename Reader>
N PrefillSpan(const LedgerWriter<N, Reader>& c, const Attention& attention) {
  const N prompt = c.read(c.scenario, Scenario::kPromptFieldNumber);
  const N& prefix = c.prefix_tokens;
  if (attention.window_case() == Attention::WINDOW_NOT_SET ||
      !Holds(prefix < prompt)) {
    return Span(c, attention, (prefix + prompt) / N(2.0));
  }
  const auto mean = [&](const auto& sum_of_first, const N& width) {
    return (sum_of_first(prompt, width) - sum_of_first(prefix, width)) /
           (prompt - prefix);
  };
  if (attention.has_chunk_tokens()) {
    return mean(ChunkedSum<N>,
                c.read(attention, Attention::kChunkTokensFieldNumber));
  }
  return mean(WindowedSum<N>,
              c.read(attention, Attention::kSlidingTokensFieldNumber));
}

template <typename N, typename Reader>
void AddAttention(LedgerWriter<N, Reader>& c, const Attention& attention,
                  const std::string& block) {
  const N heads = c.read(attention, Attention::kHeadsFieldNumber);
  const N kv_heads = c.read(attention, Attention::kKvHeadsFieldNumber);
  const N e = c.read(attention, Attention::kHeadDimFieldNumber);
  // Heads per chip. Each chip holds at least one KV head: with more chips than
  // KV heads, heads are replicated.
  const N h = heads / c.tp;
  const N g = Max(kv_heads / c.tp, N(1.0));
  const N gate(attention.output_gate() ? 2.0 : 1.0);
  const N t = c.tokens.linear();
  const std::string name = c.NameOf(block, ".attention.");

  // Query, key and value projections as one product, with the output gate, if
  // any, beside the queries.
  Operator<N>& qkv = c.Add(name + "qkv_proj", Part::kAttention, c.layers);
  c.Matmul(qkv, t, c.d, (gate * h + N(2.0) * g) * e,
           c.d * (gate * heads + N(2.0) * kv_heads) * e, *c.formats.mixers);
  if (attention.qkv_bias()) {
    c.HoldWeights(qkv, (h + N(2.0) * g) * e, (heads + N(2.0) * kv_heads) * e,
                  *c.formats.vectors);
  }
  if (attention.qk_norm()) c.Vector(qkv, N(2.0) * e);
  // Rotary embedding: two multiplications and an addition per element of
  // queries and keys; q/k norms take 4 more.
  qkv.vector_flop =
      Flop<N>(N(attention.qk_norm() ? 7.0 : 3.0) * t * (h + g) * e);

  // softmax(q K^T) V: 2 e multiply-adds per score; K and V are each g S e
  // elements per sequence.
  const N span = Span(c, attention, c.context);
  Operator<N>& core = c.Add(name + "core", Part::kAttention, c.layers);
  AddScores(c, h, span, PrefillSpan(c, attention), N(2.0) * e, N(2.0) * e,
            &core);
  AddCache(c, N(2.0) * g * e, span, Span(c, attention, c.prefix_tokens), &core);
  core.kv_sharing = h / g;
  core.activation_in = c.Stream(t * (h + N(2.0) * g) * e);
  core.activation_out = c.Stream(t * h * e);
  if (attention.sinks()) c.ShardedVector(core, heads);

  Operator<N>& output = c.Add(name + "output_proj", Part::kAttention, c.layers);
  c.Matmul(output, t, h * e, c.d, heads * e * c.d, *c.formats.mixers);
  if (attention.output_bias()) c.Vector(output, c.d);
  if (attention.output_gate()) output.vector_flop = Flop<N>(N(5.0) * t * h * e);

  HoldCache(c, N(2.0) * kv_heads * e, N(2.0) * g * c.tp * e,
            Kept(c, attention));
}

// Sizes of latent attention; h is the number of heads per chip.
template <typename N>
struct LatentSizes {
  N h, heads, q_rank, kv_rank, rope, nope, v;
};

// Matrix FLOP of the attention core, per chip and run, in one form.
//   absorbed: queries are folded with the key up-projection (h nope c) and the
//     outputs unfolded with the value up-projection (h c v); scores use the
//     cached vector, h (2 c + rope) per position;
//   expanded: each position's keys and values are rebuilt (c h (nope + v));
//     scores use full heads, h (nope + rope + v) per position.
template <typename N, typename Reader>
void LatentFlop(const LedgerWriter<N, Reader>& c, const LatentSizes<N>& s,
                const N& span, const N& prefill_span, bool absorbed,
                Operator<N>* op) {
  const N up = s.h * s.kv_rank * (s.nope + s.v);
  const N expanded_score = s.nope + s.rope + s.v;
  // Prompts, including a shared prefix, always use the expanded form, each
  // token once.
  AddScores(c, s.h, span, prefill_span,
            absorbed ? N(2.0) * s.kv_rank + s.rope : expanded_score,
            expanded_score, op);
  const N rebuilt = (absorbed ? c.tokens.sequences * c.tokens.queries
                              : c.tokens.sequences * span) +
                    c.tokens.prefill + c.tokens.newcomers * c.prefix_tokens;
  op->matmul_flop += Flop<N>(N(2.0) * rebuilt * up);
  if (!absorbed) {
    // The keys and values of every position are written and read back.
    const Data<N> expanded =
        c.Stream(c.tokens.sequences * span * s.h * (s.nope + s.v));
    op->activation_in += expanded;
    op->activation_out += expanded;
  }
}

// Whether the absorbed form is used: it takes fewer FLOP (prompts cost the same
// in both forms), or the scenario requires it. Adds a note with the FLOP of
// both forms.
template <typename N, typename Reader>
bool ChooseAbsorbed(const LedgerWriter<N, Reader>& c, const LatentSizes<N>& s,
                    const N& span, const N& prefill_span,
                    const std::string& block) {
  Operator<N> absorbed, expanded;
  LatentFlop(c, s, span, prefill_span, true, &absorbed);
  LatentFlop(c, s, span, prefill_span, false, &expanded);
  bool chosen = c.scenario.mla() == ABSORBED;
  if (c.scenario.mla() == CHEAPER) {
    const Agreement cheaper =
        Agree(absorbed.matmul_flop <= expanded.matmul_flop);
    c.ledger->uniform &= cheaper.uniform;
    chosen = cheaper.holds;
  }
  if constexpr (std::is_same_v<N, double>) {
    if (!c.is_first_pass) return chosen;
    c.ledger->notes.push_back(absl::StrFormat(
        "%s%s: latent attention %s; %.4g GFLOP per layer and chip "
        "absorbed, %.4g expanded",
        c.prefix, block, chosen ? "absorbed" : "expanded",
        InFlop(absorbed.matmul_flop) / 1e9,
        InFlop(expanded.matmul_flop) / 1e9));
  }
  return chosen;
}

template <typename N, typename Reader>
void AddLatentAttention(LedgerWriter<N, Reader>& c,
                        const LatentAttention& latent,
                        const std::string& block) {
  LatentSizes<N> s;
  s.heads = c.read(latent, LatentAttention::kHeadsFieldNumber);
  s.h = s.heads / c.tp;
  s.q_rank = c.read(latent, LatentAttention::kQRankFieldNumber);
  s.kv_rank = c.read(latent, LatentAttention::kKvRankFieldNumber);
  s.rope = c.read(latent, LatentAttention::kRopeDimFieldNumber);
  s.nope = c.read(latent, LatentAttention::kNopeDimFieldNumber);
  s.v = c.read(latent, LatentAttention::kVDimFieldNumber);
  if (c.is_first_pass) c.ledger->latent_layers += c.layers * c.repeats;
  const N t = c.tokens.linear();
  const NumberFormat& format = *c.formats.mixers;
  const std::string name = c.NameOf(block, ".attention.");
  const N q_out = s.nope + s.rope;
  const N cached = s.kv_rank + s.rope;

  // Down-projections of queries and of keys and values, replicated on every
  // chip.
  Operator<N>& down = c.Add(name + "down_proj", Part::kAttention, c.layers);
  c.Matmul(down, t, c.d, s.q_rank + cached, c.d * (s.q_rank + cached), format);
  c.Vector(down, s.q_rank + s.kv_rank);  // their norms
  down.vector_flop =
      Flop<N>(t * (N(4.0) * (s.q_rank + s.kv_rank) + N(3.0) * s.rope));
  // Queries, from the compressed vector or from the residual stream.
  const N q_in = latent.q_rank() > 0 ? s.q_rank : c.d;
  Operator<N>& query = c.Add(name + "q_proj", Part::kAttention, c.layers);
  c.Matmul(query, t, q_in, s.h * q_out, q_in * s.heads * q_out, format);
  query.vector_flop = Flop<N>(N(3.0) * t * s.h * s.rope);

  const N prompt_span =
      (c.prefix_tokens + N(c.read(c.scenario, Scenario::kPromptFieldNumber))) /
      N(2.0);
  const bool absorbed = ChooseAbsorbed(c, s, c.context, prompt_span, block);
  Operator<N>& core =
      c.Add(name + (absorbed ? "core_absorbed" : "core_expanded"),
            Part::kAttention, c.layers);
  LatentFlop(c, s, c.context, prompt_span, absorbed, &core);
  // The up-projection is read once per step in either form.
  c.HoldWeights(core, s.kv_rank * s.h * (s.nope + s.v),
                s.kv_rank * s.heads * (s.nope + s.v), format);
  // Every chip of a tensor-parallel group holds the whole compressed cache.
  AddCache(c, cached, c.context, c.prefix_tokens, &core);
  if (absorbed) core.kv_sharing = s.h;
  core.activation_in += c.Stream(t * (s.h * q_out + cached));
  core.activation_out += c.Stream(t * s.h * s.v);
  HoldCache(c, cached, cached * c.tp, c.context);

  Operator<N>& output = c.Add(name + "output_proj", Part::kAttention, c.layers);
  c.Matmul(output, t, s.h * s.v, c.d, s.heads * s.v * c.d, format);
}

}  // namespace ledger_internal
}  // namespace tokenjoule

#endif  // ANALYZER_LEDGER_ATTENTION_H_
