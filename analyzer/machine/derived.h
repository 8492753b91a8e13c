// Numbers that a machine's description leaves to its technologies, for every
// number type: the size of a memory level, derived from its devices, and the
// energy of its wires.

#ifndef ANALYZER_MACHINE_DERIVED_H_
#define ANALYZER_MACHINE_DERIVED_H_

#include "proto/hardware.pb.h"

namespace tokenjoule {

// Whether a memory is part of the logic's own die.
inline bool IsOnChip(const MemoryTechnology& technology) {
  return technology.kind() == MemoryTechnology::SRAM ||
         technology.kind() == MemoryTechnology::ANALOG_CELLS;
}

// Number of devices of a memory level, by default 1.
template <typename N, typename Reader>
N DevicesOf(const MemoryLevel& level, const Reader& read) {
  return level.has_devices() ? N(read(level.devices())) : N(1.0);
}

// Capacity of one chip's level, GB: as given, else that of its devices.
// Validation ensures that one of the two is present.
template <typename N, typename Reader>
N CapacityGb(const MemoryLevel& level, const Reader& read) {
  if (level.has_capacity_gb()) return N(read(level.capacity_gb()));
  return DevicesOf<N>(level, read) *
         N(read(level.technology().capacity_gb_per_device()));
}

// Peak bandwidth of one chip's level, GB/s; derived in the same way.
template <typename N, typename Reader>
N BandwidthGbPerS(const MemoryLevel& level, const Reader& read) {
  if (level.has_bandwidth_gb_per_s()) {
    return N(read(level.bandwidth_gb_per_s()));
  }
  return DevicesOf<N>(level, read) *
         N(read(level.technology().bandwidth_gb_per_s_per_device()));
}

// The process node of a machine's logic: that of the first engine that has one;
// an empty technology if no engine has one.
inline const LogicTechnology& LogicOf(const Hardware& hardware) {
  for (const ComputeEngine& engine : hardware.engine()) {
    if (engine.has_logic()) return engine.logic();
  }
  return LogicTechnology::default_instance();
}

// Energy of moving a bit over the wires of a level, pJ: length times the energy
// per millimetre, which is the level's own or that of the node.
template <typename N, typename Reader>
N WirePjPerBit(const MemoryLevel& level, const LogicTechnology& logic,
               const Reader& read) {
  const Constant& per_mm = level.has_wire_energy_pj_per_bit_mm()
                               ? level.wire_energy_pj_per_bit_mm()
                               : logic.wire_energy_pj_per_bit_mm();
  return N(read(per_mm)) * N(read(level.wire_length_mm()));
}

}  // namespace tokenjoule

#endif  // ANALYZER_MACHINE_DERIVED_H_
