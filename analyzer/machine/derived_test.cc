#include "analyzer/machine/derived.h"

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/description/validate.h"
#include "analyzer/machine/machine.h"
#include "analyzer/machine/silicon.h"
#include "analyzer/units/units.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/hardware.pb.h"

namespace tokenjoule {
namespace {

using ::testing::HasSubstr;

Hardware Loaded(const char* name) {
  absl::StatusOr<Hardware> hardware = LoadHardware(name);
  EXPECT_TRUE(hardware.ok()) << hardware.status();
  return *hardware;
}

std::string FaultsOf(const Hardware& hardware) {
  std::vector<Fault> faults;
  ValidateHardware(hardware, {"h.textproto", nullptr, true}, &faults);
  return std::string(FaultsToStatus(faults).message());
}

TEST(DerivedTest, ALevelWithoutASizeHasThatOfItsDevices) {
  Hardware hardware = Loaded("h100-sxm");
  MemoryLevel& hbm = *hardware.mutable_memory(0);
  hbm.clear_capacity_gb();
  hbm.clear_bandwidth_gb_per_s();
  hbm.mutable_devices()->set_value(6);
  MemoryTechnology& technology = *hbm.mutable_technology();
  technology.mutable_capacity_gb_per_device()->set_value(24);
  technology.mutable_bandwidth_gb_per_s_per_device()->set_value(800);
  const Machine<> machine = BuildMachine(hardware);
  EXPECT_EQ(machine.costs.levels[0].capacity, Gigabytes(144.0));
  EXPECT_EQ(machine.costs.levels[0].peak_bandwidth, GigabytesPerSecond(4800.0));
  EXPECT_EQ(FaultsOf(hardware), "");
}

TEST(DerivedTest, ASizeThatIsGivenWins) {
  Hardware hardware = Loaded("h100-sxm");
  const Machine<> before = BuildMachine(hardware);
  MemoryTechnology& technology =
      *hardware.mutable_memory(0)->mutable_technology();
  technology.mutable_capacity_gb_per_device()->set_value(1);
  technology.mutable_bandwidth_gb_per_s_per_device()->set_value(1);
  const Machine<> after = BuildMachine(hardware);
  EXPECT_EQ(after.costs.levels[0].capacity, before.costs.levels[0].capacity);
  EXPECT_EQ(after.costs.levels[0].peak_bandwidth,
            before.costs.levels[0].peak_bandwidth);
}

TEST(DerivedTest, ALevelWithoutSizeOrDevicesIsRefused) {
  Hardware hardware = Loaded("h100-sxm");
  hardware.mutable_memory(0)->clear_capacity_gb();
  hardware.mutable_memory(0)->clear_bandwidth_gb_per_s();
  hardware.mutable_memory(0)->clear_devices();
  const std::string faults = FaultsOf(hardware);
  EXPECT_THAT(faults, HasSubstr("memory.hbm.capacity_gb: is missing; give it, "
                                "or devices of a technology that has "
                                "capacity_gb_per_device"));
  EXPECT_THAT(faults, HasSubstr("memory.hbm.bandwidth_gb_per_s: is missing"));
}

TEST(DerivedTest, AWireWithoutAnEnergyHasThatOfTheNode) {
  Hardware hardware = Loaded("lean-hbm3e-asic");
  MemoryLevel& backing = *hardware.mutable_memory(0);
  backing.mutable_network_energy_pj_per_bit()->set_value(0.5);
  backing.mutable_wire_length_mm()->set_value(8);
  backing.clear_wire_energy_pj_per_bit_mm();
  for (ComputeEngine& engine : *hardware.mutable_engine()) {
    if (!engine.has_logic()) continue;
    engine.mutable_logic()->mutable_wire_energy_pj_per_bit_mm()->set_value(
        0.25);
  }
  EXPECT_DOUBLE_EQ(BuildMachine(hardware).costs.levels[0].read.network /
                       PicojoulesPerBit(1.0),
                   0.5 + 8 * 0.25);
}

TEST(DerivedTest, ABoardWithoutStaticPowerLeaksByItsArea) {
  Hardware hardware = Loaded("lean-hbm3e-asic");
  hardware.mutable_board()->clear_static_power_w();
  EXPECT_EQ(FaultsOf(hardware), "");
  const auto static_w = [&](double leakage_w_per_mm2) {
    for (ComputeEngine& engine : *hardware.mutable_engine()) {
      if (!engine.has_logic()) continue;
      engine.mutable_logic()->mutable_leakage_w_per_mm2()->set_value(
          leakage_w_per_mm2);
    }
    return BuildMachine(hardware).costs.static_power / Watts(1.0);
  };
  // The SRAM of the buffer gives its own leakage, which must not be counted
  // twice.
  double area_mm2 = AreaMm2<double>(hardware, ValueReader());
  for (const MemoryLevel& level : hardware.memory()) {
    if (!level.technology().sram_fit().has_leakage_w_per_mb()) continue;
    area_mm2 -= level.capacity_gb().value() * 1e3 *
                hardware.silicon().sram_mm2_per_mb().value() *
                hardware.silicon().floorplan_factor().value();
  }
  EXPECT_GT(area_mm2, 0);
  EXPECT_NEAR(static_w(0.1) - static_w(0), 0.1 * area_mm2, 1e-9);
}

TEST(DerivedTest, ABoardWithoutStaticPowerAndAreaIsRefused) {
  Hardware hardware = Loaded("h100-sxm");
  hardware.mutable_board()->clear_static_power_w();
  hardware.mutable_board()->clear_static_power_fraction();
  EXPECT_THAT(FaultsOf(hardware),
              HasSubstr("board.static_power_w: is missing; give it, or "
                        "static_power_fraction and power_cap_w, or silicon"));
}

}  // namespace
}  // namespace tokenjoule
