#include "analyzer/study/tricks.h"

#include <cmath>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "analyzer/description/catalog.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/machine/machine.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/evaluate.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::HasSubstr;

Setup On(const std::string& model, const std::string& hardware) {
  return SetupOrDie(model, hardware, WithContext(DefaultScenario()));
}

Report Answer(const Setup& setup) {
  return OrDie(Analyze(setup, kWithDetails));
}

Report AnswerWith(const std::string& trick, const Setup& setup) {
  SCOPED_TRACE(trick);
  return Answer(OrDie(ApplyTrick(trick, setup)));
}

std::string WhyNot(const std::string& trick, const Setup& setup) {
  absl::StatusOr<Setup> changed = ApplyTrick(trick, setup);
  EXPECT_EQ(changed.status().code(), absl::StatusCode::kFailedPrecondition)
      << trick;
  return std::string(changed.status().message());
}

// Bytes of Llama-3.1-8B in bf16: matrices, and 65 norms of 4096.
constexpr double kLlamaMatrices = 15'009'316'864.0;
constexpr double kLlamaNorms = 65 * 4096 * 2;

TEST(TricksTest, NarrowWeightsTakeTheBytesOfTheirFormat) {
  const auto setup = On("llama-3.1-8b", "h100-sxm");
  EXPECT_EQ(AnswerWith("weights-fp8", setup).weight_bytes_per_step(),
            kLlamaMatrices / 2 + kLlamaNorms);
  // 4 bits and 20 bits for each 128: 4.15625 of 16.
  EXPECT_EQ(AnswerWith("weights-int4", setup).weight_bytes_per_step(),
            kLlamaMatrices * 4.15625 / 16 + kLlamaNorms);
}

TEST(TricksTest, NarrowWeightsLeaveWhatIsNarrowerAlready) {
  // gpt-oss keeps its experts in mxfp4: 4.25 bits.
  const auto setup = On("gpt-oss-20b", "h100-sxm");
  const Report report = AnswerWith("weights-fp8", setup);
  EXPECT_EQ(report.scenario().weights(), "fp8");
  EXPECT_EQ(report.scenario().experts(), "mxfp4");
  auto narrow = setup;
  narrow.scenario.set_weights("int4");
  narrow.scenario.set_experts("mxfp4");
  EXPECT_THAT(WhyNot("weights-fp8", narrow), HasSubstr("int4 already"));
}

TEST(TricksTest, NarrowCacheTakesTheBytesOfItsFormat) {
  const auto setup = On("llama-3.1-8b", "h100-sxm");
  const double before = Answer(setup).kv_bytes_per_sequence();
  EXPECT_EQ(before, 2048 * 131'072.0);
  EXPECT_EQ(AnswerWith("kv-fp8", setup).kv_bytes_per_sequence(), before / 2);
  // 4 bits and 20 bits for each 32: 4.625 of 16.
  EXPECT_EQ(AnswerWith("kv-int4", setup).kv_bytes_per_sequence(),
            before * 4.625 / 16);
}

TEST(TricksTest, GroupedQueriesKeepEightHeads) {
  const auto setup = On("llama-2-7b", "h100-sxm");
  EXPECT_EQ(AnswerWith("gqa-8", setup).kv_bytes_per_sequence(),
            Answer(setup).kv_bytes_per_sequence() * 8 / 32);
  EXPECT_THAT(WhyNot("gqa-8", On("llama-3.1-8b", "h100-sxm")),
              HasSubstr("KV head"));
}

TEST(TricksTest, LatentAttentionHasItsBytes) {
  const Report report = AnswerWith("mla", On("llama-3.1-8b", "h100-sxm"));
  // 576 elements of 2 bytes in 32 layers.
  EXPECT_EQ(report.kv_bytes_per_sequence(), 2048.0 * 576 * 2 * 32);
  // Queries 32 x (128 + 64), down 576, up 32 x 256 of rank 512, output; the
  // norm of the compressed vector.
  const double layer =
      4096.0 * 32 * 192 + 4096.0 * 576 + 512.0 * 32 * 256 + 4096.0 * 4096 + 512;
  for (const PartBytes& part : report.parts()) {
    if (part.part() != "attention") continue;
    EXPECT_EQ(part.read_bytes_per_step(), 32 * 2 * layer);
  }
  EXPECT_THAT(WhyNot("mla", On("deepseek-v2-lite", "h100-sxm")),
              HasSubstr("latent already"));
  EXPECT_THAT(WhyNot("mla", On("qwen2.5-0.5b", "h100-sxm")),
              HasSubstr("no more than 576 elements"));
  EXPECT_THAT(WhyNot("mla", On("mistral-7b-v0.1", "h100-sxm")),
              HasSubstr("windows"));
  EXPECT_THAT(WhyNot("mla", On("mamba2-2.7b", "h100-sxm")),
              HasSubstr("no attention"));
}

TEST(TricksTest, SpeculationGainsTheExpectedLength) {
  const auto setup = On("llama-3.1-8b", "h100-sxm");
  const Report report = AnswerWith("speculation", setup);
  // (1 - 0.75^5) / 0.25.
  EXPECT_NEAR(report.tokens_per_sequence_step(), 3.05078125, 1e-12);
  // Verifying reads the weights once; drafting reads a layer, the head, a
  // projection of 2 d x d and norms four times.
  EXPECT_GT(report.weight_bytes_per_step(),
            Answer(setup).weight_bytes_per_step());
  EXPECT_LT(report.weight_bytes_per_step(),
            Answer(setup).weight_bytes_per_step() * 1.5);
  auto speculating = setup;
  *speculating.scenario.mutable_speculation() = report.scenario().speculation();
  speculating.model.set_mtp_modules(1);
  EXPECT_THAT(WhyNot("speculation", speculating), HasSubstr("already"));
}

TEST(TricksTest, ExpertsKeepTheParametersAndReadAnEighth) {
  const auto setup = On("llama-3.1-8b", "h100-sxm");
  const Report before = Answer(setup), after = AnswerWith("experts", setup);
  // 64 experts of 224, and a router of 4096 x 64 per layer.
  EXPECT_EQ(after.total_parameters(),
            before.total_parameters() + 32.0 * 4096 * 64);
  const double dense = 3.0 * 4096 * 14336 * 32;
  EXPECT_EQ(after.active_parameters(),
            before.active_parameters() + 32.0 * 4096 * 64 - dense * 7 / 8);
  EXPECT_EQ(after.experts_read_per_layer(), 8);
  EXPECT_THAT(WhyNot("experts", On("mixtral-8x7b", "h100-sxm")),
              HasSubstr("already"));
}

TEST(TricksTest, StackedDramHasTheEnergiesOfItsFile) {
  const auto setup = On("llama-3.1-8b", "h100-sxm");
  const Report report = AnswerWith("stacked-dram", setup);
  const double bits = 8 * report.dram_bytes_per_step();
  // 0.73 pJ/bit in the array, over regulators of 0.9; 0.1 in the drivers.
  EXPECT_NEAR(TermOf(report, Term::DRAM_COLUMN) / (bits * 0.73e-12 / 0.9), 1,
              1e-12);
  EXPECT_NEAR(TermOf(report, Term::DRAM_PHY) / (bits * 0.1e-12), 1, 1e-12);
  EXPECT_EQ(report.memory_usable_bytes(), Answer(setup).memory_usable_bytes());
  EXPECT_THAT(WhyNot("stacked-dram", On("llama-3.1-8b", "hb-dram-asic")),
              HasSubstr("already"));
  EXPECT_THAT(WhyNot("stacked-dram", On("llama-3.1-8b", "groq-lpu-v1")),
              HasSubstr("SRAM"));
}

TEST(TricksTest, NewSramKeepsWeightsFromDram) {
  // H100: 50 MB of L2 become 500, of which 450 keep weights. The corresponding
  // share of all weights held is not read from DRAM.
  const auto setup = On("llama-3.1-8b", "h100-sxm");
  const Report before = Answer(setup), after = AnswerWith("sram-x10", setup);
  double held = 0;
  for (const PartBytes& part : before.parts()) held += part.held_bytes();
  EXPECT_NEAR(before.dram_bytes_per_step() - after.dram_bytes_per_step(),
              before.weight_bytes_per_step() * 0.45e9 / held, 1e4);
  EXPECT_THAT(WhyNot("sram-x10", On("llama-3.1-8b", "groq-lpu-v1")),
              HasSubstr("are in SRAM"));
}

TEST(TricksTest, NearMemoryTakesPhyAndNetworkAndNothingElse) {
  auto setup = On("llama-3.1-8b", "h100-sxm");
  setup.hardware.mutable_board()->clear_power_cap_w();
  const Report before = Answer(setup), after = AnswerWith("near-memory", setup);
  EXPECT_EQ(TermOf(after, Term::DRAM_PHY), 0);
  EXPECT_EQ(TermOf(after, Term::MEMORY_PATH), 0);
  EXPECT_EQ(TermOf(after, Term::ON_CHIP_NETWORK), 0);
  EXPECT_EQ(after.step_time_s(), before.step_time_s());
  for (const Term::Value term :
       {Term::DRAM_COLUMN, Term::SRAM, Term::COMPUTE, Term::DRAM_BACKGROUND}) {
    EXPECT_EQ(TermOf(after, term), TermOf(before, term));
  }
}

TEST(TricksTest, ArithmeticTricksSaveNoMoreThanComputeTakes) {
  const auto setup = On("llama-3.1-8b", "h100-sxm");
  const Report before = Answer(setup);
  const double matrix_j_per_flop =
      BuildMachine(setup.hardware).costs.rates[0].energy.base();
  // A tenth of the energy of every matrix FLOP remains.
  const Report multiplier = AnswerWith("multiplier-x10", setup);
  EXPECT_NEAR(TermOf(before, Term::COMPUTE) - TermOf(multiplier, Term::COMPUTE),
              0.9 * before.flop_per_token() * matrix_j_per_flop, 1e-9);
  for (const char* trick : {"multiplier-x10", "analog"}) {
    const Report after = AnswerWith(trick, setup);
    EXPECT_EQ(after.step_time_s(), before.step_time_s());
    EXPECT_LT(after.energy_per_token_j(), before.energy_per_token_j());
    EXPECT_LE(before.energy_per_token_j() - after.energy_per_token_j(),
              TermOf(before, Term::COMPUTE) /
                  setup.hardware.board().regulator_efficiency().value());
  }
}

TEST(TricksTest, MultiplierAlsoScalesEnergiesThatFollowFromTheNode) {
  auto setup = On("llama-3.1-8b", "lean-hbm3e-asic");
  const Machine<> before = BuildMachine(setup.hardware);
  const auto after_setup = ApplyTrick("multiplier-x10", setup);
  ASSERT_TRUE(after_setup.ok());
  const Machine<> after = BuildMachine(after_setup->hardware);
  for (int i = 0; i < before.structure.num_rates; ++i) {
    EXPECT_NEAR(after.costs.rates[i].energy.base() /
                    before.costs.rates[i].energy.base(),
                0.1, 1e-12);
  }
  EXPECT_EQ(after.costs.vector.energy.base(),
            before.costs.vector.energy.base());
}

// Llama-3.1-8B on H100 with 72 GB for weights and cache.
Setup LlamaIn72Gb() {
  Setup setup = On("llama-3.1-8b", "h100-sxm");
  setup.hardware =
      LoadHardwareOrDie("h100-sxm", {{"memory.hbm.capacity_gb", "80"},
                                     {"runtime.memory_fraction", "0.9"},
                                     {"runtime.reserved_gb", "0"}});
  return setup;
}

TEST(TricksTest, BatchingFillsTheMemoryWithinTheTime) {
  // (72 GB - 16.06 GB of weights) / 0.268 GB per sequence of 2048 tokens.
  const auto setup = LlamaIn72Gb();
  EXPECT_EQ(AnswerWith("batching", setup).scenario().batch(), 208);
  const auto within = ApplyTrick("batching", setup, {10});
  ASSERT_TRUE(within.ok());
  EXPECT_LE(Answer(*within).step_time_s(), 0.010);
  EXPECT_LT(within->scenario.batch(), 208);
  EXPECT_THAT(WhyNot("batching", On("llama-3.1-405b", "h100-sxm")),
              HasSubstr("no batch fits"));
}

TrickStudy Study(const Setup& setup, const BatchOptions& options = {}) {
  return OrDie(StudyTricks(setup, options));
}

// Conditions that every study must meet.
void ExpectConsistent(const TrickStudy& study, const std::string& label) {
  const double first = study.energy_per_token_j();
  double best = first, before = first, product = 1;
  double last_gain = INFINITY;
  for (const Trick& trick : study.tricks()) {
    EXPECT_LE(trick.gain(), last_gain) << label;
    last_gain = trick.gain();
    EXPECT_EQ(trick.applies(), trick.reason().empty()) << label << trick.name();
    if (!trick.applies()) continue;
    EXPECT_NEAR(trick.gain() * trick.energy_per_token_j() / first, 1, 1e-12);
    best = std::min(best, trick.energy_per_token_j());
  }
  for (const TrickStep& step : study.stack()) {
    EXPECT_GE(step.gain(), 1.001) << label << step.name();
    EXPECT_NEAR(before / step.energy_per_token_j() / step.gain(), 1, 1e-12);
    product *= step.gain();
    EXPECT_NEAR(step.total_gain() / product, 1, 1e-9) << label;
    EXPECT_NEAR(std::pow(10, step.total_gain_orders_of_magnitude()) / product,
                1, 1e-9);
    before = step.energy_per_token_j();
  }
  // The stack is never worse than the best trick alone, except for the least
  // gain of a step.
  EXPECT_LE(before, best * 1.001) << label;
  // Every trick is either in the stack or left out with a reason.
  EXPECT_EQ(study.stack_size() + study.left_out_size(), study.tricks_size());
  for (const TrickLeftOut& out : study.left_out()) {
    EXPECT_NE(out.reason(), "") << label << out.name();
  }
  EXPECT_NE(study.summary(), "") << label;
}

TEST(TricksTest, StudiesOfAllKindsAreConsistent) {
  for (const char* model :
       {"llama-2-7b", "gemma-3-4b", "mixtral-8x7b", "deepseek-v2-lite",
        "gpt-oss-20b", "mamba2-2.7b", "jamba-v0.1", "llama-3.1-405b", "unit"}) {
    ExpectConsistent(Study(On(model, "h100-sxm")), model);
  }
  for (const std::string& hardware : LanguageMachineNames()) {
    ExpectConsistent(Study(On("qwen3-0.6b", hardware)), hardware);
  }
}

TEST(TricksTest, BatchingFillsWhatLaterTricksLeave) {
  const TrickStudy study = Study(LlamaIn72Gb());
  ASSERT_EQ(study.stack(0).name(), "batching");
  std::map<std::string, double> batches;
  for (const TrickStep& step : study.stack()) {
    batches[step.name()] = step.batch();
    EXPECT_TRUE(step.fits());
  }
  EXPECT_EQ(batches["batching"], 208);
  // The cache takes 4.625 bits instead of 16.
  EXPECT_NEAR(batches["kv-int4"] / batches["batching"], 16 / 4.625, 0.02);
}

TEST(TricksTest, WaysToTheSameEndExcludeEachOther) {
  const TrickStudy study = Study(On("llama-3.1-8b", "h100-sxm"));
  std::map<std::string, std::string> left_out;
  for (const TrickLeftOut& out : study.left_out()) {
    left_out[out.name()] = out.reason();
  }
  EXPECT_EQ(left_out["kv-fp8"], "kv-int4 takes its place");
  // Which format is better depends on the kernels of the runtime.
  EXPECT_EQ(left_out.count("weights-fp8") + left_out.count("weights-int4"), 1u);
  EXPECT_TRUE(left_out["weights-fp8"] == "weights-int4 takes its place" ||
              left_out["weights-int4"] == "weights-fp8 takes its place");
  EXPECT_THAT(left_out["gqa-8"], HasSubstr("KV head"));
}

TEST(TricksTest, FaultsOfTheSetupAreFaults) {
  auto setup = On("llama-3.1-8b", "h100-sxm");
  setup.scenario.set_tp(3);
  EXPECT_EQ(StudyTricks(setup).status().code(),
            absl::StatusCode::kInvalidArgument);
  setup.scenario.set_tp(1);
  EXPECT_EQ(StudyTricks(setup, {NAN}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ApplyTrick("mia", setup).status().message(),
            "unknown trick \"mia\"; did you mean \"mla\"?");
}

}  // namespace
}  // namespace tokenjoule
