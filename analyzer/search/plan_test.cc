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

using ::testing::HasSubstr;

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
        "hardware.memory.hbm.cache_half_transfer_mb",
        "hardware.memory.hbm.phy_controller_energy_pj_per_bit"}) {
    EXPECT_FALSE(IsStructural("h100-sxm", path, 1, 30)) << path;
  }
}

TEST(PlanTest, NumbersThatLoweringReadsDecideStructure) {
  for (const char* path : {"hardware.memory.hbm.cache_bandwidth_factor",
                           "hardware.memory.hbm.expert_bandwidth_factor",
                           "hardware.memory.hbm.stored.fp8.bandwidth_factor"}) {
    EXPECT_TRUE(IsStructural("h100-sxm", path, 0.5, 1)) << path;
  }
  // Read by validation, and by no number of the machine.
  EXPECT_TRUE(
      IsStructural("h100-sxm", "hardware.interconnect.max_chips", 1, 8));
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
