// Channel parts in the ledger: dense networks and mixtures of experts. See
// build_ledger.h.

#ifndef ANALYZER_LEDGER_FEED_FORWARD_H_
#define ANALYZER_LEDGER_FEED_FORWARD_H_

#include <cmath>
#include <string>

#include "analyzer/ledger/ledger_writer.h"
#include "analyzer/ledger/routing.h"
#include "analyzer/units/units.h"

namespace tokenjoule {
namespace ledger_internal {

// About 5 FLOP for the activation function, plus one for the gate's product.
inline double ActivationFlop(bool gated) { return gated ? 6.0 : 5.0; }

// Formats of a network's matrices.
struct MlpFormats {
  const NumberFormat* gate;
  const NumberFormat* up;
  const NumberFormat* down;
};

template <typename N, typename Reader>
void AddMlp(LedgerWriter<N, Reader>& c, const Mlp& mlp, const std::string& name,
            Part part, const MlpFormats& formats) {
  const N ff_all = c.read(mlp, Mlp::kDFfFieldNumber);
  const N ff = ff_all / c.tp;
  const N ups(mlp.gated() ? 2.0 : 1.0);
  const N t = c.tokens.linear();
  Operator<N>& up =
      c.Add(c.NameOf(name, mlp.gated() ? ".gate_up_proj" : ".up_proj"), part,
            c.layers);
  c.Multiply(up, t, c.d, ups * ff, *formats.up);
  c.HoldWeights(up, c.d * ff, c.d * ff_all, *formats.up);
  if (mlp.gated()) c.HoldWeights(up, c.d * ff, c.d * ff_all, *formats.gate);
  if (mlp.bias()) c.ShardedVector(up, ups * ff_all);
  up.vector_flop = Flop<N>(N(ActivationFlop(mlp.gated())) * t * ff);
  Operator<N>& down = c.Add(c.NameOf(name, ".down_proj"), part, c.layers);
  c.Matmul(down, t, ff, c.d, ff_all * c.d, *formats.down);
  if (mlp.bias()) c.Vector(down, c.d);
}

// How the experts of a layer are distributed and visited.
template <typename N>
struct ExpertLoad {
  N tokens;    // tokens routed together by the chips that share the experts
  N visits;    // mean (token, expert) pairs per chip
  N distinct;  // mean distinct experts read per chip
  N held;      // experts held per chip
  N split;     // chips that share one expert
  N weight_imbalance;
  N flop_imbalance;
};

// Experts with weights that a token visits, in the mean: those that do nothing
// are as likely as the others.
template <typename N, typename Reader>
N VisitedExperts(const LedgerWriter<N, Reader>& c,
                 const MixtureOfExperts& moe) {
  const N per_token =
      c.read(moe, MixtureOfExperts::kExpertsPerTokenFieldNumber);
  if (moe.identity_experts() == 0) return per_token;
  const N experts = c.read(moe, MixtureOfExperts::kExpertsFieldNumber);
  const N all =
      experts + N(c.read(moe, MixtureOfExperts::kIdentityExpertsFieldNumber));
  return per_token * experts / all;
}

template <typename N, typename Reader>
ExpertLoad<N> LoadOf(const LedgerWriter<N, Reader>& c,
                     const MixtureOfExperts& moe) {
  const N experts = c.read(moe, MixtureOfExperts::kExpertsFieldNumber);
  const N per_token = VisitedExperts(c, moe);
  const bool spread = c.parallel.ep > 1;
  const N ep(static_cast<double>(c.parallel.ep));
  ExpertLoad<N> load;
  // Replicas route their tokens together if experts are spread over them.
  load.tokens = c.tokens.linear() *
                N(spread ? static_cast<double>(c.parallel.replicas) : 1.0);
  load.visits = load.tokens * per_token / ep;
  const N distinct =
      DistinctExperts(experts, per_token, load.tokens, c.scenario);
  load.distinct = distinct / ep;
  load.held = experts / ep;
  load.split = N(static_cast<double>(c.parallel.expert_tp));
  load.weight_imbalance = N(1.0);
  load.flop_imbalance = N(1.0);
  if (spread && c.scenario.routing() != BALANCED) {
    // The distinct experts of a chip are a sum of E / ep Bernoulli variables
    // with probability p; its visits are binomial with k T trials. Mean and
    // variance give the expected maximum over ep such chips.
    const N chance = distinct / experts;
    load.weight_imbalance = ExpectedMaximumOverMean(
        load.distinct, load.distinct * (N(1.0) - chance), c.parallel.ep);
    load.weight_imbalance =
        Min(load.weight_imbalance, load.held / load.distinct);
    load.flop_imbalance = ExpectedMaximumOverMean(
        load.visits, load.visits * (N(1.0) - N(1.0) / ep), c.parallel.ep);
  }
  return load;
}

// Adds `matrices` of an expert's matrices as one product, each `in` x `out` per
// chip; the last is stored in `format`, any other in `other`.
template <typename N, typename Reader>
void AddExpertMatrix(LedgerWriter<N, Reader>& c, const ExpertLoad<N>& load,
                     const MixtureOfExperts& moe, int matrices, const N& in,
                     const N& out, const NumberFormat& format,
                     const NumberFormat& other, const N& bias,
                     Operator<N>* op) {
  const N experts = c.read(moe, MixtureOfExperts::kExpertsFieldNumber);
  const N per_token = VisitedExperts(c, moe);
  const N times(static_cast<double>(matrices));
  c.Multiply(*op, load.visits, in, times * out, format);
  op->tokens_per_matrix = load.visits / load.distinct;
  for (int i = 0; i < matrices; ++i) {
    op->weight_read +=
        c.Stored(load.distinct * in * out, i == 0 ? format : other);
  }
  op->weight_read += c.Stored(load.distinct * bias, *c.formats.vectors);
  op->weight_imbalance = load.weight_imbalance;
  op->flop_imbalance = load.flop_imbalance;
  const N layers = c.layers;
  for (int i = 0; i < matrices; ++i) {
    c.Hold(op->part, load.held * in * out * layers, i == 0 ? format : other);
  }
  c.Hold(op->part, load.held * bias * layers, *c.formats.vectors);
  // Copies of biases on the chips that split an expert do not count as
  // parameters.
  const N all = experts * (times * in * out * load.split + bias) * layers;
  c.CountParameters(all, all * per_token / experts);
  c.CountUsed(*op, all * per_token / experts);
}

// Width in which routed experts run.
template <typename N, typename Reader>
N ExpertWidth(const LedgerWriter<N, Reader>& c, const MixtureOfExperts& moe) {
  return moe.latent_dim() > 0
             ? N(c.read(moe, MixtureOfExperts::kLatentDimFieldNumber))
             : c.d;
}

// Sends tokens to the chips that hold their experts, and back. A token goes to
// the distinct chips that hold its k experts; (ep - 1) / ep of these are other
// chips.
template <typename N, typename Reader>
void AddAllToAll(LedgerWriter<N, Reader>& c, const MixtureOfExperts& moe,
                 const std::string& name) {
  const double k = static_cast<double>(moe.experts_per_token());
  const double ep = c.parallel.ep;
  const double elsewhere = (ep - 1) * (1 - std::pow(1 - 1 / ep, k));
  // Every chip that shares an expert receives a copy.
  const N elements = c.tokens.linear() / c.tp * N(elsewhere) *
                     ExpertWidth(c, moe) *
                     N(static_cast<double>(c.parallel.expert_tp));
  c.AddCollective(
      name + ".dispatch", Collective::kAllToAll, c.parallel.ep, c.layers,
      c.Stored(elements, c.formats.ExpertActivationsFor(*c.matrices->up)));
  c.AddCollective(name + ".combine", Collective::kAllToAll, c.parallel.ep,
                  c.layers, c.Stream(elements));
}

template <typename N, typename Reader>
void AddMoe(LedgerWriter<N, Reader>& c, const MixtureOfExperts& moe,
            const std::string& block) {
  const std::string name = c.NameOf(block, ".moe");
  const N t = c.tokens.linear();
  const N experts = c.read(moe, MixtureOfExperts::kExpertsFieldNumber);
  const ExpertLoad<N> load = LoadOf(c, moe);
  if (c.is_first_pass) c.ledger->expert_layers += c.layers * c.repeats;

  // The router is replicated on every chip; choosing takes 5 FLOP per score.
  Operator<N>& router = c.Add(name + ".router", Part::kRouter, c.layers);
  const N choices =
      experts + N(c.read(moe, MixtureOfExperts::kIdentityExpertsFieldNumber));
  c.Matmul(router, t, c.d, choices, c.d * choices, *c.formats.vectors);
  if (moe.router_bias()) c.Vector(router, choices);
  router.vector_flop = Flop<N>(N(5.0) * t * choices);

  // Down to the experts' own width and back up, for every token.
  const MatrixFormats& formats = *c.matrices;
  const N width = ExpertWidth(c, moe);
  if (moe.latent_dim() > 0) {
    Operator<N>& latent =
        c.Add(name + ".latent", Part::kSharedExperts, c.layers);
    c.Matmul(latent, t, c.d, width / c.tp, c.d * width, *formats.shared);
    c.Matmul(latent, t, width / c.tp, c.d, width * c.d, *formats.shared);
  }

  const bool spread_over_replicas =
      c.parallel.ep > 1 && c.parallel.replicas > 1;
  if (spread_over_replicas) AddAllToAll(c, moe, name);

  const Mlp& expert = moe.expert();
  const N ff = N(c.read(expert, Mlp::kDFfFieldNumber)) / load.split;
  const N ups(expert.gated() ? 2.0 : 1.0);
  const N bias(expert.bias() ? 1.0 : 0.0);
  Operator<N>& up =
      c.Add(c.NameOf(name, expert.gated() ? ".experts.gate_up_proj"
                                          : ".experts.up_proj"),
            Part::kExperts, c.layers);
  AddExpertMatrix(c, load, moe, expert.gated() ? 2 : 1, width, ff, *formats.up,
                  *formats.gate, bias * ups * ff * load.split, &up);
  up.vector_flop =
      Flop<N>(N(ActivationFlop(expert.gated())) * load.visits * ff);
  Operator<N>& down =
      c.Add(name + ".experts.down_proj", Part::kExperts, c.layers);
  AddExpertMatrix(c, load, moe, 1, ff, width, *formats.down, *formats.down,
                  bias * width, &down);
  // Weighted sum of the outputs of a token's experts.
  down.vector_flop = Flop<N>(N(2.0) * load.visits * width);
  if (c.counts_parameters && c.is_first_pass) {
    c.ledger->experts_read =
        load.distinct * N(static_cast<double>(c.parallel.ep));
  }

  if (moe.has_shared()) {
    AddMlp(c, moe.shared(), name + ".shared", Part::kSharedExperts,
           {formats.shared, formats.shared, formats.shared_down});
    if (moe.shared_gate()) {
      Operator<N>& gate =
          c.Add(name + ".shared.gate", Part::kSharedExperts, c.layers);
      c.Matmul(gate, t, c.d, N(1.0), c.d, *c.formats.vectors);
    }
  }
  c.AllReduce(name + ".all_reduce", c.layers);
}

}  // namespace ledger_internal
}  // namespace tokenjoule

#endif  // ANALYZER_LEDGER_FEED_FORWARD_H_
