// Hand counts of the mixers and channel parts that came with the models of 2025
// and 2026: indexers, latent caches in fp8, short convolutions, KDA, lightning
// attention, experts of a latent width, keys and values of different widths.

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "analyzer/description/catalog.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/testing/scenario.h"
#include "analyzer/testing/status.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

constexpr double kD = 1024;

// A model of one layer of width 1024 with this block and no head worth
// counting: the vocabulary has one token.
Model OneLayer(const std::string& block) {
  return OrDie(ParseModel(
      absl::StrCat("name: \"m\" sources { id: \"a\" kind: ASSUMPTION citation: "
                   "\"test\" date: \"2026\" } d_model: 1024 vocab_size: 1 "
                   "tied_embeddings: true norm: NO_NORM block { name: \"b\" ",
                   block, "} layers { run { block: \"b\" count: 1 } }"),
      "m.textproto"));
}

Scenario At(double context) { return Point(1, context); }

Ledger<double> LedgerAt(const Model& model, const Scenario& scenario) {
  return BuildLedger(model, scenario);
}

// Parameters without the embedding of one token.
double Parameters(const Model& model) {
  return LedgerAt(model, At(1)).parameters - kD;
}

double Read(const Ledger<double>& ledger) {
  double bytes = 0;
  for (const Operator<double>& op : ledger.operators) {
    bytes += InBytes(op.kv_read) * op.count;
  }
  return bytes;
}

double Written(const Ledger<double>& ledger) {
  double bytes = 0;
  for (const Operator<double>& op : ledger.operators) {
    bytes += InBytes(op.kv_write) * op.count;
  }
  return bytes;
}

constexpr char kLatent[] =
    "latent_attention { heads: 128 q_rank: 1536 kv_rank: 512 rope_dim: 64 "
    "nope_dim: 128 v_dim: 128 ";

// DeepSeek-V3.2 at width 1024: index queries 1536 x 64 x 128, the key 1024 x
// 128, head weights 1024 x 64, and a layer norm of 128.
TEST(MixersTest, AnIndexerHasItsParameters) {
  const Model plain = OneLayer(absl::StrCat(kLatent, "}"));
  const Model sparse = OneLayer(absl::StrCat(
      kLatent, "indexer { heads: 64 head_dim: 128 top_k: 2048 } }"));
  EXPECT_EQ(Parameters(sparse) - Parameters(plain),
            1536.0 * 64 * 128 + 1024 * 128 + 1024 * 64 + 2 * 128);
}

// All index keys are scored: 128 bytes and a scale of 4. At most 2048 positions
// of 576 elements are read.
TEST(MixersTest, AnIndexerBoundsWhatAttentionReads) {
  const Model sparse = OneLayer(absl::StrCat(
      kLatent, "indexer { heads: 64 head_dim: 128 top_k: 2048 } }"));
  for (const double context : {1000.0, 2048.0, 65536.0}) {
    EXPECT_EQ(Read(LedgerAt(sparse, At(context))),
              context * 132 + std::min(context, 2048.0) * 576 * 2)
        << context;
  }
  EXPECT_EQ(InBytes(LedgerAt(sparse, At(4096)).kv_per_sequence),
            4096.0 * (132 + 576 * 2));
}

TEST(MixersTest, AReusedIndexerCostsNothing) {
  const std::string indexer =
      "indexer { heads: 64 head_dim: 128 top_k: 2048 reused: true } }";
  const Model reused = OneLayer(absl::StrCat(kLatent, indexer));
  EXPECT_EQ(Parameters(reused),
            Parameters(OneLayer(absl::StrCat(kLatent, "}"))));
  EXPECT_EQ(Read(LedgerAt(reused, At(65536))), 2048.0 * 576 * 2);
}

// FlashMLA: 512 bytes, four scales of 4 bytes, 64 rotary elements of 2 bytes.
TEST(MixersTest, TheFp8LatentCacheHas656Bytes) {
  Scenario scenario = At(1000);
  scenario.set_kv("fp8-ds-mla");
  EXPECT_EQ(Read(LedgerAt(OneLayer(absl::StrCat(kLatent, "}")), scenario)),
            1000.0 * 656);
}

constexpr char kAttention[] = "attention { heads: 8 kv_heads: 2 head_dim: 192 ";

TEST(MixersTest, ValuesMayBeNarrowerThanKeys) {
  const Model model =
      OneLayer(absl::StrCat(kAttention, "value_head_dim: 128 }"));
  EXPECT_EQ(Parameters(model), kD * (8 * 192 + 2 * 192 + 2 * 128 + 8 * 128));
  EXPECT_EQ(Read(LedgerAt(model, At(100))), 100.0 * 2 * (192 + 128) * 2);
}

TEST(MixersTest, KeysAndValuesMayHaveDifferentFormats) {
  const Model model = OneLayer(absl::StrCat(kAttention, "}"));
  Scenario scenario = At(100);
  scenario.set_kv("q8_0");
  scenario.set_kv_values("q4_0");
  EXPECT_EQ(Read(LedgerAt(model, scenario)), 100.0 * 2 * 192 * (8.5 + 4.5) / 8);
}

TEST(MixersTest, LayersThatShareACacheReadItAndKeepNone) {
  const Model shared = OneLayer(absl::StrCat(kAttention, "shared_kv: true }"));
  const Ledger<double> ledger = LedgerAt(shared, At(100));
  EXPECT_EQ(Parameters(shared), kD * 8 * 192 * 2);
  EXPECT_EQ(Read(ledger), 100.0 * 2 * 2 * 192 * 2);
  EXPECT_EQ(Written(ledger), 0);
  EXPECT_EQ(InBytes(ledger.kv_per_sequence), 0);
}

TEST(MixersTest, ShortConvolutionsKeepTheirTaps) {
  const Model model = OneLayer("short_convolution { d_conv: 3 }");
  EXPECT_EQ(Parameters(model), 4 * kD * kD + 3 * kD);
  EXPECT_EQ(InBytes(LedgerAt(model, At(9999)).state_per_sequence), 3 * kD * 2);
}

// Kimi Linear: q, k, v and output of 8 x 128; a write strength per head; decay
// and gate through 128; decay per head and bias per channel; a norm of 128.
TEST(MixersTest, KimiDeltaAttention) {
  const Model model = OneLayer(
      "linear_attention { rule: KIMI_DELTA key_heads: 8 value_heads: 8 "
      "key_head_dim: 128 value_head_dim: 128 d_conv: 4 }");
  EXPECT_EQ(Parameters(model), 4 * kD * kD + kD * 8 +
                                   2 * (kD * 128 + 128 * kD) + 3 * kD * 4 + 8 +
                                   kD + 128);
  EXPECT_EQ(InBytes(LedgerAt(model, At(9999)).state_per_sequence),
            8.0 * 128 * 128 * 2 + 3 * kD * 4 * 2);
}

// MiniMax-01: q, k, v, gate and output, a norm over all heads, no convolution.
TEST(MixersTest, LightningAttention) {
  const Model model = OneLayer(
      "linear_attention { rule: LIGHTNING key_heads: 8 value_heads: 8 "
      "key_head_dim: 128 value_head_dim: 128 }");
  EXPECT_EQ(Parameters(model), 5 * kD * kD + kD);
  EXPECT_EQ(InBytes(LedgerAt(model, At(9999)).state_per_sequence),
            8.0 * 128 * 128 * 2);
}

// Nemotron 3 Super's layer, at its own width: see shared/cases, 01.
TEST(MixersTest, ExpertsMayRunInALatentWidth) {
  const Model model = OneLayer(
      "moe { experts: 512 experts_per_token: 22 expert { d_ff: 2688 } "
      "shared { d_ff: 5376 } latent_dim: 256 router_bias: true }");
  EXPECT_EQ(Parameters(model), 512.0 * 2 * 256 * 2688 + 2 * kD * 256 +
                                   2 * kD * 5376 + kD * 512 + 512);
  const Ledger<double> ledger = LedgerAt(model, At(1));
  EXPECT_EQ(ledger.parameters - ledger.active_parameters,
            (512.0 - 22) * 2 * 256 * 2688);
}

// A third of the choices do nothing, so a token visits 8 of its 12 experts.
TEST(MixersTest, IdentityExpertsTakeNoWeights) {
  const Model model = OneLayer(
      "moe { experts: 512 identity_experts: 256 experts_per_token: 12 "
      "expert { d_ff: 64 gated: true } }");
  const Ledger<double> ledger = LedgerAt(model, At(1));
  EXPECT_NEAR(ledger.parameters - ledger.active_parameters,
              (512.0 - 8) * 3 * kD * 64, 1e-3);
}

// DeepSeek-V4: a window of 128, and one vector for every 4 tokens, of which 512
// are chosen. Index keys are compressed alike.
TEST(MixersTest, CompressedAttentionReadsAWindowAndChosenVectors) {
  const std::string attention =
      "compressed_attention { heads: 16 head_dim: 512 q_rank: 256 "
      "sliding_tokens: 128 output_groups: 4 output_rank: 64 ";
  const Model indexed = OneLayer(absl::StrCat(
      attention,
      "ratio: 4 overlap: 2 indexer { heads: 8 head_dim: 128 top_k: 512 } }"));
  EXPECT_EQ(Read(LedgerAt(indexed, At(8192))),
            (128.0 + 512) * 512 * 2 + 8192.0 / 4 * 132);
  const Model dense = OneLayer(absl::StrCat(attention, "ratio: 128 }"));
  EXPECT_EQ(Read(LedgerAt(dense, At(8192))), (128.0 + 64) * 512 * 2);
  EXPECT_EQ(InBytes(LedgerAt(dense, At(8192)).kv_per_sequence),
            (128.0 + 64) * 512 * 2);
  const Model window = OneLayer(absl::StrCat(attention, "}"));
  EXPECT_EQ(Read(LedgerAt(window, At(8192))), 128.0 * 512 * 2);
}

TEST(MixersTest, FormatsMayDifferByBlockAndMatrix) {
  const Model model = OneLayer(
      "attention { heads: 8 kv_heads: 8 head_dim: 128 } mlp { d_ff: 4096 "
      "gated: "
      "true } formats { value: \"fp8\" down: \"int4:1 int8:1\" }");
  double read = 0;
  for (const Operator<double>& op : LedgerAt(model, At(1)).operators) {
    if (op.part != Part::kLmHead) read += InBytes(op.weight_read) * op.count;
  }
  EXPECT_EQ(read, kD * kD * (2 + 2 + 1 + 2) + kD * 4096 * (2 + 2 + 0.75));
}

// EAGLE: one layer behind a projection of two streams to one, with the head of
// the model that it drafts for. It reads the head for each drafted token and
// holds its layer and the projection.
TEST(MixersTest, ADraftModelMayShareTheHead) {
  const Model target = OneLayer("mlp { d_ff: 4096 }");
  Model draft = OneLayer("mlp { d_ff: 1024 }");
  Projection* projection = draft.add_extra();
  projection->set_name("fuse");
  projection->set_in(2048);
  projection->set_out(1024);
  draft.set_vocab_size(1000);
  Scenario scenario = At(1);
  scenario.mutable_speculation()->set_draft_tokens(3);
  scenario.mutable_speculation()->set_acceptance_rate(0.5);
  scenario.mutable_speculation()->set_draft_model("draft");
  const auto held = [&] {
    const Ledger<double> ledger = BuildLedger(target, scenario, &draft);
    return InBytes(ledger.weight_footprint[static_cast<int>(Part::kDraft)]);
  };
  const auto read = [&] {
    double bytes = 0;
    for (const Operator<double>& op :
         BuildLedger(target, scenario, &draft).operators) {
      if (op.part == Part::kDraft) bytes += InBytes(op.weight_read) * op.count;
    }
    return bytes;
  };
  const double own = 2 * (2 * kD * 1024 + 2048 * kD);
  const double all_read = read();
  EXPECT_EQ(held(), own + 2 * 1000 * kD);
  draft.set_shared_embedding(true);
  EXPECT_EQ(held(), own);
  EXPECT_EQ(read(), all_read);
}

// Zamba2's shared blocks: read in each layer, held once.
TEST(MixersTest, SharedWeightsAreHeldOnce) {
  Model model = OneLayer("mlp { d_ff: 4096 } shared_weights: true");
  model.mutable_layers(0)->mutable_run(0)->set_count(5);
  const Ledger<double> ledger = LedgerAt(model, At(1));
  EXPECT_EQ(ledger.parameters - kD, 2 * kD * 4096);
  double read = 0;
  for (const Operator<double>& op : ledger.operators) {
    if (op.part == Part::kMlp) read += InBytes(op.weight_read) * op.count;
  }
  EXPECT_EQ(read, 5 * 2 * kD * 4096 * 2);
}

}  // namespace
}  // namespace tokenjoule
