#include "analyzer/evaluate/roofline.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/evaluate.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

// The data sheet: 3350 GB/s, of which long transfers reach 0.92, and 989.4e12
// FLOP/s in bf16, at the boost clock that the machine's numbers refer to.
TEST(RooflineTest, RatesOfAnH100AreThoseOfItsDataSheet) {
  const Report one =
      AnalyzeOrDie("llama-3.1-8b", "h100-sxm", DefaultPoint(1, 2048));
  EXPECT_NEAR(one.roofline().bandwidth_bytes_per_s(), 3350e9 * 0.92, 1);
  EXPECT_NEAR(one.roofline().peak_flop_per_s(), 989.4e12, 1);
  EXPECT_EQ(one.roofline().memory(), "hbm");
  EXPECT_EQ(one.roofline().engine(), "tensor");
  EXPECT_EQ(one.roofline().formats(), "bf16 x bf16");
  const Report four =
      AnalyzeOrDie("llama-3.1-8b", "h100-sxm", DefaultPoint(1, 2048, 4));
  EXPECT_NEAR(four.roofline().bandwidth_bytes_per_s(), 4 * 3350e9 * 0.92, 4);
  EXPECT_NEAR(four.roofline().peak_flop_per_s(), 4 * 989.4e12, 4);
}

TEST(RooflineTest, TheEngineIsTheOneThatRunsMostProducts) {
  Scenario scenario = DefaultPoint(1, 2048);
  scenario.set_weights("fp8");
  scenario.set_activations("fp8");
  const Report report = AnalyzeOrDie("llama-3.1-8b", "h100-sxm", scenario);
  // At this context attention, which stays in bf16, has few of the FLOP.
  EXPECT_NEAR(report.roofline().peak_flop_per_s(), 1979e12, 1);
  EXPECT_EQ(report.roofline().formats(), "fp8 x fp8");
}

// The ridge point is of the data sheet's peaks; the roofline's bandwidth is what
// long transfers reach of it.
TEST(RooflineTest, RidgeIsTheRidgePointAtTheSustainedBandwidth) {
  const Report report =
      AnalyzeOrDie("llama-3.1-8b", "h100-sxm", DefaultPoint(8, 2048, 2));
  const Roofline& roofline = report.roofline();
  EXPECT_NEAR(
      roofline.peak_flop_per_s() / roofline.bandwidth_bytes_per_s() * 0.92,
      report.ridge_point_flop_per_byte(), 1e-9);
}

TEST(RooflineTest, ThePeakFollowsTheCoresClockAndTheBandwidthDoesNot) {
  Hardware hardware = LoadHardwareOrDie("h100-sxm");
  const Roofline full = AnalyzeOrDie(LoadModelOrDie("llama-3.1-8b"), hardware,
                                     DefaultPoint(1, 2048))
                            .roofline();
  *hardware.mutable_core_clock()->mutable_set_mhz() =
      hardware.core_clock().reference_mhz();
  hardware.mutable_core_clock()->mutable_set_mhz()->set_value(990);
  hardware.mutable_core_clock()->mutable_set_mhz()->set_low(990);
  hardware.mutable_core_clock()->mutable_set_mhz()->set_high(990);
  const Roofline half = AnalyzeOrDie(LoadModelOrDie("llama-3.1-8b"), hardware,
                                     DefaultPoint(1, 2048))
                            .roofline();
  EXPECT_NEAR(half.peak_flop_per_s() / full.peak_flop_per_s(), 0.5, 1e-12);
  EXPECT_EQ(half.bandwidth_bytes_per_s(), full.bandwidth_bytes_per_s());
}

// J/FLOP = e_flop + e_byte / I + P / (FLOP/s), at every boundary.
TEST(RooflineTest, EnergyAtTheIntensityOfTheStepIsTheAnswer) {
  for (const char* model : {"llama-3.1-8b", "gpt-oss-20b"}) {
    for (const char* hardware : {"h100-sxm", "groq-lpu-v1", "aimc-hbm3e"}) {
      for (const char* boundary : {"chip", "board", "facility"}) {
        SCOPED_TRACE(absl::StrCat(model, " on ", hardware, " at ", boundary));
        Scenario scenario = DefaultPoint(16, 4096);
        scenario.set_boundary(boundary);
        const Report report = AnalyzeOrDie(model, hardware, scenario);
        const Roofline& roofline = report.roofline();
        const double per_flop =
            roofline.energy_per_flop_j() +
            roofline.energy_per_byte_j() /
                report.arithmetic_intensity_flop_per_byte() +
            roofline.standing_power_w() /
                (report.flop_per_token() * report.tokens_per_s());
        const double answer =
            report.energy_per_token_j() / report.flop_per_token();
        EXPECT_NEAR(per_flop / answer, 1, 1e-12);
        EXPECT_EQ(roofline.energy_per_byte_j(),
                  report.factorization().energy_per_access_j());
        EXPECT_NEAR(roofline.balance_point_flop_per_byte() *
                        roofline.energy_per_flop_j() /
                        roofline.energy_per_byte_j(),
                    1, 1e-12);
      }
    }
  }
}

// Inside the stack there are no products that could balance the bytes.
TEST(RooflineTest, WithoutProductsThereIsNoBalance) {
  Scenario scenario = DefaultPoint(1, 2048);
  scenario.set_boundary("stack");
  const Roofline roofline =
      AnalyzeOrDie("llama-3.1-8b", "h100-sxm", scenario).roofline();
  EXPECT_GT(roofline.energy_per_byte_j(), 0);
  EXPECT_EQ(roofline.energy_per_flop_j(), 0);
  EXPECT_EQ(roofline.balance_point_flop_per_byte(), 0);
}

// Kernels of a runtime may reach a few percent more than long transfers in general
// (cache_bandwidth_share), and never more than the data sheet's bandwidth.
TEST(RooflineTest, NoOperatorIsFasterThanThePeaks) {
  for (const char* hardware : {"h100-sxm", "mi300x"}) {
    for (const double batch : {1.0, 64.0, 512.0}) {
      const Report report =
          AnalyzeOrDie("llama-3.1-8b", hardware, DefaultPoint(batch, 1024));
      const double peak = report.roofline().peak_flop_per_s();
      const double bandwidth = peak / report.ridge_point_flop_per_byte();
      EXPECT_GT(bandwidth, report.roofline().bandwidth_bytes_per_s());
      for (const OperatorReport& op : report.operators()) {
        const double least =
            std::max((op.weight_bytes() + op.kv_bytes()) / bandwidth,
                     op.flop() / peak);
        EXPECT_GE(op.time_s(), least * (1 - 1e-9))
            << hardware << ", batch " << batch << ": " << op.name();
      }
    }
  }
}

// Two machines, one after the other: the bytes of both over the time that both
// take at their own rates.
TEST(RooflineTest, MachinesThatWaitForEachOtherHaveTheRateOfBothInTurn) {
  tokenjoule::Setup setup =
      SetupOrDie("llama-3.1-8b", "rtx-3090", DefaultPoint(1, 2048));
  setup.hardware = LoadHardwareOrDie("rtx-3090", {{"stage", "rtx-4090"}});
  setup.scenario.set_weights("q4_k");
  setup.scenario.set_split("20,12");
  const Report report = OrDie(Analyze(setup, kWithOperators));
  ASSERT_EQ(report.machines_size(), 2);
  const auto rate = [](const Hardware& hardware) {
    const MemoryLevel& memory = hardware.memory(0);
    return memory.bandwidth_gb_per_s().value() * 1e9 *
           memory.bandwidth_efficiency().value();
  };
  const double first = report.machines(0).traffic_bytes_per_step();
  const double second = report.machines(1).traffic_bytes_per_step();
  const double expected =
      (first + second) / (first / rate(setup.hardware) +
                          second / rate(setup.hardware.stage(0)));
  EXPECT_NEAR(report.roofline().bandwidth_bytes_per_s() / expected, 1, 1e-9);
  EXPECT_GT(expected, rate(setup.hardware));
  EXPECT_LT(expected, rate(setup.hardware.stage(0)));
}

}  // namespace
}  // namespace tokenjoule
