#include "analyzer/study/check.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "analyzer/base/version.h"
#include "analyzer/description/catalog.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/evaluate.h"
#include "analyzer/testing/status.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

Report Answer(const std::vector<FieldOverride>& changes = {},
              double batch = 8) {
  Scenario scenario = DefaultScenario();
  scenario.set_batch(batch);
  return AnalyzeOrDie(LoadModelOrDie("llama-3.1-8b"),
                      LoadHardwareOrDie("h100-sxm", changes), scenario);
}

CheckResult Judged(const Report& report, const Expectations& expect,
                   const Report* baseline) {
  return OrDie(Check(report, expect, baseline));
}

// The energy of H100's memory path.
std::vector<FieldOverride> Path(const std::string& pj_per_bit) {
  return {{"memory.hbm.path_energy_pj_per_bit", pj_per_bit}};
}

TEST(CheckTest, ABaselineReadsBackAsItWasWritten) {
  const Report baseline = BaselineOf(Answer());
  const Report read =
      OrDie(ParseBaseline(BaselineText(baseline), "b.textproto"));
  EXPECT_EQ(read.SerializeAsString(), baseline.SerializeAsString());
}

TEST(CheckTest, ABaselineOfANewerSchemaSaysSo) {
  const std::string text = BaselineText(BaselineOf(Answer()));
  EXPECT_TRUE(absl::StrContains(text, absl::StrCat("tokenjoule ", kVersion)));
  // A field that this version does not know.
  const std::string later = absl::StrCat(text, "colour: 1\n");
  const auto error = [&](const char* version) {
    return ErrorOf(ParseBaseline(
        absl::StrReplaceAll(later, {{absl::StrCat("tokenjoule ", kVersion),
                                     absl::StrCat("tokenjoule ", version)}}),
        "b.textproto"));
  };
  EXPECT_TRUE(absl::StrContains(error("99.0.0"), "\"colour\""));
  EXPECT_TRUE(absl::StrContains(error("99.0.0"), "tokenjoule 99.0.0 wrote"));
  EXPECT_FALSE(absl::StrContains(error("0.0.1"), "wrote the file"));
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
      Judged(Answer(Path("12")), Expectations(), &baseline);
  EXPECT_FALSE(result.passed());
  EXPECT_TRUE(absl::StrContains(result.verdict(), "weights read +"))
      << result.verdict();
  EXPECT_FALSE(result.metrics(0).passed());  // energy
  EXPECT_TRUE(result.metrics(1).passed());   // step time
  EXPECT_FALSE(result.metrics(2).passed());  // DRAM with its path
}

TEST(CheckTest, TolerancesAreOfEachFigure) {
  const Report baseline = BaselineOf(Answer());
  const double change =
      Answer(Path("12")).energy_per_token_j() / baseline.energy_per_token_j() -
      1;
  Expectations expect;
  expect.set_dram_share_tolerance(1);
  expect.set_energy_tolerance(change * 1.001);
  EXPECT_TRUE(Judged(Answer(Path("12")), expect, &baseline).passed());
  expect.set_energy_tolerance(change * 0.999);
  EXPECT_FALSE(Judged(Answer(Path("12")), expect, &baseline).passed());
}

TEST(CheckTest, BetterPassesWithAHintOrFailsBothWays) {
  const Report baseline = BaselineOf(Answer());
  const CheckResult better =
      Judged(Answer(Path("0.5")), Expectations(), &baseline);
  EXPECT_TRUE(better.passed());
  EXPECT_TRUE(absl::StrContains(better.verdict(), "update the baseline"))
      << better.verdict();
  Expectations expect;
  expect.set_both_ways(true);
  EXPECT_FALSE(Judged(Answer(Path("0.5")), expect, &baseline).passed());
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

TEST(CheckTest, ABaselineOfSomethingElseIsComparedAndDoesNotPass) {
  const Report before = Answer({}, 16), now = Answer();
  const Report baseline = BaselineOf(before);
  const std::vector<std::string> differences =
      BaselineDifferences(now, baseline);
  ASSERT_EQ(differences.size(), 1u);
  EXPECT_EQ(differences[0], "batch: 16 -> 8");
  Expectations wide;
  wide.set_energy_tolerance(100);
  wide.set_step_time_tolerance(100);
  wide.set_dram_share_tolerance(100);
  const CheckResult result = Judged(now, wide, &baseline);
  EXPECT_FALSE(result.passed());
  EXPECT_EQ(result.metrics(0).metric(), "scenario_differences");
  EXPECT_EQ(result.metrics(0).value(), 1);
  EXPECT_NEAR(result.comparison().energy_ratio(),
              now.energy_per_token_j() / before.energy_per_token_j(), 1e-6);
}

TEST(CheckTest, ABrokenBaselineSaysWhere) {
  const std::string text = BaselineText(BaselineOf(Answer()));
  for (const std::string& broken :
       {std::string(), std::string("model: 3"), std::string("\0\xff", 2),
        absl::StrReplaceAll(text, {{"step_time_s:", "step_tme_s:"}}),
        absl::StrCat(text, "step_time_s: 1\n"),
        std::string("model: \"x\" energy_per_token_j: nan step_time_s: 1"),
        std::string("model: \"x\" energy_per_token_j: -1 step_time_s: 1")}) {
    const std::string message = ErrorOf(ParseBaseline(broken, "b.textproto"));
    EXPECT_TRUE(absl::StrContains(message, "b.textproto")) << broken << "\n"
                                                           << message;
  }
}

TEST(CheckTest, NumbersOfABaselineAreFiniteAndNotBelowZero) {
  const std::string text = BaselineText(BaselineOf(Answer()));
  for (const char* field : {"quantity_per_token: ", "cost_j_per_unit: "}) {
    for (const char* number : {"nan", "-nan", "inf", "-inf", "-1", "1e999"}) {
      const size_t at = text.find(field);
      ASSERT_NE(at, std::string::npos);
      const size_t begin = at + std::strlen(field);
      std::string broken = text;
      broken.replace(begin, text.find('\n', begin) - begin, number);
      const std::string message = ErrorOf(ParseBaseline(broken, "b.textproto"));
      const int line = 1 + std::count(text.begin(), text.begin() + at, '\n');
      EXPECT_TRUE(absl::StartsWith(message, absl::StrCat("b.textproto:", line, ":")))
          << message;
      EXPECT_TRUE(absl::StrContains(message, field)) << message;
      EXPECT_TRUE(absl::StrContains(message, "expected")) << message;
    }
  }
}

// A quantity that its energy does not follow from would be attributed as a
// difference, of any size.
TEST(CheckTest, CausesOfABaselineAreProducts) {
  Report baseline = BaselineOf(Answer());
  EXPECT_TRUE(ParseBaseline(BaselineText(baseline), "b.textproto").ok());
  EnergyCause* cause = baseline.mutable_energy_causes(1);
  for (const double quantity : {1e308, 1.01 * cause->quantity_per_token()}) {
    cause->set_quantity_per_token(quantity);
    const std::string message =
        ErrorOf(ParseBaseline(BaselineText(baseline), "b.textproto"));
    EXPECT_TRUE(absl::StrContains(message, "energy_causes[1].energy_per_token_j"))
        << message;
    EXPECT_TRUE(absl::StrContains(message, "expected quantity_per_token times"))
        << message;
  }
}

}  // namespace
}  // namespace tokenjoule
