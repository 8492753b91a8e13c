// Shipped technologies, as machines use them: their terms add up to the
// published totals, and the expected relations between them hold.

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "analyzer/description/catalog.h"
#include "analyzer/machine/derived.h"
#include "analyzer/machine/machine.h"
#include "analyzer/testing/status.h"
#include "analyzer/testing/text.h"
#include "analyzer/units/units.h"
#include "gtest/gtest.h"
#include "proto/hardware.pb.h"

namespace tokenjoule {
namespace {

// The parts of a machine that a test sets; all other constants are one.
struct Parts {
  std::string technology = R"(base: "hbm3")";
  // Further fields of the memory level.
  std::string level;
  double capacity_gb = 1;
  // Fields of the tensor engine: rates and the source of their energies.
  std::string engine =
      absl::StrCat(R"(rate { format: "bf16" )", Exactly("peak_tflops", 1), " ",
                   Exactly("energy_pj_per_flop", 1), " }");
  std::string link = R"(base: "nvlink")";
};

Machine<> MachineWith(const Parts& parts) {
  const std::string text = absl::Substitute(
      R"(name: "test"
sources { id: "s" kind: DEFINITION citation: "set by the test" date: "2026" }
memory { name: "level" technology { $0 } $1 $2 $3 $4 }
engine { name: "tensor" kind: TENSOR $5 $6 }
engine {
  name: "vector" kind: VECTOR $6
  rate { format: "fp32" $7 $8 }
}
interconnect {
  name: "link" topology: RING technology { $9 }
)",
      parts.technology, parts.level, Exactly("capacity_gb", parts.capacity_gb),
      Exactly("bandwidth_gb_per_s", 1), Exactly("bandwidth_efficiency", 1),
      parts.engine, Exactly("compute_efficiency", 1), Exactly("peak_tflops", 1),
      Exactly("energy_pj_per_flop", 1), parts.link);
  const std::string rest = absl::StrCat(
      Exactly("bandwidth_gb_per_s", 1), Exactly("bandwidth_efficiency", 1),
      Exactly("latency_us", 1), Exactly("max_chips", 2), "}\nboard {",
      Exactly("static_power_w", 1), Exactly("regulator_efficiency", 1), "}\n");
  return BuildMachine(
      OrDie(ParseHardware(absl::StrCat(text, rest), "test.textproto")));
}

LevelCosts<> LevelOf(const std::string& technology,
                     const std::string& level = "", double capacity_gb = 1) {
  Parts parts;
  parts.technology = technology;
  parts.level = level;
  parts.capacity_gb = capacity_gb;
  return MachineWith(parts).costs.levels[0];
}

LevelCosts<> LevelOfBase(const std::string& name, const std::string& level = "",
                         double capacity_gb = 1) {
  return LevelOf(absl::StrCat("base: \"", name, "\""), level, capacity_gb);
}

double PjPerBit(const EnergyPerData<>& energy) {
  return energy / PicojoulesPerBit(1.0);
}
double PjPerByte(const EnergyPerData<>& energy) { return 8 * PjPerBit(energy); }

// Energy of a streamed bit of random data inside the device or stack.
double StackPjPerBit(const LevelCosts<>& level) {
  return PjPerBit(level.read.activate + level.read.column +
                  level.read.column_toggling + level.read.interface);
}

struct CitedTotal {
  double low, high;
  // Whether the figure includes the standing power at full bandwidth.
  bool with_standing_power;
};

// Efficiency of the regulators in the files of technologies.
constexpr double kSupply = 0.9;

// pJ per streamed bit of random data, at the input of the devices' regulators:
// what sources give at the pins is divided by 0.9.
const std::map<std::string, CitedTotal>& CitedTotals() {
  static const auto* totals = new std::map<std::string, CitedTotal>{
      // Assumption: half more than HBM2, at one gigabit a pin.
      {"hbm1", {4, 9, false}},
      // CMU-SAFARI HBM-Power: 5.16 on the core rail; vendor class 6.25.
      {"hbm2", {4.8, 7.6, false}},
      // SK hynix, IEDM 2023: 4.3; measured neighbours half as much again.
      {"hbm2e", {4.8, 7.6, false}},
      // Data-sheet arithmetic: 3.9; NVML memory scope of one H100: 6.75.
      {"hbm3", {4.3, 7.4, false}},
      // NVML memory scope of three H200: 3.7, 5.5 and 5.8.
      {"hbm3e", {3.7, 5.8, false}},
      // Vendor claims relative to HBM3E as measured: 3.1 to 3.7 at the pins.
      {"hbm4", {2.3, 4.3, false}},
      // O'Connor, MICRO 2017: 1.95.
      {"fgdram", {1.7, 2.7, false}},
      // Niu, ISSCC 2022: 0.88; later 0.66.
      {"hybrid-bonded-dram", {0.7, 1.7, false}},
      // Micron MT40A: 11 with standby and refresh at full bandwidth.
      {"ddr4", {8, 20, true}},
      // Micron MT60B: 9 likewise.
      {"ddr5", {6, 14, true}},
      // Intel RAPL on DDR5 servers: 14.5 with modules; 13.0 on DDR4 servers.
      {"ddr4-rdimm", {12, 14, false}},
      {"ddr5-rdimm", {14, 15, false}},
      // Assumption around the 8 of LPDDR4.
      {"lpddr4x", {4, 10, true}},
      // Rail of Jetson AGX Orin: 4.8 to 5.3 above idle.
      {"lpddr5", {4.8, 5.5, true}},
      {"lpddr5-idd", {2.9, 5.6, true}},
      {"lpddr5x", {3.5, 5.8, true}},
      // Assumption below LPDDR5X.
      {"lpddr6", {2.8, 5.3, true}},
      // Micron, graphics memory table: 7.5, 7.25, 4.5.
      {"gddr6", {6, 9.5, false}},
      {"gddr6x", {6.6, 8.2, false}},
      {"gddr7", {4.4, 6.7, false}},
      // Announced at HBM4's power; NAND reads of today.
      {"hbf", {3, 30, false}},
      {"nand", {10, 60, false}},
      // Macro reads of NVMExplorer, and for STT-MRAM an assumption.
      {"stt-mram", {0.1, 0.3, false}},
      {"rram", {0.06, 0.07, false}},
      {"pcm", {0.05, 2, false}},
  };
  return *totals;
}

TEST(TechnologiesTest, StreamedBitsCostWhatIsCited) {
  for (const auto& [name, cited] : CitedTotals()) {
    const LevelCosts<> level = LevelOfBase(name);
    double total = StackPjPerBit(level);
    if (cited.with_standing_power) {
      const MemoryTechnology technology = OrDie(LoadMemoryTechnology(name));
      total +=
          PjPerBit(level.background /
                   GigabytesPerSecond(
                       technology.bandwidth_gb_per_s_per_device().value()));
    }
    EXPECT_GE(total, cited.low) << name;
    EXPECT_LE(total, cited.high) << name;
  }
}

TEST(TechnologiesTest, EveryBackingStoreHasACitedTotal) {
  for (const std::string& name : CatalogNames(SpecKind::kMemoryTechnology)) {
    const MemoryTechnology technology = OrDie(LoadMemoryTechnology(name));
    if (IsOnChip(technology)) continue;
    EXPECT_EQ(CitedTotals().count(name), 1u) << name;
  }
}

TEST(TechnologiesTest, NewerGenerationsOfAFamilyCostLess) {
  const char* const families[][3] = {{"hbm2e", "hbm3e", "hbm4"},
                                     {"gddr6", "gddr6x", "gddr7"},
                                     {"lpddr4x", "lpddr5", "lpddr6"},
                                     {"hbm1", "hbm2", "fgdram"}};
  for (const auto& family : families) {
    for (int i = 1; i < 3; ++i) {
      EXPECT_LT(StackPjPerBit(LevelOfBase(family[i])),
                StackPjPerBit(LevelOfBase(family[i - 1])))
          << family[i];
    }
  }
}

TEST(TechnologiesTest, CurrentsOfDdr4GiveTheArithmeticOfItsDataSheet) {
  // Read at data-sheet currents: 1.2 V (135 - 43) mA / 19.2 Gb/s = 5.75 pJ/bit;
  // typical: 0.553 of it = 3.18. A row: 1.2 (48 46.16 - 43 32 - 34 14.16) =
  // 1.2 x 358.24 = 429.9 pJ, over 0.75 x 1024 bytes.
  const LevelCosts<> typical = LevelOfBase("ddr4");
  EXPECT_NEAR(PjPerBit(typical.read.column) * kSupply, 5.75 * 0.553, 1e-9);
  EXPECT_NEAR(typical.read.activate / PicojoulesPerBit(1.0) * 8 * 0.75 * 1024 *
                  kSupply,
              429.888, 1e-6);
  const LevelCosts<> maximum = LevelOf(absl::StrCat(
      "base: \"ddr4\" currents { ", Exactly("typical_burst", 1), " }"));
  EXPECT_NEAR(PjPerBit(maximum.read.column) * kSupply, 5.75, 1e-9);
  // Write: 1.2 (123 - 43) / 19.2 = 5 pJ/bit.
  EXPECT_NEAR(PjPerBit(maximum.write.column) * kSupply, 5, 1e-9);
  // Standing: 1.2 x 43 x 0.576 + 1.2 x (457 - 34) x 350 / 7800 x 0.829 =
  // 29.72 + 18.88 = 48.6 mW.
  EXPECT_NEAR(typical.background / Watts(1.0) * kSupply, 0.0486, 0.0001);
}

TEST(TechnologiesTest, CurrentsOfLpddr5AgreeWithItsTable) {
  // Read: 1.05 V (390 - 40) mA / 120 Gb/s x 0.6 = 1.8375 pJ/bit. A row:
  // 1.05 (53 60 - 40 42 - 32.5 18) = 1.05 x 915 = 960.75 pJ.
  const LevelCosts<> currents = LevelOfBase("lpddr5-idd");
  EXPECT_NEAR(PjPerBit(currents.read.column) * kSupply, 1.8375, 1e-9);
  EXPECT_NEAR(PjPerByte(currents.read.activate) * 0.75 * 2048 * kSupply,
              960.75, 1e-6);
  const MemoryTechnology table = OrDie(LoadMemoryTechnology("lpddr5"));
  EXPECT_NEAR(table.row_activation_energy_pj().value(), 960.75, 0.5);
  // The rail of a real module takes more than its data sheet promises.
  EXPECT_LT(PjPerBit(currents.read.column),
            table.read_energy_pj_per_bit().low());
}

TEST(TechnologiesTest, SramFitsMeetTheEnergiesTheyWereMadeFrom) {
  constexpr double kKibGb = 1024e-9, kMibGb = 1048576e-9;
  // Jouppi, ISCA 2021: 7.5 and 14 pJ for 8 bytes; 0.86 + 0.89 sqrt(C / 1 MiB).
  EXPECT_NEAR(
      PjPerByte(LevelOfBase("sram-7nm-fit", "", 8 * kKibGb).read.column),
      7.5 / 8, 0.005);
  EXPECT_NEAR(PjPerByte(LevelOfBase("sram-7nm-fit", "", kMibGb).read.column),
              14.0 / 8, 0.005);
  // CACTI 7, pJ/byte by KB.
  const struct {
    double kib, pj_per_byte;
  } cacti[] = {{8, 0.188}, {1024, 2.30}, {4096, 4.61}, {16384, 8.72}};
  for (const auto& point : cacti) {
    EXPECT_NEAR(
        PjPerByte(
            LevelOfBase("sram-22nm", "", point.kib * kKibGb).read.column) /
            point.pj_per_byte,
        1, 0.15)
        << point.kib;
  }
}

TEST(TechnologiesTest, LargerBanksCostMoreAndLeakAlike) {
  for (const char* name :
       {"sram-22nm", "sram-16nm", "sram-7nm-fit", "sram-5nm-fit", "sram-3nm"}) {
    double before = 0;
    for (const double bank_mb : {0.03, 1.0, 16.0, 64.0}) {
      const LevelCosts<> level =
          LevelOf(absl::StrCat("base: \"", name, "\" sram_fit { ",
                               Exactly("bank_mb", bank_mb), " }"));
      EXPECT_GT(PjPerByte(level.read.column), before) << name << " " << bank_mb;
      before = PjPerByte(level.read.column);
    }
    // Without a bank the whole level is one array.
    EXPECT_GT(PjPerByte(LevelOfBase(name, "", 0.065).read.column), before);
    // 8 mW/MB of leakage are static power of the chip: 8 W on 1 GB.
    Parts parts;
    parts.technology = absl::StrCat("base: \"", name, "\"");
    EXPECT_NEAR(MachineWith(parts).costs.static_power / Watts(1.0), 1 + 8,
                1e-9);
  }
}

TEST(TechnologiesTest, NewerNodesHaveCheaperSram) {
  double before = 1e9;
  for (const char* name :
       {"sram-16nm", "sram-7nm-fit", "sram-5nm-fit", "sram-3nm"}) {
    const double now = PjPerByte(LevelOfBase(name, "", 0.001).read.column);
    EXPECT_LT(now, before) << name;
    before = now;
  }
}

TEST(TechnologiesTest, EmptierRowsCostMore) {
  for (const auto& [name, cited] : CitedTotals()) {
    const MemoryTechnology technology = OrDie(LoadMemoryTechnology(name));
    if (!technology.has_row_bytes()) continue;
    double before = 0;
    for (const double utilization : {1.0, 0.5, 0.03}) {
      const LevelCosts<> level = LevelOf(absl::StrCat(
          "base: \"", name, "\" ", Exactly("row_utilization", utilization)));
      EXPECT_GT(StackPjPerBit(level), before) << name << " " << utilization;
      before = StackPjPerBit(level);
    }
  }
}

TEST(TechnologiesTest, LongerWiresCostMore) {
  double before = -1;
  for (const double length : {0.0, 5.0, 20.0}) {
    const LevelCosts<> level =
        LevelOfBase("sram-7nm-fit",
                    absl::StrCat(Exactly("wire_length_mm", length), " ",
                                 Exactly("wire_energy_pj_per_bit_mm", 0.06)));
    EXPECT_NEAR(PjPerBit(level.read.network), 0.06 * length, 1e-12);
    EXPECT_GT(PjPerBit(level.read.network), before);
    before = PjPerBit(level.read.network);
  }
}

TEST(TechnologiesTest, TogglingBitsCostMore) {
  // HBM2 at the input of its regulators, of 0.9: 5.1 pJ/bit at half toggling, 4.9
  // pJ/bit from none to all.
  const auto column = [](double rate) {
    return PjPerBit(
        LevelOfBase("hbm2", Exactly("toggle_rate", rate)).read.column);
  };
  EXPECT_NEAR(column(0.5), 5.1 / 0.9, 1e-9);
  EXPECT_NEAR(column(0.8) - column(0.2), 0.6 * 4.9 / 0.9, 1e-9);
  // Without a rate the part that toggles is kept apart, per byte of random data.
  const AccessEnergy<> access = LevelOfBase("hbm2").read;
  EXPECT_NEAR(PjPerBit(access.column + access.column_toggling), 5.1 / 0.9,
              1e-9);
  EXPECT_NEAR(PjPerBit(access.column_toggling), 2.45 / 0.9, 1e-9);
}

TEST(TechnologiesTest, NewerLogicIsNeverDearer) {
  const char* const formats[] = {"int4", "int8", "fp8", "bf16", "fp16", "fp32"};
  std::map<std::string, double> before;
  for (const int nm : {65, 45, 28, 22, 16, 12, 7, 5, 4, 3, 2}) {
    Parts parts;
    parts.engine = absl::StrCat("logic { base: \"logic-", nm, "nm\" }");
    for (const char* format : formats) {
      absl::StrAppend(&parts.engine, " rate { format: \"", format, "\" ",
                      Exactly("peak_tflops", 1), " }");
    }
    const Machine<> machine = MachineWith(parts);
    ASSERT_EQ(machine.structure.num_rates, 6);
    for (int i = 0; i < machine.structure.num_rates; ++i) {
      const double pj = machine.costs.rates[i].energy / PicojoulesPerFlop(1.0);
      const auto older = before.find(formats[i]);
      if (older != before.end()) {
        EXPECT_LE(pj, older->second) << nm << " nm " << formats[i];
      }
      before[formats[i]] = pj;
    }
  }
  // Half a multiply-add, 2 nm: fp32 1.69 pJ at 7 nm x 0.35.
  EXPECT_NEAR(before["fp32"], 1.69 * 0.35 / 2, 0.001);
}

TEST(TechnologiesTest, WiderFormatsCostMore) {
  for (const char* name : {"logic-45nm", "logic-7nm", "logic-3nm"}) {
    const LogicTechnology logic = OrDie(LoadLogicTechnology(name));
    double before = 0;
    // In the order of the file: int4, int8, fp8, bf16, fp16, fp32.
    for (const LogicTechnology::MacEnergy& mac : logic.mac()) {
      EXPECT_GT(mac.energy_pj().value(), before) << name << " " << mac.format();
      before = mac.energy_pj().value();
    }
  }
}

TEST(TechnologiesTest, FartherLinksCostMore) {
  double before = 0;
  for (const char* name : {"hybrid-bond", "tsv", "ucie", "nvlink-c2c", "nvlink",
                           "serdes-112g", "pcie5"}) {
    Parts parts;
    parts.link = absl::StrCat("base: \"", name, "\"");
    const double now = PjPerBit(MachineWith(parts).costs.networks[0].energy);
    EXPECT_GT(now, before) << name;
    before = now;
  }
}

}  // namespace
}  // namespace tokenjoule
