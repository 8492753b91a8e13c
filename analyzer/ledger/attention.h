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
// `vector_per_score` vector FLOP per score.
inline constexpr double kSoftmaxFlop = 5;  // scale, - maximum, exp, sum, divide
inline constexpr double kIndexScoreFlop = 3;  // ReLU, weigh, sum
template <typename N, typename Reader>
void AddScores(const LedgerWriter<N, Reader>& c, const N& heads, const N& span,
               const N& prefill_span, const N& per_score,
               const N& per_prefill_score, Operator<N>* op,
               double vector_per_score = kSoftmaxFlop) {
  const N scores = heads * c.tokens.sequences * c.tokens.queries * span;
  const N prefill_scores = heads * c.tokens.prefill * prefill_span;
  op->matmul_flop = Flop<N>(
      N(2.0) * (scores * per_score + prefill_scores * per_prefill_score));
  op->vector_flop = Flop<N>(N(vector_per_score) * (scores + prefill_scores));
  op->product_kind = ProductKind::kAttention;
  op->weight_format = c.formats.kv;
  op->activation_format = c.formats.stream;
}

// What one layer caches for one token: elements in up to two formats.
template <typename N>
struct CachedToken {
  N keys;
  const NumberFormat* key_format;
  N values;
  const NumberFormat* value_format;

  Data<N> Times(const N& positions) const {
    return StoredBytes(keys * positions, *key_format) +
           StoredBytes(values * positions, *value_format);
  }
};

// The same of latent attention: the compressed vector and the rotary key, which
// FlashMLA's fp8 cache leaves in 16 bits.
template <typename N, typename Reader>
CachedToken<N> LatentToken(const LedgerWriter<N, Reader>& c, const N& kv_rank,
                           const N& rope) {
  const bool keeps_rope = c.formats.kv->name == "fp8-ds-mla";
  return {kv_rank, c.formats.kv, rope,
          keeps_rope ? c.formats.stream : c.formats.kv};
}

// KV cache traffic of one chip, with `token` per token and layer. Each
// sequence's cache is read once per step, however many tokens are verified; a
// shared prefix is read once for all sequences if the kernels support it.
// Prompts are written to the cache but read back on chip, except for the
// `prefill_cached` positions of a shared prefix, which each newcomer reads
// once.
template <typename N, typename Reader>
void AddCache(const LedgerWriter<N, Reader>& c, const CachedToken<N>& token,
              const N& span, const N& prefill_cached, Operator<N>* op) {
  N positions = c.tokens.sequences * span + c.tokens.newcomers * prefill_cached;
  if (c.scenario.shared_prefix_read_once()) {
    positions -= (c.tokens.sequences - N(1.0)) * SharedWithin(c, span);
  }
  op->kv_read += token.Times(positions);
  op->kv_write += token.Times(c.tokens.linear());
}

// Memory of the cache: `logical` per token and layer, or `held` including the
// copies over the chips of a replica; `kept` positions, in whole pages if there
// are pages: p ceil(kept / p), of which p floor(shared / p) hold the prefix.
template <typename N, typename Reader>
void HoldCache(const LedgerWriter<N, Reader>& c, const CachedToken<N>& logical,
               const CachedToken<N>& held, const N& kept) {
  using std::ceil;
  using std::floor;
  if (!c.is_first_pass) return;
  if (c.counts_parameters) {
    c.ledger->kv_per_sequence += logical.Times(kept * c.layers);
  }
  N all = kept, shared = SharedWithin(c, kept);
  if (c.scenario.kv_page_tokens() > 0) {
    const N page = PageTokens<N>(c.scenario);
    all = N(ceil(all / page)) * page;
    shared = N(floor(shared / page)) * page;
  }
  c.ledger->sequence_footprint += held.Times((all - shared) * c.layers);
  c.ledger->prefix_footprint += held.Times(shared * c.layers);
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
N WholePrefillSpan(const LedgerWriter<N, Reader>& c) {
  return (c.prefix_tokens +
          N(c.read(c.scenario, Scenario::kPromptFieldNumber))) /
         N(2.0);
}
template <typename N, typename Reader, typename SumOfFirst>
N NarrowPrefillSpan(const LedgerWriter<N, Reader>& c,
                    const SumOfFirst& sum_of_first, const N& width) {
  const N prompt = c.read(c.scenario, Scenario::kPromptFieldNumber);
  const N& prefix = c.prefix_tokens;
  return (sum_of_first(prompt, width) - sum_of_first(prefix, width)) /
         (prompt - prefix);
}
template <typename N, typename Reader>
bool HasPrompts(const LedgerWriter<N, Reader>& c) {
  return Holds(c.prefix_tokens <
               N(c.read(c.scenario, Scenario::kPromptFieldNumber)));
}
template <typename N, typename Reader>
N PrefillSpan(const LedgerWriter<N, Reader>& c, const Attention& attention) {
  if (attention.window_case() == Attention::WINDOW_NOT_SET || !HasPrompts(c)) {
    return Span(c, attention, WholePrefillSpan(c));
  }
  if (attention.has_chunk_tokens()) {
    return NarrowPrefillSpan(
        c, ChunkedSum<N>,
        N(c.read(attention, Attention::kChunkTokensFieldNumber)));
  }
  return NarrowPrefillSpan(
      c, WindowedSum<N>,
      N(c.read(attention, Attention::kSlidingTokensFieldNumber)));
}

// Positions that attention reads where an indexer chooses them.
template <typename N, typename Reader>
N ChosenOf(const LedgerWriter<N, Reader>& c, const Indexer& indexer,
           const N& span) {
  return Min(span, N(c.read(indexer, Indexer::kTopKFieldNumber)));
}
// The same for a prompt's token, in the mean.
template <typename N, typename Reader>
N ChosenOfPrefill(const LedgerWriter<N, Reader>& c, const Indexer& indexer,
                  const N& span) {
  if (!HasPrompts(c)) return ChosenOf(c, indexer, span);
  return NarrowPrefillSpan(c, WindowedSum<N>,
                           N(c.read(indexer, Indexer::kTopKFieldNumber)));
}

// The indexer of sparse attention: `heads` index queries per token, projected
// from `q_in` elements, are scored against the one index key of every position;
// a weight per head, from the residual stream, sums the scores
// (arXiv:2512.02556, eq. 1: a product, a ReLU and a weighted sum, so 3 vector
// FLOP per score). Index weights, keys and scores are replicated on every chip
// of the group, as vLLM and SGLang do.
template <typename N, typename Reader>
void AddIndexer(LedgerWriter<N, Reader>& c, const Indexer& indexer,
                const N& q_in, const N& prefill_span, const std::string& name) {
  if (indexer.reused()) return;
  const N heads = c.read(indexer, Indexer::kHeadsFieldNumber);
  const N e = c.read(indexer, Indexer::kHeadDimFieldNumber);
  const N t = c.tokens.linear();
  const NumberFormat& format = *c.matrices->mixer;
  const NumberFormat& keys = GetFormat(
      indexer.key_format().empty() ? "fp8-g128" : indexer.key_format());
  Operator<N>& project = c.Add(name + "index_proj", Part::kAttention, c.layers);
  c.Matmul(project, t, q_in, heads * e, q_in * heads * e, format);
  c.Matmul(project, t, c.d, e, c.d * e, format);
  // The weights of the heads stay in the format of vectors.
  if (!indexer.no_head_weights()) {
    c.Multiply(project, t, c.d, heads, *c.formats.vectors);
    c.HoldWeights(project, c.d * heads, c.d * heads, *c.formats.vectors);
  }
  c.Vector(project, N(2.0) * e);  // the layer norm of the key
  project.weight_format = &KernelFormat(format);
  project.vector_flop = Flop<N>(t * (N(3.0) * heads * e + N(11.0) * e));

  Operator<N>& score = c.Add(name + "index_score", Part::kAttention, c.layers);
  AddScores(c, heads, c.context, prefill_span, e, e, &score, kIndexScoreFlop);
  score.weight_format = &keys;
  const CachedToken<N> key = {e, &keys, N(0.0), &keys};
  AddCache(c, key, c.context, c.prefix_tokens, &score);
  score.kv_sharing = heads;
  score.activation_in = c.Stream(t * heads * (e + N(1.0)));
  CachedToken<N> held = key;
  held.keys = held.keys * c.tp;
  HoldCache(c, key, held, c.context);
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
  const N v = attention.value_head_dim() > 0
                  ? N(c.read(attention, Attention::kValueHeadDimFieldNumber))
                  : e;
  // Elements that the key and value projections put out per KV head.
  const N new_keys = attention.shared_kv() ? N(0.0) : e;
  const N new_values =
      attention.shared_kv() || attention.value_from_key() ? N(0.0) : v;
  const N gate(attention.output_gate() ? 2.0 : 1.0);
  const N gates(attention.head_gate() ? 1.0 : 0.0);
  const N t = c.tokens.linear();
  const MatrixFormats& formats = *c.matrices;
  const std::string name = c.NameOf(block, ".attention.");

  // Query, key and value projections as one product, with the output gates, if
  // any, beside the queries.
  Operator<N>& qkv = c.Add(name + "qkv_proj", Part::kAttention, c.layers);
  c.Multiply(qkv, t, c.d, h * (gate * e + gates) + g * (new_keys + new_values),
             *formats.query);
  c.HoldWeights(qkv, c.d * h * (gate * e + gates),
                c.d * heads * (gate * e + gates), *formats.query);
  c.HoldWeights(qkv, c.d * g * new_keys, c.d * kv_heads * new_keys,
                *formats.key);
  c.HoldWeights(qkv, c.d * g * new_values, c.d * kv_heads * new_values,
                *formats.value);
  if (attention.qkv_bias()) {
    c.HoldWeights(qkv, h * e + g * (new_keys + new_values),
                  heads * e + kv_heads * (new_keys + new_values),
                  *c.formats.vectors);
  }
  const bool has_keys = !attention.shared_kv();
  if (attention.qk_norm()) c.Vector(qkv, N(has_keys ? 2.0 : 1.0) * e);
  if (attention.qk_norm_all_heads()) {
    c.HoldWeights(qkv, h * e + g * new_keys, heads * e + kv_heads * new_keys,
                  *c.formats.vectors);
  }
  // Rotary embedding: two multiplications and an addition per element of
  // queries and keys; q/k norms take 4 more.
  const bool has_norms = attention.qk_norm() || attention.qk_norm_all_heads();
  qkv.vector_flop =
      Flop<N>(N(has_norms ? 7.0 : 3.0) * t * (h * e + g * new_keys));

  N span = Span(c, attention, c.context);
  N prefill_span = PrefillSpan(c, attention);
  if (attention.has_indexer()) {
    AddIndexer(c, attention.indexer(), c.d, prefill_span, name);
    span = ChosenOf(c, attention.indexer(), span);
    prefill_span = ChosenOfPrefill(c, attention.indexer(), prefill_span);
  }
  // softmax(q K^T) V: e + v multiply-adds per score; K and V are g S e and g S
  // v elements per sequence.
  Operator<N>& core = c.Add(name + "core", Part::kAttention, c.layers);
  AddScores(c, h, span, prefill_span, e + v, e + v, &core);
  const CachedToken<N> token = {g * e, c.formats.kv, g * v,
                                c.formats.kv_values};
  AddCache(c, token, span, Span(c, attention, c.prefix_tokens), &core);
  core.kv_sharing = h / g;
  core.activation_in = c.Stream(t * (h * e + g * (e + v)));
  core.activation_out = c.Stream(t * h * v);
  if (attention.sinks()) c.ShardedVector(core, heads);

  Operator<N>& output = c.Add(name + "output_proj", Part::kAttention, c.layers);
  c.Matmul(output, t, h * v, c.d, heads * v * c.d, *formats.output);
  if (attention.output_bias()) c.Vector(output, c.d);
  if (attention.output_gate() || attention.head_gate()) {
    output.vector_flop = Flop<N>(N(5.0) * t * h * v);
  }
  if (attention.shared_kv()) {
    core.kv_write = Data<N>();
    return;
  }
  const auto over = [&](const N& kv) {
    return CachedToken<N>{kv * e, c.formats.kv, kv * v, c.formats.kv_values};
  };
  HoldCache(c, over(kv_heads), over(g * c.tp), Kept(c, attention));
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
  const NumberFormat& format = *c.matrices->mixer;
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

  N span = c.context;
  N prompt_span = WholePrefillSpan(c);
  if (latent.has_indexer()) {
    AddIndexer(c, latent.indexer(), q_in, prompt_span, name);
    span = ChosenOf(c, latent.indexer(), span);
    prompt_span = ChosenOfPrefill(c, latent.indexer(), prompt_span);
  }
  const bool absorbed = ChooseAbsorbed(c, s, span, prompt_span, block);
  Operator<N>& core =
      c.Add(name + (absorbed ? "core_absorbed" : "core_expanded"),
            Part::kAttention, c.layers);
  LatentFlop(c, s, span, prompt_span, absorbed, &core);
  // The up-projection is read once per step in either form.
  c.HoldWeights(core, s.kv_rank * s.h * (s.nope + s.v),
                s.kv_rank * s.heads * (s.nope + s.v), format);
  // Every chip of a tensor-parallel group holds the whole compressed cache.
  const CachedToken<N> token = LatentToken(c, s.kv_rank, s.rope);
  AddCache(c, token, span, c.prefix_tokens, &core);
  if (absorbed) core.kv_sharing = s.h;
  core.activation_in += c.Stream(t * (s.h * q_out + cached));
  core.activation_out += c.Stream(t * s.h * s.v);
  HoldCache(c, token, LatentToken(c, s.kv_rank * c.tp, s.rope * c.tp),
            c.context);

  Operator<N>& output = c.Add(name + "output_proj", Part::kAttention, c.layers);
  c.Matmul(output, t, s.h * s.v, c.d, s.heads * s.v * c.d, *c.matrices->output);
}

// One projection pair of a compressor, gate and value of `width` each, with its
// position bias of `ratio` x width and the norm of a compressed vector.
template <typename N, typename Reader>
void AddCompressor(LedgerWriter<N, Reader>& c, const N& width, const N& norm,
                   const N& ratio, Operator<N>* op) {
  c.Matmul(*op, c.tokens.linear(), c.d, N(2.0) * width, N(2.0) * c.d * width,
           *c.matrices->mixer);
  c.Vector(*op, ratio * width + norm);
}

// Attention over a window and compressed positions. With S positions in the
// context, min(S, W) vectors of the window are read and S / r compressed ones,
// or those among them that the indexer chose. Every chip of a group holds the
// whole cache, since all heads share it.
template <typename N, typename Reader>
void AddCompressedAttention(LedgerWriter<N, Reader>& c,
                            const CompressedAttention& attention,
                            const std::string& block) {
  using Field = CompressedAttention;
  const N heads = c.read(attention, Field::kHeadsFieldNumber);
  const N h = heads / c.tp;
  const N e = c.read(attention, Field::kHeadDimFieldNumber);
  const N q_rank = c.read(attention, Field::kQRankFieldNumber);
  const N window = c.read(attention, Field::kSlidingTokensFieldNumber);
  const N groups = c.read(attention, Field::kOutputGroupsFieldNumber);
  const N rank = c.read(attention, Field::kOutputRankFieldNumber);
  const bool compresses = attention.ratio() > 0;
  const N ratio = c.read(attention, Field::kRatioFieldNumber);
  const N overlap = attention.overlap() > 0
                        ? N(c.read(attention, Field::kOverlapFieldNumber))
                        : N(1.0);
  const N t = c.tokens.linear();
  const NumberFormat& format = *c.matrices->mixer;
  const std::string name = c.NameOf(block, ".attention.");

  Operator<N>& down = c.Add(name + "down_proj", Part::kAttention, c.layers);
  c.Matmul(down, t, c.d, q_rank + e, c.d * (q_rank + e), format);
  c.Vector(down, q_rank + e);  // their norms
  down.vector_flop = Flop<N>(N(4.0) * t * (q_rank + e));
  Operator<N>& query = c.Add(name + "q_proj", Part::kAttention, c.layers);
  c.Matmul(query, t, q_rank, h * e, q_rank * heads * e, format);
  query.vector_flop = Flop<N>(N(3.0) * t * h * e);

  N span = Min(c.context, window);
  N prefill_span =
      HasPrompts(c) ? NarrowPrefillSpan(c, WindowedSum<N>, window) : span;
  N written(1.0);
  if (compresses) {
    Operator<N>& press = c.Add(name + "compressor", Part::kAttention, c.layers);
    AddCompressor(c, overlap * e, e, ratio, &press);
    const N all = c.context / ratio;
    N chosen = all, prefill_chosen = WholePrefillSpan(c) / ratio;
    if (attention.has_indexer()) {
      const Indexer& indexer = attention.indexer();
      const N index_heads = c.read(indexer, Indexer::kHeadsFieldNumber);
      const N index_dim = c.read(indexer, Indexer::kHeadDimFieldNumber);
      const NumberFormat& keys = GetFormat(
          indexer.key_format().empty() ? "fp8-g128" : indexer.key_format());
      AddCompressor(c, overlap * index_dim, index_dim, ratio, &press);
      Operator<N>& project =
          c.Add(name + "index_proj", Part::kAttention, c.layers);
      c.Matmul(project, t, q_rank, index_heads * index_dim,
               q_rank * index_heads * index_dim, format);
      c.HoldWeights(project, c.d * index_heads, c.d * index_heads,
                    *c.formats.vectors);
      Operator<N>& score =
          c.Add(name + "index_score", Part::kAttention, c.layers);
      AddScores(c, index_heads, all, prefill_chosen, index_dim, index_dim,
                &score, kIndexScoreFlop);
      score.weight_format = &keys;
      score.kv_sharing = index_heads;
      const CachedToken<N> key = {index_dim, &keys, N(0.0), &keys};
      AddCache(c, key, all, c.prefix_tokens / ratio, &score);
      score.kv_write = key.Times(t / ratio);
      CachedToken<N> held = key;
      held.keys = held.keys * c.tp;
      HoldCache(c, key, held, all);
      const N top_k = c.read(indexer, Indexer::kTopKFieldNumber);
      chosen = Min(all, top_k);
      prefill_chosen = Min(prefill_chosen, top_k);
    }
    span += chosen;
    prefill_span += prefill_chosen;
    written += N(1.0) / ratio;
  }
  // softmax(q K^T) K: two products with the same vector.
  Operator<N>& core = c.Add(name + "core", Part::kAttention, c.layers);
  AddScores(c, h, span, prefill_span, N(2.0) * e, N(2.0) * e, &core);
  const CachedToken<N> token = {e, c.formats.kv, N(0.0), c.formats.kv};
  AddCache(c, token, span, Min(c.prefix_tokens, window), &core);
  core.kv_write = token.Times(t * written);
  core.kv_sharing = h;
  core.activation_in = c.Stream(t * (h + N(1.0)) * e);
  core.activation_out = c.Stream(t * h * e);
  if (attention.sinks()) c.ShardedVector(core, heads);
  CachedToken<N> held = token;
  held.keys = held.keys * c.tp;
  HoldCache(c, token, held,
            Min(c.context, window) + (compresses ? c.context / ratio : N(0.0)));

  // Each group's heads are projected by a matrix of their own.
  Operator<N>& output = c.Add(name + "output_proj", Part::kAttention, c.layers);
  c.Matmul(output, t, h * e, rank, heads * e * rank, *c.matrices->output);
  c.Matmul(output, t, groups * rank / c.tp, c.d, groups * rank * c.d,
           *c.matrices->output);
}

}  // namespace ledger_internal
}  // namespace tokenjoule

#endif  // ANALYZER_LEDGER_ATTENTION_H_
