#include "analyzer/machine/silicon.h"

#include <cmath>
#include <string>
#include <vector>

#include "analyzer/description/catalog.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/field_path.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/description/validate.h"
#include "analyzer/machine/machine.h"
#include "analyzer/testing/catalog.h"
#include "gtest/gtest.h"
#include "proto/hardware.pb.h"

namespace tokenjoule {
namespace {

Hardware Loaded(const std::string& name,
                const std::vector<FieldOverride>& changes = {}) {
  return LoadHardwareOrDie(name, changes);
}

Machine<> With(const std::vector<FieldOverride>& changes) {
  return BuildMachine(Loaded("lean-hbm3e-asic", changes));
}

TEST(SiliconTest, GrossDiesOfAWafer) {
  // pi 150^2 / 100 = 706.86, less pi 300 / sqrt(200) = 66.64 at the edge.
  EXPECT_NEAR(GrossDiesPerWafer(100.0, 300.0), 640.2, 0.05);
  // A reticle: 82.4 - 22.8.
  EXPECT_NEAR(GrossDiesPerWafer(858.0, 300.0), 59.6, 0.05);
}

TEST(SiliconTest, YieldOfADie) {
  EXPECT_EQ(DieYield(500.0, 0.0, 3.0), 1);
  // One defect per die: (1 + 1 / 2)^-2.
  EXPECT_NEAR(DieYield(100.0, 1.0, 2.0), 4.0 / 9, 1e-15);
  // Without clustering the yield is Poisson: exp(-1).
  EXPECT_NEAR(DieYield(100.0, 1.0, 1e6), std::exp(-1), 1e-6);
  // Clustered defects spare more dies.
  EXPECT_GT(DieYield(800.0, 0.1, 1.0), DieYield(800.0, 0.1, 10.0));
}

TEST(SiliconTest, AreaIsTheSumOfItsPartsByHand) {
  // lean-hbm3e-asic with the class's constants: 256 MB x 0.5, 1000 TFLOP/s x
  // 0.25, 50 TFLOP/s in 32 bits x 2 x 0.5, 6 PHYs x 15, other 80; times 1.3.
  EXPECT_NEAR(With({}).costs.area_mm2, 1.3 * (128 + 250 + 50 + 90 + 80), 1e-9);
}

TEST(SiliconTest, CostIsTheSumOfItsPartsByHand) {
  const double area = With({}).costs.area_mm2;
  const double dies =
      706.8583470577034 * 100 / area - 942.4777960769379 / std::sqrt(2 * area);
  const double yield = std::pow(1 + area * 0.001 / 3, -3);
  // 144 GB x 15, package 150 + 6 x 120, board 500.
  EXPECT_NEAR(With({}).costs.cost_usd,
              17000 / (dies * yield) + 2160 + 150 + 720 + 500, 1e-6);
}

TEST(SiliconTest, EachPartHasAPrice) {
  const Machine<> before = With({});
  const Machine<> buffer = With({{"memory.buffer.capacity_gb", "0.512"}});
  EXPECT_NEAR(buffer.costs.area_mm2 - before.costs.area_mm2, 1.3 * 128, 1e-9);
  EXPECT_GT(buffer.costs.cost_usd, before.costs.cost_usd);
  const Machine<> stacks = With(
      {{"memory.backing.devices", "8"}, {"memory.backing.capacity_gb", "192"}});
  EXPECT_NEAR(stacks.costs.area_mm2 - before.costs.area_mm2, 1.3 * 30, 1e-9);
  EXPECT_GT(stacks.costs.cost_usd, before.costs.cost_usd + 48 * 15 + 2 * 120);
  const Machine<> engine =
      With({{"engine.tensor.rate.bf16.peak_tflops", "1500"}});
  EXPECT_NEAR(engine.costs.area_mm2 - before.costs.area_mm2, 1.3 * 125, 1e-9);
}

TEST(SiliconTest, BeyondTheLargestDieCostOfLogicIsProportionalToArea) {
  const Hardware hardware = Loaded("lean-hbm3e-asic");
  const auto logic = [&](double area_mm2) {
    return LogicUsd(hardware.silicon(), area_mm2, ValueReader());
  };
  EXPECT_NEAR(logic(2 * 858.0), 2 * logic(858.0), 1e-9);
  EXPECT_NEAR(logic(1.5 * 858.0), 1.5 * logic(858.0), 1e-9);
  // Below that size cost grows more than proportionally, because large dies
  // yield less.
  EXPECT_GT(logic(800.0), 2 * logic(400.0));
  for (double area = 10; area < 3000; area += 10) {
    EXPECT_LT(logic(area), logic(area + 10)) << area;
  }
}

TEST(SiliconTest, SmallerDiesYieldMore) {
  EXPECT_LT(With({{"silicon.max_die_mm2", "200"}}).costs.cost_usd,
            With({}).costs.cost_usd);
  EXPECT_EQ(With({{"silicon.max_die_mm2", "200"}}).costs.area_mm2,
            With({}).costs.area_mm2);
}

TEST(SiliconTest, ResidentArraysTakeAreaByWhatTheyHold) {
  const Machine<> before = BuildMachine(Loaded("dimc-resident"));
  const Machine<> after = BuildMachine(
      Loaded("dimc-resident", {{"engine.dimc.array.weight_capacity_gb", "4"}}));
  EXPECT_NEAR(after.costs.area_mm2 - before.costs.area_mm2, 1.1 * 1000 * 2.12,
              1e-6);
}

TEST(SiliconTest, MachinesWithoutSiliconHaveNeither) {
  EXPECT_EQ(BuildMachine(Loaded("h100-sxm")).costs.area_mm2, 0);
  EXPECT_EQ(BuildMachine(Loaded("h100-sxm")).costs.cost_usd, 0);
}

TEST(SiliconTest, ArraysWithoutAnAreaAreAFault) {
  // The class has no arrays; a machine of this class with arrays must give
  // their area.
  Hardware hardware = Loaded("aimc-hbm3e");
  hardware.mutable_silicon()->clear_array_mm2_per_tflops();
  std::vector<Fault> faults;
  ValidateHardware(hardware, {"m.textproto", nullptr, true}, &faults);
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].path, "silicon.array_mm2_per_tflops");
}

// Dies with a published area, with the class's constants for 5 nm. The test
// sets each die's own memories, engines and PHYs; no constant is fitted to a
// single die.
TEST(SiliconTest, PublishedDiesComeOutWithinThirtyPercent) {
  const struct {
    const char* name;
    double mm2;
    std::vector<FieldOverride> changes;
  } kDies[] = {
      // NVIDIA H100 whitepaper, the full GH100: 144 SMs with 256 KB of
      // registers and 256 KB of L1 each, 60 MB of L2, six stacks.
      {"H100",
       814,
       {{"memory.buffer.capacity_gb", "0.134"},
        {"memory.backing.devices", "6"},
        {"engine.tensor.rate.bf16.peak_tflops", "1080"},
        {"engine.tensor.rate.fp8.peak_tflops", "2160"},
        {"engine.tensor.rate.int8.peak_tflops", "2160"},
        {"engine.tensor.rate.int4.peak_tflops", "0.001"},
        {"engine.vector.rate.fp32.peak_tflops", "73"}}},
      // Microsoft, Hot Chips 2024: about 500 MB of SRAM, four stacks.
      {"Maia 100",
       820,
       {{"memory.buffer.capacity_gb", "0.5"},
        {"memory.backing.devices", "4"},
        {"engine.tensor.rate.bf16.peak_tflops", "800"},
        {"engine.tensor.rate.fp8.peak_tflops", "1600"},
        {"engine.tensor.rate.int8.peak_tflops", "1600"},
        {"engine.tensor.rate.int4.peak_tflops", "3200"},
        {"engine.vector.rate.fp32.peak_tflops", "10"}}},
      // Meta, 2024: 256 MB and 64 x 384 KB of SRAM, LPDDR5 of sixteen channels.
      {"MTIA v2",
       421,
       {{"memory.buffer.capacity_gb", "0.281"},
        {"memory.backing.devices", "16"},
        {"silicon.phy_mm2_per_device", "2"},
        {"engine.tensor.rate.bf16.peak_tflops", "177"},
        {"engine.tensor.rate.fp8.peak_tflops", "0.001"},
        {"engine.tensor.rate.int8.peak_tflops", "354"},
        {"engine.tensor.rate.int4.peak_tflops", "0.001"},
        {"engine.vector.rate.fp32.peak_tflops", "2.8"}}},
  };
  for (const auto& die : kDies) {
    const double estimate = With(die.changes).costs.area_mm2;
    EXPECT_NEAR(estimate / die.mm2, 1, 0.3)
        << die.name << ": " << estimate << " mm2";
  }
}

}  // namespace
}  // namespace tokenjoule
