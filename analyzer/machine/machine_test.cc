#include "analyzer/machine/machine.h"

#include <string>
#include <vector>

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
  EXPECT_DOUBLE_EQ(machine.costs.levels[0].read.phy.base(), one.base());
  EXPECT_EQ(machine.costs.rates[0].energy, PicojoulesPerFlop(1.0));
  EXPECT_DOUBLE_EQ(machine.costs.rates[0].peak.base(), 1e9);
  EXPECT_EQ(machine.costs.static_power, Watts(0.001));
  EXPECT_FALSE(machine.structure.has_power_cap);
}

TEST(MachineTest, ActivationEnergyIsSpreadOverTheBytesRead) {
  // HBM2: 444 pJ at the pins, over 0.9 at the input of its regulators, over 0.75
  // of 1024 bytes.
  const Machine<> machine = MachineOf("tpu-v5e");
  EXPECT_DOUBLE_EQ(machine.costs.levels[0].read.activate.base(),
                   444e-12 / (0.75 * 1024) / 0.9);
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
  EXPECT_EQ(machine.costs.levels[0].read.phy, PicojoulesPerBit(0.5));
}

TEST(MachineTest, StateStreamsAsTheCacheWhereNothingElseIsSaid) {
  Hardware hardware =
      LoadHardwareOrDie("h100-sxm", {{"runtime.cache_bandwidth_share", "0.8"},
                                     {"runtime.state_bandwidth_share", "0.5"}});
  RuntimePlacement<> runtime = BuildMachine(hardware).placement.runtime;
  EXPECT_EQ(runtime.cache_bandwidth_share, 0.8);
  EXPECT_EQ(runtime.state_bandwidth_share, 0.5);
  hardware.mutable_runtime()->clear_state_bandwidth_share();
  runtime = BuildMachine(hardware).placement.runtime;
  EXPECT_EQ(runtime.state_bandwidth_share, 0.8);
}

TEST(MachineTest, KernelsOfAFormatReachTheShareOfOthersWhereNothingElseIsSaid) {
  Hardware hardware =
      LoadHardwareOrDie("h100-sxm", {{"runtime.compute_share", "0.9"}});
  hardware.mutable_runtime()->clear_kernels();
  FormatKernels* kernels = hardware.mutable_runtime()->add_kernels();
  kernels->set_format("q4_k");
  Machine<> machine = BuildMachine(hardware);
  EXPECT_EQ(machine.structure.kernels[0], &GetFormat("q4_k"));
  EXPECT_EQ(machine.placement.runtime.kernels[0].compute_share, 0.9);
  EXPECT_EQ(machine.placement.runtime.kernels[0].bandwidth_factor, 1);
  kernels->mutable_compute_share()->set_value(0.7);
  kernels->mutable_time_per_expert_product_us()->set_value(30);
  machine = BuildMachine(hardware);
  EXPECT_EQ(machine.placement.runtime.kernels[0].compute_share, 0.7);
  EXPECT_EQ(machine.placement.runtime.kernels[0].time_per_expert_product,
            Microseconds(30.0));
}

TEST(MachineTest, NoRuntimeIsFreeAndPerfectSoftware) {
  Hardware hardware = LoadHardwareOrDie("h100-sxm");
  hardware.clear_runtime();
  const Machine<> machine = BuildMachine(hardware);
  EXPECT_EQ(machine.structure.num_kernels, 0);
  EXPECT_EQ(machine.costs.time_per_step, Duration<>());
  EXPECT_EQ(machine.costs.time_per_layer, Duration<>());
  EXPECT_EQ(machine.costs.overlap_fraction, 1);
  EXPECT_EQ(machine.placement.runtime.bandwidth_share, 1);
  EXPECT_EQ(machine.placement.runtime.compute_share, 1);
  EXPECT_EQ(machine.costs.levels[0].usable_capacity,
            machine.costs.levels[0].capacity);
  EXPECT_EQ(machine.costs.levels[0].cache_half_transfer,
            machine.costs.levels[0].half_transfer);
}

TEST(MachineTest, TheRuntimeTakesMemoryAndBandwidthOfLinks) {
  const auto machine = [](const std::vector<FieldOverride>& changes) {
    return BuildMachine(LoadHardwareOrDie("h100-sxm", changes));
  };
  const Machine<> whole = machine({{"runtime", "ideal"}});
  const Machine<> served = machine({{"runtime", "ideal"},
                                    {"memory.hbm.capacity_gb", "80"},
                                    {"runtime.memory_fraction", "0.9"},
                                    {"runtime.reserved_gb", "2"},
                                    {"runtime.link_bandwidth_share", "0.5"},
                                    {"runtime.cache_half_transfer_mb", "12"}});
  EXPECT_DOUBLE_EQ(InBytes(served.costs.levels[0].usable_capacity), 70e9);
  EXPECT_DOUBLE_EQ(InBytes(served.costs.levels[0].capacity), 80e9);
  EXPECT_EQ(served.costs.networks[0].bandwidth,
            whole.costs.networks[0].bandwidth * 0.5);
  EXPECT_EQ(served.costs.levels[0].cache_half_transfer, Megabytes(12.0));
  EXPECT_EQ(served.costs.levels[0].half_transfer,
            whole.costs.levels[0].half_transfer);
}

TEST(MachineTest, StaticPowerMayBeAFractionOfThePowerCap) {
  Hardware hardware = LoadHardwareOrDie(
      "unit",
      {{"board.power_cap_w", "700"}, {"board.static_power_fraction", "0.275"}});
  // The board's own figure comes first.
  EXPECT_EQ(BuildMachine(hardware).costs.static_power, Watts(0.001));
  hardware.mutable_board()->clear_static_power_w();
  EXPECT_DOUBLE_EQ(BuildMachine(hardware).costs.static_power / Watts(1.0),
                   192.5);
}

TEST(MachineTest, TechnologyTermsSumToTheirCitedTotals) {
  // Stack energy of a streamed bit of random data, pJ, as measured on an FPGA
  // (HBM2), on H100 (HBM3, 6.8), on three H200 (HBM3E, 3.7 to 5.8) and on a Jetson
  // (LPDDR5), and of the neighbours; Micron (7.25 at the pins of GDDR6X).
  const struct {
    const char* machine;
    double low, high;
  } cases[] = {{"tpu-v5e", 6.4, 6.7},  {"a100-sxm-80gb", 6.2, 6.6},
               {"h100-sxm", 6.0, 6.3}, {"h200", 5.5, 5.8},
               {"m2-ultra", 4.9, 5.3}, {"rtx-4090", 7.9, 8.2}};
  for (const auto& c : cases) {
    const LevelCosts<> level = MachineOf(c.machine).costs.levels[0];
    const double total =
        (level.read.activate + level.read.column + level.read.column_toggling +
         level.read.interface) /
        PicojoulesPerBit(1.0);
    EXPECT_GE(total, c.low) << c.machine;
    EXPECT_LE(total, c.high) << c.machine;
  }
}

}  // namespace
}  // namespace tokenjoule
