#include "analyzer/description/inheritance.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/notices.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/files.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// An edge chip with LPDDR6 that takes everything else from a class of chips
// with stacks.
constexpr char kEdgeChip[] = R"(name: "edge"
base: "lean-asic"
memory {
  name: "backing"
  technology { base: "lpddr6" }
  devices { value: 4 }
}
memory {
  name: "buffer"
  technology { base: "sram-5nm" }
  capacity_gb { value: 0.016 }
  bandwidth_gb_per_s { value: 2000 }
}
engine {
  name: "tensor"
  kind: TENSOR
  rate { format: "bf16" peak_tflops { value: 15 } }
  compute_efficiency { value: 0.8 }
  logic { base: "logic-5nm" }
}
board { static_power_w { value: 2 } }
)";

std::string Written(const std::string& text) {
  const std::string path = TempPath("machine.textproto");
  Write(path, text);
  return path;
}

TEST(InheritanceTest, EachGroupNamesItsBase) {
  const Inheritance of = OrDie(InheritanceOf(Written(kEdgeChip)));
  EXPECT_THAT(of.inherited,
              Contains("inherits memory.backing from base lean-asic: "
                       "bandwidth_efficiency, half_transfer_mb"));
  EXPECT_THAT(of.inherited, Contains("inherits PHY area from base lean-asic: "
                                     "silicon.phy_mm2_per_device"));
  EXPECT_THAT(of.inherited,
              Contains(StartsWith("inherits prices from base lean-asic: ")));
  EXPECT_THAT(of.inherited,
              Contains(StartsWith("inherits silicon from base lean-asic: ")));
  EXPECT_THAT(of.inherited,
              Contains(StartsWith("inherits node from base lean-asic: "
                                  "host_power_w_per_chip")));
  EXPECT_THAT(of.inherited,
              Contains(StartsWith("inherits engine.vector from base lean-")));
  EXPECT_THAT(of.inherited,
              Contains(StartsWith("inherits interconnect from base lean-")));
  EXPECT_THAT(of.inherited, Contains("inherits board from base lean-asic: "
                                     "regulator_efficiency"));
}

TEST(InheritanceTest, NumbersOfAnotherMemoryAreWarnedOf) {
  const Inheritance of = OrDie(InheritanceOf(Written(kEdgeChip)));
  EXPECT_THAT(of.warnings,
              Contains("memory.backing is lpddr6, but "
                       "silicon.phy_mm2_per_device = 15 of base lean-asic is "
                       "of hbm: give it"));
  EXPECT_THAT(of.warnings, Contains(HasSubstr("silicon.memory_usd_per_gb")));
  EXPECT_THAT(of.warnings,
              Contains(HasSubstr("silicon.package_usd_per_device")));
  EXPECT_THAT(of.warnings,
              Contains("node.host_power_w_per_chip = 80 W of base lean-asic is "
                       "that of a server, but the memory is that of a device: "
                       "give the power of this machine's host, or 0"));
  // The same numbers fit a chip with stacks.
  std::string text = kEdgeChip;
  text.replace(text.find("lpddr6"), 6, "hbm3e");
  EXPECT_THAT(OrDie(InheritanceOf(Written(text))).warnings, IsEmpty());
}

TEST(InheritanceTest, WhatTheFileGivesIsNotWarnedOf) {
  const Inheritance of = OrDie(InheritanceOf(Written(absl::StrCat(
      kEdgeChip,
      "node { host_power_w_per_chip { value: 3 } }\n"
      "silicon { phy_mm2_per_device { value: 2 } memory_usd_per_gb { value: 6 "
      "} package_usd_per_device { value: 1 } }\n"))));
  EXPECT_THAT(of.warnings, IsEmpty());
  EXPECT_THAT(of.inherited, Not(Contains(HasSubstr("PHY area"))));
}

TEST(InheritanceTest, AHostAboveTheLimitOfTheBoardIsWarnedOf) {
  const Inheritance of = OrDie(InheritanceOf(
      Written("name: \"half\" base: \"h100-sxm\"\n"
              "board { power_cap_w { value: 150 } static_power_w { value: 60 } "
              "}\n")));
  EXPECT_THAT(of.warnings,
              ElementsAre(HasSubstr(" is more than the board's own limit of "
                                    "150 W")));
  EXPECT_THAT(of.inherited, Contains(HasSubstr("inherits technology hbm3 of "
                                               "memory.hbm from base ")));
  EXPECT_THAT(of.inherited, Contains(HasSubstr("inherits runtime vllm from ")));
}

TEST(InheritanceTest,
     TheCatalogueHasNoWarningsAndAMachineAloneInheritsNothing) {
  for (const std::string& name : CatalogNames(SpecKind::kSystem)) {
    EXPECT_THAT(OrDie(InheritanceOf(name)).warnings, IsEmpty()) << name;
  }
  EXPECT_THAT(OrDie(InheritanceOf("unit")).inherited, IsEmpty());
}

// A technology that a file names wins over numbers that its base gives for
// another one.
TEST(InheritanceTest, NamedTechnologiesWinOverNumbersOfTheBase) {
  std::vector<std::string> notices;
  SetNoticeSink(
      [&](absl::string_view notice) { notices.emplace_back(notice); });
  const Hardware chip = OrDie(LoadHardware(Written(absl::StrCat(
      kEdgeChip, "interconnect { technology { base: \"ucie\" } }\n"))));
  SetNoticeSink(nullptr);
  EXPECT_FALSE(chip.interconnect().has_energy_pj_per_bit());
  EXPECT_EQ(chip.interconnect().technology().energy_pj_per_bit().value(), 0.4);
  EXPECT_THAT(notices, Contains(HasSubstr(
                           "the technologies that it names win over these "
                           "numbers of base lean-asic: "
                           "interconnect.energy_pj_per_bit")));
  // Its own number wins over both.
  const Hardware own = OrDie(LoadHardware(
      Written(absl::StrCat(kEdgeChip,
                           "interconnect { technology { base: \"ucie\" } "
                           "energy_pj_per_bit { value: 1 } }\n"))));
  EXPECT_EQ(own.interconnect().energy_pj_per_bit().value(), 1);

  // Devices of another memory bring their own capacity and bandwidth, and
  // numbers of the old memory go.
  const Hardware swapped = OrDie(LoadHardware(
      Written("name: \"m\" base: \"lpddr5x-edge\"\n"
              "memory { name: \"backing\" technology { base: \"lpddr6\" } "
              "devices { value: 8 } }\n")));
  EXPECT_FALSE(swapped.memory(0).has_capacity_gb());
  EXPECT_FALSE(swapped.memory(0).has_bandwidth_gb_per_s());
  EXPECT_EQ(
      swapped.memory(0).technology().bandwidth_gb_per_s_per_device().value(),
      28.5);
  // The same memory keeps those of the base.
  const Hardware same = OrDie(LoadHardware(
      Written("name: \"m\" base: \"lpddr5x-edge\"\n"
              "memory { name: \"backing\" technology { base: \"lpddr5x\" } "
              "devices { value: 8 } }\n")));
  EXPECT_EQ(same.memory(0).capacity_gb().value(), 64);

  // A node gives the energies of its formats; those that it does not know stay.
  const Hardware node = OrDie(LoadHardware(
      Written("name: \"m\" base: \"h100-sxm\"\n"
              "engine { name: \"tensor\" logic { base: \"logic-3nm\" } }\n")));
  for (const auto& rate : node.engine(0).rate()) {
    if (rate.format() == "bf16") {
      EXPECT_FALSE(rate.has_energy_pj_per_flop());
    }
  }
}

}  // namespace
}  // namespace tokenjoule
