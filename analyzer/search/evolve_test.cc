#include "analyzer/search/evolve.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "analyzer/search/space.h"
#include "analyzer/search/sweep.h"
#include "analyzer/testing/status.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

// 8064 points, structure and numbers, a limit that cuts.
constexpr char kSmall[] = R"(
name: "small"
scenario { model: "llama-3.1-8b" hardware: "h100-sxm" context: 8192 }
axis { path: "scenario.batch" value: "1" value: "8" value: "64" }
axis { path: "scenario.weights" value: "bf16" value: "fp8" }
axis {
  path: "hardware.memory.hbm.bandwidth_gb_per_s"
  logarithmic { from: 1000 to: 8000 count: 21 }
  tied { path: "hardware.board.static_power_w" factor: 0.05 }
}
axis {
  path: "hardware.memory.hbm.devices"
  linear { from: 1 to: 8 count: 8 }
  tied { path: "hardware.memory.hbm.capacity_gb" factor: 16 }
}
axis {
  path: "hardware.engine.tensor.rate.bf16.peak_tflops"
  logarithmic { from: 100 to: 1000 count: 8 }
}
limit { metric: "time_per_token_s" max: 0.05 }
objective { metric: "energy_per_token_j" }
objective { metric: "time_per_token_s" }
objective { metric: "memory_left_bytes" maximize: true }
)";

Space Parsed(const std::string& text) {
  return OrDie(ParseSpace(text, "space.textproto"));
}

SweepStudy Evolved(const std::string& text) {
  return OrDie(Evolve(Parsed(text)));
}

TEST(EvolveTest, FindsMostOfTheExactFrontOfASpaceThatCanBeEnumerated) {
  for (const char* algorithm : {"NSGA2", "MOEAD"}) {
    const SweepStudy study =
        Evolved(absl::StrCat(kSmall, "evolution { algorithm: ", algorithm,
                             " population: 200 generations: 60 seed: 1 }"));
    EXPECT_EQ(study.points(), 200 * 61);
    const EvolutionSummary& summary = study.evolution();
    EXPECT_GT(summary.exact_front_points(), 40);
    EXPECT_GT(summary.exact_front_share(), 0.25) << algorithm;
    EXPECT_GT(summary.hypervolume_share(), 0.97) << algorithm;
    EXPECT_LE(summary.hypervolume_share(), 1 + 1e-9) << algorithm;
  }
}

TEST(EvolveTest, WhatIsFoundIsNeverBetterThanTheExactFront) {
  const SweepStudy found = Evolved(
      absl::StrCat(kSmall, "evolution { population: 40 generations: 5 }"));
  const SweepStudy exact = OrDie(Sweep(Parsed(kSmall)));
  for (const SweepPoint& point : found.front()) {
    bool is_reached = false;
    for (const SweepPoint& best : exact.front()) {
      const SweepFigures &f = point.figures(), &b = best.figures();
      const double slack = 1 + 1e-12;
      is_reached |= b.energy_per_token_j() <= f.energy_per_token_j() * slack &&
                    b.time_per_token_s() <= f.time_per_token_s() * slack &&
                    b.memory_left_bytes() * slack >= f.memory_left_bytes();
      EXPECT_LE(f.time_per_token_s(), 0.05);
    }
    EXPECT_TRUE(is_reached) << point.id();
  }
}

TEST(EvolveTest, TheSameSeedFindsTheSameAndAnotherDoesNot) {
  const std::string seeded =
      absl::StrCat(kSmall, "evolution { population: 40 generations: 5 seed: ");
  const SweepStudy one = Evolved(seeded + "7 }"), two = Evolved(seeded + "7 }"),
                   other = Evolved(seeded + "8 }");
  EXPECT_EQ(one.SerializeAsString(), two.SerializeAsString());
  ASSERT_GT(other.front_size(), 0);
  EXPECT_NE(
      one.front(0).SerializeAsString() + one.front(1).SerializeAsString(),
      other.front(0).SerializeAsString() + other.front(1).SerializeAsString());
}

// Continuous axes, more points than can be numbered.
constexpr char kContinuous[] = R"(
name: "continuous"
scenario { model: "llama-3.1-8b" hardware: "h100-sxm" }
axis { path: "scenario.weights" value: "bf16" value: "fp8" }
axis { path: "scenario.context" logarithmic { from: 1000 to: 32000 } }
axis {
  path: "hardware.memory.hbm.bandwidth_gb_per_s"
  logarithmic { from: 1000 to: 8000 }
  tied { path: "hardware.board.static_power_w" factor: 0.02 }
}
axis {
  path: "hardware.memory.hbm.path_energy_pj_per_bit"
  linear { from: 1 to: 8 }
}
objective { metric: "energy_per_token_j" }
objective { metric: "time_per_token_s" }
evolution { population: 60 generations: 40 }
)";

TEST(EvolveTest, ContinuousAxesGoToTheEndsThatAreKnownToBeBest) {
  const SweepStudy study = Evolved(kContinuous);
  ASSERT_GT(study.front_size(), 5);
  EXPECT_EQ(study.evolution().exact_front_points(), 0);
  // The narrow format, the short context and the cheap PHY are best in both
  // objectives; bandwidth trades static power for time.
  for (const SweepPoint& point : study.front()) {
    EXPECT_EQ(point.values(0), "fp8");
    EXPECT_LT(std::stod(point.values(1)), 1500) << point.command();
    EXPECT_LT(std::stod(point.values(3)), 2) << point.command();
    EXPECT_TRUE(absl::StartsWith(point.command(), "tokenjoule analyze "));
    EXPECT_EQ(point.id(), 0);
  }
  double slowest = 0, fastest = 1;
  for (const SweepPoint& point : study.front()) {
    slowest = std::max(slowest, point.figures().time_per_token_s());
    fastest = std::min(fastest, point.figures().time_per_token_s());
  }
  EXPECT_LT(fastest, 0.9 * slowest);
}

TEST(EvolveTest, OneObjectiveFindsTheLeast) {
  std::string text = kSmall;
  text = text.substr(0, text.find("objective { metric: \"time"));
  const SweepStudy study = Evolved(
      absl::StrCat(text, "evolution { population: 40 generations: 30 }"));
  EXPECT_EQ(study.front_size(), 1);
  EXPECT_EQ(study.evolution().exact_front_share(), 1);
}

TEST(EvolveTest, AnInterruptLeavesWhatWasFound) {
  const std::atomic<bool> interrupted{true};
  SweepOptions options;
  options.interrupted = &interrupted;
  const SweepStudy study = OrDie(Evolve(
      Parsed(absl::StrCat(kSmall, "evolution { population: 40 }")), options));
  EXPECT_TRUE(study.interrupted());
  EXPECT_EQ(study.points(), 40);
}

TEST(EvolveTest, TheSpaceOfTheCatalogueIsSearched) {
  Space space = OrDie(LoadSpace("hbm-continuous"));
  space.description.mutable_evolution()->set_generations(10);
  // What is on the front is confirmed by analysis, point by point.
  const SweepStudy study = OrDie(Evolve(space));
  EXPECT_GT(study.front_size(), 10);
  EXPECT_EQ(study.invalid(), 0);
}

TEST(EvolveTest, WhatCannotBeEvolvedSaysWhy) {
  EXPECT_FALSE(Evolve(Parsed(kSmall)).ok());
  SweepOptions shard;
  shard.shards = 2;
  EXPECT_TRUE(absl::StrContains(
      ErrorOf(Evolve(Parsed(absl::StrCat(kSmall, "evolution {}")), shard)),
      "other seeds"));
  const auto fault = [](const std::string& text) {
    return ErrorOf(ParseSpace(text, "s"));
  };
  EXPECT_TRUE(absl::StrContains(
      fault(absl::StrCat(kSmall, "evolution { population: 41 }")),
      "multiple of 4"));
  EXPECT_TRUE(absl::StrContains(
      fault(absl::StrCat(kSmall, "evolution {} sample { points: 5 }")),
      "evolution: stands beside a `sample`"));
  std::string grid = kContinuous;
  grid = grid.substr(0, grid.find("evolution"));
  EXPECT_TRUE(absl::StrContains(fault(grid), "no count"));
  // A field of whole numbers is no continuous one.
  EXPECT_TRUE(absl::StrContains(
      fault(absl::StrCat(kContinuous,
                         "axis { path: \"scenario.tp\" linear { from: 1 to: "
                         "64 } }")),
      "axis[scenario.tp]"));
}

}  // namespace
}  // namespace tokenjoule
