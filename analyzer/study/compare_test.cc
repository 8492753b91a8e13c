#include "analyzer/study/compare.h"

#include <cmath>
#include <string>
#include <vector>

#include "analyzer/description/catalog.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/evaluate.h"
#include "analyzer/testing/status.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

Report Answer(const std::string& model, const std::string& hardware,
              const Scenario& scenario,
              const std::vector<FieldOverride>& changes = {}) {
  return AnalyzeOrDie(LoadModelOrDie(model),
                      LoadHardwareOrDie(hardware, changes), scenario);
}

Comparison Difference(const Report& a, const Report& b) {
  return OrDie(Compare(a, b));
}

void ExpectSums(const Comparison& comparison) {
  const double whole = comparison.energy_change_j();
  const double scale =
      comparison.a().energy_per_token_j() + comparison.b().energy_per_token_j();
  double terms = 0, causes = 0;
  for (const TermChange& term : comparison.terms()) {
    double parts = 0;
    for (const CauseChange& cause : term.causes()) parts += cause.change_j();
    EXPECT_NEAR(parts, term.change_j(), 1e-12 * scale) << term.DebugString();
    terms += term.change_j();
  }
  for (const CauseChange& cause : comparison.causes()) {
    causes += cause.change_j();
  }
  EXPECT_NEAR(terms, whole, 1e-12 * scale);
  EXPECT_NEAR(causes, whole, 1e-12 * scale);
  double a_s = 0, b_s = 0;
  for (const BoundChange& part : comparison.step_time()) {
    a_s += part.a_s();
    b_s += part.b_s();
  }
  EXPECT_NEAR(a_s, comparison.a().step_time_s(), 1e-9);
  EXPECT_NEAR(b_s, comparison.b().step_time_s(), 1e-9);
}

TEST(CompareTest, PartsSumToTheWholeAcrossModelsMachinesAndFormats) {
  Scenario int8 = DefaultPoint(8);
  int8.set_weights("int8");
  int8.set_activations("int8");
  Scenario facility = DefaultPoint(8);
  facility.set_boundary("facility");
  ExpectSums(Difference(Answer("llama-3.1-8b", "h100-sxm", DefaultPoint(1)),
                        Answer("llama-3.1-8b", "h100-sxm", DefaultPoint(64))));
  ExpectSums(
      Difference(Answer("llama-3.1-8b", "h100-sxm", DefaultPoint(8)),
                 Answer("gpt-oss-20b", "apple-m4-max", DefaultPoint(2))));
  ExpectSums(Difference(Answer("llama-3.1-8b", "hbm4-asic", DefaultPoint(8)),
                        Answer("llama-3.1-8b", "aimc-hbm3e", int8)));
  ExpectSums(Difference(Answer("llama-3.1-8b", "groq-lpu-v1", facility),
                        Answer("deepseek-v2-lite", "b200", facility)));
}

TEST(CompareTest, SameAnswersDoNotDiffer) {
  const Report report = Answer("llama-3.1-8b", "h100-sxm", DefaultPoint(4));
  const Comparison same = Difference(report, report);
  EXPECT_EQ(same.energy_change_j(), 0);
  EXPECT_EQ(same.energy_ratio(), 1);
  EXPECT_TRUE(same.causes().empty());
  EXPECT_TRUE(same.differences().empty());
}

TEST(CompareTest, SwappingTurnsEverySign) {
  const Report a = Answer("llama-3.1-8b", "h100-sxm", DefaultPoint(4));
  const Report b = Answer("llama-3.1-8b", "b200", DefaultPoint(32));
  const Comparison there = Difference(a, b), back = Difference(b, a);
  ASSERT_EQ(there.causes_size(), back.causes_size());
  for (int i = 0; i < there.causes_size(); ++i) {
    EXPECT_EQ(there.causes(i).cause(), back.causes(i).cause());
    EXPECT_NEAR(there.causes(i).change_j(), -back.causes(i).change_j(), 1e-15);
  }
}

// More energy of the PHY is more of its term, entirely through the energy per
// byte.
TEST(CompareTest, ACostThatMovesIsTheOnlyCause) {
  const Report a = Answer("llama-3.1-8b", "h100-sxm", DefaultPoint(1));
  const Report b = Answer("llama-3.1-8b", "h100-sxm", DefaultPoint(1),
                          {{"memory.hbm.phy_energy_pj_per_bit", "8.5"}});
  const Comparison comparison = Difference(a, b);
  ExpectSums(comparison);
  // 1.5279e10 B at 8 pJ/bit = 64 pJ per byte more than 0.5 pJ/bit.
  EXPECT_NEAR(comparison.energy_change_j(), a.dram_bytes_per_step() * 64e-12,
              1e-9);
  for (const CauseChange& cause : comparison.causes()) {
    EXPECT_EQ(cause.factor(), CauseChange::ENERGY_PER_BYTE) << cause.cause();
  }
}

// A longer context changes only the KV cache, attention and the time they take.
TEST(CompareTest, LongerContextIsKvCacheFlopAndTime) {
  Scenario longer = DefaultPoint(1);
  longer.set_context(8192);
  const Comparison comparison =
      Difference(Answer("llama-3.1-8b", "h100-sxm", DefaultPoint(1)),
                 Answer("llama-3.1-8b", "h100-sxm", longer));
  ExpectSums(comparison);
  for (const CauseChange& cause : comparison.causes()) {
    EXPECT_TRUE(cause.cause() == "KV read" || cause.cause() == "time" ||
                cause.cause() == "matrix products" ||
                cause.cause() == "vector work")
        << cause.cause();
  }
  ASSERT_EQ(comparison.differences_size(), 1);
  EXPECT_EQ(comparison.differences(0), "context: 2048 -> 8192");
}

TEST(CompareTest, DifferentBoundariesAreRefused) {
  Scenario chip = DefaultPoint(1);
  chip.set_boundary("chip");
  EXPECT_FALSE(Compare(Answer("llama-3.1-8b", "h100-sxm", DefaultPoint(1)),
                       Answer("llama-3.1-8b", "h100-sxm", chip))
                   .ok());
}

}  // namespace
}  // namespace tokenjoule
