#include "analyzer/study/batch.h"

#include <cmath>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "analyzer/spec/catalog.h"
#include "analyzer/study/analyze.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::HasSubstr;

BatchStudy Study(const std::string& model_name,
                 const std::string& hardware_name, double context,
                 const std::vector<double>& batches,
                 const std::vector<FieldOverride>& hardware_sets = {}) {
  absl::StatusOr<Model> model = LoadModel(model_name);
  absl::StatusOr<Hardware> hardware =
      LoadHardware(hardware_name, hardware_sets);
  EXPECT_TRUE(model.ok() && hardware.ok());
  Scenario scenario = DefaultScenario();
  scenario.set_context(context);
  absl::StatusOr<BatchStudy> study =
      StudyBatch(*model, *hardware, scenario, batches);
  EXPECT_TRUE(study.ok()) << study.status();
  return *study;
}

// The unit model at context S: a token's own part of the step is S + 1 elements
// of key and value in and out, one embedding row, 16 + 4 S FLOP and 17 + 5 S
// vector FLOP. On a machine where only DRAM column energy is left, the floor is
// 8 pJ times the bytes: 2 S + 2 + 1; activations stay on chip.
TEST(BatchTest, FloorOfTheUnitModelIsTheBytesOfATokenItself) {
  const std::vector<FieldOverride> only_column = {
      {"memory.dram.technology.row_activation_energy_pj", "0"},
      {"memory.dram.technology.interface_energy_pj_per_bit", "0"},
      {"memory.dram.technology.background_power_w_per_device", "0"},
      {"memory.dram.phy_controller_energy_pj_per_bit", "0"},
      {"memory.sram.technology.read_energy_pj_per_bit", "0"},
      {"memory.sram.technology.write_energy_pj_per_bit", "0"},
      {"memory.sram.network_energy_pj_per_bit", "0"},
      {"engine.tensor.rate.fp8.energy_pj_per_flop", "0"},
      {"engine.vector.rate.fp32.energy_pj_per_flop", "0"},
      {"board.static_power_w", "0"},
  };
  const BatchStudy study = Study("unit", "unit", 100, {1}, only_column);
  EXPECT_NEAR(study.limits().floor_energy_per_token_j(),
              8e-12 * (2 * 100 + 2 + 1), 1e-20);
  // One sequence reads 8 bytes of weights on top; its activations stay on chip.
  EXPECT_NEAR(study.limits().batch_1_energy_per_token_j(),
              8e-12 * (2 * 100 + 2 + 1 + 8), 1e-20);
}

TEST(BatchTest, EnergyFallsTowardsTheFloorAndTendsToIt) {
  for (const char* hardware : {"h100-sxm", "tpu-v5e", "m2-ultra", "rtx-4090"}) {
    std::vector<double> batches;
    for (double b = 1; b <= 1e9; b *= 10) batches.push_back(b);
    const BatchStudy study = Study("llama-3.1-8b", hardware, 8192, batches);
    const double floor = study.limits().floor_energy_per_token_j();
    // Activations that begin to spill can cost a hair more than sharing saves.
    constexpr double kSpill = 5e-4;
    double previous = INFINITY;
    for (const Report& row : study.rows()) {
      EXPECT_GE(row.energy_per_token_j(), floor * (1 - 1e-9)) << hardware;
      EXPECT_LE(row.energy_per_token_j(), previous * (1 + kSpill)) << hardware;
      previous = row.energy_per_token_j();
    }
    EXPECT_NEAR(previous / floor, 1, 0.02) << hardware;
  }
}

TEST(BatchTest, HalfOfTheGainIsWhereEnergyIsTwiceTheFloor) {
  const BatchStudy study = Study("llama-3.1-8b", "h100-sxm", 8192, {1});
  const BatchLimits& limits = study.limits();
  const BatchStudy at =
      Study("llama-3.1-8b", "h100-sxm", 8192, {limits.half_gain_batch()});
  EXPECT_NEAR(
      at.rows(0).energy_per_token_j() / limits.floor_energy_per_token_j(), 2,
      1e-6);
  EXPECT_NEAR(
      limits.gain(),
      limits.batch_1_energy_per_token_j() / limits.floor_energy_per_token_j(),
      1e-12);
  EXPECT_NEAR(limits.gain_orders_of_magnitude(), std::log10(limits.gain()),
              1e-12);
}

TEST(BatchTest, HalfGainBatchIsNearWeightsOverKv) {
  // With bytes alone, energy is e (W / B + KV): twice the floor at B = W / KV,
  // 15.0 GB / 1.074 GB = 14 for Llama-3.1-8B at 8192.
  // Cached bytes cost what others cost here.
  const BatchStudy study = Study("llama-3.1-8b", "h100-sxm", 8192, {1},
                                 {{"memory.hbm.cache_bandwidth_factor", "1"},
                                  {"memory.hbm.cache_passes", "1"}});
  EXPECT_NEAR(study.limits().half_gain_batch(), 14, 3);
}

TEST(BatchTest, SummarySaysTheAnswer) {
  const BatchStudy study = Study("llama-3.1-8b", "h100-sxm", 8192, {1, 2});
  EXPECT_EQ(study.rows_size(), 2);
  EXPECT_THAT(study.summary(), HasSubstr("orders of magnitude"));
  EXPECT_THAT(study.summary(), HasSubstr("What fits is batch 52"));
  const BatchStudy none = Study("llama-3.1-405b", "h100-sxm", 8192, {1});
  EXPECT_THAT(none.summary(), HasSubstr("No batch fits"));
}

}  // namespace
}  // namespace tokenjoule
