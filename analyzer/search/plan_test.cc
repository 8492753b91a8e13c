#include "analyzer/search/plan.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/field_path.h"
#include "analyzer/search/space.h"
#include "analyzer/search/sweep.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {


Space SpaceOver(const std::string& hardware, const std::string& path,
                double from, double to) {
  return OrDie(ParseSpace(
      absl::StrCat("name: \"one\"\nscenario { model: \"llama-3.1-8b\" "
                   "hardware: \"",
                   hardware, "\" }\naxis { path: \"", path,
                   "\" linear { from: ", from, " to: ", to,
                   " count: 5 } }\nobjective { metric: \"energy_per_token_j\" "
                   "}\nobjective { metric: \"time_per_token_s\" }\n"),
      "one.textproto"));
}

bool IsStructural(const std::string& hardware, const std::string& path,
                  double from, double to) {
  return OrDie(MakePlan(SpaceOver(hardware, path, from, to)))
             .structural.size() == 1;
}

TEST(PlanTest, NumbersThatOnlyTheKernelReadsNeedNoLowering) {
  for (const char* path :
       {"hardware.memory.hbm.bandwidth_gb_per_s",
        "hardware.memory.hbm.half_transfer_mb",
        "hardware.runtime.cache_half_transfer_mb",
        "hardware.runtime.time_per_step_us", "runtime.time_per_expert_layer_us",
        "hardware.memory.hbm.path_energy_pj_per_bit"}) {
    EXPECT_FALSE(IsStructural("h100-sxm", path, 1, 30)) << path;
  }
}

TEST(PlanTest, NumbersThatLoweringReadsDecideStructure) {
  for (const char* path : {"hardware.runtime.bandwidth_share",
                           "hardware.runtime.cache_bandwidth_share",
                           "hardware.runtime.expert_bandwidth_factor",
                           "hardware.runtime.compute_share",
                           "hardware.runtime.kernels.fp8.bandwidth_factor",
                           "hardware.runtime.kernels.fp8.compute_share"}) {
    EXPECT_TRUE(IsStructural("h100-sxm", path, 0.5, 1)) << path;
  }
  // Read by validation, and by no number of the machine.
  EXPECT_TRUE(
      IsStructural("h100-sxm", "hardware.interconnect.max_chips", 1, 8));
}

TEST(PlanTest, WhatTheRuntimeDecidesOfAScenarioDecidesStructure) {
  EXPECT_TRUE(
      IsStructural("h100-sxm", "hardware.runtime.routing_exponent", 0.5, 1));
  EXPECT_TRUE(
      IsStructural("h100-sxm", "runtime.step_token_budget", 2048, 8192));
}

// Searches over runtimes, their fields and the machine's runtime answer as
// points do.
TEST(PlanTest, RuntimesAreSearchedAsTheyAreAnalysed) {
  for (const char* axis :
       {"axis { path: \"runtime\" value: \"vllm\" value: \"sglang\" "
        "value: \"ideal\" }",
        "axis { path: \"runtime.routing_exponent\" value: \"0\" value: "
        "\"1.2\" }",
        "axis { path: \"runtime.step_token_budget\" value: \"64\" value: "
        "\"8192\" }",
        "axis { path: \"runtime.time_per_layer_us\" value: \"1\" value: "
        "\"100\" }"}) {
    const Space space = OrDie(ParseSpace(
        absl::StrCat("scenario { model: \"qwen3-30b-a3b\" hardware: "
                     "\"h100-sxm\" runtime: \"trtllm\" batch: 16 prompt: 1000 "
                     "output: 200 }\n",
                     axis,
                     "axis { path: \"scenario.batch\" value: \"4\" value: "
                     "\"16\" }\n"
                     "objective { metric: \"energy_per_token_j\" }\n"
                     "objective { metric: \"memory_left_bytes\" maximize: "
                     "true }"),
        "one.textproto"));
    const SweepStudy study = OrDie(Sweep(space));
    EXPECT_GT(study.front_size(), 0) << axis;
    for (const SweepPoint& point : study.front()) {
      const Choices choices =
          ChoicesOf(space, static_cast<uint64_t>(point.id()));
      const SweepFigures exact = OrDie(FiguresOf(space, choices));
      EXPECT_NEAR(point.figures().energy_per_token_j(),
                  exact.energy_per_token_j(),
                  1e-12 * exact.energy_per_token_j())
          << axis;
      EXPECT_NEAR(point.figures().memory_left_bytes(),
                  exact.memory_left_bytes(), 1e-12 * exact.memory_left_bytes())
          << axis;
    }
    // The space's own runtime, where no axis names another.
    const Hardware hardware =
        OrDie(HardwareAt(space, Choices(space.axes.size(), 0)));
    EXPECT_EQ(hardware.runtime().base(),
              space.axes[0].path() == "hardware.runtime" ? "vllm" : "trtllm");
  }
}

TEST(PlanTest, CapacityDecidesStructureWhereItPins) {
  EXPECT_FALSE(
      IsStructural("h100-sxm", "hardware.memory.hbm.capacity_gb", 20, 80));
  EXPECT_TRUE(IsStructural("d-matrix-corsair",
                           "hardware.memory.sram.capacity_gb", 1, 2));
}

// Each constant of machines of every kind, moved over a few values, answers as
// it does point by point: no list can forget one.
TEST(PlanTest, EveryConstantIsSearchedAsItIsAnalysed) {
  for (const char* hardware :
       {"h100-sxm", "aimc-hbm3e", "lpddr5x-edge", "d-matrix-corsair"}) {
    std::vector<std::pair<std::string, double>> paths;
    ForEachConstant(LoadHardwareOrDie(hardware), [&](const std::string& path,
                                                     const Constant& constant,
                                                     const auto&) {
      if (constant.value() > 0 && path != "node.price_per_kwh") {
        paths.emplace_back(absl::StrCat("hardware.", path), constant.value());
      }
    });
    for (const auto& [path, value] : paths) {
      const std::string text = absl::StrCat(
          "name: \"one\"\nscenario { model: \"llama-3.2-1b\" hardware: \"",
          hardware,
          "\" weights: \"int8\" activations: \"int8\" }\naxis { path: \"", path,
          "\" value: \"", value, "\" value: \"", value * 0.875,
          "\" }\nobjective { metric: \"energy_per_token_j\" }\nobjective { "
          "metric: \"time_per_token_s\" }\n");
      const absl::StatusOr<Space> space = ParseSpace(text, "one.textproto");
      // Some constants are whole numbers or bound to others.
      if (!space.ok()) continue;
      const absl::StatusOr<SweepStudy> study = Sweep(*space);
      ASSERT_TRUE(study.ok())
          << path << " of " << hardware << ": " << study.status();
      for (const SweepPoint& point : study->front()) {
        const SweepFigures exact = OrDie(FiguresOf(
            *space, ChoicesOf(*space, static_cast<uint64_t>(point.id()))));
        EXPECT_NEAR(point.figures().energy_per_token_j(),
                    exact.energy_per_token_j(),
                    1e-12 * exact.energy_per_token_j())
            << path << " of " << hardware;
        EXPECT_NEAR(point.figures().step_time_s(), exact.step_time_s(),
                    1e-12 * exact.step_time_s())
            << path << " of " << hardware;
      }
    }
  }
}

}  // namespace
}  // namespace tokenjoule
