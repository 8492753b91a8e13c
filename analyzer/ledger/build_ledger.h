// Builds the whole ledger, for every number type: embedding, blocks, head,
// pipeline, drafts. The parts are in attention.h, state_space.h and
// feed_forward.h. Include this only to instantiate it; for doubles, call
// BuildLedger of ledger.h.

#ifndef ANALYZER_LEDGER_BUILD_LEDGER_H_
#define ANALYZER_LEDGER_BUILD_LEDGER_H_

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "analyzer/description/architecture.h"
#include "analyzer/ledger/attention.h"
#include "analyzer/ledger/feed_forward.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/ledger/ledger_writer.h"
#include "analyzer/ledger/network.h"
#include "analyzer/ledger/placed.h"
#include "analyzer/ledger/state_space.h"
#include "analyzer/units/units.h"
#include "google/protobuf/repeated_field.h"
#include "proto/model.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {
namespace ledger_internal {

// Adds `count` norms of width d with their residual addition. RMSNorm takes 5
// FLOP per element (square, add, scale by the root and by the weight, add the
// residual); LayerNorm takes 8.
template <typename N, typename Reader>
void AddNorm(LedgerWriter<N, Reader>& c, const std::string& name,
             const N& count) {
  if (c.model.norm() == NO_NORM) return;
  const bool layer_norm = c.model.norm() != RMS_NORM;
  const bool biases = c.model.norm() == LAYER_NORM;
  const N t = c.tokens.linear();
  Operator<N>& op = c.Add(name, Part::kNorms, count);
  op.vector_flop = Flop<N>(N(layer_norm ? 8.0 : 5.0) * t * c.d);
  op.activation_in = c.Stream(t * c.d);
  op.activation_out = c.Stream(t * c.d);
  c.Vector(op, biases ? N(2.0) * c.d : c.d);
}

// Adds matrices that every token passes in each of `count` layers. Tensor
// parallelism splits their output.
template <typename N, typename Reader>
void AddProjections(
    LedgerWriter<N, Reader>& c,
    const google::protobuf::RepeatedPtrField<Projection>& projections,
    const std::string& prefix, const NumberFormat& format, const N& count) {
  for (const Projection& projection : projections) {
    const N in = c.read(projection, Projection::kInFieldNumber);
    const N out = c.read(projection, Projection::kOutFieldNumber);
    const N vector = c.read(projection, Projection::kVectorFieldNumber);
    const N t = c.tokens.linear();
    Operator<N>& op =
        c.Add(c.NameOf(prefix, projection.name()), Part::kExtra, count);
    if (projection.in() > 0) c.Matmul(op, t, in, out / c.tp, in * out, format);
    if (projection.vector() > 0) {
      c.Vector(op, vector);
      op.vector_flop = Flop<N>(t * vector);
    }
  }
}

template <typename N, typename Reader>
void AddEmbedding(LedgerWriter<N, Reader>& c) {
  // Only the rows of T tokens are read; the table as a whole only takes
  // capacity.
  const N t = c.tokens.linear();
  Operator<N>& op = c.Add("embedding", Part::kEmbedding, N(1.0));
  op.embedding_read = c.Stored(t * c.d, *c.formats.embedding);
  op.activation_out = c.Stream(t * c.d);
  const N table = c.vocab * c.d;
  c.CountParameters(table, table);
  if (!c.model.tied_embeddings() && !c.SharesEmbedding()) {
    c.Hold(Part::kEmbedding, table / c.tp, *c.formats.embedding);
  }
  if (c.model.learned_positions() > 0) {
    const N positions =
        N(c.read(c.model, Model::kLearnedPositionsFieldNumber)) * c.d;
    op.embedding_read += c.Stored(t * c.d, *c.formats.embedding);
    op.vector_flop = Flop<N>(t * c.d);
    c.CountParameters(positions, positions);
    c.Hold(Part::kEmbedding, positions / c.tp, *c.formats.embedding);
  }
  c.AllReduce("embedding.all_reduce", N(1.0));
  if (c.model.has_per_layer_embedding()) {
    const PerLayerEmbedding& second = c.model.per_layer_embedding();
    const N width = c.read(second, PerLayerEmbedding::kWidthFieldNumber);
    const N rows =
        N(c.read(second, PerLayerEmbedding::kRowsFieldNumber)) * width;
    Operator<N>& rest = c.Add("per_layer_embedding", Part::kEmbedding, N(1.0));
    rest.embedding_read = c.Stored(t * width, *c.formats.embedding);
    rest.activation_out = c.Stream(t * width);
    c.CountParameters(rows, rows);
    c.Hold(Part::kEmbedding, rows / c.tp, *c.formats.embedding);
  }
}

template <typename N, typename Reader>
void AddHead(LedgerWriter<N, Reader>& c) {
  AddNorm(c, "final_norm", N(1.0));
  const N t = c.tokens.sampled();
  Operator<N>& op = c.Add("lm_head", Part::kLmHead, N(1.0));
  // A tied head is the embedding table: it is read like any head, but its
  // parameters are counted once.
  const N all = c.model.tied_embeddings() ? N(0.0) : c.vocab * c.d;
  const auto held = c.ledger->weight_footprint;
  c.Matmul(op, t, c.d, c.vocab / c.tp, all, *c.formats.lm_head);
  if (c.SharesEmbedding()) c.ledger->weight_footprint = held;
  if (c.model.lm_head_bias()) c.ShardedVector(op, c.vocab);
  // Sampling: softmax and a draw over the vocabulary, 5 FLOP per logit.
  op.vector_flop = Flop<N>(N(5.0) * t * c.vocab / c.tp);
  c.AddCollective("lm_head.gather", Collective::kGather, c.parallel.tp, N(1.0),
                  c.Stream(t * c.vocab));
}

template <typename N, typename Reader>
void AddMixer(LedgerWriter<N, Reader>& c, const Block& block) {
  switch (block.mixer_case()) {
    case Block::kAttention:
      return AddAttention(c, block.attention(), block.name());
    case Block::kLatentAttention:
      return AddLatentAttention(c, block.latent_attention(), block.name());
    case Block::kMamba1:
      return AddMamba1(c, block.mamba1(), block.name());
    case Block::kMamba2:
      return AddMamba2(c, block.mamba2(), block.name());
    case Block::kLinearAttention:
      return AddLinearAttention(c, block.linear_attention(), block.name());
    case Block::kShortConvolution:
      return AddShortConvolution(c, block.short_convolution(), block.name());
    case Block::kCompressedAttention:
      return AddCompressedAttention(c, block.compressed_attention(),
                                    block.name());
    case Block::kRwkv:
      return AddRwkv(c, block.rwkv(), block.name());
    case Block::MIXER_NOT_SET:
      return;
  }
}

// Adds the model's `index`-th kind of block in `layers` layers.
template <typename N, typename Reader>
void AddBlock(LedgerWriter<N, Reader>& c, int index, const N& layers) {
  const Block& block = c.model.block(index);
  c.layers = layers;
  c.shares_weights = block.shared_weights();
  c.matrices = &c.formats.blocks[index];
  // Post-norms cost the same as norms before the mixer or the channel part; all
  // norms are one operator here.
  if (block.norms() > 0) {
    AddNorm(c, c.NameOf(block.name(), ".norm"),
            layers * N(c.read(block, Block::kNormsFieldNumber)));
  }
  AddMixer(c, block);
  const bool has_channel = block.channel_case() != Block::CHANNEL_NOT_SET;
  if (block.mixer_case() != Block::MIXER_NOT_SET &&
      !(block.parallel() && has_channel)) {
    c.AllReduce(c.NameOf(block.name(), ".mixer.all_reduce"), layers);
  }
  AddProjections(c, block.extra(), c.NameOf(block.name(), "."),
                 *c.matrices->mixer, layers);
  if (block.has_mlp()) {
    AddMlp(c, block.mlp(), c.NameOf(block.name(), ".mlp"), Part::kMlp,
           {c.matrices->gate, c.matrices->up, c.matrices->down});
    c.AllReduce(c.NameOf(block.name(), ".mlp.all_reduce"), layers);
  } else if (block.has_moe()) {
    AddMoe(c, block.moe(), block.name());
  }
  c.shares_weights = false;
}

// Number of layers of one block: its runs in each period times the number of
// periods.
template <typename N, typename Reader>
N LayersOf(const LedgerWriter<N, Reader>& c, const std::string& block) {
  N layers(0.0);
  for (const LayerPattern& pattern : c.model.layers()) {
    N period(0.0);
    for (const LayerPattern::Run& run : pattern.run()) {
      if (run.block() != block) continue;
      period += N(c.read(run, LayerPattern::Run::kCountFieldNumber));
    }
    if (pattern.repeat() > 0) {
      period = period * N(c.read(pattern, LayerPattern::kRepeatFieldNumber));
    }
    layers += period;
  }
  return layers;
}

// Whether a layer of the model is of this kind of block.
inline bool IsInLayers(const Model& model, const std::string& block) {
  for (const LayerPattern& pattern : model.layers()) {
    for (const LayerPattern::Run& run : pattern.run()) {
      if (run.block() == block) return true;
    }
  }
  return false;
}

// The same as AddModel for a model that several machines share.
template <typename N, typename Reader>
N AddSharedModel(LedgerWriter<N, Reader>& c) {
  const LayerPlacement& placement = *c.placement;
  Added<N, Reader> embedding(c);
  AddEmbedding(c);
  AddProjections(c, c.model.extra(), "", *c.formats.linear, N(1.0));
  embedding.PutOn(placement.embedding());
  N layers(0.0);
  const std::string prefix = c.prefix;
  for (const Segment& segment : placement.segments) {
    const bool on_host =
        placement.has_host && segment.place == placement.host();
    for (int b = 0; b < c.model.block_size(); ++b) {
      if (segment.of_block[b] == 0) continue;
      const Block& block = c.model.block(b);
      const N count = LayersOf(c, block.name()) * N(segment.share_of_block[b]);
      layers += count;
      c.prefix = on_host ? c.NameOf(prefix, "host.")
                 : segment.place > 0
                     ? c.NameOf(prefix, "stage", segment.place + 1, ".")
                     : prefix;
      Added<N, Reader> added(c);
      AddBlock(c, b, count);
      added.PutOn(segment.place);
      if (c.is_first_pass) c.ledger->places[segment.place].layers += count;
      c.prefix = prefix;
      if (on_host) continue;
      if (segment.experts != Offloaded::kNothing && block.has_moe()) {
        added.OffloadExperts(segment.experts, segment.place, count);
      }
      if (placement.kv != Offloaded::kNothing) {
        added.OffloadCache(placement.kv, segment.place);
      }
    }
  }
  Added<N, Reader> head(c);
  AddHead(c);
  head.PutOn(placement.head());
  AddCrossings(c);
  return layers;
}

template <typename N, typename Reader>
N AddModel(LedgerWriter<N, Reader>& c) {
  if (c.model.has_network()) return AddNetwork(c);
  if (c.placement != nullptr) return AddSharedModel(c);
  AddEmbedding(c);
  AddProjections(c, c.model.extra(), "", *c.formats.linear, N(1.0));
  N layers(0.0);
  for (int i = 0; i < c.model.block_size(); ++i) {
    const std::string& name = c.model.block(i).name();
    // Blocks of an MTP module need not be in a layer; all others are.
    if (!c.model.mtp_block().empty() && !IsInLayers(c.model, name)) continue;
    const N count = LayersOf(c, name);
    layers += count;
    AddBlock(c, i, count);
  }
  AddHead(c);
  return layers;
}

// The model's own multi-token-prediction module: a joint projection of the
// residual stream and the embedding of the last token (2 d x d), two norms, its
// blocks, by default one of the kind of the last layer, and the shared head
// (DeepSeek-V3 technical report, arXiv:2412.19437, section 2.2).
template <typename N, typename Reader>
N AddMtpModule(LedgerWriter<N, Reader>& c) {
  AddNorm(c, "mtp.norm", N(2.0));
  Operator<N>& project = c.Add("mtp.proj", Part::kDraft, N(1.0));
  c.Matmul(project, c.tokens.linear(), N(2.0) * c.d, c.d / c.tp,
           N(2.0) * c.d * c.d, *c.formats.linear);
  const LayerPattern& last = c.model.layers(c.model.layers_size() - 1);
  const auto add = [&](const std::string& name) {
    for (int i = 0; i < c.model.block_size(); ++i) {
      if (c.model.block(i).name() == name) AddBlock(c, i, N(1.0));
    }
  };
  if (c.model.mtp_block().empty()) add(last.run(last.run_size() - 1).block());
  for (const std::string& name : c.model.mtp_block()) add(name);
  // The head is shared with the model: it is read again but held once.
  const auto held = c.ledger->weight_footprint;
  AddHead(c);
  c.ledger->weight_footprint = held;
  return N(std::max(c.model.mtp_block_size(), 1) * 1.0);
}

// Drafting: the draft model, or the model's own module, runs once per drafted
// token, with one token per sequence.
template <typename N, typename Reader>
void AddDraft(const StepSetup& step, const Reader& read,
              const StepTokens<N>& tokens, const std::string& prefix,
              bool is_first_pass, Ledger<N>* ledger) {
  if (!step.scenario.has_speculation()) return;
  const Speculation& speculation = step.scenario.speculation();
  const bool mtp = speculation.draft_model() == "mtp";
  if (!mtp && step.draft == nullptr) return;
  const N runs(static_cast<double>(speculation.draft_tokens()));
  // Prompts pass through the draft model once, not once per drafted token.
  StepTokens<N> one = tokens;
  one.queries = N(1.0);
  one.prefill = tokens.prefill / runs;
  one.newcomers = tokens.newcomers / runs;
  LedgerWriter<N, Reader> c(mtp ? step.model : *step.draft, step.scenario,
                            mtp ? step.formats : step.draft_formats,
                            step.parallel, read, one, ledger);
  c.prefix = LedgerWriter<N, Reader>::NameOf(prefix, "draft.");
  c.counts_parameters = false;
  c.is_first_pass = is_first_pass;
  c.repeats = runs;
  Added<N, Reader> added(c);
  const N layers = mtp ? AddMtpModule(c) : AddModel(c);
  if (is_first_pass) ledger->layers += layers * c.repeats;
  if (step.placement != nullptr) added.PutOn(step.placement->head());
}

// Tokens that a sequence gains per step: 1 without speculation; otherwise the
// measured value, or 1 + f n with the measured fraction f of the n drafted
// tokens, or 1 + a + a^2 + ... + a^n, the sum of the probabilities that each
// further token is still accepted.
template <typename N, typename Reader>
N AcceptedLength(const Scenario& scenario, const Reader& read) {
  if (!scenario.has_speculation()) return N(1.0);
  const Speculation& speculation = scenario.speculation();
  if (speculation.accepted_length() > 0) {
    return N(read(speculation, Speculation::kAcceptedLengthFieldNumber));
  }
  if (speculation.has_accepted_fraction()) {
    const N fraction(
        read(speculation, Speculation::kAcceptedFractionFieldNumber));
    return N(1.0) +
           fraction * N(static_cast<double>(speculation.draft_tokens()));
  }
  const N rate(read(speculation, Speculation::kAcceptanceRateFieldNumber));
  N length(0.0), chance(1.0);
  for (int i = 0; i <= speculation.draft_tokens(); ++i) {
    length += chance;
    chance = chance * rate;
  }
  return length;
}

// Tokens of the two kinds of step.
template <typename N>
struct TokensOfSteps {
  // Steps without newcomers.
  StepTokens<N> pure;
  // Steps that admit prompts, if there are any.
  StepTokens<N> admitting;
};

// How steps of mixed serving admit prompts. Sequences end after `output`
// tokens; the newcomers that replace them bring prompts. With newcomers in the
// mean step,
//   - a static batch starts together: one step in output / tokens_per_sequence
//     admits all prompts;
//   - otherwise newcomers arrive independently, so that a share 1 -
//     exp(-newcomers) of the steps admits some; if a step holds fewer tokens
//     than they bring, prompts are split over more steps.
template <typename N, typename Reader>
StepTokens<N> AdmittingTokens(const Scenario& scenario, const Reader& read,
                              const StepTokens<N>& pure, Ledger<N>* ledger) {
  using std::exp;
  const N output = read(scenario, Scenario::kOutputFieldNumber);
  const N newcomers = pure.sequences * ledger->tokens_per_sequence / output;
  // The prefix they share with others is already in the cache.
  const N prompt = N(read(scenario, Scenario::kPromptFieldNumber)) -
                   SharedPrefix<N>(scenario, read);
  N share = N(1.0) - exp(N(0.0) - newcomers);
  if (scenario.static_batch()) {
    share = Min(N(1.0), ledger->tokens_per_sequence / output);
  }
  if (scenario.step_token_budget() > 0) {
    const N room =
        Max(N(1.0), N(read(scenario, Scenario::kStepTokenBudgetFieldNumber)) -
                        pure.sequences * pure.queries);
    share = Max(share, Min(N(1.0), newcomers * prompt / room));
  }
  ledger->admitting = share;
  StepTokens<N> admitting = pure;
  admitting.newcomers = newcomers / share;
  admitting.prefill = admitting.newcomers * prompt;
  return admitting;
}

// Tokens of the steps, and the number of runs of their operators.
template <typename N, typename Reader>
TokensOfSteps<N> CountTokens(const Scenario& scenario, const Reader& read,
                             const Parallelism& parallel, Ledger<N>* ledger) {
  const N batch = read(scenario, Scenario::kBatchFieldNumber);
  const N pp(static_cast<double>(parallel.pp));
  ledger->replicas = N(static_cast<double>(parallel.replicas));
  ledger->sequences_per_replica = batch / ledger->replicas;
  ledger->tokens_per_sequence = AcceptedLength<N>(scenario, read);
  ledger->tokens = batch * ledger->tokens_per_sequence;
  // A pipeline of pp stages decodes pp microbatches at once, or one per
  // sequence if there are fewer; each stage reads its weights once per
  // microbatch.
  const N microbatches = Min(pp, ledger->sequences_per_replica);
  ledger->chips = N(static_cast<double>(parallel.stage_chips)) * pp;
  ledger->passes = N(static_cast<double>(parallel.stage_chips)) * microbatches;

  TokensOfSteps<N> tokens;
  tokens.pure.sequences = ledger->sequences_per_replica / microbatches;
  if (scenario.has_speculation()) {
    tokens.pure.queries = N(scenario.speculation().draft_tokens() + 1.0);
  }
  ledger->samples_per_sequence = tokens.pure.queries;
  if (CarriesPrompts(scenario)) {
    tokens.admitting = AdmittingTokens(scenario, read, tokens.pure, ledger);
    ledger->prompts_per_replica =
        tokens.admitting.newcomers * ledger->admitting * microbatches;
  }
  return tokens;
}

// Adds the operators of one kind of step, each with its runs times `share`.
template <typename N, typename Reader>
void AddStep(const StepSetup& step, const Reader& read,
             const StepTokens<N>& tokens, const N& share, bool is_first_pass,
             Ledger<N>* ledger) {
  const size_t first = ledger->operators.size();
  LedgerWriter<N, Reader> c(step.model, step.scenario, step.formats,
                            step.parallel, read, tokens, ledger);
  c.is_first_pass = is_first_pass;
  c.placement = step.placement;
  if (!is_first_pass) c.prefix = c.NameOf("admitting.");
  const N layers = AddModel(c);
  if (is_first_pass) ledger->layers = layers;
  if (step.parallel.pp > 1) {
    // Each tensor-parallel chip sends its part to its counterpart in the next
    // stage.
    c.AddCollective("pipeline.send", Collective::kSend, 2,
                    N(static_cast<double>(step.parallel.pp - 1)),
                    c.Stream(tokens.linear() * c.d / c.tp));
  }
  AddDraft(step, read, tokens, c.prefix, is_first_pass, ledger);
  for (size_t i = first; i < ledger->operators.size(); ++i) {
    ledger->operators[i].count = ledger->operators[i].count * share;
  }
}

}  // namespace ledger_internal

// Builds the ledger in number type N, with its inputs read by `read`, into an
// existing ledger whose memory is reused. Mixed serving has two kinds of step,
// with and without prompts; the operators of both are listed, each with its
// mean number of runs.
template <typename N, typename Reader>
void BuildLedgerInto(const StepSetup& step, const Reader& read,
                     Ledger<N>* out) {
  using namespace ledger_internal;  // NOLINT
  // Models have about twenty operators.
  constexpr size_t kUsualOperators = 32;
  std::vector<Operator<N>> operators = std::move(out->operators);
  operators.clear();
  operators.reserve(kUsualOperators);
  *out = Ledger<N>();
  out->operators = std::move(operators);
  Ledger<N>& ledger = *out;
  ledger.equal_quality = step.equal_quality;
  if (step.scenario.has_growth_depth_share()) {
    ledger.growth_depth_share = N(step.scenario.growth_depth_share());
  }
  if (step.placement != nullptr) {
    ledger.places.resize(step.placement->machines());
  }
  const TokensOfSteps<N> tokens =
      CountTokens(step.scenario, read, step.parallel, &ledger);
  AddStep(step, read, tokens.pure, N(1.0) - ledger.admitting, true, &ledger);
  if (!CarriesPrompts(step.scenario)) return;
  AddStep(step, read, tokens.admitting, ledger.admitting, false, &ledger);
}

// Returns the ledger.
template <typename N, typename Reader>
Ledger<N> BuildLedger(const StepSetup& step, const Reader& read) {
  Ledger<N> ledger;
  BuildLedgerInto(step, read, &ledger);
  return ledger;
}

}  // namespace tokenjoule

#endif  // ANALYZER_LEDGER_BUILD_LEDGER_H_
