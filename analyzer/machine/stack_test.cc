#include "analyzer/machine/stack.h"

#include <vector>

#include "analyzer/description/catalog.h"
#include "analyzer/machine/machine.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/units/units.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

Machine<> With(const std::vector<FieldOverride>& changes) {
  return BuildMachine(LoadHardwareOrDie("hb-dram-asic", changes));
}

// A stack of 4 cm2 with 1 K cm2/W to water of 45 C.
StackCosts<> Plain() {
  StackCosts<> stack;
  stack.area_cm2 = 4;
  stack.coolant_c = 45;
  stack.resistance_k_cm2_per_w = 1;
  stack.refresh = Watts(2.0);
  return stack;
}

TEST(StackTest, LayersAreCapacityOverDensityTimesArea) {
  const Machine<> machine = With({});
  // 18 GB at 0.008 GB/mm2 a layer.
  EXPECT_NEAR(machine.costs.stack.layers, 18 / (0.008 * machine.costs.area_mm2),
              1e-12);
  EXPECT_NEAR(machine.costs.stack.area_cm2, machine.costs.area_mm2 / 100,
              1e-12);
  // What published stacks put there.
  EXPECT_LT(machine.costs.stack.layers, 4);
  EXPECT_GT(machine.costs.stack.layers, 3.5);
}

TEST(StackTest, WhatProposalsPutOnSoMuchLogicIsFortyLayers) {
  const Machine<> machine = With({{"memory.backing.devices", "192"},
                                  {"memory.backing.capacity_gb", "192"},
                                  {"silicon.phy_mm2_per_device", "0.0656"}});
  EXPECT_NEAR(machine.costs.stack.layers, 40.4, 0.1);
  // At 0.1 W a GB, through regulators of 0.9.
  EXPECT_NEAR(InWatts(machine.costs.levels[0].background) * 0.9, 19.2, 1e-9);
}

TEST(StackTest, DiamondHasTheDensityOfItsTechnology) {
  // 1.5 GB in four layers on 48 mm2 (secondary source).
  EXPECT_NEAR(1.5 / 4 / 48 / 0.008, 1, 0.03);
}

TEST(StackTest, HalfTheCoverNeedsTwiceTheLayersAndIsTwiceAsDense) {
  const Machine<> whole = With({});
  const Machine<> half = With({{"memory.backing.stack.covered_share", "0.5"}});
  EXPECT_NEAR(half.costs.stack.layers / whole.costs.stack.layers, 2, 1e-12);
  EXPECT_NEAR(HeatOf(half.costs.stack, Watts(100.0)).power_w_per_cm2 /
                  HeatOf(whole.costs.stack, Watts(100.0)).power_w_per_cm2,
              2, 1e-12);
}

TEST(StackTest, BitsCrossHalfOfTheFurtherLayers) {
  EXPECT_EQ(Crossings(0.4), 0);
  EXPECT_EQ(Crossings(1.0), 0);
  EXPECT_EQ(Crossings(5.0), 2);
  const double layers = With({}).costs.stack.layers;
  const EnergyPerData<> added =
      With({}).costs.levels[0].read.interface -
      With({{"memory.backing.technology.layer_energy_pj_per_bit", "0"}})
          .costs.levels[0]
          .read.interface;
  EXPECT_NEAR(added / PicojoulesPerBit(0.05 * (layers - 1) / 2 / 0.9), 1,
              1e-12);
}

TEST(StackTest, TemperatureIsThatOfTheCoolantPlusResistanceTimesDensity) {
  // 120 W on 4 cm2.
  const StackHeat<> heat = HeatOf(Plain(), Watts(120.0));
  EXPECT_DOUBLE_EQ(heat.power_w_per_cm2, 30);
  EXPECT_DOUBLE_EQ(heat.temperature_c, 75);
  EXPECT_EQ(heat.refresh_factor, 1);
}

TEST(StackTest, RefreshDoublesAbove85Celsius) {
  EXPECT_EQ(HeatOf(Plain(), Watts(4 * 39.9)).refresh_factor, 1);
  EXPECT_EQ(HeatOf(Plain(), Watts(4 * 40.1)).refresh_factor, 2);
}

TEST(StackTest, RefreshIsPartOfTheBackground) {
  const Machine<> machine = With({});
  // 18 devices of 17 mW over regulators of 0.9.
  EXPECT_NEAR(InWatts(machine.costs.stack.refresh), 18 * 0.017 / 0.9, 1e-12);
  EXPECT_LT(machine.costs.stack.refresh, machine.costs.levels[0].background);
}

TEST(StackTest, AtThePowerLimitTheMemoryIsJustWithinItsNormalRange) {
  // 88 W/cm2 through four layers.
  StackCosts<> stack = With({}).costs.stack;
  const double at = HeatOf(stack, Watts(88 * stack.area_cm2)).temperature_c;
  EXPECT_NEAR(at, 85, 1);
}

}  // namespace
}  // namespace tokenjoule
