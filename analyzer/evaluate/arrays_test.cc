// Answers of machines with in-memory arrays: formats, shapes, energy per
// operation, equal quality.

#include <cmath>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/testing/evaluate.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Setup On(const std::string& model, const std::string& hardware) {
  return SetupOrDie(model, hardware, WithContext(DefaultScenario()));
}

Report Answer(const Setup& setup) { return OrDie(Analyze(setup, kWithRanges)); }

TEST(ArraysTest, WithoutFormatsTheWidestThatTheArraysTake) {
  const Report report = Answer(On("llama-3.2-1b", "aimc-resident"));
  EXPECT_EQ(report.scenario().weights(), "int8");
  EXPECT_EQ(report.scenario().activations(), "int8");
  EXPECT_THAT(report.notes(),
              Contains(AllOf(HasSubstr("arrays of aimc-resident take int8 weights"),
                             HasSubstr("the checkpoint has bf16"))));
  ASSERT_EQ(report.arrays_size(), 1);
  EXPECT_EQ(report.arrays(0).engine(), "aimc");
  // Nothing is streamed but the cache, and norms.
  EXPECT_LT(report.dram_bytes_per_step(), 1.1 * report.kv_read_bytes_per_step());
}

TEST(ArraysTest, FormatsThatNoArrayTakesAreRefused) {
  for (const char* hardware : {"aimc-resident", "dimc-hbm3e"}) {
    auto setup = On("llama-3.2-1b", hardware);
    setup.scenario.set_weights("bf16");
    const absl::StatusOr<Report> report = Analyze(setup);
    EXPECT_EQ(report.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(report.status().message()),
                AllOf(HasSubstr("scenario.weights"), HasSubstr(hardware),
                      HasSubstr("--weights=int8 --activations=int8")));
  }
}

TEST(ArraysTest, GroupsThatShareAScaleRunInArraysOfTheirBits) {
  auto setup = On("llama-3.2-1b", "aimc-resident");
  setup.scenario.set_weights("int4-g128");
  const Report grouped = Answer(setup);
  ASSERT_EQ(grouped.arrays_size(), 1);
  EXPECT_EQ(grouped.arrays(0).weights(), "int4");
  EXPECT_EQ(grouped.arrays(0).activations(), "int8");
  EXPECT_THAT(grouped.warnings(), IsEmpty());
  setup.scenario.set_weights("int4");
  setup.scenario.set_activations("int8");
  const Report plain = Answer(setup);
  // The sums of a group are converted apart.
  EXPECT_GT(grouped.arrays(0).engine_fj_per_op(),
            plain.arrays(0).engine_fj_per_op());
  EXPECT_EQ(grouped.arrays(0).macro_fj_per_op(),
            plain.arrays(0).macro_fj_per_op());
}

TEST(ArraysTest, WhatRunsElsewhereIsSaid) {
  auto setup = On("llama-3.2-1b", "aimc-hbm3e");
  setup.scenario.set_weights("int8");
  setup.scenario.set_activations("int8");
  setup.scenario.set_lm_head("bf16");
  EXPECT_THAT(Answer(setup).notes(),
              Contains(AllOf(HasSubstr("LM head in bf16"),
                             HasSubstr("runs on tensor, not in the arrays"))));
}

TEST(ArraysTest, EnergyPerOperationIsThatOfThePublishedBoundaries) {
  // Matrices of Llama-3.1-8B fill arrays of 256 x 256, so that only the derating
  // lies between macro and engine.
  for (const char* hardware : {"dimc-hbm3e", "aimc-hbm3e"}) {
    const Report report = Answer(On("llama-3.1-8b", hardware));
    ASSERT_EQ(report.arrays_size(), 1);
    const ArrayEfficiency& array = report.arrays(0);
    EXPECT_NEAR(array.macro_fj_per_op() * array.macro_tops_per_w(), 1e3, 1e-9);
    EXPECT_NEAR(array.engine_fj_per_op() * array.engine_tops_per_w(), 1e3,
                1e-9);
    EXPECT_NEAR(array.engine_fj_per_op() / array.macro_fj_per_op(), 3, 1e-9);
    EXPECT_NEAR(array.filled(), 1, 1e-9);
  }
  // Half a multiply-add of e_FA B_x (1.15 B_w + 1) in 8 by 8 bits.
  const auto setup = On("llama-3.1-8b", "dimc-hbm3e");
  double full_adder_fj = 0;
  for (const ComputeEngine& engine : setup.hardware.engine()) {
    if (engine.kind() != ComputeEngine::DIGITAL_IMC) continue;
    full_adder_fj = engine.logic().full_adder_energy_fj().value();
  }
  EXPECT_NEAR(Answer(setup).arrays(0).macro_fj_per_op(),
              full_adder_fj * 8 * (1.15 * 8 + 1) / 2, 1e-9);
}

TEST(ArraysTest, ResidentMatricesWorkOneAfterAnother) {
  // At batch 1 one matrix of 65 works at a time.
  const Report one = Answer(On("llama-3.2-1b", "dimc-resident"));
  EXPECT_LT(one.arrays(0).filled(), 1.0 / 65);
  auto setup = On("llama-3.2-1b", "dimc-resident");
  setup.scenario.set_batch(512);
  EXPECT_GT(Answer(setup).arrays(0).filled(), 0.3);
}

TEST(ArraysTest, EqualQualityGrowsByTheLawOfPrecision) {
  auto digital = On("llama-3.1-8b", "dimc-hbm3e");
  digital.scenario.set_equal_quality(true);
  const Report report = Answer(digital);
  // 8 bits of weights and activations, the cache in bf16.
  const double growth =
      1 / ((1 - std::exp(-8 / 2.6745)) * (1 - std::exp(-8 / 2.2102)));
  EXPECT_NEAR(report.model_growth(), growth, 1e-6);
  EXPECT_LT(report.model_growth_low(), report.model_growth());
  EXPECT_GT(report.model_growth_high(), report.model_growth());
  const Report plain = Answer(On("llama-3.1-8b", "dimc-hbm3e"));
  EXPECT_EQ(plain.model_growth(), 1);
  EXPECT_GT(report.energy_per_token_j(), plain.energy_per_token_j());
  EXPECT_LT(report.energy_per_token_j(),
            growth * 1.001 * plain.energy_per_token_j());

  // Analog arrays have the same operands and noise on top: about one percent.
  auto analog = On("llama-3.1-8b", "aimc-hbm3e");
  analog.scenario.set_equal_quality(true);
  const double relative = Answer(analog).model_growth() / growth;
  EXPECT_GT(relative, 1.005);
  EXPECT_LT(relative, 1.02);
  // Noise that vanishes leaves the operands' growth.
  for (ComputeEngine& engine : *analog.hardware.mutable_engine()) {
    if (engine.kind() != ComputeEngine::ANALOG_IMC) continue;
    for (auto& rate : *engine.mutable_rate()) {
      Constant& energy = *rate.mutable_energy_pj_per_flop();
      energy.set_value(1);
      energy.set_low(1);
      energy.set_high(1);
      energy.set_source("design");
    }
  }
  EXPECT_NEAR(Answer(analog).model_growth(), growth, 1e-6);
}

TEST(ArraysTest, GrowthIsThatOfTheModelWhateverTheStep) {
  auto setup = On("llama-3.2-1b", "h100-sxm");
  setup.scenario.set_equal_quality(true);
  setup.scenario.set_weights("int4-g128");
  setup.scenario.set_lm_head("bf16");
  const double growth = Answer(setup).model_growth();
  EXPECT_GT(growth, 1.2);
  setup.scenario.set_prompt(8192);
  setup.scenario.set_output(1);
  EXPECT_NEAR(Answer(setup).model_growth(), growth, 1e-12);
  setup.scenario.clear_prompt();
  setup.scenario.clear_output();
  setup.scenario.set_tp(8);
  EXPECT_NEAR(Answer(setup).model_growth(), growth, 1e-12);
  // Nor does a draft model belong to it.
  auto draft = On("llama-3.1-8b", "h100-sxm");
  draft.scenario.set_equal_quality(true);
  draft.scenario.set_weights("fp8");
  const double alone = Answer(draft).model_growth();
  draft.scenario.mutable_speculation()->set_draft_tokens(4);
  draft.scenario.mutable_speculation()->set_acceptance_rate(0.7);
  draft.scenario.mutable_speculation()->set_draft_model("llama-3.2-1b");
  draft.draft = SetupOrDie("llama-3.2-1b", "h100-sxm", {}).model;
  EXPECT_NEAR(Answer(draft).model_growth(), alone, 1e-12);
}

TEST(ArraysTest, OneModelGrowsOnSeveralMachines) {
  auto setup = On("llama-3.1-8b", "h100-sxm");
  setup.scenario.set_equal_quality(true);
  setup.scenario.set_weights("fp8");
  const Report one = Answer(setup);
  *setup.hardware.add_stage() = setup.hardware;
  setup.hardware.mutable_stage(0)->clear_stage();
  const Report two = Answer(setup);
  EXPECT_NEAR(two.model_growth(), one.model_growth(), 1e-12);
  EXPECT_NEAR(two.model_growth_high(), one.model_growth_high(), 1e-12);
  EXPECT_NEAR(two.kv_bytes_per_sequence() / one.kv_bytes_per_sequence(), 1,
              1e-12);
  EXPECT_NEAR(two.memory_used_bytes() / one.memory_used_bytes(), 1, 1e-12);
  EXPECT_NEAR(two.flop_per_token() / one.flop_per_token(), 1, 1e-12);
}

TEST(ArraysTest, PartsWhoseFormatIsGivenLeaveTheOthersToTheArrays) {
  auto setup = On("llama-3.2-1b", "aimc-hbm3e");
  setup.scenario.set_lm_head("bf16");
  const Report report = Answer(setup);
  EXPECT_EQ(report.scenario().weights(), "int8");
  EXPECT_EQ(report.scenario().lm_head(), "bf16");
  EXPECT_EQ(report.arrays_size(), 1);
}

TEST(ArraysTest, FormatsBelowTheLawAreSaidToBeExtrapolated) {
  auto setup = On("llama-3.1-8b", "h100-sxm");
  setup.scenario.set_equal_quality(true);
  setup.scenario.set_weights("tq1_0");
  const Report packed = Answer(setup);
  EXPECT_THAT(packed.notes(), Contains(HasSubstr("growth is extrapolated")));
  // The same three values, packed otherwise.
  setup.scenario.set_weights("tq2_0");
  EXPECT_NEAR(Answer(setup).model_growth(), packed.model_growth(), 1e-12);
}

TEST(ArraysTest, SixteenBitsNeedNoGrowth) {
  auto setup = On("llama-3.1-8b", "h100-sxm");
  setup.scenario.set_equal_quality(true);
  EXPECT_DOUBLE_EQ(Answer(setup).model_growth(), 1);
  setup.scenario.set_weights("fp8");
  setup.scenario.set_activations("fp8");
  EXPECT_GT(Answer(setup).model_growth(), 1.05);
}

}  // namespace
}  // namespace tokenjoule
