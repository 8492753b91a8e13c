#include "analyzer/study/check.h"

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "analyzer/description/catalog.h"
#include "analyzer/evaluate/analyze.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

Report Answer(const std::vector<FieldOverride>& changes = {},
              double batch = 8) {
  absl::StatusOr<Model> model = LoadModel("llama-3.1-8b");
  absl::StatusOr<Hardware> hardware = LoadHardware("h100-sxm", changes);
  EXPECT_TRUE(model.ok() && hardware.ok()) << hardware.status();
  Scenario scenario = DefaultScenario();
  scenario.set_batch(batch);
  absl::StatusOr<Report> report = Analyze(*model, *hardware, scenario);
  EXPECT_TRUE(report.ok()) << report.status();
  return *report;
}

CheckResult Judged(const Report& report, const Expectations& expect,
                   const Report* baseline) {
  absl::StatusOr<CheckResult> result = Check(report, expect, baseline);
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? *result : CheckResult();
}

// PHY energy of H100 is 8 pJ/bit.
std::vector<FieldOverride> Phy(const std::string& pj_per_bit) {
  return {{"memory.hbm.phy_controller_energy_pj_per_bit", pj_per_bit}};
}

TEST(CheckTest, ABaselineReadsBackAsItWasWritten) {
  const Report baseline = BaselineOf(Answer());
  absl::StatusOr<Report> read =
      ParseBaseline(BaselineText(baseline), "b.textproto");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->SerializeAsString(), baseline.SerializeAsString());
}

TEST(CheckTest, TheSameAnswerHoldsAtNoToleranceBothWays) {
  const Report baseline = BaselineOf(Answer());
  Expectations expect;
  expect.set_energy_tolerance(0);
  expect.set_step_time_tolerance(0);
  expect.set_dram_share_tolerance(0);
  expect.set_both_ways(true);
  const CheckResult result = Judged(Answer(), expect, &baseline);
  EXPECT_TRUE(result.passed()) << result.DebugString();
  EXPECT_EQ(result.metrics_size(), 3);
}

TEST(CheckTest, WorseThanTheToleranceFailsAndNamesWhatMoved) {
  const Report baseline = BaselineOf(Answer());
  const CheckResult result =
      Judged(Answer(Phy("12")), Expectations(), &baseline);
  EXPECT_FALSE(result.passed());
  EXPECT_TRUE(absl::StrContains(result.verdict(), "weights read +"))
      << result.verdict();
  EXPECT_FALSE(result.metrics(0).passed());  // energy
  EXPECT_TRUE(result.metrics(1).passed());   // step time
  EXPECT_FALSE(result.metrics(2).passed());  // DRAM share
}

TEST(CheckTest, TolerancesAreOfEachFigure) {
  const Report baseline = BaselineOf(Answer());
  const double change =
      Answer(Phy("12")).energy_per_token_j() / baseline.energy_per_token_j() -
      1;
  Expectations expect;
  expect.set_dram_share_tolerance(1);
  expect.set_energy_tolerance(change * 1.001);
  EXPECT_TRUE(Judged(Answer(Phy("12")), expect, &baseline).passed());
  expect.set_energy_tolerance(change * 0.999);
  EXPECT_FALSE(Judged(Answer(Phy("12")), expect, &baseline).passed());
}

TEST(CheckTest, BetterPassesWithAHintOrFailsBothWays) {
  const Report baseline = BaselineOf(Answer());
  const CheckResult better =
      Judged(Answer(Phy("4")), Expectations(), &baseline);
  EXPECT_TRUE(better.passed());
  EXPECT_TRUE(absl::StrContains(better.verdict(), "baseline anew"))
      << better.verdict();
  Expectations expect;
  expect.set_both_ways(true);
  EXPECT_FALSE(Judged(Answer(Phy("4")), expect, &baseline).passed());
}

TEST(CheckTest, BudgetsNeedNoBaseline) {
  const Report report = Answer();
  Expectations expect;
  expect.set_max_energy_per_token_j(report.energy_per_token_j());
  expect.set_max_step_time_ms(report.step_time_s() * 1e3 * (1 + 1e-12));
  EXPECT_TRUE(Judged(report, expect, nullptr).passed());
  expect.set_max_dram_share(report.dram_energy_share() * 0.99);
  const CheckResult result = Judged(report, expect, nullptr);
  EXPECT_FALSE(result.passed());
  EXPECT_TRUE(absl::StrContains(result.verdict(), "dram_energy_share"));
}

TEST(CheckTest, NothingExpectedIsNoCheck) {
  EXPECT_FALSE(Check(Answer(), Expectations(), nullptr).ok());
}

TEST(CheckTest, ABaselineOfSomethingElseIsRefused) {
  const Report baseline = BaselineOf(Answer({}, 16));
  const absl::StatusOr<CheckResult> result =
      Check(Answer(), Expectations(), &baseline);
  ASSERT_FALSE(result.ok());
  EXPECT_TRUE(absl::StrContains(result.status().message(), "batch: 16 -> 8"))
      << result.status();
}

TEST(CheckTest, ABrokenBaselineSaysWhere) {
  const std::string text = BaselineText(BaselineOf(Answer()));
  for (const std::string& broken :
       {std::string(), std::string("model: 3"), std::string("\0\xff", 2),
        absl::StrReplaceAll(text, {{"step_time_s:", "step_tme_s:"}}),
        std::string("model: \"x\" energy_per_token_j: nan step_time_s: 1"),
        std::string("model: \"x\" energy_per_token_j: -1 step_time_s: 1")}) {
    const absl::StatusOr<Report> read = ParseBaseline(broken, "b.textproto");
    ASSERT_FALSE(read.ok()) << broken;
    EXPECT_TRUE(absl::StrContains(read.status().message(), "b.textproto"))
        << read.status();
  }
}

}  // namespace
}  // namespace tokenjoule
