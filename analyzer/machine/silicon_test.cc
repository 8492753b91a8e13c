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

TEST(SiliconTest, CapacitorsTakeTheAreaTheyTake) {
  // An 8-bit ladder of 1 fF units is 24 fF; 3e9 of them at 2.3 fF/um2 are
  // 31 304 mm2, which is more than the 4.3 mm2/MB of published arrays.
  const Hardware hardware = Loaded("aimc-resident");
  const ComputeEngine& array = hardware.engine(1);
  ASSERT_EQ(array.name(), "aimc");
  EXPECT_NEAR(CapacitorMm2PerMb<double>(array, ValueReader()), 24 / 2.3, 1e-9);
  EXPECT_NEAR((ResidentMm2<double>(array, hardware.silicon(), ValueReader())),
              31304, 1);
  // Denser capacitors leave the area to what stands beside them.
  const Machine<> dense = BuildMachine(
      Loaded("aimc-resident",
             {{"engine.aimc.analog.capacitor_density_ff_per_um2", "100"}}));
  const Machine<> denser = BuildMachine(
      Loaded("aimc-resident",
             {{"engine.aimc.analog.capacitor_density_ff_per_um2", "1000"}}));
  EXPECT_EQ(dense.costs.area_mm2, denser.costs.area_mm2);
  // Half the unit takes half the area, unless noise sizes the cell: 15 fF.
  const Hardware half = Loaded(
      "aimc-resident", {{"engine.aimc.analog.unit_capacitance_ff", "0.7"}});
  EXPECT_NEAR(CapacitorMm2PerMb<double>(half.engine(1), ValueReader()),
              16.8 / 2.3, 1e-9);
}

TEST(SiliconTest, LeakageOfResidentArraysByHand) {
  // dimc-resident: arrays 3000 MB x 2.12 mm2 x 1.1 = 6996 mm2, of which 92 %
  // leaks 0.1 W/mm2 when it is not gated (20 %): 128.7 W; cells 3000 x 8 mW =
  // 24 W; the rest of the logic 0.1 x 1.1 x (42.5 + 35 + 30 + 80).
  const Hardware dimc = Loaded("dimc-resident");
  const double rest_w = 0.1 * 1.1 * (42.5 + 35 + 30 + 80);
  EXPECT_NEAR(LeakageW<double>(dimc, ValueReader()),
              6996 * 0.92 * 0.2 * 0.1 + 24 + rest_w, 1e-6);
  // Ungated and without a share of cells, all of it leaks as logic.
  Hardware plain = dimc;
  for (ComputeEngine& engine : *plain.mutable_engine()) {
    engine.mutable_array()->clear_gated_share();
    engine.mutable_array()->clear_periphery_share();
    engine.mutable_array()->clear_cell_leakage_w_per_mb();
  }
  EXPECT_NEAR(LeakageW<double>(plain, ValueReader()), 699.6 + rest_w, 1e-6);
  // Static power adds what idles, and the SRAM buffer's leakage: 128 MB.
  EXPECT_NEAR(InWatts(BuildMachine(dimc).costs.static_power),
              LeakageW<double>(dimc, ValueReader()) + 20 + 128 * 0.008, 1e-6);
}

TEST(SiliconTest, PhaseChangeCellsDoNotLeak) {
  // All of the array could be off: only what idles and the chiplet are left.
  const auto leak_w = [](const char* gated_share) {
    return LeakageW<double>(
        Loaded("aimc-nvm-resident",
               {{"engine.aimc.array.gated_share", gated_share}}),
        ValueReader());
  };
  // Dies at 16 nm leak 0.06 W/mm2: 201 MB x 68.7 mm2 x 0.89.
  EXPECT_NEAR(leak_w("0") - leak_w("1"), 201 * 68.7 * 0.89 * 0.06, 1e-6);
  EXPECT_LT(leak_w("1"), 30);
  // SRAM cells of as many weights as dimc-resident holds leak 24 W however the
  // rest is gated.
  EXPECT_GT(LeakageW<double>(Loaded("dimc-resident",
                                    {{"engine.dimc.array.gated_share", "1"}}),
                             ValueReader()),
            24);
}

TEST(SiliconTest, DiesOfPhaseChangeMemoryAreThePublishedOnes) {
  // 96 dies of 144 mm2, each with 64 x 256 x 256 cells of four bits.
  const Hardware hardware = Loaded("aimc-nvm-resident");
  const ComputeEngine& array = hardware.engine(1);
  ASSERT_EQ(array.name(), "aimc");
  EXPECT_NEAR((ResidentMm2<double>(array, hardware.silicon(), ValueReader())) /
                  (96 * 144.0),
              1, 0.005);
  EXPECT_NEAR(WeightCapacityMb<double>(array, ValueReader()) * 2e6 /
                  (96.0 * 64 * 256 * 256),
              1, 0.005);
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

TEST(SiliconTest, CellsOfOneKindDoNotHaveNumbersOfAnother) {
  const auto faults_of = [](const Hardware& hardware) {
    std::vector<Fault> faults;
    ValidateHardware(hardware, {"m.textproto", nullptr, true}, &faults);
    std::vector<std::string> paths;
    for (const Fault& fault : faults) paths.push_back(fault.path);
    return paths;
  };
  const Hardware pcm = Loaded("aimc-nvm-resident");
  const Hardware charge = Loaded("aimc-resident");
  EXPECT_TRUE(faults_of(pcm).empty());
  const std::string path = "engine.aimc.analog.";
  const auto changed = [&](const Hardware& hardware, const auto& change) {
    Hardware other = hardware;
    change(other.mutable_engine(1)->mutable_analog());
    return faults_of(other);
  };
  using Paths = std::vector<std::string>;
  EXPECT_EQ(changed(pcm, [](auto* a) { a->clear_resistive(); }),
            Paths{path + "resistive"});
  EXPECT_EQ(changed(pcm,
                    [](auto* a) {
                      a->mutable_resistive()->clear_drift_reference_s();
                    }),
            Paths{path + "resistive.drift_reference_s"});
  EXPECT_EQ(
      changed(pcm, [](auto* a) { a->mutable_resistive()->clear_age_s(); }),
      Paths{path + "resistive.age_s"});
  EXPECT_EQ(changed(pcm,
                    [&](auto* a) {
                      *a->mutable_unit_capacitance_ff() =
                          charge.engine(1).analog().unit_capacitance_ff();
                    }),
            Paths{path + "unit_capacitance_ff"});
  EXPECT_EQ(changed(charge, [](auto* a) { a->clear_unit_capacitance_ff(); }),
            Paths{path + "unit_capacitance_ff"});
  EXPECT_EQ(changed(charge,
                    [&](auto* a) {
                      *a->mutable_resistive() =
                          pcm.engine(1).analog().resistive();
                    }),
            Paths{path + "resistive"});
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
