#include "analyzer/fit/calibrate.h"

#include <string>
#include <utility>
#include <vector>

#include "analyzer/description/catalog.h"
#include "analyzer/description/field_path.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/fit/score.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/evaluate.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kMachine[] = "unfitted";
constexpr char kStep[] = "runtime.time_per_step_us";
constexpr char kStatic[] = "board.static_power_w";
constexpr char kBandwidth[] = "runtime.bandwidth_share";
constexpr char kFp8[] = "engine.tensor.rate.fp8.energy_pj_per_flop";

Hardware Unfitted() {
  // A chip that is known only from its data sheet.
  return OrDie(ParseHardware(
      R"(name: "unfitted"
         description: "H100 with more and faster memory"
         base: "h100-sxm-datasheet"
         sources { id: "s" kind: ASSUMPTION citation: "a test" date: "2026" }
         memory {
           name: "hbm"
           capacity_gb { value: 141 low: 141 high: 141 source: "s" }
           bandwidth_gb_per_s { value: 4800 low: 4800 high: 4800 source: "s" }
           bandwidth_efficiency { value: 0.88 low: 0.83 high: 0.93 source: "s" }
           half_transfer_mb { value: 15 low: 8 high: 22 source: "s" }
         }
         board {
           static_power_w { value: 140 low: 80 high: 320 source: "s" }
         }
         runtime {
           time_per_step_us { value: 1000 low: 100 high: 10000 source: "s" }
           bandwidth_share { value: 0.88 low: 0.83 high: 0.93 source: "s" }
         })",
      "unfitted.textproto"));
}

const FittedConstant& At(const Calibration& summary, const std::string& path) {
  for (const FittedConstant& constant : summary.constants()) {
    if (constant.path() == "hardware." + path) return constant;
  }
  ADD_FAILURE() << path << " is not in the fit";
  return FittedConstant::default_instance();
}

// Rows as if measured on `hardware`, alternately too high and too low by
// `noise`.
MeasurementSet RowsOf(const Hardware& hardware, double noise = 0) {
  MeasurementSet set;
  double factor = 1 + noise;
  for (const char* name : {"llama-3.1-8b", "qwen3-14b"}) {
    const Model model = LoadModelOrDie(name);
    for (const double batch : {1, 4, 16, 64, 128}) {
      for (const double context : {512, 2048}) {
        Measurement row;
        row.set_source("synthetic");
        row.set_model(name);
        row.set_device(kMachine);
        row.set_weight_dtype("bf16");
        row.set_kv_dtype("bf16");
        row.set_batch(batch);
        row.set_mean_context_tokens(context);
        const Report report =
            AnalyzeOrDie(model, hardware, ScenarioOf(row, model, false));
        row.set_itl_ms(report.step_time_s() * 1e3 * factor);
        factor = 2 - factor;
        row.set_energy_per_token_j(report.energy_per_token_j());
        *set.add_row() = row;
      }
    }
  }
  return set;
}

// A machine whose constants are known, and the machine that the fit starts
// from.
Hardware Known() {
  Hardware hardware = Unfitted();
  EXPECT_TRUE(SetField(&hardware, kStep, "3000", "test").ok());
  EXPECT_TRUE(SetField(&hardware, kStatic, "220", "test").ok());
  EXPECT_TRUE(SetField(&hardware, kBandwidth, "0.85", "test").ok());
  return hardware;
}

TEST(CalibrateTest, RecoversKnownConstants) {
  CalibrateOptions options;
  options.paths = {kStep, kStatic, kBandwidth};
  const CalibrationResult fit =
      OrDie(Calibrate(Unfitted(), RowsOf(Known()), options));
  const Calibration& summary = fit.summary;
  EXPECT_EQ(summary.rows(), 20);
  EXPECT_EQ(summary.constants_size(), 3);
  // The pull to the start causes an error of less than a tenth of the range.
  EXPECT_NEAR(At(summary, kStep).value(), 3000, 300);
  EXPECT_NEAR(At(summary, kStatic).value(), 220, 6);
  EXPECT_NEAR(At(summary, kBandwidth).value(), 0.85, 0.03);
  EXPECT_LT(summary.in_sample().step_time_p90_abs_error(), 0.02);
  EXPECT_LT(summary.in_sample().energy_p90_abs_error(), 0.015);
  // The fit to one model also predicts the other.
  EXPECT_EQ(summary.held_out_size(), 2);
  EXPECT_LT(summary.held_out_overall().energy_p90_abs_error(), 0.04);
}

TEST(CalibrateTest, NoiseWidensStandardErrorsAndTheyCoverTheTruth) {
  CalibrateOptions options;
  options.paths = {kStep, kBandwidth};
  Hardware known = Unfitted();
  ASSERT_TRUE(SetField(&known, kStep, "3000", "test").ok());
  ASSERT_TRUE(SetField(&known, kBandwidth, "0.85", "test").ok());
  const CalibrationResult quiet =
      OrDie(Calibrate(Unfitted(), RowsOf(known), options));
  const CalibrationResult noisy =
      OrDie(Calibrate(Unfitted(), RowsOf(known, 0.1), options));
  for (const char* path : {kStep, kBandwidth}) {
    EXPECT_GT(At(noisy.summary, path).standard_error(),
              3 * At(quiet.summary, path).standard_error());
  }
  EXPECT_NEAR(At(noisy.summary, kStep).value(), 3000,
              3 * At(noisy.summary, kStep).standard_error());
  EXPECT_NEAR(At(noisy.summary, kBandwidth).value(), 0.85,
              3 * At(noisy.summary, kBandwidth).standard_error());
}

TEST(CalibrateTest, KeepsWhatTheRowsSayNothingOf) {
  CalibrateOptions options;
  options.paths = {kStep, kFp8};
  options.cross_validate = false;
  const CalibrationResult fit =
      OrDie(Calibrate(Unfitted(), RowsOf(Known()), options));
  const FittedConstant& fp8 = At(fit.summary, kFp8);
  EXPECT_EQ(fp8.status(), "KEPT");
  EXPECT_EQ(fp8.value(), fp8.start());
  EXPECT_EQ(fp8.standard_error(), 0);
  EXPECT_EQ(fit.summary.held_out_size(), 0);
  // The description holds only the fitted constants.
  EXPECT_TRUE(fit.hardware.runtime().has_time_per_step_us());
  EXPECT_EQ(fit.hardware.engine_size(), 0);
}

TEST(CalibrateTest, RowsOfOtherRuntimesAreLeftOut) {
  MeasurementSet set = RowsOf(Known());
  for (const char* software : {"vllm 0.11", "sglang 0.5", "a new engine"}) {
    Measurement other = set.row(0);
    other.set_software(software);
    *set.add_row() = other;
  }
  ASSERT_EQ(Unfitted().runtime().base(), "vllm");
  CalibrateOptions options;
  options.paths = {kStep};
  options.cross_validate = false;
  const CalibrationResult fit = OrDie(Calibrate(Unfitted(), set, options));
  // That of vLLM, and that of no known runtime.
  EXPECT_EQ(fit.summary.rows(), 22);
}

TEST(CalibrateTest, RowsThatTheHostPacedAreLeftOut) {
  MeasurementSet set = RowsOf(Known());
  Measurement slow = set.row(0);
  slow.set_itl_ms(10 * slow.itl_ms());
  slow.set_host_bound(true);
  *set.add_row() = slow;
  CalibrateOptions options;
  options.paths = {kStep, kStatic, kBandwidth};
  options.cross_validate = false;
  const CalibrationResult with = OrDie(Calibrate(Unfitted(), set, options));
  const CalibrationResult without =
      OrDie(Calibrate(Unfitted(), RowsOf(Known()), options));
  EXPECT_EQ(with.summary.rows(), 20);
  EXPECT_EQ(with.summary.host_bound_rows(), 1);
  EXPECT_EQ(At(with.summary, kStep).value(),
            At(without.summary, kStep).value());
}

TEST(CalibrateTest, RowsThatCannotHaveBeenAndChecksAreLeftOut) {
  MeasurementSet set = RowsOf(Known());
  // A million sequences do not fit in the memory of one chip.
  Measurement overfull = set.row(0);
  overfull.set_batch(1e6);
  *set.add_row() = overfull;
  Measurement check = set.row(0);
  check.set_itl_ms(10 * check.itl_ms());
  check.set_check_only(true);
  *set.add_row() = check;
  CalibrateOptions options;
  options.paths = {kStep, kStatic, kBandwidth};
  options.cross_validate = false;
  const CalibrationResult fit = OrDie(Calibrate(Unfitted(), set, options));
  EXPECT_EQ(fit.summary.rows(), 20);
  EXPECT_EQ(fit.summary.overfull_rows(), 1);
}

TEST(CalibrateTest, SaysWhereTheDataPullBeyondTheBounds) {
  Hardware hardware = Unfitted();
  const double high = hardware.runtime().time_per_step_us().high();
  Hardware slow = hardware;
  ASSERT_TRUE(SetField(&slow, kStep, std::to_string(2 * high), "test").ok());
  CalibrateOptions options;
  options.paths = {kStep};
  options.cross_validate = false;
  const CalibrationResult fit =
      OrDie(Calibrate(hardware, RowsOf(slow), options));
  EXPECT_EQ(At(fit.summary, kStep).status(), "AT_BOUND");
  EXPECT_NEAR(At(fit.summary, kStep).value(), high, 1e-3 * high);
}

TEST(CalibrateTest, DescriptionReproducesTheFitOnItsBase) {
  CalibrateOptions options;
  options.paths = {kStep, kStatic, kBandwidth};
  options.cross_validate = false;
  const CalibrationResult fit =
      OrDie(Calibrate(Unfitted(), RowsOf(Known()), options));
  ASSERT_EQ(fit.hardware.sources_size(), 1);
  EXPECT_EQ(fit.hardware.sources(0).kind(), Source::FITTED);
  const Constant& step = fit.hardware.runtime().time_per_step_us();
  EXPECT_NEAR(step.value(), At(fit.summary, kStep).value(), 1);
  EXPECT_LE(step.low(), step.value());
  EXPECT_GE(step.high(), step.value());
  EXPECT_EQ(step.source(), fit.hardware.sources(0).id());
}

TEST(CalibrateTest, RefusesFewerRowsThanConstants) {
  MeasurementSet set = RowsOf(Known());
  set.mutable_row()->DeleteSubrange(4, set.row_size() - 4);
  EXPECT_THAT(ErrorOf(Calibrate(Unfitted(), set, CalibrateOptions())),
              HasSubstr("4 rows of unfitted can be predicted"));

  CalibrateOptions other;
  other.device = "nobody-measured-it";
  EXPECT_FALSE(Calibrate(Unfitted(), RowsOf(Known()), other).ok());
}

TEST(CalibrateTest, DataSheetFiguresAndDramEnergiesStay) {
  const std::vector<std::string> free = FreeConstants(Unfitted());
  EXPECT_THAT(free, Contains(kBandwidth));
  EXPECT_THAT(free, Contains(kStatic));
  EXPECT_THAT(free, Not(Contains(HasSubstr("phy_energy_pj_per_bit"))));
  EXPECT_THAT(free, Not(Contains(HasSubstr(".technology."))));
  EXPECT_THAT(free, Not(Contains(HasSubstr("peak"))));
}

}  // namespace
}  // namespace tokenjoule
