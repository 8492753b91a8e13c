#include "analyzer/study/disaggregate.h"

#include "analyzer/evaluate/analyze.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/evaluate.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::HasSubstr;

Setup Served(double prompt, double output) {
  Setup setup = SetupOrDie("llama-3.1-8b", "h20", DefaultScenario());
  setup.scenario.set_batch(16);
  setup.scenario.set_prompt(prompt);
  setup.scenario.set_output(output);
  return setup;
}

TEST(DisaggregateTest, ThePartsSumAndTheCacheIsThePrompts) {
  const DisaggregationStudy study =
      OrDie(Disaggregate(Served(4096, 256), LoadHardwareOrDie("h100-sxm"), 1));
  EXPECT_DOUBLE_EQ(study.total_j(),
                   study.decode_j() + study.prefill_j() + study.transfer_j());
  // 2 x 8 x 128 x 32 x 2 bytes per token.
  EXPECT_EQ(study.transfer_bytes(), 131072.0 * 4096);
  EXPECT_EQ(study.decode_j(), study.decode().energy_per_token_j());
  EXPECT_DOUBLE_EQ(study.prefill_j(),
                   study.prefill().energy_per_token_j() / 256);
  // At most 50 GB/s each way.
  EXPECT_GT(study.transfer_s(), study.transfer_bytes() / 50e9);
  EXPECT_GT(study.time_to_first_token_s(),
            study.transfer_s() + study.prefill().step_time_s());
  ASSERT_TRUE(study.has_together());
}

TEST(DisaggregateTest, LongerOutputsSpreadThePrefillAndNeedFewerChips) {
  const Hardware prefill = LoadHardwareOrDie("h100-sxm");
  const DisaggregationStudy few =
      OrDie(Disaggregate(Served(4096, 128), prefill, 1));
  const DisaggregationStudy many =
      OrDie(Disaggregate(Served(4096, 1024), prefill, 1));
  EXPECT_NEAR(few.prefill_j() / many.prefill_j(), 8, 1e-9);
  EXPECT_GT(few.prefill_chips_per_decode_chip(),
            4 * many.prefill_chips_per_decode_chip());
}

TEST(DisaggregateTest, WhatItNeedsIsSaid) {
  tokenjoule::Setup setup = Served(4096, 256);
  setup.scenario.clear_output();
  setup.scenario.clear_prompt();
  EXPECT_THAT(ErrorOf(Disaggregate(setup, LoadHardwareOrDie("h100-sxm"), 1)),
              HasSubstr("lengths of prompts and outputs"));
  EXPECT_THAT(
      ErrorOf(Disaggregate(Served(128, 128), LoadHardwareOrDie("apple-m4"), 1)),
      HasSubstr("no interconnect"));
}

}  // namespace
}  // namespace tokenjoule
