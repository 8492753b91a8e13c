#include "analyzer/ledger/ledger.h"

#include <cmath>
#include <string>
#include <utility>

#include "analyzer/description/catalog.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/scenario.h"
#include "analyzer/units/units.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

// Totals over the system and the step.
struct Totals {
  double weights = 0, kv_read = 0, kv_write = 0, flop = 0, embedding = 0;
};

Totals Sum(const Ledger<>& ledger) {
  Totals totals;
  for (const Operator<>& op : ledger.operators) {
    const double runs = SystemRuns(ledger, op);
    totals.weights += runs * InBytes(op.weight_read);
    totals.kv_read += runs * InBytes(op.kv_read);
    totals.kv_write += runs * InBytes(op.kv_write);
    totals.flop += runs * InFlop(op.matmul_flop);
    totals.embedding += runs * InBytes(op.embedding_read);
  }
  return totals;
}

Ledger<> LedgerOf(const std::string& name, const Scenario& scenario) {
  return BuildLedger(LoadModelOrDie(name), scenario);
}

Totals TotalsOf(const std::string& name, const Scenario& scenario) {
  return Sum(LedgerOf(name, scenario));
}

TEST(LedgerTest, UnitModelIsDoneInTheHead) {
  // One-byte weights: q, k, v, o, gate, up, down, head = 8. FLOP per token: 2 x
  // 8, plus 4 per token of context. KV: 2 bytes per token of context.
  const Totals totals = TotalsOf("unit", Point(3, 10));
  EXPECT_EQ(totals.weights, 8);
  EXPECT_EQ(totals.flop, 3 * (2 * 8 + 4 * 10));
  EXPECT_EQ(totals.kv_read, 3 * 2 * 10);
  EXPECT_EQ(totals.kv_write, 3 * 2);
  EXPECT_EQ(totals.embedding, 3);
}

TEST(LedgerTest, ShareOfStepsThatAdmitPrompts) {
  Scenario scenario = Point(50, 10);
  EXPECT_EQ(LedgerOf("unit", scenario).admitting, 0);
  scenario.set_prompt(20);
  scenario.set_output(100);
  // Half a newcomer per step: a fraction exp(-0.5) of the steps has none.
  EXPECT_DOUBLE_EQ(LedgerOf("unit", scenario).admitting, 1 - std::exp(-0.5));
  EXPECT_EQ(LedgerOf("unit", scenario).prompts_per_replica, 0.5);
}

TEST(LedgerTest, MixedStepsAreTheMeanOfStepsWithAndWithoutPrompts) {
  // 50 sequences of 100 output tokens. A share a of the steps admits 0.5 / a
  // prompts of 20 tokens each.
  Scenario scenario = Point(50, 10);
  const Ledger<> plain = LedgerOf("unit", scenario);
  scenario.set_prompt(20);
  scenario.set_output(100);
  const Ledger<> mixed = LedgerOf("unit", scenario);
  const double share = 1 - std::exp(-0.5);
  const double newcomers = 0.5 / share;
  ASSERT_EQ(mixed.operators.size(), 2 * plain.operators.size());
  for (size_t i = 0; i < plain.operators.size(); ++i) {
    const Operator<>& alone = plain.operators[i];
    const Operator<>& pure = mixed.operators[i];
    EXPECT_EQ(pure.name, alone.name);
    EXPECT_DOUBLE_EQ(pure.count, alone.count * (1 - share));
    EXPECT_EQ(pure.matmul_flop, alone.matmul_flop);
    EXPECT_EQ(pure.kv_read, alone.kv_read);
    const Operator<>& admitting = mixed.operators[i + plain.operators.size()];
    EXPECT_EQ(admitting.name, "admitting." + alone.name);
    EXPECT_DOUBLE_EQ(admitting.count, alone.count * share);
    EXPECT_EQ(admitting.weight_read, alone.weight_read);
    if (alone.product_kind == ProductKind::kLinear) {
      EXPECT_DOUBLE_EQ(InFlop(admitting.matmul_flop),
                       InFlop(alone.matmul_flop) * (50 + newcomers * 20) / 50);
    }
  }
  // The mean step computes 50 x (2 x 8 + 4 x 10) FLOP for tokens, and for half
  // a prompt 20 x 2 x 7 with weights, 20 x 4 x 10 with half of the prompt and 2
  // with the head.
  EXPECT_DOUBLE_EQ(Sum(mixed).flop, 50 * 56 + 0.5 * (280 + 800 + 2));
  EXPECT_DOUBLE_EQ(Sum(mixed).weights, 8);
  // What exists once is counted once.
  EXPECT_EQ(mixed.layers, plain.layers);
  EXPECT_EQ(mixed.parameters, plain.parameters);
  EXPECT_EQ(mixed.TotalWeightFootprint(), plain.TotalWeightFootprint());
  EXPECT_EQ(mixed.sequence_footprint, plain.sequence_footprint);
}

TEST(LedgerTest, AStaticBatchAdmitsAllItsPromptsInOneStep) {
  Scenario scenario = Point(50, 10);
  scenario.set_prompt(20);
  scenario.set_output(100);
  scenario.set_static_batch(true);
  const Ledger<> ledger = LedgerOf("unit", scenario);
  EXPECT_EQ(ledger.admitting, 0.01);
  EXPECT_EQ(ledger.prompts_per_replica, 0.5);
  for (const Operator<>& op : ledger.operators) {
    // 50 tokens of the batch and 50 prompts of 20.
    if (op.name != "admitting.full.mlp.down_proj") continue;
    EXPECT_DOUBLE_EQ(op.count, 0.01);
    EXPECT_DOUBLE_EQ(InFlop(op.matmul_flop), 2 * (50 + 50 * 20));
  }
}

TEST(LedgerTest, PromptsThatAStepCannotCarryAreSplitOverMore) {
  // Half a prompt of 20 tokens per step on average, beside 50 sequences.
  Scenario scenario = Point(50, 10);
  scenario.set_prompt(20);
  scenario.set_output(100);
  const auto admitting = [&](double budget) {
    scenario.set_step_token_budget(budget);
    return LedgerOf("unit", scenario).admitting;
  };
  const double without = 1 - std::exp(-0.5);
  EXPECT_DOUBLE_EQ(admitting(0), without);
  EXPECT_DOUBLE_EQ(admitting(1000), without);
  // 20 tokens beside the batch: every second step is full.
  EXPECT_DOUBLE_EQ(admitting(70), 0.5);
  EXPECT_DOUBLE_EQ(admitting(60), 1);
  EXPECT_DOUBLE_EQ(admitting(10), 1);
  scenario.set_static_batch(true);
  EXPECT_DOUBLE_EQ(admitting(0), 0.01);
  // 50 prompts of 20 tokens, 40 per step: 25 steps of 100.
  EXPECT_DOUBLE_EQ(admitting(90), 0.25);
}

TEST(LedgerTest, StepsThatAdmitPromptsReadMoreExperts) {
  // gpt-oss-120b: 128 experts, 4 per token. 4 sequences visit 128 (1 - (1 -
  // 4/128)^4) = 15.27 experts; a prompt of 7373 tokens visits all.
  Scenario scenario = Point(4, 7373 + 461);
  const Ledger<> plain = LedgerOf("gpt-oss-120b", scenario);
  const double visited = 128 * (1 - std::pow(1 - 4.0 / 128, 4));
  EXPECT_NEAR(plain.experts_read, visited, 1e-9);
  scenario.set_prompt(7373);
  scenario.set_output(922);
  const Ledger<> mixed = LedgerOf("gpt-oss-120b", scenario);
  const double share = 1 - std::exp(-4.0 / 922);
  EXPECT_DOUBLE_EQ(mixed.admitting, share);
  // The figure is that of steps without prompts.
  EXPECT_EQ(mixed.experts_read, plain.experts_read);
  EXPECT_EQ(mixed.expert_layers, 36);
  EXPECT_EQ(plain.expert_layers, 36);
  double before = 0, after = 0;
  for (const auto& [ledger, bytes] :
       {std::make_pair(&plain, &before), std::make_pair(&mixed, &after)}) {
    for (const Operator<>& op : ledger->operators) {
      if (op.product_kind != ProductKind::kExperts) continue;
      *bytes += op.count * InBytes(op.weight_read);
    }
  }
  EXPECT_NEAR(after / before, (1 - share) + share * 128 / visited, 1e-9);
}

TEST(LedgerTest, LayersWithARecurrentStateAreCounted) {
  EXPECT_EQ(LedgerOf("unit", Point(1, 1)).recurrent_layers, 0);
  // 56 layers: 27 Mamba-2, 25 MLP, 4 attention.
  EXPECT_EQ(LedgerOf("nemotron-nano-9b-v2", Point(1, 1)).recurrent_layers, 27);
  EXPECT_EQ(LedgerOf("mamba2-2.7b", Point(1, 1)).recurrent_layers, 64);
}

TEST(LedgerTest, LayersWithExpertsAndWithLatentAttentionAreCounted) {
  EXPECT_EQ(LedgerOf("llama-3.1-8b", Point(1, 1)).expert_layers, 0);
  EXPECT_EQ(LedgerOf("llama-3.1-8b", Point(1, 1)).latent_layers, 0);
  // 27 layers with latent attention, of which the first has no experts; prompts
  // change nothing.
  Scenario scenario = Point(8, 1000);
  for (const double prompt : {0, 100}) {
    scenario.set_prompt(prompt);
    scenario.set_output(prompt);
    const Ledger<> ledger = LedgerOf("deepseek-v2-lite", scenario);
    EXPECT_EQ(ledger.layers, 27);
    EXPECT_EQ(ledger.expert_layers, 26);
    EXPECT_EQ(ledger.latent_layers, 27);
  }
}

TEST(LedgerTest, MixersMayBeStoredInAFormatOfTheirOwn) {
  const double fp8 = TotalsOf("llama-3.1-405b-fp8", Point(1, 1)).weights;
  Scenario scenario = Point(1, 1);
  scenario.set_lm_head("bf16");
  scenario.set_weights("fp8");
  const double all = TotalsOf("llama-3.1-405b-fp8", scenario).weights;
  // One byte more per weight of attention, of which there are 126 x 2 x 16384 x
  // (16384 + 1024).
  EXPECT_EQ(fp8 - all, 126.0 * 2 * 16384 * (16384 + 1024));
}

TEST(LedgerTest, Llama2_7bToTheByteAndTheFlop) {
  const Ledger<> ledger = LedgerOf("llama-2-7b", Point(1, 2048));
  const Totals totals = Sum(ledger);
  // 32 x (4 x 4096^2 + 3 x 4096 x 11008) + 4096 x 32000 = 6 607 077 376
  // weights of 2 bytes; norms (2 x 32 + 1) x 4096 x 2 = 532 480 bytes.
  EXPECT_EQ(totals.weights, 13'214'154'752.0 + 532'480.0);
  EXPECT_EQ(totals.weights, 13'214'687'232.0);
  // 2 x 32 heads x 128 x 2048 x 32 layers x 2 bytes.
  EXPECT_EQ(InBytes(ledger.kv_per_sequence), 1'073'741'824.0);
  EXPECT_EQ(totals.kv_read, 1'073'741'824.0);
  // 2 x 6 607 077 376 + 4 x 32 x 128 x 2048 x 32.
  EXPECT_EQ(totals.flop, 14'287'896'576.0);
}

TEST(LedgerTest, Llama31_8bToTheByteAndTheFlop) {
  const Ledger<> ledger = LedgerOf("llama-3.1-8b", Point(1, 2048));
  const Totals totals = Sum(ledger);
  // 32 x (2 x 4096^2 + 2 x 4096 x 1024 + 3 x 4096 x 14336) + 4096 x 128256
  // = 7 504 658 432 weights; norms 65 x 4096 x 2 bytes.
  EXPECT_EQ(totals.weights - 65 * 4096 * 2, 15'009'316'864.0);
  EXPECT_EQ(InBytes(ledger.kv_per_sequence), 268'435'456.0);
  EXPECT_EQ(totals.flop, 2 * 7'504'658'432.0 + 4.0 * 32 * 128 * 2048 * 32);
  // The same to the digits published by other tools.
  EXPECT_NEAR(totals.weights, 1.500932e10, 1e6);
  EXPECT_NEAR(totals.flop, 1.608306e10, 1e4);
}

TEST(LedgerTest, Llama31_70bToTheByte) {
  const Ledger<> ledger = LedgerOf("llama-3.1-70b", Point(1, 2048));
  // 80 x (2 x 8192^2 + 2 x 8192 x 1024 + 3 x 8192 x 28672) + 8192 x 128256.
  EXPECT_EQ(Sum(ledger).weights - 161 * 8192 * 2, 139'003'428'864.0);
  EXPECT_NEAR(Sum(ledger).weights, 1.390034e11, 1e7);
  EXPECT_EQ(InBytes(ledger.kv_per_sequence), 671'088'640.0);
}

TEST(LedgerTest, Qwen3_8bReadsItsQueryAndKeyNorms) {
  const Totals totals = TotalsOf("qwen3-8b", Point(1, 8192));
  // 7 568 405 504 weights read for one token, 2 bytes each.
  EXPECT_EQ(totals.weights, 2 * 7'568'405'504.0);
  // 2 x 8 x 128 x 8192 x 36 x 2 bytes.
  EXPECT_EQ(totals.kv_read, 1'207'959'552.0);
}

TEST(LedgerTest, ParameterTotalsMatchThePublishedOnes) {
  for (const std::string& name : LanguageModelNames()) {
    const Model model = LoadModelOrDie(name);
    const double published = model.published().total_parameters();
    ASSERT_GT(published, 0) << name;
    const Ledger<> ledger = BuildLedger(model, Point(1, 1));
    EXPECT_NEAR(ledger.parameters / published, 1, 0.015) << name;
    if (model.published().active_uncertain()) continue;
    double active = ledger.active_parameters;
    if (model.published().active_without_embedding()) {
      active -= static_cast<double>(model.vocab_size() * model.d_model());
    }
    EXPECT_NEAR(active / model.published().active_parameters(), 1, 0.017)
        << name;
  }
}

TEST(LedgerTest, KvCacheGrowsWithContextUpToTheWindow) {
  // mistral-7b-v0.1 slides over 4096 tokens in every layer.
  const double at_window = TotalsOf("mistral-7b-v0.1", Point(1, 4096)).kv_read;
  EXPECT_EQ(TotalsOf("mistral-7b-v0.1", Point(1, 2048)).kv_read, at_window / 2);
  EXPECT_EQ(TotalsOf("mistral-7b-v0.1", Point(1, 9999)).kv_read, at_window);
  EXPECT_EQ(TotalsOf("mistral-7b-v0.3", Point(1, 8192)).kv_read, at_window * 2);
}

TEST(LedgerTest, ChunkedWindowIsHalfAChunkInTheMean) {
  const Model model =
      LoadModelOrDie("unit", {{"block.full.attention.chunk_tokens", "100"}});
  // 1 to 100 tokens, 50.5 on average, 2 bytes each; the whole chunk is held.
  const Ledger<> ledger = BuildLedger(model, Point(1, 1000));
  EXPECT_EQ(Sum(ledger).kv_read, 101);
  EXPECT_EQ(InBytes(ledger.kv_per_sequence), 200);
}

TEST(LedgerTest, ContextsWithinOneChunkAreReadWhole) {
  const Model model =
      LoadModelOrDie("unit", {{"block.full.attention.chunk_tokens", "100"}});
  // 2 bytes per token up to the end of the first chunk; the second one begins
  // with token 101.
  const std::pair<double, double> cases[] = {{1, 2},    {50, 100},  {51, 102},
                                             {99, 198}, {100, 200}, {101, 101}};
  for (const auto& [context, bytes] : cases) {
    EXPECT_EQ(Sum(BuildLedger(model, Point(1, context))).kv_read, bytes)
        << context;
  }
}

TEST(LedgerTest, ChunkedPromptsAttendToTheMeanWithinTheirChunks) {
  const Model model =
      LoadModelOrDie("unit", {{"block.full.attention.chunk_tokens", "100"}});
  // Mean positions that a prompt token attends to: one head of one element
  // takes 4 FLOP per position, and a step carries P - p prompt tokens.
  const auto mean_span = [&](double prompt, double prefix) {
    Scenario scenario = Point(1, 10);
    scenario.set_prompt(prompt);
    scenario.set_output(1);
    scenario.set_shared_prefix_tokens(prefix);
    // Each step admits one prompt, and no step has none.
    scenario.set_static_batch(true);
    for (const Operator<>& op : BuildLedger(model, scenario).operators) {
      if (op.product_kind == ProductKind::kAttention && op.count > 0) {
        return (InFlop(op.matmul_flop) / 4 - 10) / (prompt - prefix);
      }
    }
    return 0.0;
  };
  // In one chunk the mean is P / 2, as without chunks.
  EXPECT_EQ(mean_span(60, 0), 30);
  EXPECT_EQ(mean_span(100, 0), 50);
  EXPECT_EQ(mean_span(200, 0), 50);
  // Two chunks and a half: (2 x 100^2 + 50^2) / 2 / 250 = 45.
  EXPECT_EQ(mean_span(250, 0), 45);
  // Tokens 60 to 150: (100^2 + 50^2 - 60^2) / 2 / 90 = 49.4.
  EXPECT_NEAR(mean_span(150, 60), 8900 / 2.0 / 90, 1e-12);
}

TEST(LedgerTest, FormatsScaleBytesExactly) {
  Scenario scenario = Point(1, 2048);
  const double bf16 = 13'214'154'752.0, norms = 532'480.0;
  const std::pair<const char*, double> cases[] = {{"fp8", 8},
                                                  {"int8", 8},
                                                  {"int4", 4},
                                                  {"int4-g128", 4.15625},
                                                  {"mxfp4", 4.25},
                                                  {"nvfp4", 4.5},
                                                  {"int4-g128-sym", 4.125},
                                                  {"int4:1 int8:1", 6},
                                                  {"fp32", 32}};
  for (const auto& [format, bits] : cases) {
    scenario.set_weights(format);
    EXPECT_EQ(TotalsOf("llama-2-7b", scenario).weights,
              bf16 * bits / 16 + norms)
        << format;
  }
  scenario.set_kv("fp8");
  EXPECT_EQ(TotalsOf("llama-2-7b", scenario).kv_read, 1'073'741'824.0 / 2);
}

// llama.cpp stores heads, values and down projections wider than the rest, and
// norms in fp32: 4,912,898,304 bytes of tensors in Llama-3.1-8B's Q4_K_M file,
// of which 256 are factors of the rotary embedding.
TEST(LedgerTest, WeightsNamedByGgufFileTypesAreWhatTheFilesHold) {
  Scenario scenario = Point(1, 1);
  const std::pair<const char*, double> cases[] = {
      {"q4_k_m", 4'912'898'304}, {"q4_k", 4'912'898'304},
      {"q4_k_s", 4'684'833'024}, {"q3_k_m", 4'011'081'984},
      {"q2_k", 3'171'295'488},   {"q5_k_m", 5'725'151'488},
      {"q6_k", 6'588'170'496},   {"q8_0", 8'532'934'912},
      {"q4_0", 4'653'375'744},   {"q4_1", 5'122'416'896},
      {"q5_0", 5'591'458'048},   {"iq4_xs", 4'476'526'848},
      {"iq4_nl", 4'699'513'088}};
  for (const auto& [format, bytes] : cases) {
    scenario.set_weights(format);
    EXPECT_EQ(
        InBytes(LedgerOf("llama-3.1-8b", scenario).TotalWeightFootprint()),
        bytes - 256)
        << format;
  }
  // Eight experts: keys and values in q8_0, outputs in q5_k.
  scenario.set_weights("q4_k_m");
  EXPECT_EQ(InBytes(LedgerOf("mixtral-8x7b", scenario).TotalWeightFootprint()),
            28'447'727'616.0);
}

TEST(LedgerTest, LmHeadFormatCanDiffer) {
  Scenario scenario = Point(1, 1);
  scenario.set_weights("fp8");
  const double all = TotalsOf("llama-3.1-8b", scenario).weights;
  scenario.set_lm_head("bf16");
  EXPECT_EQ(TotalsOf("llama-3.1-8b", scenario).weights - all, 4096.0 * 128256);
}

TEST(LedgerTest, TensorParallelSplitsMatricesAndCopiesNorms) {
  Scenario scenario = Point(1, 2048);
  const double one = TotalsOf("llama-3.1-8b", scenario).weights;
  scenario.set_tp(8);
  EXPECT_EQ(TotalsOf("llama-3.1-8b", scenario).weights,
            one + 7 * 65 * 4096 * 2);
}

TEST(LedgerTest, KvHeadsAreCopiedWhereThereAreMoreChips) {
  Scenario scenario = Point(1, 2048);
  scenario.set_tp(16);  // 8 KV heads: each is on two chips
  const Ledger<> ledger = LedgerOf("llama-3.1-70b", scenario);
  EXPECT_EQ(Sum(ledger).kv_read, 2 * 671'088'640.0);
  EXPECT_EQ(InBytes(ledger.sequence_footprint), 2 * 671'088'640.0);
  // The logical cache excludes copies.
  EXPECT_EQ(InBytes(ledger.kv_per_sequence), 671'088'640.0);
}

TEST(LedgerTest, DataParallelReplicasReadTheirOwnWeights) {
  Scenario scenario = Point(8, 2048);
  const Totals one = TotalsOf("llama-3.1-8b", scenario);
  scenario.set_dp(4);
  const Totals four = TotalsOf("llama-3.1-8b", scenario);
  EXPECT_EQ(four.weights, 4 * one.weights);
  EXPECT_EQ(four.kv_read, one.kv_read);
  EXPECT_EQ(four.flop, one.flop);
}

TEST(LedgerTest, PipelineReadsItsWeightsOnceAMicrobatch) {
  Scenario scenario = Point(8, 2048);
  const Totals one = TotalsOf("llama-3.1-8b", scenario);
  scenario.set_pp(4);
  EXPECT_EQ(TotalsOf("llama-3.1-8b", scenario).weights, 4 * one.weights);
  EXPECT_EQ(TotalsOf("llama-3.1-8b", scenario).kv_read, one.kv_read);
  // One sequence is one microbatch.
  scenario.set_batch(1);
  EXPECT_EQ(TotalsOf("llama-3.1-8b", scenario).weights, one.weights);
  // The weights are held once.
  EXPECT_EQ(InBytes(LedgerOf("llama-3.1-8b", scenario).TotalWeightFootprint()),
            2 * 8'030'261'248.0);
}

TEST(LedgerTest, FootprintHoldsTheEmbeddingTableThatIsNotRead) {
  const Ledger<> ledger = LedgerOf("llama-2-7b", Point(1, 2048));
  EXPECT_EQ(InBytes(ledger.TotalWeightFootprint()), 2 * 6'738'415'616.0);
  EXPECT_EQ(InBytes(ledger.TotalWeightFootprint()) - Sum(ledger).weights,
            2.0 * 32000 * 4096);
}

TEST(LedgerTest, CollectivesCarryTheResidualStream) {
  Scenario scenario = Point(4, 2048);
  scenario.set_tp(8);
  const Ledger<> ledger = LedgerOf("llama-3.1-8b", scenario);
  double reduces = 0;
  for (const Operator<>& op : ledger.operators) {
    if (op.collective != Collective::kAllReduce) continue;
    reduces += op.count;
    EXPECT_EQ(InBytes(op.payload), 4 * 4096 * 2) << op.name;
  }
  // Two per layer and one after the embedding.
  EXPECT_EQ(reduces, 2 * 32 + 1);
  for (const Operator<>& op :
       LedgerOf("llama-3.1-8b", Point(4, 2048)).operators) {
    EXPECT_EQ(op.collective, Collective::kNone);
  }
}

TEST(LedgerTest, EveryCountIsAffineInTheBatch) {
  for (const std::string& name : LanguageModelNames()) {
    const Totals a = TotalsOf(name, Point(1, 3000));
    const Totals b = TotalsOf(name, Point(2, 3000));
    const Totals c = TotalsOf(name, Point(5, 3000));
    EXPECT_EQ(c.kv_read, 5 * a.kv_read) << name;
    // Exact up to the rounding of sums beyond 2^53.
    EXPECT_NEAR((c.flop - a.flop) / (4 * (b.flop - a.flop)), 1, 1e-12) << name;
    // Only the reads of experts depend on the batch.
    const bool has_experts =
        BuildLedger(LoadModelOrDie(name), Point(1, 1)).experts_read > 0;
    if (!has_experts) {
      EXPECT_EQ(c.weights, a.weights) << name;
    }
  }
}

// Llama-3.1-8B holds 2 x 8 heads x 128 x 32 layers x 2 bytes per token.
constexpr double kLlamaToken = 131'072;

TEST(LedgerTest, SharedPrefixIsHeldOnceAndReadAsTheKernelsCan) {
  Scenario scenario = Point(32, 2048);
  const Totals alone = TotalsOf("llama-3.1-8b", scenario);
  scenario.set_shared_prefix_tokens(1000);
  const Ledger<> ledger = LedgerOf("llama-3.1-8b", scenario);
  // Held: 1000 tokens once, 1048 per sequence. The logical cache of one
  // sequence includes both.
  EXPECT_EQ(InBytes(ledger.prefix_footprint), 1000 * kLlamaToken);
  EXPECT_EQ(InBytes(ledger.sequence_footprint), 1048 * kLlamaToken);
  EXPECT_EQ(InBytes(ledger.kv_per_sequence), 2048 * kLlamaToken);
  EXPECT_EQ(InBytes(SequencesFootprint(ledger)),
            (32 * 1048 + 1000) * kLlamaToken);
  // Each sequence still reads all of it ...
  EXPECT_EQ(Sum(ledger).kv_read, 32 * 2048 * kLlamaToken);
  // ... unless the kernels read it for all of them: 31 x 1000 tokens less.
  scenario.set_shared_prefix_read_once(true);
  const Totals once = TotalsOf("llama-3.1-8b", scenario);
  EXPECT_EQ(once.kv_read, (32 * 1048 + 1000) * kLlamaToken);
  EXPECT_EQ(once.kv_write, alone.kv_write);
  EXPECT_EQ(once.flop, alone.flop);
  EXPECT_EQ(once.weights, alone.weights);
}

TEST(LedgerTest, PagesRoundWhatIsHeldAndNotWhatIsRead) {
  Scenario scenario = Point(4, 2041);
  scenario.set_kv_page_tokens(16);
  Ledger<> ledger = LedgerOf("llama-3.1-8b", scenario);
  // 2041 tokens take 128 pages of 16 = 2048.
  EXPECT_EQ(InBytes(ledger.sequence_footprint), 2048 * kLlamaToken);
  EXPECT_EQ(InBytes(ledger.kv_per_sequence), 2041 * kLlamaToken);
  EXPECT_EQ(Sum(ledger).kv_read, 4 * 2041 * kLlamaToken);
  // Of a prefix of 1000 tokens, 62 pages of 16 = 992 are shared; each sequence
  // has its own copy of the page in which sequences diverge.
  scenario.set_shared_prefix_tokens(1000);
  scenario.set_shared_prefix_read_once(true);
  ledger = LedgerOf("llama-3.1-8b", scenario);
  EXPECT_EQ(InBytes(ledger.prefix_footprint), 992 * kLlamaToken);
  EXPECT_EQ(InBytes(ledger.sequence_footprint), (2048 - 992) * kLlamaToken);
  EXPECT_EQ(Sum(ledger).kv_read, (4 * 2041 - 3 * 992) * kLlamaToken);
}

TEST(LedgerTest, WindowsShareOnlyThePrefixInsideThem) {
  // Mistral-7B: windows of 4096 and as many bytes per token as Llama-3.1-8B. At
  // a context of 6000 the window begins at 1904.
  Scenario scenario = Point(8, 6000);
  scenario.set_shared_prefix_read_once(true);
  for (const auto& [prefix, inside] :
       {std::pair<double, double>{1000, 0}, {1904, 0}, {3000, 1096}}) {
    scenario.set_shared_prefix_tokens(prefix);
    const Ledger<> ledger = LedgerOf("mistral-7b-v0.1", scenario);
    EXPECT_EQ(InBytes(ledger.prefix_footprint), inside * kLlamaToken);
    EXPECT_EQ(InBytes(ledger.sequence_footprint),
              (4096 - inside) * kLlamaToken);
    EXPECT_EQ(Sum(ledger).kv_read, (8 * 4096 - 7 * inside) * kLlamaToken);
  }
}

TEST(LedgerTest, NewcomersDoNotPrefillTheSharedPrefix) {
  // 10 sequences of 100 output tokens: 0.1 newcomers per step with 3000 - 1000
  // prompt tokens each, which attend to (1000 + 3000) / 2 tokens on average.
  Scenario scenario = Point(10, 3050);
  scenario.set_prompt(3000);
  scenario.set_output(100);
  scenario.set_shared_prefix_tokens(1000);
  const Totals totals = TotalsOf("llama-3.1-8b", scenario);
  EXPECT_NEAR(totals.kv_write, (10 + 200) * kLlamaToken, 1);
  // Each newcomer reads the prefix once.
  EXPECT_NEAR(totals.kv_read, (10 * 3050 + 0.1 * 1000) * kLlamaToken, 1);
  const double score = 4.0 * 32 * 128 * 32;
  const double layers = 7'504'658'432.0 - 4096.0 * 128256;
  const double head = 4096.0 * 128256;
  EXPECT_NEAR(
      totals.flop,
      2 * 210 * layers + 2 * 10.1 * head + score * (10 * 3050 + 200 * 2000),
      1e-6 * totals.flop);
}

TEST(LedgerTest, WindowedPromptsAttendToTheMeanOfTheWindowAfterThePrefix) {
  // Mistral-7B, W = 4096: tokens 2000 to 6000 attend to the mean of
  // min(i, 4096): ((4096^2 - 2000^2) / 2 + 1904 x 4096) / 4000 = 3546.8.
  Scenario scenario = Point(1, 6050);
  scenario.set_prompt(6000);
  scenario.set_output(100);
  // Mean over steps of the 32 layers.
  const auto attention_flop = [&](double prefix) {
    scenario.set_shared_prefix_tokens(prefix);
    double flop = 0;
    for (const Operator<>& op :
         LedgerOf("mistral-7b-v0.1", scenario).operators) {
      if (op.product_kind != ProductKind::kAttention) continue;
      flop += op.count / 32 * InFlop(op.matmul_flop) / (4.0 * 32 * 128);
    }
    return flop;
  };
  EXPECT_NEAR(attention_flop(2000), 4096 + 0.01 * 4000 * 3546.848, 1e-6);
  // Without a prefix: W - W^2 / (2 P) over 6000 tokens.
  EXPECT_NEAR(attention_flop(0),
              4096 + 0.01 * 6000 * (4096 - 4096.0 * 4096 / 12000), 1e-6);
}

TEST(LedgerTest, LatentCachesShareThePrefixToo) {
  Scenario scenario = Point(16, 2048);
  scenario.set_shared_prefix_tokens(1024);
  const Ledger<> ledger = LedgerOf("deepseek-v2-lite", scenario);
  // 27 layers of 512 + 64 elements of 2 bytes per token.
  EXPECT_EQ(InBytes(ledger.prefix_footprint), 1024.0 * 27 * 576 * 2);
  EXPECT_EQ(InBytes(ledger.sequence_footprint), 1024.0 * 27 * 576 * 2);
}

}  // namespace
}  // namespace tokenjoule
