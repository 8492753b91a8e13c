#include "analyzer/machine/machine.h"

#include <string>

#include "analyzer/machine/free.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/units/units.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

Machine<> MachineOf(const std::string& name) {
  return BuildMachine(LoadHardwareOrDie(name));
}

absl::string_view FormatUsed(const Machine<>& machine, const char* weights,
                             const char* activations) {
  const int rate = RateIndex(machine.structure, GetFormat(weights),
                             GetFormat(activations), ComputeEngine::LINEAR);
  return machine.structure.rates[rate].format->name;
}

TEST(MachineTest, UnitMachineCostsOneOfEverything) {
  const Machine<> machine = MachineOf("unit");
  ASSERT_EQ(machine.structure.num_levels, 2);
  // 1 pJ per bit is 8 pJ per byte.
  const EnergyPerData<> one = PicojoulesPerBit(1.0);
  EXPECT_DOUBLE_EQ(machine.costs.levels[0].read.activate.base(), one.base());
  EXPECT_DOUBLE_EQ(machine.costs.levels[0].read.column.base(), one.base());
  EXPECT_DOUBLE_EQ(machine.costs.levels[0].write.column.base(), one.base());
  EXPECT_DOUBLE_EQ(machine.costs.levels[0].read.phy_controller.base(),
                   one.base());
  EXPECT_EQ(machine.costs.rates[0].energy, PicojoulesPerFlop(1.0));
  EXPECT_DOUBLE_EQ(machine.costs.rates[0].peak.base(), 1e9);
  EXPECT_EQ(machine.costs.static_power, Watts(0.001));
  EXPECT_FALSE(machine.structure.has_power_cap);
}

TEST(MachineTest, ActivationEnergyIsSpreadOverTheBytesRead) {
  // HBM2: 909 pJ over 0.75 of 1024 bytes.
  const Machine<> machine = MachineOf("tpu-v5e");
  EXPECT_DOUBLE_EQ(machine.costs.levels[0].read.activate.base(),
                   909e-12 / (0.75 * 1024));
}

TEST(MachineTest, OperandsRunInTheirOwnFormatWhereThereIsOne) {
  const Machine<> h100 = MachineOf("h100-sxm");
  EXPECT_EQ(FormatUsed(h100, "bf16", "bf16"), "bf16");
  EXPECT_EQ(FormatUsed(h100, "fp8", "fp8"), "fp8");
  EXPECT_EQ(FormatUsed(h100, "int8", "int8"), "int8");
}

TEST(MachineTest, NarrowWeightsAreUnpackedToTheActivations) {
  const Machine<> h100 = MachineOf("h100-sxm");
  EXPECT_EQ(FormatUsed(h100, "int4-g128", "bf16"), "bf16");
  EXPECT_EQ(FormatUsed(h100, "q4_k", "fp16"), "fp16");
  EXPECT_EQ(FormatUsed(h100, "bf16", "fp8"), "bf16");
  EXPECT_EQ(FormatUsed(h100, "int4", "fp8"), "fp8");
}

TEST(MachineTest, EightBitFloatsAndIntegersMeetInSixteen) {
  const Machine<> h100 = MachineOf("h100-sxm");
  EXPECT_EQ(FormatUsed(h100, "fp8", "int8"), "bf16");
  EXPECT_EQ(FormatUsed(h100, "int8", "fp8"), "bf16");
}

TEST(MachineTest, MissingFormatsRunInTheNarrowestWiderFloat) {
  EXPECT_EQ(FormatUsed(MachineOf("a100-sxm-80gb"), "fp8", "fp8"), "bf16");
  EXPECT_EQ(FormatUsed(MachineOf("h100-sxm"), "nvfp4", "nvfp4"), "fp8");
  EXPECT_EQ(FormatUsed(MachineOf("m2-ultra"), "int8", "int8"), "fp16");
  EXPECT_EQ(FormatUsed(MachineOf("h100-sxm"), "fp32", "fp32"), "bf16");
}

TEST(MachineTest, IdealKeepsPeaksAndDropsOverheads) {
  Machine<> machine = MachineOf("h100-sxm");
  MakeIdeal(&machine);
  EXPECT_DOUBLE_EQ(machine.costs.levels[0].LongBandwidth().base(), 3350e9);
  EXPECT_DOUBLE_EQ(machine.costs.rates[0].Achieved().base(), 989.4e12);
  EXPECT_EQ(machine.costs.time_per_layer, Duration<>());
  EXPECT_GE(machine.costs.power_cap, Watts(1e100));
  // Energy per action is unchanged.
  EXPECT_EQ(machine.costs.levels[0].read.phy_controller, PicojoulesPerBit(8.0));
}

TEST(MachineTest, StateStreamsAsTheCacheWhereNothingElseIsSaid) {
  const Machine<> b200 = MachineOf("b200");
  EXPECT_LT(b200.placement.levels[0].state_bandwidth_factor,
            b200.placement.levels[0].cache_bandwidth_factor);
  const Machine<> mi300x = MachineOf("mi300x");
  EXPECT_EQ(mi300x.placement.levels[0].state_bandwidth_factor,
            mi300x.placement.levels[0].cache_bandwidth_factor);
}

TEST(MachineTest, TechnologyTermsSumToTheirCitedTotals) {
  // Stack energy of a streamed bit, pJ: O'Connor MICRO 2017 (3.48 to 3.92),
  // IEDM 2023 (4.3 and 3.44), data-sheet arithmetic (3.9, 3.6), Micron (7.25).
  const struct {
    const char* machine;
    double low, high;
  } cases[] = {{"tpu-v5e", 3.48, 3.92}, {"a100-sxm-80gb", 4.2, 4.4},
               {"h100-sxm", 3.8, 4.0},  {"h200", 3.40, 3.48},
               {"m2-ultra", 2.7, 5.0},  {"rtx-4090", 7.1, 7.3}};
  for (const auto& c : cases) {
    const LevelCosts<> level = MachineOf(c.machine).costs.levels[0];
    const double total =
        (level.read.activate + level.read.column + level.read.interface) /
        PicojoulesPerBit(1.0);
    EXPECT_GE(total, c.low) << c.machine;
    EXPECT_LE(total, c.high) << c.machine;
  }
}

}  // namespace
}  // namespace tokenjoule
