// The terms that a step's energy is split into and the resources that bind its
// time: one table each. Reports, charts, `explain`, help and documents take
// names, labels and formulas from here.

#ifndef ANALYZER_MACHINE_TERMS_H_
#define ANALYZER_MACHINE_TERMS_H_

#include <array>

#include "absl/strings/string_view.h"
#include "analyzer/description/boundary.h"

namespace tokenjoule {

// Terms of energy; Term.Value of report.proto is one more.
enum TermIndex {
  kDramActivate,
  kDramColumn,
  kDramInterface,
  kDramPhyController,
  kDramBackground,
  kSram,
  kOnChipNetwork,
  kCompute,
  kAdc,
  kDac,
  kArrayWrite,
  kLink,
  kStatic,
  kHost,
  kFacility,
  kNumEnergyTerms,
};

// What is said of a term wherever it is named.
struct EnergyTermRow {
  // As report.proto spells it.
  absl::string_view name;
  // For people, in tables and charts.
  absl::string_view label;
  // The innermost boundary that the term is inside of.
  Boundary boundary;
  // How the kernel charges it. Names in lower case are constants of the
  // description, or groups of them; names in upper case are other terms;
  // step_time_s is the figure of that name. A test holds each formula to the
  // kernel's own derivatives.
  absl::string_view formula;
};

inline constexpr std::array<EnergyTermRow, kNumEnergyTerms> kEnergyTerms = {{
    {"DRAM_ACTIVATE", "DRAM row activation", kStackBoundary,
     "DRAM bytes x row_activation_energy_pj (or that of the currents) / "
     "(row_bytes x row_utilization)"},
    {"DRAM_COLUMN", "DRAM column and data movement", kStackBoundary,
     "DRAM bits read x read_energy_pj_per_bit + bits written x "
     "write_energy_pj_per_bit (or those of the currents), each + (toggle_rate "
     "- toggle_reference) x toggle_slope_pj_per_bit"},
    {"DRAM_INTERFACE", "DRAM interface", kStackBoundary,
     "DRAM bits x interface_energy_pj_per_bit"},
    {"DRAM_PHY_CONTROLLER", "DRAM PHY and controller (host)",
     kMemoryPathBoundary, "DRAM bits x phy_controller_energy_pj_per_bit"},
    {"DRAM_BACKGROUND", "DRAM background and refresh", kStackBoundary,
     "chips x devices x (background_power_w_per_device + "
     "refresh_power_w_per_device, or those of the currents) x step_time_s"},
    {"SRAM", "on-chip SRAM", kChipBoundary,
     "bits through the near levels x read_energy_pj_per_bit or "
     "write_energy_pj_per_bit, or x (offset_pj_per_byte + slope_pj_per_byte x "
     "sqrt(bank_mb or capacity_gb)) x node_factor; what comes from a far level "
     "passes all nearer ones, cached data cache_passes times, activations "
     "activation_passes times"},
    {"ON_CHIP_NETWORK", "on-chip network", kChipBoundary,
     "bits through a level x (network_energy_pj_per_bit + "
     "wire_energy_pj_per_bit_mm x wire_length_mm)"},
    {"COMPUTE", "compute", kChipBoundary,
     "FLOP x energy_pj_per_flop of the engine and format that run them, or x "
     "overhead_factor x half the energy of a multiply-add: of the logic (mac, "
     "or full_adder_energy_fj), or of the array of an analog circuit"},
    {"ADC", "analog-to-digital conversion", kChipBoundary,
     "FLOP x overhead_factor x energy of a conversion of the analog circuit / "
     "(2 x rows of the array x utilization)"},
    {"DAC", "digital-to-analog conversion", kChipBoundary,
     "FLOP x overhead_factor x energy of a conversion of the analog circuit / "
     "(2 x columns of the array x utilization)"},
    {"ARRAY_WRITE", "array writes", kChipBoundary,
     "bits of weights that are not resident x array.write_energy_pj_per_bit"},
    {"LINK", "links between chips", kChipBoundary,
     "bits sent between chips x interconnect.energy_pj_per_bit"},
    {"STATIC", "static power and regulators", kBoardBoundary,
     "chips x (static_power_w + leakage_w_per_mb x MB of SRAM) x step_time_s + "
     "sequences x energy_per_sequence_mj + (all of that and every term above) "
     "x (1 / regulator_efficiency - 1)"},
    {"HOST", "host, NIC, fans, supplies", kNodeBoundary,
     "(terms inside the board + chips x host_power_w_per_chip x step_time_s) / "
     "supply_efficiency - terms inside the board"},
    {"FACILITY", "facility (PUE)", kFacilityBoundary,
     "terms inside the node x (power_usage_effectiveness - 1)"},
}};

// What a step, or an operator, waits for; Bound.Value of report.proto is one
// more.
enum TimeBound {
  kMemoryBound,
  kComputeBound,
  kNetworkBound,
  kOverheadBound,
  kPowerBound,
  kNumTimeBounds,
};

// What is said of a bound wherever it is named.
struct TimeBoundRow {
  // As report.proto spells it.
  absl::string_view name;
  // For people.
  absl::string_view label;
};

inline constexpr std::array<TimeBoundRow, kNumTimeBounds> kTimeBounds = {{
    {"MEMORY", "memory"},
    {"COMPUTE", "compute"},
    {"NETWORK", "network"},
    {"OVERHEAD", "overhead"},
    {"POWER", "power"},
}};

}  // namespace tokenjoule

#endif  // ANALYZER_MACHINE_TERMS_H_
