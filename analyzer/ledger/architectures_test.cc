// One claim per family of architectures, with its arithmetic in the comment.

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "analyzer/description/catalog.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/ledger/routing.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/scenario.h"
#include "analyzer/units/units.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

Ledger<> LedgerOf(const std::string& name, const Scenario& scenario) {
  return BuildLedger(LoadModelOrDie(name), scenario);
}

// Sums a field over the operators whose name contains `part`, for the whole
// system and step.
template <typename Field>
double Sum(const Ledger<>& ledger, const std::string& part, Field field) {
  double sum = 0;
  for (const Operator<>& op : ledger.operators) {
    if (!absl::StrContains(op.name, part)) continue;
    sum += SystemRuns(ledger, op) * (op.*field).base();
  }
  return sum;
}

double Weights(const Ledger<>& ledger, const std::string& part = "") {
  return Sum(ledger, part, &Operator<>::weight_read);
}
double KvRead(const Ledger<>& ledger) {
  return Sum(ledger, "", &Operator<>::kv_read);
}
double MatmulFlop(const Ledger<>& ledger, const std::string& part = "") {
  return Sum(ledger, part, &Operator<>::matmul_flop);
}

TEST(ArchitecturesTest, Gemma3ReadsFiveWindowsForOneWholeContext) {
  // 34 layers, LLLLLG: 29 of 1024 tokens and 5 of all 8192; 2 x 4 heads x 256
  // elements of 2 bytes.
  const Ledger<> ledger = LedgerOf("gemma-3-4b", Point(1, 8192));
  const double token = 2 * 4 * 256 * 2;
  EXPECT_EQ(KvRead(ledger), token * (29 * 1024 + 5 * 8192));
  EXPECT_EQ(InBytes(ledger.kv_per_sequence), KvRead(ledger));
}

TEST(ArchitecturesTest, Gemma2AlternatesWindows) {
  // 42 layers, LG: 21 of 4096, 21 of 8192; 2 x 8 heads x 256 x 2 bytes.
  EXPECT_EQ(KvRead(LedgerOf("gemma-2-9b", Point(1, 8192))),
            2.0 * 8 * 256 * 2 * 21 * (4096 + 8192));
}

TEST(ArchitecturesTest, TiedHeadIsReadButHeldOnce) {
  const Ledger<> ledger = LedgerOf("gemma-2-9b", Point(1, 1));
  EXPECT_EQ(Weights(ledger, "lm_head"), 256000.0 * 3584 * 2);
  EXPECT_EQ(InBytes(ledger.TotalWeightFootprint()), 2 * 9'241'705'984.0);
}

TEST(ArchitecturesTest, Llama4ReadsHalfAChunkInTheMean) {
  // 48 layers, LLLG: 36 in chunks of 8192, 4096.5 on average; 12 of 100 000.
  const Ledger<> ledger = LedgerOf("llama-4-scout", Point(1, 100'000));
  const double token = 2 * 8 * 128 * 2;
  EXPECT_EQ(KvRead(ledger), token * (36 * 4096.5 + 12 * 100'000.0));
  // A whole chunk is held.
  EXPECT_EQ(InBytes(ledger.kv_per_sequence),
            token * (36 * 8192 + 12 * 100'000.0));
}

TEST(ArchitecturesTest, Llama4ReadsContextsWithinOneChunkWhole) {
  // 48 layers x 2 x 8 heads x 128 elements x 2 bytes x 8192 tokens.
  const Ledger<> ledger = LedgerOf("llama-4-scout", Point(1, 8192));
  EXPECT_EQ(KvRead(ledger), 48.0 * 4096 * 8192);
  EXPECT_NEAR(KvRead(ledger) / 1e6, 1611, 0.5);
  EXPECT_EQ(InBytes(ledger.kv_per_sequence), KvRead(ledger));
}

TEST(ArchitecturesTest, GptOssKeepsItsExpertsInFourBits) {
  // 24 layers x 32 experts x 3 x 2880 x 2880 weights in 4.25 bits and biases
  // (2 x 2880 + 2880) in 16; sinks, routers, attention in bf16.
  const Ledger<> ledger = LedgerOf("gpt-oss-20b", Point(1, 1));
  const double experts = 24.0 * 32 * 3 * 2880 * 2880;
  EXPECT_EQ(InBytes(ledger.weight_footprint[static_cast<int>(Part::kExperts)]),
            experts * 4.25 / 8 + 24.0 * 32 * 3 * 2880 * 2);
  // 20.9 billion parameters in about 13.8 GB, as published (12.8 GiB).
  EXPECT_NEAR(InBytes(ledger.TotalWeightFootprint()), 13.76e9, 0.05e9);
  // Window of 128 in every other layer.
  EXPECT_EQ(KvRead(LedgerOf("gpt-oss-20b", Point(1, 4096))),
            2.0 * 8 * 64 * 2 * 12 * (128 + 4096));
}

TEST(ArchitecturesTest, LatentAttentionCachesOneCompressedVector) {
  // 61 layers x (512 + 64) elements x 2 bytes, whatever the 128 heads.
  const Ledger<> ledger = LedgerOf("deepseek-v3", Point(1, 1000));
  EXPECT_EQ(InBytes(ledger.kv_per_sequence), 61.0 * 576 * 2 * 1000);
  EXPECT_EQ(KvRead(ledger), 61.0 * 576 * 2 * 1000);
}

TEST(ArchitecturesTest, LatentAttentionIsAbsorbedForItsFlop) {
  // Absorbed: 128 heads x (2 x 512 + 64) multiply-adds per position, and 128 x
  // 512 x (128 + 128) for folding; 61 layers.
  const Ledger<> absorbed = LedgerOf("deepseek-v3", Point(1, 4096));
  EXPECT_EQ(MatmulFlop(absorbed, "core_absorbed"),
            61 * 2.0 * (128.0 * 1088 * 4096 + 128.0 * 512 * 256));
  ASSERT_EQ(absorbed.notes.size(), 2u);
  EXPECT_TRUE(absl::StrContains(absorbed.notes[0], "absorbed"));
  // Expanded: 128 x 512 x 256 per position, 128 x (192 + 128) per score.
  Scenario scenario = Point(1, 4096);
  scenario.set_mla(EXPANDED);
  EXPECT_EQ(MatmulFlop(LedgerOf("deepseek-v3", scenario), "core_expanded"),
            61 * 2.0 * 4096 * (128.0 * 512 * 256 + 128.0 * 320));
}

TEST(ArchitecturesTest, LatentCacheIsCopiedByTensorParallelism) {
  Scenario scenario = Point(8, 4096);
  scenario.set_tp(8);
  const Ledger<> ledger = LedgerOf("deepseek-v3", scenario);
  EXPECT_EQ(KvRead(ledger), 8 * 8 * 61.0 * 576 * 2 * 4096);
  EXPECT_EQ(InBytes(ledger.kv_per_sequence), 61.0 * 576 * 2 * 4096);
  // With data-parallel attention and experts on the same chips there is one
  // copy.
  scenario.set_tp(1);
  scenario.set_ep(8);
  EXPECT_EQ(KvRead(LedgerOf("deepseek-v3", scenario)),
            8 * 61.0 * 576 * 2 * 4096);
}

TEST(ArchitecturesTest, DeepSeekStoresItsMatricesInFp8Blocks) {
  // One 4-byte scale for 128 x 128 weights; 671 billion parameters in 672 GB
  // of fp8 with head and embedding in bf16.
  const Ledger<> ledger = LedgerOf("deepseek-v3", Point(1, 1));
  const double experts = 58.0 * 256 * 3 * 7168 * 2048;
  EXPECT_EQ(InBytes(ledger.weight_footprint[static_cast<int>(Part::kExperts)]),
            experts * (1 + 4.0 / 16384));
  EXPECT_NEAR(InBytes(ledger.TotalWeightFootprint()), 673.2e9, 0.5e9);
}

TEST(ArchitecturesTest, MixtralReadsTheExpertsThatItsBatchVisits) {
  // 8 experts, 2 per token: 8 (1 - (3/4)^T) of 3 x 4096 x 14336 weights.
  const double expert = 3.0 * 4096 * 14336 * 2;
  for (const double tokens : {1.0, 2.0, 8.0, 64.0}) {
    const Ledger<> ledger = LedgerOf("mixtral-8x7b", Point(tokens, 1));
    const double distinct = 8 * (1 - std::pow(0.75, tokens));
    EXPECT_NEAR(Weights(ledger, "experts") / (32 * distinct * expert), 1,
                1e-12);
    EXPECT_NEAR(ledger.experts_read, distinct, 1e-12);
    // Two experts' FLOP per token, however many are read.
    EXPECT_NEAR(MatmulFlop(ledger, "experts") / (32 * tokens * 2 * expert), 1,
                1e-12);
  }
  EXPECT_NEAR(LedgerOf("mixtral-8x7b", Point(1, 1)).experts_read, 2, 1e-12);
}

TEST(ArchitecturesTest, BalancedRoutingReadsAsManyAsItCan) {
  Scenario scenario = Point(3, 1);
  scenario.set_routing(BALANCED);
  EXPECT_EQ(LedgerOf("mixtral-8x7b", scenario).experts_read, 6);
  scenario.set_batch(5);
  EXPECT_EQ(LedgerOf("mixtral-8x7b", scenario).experts_read, 8);
}

TEST(ArchitecturesTest, PowerLawRoutingReadsFewer) {
  for (const double batch : {1.0, 8.0, 64.0}) {
    Scenario scenario = Point(batch, 1);
    const double coverage = LedgerOf("qwen3-30b-a3b", scenario).experts_read;
    scenario.set_routing(POWER_LAW);
    const double skewed = LedgerOf("qwen3-30b-a3b", scenario).experts_read;
    EXPECT_GE(skewed, 8 - 1e-9);
    EXPECT_LE(skewed, coverage + 1e-9);
    scenario.set_routing_exponent(2);
    EXPECT_LE(LedgerOf("qwen3-30b-a3b", scenario).experts_read, skewed + 1e-9);
  }
}

TEST(ArchitecturesTest, PowerLawChancesSumToTheExpertsOfAToken) {
  for (const double exponent : {0.0, 0.5, 1.0, 3.0}) {
    double sum = 0;
    for (const double chance : PowerLawChances(128, 8, exponent)) {
      EXPECT_GE(chance, 0);
      EXPECT_LE(chance, 1);
      sum += chance;
    }
    EXPECT_NEAR(sum, 8, 1e-9) << exponent;
  }
  // Exponent 0 is uniform.
  EXPECT_DOUBLE_EQ(PowerLawChances(128, 8, 0)[127], 1.0 / 16);
}

TEST(ArchitecturesTest, ExpectedNormalMaximumMatchesTheTables) {
  // Expected largest of n normals (Harter, Biometrika 1961): 0.56, 1.03, 1.42,
  // 2.04 for n = 2, 4, 8, 30 (here within 1 %).
  EXPECT_EQ(ExpectedNormalMaximum(1), 0);
  EXPECT_NEAR(ExpectedNormalMaximum(2), 0.5642, 0.03);
  EXPECT_NEAR(ExpectedNormalMaximum(4), 1.0294, 0.02);
  EXPECT_NEAR(ExpectedNormalMaximum(8), 1.4236, 0.015);
  EXPECT_NEAR(ExpectedNormalMaximum(30), 2.0428, 0.02);
}

TEST(ArchitecturesTest, ExpertParallelismReadsEachExpertOnce) {
  // Four chips route 4 x 8 tokens together: 128 (1 - (15/16)^32) experts over
  // the system, a quarter of them on each chip.
  Scenario scenario = Point(32, 1);
  scenario.set_ep(4);
  const Ledger<> spread = LedgerOf("qwen3-30b-a3b", scenario);
  EXPECT_NEAR(spread.experts_read, 128 * (1 - std::pow(15.0 / 16, 32)), 1e-9);
  EXPECT_NEAR(Weights(spread, "experts") /
                  (48 * spread.experts_read * 3.0 * 2048 * 768 * 2),
              1, 1e-12);
  EXPECT_EQ(spread.chips, 4);
  // Replicas that each hold every expert read the experts that their 8 tokens
  // visit.
  Scenario copies = Point(32, 1);
  copies.set_dp(4);
  EXPECT_NEAR(
      Weights(LedgerOf("qwen3-30b-a3b", copies), "experts") /
          (48 * 4 * 128 * (1 - std::pow(15.0 / 16, 8)) * 3.0 * 2048 * 768 * 2),
      1, 1e-12);
}

TEST(ArchitecturesTest, ExpertParallelismHoldsTheModelOnce) {
  Scenario scenario = Point(8, 1);
  scenario.set_tp(8);
  scenario.set_ep(8);
  const Ledger<> ledger = LedgerOf("qwen3-30b-a3b", scenario);
  EXPECT_EQ(InBytes(ledger.weight_footprint[static_cast<int>(Part::kExperts)]),
            2 * 28'991'029'248.0);
  EXPECT_EQ(ledger.chips, 8);
}

TEST(ArchitecturesTest, TheBusiestChipHasMoreThanTheMean) {
  Scenario scenario = Point(32, 1);
  scenario.set_ep(8);
  const Ledger<> ledger = LedgerOf("qwen3-30b-a3b", scenario);
  for (const Operator<>& op : ledger.operators) {
    if (op.part != Part::kExperts) continue;
    EXPECT_GT(op.flop_imbalance, 1);
    EXPECT_GT(op.weight_imbalance, 1);
    EXPECT_LT(op.weight_imbalance, 8);
    // 32 tokens x 8 experts over 8 chips: 32 visits, sigma sqrt(32 x 7/8) =
    // 5.29, the largest of eight 1.42 sigma above: 1.24 of the mean.
    EXPECT_NEAR(op.flop_imbalance, 1.24, 0.01);
  }
  scenario.set_routing(BALANCED);
  for (const Operator<>& op : LedgerOf("qwen3-30b-a3b", scenario).operators) {
    EXPECT_EQ(op.flop_imbalance, 1);
    EXPECT_EQ(op.weight_imbalance, 1);
  }
}

TEST(ArchitecturesTest, DispatchCarriesEachTokenToItsChips) {
  // ep = 4, k = 8: a token's experts are on 4 (1 - (3/4)^8) chips, 3/4 of them
  // other chips; 8 tokens per chip of 2048 elements in bf16.
  Scenario scenario = Point(32, 1);
  scenario.set_ep(4);
  double dispatches = 0;
  for (const Operator<>& op : LedgerOf("qwen3-30b-a3b", scenario).operators) {
    if (op.collective != Collective::kAllToAll) continue;
    dispatches += op.count;
    EXPECT_NEAR(InBytes(op.payload), 8 * 3 * (1 - std::pow(0.75, 8)) * 2048 * 2,
                1e-6);
  }
  EXPECT_EQ(dispatches, 2 * 48);
}

TEST(ArchitecturesTest, Mamba2StateIsIndependentOfContext) {
  // 64 layers x (80 heads x 64 x 128 + (5120 + 2 x 128) x 4) x 2 bytes.
  const double state = 64.0 * (80 * 64 * 128 + 5376 * 4) * 2;
  for (const double context : {1.0, 1e6}) {
    const Ledger<> ledger = LedgerOf("mamba2-2.7b", Point(3, context));
    EXPECT_EQ(InBytes(ledger.state_per_sequence), state);
    EXPECT_EQ(Sum(ledger, "", &Operator<>::state_read), 3 * state);
    EXPECT_EQ(Sum(ledger, "", &Operator<>::state_write), 3 * state);
    EXPECT_EQ(KvRead(ledger), 0);
  }
}

TEST(ArchitecturesTest, OnlyTheRecurrentStateIsWiderWhereTheModelSaysSo) {
  Model model = LoadModelOrDie("mamba2-2.7b");
  const double recurrent = 64.0 * 80 * 64 * 128;
  const double convolution = 64.0 * 5376 * 4;
  const auto state = [&](const std::string& weights) {
    Scenario scenario = Point(1, 1);
    scenario.set_weights(weights);
    const Ledger<> ledger = BuildLedger(model, scenario);
    // A sequence needs no other memory, so that the largest batch is inversely
    // proportional.
    EXPECT_EQ(InBytes(ledger.sequence_footprint),
              InBytes(ledger.state_per_sequence));
    EXPECT_EQ(InBytes(ledger.state_per_sequence),
              Sum(ledger, "", &Operator<>::state_read));
    return InBytes(ledger.state_per_sequence);
  };
  // Quantised weights do not narrow it; a model run in fp32 widens all of it.
  EXPECT_EQ(state(""), 2 * (recurrent + convolution));
  EXPECT_EQ(state("fp8"), 2 * (recurrent + convolution));
  EXPECT_EQ(state("fp32"), 4 * (recurrent + convolution));
  model.mutable_formats()->set_state("fp32");
  EXPECT_EQ(state(""), 4 * recurrent + 2 * convolution);
}

TEST(ArchitecturesTest, NemotronHHasMixersAndMlpsInLayersOfTheirOwn) {
  // 52 layers: 24 Mamba-2, 24 MLP, 4 attention; one norm per layer and one at
  // the end.
  const Ledger<> ledger = LedgerOf("nemotron-h-8b", Point(1, 4096));
  EXPECT_EQ(ledger.layers, 52);
  EXPECT_EQ(Weights(ledger, "norm"), 53.0 * 4096 * 2);
  EXPECT_EQ(KvRead(ledger), 4 * 2.0 * 8 * 128 * 4096 * 2);
  EXPECT_EQ(InBytes(ledger.state_per_sequence),
            24.0 * (128 * 64 * 128 * 4 + (8192 + 2 * 8 * 128) * 4 * 2));
}

TEST(ArchitecturesTest, JambaMixesMamba1AttentionAndExperts) {
  // 32 layers: 4 attention, 28 Mamba-1 with a state of 8192 x (16 + 4); every
  // second layer has 16 experts.
  const Ledger<> ledger = LedgerOf("jamba-v0.1", Point(1, 1000));
  EXPECT_EQ(KvRead(ledger), 4 * 2.0 * 8 * 128 * 1000 * 2);
  EXPECT_EQ(InBytes(ledger.state_per_sequence), 28.0 * 8192 * 20 * 2);
  EXPECT_EQ(ledger.parameters, 51'570'323'328.0);
}

TEST(ArchitecturesTest, Qwen3NextKeepsAMatrixStateInThreeOfFourLayers) {
  // 36 layers x (32 heads x 128 x 128 x 4 bytes + (2 x 16 x 128 + 32 x 128) x 4
  // x 2 bytes); 12 layers of attention with 2 KV heads of 256.
  const Ledger<> ledger = LedgerOf("qwen3-next-80b-a3b", Point(1, 1000));
  EXPECT_EQ(InBytes(ledger.state_per_sequence),
            36.0 * (32 * 128 * 128 * 4 + 8192 * 4 * 2));
  EXPECT_EQ(KvRead(ledger), 12 * 2.0 * 2 * 256 * 1000 * 2);
}

TEST(ArchitecturesTest, OptHasBiasesAndLearnedPositions) {
  // 96 layers: attention 4 d^2 + 4 d, MLP 2 d 4d + 5 d, two LayerNorms 4 d.
  const Model model = LoadModelOrDie("opt-175b");
  const Ledger<> ledger = BuildLedger(model, Point(1, 1));
  const double d = 12288;
  EXPECT_EQ(ledger.parameters,
            96 * (4 * d * d + 4 * d + 8 * d * d + 5 * d + 4 * d) + 2 * d +
                (model.vocab_size() + model.learned_positions()) * d);
  // One row of each table per token.
  EXPECT_EQ(Sum(ledger, "embedding", &Operator<>::embedding_read), 2 * d * 2);
}

TEST(ArchitecturesTest, ParallelBlocksShareOneAllReduce) {
  Scenario scenario = Point(1, 1);
  scenario.set_tp(8);
  double reduces = 0;
  for (const Operator<>& op : LedgerOf("falcon-180b", scenario).operators) {
    if (op.collective == Collective::kAllReduce) reduces += op.count;
  }
  // One per layer and one after the embedding.
  EXPECT_EQ(reduces, 80 + 1);
}

TEST(ArchitecturesTest, SpeculationVerifiesManyTokensForOneReadOfTheCache) {
  Scenario scenario = Point(2, 1000);
  const Ledger<> plain = LedgerOf("llama-3.1-8b", scenario);
  scenario.mutable_speculation()->set_draft_tokens(3);
  scenario.mutable_speculation()->set_acceptance_rate(0.5);
  const Ledger<> ledger = LedgerOf("llama-3.1-8b", scenario);
  // 1 + 1/2 + 1/4 + 1/8 tokens for four verified tokens.
  EXPECT_EQ(ledger.tokens_per_sequence, 1.875);
  EXPECT_EQ(ledger.tokens, 3.75);
  EXPECT_EQ(MatmulFlop(ledger), 4 * MatmulFlop(plain));
  EXPECT_EQ(Weights(ledger), Weights(plain));
  EXPECT_EQ(KvRead(ledger), KvRead(plain));
  EXPECT_EQ(Sum(ledger, "", &Operator<>::kv_write),
            4 * Sum(plain, "", &Operator<>::kv_write));
}

TEST(ArchitecturesTest, AcceptedFractionCountsAllDraftedTokens) {
  Scenario scenario = Point(2, 1000);
  Speculation& speculation = *scenario.mutable_speculation();
  speculation.set_draft_tokens(4);
  const auto tokens_per_step = [&] {
    return LedgerOf("llama-3.1-8b", scenario).tokens_per_sequence;
  };
  // 1 + 0.56 x 4.
  speculation.set_accepted_fraction(0.56);
  EXPECT_DOUBLE_EQ(tokens_per_step(), 3.24);
  speculation.set_accepted_fraction(0);
  EXPECT_EQ(tokens_per_step(), 1);
  speculation.set_accepted_fraction(1);
  EXPECT_EQ(tokens_per_step(), 5);
  // As a chance of each token, 0.56 gives fewer: 1 + 0.56 + ... + 0.56^4.
  speculation.clear_accepted_fraction();
  speculation.set_acceptance_rate(0.56);
  EXPECT_NEAR(tokens_per_step(), (1 - std::pow(0.56, 5)) / 0.44, 1e-12);
  EXPECT_NEAR(tokens_per_step(), 2.1476, 1e-4);
}

TEST(ArchitecturesTest, SpeculationTouchesMoreExperts) {
  Scenario scenario = Point(2, 1);
  scenario.mutable_speculation()->set_draft_tokens(3);
  scenario.mutable_speculation()->set_accepted_length(2.5);
  const Ledger<> ledger = LedgerOf("mixtral-8x7b", scenario);
  EXPECT_NEAR(ledger.experts_read, 8 * (1 - std::pow(0.75, 2 * 4)), 1e-12);
  EXPECT_EQ(ledger.tokens, 5);
}

TEST(ArchitecturesTest, DraftModelRunsOnceForEachDraftedToken) {
  Scenario scenario = Point(2, 1000);
  scenario.mutable_speculation()->set_draft_tokens(3);
  scenario.mutable_speculation()->set_acceptance_rate(0.7);
  scenario.mutable_speculation()->set_draft_model("llama-3.2-1b");
  const Model target = LoadModelOrDie("llama-3.1-8b"),
              draft = LoadModelOrDie("llama-3.2-1b");
  const Ledger<> with = BuildLedger(target, scenario, &draft);
  const Ledger<> without = BuildLedger(target, scenario);
  const Ledger<> alone = BuildLedger(draft, Point(2, 1000));
  EXPECT_EQ(Weights(with) - Weights(without), 3 * Weights(alone));
  EXPECT_EQ(KvRead(with) - KvRead(without), 3 * KvRead(alone));
  EXPECT_EQ(MatmulFlop(with) - MatmulFlop(without), 3 * MatmulFlop(alone));
  // It takes memory, but it is not part of the model.
  EXPECT_EQ(InBytes(with.TotalWeightFootprint()) -
                InBytes(without.TotalWeightFootprint()),
            InBytes(alone.TotalWeightFootprint()));
  EXPECT_EQ(with.parameters, without.parameters);
  EXPECT_EQ(with.kv_per_sequence, without.kv_per_sequence);
}

TEST(ArchitecturesTest, MtpModuleIsABlockAProjectionAndTheSharedHead) {
  Scenario scenario = Point(1, 1);
  scenario.mutable_speculation()->set_draft_tokens(1);
  scenario.mutable_speculation()->set_acceptance_rate(0.8);
  const Ledger<> without = LedgerOf("deepseek-v3", scenario);
  scenario.mutable_speculation()->set_draft_model("mtp");
  const Ledger<> with = LedgerOf("deepseek-v3", scenario);
  // 14 336 x 7168 in fp8 blocks.
  EXPECT_EQ(Weights(with, "mtp.proj"), 2.0 * 7168 * 7168 * (1 + 4.0 / 16384));
  EXPECT_GT(Weights(with, "draft."), Weights(without, "lm_head"));
  // 11.5 billion parameters of its own, as published, near 11.5 GB in fp8.
  EXPECT_NEAR((InBytes(with.TotalWeightFootprint()) -
               InBytes(without.TotalWeightFootprint())) /
                  1e9,
              11.5, 0.3);
}

TEST(ArchitecturesTest, MixedServingCarriesThePromptsOfNewcomers) {
  // With 8 sequences of 400 tokens each, 8 / 400 end per step; each newcomer
  // brings 200 tokens: 4 prompt tokens per step.
  Scenario scenario = Point(8, 400);
  const Ledger<> plain = LedgerOf("llama-3.1-8b", scenario);
  scenario.set_prompt(200);
  scenario.set_output(400);
  const Ledger<> mixed = LedgerOf("llama-3.1-8b", scenario);
  EXPECT_EQ(mixed.tokens, 8);
  EXPECT_DOUBLE_EQ(MatmulFlop(mixed, "mlp"), 1.5 * MatmulFlop(plain, "mlp"));
  // They come in 1 - exp(-8 / 400) of the steps, each of which reads the
  // weights and the cache once, as others do.
  EXPECT_DOUBLE_EQ(MatmulFlop(mixed, "admitting.full.mlp"),
                   MatmulFlop(plain, "mlp") * (0.5 + mixed.admitting));
  EXPECT_DOUBLE_EQ(Weights(mixed), Weights(plain));
  EXPECT_DOUBLE_EQ(KvRead(mixed), KvRead(plain));
  // Prompt tokens attend to half of the prompt.
  EXPECT_NEAR(MatmulFlop(mixed, "core") - MatmulFlop(plain, "core"),
              4.0 * 4 * 32 * 128 * 100 * 32, 1e-9 * MatmulFlop(plain, "core"));
  // The head runs only for the last token of a prompt.
  EXPECT_DOUBLE_EQ(MatmulFlop(mixed, "lm_head"),
                   MatmulFlop(plain, "lm_head") * (8 + 8.0 / 400) / 8);
}

// Qwen3-30B-A3B in bf16 on one H100: median inter-token latency measured by the
// ML.ENERGY leaderboard v3 (vLLM, lm-arena-chat). The ratio (bytes / peak
// bandwidth) / (measured time) must be below one and smooth in the batch.
// Coverage satisfies this; the other formulas in use do not.
TEST(ArchitecturesTest, CoverageAloneGivesAFlatImpliedBandwidth) {
  const struct {
    double batch, itl_ms, context;
  } rows[] = {{8, 12.85, 600},
              {16, 17.55, 600},
              {31.9, 22.57, 600},
              {63.9, 28.94, 600}};
  constexpr double kPeak = 3.35e12;
  const Model model = LoadModelOrDie("qwen3-30b-a3b");
  std::map<std::string, std::vector<double>> shares;
  for (const auto& row : rows) {
    const auto share = [&](double bytes) {
      return bytes / kPeak / (row.itl_ms * 1e-3);
    };
    Scenario scenario = Point(row.batch, row.context);
    const Ledger<> coverage = BuildLedger(model, scenario);
    const double rest =
        Weights(coverage) - Weights(coverage, "experts") + KvRead(coverage);
    const double expert_bytes =
        Weights(coverage, "experts") / coverage.experts_read;
    shares["coverage"].push_back(share(rest + Weights(coverage, "experts")));
    scenario.set_routing(BALANCED);
    shares["balanced"].push_back(
        share(rest + Weights(BuildLedger(model, scenario), "experts")));
    shares["top-k"].push_back(share(rest + 8 * expert_bytes));
    shares["all"].push_back(share(rest + 128 * expert_bytes));
  }
  for (const double share : shares["coverage"]) {
    EXPECT_GT(share, 0.55);
    EXPECT_LT(share, 0.80);
  }
  EXPECT_GT(shares["all"][0], 1.3);       // more than the peak
  EXPECT_GT(shares["balanced"][1], 1.0);  // more than the peak
  EXPECT_LT(shares["top-k"][3], 0.2);     // a tenth of the peak
}

}  // namespace
}  // namespace tokenjoule
