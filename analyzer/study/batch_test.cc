#include "analyzer/study/batch.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "analyzer/description/catalog.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/evaluate.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::HasSubstr;

BatchStudy Study(const std::string& model_name,
                 const std::string& hardware_name, double context,
                 const std::vector<double>& batches,
                 const std::vector<FieldOverride>& hardware_sets = {}) {
  return OrDie(StudyBatch({{LoadModelOrDie(model_name),
                            LoadHardwareOrDie(hardware_name, hardware_sets),
                            DefaultPoint(1, context),
                            {}}},
                          batches));
}

// H100 with 72 GB for weights and cache.
const std::vector<FieldOverride>& Usable72Gb() {
  static const auto* const changes =
      new std::vector<FieldOverride>{{"memory.hbm.capacity_gb", "80"},
                                     {"runtime.memory_fraction", "0.9"},
                                     {"runtime.reserved_gb", "0"}};
  return *changes;
}

// The unit model at context S: each token adds to a step S + 1 elements of key
// and value in and out, one embedding row, 16 + 4 S FLOP and 17 + 5 S vector
// FLOP. On a machine where only DRAM column energy is left, the floor is
// 8 pJ times the bytes: 2 S + 2 + 1; activations stay on chip.
TEST(BatchTest, FloorOfTheUnitModelIsTheBytesOfATokenItself) {
  const std::vector<FieldOverride> only_column = {
      {"memory.dram.technology.row_activation_energy_pj", "0"},
      {"memory.dram.technology.interface_energy_pj_per_bit", "0"},
      {"memory.dram.technology.background_power_w_per_device", "0"},
      {"memory.dram.phy_energy_pj_per_bit", "0"},
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
  // One sequence also reads 8 bytes of weights; its activations stay on chip.
  EXPECT_NEAR(study.limits().batch_1_energy_per_token_j(),
              8e-12 * (2 * 100 + 2 + 1 + 8), 1e-20);
}

TEST(BatchTest, EnergyFallsTowardsTheFloorAndTendsToIt) {
  for (const char* hardware : {"h100-sxm", "tpu-v5e", "m2-ultra", "rtx-4090"}) {
    std::vector<double> batches;
    for (double b = 1; b <= 1e9; b *= 10) batches.push_back(b);
    const BatchStudy study = Study("llama-3.1-8b", hardware, 8192, batches);
    const double floor = study.limits().floor_energy_per_token_j();
    // When activations begin to spill they can cost slightly more than sharing
    // saves.
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
  // 15.0 GB / 1.074 GB = 14 for Llama-3.1-8B at 8192. In this test cached bytes
  // cost the same as others.
  const BatchStudy study = Study("llama-3.1-8b", "h100-sxm", 8192, {1},
                                 {{"runtime.cache_bandwidth_share", "1"},
                                  {"runtime.bandwidth_share", "1"},
                                  {"runtime.cache_passes", "1"}});
  EXPECT_NEAR(study.limits().half_gain_batch(), 14, 3);
}

TEST(BatchTest, SummarySaysTheAnswer) {
  const BatchStudy study =
      Study("llama-3.1-8b", "h100-sxm", 8192, {1, 2}, Usable72Gb());
  EXPECT_EQ(study.rows_size(), 2);
  EXPECT_THAT(study.summary(), HasSubstr("orders of magnitude"));
  EXPECT_THAT(study.summary(), HasSubstr("The largest batch that fits is 52"));
  const BatchStudy none = Study("llama-3.1-405b", "h100-sxm", 8192, {1});
  EXPECT_THAT(none.summary(), HasSubstr("No batch fits"));
}

// Inside tests the name Setup is a member of the googletest class.
using StudySetup = Setup;

Setup LlamaOnH100(double context) {
  return {LoadModelOrDie("llama-3.1-8b"),
          LoadHardwareOrDie("h100-sxm", Usable72Gb()),
          DefaultPoint(1, context),
          {}};
}

Report ReportAt(Setup setup, double batch) {
  setup.scenario.set_batch(batch);
  return OrDie(Analyze(setup, kWithDetails));
}

TEST(BatchTest, KvShareOfWhatIsReadIsThatOfTheBytes) {
  // 52 sequences of 8192 x 131 072 bytes; weights 15.0098 GB with norms; 52
  // rows of the embedding: 55.835 / (55.835 + 15.010) = 0.7881.
  const BatchLimits limits = *FindBatchLimits(LlamaOnH100(8192));
  const double kv = 52.0 * 8192 * 131'072;
  const double weights = 15'009'316'864.0 + 65 * 4096 * 2 + 52 * 4096 * 2;
  EXPECT_EQ(limits.max_batch(), 52);
  EXPECT_NEAR(limits.max_batch_kv_read_share(), kv / (kv + weights), 1e-12);
}

TEST(BatchTest, TimeLimitIsMetAndOneMoreSequenceBreaksIt) {
  for (const double limit_ms : {8.1, 15.0, 20.0, 50.0, 1000.0}) {
    const auto setup = LlamaOnH100(8192);
    const BatchLimits limits = *FindBatchLimits(setup, {limit_ms});
    const int batch = limits.latency_batch();
    ASSERT_GT(batch, 0);
    EXPECT_LE(ReportAt(setup, batch).step_time_s(), limit_ms * 1e-3);
    EXPECT_GT(ReportAt(setup, batch + 1).step_time_s(), limit_ms * 1e-3);
    EXPECT_EQ(limits.feasible_batch(), std::min(batch, limits.max_batch()));
    EXPECT_DOUBLE_EQ(
        limits.feasible_batch_energy_per_token_j(),
        ReportAt(setup, limits.feasible_batch()).energy_per_token_j());
    EXPECT_EQ(*LargestBatch(setup, {limit_ms}), limits.feasible_batch());
  }
}

TEST(BatchTest, NoBatchMeetsATimeThatOneSequenceExceeds) {
  const BatchLimits limits = *FindBatchLimits(LlamaOnH100(8192), {1});
  EXPECT_EQ(limits.latency_batch(), 0);
  EXPECT_EQ(limits.feasible_batch(), 0);
  EXPECT_EQ(limits.latency_batch_energy_per_token_j(), 0);
  // Without a limit no such batch is reported.
  EXPECT_EQ(FindBatchLimits(LlamaOnH100(8192))->latency_batch(), 0);
  EXPECT_FALSE(FindBatchLimits(LlamaOnH100(8192), {-1}).ok());
  EXPECT_FALSE(FindBatchLimits(LlamaOnH100(8192), {NAN}).ok());
  // A limit that never binds gives the largest batch that a scenario may have.
  EXPECT_EQ(FindBatchLimits(LlamaOnH100(8192), {1e300})->latency_batch(),
            1'000'000'000);
}

TEST(BatchTest, SpeculationDividesTheTimeByTheTokensGained) {
  auto setup = LlamaOnH100(2048);
  setup.scenario.mutable_speculation()->set_draft_tokens(3);
  setup.scenario.mutable_speculation()->set_accepted_length(2.5);
  const BatchLimits limits = *FindBatchLimits(setup, {10});
  ASSERT_GT(limits.latency_batch(), 0);
  EXPECT_LE(ReportAt(setup, limits.latency_batch()).step_time_s() / 2.5, 0.01);
  EXPECT_GT(ReportAt(setup, limits.latency_batch() + 1).step_time_s() / 2.5,
            0.01);
}

TEST(BatchTest, ReplicasKeepWholeSequencesUnderATimeLimit) {
  auto setup = LlamaOnH100(8192);
  const int alone = FindBatchLimits(setup, {20})->latency_batch();
  setup.scenario.set_dp(4);
  // Each replica decodes as many sequences as a single chip.
  EXPECT_EQ(FindBatchLimits(setup, {20})->latency_batch(), 4 * alone);
}

TEST(BatchTest, SharedPrefixMakesRoomForMoreSequences) {
  // Usable 72 GB; weights in memory 16.06 GB; 4000 tokens shared once, 4192 for
  // each sequence; with two replicas everything twice.
  auto setup = LlamaOnH100(8192);
  setup.scenario.set_shared_prefix_tokens(4000);
  const double weights =
      ReportAt(LlamaOnH100(8192), 1).memory_used_bytes() - 8192 * 131'072.0;
  const double fit =
      std::floor((72e9 - weights - 4000 * 131'072.0) / (4192 * 131'072.0));
  EXPECT_EQ(FindBatchLimits(setup)->max_batch(), fit);
  setup.scenario.set_dp(2);
  EXPECT_EQ(FindBatchLimits(setup)->max_batch(), 2 * fit);
  EXPECT_NEAR(ReportAt(setup, 10).memory_used_bytes(),
              2 * weights + (2 * 4000 + 10 * 4192) * 131'072.0, 1);
  EXPECT_TRUE(ReportAt(setup, 2 * fit).fits());
  EXPECT_FALSE(ReportAt(setup, 2 * fit + 2).fits());
}

TEST(BatchTest, ReadingThePrefixOnceLowersTheFloor) {
  auto setup = LlamaOnH100(8192);
  const double plain = FindBatchLimits(setup)->floor_energy_per_token_j();
  setup.scenario.set_shared_prefix_tokens(4096);
  EXPECT_DOUBLE_EQ(FindBatchLimits(setup)->floor_energy_per_token_j(), plain);
  setup.scenario.set_shared_prefix_read_once(true);
  const BatchLimits once = *FindBatchLimits(setup);
  // Half of the cache is read, but all scores are computed.
  EXPECT_LT(once.floor_energy_per_token_j(), 0.61 * plain);
  EXPECT_GT(once.floor_energy_per_token_j(), 0.5 * plain);
}

TEST(BatchTest, PrefixMustEndBeforeTheContextAndThePrompt) {
  auto setup = LlamaOnH100(100);
  setup.scenario.set_shared_prefix_tokens(99);
  EXPECT_TRUE(FindBatchLimits(setup).ok());
  setup.scenario.set_shared_prefix_tokens(100);
  EXPECT_THAT(ErrorOf(FindBatchLimits(setup)),
              HasSubstr("a context of 100 tokens leaves at most 99"));
  setup.scenario.set_shared_prefix_tokens(60);
  setup.scenario.set_prompt(60);
  setup.scenario.set_output(80);
  EXPECT_THAT(ErrorOf(FindBatchLimits(setup)),
              HasSubstr("a prompt of 60 tokens leaves at most 59"));
  setup.scenario.set_shared_prefix_tokens(NAN);
  EXPECT_FALSE(FindBatchLimits(setup).ok());
}

TEST(BatchTest, ManySeriesAreThoseOfEachAlone) {
  const std::vector<StudySetup> setups = {LlamaOnH100(1024), LlamaOnH100(8192)};
  const BatchStudy both = *StudyBatch(setups, {1, 8});
  ASSERT_EQ(both.series_size(), 2);
  EXPECT_EQ(both.rows_size(), 4);
  EXPECT_FALSE(both.has_limits());
  EXPECT_EQ(both.summary(), "");
  const BatchStudy alone = *StudyBatch({setups[1]}, {1, 8});
  EXPECT_EQ(both.series(1).summary(), alone.summary());
  EXPECT_EQ(both.rows(2).SerializeAsString(),
            alone.rows(0).SerializeAsString());
  EXPECT_EQ(both.series(1).limits().SerializeAsString(),
            alone.limits().SerializeAsString());
}

TEST(BatchTest, FaultsOfEverySeriesAreReportedTogether) {
  std::vector<StudySetup> setups = {LlamaOnH100(1024), LlamaOnH100(1024)};
  setups[0].scenario.set_tp(3);
  setups[1].scenario.set_kv_page_tokens(-1);
  const std::string message = ErrorOf(StudyBatch(setups, {1}));
  EXPECT_THAT(message, HasSubstr("3 does not divide"));
  EXPECT_THAT(message, HasSubstr("kv_page_tokens"));
}

}  // namespace
}  // namespace tokenjoule
