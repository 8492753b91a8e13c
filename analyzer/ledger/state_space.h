// Mixers with a recurrent state in the ledger: Mamba-1, Mamba-2, linear
// attention, short convolutions, RWKV. The state is read and written in each
// step, whatever the context. See build_ledger.h.

#ifndef ANALYZER_LEDGER_STATE_SPACE_H_
#define ANALYZER_LEDGER_STATE_SPACE_H_

#include <string>

#include "analyzer/ledger/ledger_writer.h"
#include "analyzer/units/units.h"

namespace tokenjoule {
namespace ledger_internal {

// Elements of the state of one sequence and layer.
template <typename N>
struct StateElements {
  // The recurrent state, in the format `state`.
  N recurrent;
  // The last inputs of the convolution, which engines keep in the model's own
  // format, that of the residual stream, even if the recurrent state is wider.
  N convolution;
};

// State traffic and memory: `on_chip` of the `logical` elements per sequence
// and layer. Verified tokens share one read and one write. A convolution alone
// is not recurrent: it takes no kernels of its own.
template <typename N, typename Reader>
void AddState(LedgerWriter<N, Reader>& c, const StateElements<N>& on_chip,
              const StateElements<N>& logical, Operator<N>* op,
              bool is_recurrent = true) {
  const auto stored = [&](const StateElements<N>& elements, const N& times) {
    return c.Stored(times * elements.recurrent, *c.formats.state) +
           c.Stream(times * elements.convolution);
  };
  op->state_read = stored(on_chip, c.tokens.sequences);
  // A newcomer's state is written at the end of its prompt.
  op->state_write = stored(on_chip, c.tokens.sequences + c.tokens.newcomers);
  if (!c.is_first_pass) return;
  if (is_recurrent) c.ledger->recurrent_layers += c.layers * c.repeats;
  if (c.counts_parameters) {
    c.ledger->state_per_sequence += stored(logical, c.layers);
  }
  c.ledger->sequence_footprint += stored(on_chip, c.tp * c.layers);
}

// Adds a causal convolution of `on_chip` of `all` channels, with an optional
// bias: one multiply-add per tap.
template <typename N, typename Reader>
void AddConvolution(LedgerWriter<N, Reader>& c, const N& on_chip, const N& all,
                    const N& taps, bool bias, Operator<N>* op) {
  const N weights(bias ? 1.0 : 0.0);
  c.HoldWeights(*op, on_chip * (taps + weights), all * (taps + weights),
                *c.formats.vectors);
  op->vector_flop += Flop<N>(N(2.0) * c.tokens.linear() * on_chip * taps);
}

// FLOP per state element and token in Mamba: decay, input times B, sum, and
// output times C as a multiply-add.
inline constexpr double kSelectiveScanFlop = 5;
// The delta rule: decay, read by key (multiply-add), rank-one update
// (multiply-add), read by query (multiply-add).
inline constexpr double kDeltaRuleFlop = 7;
// Lightning attention: decay, rank-one update (multiply-add), read by query
// (multiply-add).
inline constexpr double kFixedDecayFlop = 5;

template <typename N, typename Reader>
void AddMamba1(LedgerWriter<N, Reader>& c, const Mamba1& mamba,
               const std::string& block) {
  const N inner_all = c.read(mamba, Mamba1::kDInnerFieldNumber);
  const N inner = inner_all / c.tp;
  const N states = c.read(mamba, Mamba1::kDStateFieldNumber);
  const N taps = c.read(mamba, Mamba1::kDConvFieldNumber);
  const N rank = c.read(mamba, Mamba1::kDtRankFieldNumber);
  const N t = c.tokens.linear();
  const NumberFormat& format = *c.matrices->mixer;
  const std::string name = c.NameOf(block, ".mamba.");

  Operator<N>& in = c.Add(name + "in_proj", Part::kStateSpace, c.layers);
  c.Matmul(in, t, c.d, N(2.0) * inner, N(2.0) * c.d * inner_all, format);
  if (mamba.projection_bias()) c.ShardedVector(in, N(2.0) * inner_all);
  // Step size, B and C are computed from the convolved input, then the step
  // size has its own projection.
  const N selected = rank + N(2.0) * states;
  Operator<N>& select = c.Add(name + "x_proj", Part::kStateSpace, c.layers);
  AddConvolution(c, inner, inner_all, taps, !mamba.no_conv_bias(), &select);
  c.Matmul(select, t, inner, selected, inner_all * selected, format);
  c.Matmul(select, t, rank, inner, rank * inner_all, format);
  c.HoldWeights(select, inner, inner_all, *c.formats.vectors);  // its bias
  if (mamba.inner_norms()) c.Vector(select, selected);

  // Each chip has a partial sum over channels.
  c.AddCollective(name + "x_proj.all_reduce", Collective::kAllReduce,
                  c.parallel.tp, c.layers, c.Stream(t * selected));

  Operator<N>& scan = c.Add(name + "scan", Part::kStateSpace, c.layers);
  scan.vector_flop = Flop<N>(N(kSelectiveScanFlop) * t * inner * states);
  c.HoldWeights(scan, inner * (states + N(1.0)), inner_all * (states + N(1.0)),
                *c.formats.vectors);  // A, D
  AddState<N>(c, {inner * states, inner * taps},
              {inner_all * states, inner_all * taps}, &scan);
  scan.activation_in = c.Stream(t * (N(3.0) * inner + N(2.0) * states));
  scan.activation_out = c.Stream(t * inner);

  Operator<N>& out = c.Add(name + "out_proj", Part::kStateSpace, c.layers);
  c.Matmul(out, t, inner, c.d, inner_all * c.d, format);
  if (mamba.projection_bias()) c.Vector(out, c.d);
}

template <typename N, typename Reader>
void AddMamba2(LedgerWriter<N, Reader>& c, const Mamba2& mamba,
               const std::string& block) {
  const N heads_all = c.read(mamba, Mamba2::kHeadsFieldNumber);
  const N heads = heads_all / c.tp;
  const N width = c.read(mamba, Mamba2::kHeadDimFieldNumber);
  const N states = c.read(mamba, Mamba2::kDStateFieldNumber);
  const N groups_all = c.read(mamba, Mamba2::kGroupsFieldNumber);
  const N groups = Max(groups_all / c.tp, N(1.0));
  const N taps = c.read(mamba, Mamba2::kDConvFieldNumber);
  const N inner = heads * width, inner_all = heads_all * width;
  const N mixed = inner + N(2.0) * groups * states;
  const N mixed_all = inner_all + N(2.0) * groups_all * states;
  const N t = c.tokens.linear();
  const NumberFormat& format = *c.matrices->mixer;
  const std::string name = c.NameOf(block, ".mamba.");

  // Gate, input, B, C and step sizes in one product.
  Operator<N>& in = c.Add(name + "in_proj", Part::kStateSpace, c.layers);
  c.Matmul(in, t, c.d, inner + mixed + heads,
           c.d * (inner_all + mixed_all + heads_all), format);
  if (mamba.projection_bias()) {
    c.ShardedVector(in, inner_all + mixed_all + heads_all);
  }

  Operator<N>& scan = c.Add(name + "scan", Part::kStateSpace, c.layers);
  AddConvolution(c, mixed, mixed_all, taps, !mamba.no_conv_bias(), &scan);
  scan.vector_flop +=
      Flop<N>(N(kSelectiveScanFlop) * t * heads * width * states);
  c.HoldWeights(scan, N(3.0) * heads, N(3.0) * heads_all,
                *c.formats.vectors);  // A, D, step-size bias
  AddState<N>(c, {inner * states, mixed * taps},
              {inner_all * states, mixed_all * taps}, &scan);
  scan.activation_in = c.Stream(t * (mixed + heads));
  scan.activation_out = c.Stream(t * inner);

  Operator<N>& out = c.Add(name + "out_proj", Part::kStateSpace, c.layers);
  c.Matmul(out, t, inner, c.d, inner_all * c.d, format);
  if (mamba.projection_bias()) c.Vector(out, c.d);
  if (!mamba.no_gated_norm()) {
    c.HoldWeights(out, inner, inner_all, *c.formats.vectors);
  }
  out.vector_flop = Flop<N>(N(mamba.no_gated_norm() ? 5.0 : 9.0) * t * inner);
}

template <typename N, typename Reader>
void AddLinearAttention(LedgerWriter<N, Reader>& c,
                        const LinearAttention& linear,
                        const std::string& block) {
  const N key_heads = c.read(linear, LinearAttention::kKeyHeadsFieldNumber);
  const N value_heads = c.read(linear, LinearAttention::kValueHeadsFieldNumber);
  const N key_dim = c.read(linear, LinearAttention::kKeyHeadDimFieldNumber);
  const N value_dim = c.read(linear, LinearAttention::kValueHeadDimFieldNumber);
  const N taps = c.read(linear, LinearAttention::kDConvFieldNumber);
  const N keys_all = key_heads * key_dim, keys = keys_all / c.tp;
  const N values_all = value_heads * value_dim, values = values_all / c.tp;
  const N heads = value_heads / c.tp;
  const N t = c.tokens.linear();
  const NumberFormat& format = *c.matrices->mixer;
  const std::string name = c.NameOf(block, ".linear_attention.");

  // Queries, keys and values, and what the rule takes beside them: an output
  // gate as wide as the values, and decays and write strengths per head.
  const bool gated_delta = linear.rule() == LinearAttention::GATED_DELTA;
  const bool kimi = linear.rule() == LinearAttention::KIMI_DELTA;
  const bool lightning = linear.rule() == LinearAttention::LIGHTNING;
  // Decays of the gated delta rule are projected beside the write strengths;
  // the delta rule of Kimi has low-rank decays and gates; lightning attention
  // has fixed decays and no write strength.
  const bool low_gate = kimi && !linear.full_rank_gate();
  const bool low_decay = kimi && !linear.full_rank_decay();
  const N gates(low_gate ? 0.0 : 1.0);
  const N decays(kimi && !low_decay ? 1.0 : 0.0);
  const N per_head(gated_delta ? 2.0 : kimi ? 1.0 : 0.0);
  const N out_width =
      (N(2.0) + decays) * keys + (N(1.0) + gates) * values + per_head * heads;
  const N out_width_all = (N(2.0) + decays) * keys_all +
                          (N(1.0) + gates) * values_all +
                          per_head * value_heads;
  Operator<N>& in = c.Add(name + "in_proj", Part::kStateSpace, c.layers);
  c.Matmul(in, t, c.d, out_width, c.d * out_width_all, format);
  if (linear.qk_norm()) c.Vector(in, N(2.0) * key_dim);
  if (low_gate || low_decay) {
    // d -> one head's width -> all heads, for the decay and for the gate.
    const N pairs((low_gate ? 1.0 : 0.0) + (low_decay ? 1.0 : 0.0));
    const N g(low_gate ? 1.0 : 0.0), y(low_decay ? 1.0 : 0.0);
    Operator<N>& low = c.Add(name + "low_rank", Part::kStateSpace, c.layers);
    c.Matmul(low, t, c.d, pairs * key_dim, pairs * c.d * key_dim, format);
    c.Matmul(low, t, key_dim, y * keys + g * values,
             key_dim * (y * keys_all + g * values_all), format);
  }

  const N mixed = N(2.0) * keys + values;
  const N mixed_all = N(2.0) * keys_all + values_all;
  Operator<N>& core = c.Add(name + (lightning ? "lightning" : "delta_rule"),
                            Part::kStateSpace, c.layers);
  if (linear.d_conv() > 0) {
    AddConvolution(c, mixed, mixed_all, taps, /*bias=*/false, &core);
  }
  core.vector_flop += Flop<N>(N(lightning ? kFixedDecayFlop : kDeltaRuleFlop) *
                              t * values * key_dim);
  if (gated_delta) {
    c.HoldWeights(core, N(2.0) * heads, N(2.0) * value_heads,
                  *c.formats.vectors);  // decay and step-size bias
  } else if (kimi) {
    c.HoldWeights(core, heads + keys, value_heads + keys_all,
                  *c.formats.vectors);  // decay per head, bias per channel
  }
  AddState<N>(c, {values * key_dim, mixed * taps},
              {values_all * key_dim, mixed_all * taps}, &core);
  core.activation_in = c.Stream(t * (mixed + N(2.0) * heads));
  core.activation_out = c.Stream(t * values);

  Operator<N>& out = c.Add(name + "out_proj", Part::kStateSpace, c.layers);
  c.Matmul(out, t, values, c.d, values_all * c.d, format);
  // The gated norm: one head's width for all heads, or all heads' width.
  if (lightning) {
    c.ShardedVector(out, values_all);
  } else {
    c.Vector(out, value_dim);
  }
  out.vector_flop = Flop<N>(N(9.0) * t * values);
}

// x -> B, C, v of d elements each; y = C * conv(B * v); an output projection.
// The state holds the last inputs of the convolution.
template <typename N, typename Reader>
void AddShortConvolution(LedgerWriter<N, Reader>& c,
                         const ShortConvolution& convolution,
                         const std::string& block) {
  const N taps = c.read(convolution, ShortConvolution::kDConvFieldNumber);
  const N t = c.tokens.linear();
  const N width = c.d / c.tp;
  const NumberFormat& format = *c.matrices->mixer;
  const std::string name = c.NameOf(block, ".convolution.");
  Operator<N>& in = c.Add(name + "in_proj", Part::kStateSpace, c.layers);
  c.Matmul(in, t, c.d, N(3.0) * width, N(3.0) * c.d * c.d, format);
  if (convolution.bias()) c.ShardedVector(in, N(3.0) * c.d);

  Operator<N>& core = c.Add(name + "conv", Part::kStateSpace, c.layers);
  AddConvolution(c, width, c.d, taps, convolution.bias(), &core);
  core.vector_flop += Flop<N>(N(2.0) * t * width);
  AddState<N>(c, {N(0.0), width * taps}, {N(0.0), c.d * taps}, &core,
              /*is_recurrent=*/false);
  core.activation_in = c.Stream(N(3.0) * t * width);
  core.activation_out = c.Stream(t * width);

  Operator<N>& out = c.Add(name + "out_proj", Part::kStateSpace, c.layers);
  c.Matmul(out, t, width, c.d, c.d * c.d, format);
  if (convolution.bias()) c.Vector(out, c.d);
}

// RWKV's time mixing: matrices of d x (heads x head_dim), low-rank corrections,
// and a state that decays, is written and is read like that of the delta rule.
// The state also holds the previous token's inputs of both mixings (2 d).
template <typename N, typename Reader>
void AddRwkv(LedgerWriter<N, Reader>& c, const Rwkv& rwkv,
             const std::string& block) {
  const N heads_all = c.read(rwkv, Rwkv::kHeadsFieldNumber);
  const N e = c.read(rwkv, Rwkv::kHeadDimFieldNumber);
  const N matrices = c.read(rwkv, Rwkv::kMatricesFieldNumber);
  const N low_rank = c.read(rwkv, Rwkv::kLowRankElementsFieldNumber);
  const N vectors = c.read(rwkv, Rwkv::kVectorElementsFieldNumber);
  const N inner_all = heads_all * e, inner = inner_all / c.tp;
  const N t = c.tokens.linear();
  const NumberFormat& format = *c.matrices->mixer;
  const std::string name = c.NameOf(block, ".time_mix.");
  const N in_matrices = matrices - N(1.0);
  Operator<N>& in = c.Add(name + "in_proj", Part::kStateSpace, c.layers);
  c.Matmul(in, t, c.d, in_matrices * inner, in_matrices * c.d * inner_all,
           format);
  // Low-rank matrices are small and stay in the format of vectors.
  in.matmul_flop += Flop<N>(N(2.0) * t * low_rank);
  c.Vector(in, low_rank + vectors);

  Operator<N>& core = c.Add(name + "wkv", Part::kStateSpace, c.layers);
  core.vector_flop = Flop<N>(N(kDeltaRuleFlop) * t * inner * e);
  AddState<N>(c, {inner * e, N(2.0) * c.d / c.tp},
              {inner_all * e, N(2.0) * c.d}, &core);
  core.activation_in = c.Stream(t * in_matrices * inner);
  core.activation_out = c.Stream(t * inner);

  Operator<N>& out = c.Add(name + "out_proj", Part::kStateSpace, c.layers);
  c.Matmul(out, t, inner, c.d, inner_all * c.d, format);
}

}  // namespace ledger_internal
}  // namespace tokenjoule

#endif  // ANALYZER_LEDGER_STATE_SPACE_H_
