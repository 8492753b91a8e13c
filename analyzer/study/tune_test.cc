#include "analyzer/study/tune.h"

#include "analyzer/evaluate/analyze.h"
#include "analyzer/testing/evaluate.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::HasSubstr;

Setup On(const char* hardware) {
  return SetupOrDie("llama-3.1-8b", hardware, DefaultPoint(1, 2048));
}

TEST(TuneTest, TheBestPointIsTheLeastOfAll) {
  const TuneStudy study = OrDie(Tune(On("h100-sxm"), {}));
  ASSERT_TRUE(study.has_best());
  for (const TunedPoint& point : study.points()) {
    EXPECT_GE(point.energy_per_token_j(), study.best().energy_per_token_j());
  }
  EXPECT_GT(study.saving(), 0);
  EXPECT_LT(study.best().core_clock_mhz(), study.base().core_clock_mhz());
  EXPECT_LE(study.flat_from_mhz(), study.best().core_clock_mhz());
  EXPECT_GE(study.flat_to_mhz(), study.best().core_clock_mhz());
  EXPECT_LT(study.flat_from_mhz(), study.flat_to_mhz());
  EXPECT_NEAR(
      study.saving(),
      1 - study.best().energy_per_token_j() / study.base().energy_per_token_j(),
      1e-12);
}

TEST(TuneTest, ItsPowerAsACapBringsAboutItsClock) {
  const TuneStudy study = OrDie(Tune(On("h100-sxm"), {}));
  tokenjoule::Setup capped = On("h100-sxm");
  capped.hardware.mutable_board()->mutable_set_power_cap_w()->set_value(
      study.best().board_power_w());
  const Report report = OrDie(Analyze(capped));
  EXPECT_NEAR(report.core_clock_mhz() / study.best().core_clock_mhz(), 1, 0.01);
  EXPECT_NEAR(report.energy_per_token_j() / study.best().energy_per_token_j(),
              1, 0.01);
}

TEST(TuneTest, ALimitOnTheTimeRaisesTheClock) {
  const TuneStudy free = OrDie(Tune(On("rtx-3090"), {}));
  TuneOptions options;
  options.max_time_per_token_ms = free.best().time_per_token_s() * 1e3 * 0.97;
  const TuneStudy limited = OrDie(Tune(On("rtx-3090"), options));
  ASSERT_TRUE(limited.has_best());
  EXPECT_GT(limited.best().core_clock_mhz(), free.best().core_clock_mhz());
  EXPECT_LE(limited.best().time_per_token_s() * 1e3,
            options.max_time_per_token_ms);
  options.max_time_per_token_ms = 0.001;
  EXPECT_FALSE(OrDie(Tune(On("rtx-3090"), options)).has_best());
}

TEST(TuneTest, BatchesAreTriedAndChipsAreMoney) {
  TuneOptions options;
  options.batches = {1, 8, 64};
  const TuneStudy energy = OrDie(Tune(On("h100-sxm"), options));
  EXPECT_EQ(energy.best().batch(), 64);
  EXPECT_EQ(energy.objective(), "energy_per_token_j");
  // Where chips cost and electricity does not, the fastest is the cheapest.
  auto priced = On("h100-sxm");
  priced.hardware.mutable_node()->mutable_price_per_chip_hour()->set_value(2);
  const TuneStudy cost = OrDie(Tune(priced, options));
  EXPECT_EQ(cost.objective(), "cost_per_token");
  EXPECT_GT(cost.best().core_clock_mhz(), energy.best().core_clock_mhz());
  EXPECT_NEAR(cost.best().cost_per_token(),
              2 * cost.best().time_per_token_s() / 64 / 3600, 1e-12);
}

TEST(TuneTest, AMachineWithOneClockIsRefused) {
  EXPECT_THAT(ErrorOf(Tune(On("hbm4-asic"), {})), HasSubstr("no core_clock"));
}

}  // namespace
}  // namespace tokenjoule
