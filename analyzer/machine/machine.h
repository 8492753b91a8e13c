// What each action costs on one chip, as numbers ready for the cost kernel. The
// machine knows no model.

#ifndef ANALYZER_MACHINE_MACHINE_H_
#define ANALYZER_MACHINE_MACHINE_H_

#include <array>
#include <string>

#include "absl/strings/string_view.h"
#include "analyzer/spec/formats.h"
#include "analyzer/units/units.h"
#include "proto/hardware.pb.h"

namespace tokenjoule {

// Validation admits no more; fixed sizes keep the kernel free of allocation.
inline constexpr int kMaxMemoryLevels = 4;
inline constexpr int kMaxFormatRates = 16;

// Energy of moving a byte in or out of a memory level, by term.
template <typename N = double>
struct MemoryEnergy {
  EnergyPerData<N> activate;
  EnergyPerData<N> column;  // whole access for SRAM
  EnergyPerData<N> interface;
  EnergyPerData<N> phy_controller;
  EnergyPerData<N> network;
};

// One chip's memory level.
template <typename N = double>
struct MemoryLevelCosts {
  bool is_dram = false;
  DataRate<N> peak_bandwidth;
  // peak_bandwidth * bandwidth_efficiency: what long transfers reach.
  DataRate<N> long_bandwidth;
  // Bytes added to each transfer by launch, ramp and tail.
  Data<N> half_transfer;
  Data<N> capacity;
  Data<N> usable_capacity;
  // What activations may occupy before they spill to level 0.
  Data<N> activation_capacity;
  MemoryEnergy<N> read;
  MemoryEnergy<N> write;
  // Background and refresh of all devices of one chip.
  Power<N> background;
};

// Rate and energy of an engine in one format.
template <typename N = double>
struct ComputeCosts {
  const NumberFormat* format = nullptr;
  WorkRate<N> peak;
  // peak * compute_efficiency.
  WorkRate<N> achieved;
  EnergyPerWork<N> energy;
};

// One chip with its links, board, node and facility.
template <typename N = double>
struct Machine {
  // Level 0 is the backing store; the last level feeds the engines.
  int num_levels = 0;
  std::array<MemoryLevelCosts<N>, kMaxMemoryLevels> levels;
  int num_tensor_rates = 0;
  std::array<ComputeCosts<N>, kMaxFormatRates> tensor;
  ComputeCosts<N> vector;

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
  Duration<N> time_per_kernel;
  Duration<N> time_per_sequence;
  N overlap_fraction = N(1.0);
};

// The format in which operands are multiplied: activations, or weights where
// they are wider; weights that are narrower or only stored are unpacked.
const NumberFormat& OperandFormat(const NumberFormat& weights,
                                  const NumberFormat& activations);

// Index of the tensor rate that multiplies such operands: the format itself,
// else a format of the same width and kind, else the narrowest wider float.
// Validation makes sure that there is one; -1 otherwise.
template <typename N>
int TensorRateIndex(const Machine<N>& machine, const NumberFormat& operands) {
  int best = -1;
  const bool integer = operands.operand == NumberFormat::Operand::kInteger;
  for (int i = 0; i < machine.num_tensor_rates; ++i) {
    const NumberFormat& format = *machine.tensor[i].format;
    if (format.name == operands.name) return i;
    if (format.operand_bits < operands.operand_bits) continue;
    // Integers of n bits fit in wider integers and in floats of 16 bits and
    // more; floats do not fit in integers.
    const bool format_integer =
        format.operand == NumberFormat::Operand::kInteger;
    if (format_integer != integer &&
        (format_integer || format.operand_bits < 16))
      continue;
    if (best < 0 ||
        format.operand_bits < machine.tensor[best].format->operand_bits) {
      best = i;
    }
  }
  // Wider than anything the engine has: the widest float it has.
  if (best < 0) {
    for (int i = 0; i < machine.num_tensor_rates; ++i) {
      if (best < 0 || machine.tensor[i].format->operand_bits >
                          machine.tensor[best].format->operand_bits) {
        best = i;
      }
    }
  }
  return best;
}

// Makes everything but bytes and FLOP free: peak rates, no overhead, no link
// time or energy, no power cap. See Scenario.ideal.
template <typename N>
void MakeIdeal(Machine<N>* machine) {
  for (int i = 0; i < machine->num_levels; ++i) {
    machine->levels[i].long_bandwidth = machine->levels[i].peak_bandwidth;
    machine->levels[i].half_transfer = {};
  }
  for (int i = 0; i < machine->num_tensor_rates; ++i) {
    machine->tensor[i].achieved = machine->tensor[i].peak;
  }
  machine->vector.achieved = machine->vector.peak;
  // Instant links: a bandwidth that no payload fills.
  machine->link_bandwidth = DataRate<N>::FromBase(N(1e300));
  machine->link_latency = {};
  machine->link_energy = {};
  machine->has_power_cap = false;
  machine->time_per_step = {};
  machine->time_per_layer = {};
  machine->time_per_kernel = {};
  machine->time_per_sequence = {};
  machine->overlap_fraction = N(1.0);
}

// The machine of a validated description.
Machine<double> BuildMachine(const Hardware& hardware);

}  // namespace tokenjoule

#endif  // ANALYZER_MACHINE_MACHINE_H_
