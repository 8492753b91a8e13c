#include "analyzer/description/validate.h"

#include <string>
#include <vector>

#include "analyzer/description/faults.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/scenario.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/constant.pb.h"
#include "proto/hardware.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Messages of the faults of a speculation, with the fields that they are of.
std::vector<std::string> FaultsOf(const Speculation& speculation) {
  Scenario scenario = Point(1, 1000);
  *scenario.mutable_speculation() = speculation;
  std::vector<Fault> faults;
  ValidateScenario(scenario, LoadModelOrDie("llama-3.1-8b"),
                   LoadHardwareOrDie("h100-sxm"), &faults);
  std::vector<std::string> messages;
  for (const Fault& fault : faults) {
    messages.push_back(fault.path + ": " + fault.message);
  }
  return messages;
}

Speculation FourTokens() {
  Speculation speculation;
  speculation.set_draft_tokens(4);
  return speculation;
}

// Messages of the faults of a machine.
std::vector<std::string> FaultsOf(const Hardware& hardware) {
  std::vector<Fault> faults;
  ValidateHardware(hardware, {"h", nullptr, true}, &faults);
  std::vector<std::string> messages;
  for (const Fault& fault : faults) {
    messages.push_back(fault.path + ": " + fault.message);
  }
  return messages;
}

TEST(ValidateTest, StaticPowerIsGivenOrAFractionOfThePowerCap) {
  Hardware hardware = LoadHardwareOrDie("h100-sxm");
  EXPECT_THAT(FaultsOf(hardware), IsEmpty());
  hardware.clear_correlations();
  BoardPower* board = hardware.mutable_board();
  board->clear_static_power_w();
  board->clear_static_power_fraction();
  EXPECT_THAT(FaultsOf(hardware),
              ElementsAre(HasSubstr("board.static_power_w: is missing; give "
                                    "it, or static_power_fraction and "
                                    "power_cap_w")));
  Constant* fraction = board->mutable_static_power_fraction();
  fraction->set_value(0.3);
  fraction->set_low(0.2);
  fraction->set_high(0.4);
  EXPECT_THAT(FaultsOf(hardware), IsEmpty());
  board->clear_power_cap_w();
  EXPECT_THAT(FaultsOf(hardware),
              ElementsAre(HasSubstr("board.static_power_w: is missing")));
}

TEST(ValidateTest, CachesHaveFormatsThatStoreThem) {
  const auto faults = [](const std::string& model, const std::string& kv,
                         const std::string& kv_values) {
    Scenario scenario = Point(1, 1000);
    scenario.set_kv(kv);
    scenario.set_kv_values(kv_values);
    std::vector<Fault> found;
    ValidateScenario(scenario, LoadModelOrDie(model),
                     LoadHardwareOrDie("h100-sxm"), &found);
    std::vector<std::string> messages;
    for (const Fault& fault : found) messages.push_back(fault.message);
    return messages;
  };
  EXPECT_THAT(faults("llama-3.1-8b", "q8_0", "q4_0"), IsEmpty());
  EXPECT_THAT(faults("deepseek-v2-lite", "fp8-ds-mla", ""), IsEmpty());
  EXPECT_THAT(faults("llama-3.1-8b", "q4_k_m", ""),
              ElementsAre(HasSubstr("is a recipe for weights")));
  EXPECT_THAT(faults("llama-3.1-8b", "fp8-ds-mla", ""),
              ElementsAre(HasSubstr("has no latent attention")));
  EXPECT_THAT(faults("deepseek-v2-lite", "fp8", "fp8"),
              ElementsAre(HasSubstr("caches no values apart from keys")));
}

TEST(ValidateTest, NetworksGrowOutwards) {
  Hardware hardware = LoadHardwareOrDie("h100-sxm");
  ASSERT_EQ(hardware.interconnect().beyond_size(), 1);
  hardware.mutable_interconnect()
      ->mutable_beyond(0)
      ->mutable_max_chips()
      ->set_value(8);
  EXPECT_THAT(FaultsOf(hardware),
              ElementsAre(HasSubstr("is 8; the network inside it joins 8")));
  hardware = LoadHardwareOrDie("h100-sxm");
  hardware.mutable_interconnect()->set_topology(Interconnect::TORUS);
  EXPECT_THAT(FaultsOf(hardware),
              ElementsAre(HasSubstr("is given for a TORUS, and only for it")));
}

TEST(ValidateTest, AGroupThatTheMachineDoesNotJoinIsRefused) {
  Scenario scenario = Point(64, 1000);
  scenario.set_tp(16);
  std::vector<Fault> faults;
  // Two boards of H100 are joined by InfiniBand, two cards of H100 NVL by
  // nothing more.
  ValidateScenario(scenario, LoadModelOrDie("llama-3.1-8b"),
                   LoadHardwareOrDie("h100-sxm"), &faults);
  EXPECT_THAT(faults, IsEmpty());
  ValidateScenario(scenario, LoadModelOrDie("llama-3.1-8b"),
                   LoadHardwareOrDie("l40s"), &faults);
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_THAT(faults[0].message, HasSubstr("joins at most 8"));
}

TEST(ValidateTest, ClocksLieBetweenTheirEnds) {
  Hardware hardware = LoadHardwareOrDie("h100-sxm");
  hardware.mutable_core_clock()->mutable_set_mhz()->set_value(3000);
  hardware.mutable_core_clock()->mutable_set_mhz()->set_low(3000);
  hardware.mutable_core_clock()->mutable_set_mhz()->set_high(3000);
  hardware.mutable_core_clock()->mutable_set_mhz()->set_source(
      hardware.core_clock().reference_mhz().source());
  EXPECT_THAT(
      FaultsOf(hardware),
      ElementsAre(HasSubstr("is 3000; expected between 345 and 1980")));
}

TEST(ValidateTest, CorrelationsAreOfConstantsThatExist) {
  Hardware hardware = LoadHardwareOrDie("h100-sxm");
  hardware.clear_correlations();
  CorrelatedConstants* pair = hardware.add_correlations();
  pair->set_path("memory.hbm.path_energy_pj_per_bit");
  pair->set_other("memory.hbm.energy");
  pair->set_coefficient(0.5);
  EXPECT_THAT(FaultsOf(hardware),
              ElementsAre(HasSubstr("\"memory.hbm.energy\" is no constant")));
}

TEST(ValidateTest, ARuntimeHasKernelsForAFewFormats) {
  Hardware hardware = LoadHardwareOrDie("h100-sxm");
  while (hardware.runtime().kernels_size() < 17) {
    hardware.mutable_runtime()->add_kernels()->set_format("fp8");
  }
  EXPECT_THAT(FaultsOf(hardware),
              ElementsAre("runtime.kernels: has 17 formats; expected at most "
                          "16"));
}

TEST(ValidateTest, AnyOneFieldSaysHowManyTokensAStepGains) {
  Speculation rate = FourTokens();
  rate.set_acceptance_rate(0);
  EXPECT_THAT(FaultsOf(rate), IsEmpty());
  Speculation length = FourTokens();
  length.set_accepted_length(3.24);
  EXPECT_THAT(FaultsOf(length), IsEmpty());
  Speculation fraction = FourTokens();
  fraction.set_accepted_fraction(0);
  EXPECT_THAT(FaultsOf(fraction), IsEmpty());
}

TEST(ValidateTest, NoOrSeveralGainedTokensAreNamed) {
  EXPECT_THAT(FaultsOf(FourTokens()),
              ElementsAre(HasSubstr("speculation: found none; expected exactly "
                                    "one of acceptance_rate")));
  Speculation two = FourTokens();
  two.set_acceptance_rate(0.5);
  two.set_accepted_fraction(0.5);
  EXPECT_THAT(FaultsOf(two),
              ElementsAre(HasSubstr("found acceptance_rate and "
                                    "accepted_fraction; expected")));
  Speculation three = two;
  three.set_accepted_length(2);
  EXPECT_THAT(FaultsOf(three),
              ElementsAre(HasSubstr("found acceptance_rate and accepted_length "
                                    "and accepted_fraction; expected")));
}

TEST(ValidateTest, AcceptedFractionsAreFractions) {
  Speculation percent = FourTokens();
  percent.set_accepted_fraction(56);
  EXPECT_THAT(
      FaultsOf(percent),
      ElementsAre(AllOf(HasSubstr("speculation.accepted_fraction"),
                        HasSubstr("56"), Not(HasSubstr("found none")))));
}

TEST(ValidateTest, AStackNeedsTheAreaItCoversAndADensity) {
  Hardware hardware = LoadHardwareOrDie("hb-dram-asic");
  EXPECT_THAT(FaultsOf(hardware), IsEmpty());
  hardware.clear_silicon();
  hardware.mutable_memory(0)->mutable_technology()->clear_density_gb_per_mm2();
  EXPECT_THAT(
      FaultsOf(hardware),
      ElementsAre(HasSubstr("silicon: is missing; memory.backing.stack"),
                  HasSubstr("density_gb_per_mm2: is missing")));
  hardware = LoadHardwareOrDie("hb-dram-asic");
  *hardware.mutable_memory(1)->mutable_stack() = hardware.memory(0).stack();
  *hardware.mutable_memory(1)
       ->mutable_technology()
       ->mutable_density_gb_per_mm2() =
      hardware.memory(0).technology().density_gb_per_mm2();
  EXPECT_THAT(FaultsOf(hardware),
              ElementsAre(HasSubstr("memory.buffer.stack: is the second one"),
                          HasSubstr("memory in the logic itself")));
}

TEST(ValidateTest, ALevelBesideThePathHoldsSomethingAndIsNotAnEnd) {
  Hardware hardware = LoadHardwareOrDie("state-sram-edge");
  EXPECT_THAT(FaultsOf(hardware), IsEmpty());
  hardware.mutable_memory(1)->set_pins(NOTHING);
  EXPECT_THAT(FaultsOf(hardware),
              ElementsAre(HasSubstr("memory.state.pins: is missing")));
  hardware = LoadHardwareOrDie("state-sram-edge");
  hardware.mutable_memory(0)->set_beside_path(true);
  hardware.mutable_memory(0)->set_pins(WEIGHTS);
  EXPECT_THAT(FaultsOf(hardware),
              ElementsAre(HasSubstr("is of the first or the last level")));
}

TEST(ValidateTest, AnalogCellsAreCapacitors) {
  Hardware hardware = LoadHardwareOrDie("state-analog-edge");
  EXPECT_THAT(FaultsOf(hardware), IsEmpty());
  MemoryTechnology* technology = hardware.mutable_memory(1)->mutable_technology();
  technology->mutable_capacitor_cells()->clear_refresh_bits();
  EXPECT_THAT(FaultsOf(hardware),
              ElementsAre(HasSubstr("capacitor_cells.refresh_bits: is missing")));
  technology->set_kind(MemoryTechnology::SRAM);
  EXPECT_THAT(FaultsOf(hardware),
              Contains(HasSubstr("are given for ANALOG_CELLS")));
}

TEST(ValidateTest, BoundariesOfMemoryDevicesAreEmptyWhereAllIsOnTheChip) {
  for (const char* boundary : {"stack", "memory_path"}) {
    Scenario scenario = Point(1, 1000);
    scenario.set_boundary(boundary);
    std::vector<Fault> faults;
    ValidateScenario(scenario, LoadModelOrDie("llama-3.1-8b"),
                     LoadHardwareOrDie("sram-rack"), &faults);
    ASSERT_EQ(faults.size(), 1u);
    EXPECT_THAT(faults[0].message,
                HasSubstr("is empty on sram-rack, whose memory is all on the "
                          "chip"));
    faults.clear();
    ValidateScenario(scenario, LoadModelOrDie("llama-3.1-8b"),
                     LoadHardwareOrDie("h100-sxm"), &faults);
    EXPECT_THAT(faults, IsEmpty());
  }
}

}  // namespace
}  // namespace tokenjoule
