#include "analyzer/fit/joint.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/match.h"
#include "analyzer/description/catalog.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/fit/score.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/status.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

// Rows that a machine before fits would have measured, with some constants
// changed.
MeasurementSet RowsOf(const std::string& device,
                      const std::vector<FieldOverride>& changes) {
  const Hardware hardware = OrDie(LoadHardwareBeforeFits(device, changes));
  MeasurementSet set;
  for (const char* name : {"llama-3.1-8b", "qwen3-14b", "gemma-2-9b"}) {
    const Model model = LoadModelOrDie(name);
    for (const double batch : {1.0, 8.0, 32.0, 128.0}) {
      Measurement* row = set.add_row();
      row->set_source("made");
      row->set_software("vllm");
      row->set_model(name);
      row->set_device(device);
      row->set_weight_dtype("bf16");
      row->set_kv_dtype("bf16");
      row->set_batch(batch);
      row->set_mean_context_tokens(512);
      const Report report =
          OrDie(Analyze(model, hardware, ScenarioOf(*row, model, false)));
      row->set_itl_ms(report.step_time_s() * 1e3);
      row->set_energy_per_token_j(report.energy_per_token_j());
    }
  }
  return set;
}

const FittedConstant* Find(const JointFit& fit, const std::string& path) {
  for (const FittedConstant& constant : fit.summary.constants()) {
    if (constant.path() == path) return &constant;
  }
  return nullptr;
}

JointFit FitTo(const MeasurementSet& set) {
  JointOptions options;
  options.date = "2026-11-26";
  options.cross_validate = false;
  return OrDie(FitJointly(set, options));
}

TEST(JointTest, RowsThatPriorsPredictMoveNothing) {
  const JointFit fit = FitTo(RowsOf("h100-sxm", {}));
  EXPECT_LT(fit.summary.in_sample().overall().step_time_p90_abs_error(), 1e-3);
  EXPECT_LT(fit.summary.in_sample().overall().energy_p90_abs_error(), 1e-3);
  const FittedConstant* const layer = Find(fit, "vllm.time_per_layer_us");
  // It is left out, because it follows the class above.
  EXPECT_EQ(layer, nullptr);
}

TEST(JointTest, TheRuntimeTakesTheTimesAndTheMachineThePower) {
  const MeasurementSet set =
      RowsOf("h100-sxm", {{"runtime.time_per_layer_us", "110"},
                          {"board.static_power_fraction", "0.4"}});
  const JointFit fit = FitTo(set);
  EXPECT_LT(fit.summary.in_sample().overall().step_time_median_abs_error(),
            0.02);
  EXPECT_LT(fit.summary.in_sample().overall().energy_median_abs_error(), 0.02);
  const FittedConstant* const layer =
      Find(fit, "vllm@hopper.time_per_layer_us");
  ASSERT_NE(layer, nullptr);
  EXPECT_GT(layer->value(), 70);
  const FittedConstant* const power =
      Find(fit, "h100-sxm.board.static_power_fraction");
  ASSERT_NE(power, nullptr);
  EXPECT_GT(power->value(), 0.35);
}

TEST(JointTest, EveryRuntimeGetsAFileAndRelativesFollow) {
  const JointFit fit =
      FitTo(RowsOf("h100-sxm", {{"runtime.time_per_layer_us", "110"}}));
  EXPECT_EQ(fit.runtimes.count("ideal"), 0u);
  ASSERT_EQ(fit.runtimes.count("sglang"), 1u);
  const Runtime& vllm = fit.runtimes.at("vllm");
  const Runtime& sglang = fit.runtimes.at("sglang");
  // What was served takes most of the change, its relatives a part.
  EXPECT_GT(vllm.time_per_layer_us().value(),
            sglang.time_per_layer_us().value());
  EXPECT_GT(sglang.time_per_layer_us().value(), 40);
  ASSERT_EQ(vllm.on_size(), 1);
  EXPECT_EQ(vllm.on(0).generation(0), "hopper");
  // A generation without rows has the wider range.
  EXPECT_GT(vllm.time_per_layer_us().high() / vllm.time_per_layer_us().value(),
            vllm.on(0).runtime().time_per_layer_us().high() /
                vllm.on(0).runtime().time_per_layer_us().value());
  EXPECT_EQ(vllm.time_per_layer_us().source(), "fitted");
}

TEST(JointTest, AMachineOfTheSameDieFollowsItsRelative) {
  // H200 has a file of its own, based on what H100 is before fits: rows of H200
  // move both, H200 at least as far.
  const JointFit fit =
      FitTo(RowsOf("h200", {{"board.static_power_fraction", "0.4"}}));
  ASSERT_EQ(fit.machines.size(), 2u);
  const double h200 =
      fit.machines.at("h200").board().static_power_fraction().value();
  const double h100 =
      fit.machines.at("h100-sxm").board().static_power_fraction().value();
  EXPECT_GT(h200, 0.33);
  EXPECT_GT(h100, 0.32);
  EXPECT_GE(h200, h100);
  // Without the power of a memory nothing of its technology is fitted.
  EXPECT_FALSE(fit.machines.at("h200").memory(0).has_technology());
}

TEST(JointTest, ASensorOnTheMemorySeparatesItFromTheBoard) {
  // Streams of a memory that takes less than HBM3E as it was measured.
  const Hardware truth = OrDie(LoadHardwareBeforeFits(
      "h200", {{"memory.hbm.technology.read_energy_pj_per_bit", "4.8"}}));
  MeasurementSet set = RowsOf("h200", {});
  for (const double rate : {0.0, 1000.0, 2000.0, 3000.0, 4000.0}) {
    StreamMeasurement* stream = set.add_stream();
    stream->set_source("test");
    stream->set_device("h200");
    stream->set_read_gb_per_s(rate);
    stream->set_power_w_memory(1);
    stream->set_power_w_per_device(1);
    const ValidatedStream measured = OrDie(PredictStream(*stream, truth));
    stream->set_power_w_memory(measured.predicted_memory_w());
    stream->set_power_w_per_device(measured.predicted_board_w());
  }
  const JointFit fit = FitTo(set);
  const FittedConstant* const read = Find(
      fit, "h200.memory.hbm.technology.read_energy_pj_per_bit");
  ASSERT_NE(read, nullptr);
  EXPECT_NEAR(read->value(), 4.8, 0.25);
  EXPECT_LT(fit.summary.stream_errors().memory_power_p90_abs_error(), 0.03);
  const Constant& fitted =
      fit.machines.at("h200").memory(0).technology().read_energy_pj_per_bit();
  // Streams of one board say little of another's: the range ends at the bounds
  // of the technology, within a factor of 1.6 of the value.
  const Hardware before = OrDie(LoadHardwareBeforeFits("h200"));
  const Constant& bounds =
      before.memory(0).technology().read_energy_pj_per_bit();
  EXPECT_NEAR(fitted.low(), std::max(fitted.value() / 1.62, bounds.low()), 0.1);
  EXPECT_NEAR(fitted.high(), std::min(fitted.value() * 1.62, bounds.high()),
              0.1);
}

TEST(JointTest, ALoopInsideTheCacheSeparatesItsPathFromTheMemorys) {
  const std::string path = "memory.hbm.path_energy_pj_per_bit";
  const std::string network = "memory.l2.network_energy_pj_per_bit";
  const Hardware truth = OrDie(
      LoadHardwareBeforeFits("h100-sxm", {{path, "2.5"}, {network, "6.5"}}));
  const auto fit_with = [&](bool loops) {
    MeasurementSet set = RowsOf("h100-sxm", {{path, "2.5"}, {network, "6.5"}});
    for (const double rate : {2000.0, 3000.0, 4000.0, 4500.0}) {
      StreamMeasurement* stream = set.add_stream();
      stream->set_source("test");
      stream->set_device("h100-sxm");
      if (loops) {
        stream->set_cache_gb_per_s(rate);
      } else {
        stream->set_read_gb_per_s(rate);
      }
      stream->set_power_w_per_device(1);
      const ValidatedStream measured = OrDie(PredictStream(*stream, truth));
      EXPECT_EQ(measured.cache_gb_per_s(), loops ? rate : 0);
      stream->set_power_w_per_device(measured.predicted_board_w());
    }
    return FitTo(set);
  };
  const JointFit with = fit_with(true), without = fit_with(false);
  EXPECT_NEAR(Find(with, "h100-sxm." + network)->value(), 6.5, 0.6);
  EXPECT_GT(std::abs(Find(without, "h100-sxm." + network)->value() - 6.5), 0.6);
}

TEST(JointTest, MachinesThatAreBasedOnAFittedOneShareItsConstants) {
  const JointFit fit =
      FitTo(RowsOf("gh200", {{"board.static_power_fraction", "0.4"}}));
  ASSERT_EQ(fit.machines.size(), 1u);
  EXPECT_EQ(fit.machines.begin()->first, "h100-sxm");
  EXPECT_EQ(fit.machines.begin()->second.base(), "h100-sxm-datasheet");
  ASSERT_EQ(fit.evidence.seen_size(), 1);
  EXPECT_EQ(fit.evidence.seen(0).machine(), "gh200");
  EXPECT_EQ(fit.evidence.seen(0).rows(), 12);
  EXPECT_EQ(fit.evidence.seen(0).energies(), 12);
}

TEST(JointTest, RowsThatCannotBePredictedAreNamed) {
  MeasurementSet set = RowsOf("h100-sxm", {});
  set.mutable_row(1)->set_model("no-such-model");
  set.mutable_row(2)->set_check_only(true);
  set.mutable_row(3)->set_host_bound(true);
  const JointFit fit = FitTo(set);
  ASSERT_EQ(fit.summary.skipped_rows_size(), 1);
  EXPECT_EQ(fit.summary.skipped_rows(0).row(), 2);
  EXPECT_TRUE(
      absl::StrContains(fit.summary.skipped_rows(0).reason(), "no-such-model"));
  EXPECT_EQ(fit.summary.rows_size(), 9);
  EXPECT_EQ(fit.summary.host_bound_rows(), 1);
  EXPECT_FALSE(FitJointly({}, {}).ok());
}

}  // namespace
}  // namespace tokenjoule
