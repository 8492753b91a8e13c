// What each action costs on one chip, as numbers ready for the cost kernel. The
// machine knows no model.

#ifndef ANALYZER_MACHINE_MACHINE_H_
#define ANALYZER_MACHINE_MACHINE_H_

#include <array>
#include <string>

#include "absl/strings/string_view.h"
#include "analyzer/description/formats.h"
#include "analyzer/units/units.h"
#include "proto/hardware.pb.h"

namespace tokenjoule {

// Validation admits no more; fixed sizes keep the kernel free of allocation.
inline constexpr int kMaxMemoryLevels = 4;
inline constexpr int kMaxFormatRates = 16;
inline constexpr int kMaxStoredFormats = 8;

// Energy of moving a byte in or out of a memory level, by term.
template <typename N = double>
struct MemoryEnergy {
  EnergyPerData<N> activate;
  EnergyPerData<N> column;  // whole access for SRAM
  EnergyPerData<N> interface;
  EnergyPerData<N> phy_controller;
  EnergyPerData<N> network;
};

// How weights in a format stream, over how 16-bit weights do.
template <typename N = double>
struct StoredCosts {
  const NumberFormat* format = nullptr;
  N bandwidth_factor = N(1.0);
};

// One chip's memory level.
template <typename N = double>
struct MemoryLevelCosts {
  bool is_dram = false;
  DataRate<N> peak_bandwidth;
  // peak_bandwidth * bandwidth_efficiency: what long transfers reach.
  DataRate<N> long_bandwidth;
  // Bytes added to each transfer by launch, ramp and tail, and to those of
  // kernels that attend to the KV cache.
  Data<N> half_transfer;
  Data<N> cache_half_transfer;
  Data<N> capacity;
  Data<N> usable_capacity;
  // What activations may occupy before they spill to level 0.
  Data<N> activation_capacity;
  // What a near level keeps, and the room for it.
  Pinned pins = NOTHING;
  Data<N> pinned_capacity;
  MemoryEnergy<N> read;
  MemoryEnergy<N> write;
  // Achieved bandwidth of KV cache, experts and recurrent state over that of
  // weights, and how often KV cache (at most once a query head) and activations
  // pass the near levels.
  N cache_bandwidth_factor = N(1.0);
  N expert_bandwidth_factor = N(1.0);
  N state_bandwidth_factor = N(1.0);
  N cache_passes = N(1.0);
  N activation_passes = N(1.0);
  // Formats that stream slower; the others have a factor of 1.
  int num_stored = 0;
  std::array<StoredCosts<N>, kMaxStoredFormats> stored;
  // Share of its life that writing the whole level once takes; 0: without
  // limit.
  N wear_per_write = N(0.0);
  // Background and refresh of all devices of one chip; leakage of SRAM is in
  // Machine::static_power.
  Power<N> background;
};

// Rate and energy of an engine in one format.
template <typename N = double>
struct ComputeCosts {
  // Operands, or weights of an in-memory engine.
  const NumberFormat* format = nullptr;
  // Inputs of an in-memory engine.
  const NumberFormat* inputs = nullptr;
  // Engine of the description that it belongs to.
  int engine = 0;
  // Products it runs: bit 1 << ComputeEngine::Products.
  unsigned runs = 0;
  bool in_memory = false;
  // Weights live in the arrays: they are neither read nor written.
  bool resident = false;

  WorkRate<N> peak;
  // peak * compute_efficiency.
  WorkRate<N> achieved;
  EnergyPerWork<N> energy;
  EnergyPerWork<N> adc;
  EnergyPerWork<N> dac;
  EnergyPerData<N> array_write;
  // Bytes of weights that the arrays of one chip hold, where that is given.
  bool has_weight_capacity = false;
  Data<N> weight_capacity;
  N model_growth = N(1.0);
  // Noise power that the array adds to a sum, over the signal's; 0: digital.
  N noise = N(0.0);
  // Share of the arrays' life that writing them once takes; 0: without limit.
  N wear_per_write = N(0.0);

  // Weight-stationary array; without one each activation moves once.
  bool has_dataflow = false;
  N rows = N(1.0);
  N columns = N(1.0);
  Data<N> partial_sum;
};

// One chip with its links, board, node and facility.
template <typename N = double>
struct Machine {
  // Level 0 is the backing store; the last level feeds the engines.
  int num_levels = 0;
  std::array<MemoryLevelCosts<N>, kMaxMemoryLevels> levels;
  // Matrix engines by format, in the order of the description.
  int num_rates = 0;
  std::array<ComputeCosts<N>, kMaxFormatRates> rates;
  ComputeCosts<N> vector;
  // Whether cells of a level or an array wear out.
  bool wears = false;

  // Links; a machine without an interconnect has none of it.
  Interconnect::Topology topology = Interconnect::TOPOLOGY_UNSPECIFIED;
  DataRate<N> link_bandwidth;  // one direction, achieved
  Duration<N> link_latency;
  EnergyPerData<N> link_energy;

  Power<N> static_power;
  // Whether a cap is given; without one the field below means nothing.
  bool has_power_cap = false;
  Power<N> power_cap;
  N regulator_efficiency = N(1.0);
  Power<N> host_power;
  N supply_efficiency = N(1.0);
  N power_usage_effectiveness = N(1.0);

  Duration<N> time_per_step;
  Duration<N> time_per_layer;
  Duration<N> time_per_layer_admitting;
  Duration<N> time_per_recurrent_layer_admitting;
  Duration<N> time_per_kernel;
  Duration<N> time_per_sequence;
  Energy<N> energy_per_sequence;
  N overlap_fraction = N(1.0);

  // Logic of one chip, and making one chip with its memory, package and board;
  // 0 where the description has no `silicon`.
  N area_mm2 = N(0.0);
  N cost_usd = N(0.0);
};

// The format in which operands are multiplied: activations, or weights where
// they are wider; weights that are narrower or only stored are unpacked.
const NumberFormat& OperandFormat(const NumberFormat& weights,
                                  const NumberFormat& activations);

namespace machine_internal {

// How well a rate of a digital engine takes operands: 0 not at all, else larger
// for narrower formats; the format itself is best.
int Suitability(const NumberFormat& offered, const NumberFormat& operands);

}  // namespace machine_internal

// Index of the rate that runs products of such weights and activations: an
// in-memory engine that takes exactly them, else on the other engines the
// operands' format itself, a format of the same width and kind, the narrowest
// wider float, the widest float. -1 where there is no engine at all.
template <typename N>
int RateIndex(const Machine<N>& machine, const NumberFormat& weights,
              const NumberFormat& activations,
              ComputeEngine::Products products) {
  const unsigned wanted = 1u << products;
  for (int i = 0; i < machine.num_rates; ++i) {
    const ComputeCosts<N>& rate = machine.rates[i];
    if (rate.in_memory && (rate.runs & wanted) != 0 &&
        rate.format == &weights && rate.inputs == &activations) {
      return i;
    }
  }
  const NumberFormat& operands = OperandFormat(weights, activations);
  int best = -1, best_suitability = 0;
  for (int i = 0; i < machine.num_rates; ++i) {
    const ComputeCosts<N>& rate = machine.rates[i];
    if (rate.in_memory || (rate.runs & wanted) == 0) continue;
    const int suitability =
        machine_internal::Suitability(*rate.format, operands);
    if (suitability > best_suitability) {
      best = i;
      best_suitability = suitability;
    }
  }
  return best;
}

// Drops the time that a step takes whatever its size: all overheads but
// time_per_sequence.
template <typename N>
void ClearFixedTimes(Machine<N>* machine) {
  machine->time_per_step = {};
  machine->time_per_layer = {};
  machine->time_per_layer_admitting = {};
  machine->time_per_recurrent_layer_admitting = {};
  machine->time_per_kernel = {};
}

// Makes everything but bytes and FLOP free: peak rates, no overhead, no link
// time or energy, no power cap. See Scenario.ideal.
template <typename N>
void MakeIdeal(Machine<N>* machine) {
  for (int i = 0; i < machine->num_levels; ++i) {
    machine->levels[i].long_bandwidth = machine->levels[i].peak_bandwidth;
    machine->levels[i].half_transfer = {};
    machine->levels[i].cache_half_transfer = {};
    machine->levels[i].num_stored = 0;
    machine->levels[i].cache_bandwidth_factor = N(1.0);
    machine->levels[i].expert_bandwidth_factor = N(1.0);
    machine->levels[i].state_bandwidth_factor = N(1.0);
    machine->levels[i].cache_passes = N(1.0);
    machine->levels[i].activation_passes = N(1.0);
  }
  for (int i = 0; i < machine->num_rates; ++i) {
    machine->rates[i].achieved = machine->rates[i].peak;
  }
  machine->vector.achieved = machine->vector.peak;
  // Instant links: a bandwidth that no payload fills.
  machine->link_bandwidth = DataRate<N>::FromBase(N(1e300));
  machine->link_latency = {};
  machine->link_energy = {};
  machine->has_power_cap = false;
  ClearFixedTimes(machine);
  machine->time_per_sequence = {};
  machine->energy_per_sequence = {};
  machine->overlap_fraction = N(1.0);
}

// The machine of a validated description.
Machine<double> BuildMachine(const Hardware& hardware);

}  // namespace tokenjoule

#endif  // ANALYZER_MACHINE_MACHINE_H_
