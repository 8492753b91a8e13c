// The figures of an answer, in one table from which `explain`, reports and help
// take labels and formulas.

#ifndef ANALYZER_EVALUATE_FIGURES_H_
#define ANALYZER_EVALUATE_FIGURES_H_

#include <array>

#include "absl/strings/string_view.h"

namespace tokenjoule {

// Figures that have a formula.
enum FigureOfAnswer {
  kEnergyPerToken,
  kStepTimeFigure,
  kTokensPerSecond,
  kPowerDrawn,
  kStackEnergyShare,
  kDramEnergyShare,
  kArithmeticIntensity,
  kRidgePoint,
  kMaxBatch,
  kAreaFigure,
  kCostFigure,
  kSnrFigure,
  kNumFiguresOfAnswer,
};

// Name, label and formula of a figure, used wherever it appears.
struct FigureOfAnswerRow {
  // Name in report.proto, and in design spaces if it is a metric there.
  absl::string_view name;
  // Human-readable label, for tables.
  absl::string_view label;
  // See EnergyTermRow::formula.
  absl::string_view formula;
};

inline constexpr std::array<FigureOfAnswerRow, kNumFiguresOfAnswer>
    kFiguresOfAnswer = {{
        {"energy_per_token_j", "energy",
         "the sum of the terms inside the boundary, over the tokens of a step: "
         "DYNAMIC + DRAM_BACKGROUND, at the board + STATIC, at the node + "
         "HOST, "
         "at the facility + FACILITY"},
        {"step_time_s", "step time",
         "sum over operators of count x (overlap_fraction x max(t_i) + (1 - "
         "overlap_fraction) x sum(t_i)) + overheads, the times of the runtime. "
         "Memory: t = (TRAFFIC + "
         "half_transfer_mb, or cache_half_transfer_mb where a kernel attends) "
         "/ (bandwidth_gb_per_s x bandwidth_efficiency, or the lower one of a "
         "link in front of the level), bytes of caches over "
         "cache_bandwidth_share, of state over state_bandwidth_share, of "
         "weights over bandwidth_share x bandwidth_factor of their format, of "
         "experts also over expert_bandwidth_factor. "
         "Compute: t = FLOP x model_growth / (peak_tflops, or that of the lanes "
         "that the shapes fill, x compute_efficiency x compute_share), of "
         "experts also over "
         "expert_compute_factor, of attention over attention_compute_factor, "
         "with at least tile_rows or expert_tile_rows tokens per matrix where "
         "kernels have tiles. Links: t = messages x latency_us + bytes / "
         "(bandwidth_gb_per_s x bandwidth_efficiency x link_bandwidth_share). "
         "Compute and near levels take 1 / CLOCK times as long, streams sqrt((1 "
         "+ (q core_time_ratio / CLOCK)^2) / (1 + core_time_ratio^2)) times, q "
         "= bandwidth_gb_per_s / peak_tflops of the vector engine / "
         "core_bytes_per_flop, or 1; the "
         "backing store's bandwidth is x clock_mhz / reference_clock_mhz. "
         "Stretched where at the lowest CLOCK DYNAMIC, DRAM_BACKGROUND, "
         "static_power_w or static_power_fraction, clocked_share, "
         "leakage_w_per_mb and energy_per_sequence_mj with "
         "regulator_efficiency would still draw more than power_cap_w"},
        {"tokens_per_s", "throughput", "tokens of a step / step_time_s"},
        {"power_w", "power", "energy_per_token_j x tokens_per_s"},
        {"stack_energy_share", "DRAM share",
         "energy inside stack over energy inside board: (DRAM_ACTIVATE + "
         "DRAM_COLUMN + DRAM_INTERFACE + DRAM_BACKGROUND) / (DYNAMIC + "
         "DRAM_BACKGROUND + STATIC)"},
        {"dram_energy_share", "DRAM and path share",
         "energy inside memory_path over energy inside board: (DRAM_ACTIVATE + "
         "DRAM_COLUMN + DRAM_INTERFACE + DRAM_PHY + MEMORY_PATH + "
         "DRAM_BACKGROUND) / (DYNAMIC + DRAM_BACKGROUND + STATIC)"},
        {"arithmetic_intensity_flop_per_byte", "intensity",
         "matrix FLOP of the step x model_growth / TRAFFIC of the backing "
         "store"},
        {"ridge_point_flop_per_byte", "ridge point",
         "peak_tflops in the format of the linear layers, or that of the lanes, or "
         "the rate at which an analog array reads, / bandwidth_gb_per_s of the "
         "backing store, x clock_mhz / reference_clock_mhz"},
        {"max_batch", "largest batch",
         "((capacity_gb x memory_fraction - reserved_gb) x chips - weights x "
         "model_growth, without those that arrays hold) / bytes of a "
         "sequence's KV cache and state, with the copies of tensor "
         "parallelism; whole sequences on each replica"},
        {"area_mm2", "silicon",
         "floorplan_factor x (MB of SRAM, capacity_gb, x sram_mm2_per_mb + "
         "engines' peak_tflops in 16 bits x tensor_mm2_per_tflops, "
         "vector_mm2_per_tflops or array_mm2_per_tflops + resident MB, "
         "weight_capacity_gb, x array_mm2_per_mb or what the capacitors of analog "
         "cells take + devices x phy_mm2_per_device + other_mm2) x chips"},
        {"cost_usd", "cost",
         "(dies x wafer_cost_usd / (gross dies x yield) + capacity_gb x "
         "memory_usd_per_gb + package_usd + devices x package_usd_per_device + "
         "board_usd) x chips; dies = max(1, area / max_die_mm2), each of A = "
         "area / dies, area of floorplan_factor, sram_mm2_per_mb, peak_tflops, "
         "tensor_mm2_per_tflops, vector_mm2_per_tflops, array_mm2_per_tflops, "
         "weight_capacity_gb, array_mm2_per_mb, analog cells, phy_mm2_per_device "
         "and other_mm2 as area_mm2 has it; gross dies = pi d^2 / (4 A) - pi d / "
         "sqrt(2 A), d = wafer_diameter_mm; yield = (1 + A "
         "defect_density_per_cm2 / defect_clustering)^-defect_clustering"},
        {"snr_db", "signal-to-noise ratio",
         "-10 log10 of the noise power that operands' formats and the analog "
         "circuit with its array add, over the signal's"},
    }};

}  // namespace tokenjoule

#endif  // ANALYZER_EVALUATE_FIGURES_H_
