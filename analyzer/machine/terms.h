// The terms of a step's energy and the resources that limit its time, one table
// each. Reports, charts, `explain`, help and documents take names, labels and
// formulas from here.

#ifndef ANALYZER_MACHINE_TERMS_H_
#define ANALYZER_MACHINE_TERMS_H_

#include <array>

#include "absl/strings/string_view.h"
#include "analyzer/description/boundary.h"

namespace tokenjoule {

// Energy terms. Term.Value of report.proto is the index plus one.
enum TermIndex {
  kDramActivate,
  kDramColumn,
  kDramInterface,
  kDramPhy,
  kMemoryPath,
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

// Name, label, boundary and formula of a term, used wherever it appears.
struct EnergyTermRow {
  // Name in report.proto.
  absl::string_view name;
  // Human-readable label, for tables and charts.
  absl::string_view label;
  // The innermost boundary that contains the term.
  Boundary boundary;
  // Whether it is dynamic energy of the core domain, which is proportional to
  // the square of its voltage.
  bool of_core;
  // How the kernel computes it. Names in lower case are constants of the
  // description or groups of them (currents, mac, array, analog); names in
  // upper case are other terms or symbols of kFormulaSymbols; step_time_s is
  // the figure of that name. A test checks each formula against the kernel's
  // own derivatives.
  absl::string_view formula;
};

inline constexpr std::array<EnergyTermRow, kNumEnergyTerms> kEnergyTerms = {{
    {"DRAM_ACTIVATE", "DRAM row activation", kStackBoundary, false,
     "TRAFFIC of DRAM x row_activation_energy_pj (or that of the currents) / "
     "(row_bytes x row_utilization) / supply_efficiency"},
    {"DRAM_COLUMN", "DRAM column and data movement", kStackBoundary, false,
     "TRAFFIC of DRAM: bits read x read_energy_pj_per_bit + bits written x "
     "write_energy_pj_per_bit (or those of the currents), each + (toggle_rate, "
     "or that of the stored format, - toggle_reference) x "
     "toggle_slope_pj_per_bit, over supply_efficiency"},
    {"DRAM_INTERFACE", "DRAM interface", kStackBoundary, false,
     "TRAFFIC of DRAM x (interface_energy_pj_per_bit + "
     "layer_energy_pj_per_bit x (LAYERS - 1) / 2) / supply_efficiency"},
    {"DRAM_PHY", "DRAM PHY (host)", kMemoryPathBoundary, false,
     "TRAFFIC of the level x phy_energy_pj_per_bit"},
    {"MEMORY_PATH", "memory path: controller, fabric",
     kMemoryPathBoundary, true,
     "TRAFFIC of the level x path_energy_pj_per_bit x TOGGLING of "
     "path_toggle_share x VOLTAGE^2"},
    {"DRAM_BACKGROUND", "DRAM background and refresh", kStackBoundary, false,
     "chips x devices x (background_power_w_per_device + "
     "refresh_power_w_per_device, twice on logic that is above 85 C, or those of "
     "the currents) / supply_efficiency x step_time_s"},
    {"SRAM", "on-chip SRAM", kChipBoundary, true,
     "TRAFFIC of the near levels x read_energy_pj_per_bit or "
     "write_energy_pj_per_bit, or x node_factor x (offset_pj_per_byte + "
     "slope_pj_per_byte x sqrt(bank_mb or capacity_gb)), or of capacitor_cells; "
     "FILLS likewise, x VOLTAGE^2"},
    {"ON_CHIP_NETWORK", "on-chip network", kChipBoundary, true,
     "TRAFFIC of each level x (network_energy_pj_per_bit + "
     "wire_energy_pj_per_bit_mm x wire_length_mm) x TOGGLING of "
     "path_toggle_share x VOLTAGE^2"},
    {"COMPUTE", "compute", kChipBoundary, true,
     "FLOP x model_growth, padded to tile_rows or expert_tile_rows tokens per "
     "matrix, x energy_pj_per_flop of the engine and format that run them, or x overhead_factor x half the energy of a multiply-add: of "
     "the logic (mac, or full_adder_energy_fj), of the lanes, or of the array "
     "and the analog circuit, + weights read x kernel_energy_pj_per_weight of their format, x "
     "VOLTAGE^2"},
    {"ADC", "analog-to-digital conversion", kChipBoundary, false,
     "FLOP x model_growth x overhead_factor x conversions of the analog "
     "circuit, shared by the rows of the array"},
    {"DAC", "digital-to-analog conversion", kChipBoundary, false,
     "FLOP x model_growth x overhead_factor x conversions of the analog "
     "circuit, shared by the columns of the array"},
    {"ARRAY_WRITE", "array writes", kChipBoundary, false,
     "bits of weights that are not resident x model_growth x "
     "write_energy_pj_per_bit of the array"},
    {"LINK", "links between chips", kChipBoundary, false,
     "bits sent between chips x energy_pj_per_bit + TRAFFIC of a level behind "
     "a link x energy_pj_per_bit of that link"},
    {"STATIC", "static power and regulators", kBoardBoundary, false,
     "chips x ((static_power_w, or static_power_fraction x power_cap_w, or "
     "LEAKAGE) x (1 - clocked_share + clocked_share x VOLTAGE^2 x CLOCK) + "
     "leakage_w_per_mb x MB of SRAM, capacity_gb, + devices of SRAM x "
     "background_power_w_per_device + refresh of capacitor_cells) x "
     "step_time_s + sampled "
     "tokens x energy_per_sequence_mj x VOLTAGE^2 + (DYNAMIC - DRAM_ACTIVATE - "
     "DRAM_COLUMN - DRAM_INTERFACE + all of that) x (1 / regulator_efficiency "
     "- 1)"},
    {"HOST", "host, NIC, fans, supplies", kNodeBoundary, false,
     "(DYNAMIC + DRAM_BACKGROUND + STATIC) x (1 / supply_efficiency - 1) + "
     "chips x host_power_w_per_chip x step_time_s / supply_efficiency"},
    {"FACILITY", "facility (PUE)", kFacilityBoundary, false,
     "(DYNAMIC + DRAM_BACKGROUND + STATIC + HOST) x (power_usage_effectiveness "
     "- 1)"},
}};

// Quantities that several formulas share, by their name in the formulas.
struct SymbolRow {
  absl::string_view name;
  absl::string_view formula;
};

inline constexpr std::array<SymbolRow, 8> kFormulaSymbols = {{
    {"FILLS",
     "bytes read from the next farther level, which are written here first, and "
     "bytes written to it, which are read here last; none where fills_included"},
    {"LAYERS",
     "of a stack on logic: capacity_gb / (density_gb_per_mm2 x covered_share x "
     "area of one chip, area_mm2), at least 1"},
    {"TRAFFIC",
     "bytes through a level: weights x model_growth, KV cache and state, less "
     "the share that pinned_capacity_fraction x capacity_gb of a nearer level "
     "keeps; activations beyond activation_capacity_fraction x capacity_gb of "
     "the nearest level spill to the backing store. Near levels carry the KV "
     "cache cache_passes times, activations activation_passes times, and what "
     "rows, columns and accumulator_bits of a dataflow move again. Lanes read "
     "weights once for each group of pixels and inputs once for each group of "
     "outputs"},
    {"LEAKAGE",
     "idle_power_w + leakage_w_per_mm2 x floorplan_factor x (engines' "
     "peak_tflops in 16 bits x tensor_mm2_per_tflops or vector_mm2_per_tflops + "
     "devices x phy_mm2_per_device + other_mm2 + resident MB, "
     "weight_capacity_gb, x array_mm2_per_mb, or what the capacitors of analog "
     "cells take, x periphery_share x (1 - gated_share)) + resident MB x "
     "cell_leakage_w_per_mb"},
    {"DYNAMIC",
     "DRAM_ACTIVATE + DRAM_COLUMN + DRAM_INTERFACE + DRAM_PHY + MEMORY_PATH + "
     "SRAM + ON_CHIP_NETWORK + COMPUTE + ADC + DAC + ARRAY_WRITE + LINK"},
    {"TOGGLING",
     "1 - share + share x toggle_rate (or that of the stored format) / 0.5, "
     "with the share that the formula names"},
    {"CLOCK",
     "clock over reference_mhz: set_mhz, or lower, at least lowest_mhz, where "
     "DYNAMIC, DRAM_BACKGROUND and STATIC over step_time_s would be more than "
     "power_cap_w or set_power_cap_w"},
    {"VOLTAGE",
     "max(voltage_floor, 1 + voltage_slope x (CLOCK - 1), the same at "
     "steep_from + steep_voltage_slope x (CLOCK - steep_from))"},
}};

// The resource that a step or an operator waits for. Bound.Value of
// report.proto is the index plus one.
enum TimeBound {
  kMemoryBound,
  kComputeBound,
  kNetworkBound,
  kOverheadBound,
  kPowerBound,
  kNumTimeBounds,
};

// Name and label of a bound, used wherever it appears.
struct TimeBoundRow {
  // Name in report.proto.
  absl::string_view name;
  // Human-readable label.
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
