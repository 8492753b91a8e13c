// From constants to costs, for every number type. Include this only to
// instantiate it; users of doubles call BuildMachine of machine.h.

#ifndef ANALYZER_MACHINE_BUILD_H_
#define ANALYZER_MACHINE_BUILD_H_

#include "analyzer/machine/machine.h"
#include "analyzer/spec/formats.h"
#include "analyzer/units/units.h"
#include "proto/hardware.pb.h"

namespace tokenjoule {
namespace machine_internal {

// A constant that is not given has `otherwise`.
template <typename N, typename Reader>
N ReadOr(bool given, const Constant& constant, const Reader& read,
         double otherwise) {
  return given ? N(read(constant)) : N(otherwise);
}

template <typename N, typename Reader>
MemoryLevelCosts<N> BuildLevel(const MemoryLevel& level, const Reader& read) {
  const MemoryTechnology& technology = level.technology();
  MemoryLevelCosts<N> costs;
  costs.is_dram = technology.kind() == MemoryTechnology::DRAM;
  costs.peak_bandwidth =
      GigabytesPerSecond<N>(read(level.bandwidth_gb_per_s()));
  costs.long_bandwidth =
      costs.peak_bandwidth * N(read(level.bandwidth_efficiency()));
  costs.half_transfer = Megabytes<N>(read(level.half_transfer_mb()));
  costs.capacity = Gigabytes<N>(read(level.capacity_gb()));
  costs.usable_capacity =
      costs.capacity * ReadOr<N>(level.has_usable_capacity_fraction(),
                                 level.usable_capacity_fraction(), read, 1.0);
  costs.activation_capacity =
      costs.capacity * N(read(level.activation_capacity_fraction()));

  // An activation opens row_bytes, of which row_utilization is read: its energy
  // is spread over those bytes.
  if (technology.has_row_activation_energy_pj() && technology.has_row_bytes()) {
    const N utilization = ReadOr<N>(technology.has_row_utilization(),
                                    technology.row_utilization(), read, 1.0);
    costs.read.activate =
        Picojoules<N>(read(technology.row_activation_energy_pj())) /
        Bytes<N>(N(read(technology.row_bytes())) * utilization);
  }
  costs.read.column =
      PicojoulesPerBit<N>(read(technology.read_energy_pj_per_bit()));
  costs.read.interface =
      PicojoulesPerBit<N>(read(technology.interface_energy_pj_per_bit()));
  costs.read.phy_controller =
      PicojoulesPerBit<N>(read(level.phy_controller_energy_pj_per_bit()));
  costs.read.network =
      PicojoulesPerBit<N>(read(level.network_energy_pj_per_bit()));
  costs.write = costs.read;
  costs.write.column =
      PicojoulesPerBit<N>(read(technology.write_energy_pj_per_bit()));

  const N devices = ReadOr<N>(level.has_devices(), level.devices(), read, 1.0);
  costs.background =
      Watts<N>(devices * (N(read(technology.background_power_w_per_device())) +
                          N(read(technology.refresh_power_w_per_device()))));
  return costs;
}

template <typename N, typename Reader>
ComputeCosts<N> BuildRate(const ComputeEngine::FormatRate& rate,
                          const ComputeEngine& engine, const Reader& read) {
  ComputeCosts<N> costs;
  costs.format = FindFormat(rate.format());
  costs.peak = TeraflopPerSecond<N>(read(rate.peak_tflops()));
  costs.achieved = costs.peak * N(read(engine.compute_efficiency()));
  costs.energy = PicojoulesPerFlop<N>(read(rate.energy_pj_per_flop()));
  return costs;
}

}  // namespace machine_internal

// The machine in number type N, its constants read by `read`.
template <typename N, typename Reader>
Machine<N> BuildMachine(const Hardware& hardware, const Reader& read) {
  using machine_internal::ReadOr;
  Machine<N> machine;
  for (const MemoryLevel& level : hardware.memory()) {
    machine.levels[machine.num_levels++] =
        machine_internal::BuildLevel<N>(level, read);
  }
  for (const ComputeEngine& engine : hardware.engine()) {
    for (const ComputeEngine::FormatRate& rate : engine.rate()) {
      ComputeCosts<N> costs =
          machine_internal::BuildRate<N>(rate, engine, read);
      if (engine.kind() == ComputeEngine::TENSOR) {
        machine.tensor[machine.num_tensor_rates++] = costs;
      } else {
        machine.vector = costs;
      }
    }
  }
  if (hardware.has_interconnect()) {
    const Interconnect& link = hardware.interconnect();
    machine.topology = link.topology();
    machine.link_bandwidth =
        GigabytesPerSecond<N>(N(read(link.bandwidth_gb_per_s())) *
                              N(read(link.bandwidth_efficiency())));
    machine.link_latency = Microseconds<N>(read(link.latency_us()));
    machine.link_energy = PicojoulesPerBit<N>(read(link.energy_pj_per_bit()));
  }
  const BoardPower& board = hardware.board();
  machine.static_power = Watts<N>(read(board.static_power_w()));
  machine.has_power_cap = board.has_power_cap_w();
  machine.power_cap = Watts<N>(read(board.power_cap_w()));
  machine.regulator_efficiency = N(read(board.regulator_efficiency()));

  const Node& node = hardware.node();
  machine.host_power = Watts<N>(read(node.host_power_w_per_chip()));
  machine.supply_efficiency = ReadOr<N>(node.has_supply_efficiency(),
                                        node.supply_efficiency(), read, 1.0);
  machine.power_usage_effectiveness =
      ReadOr<N>(node.has_power_usage_effectiveness(),
                node.power_usage_effectiveness(), read, 1.0);

  const Overheads& overheads = hardware.overheads();
  machine.time_per_step = Microseconds<N>(read(overheads.time_per_step_us()));
  machine.time_per_layer = Microseconds<N>(read(overheads.time_per_layer_us()));
  machine.time_per_kernel =
      Microseconds<N>(read(overheads.time_per_kernel_us()));
  machine.time_per_sequence =
      Microseconds<N>(read(overheads.time_per_sequence_us()));
  machine.overlap_fraction = N(read(hardware.overlap_fraction()));
  return machine;
}

}  // namespace tokenjoule

#endif  // ANALYZER_MACHINE_BUILD_H_
