// Area of a chip's logic and the cost of making the chip, for every number
// type.
//
//   area   floorplan_factor x (SRAM + engines + PHYs + other)
//   leak   logic at its node's W/mm2, SRAM and cells of arrays by their MB
//   dies   n = max(1, area / max_die), each of area / n; n may be fractional,
//          so that area and cost have no steps
//   gross  dies per wafer = pi (d / 2)^2 / A - pi d / sqrt(2 A)
//          (de Vries, IEEE Trans. Semicond. Manuf. 18 (2005) compares such
//          formulas; within a few per cent for dies up to a reticle)
//   yield  (1 + A D / alpha)^-alpha
//          (negative binomial: Stapper, IBM J. Res. Dev. 27 (1983) 549)
//   cost   n wafer / (gross yield) + memory + package + board
//
// A is in mm2, d in mm, D in defects per cm2. Design, masks, test other than
// the package's, and margin are not included.

#ifndef ANALYZER_MACHINE_SILICON_H_
#define ANALYZER_MACHINE_SILICON_H_

#include <cmath>

#include "analyzer/description/formats.h"
#include "analyzer/machine/derived.h"
#include "analyzer/machine/in_memory.h"
#include "analyzer/units/units.h"
#include "proto/hardware.pb.h"

namespace tokenjoule {

// Number of dies of `die_mm2` that fit on a round wafer.
template <typename N>
N GrossDiesPerWafer(const N& die_mm2, const N& wafer_diameter_mm) {
  using std::sqrt;
  const N pi(3.14159265358979323846);
  return pi * wafer_diameter_mm * wafer_diameter_mm / (N(4.0) * die_mm2) -
         pi * wafer_diameter_mm / sqrt(N(2.0) * die_mm2);
}

// Fraction of dies without a defect; `clustering` is alpha.
template <typename N>
N DieYield(const N& die_mm2, const N& defect_density_per_cm2,
           const N& clustering) {
  using std::pow;
  constexpr double kMm2PerCm2 = 100;
  const N defects = die_mm2 * defect_density_per_cm2 / N(kMm2PerCm2);
  return N(1.0) / pow(N(1.0) + defects / clustering, clustering);
}

// Peak rate of an engine expressed in 16 bits, TFLOP/s: an operand of half the
// width takes half the multiplier area and half the wires.
template <typename N, typename Reader>
N RateIn16Bits(const ComputeEngine& engine, const Reader& read) {
  N largest(0.0);
  for (const ComputeEngine::FormatRate& rate : engine.rate()) {
    int bits = FindFormat(rate.format())->operand_bits;
    if (!rate.activations().empty()) {
      bits = Max(bits, FindFormat(rate.activations())->operand_bits);
    }
    largest = Max(largest, N(read(rate.peak_tflops())) * N(bits / 16.0));
  }
  return largest;
}

// Whether the engine is an array that holds its weights.
inline bool HoldsWeights(const ComputeEngine& engine) {
  return engine.kind() != ComputeEngine::TENSOR &&
         engine.kind() != ComputeEngine::VECTOR && engine.array().resident();
}

// Capacity for weights of an engine that holds them, MB.
template <typename N, typename Reader>
N WeightCapacityMb(const ComputeEngine& engine, const Reader& read) {
  constexpr double kMbPerGb = 1e3;
  return N(read(engine.array().weight_capacity_gb())) * N(kMbPerGb);
}

// Area of the capacitors that hold an MB of weights, mm2: 8e6 / cell_bits cells
// of the capacitance that the most precise of the engine's formats needs. 0 if
// the circuit does not say how dense capacitors are.
template <typename N, typename Reader>
N CapacitorMm2PerMb(const ComputeEngine& engine, const Reader& read) {
  const AnalogCircuit& circuit = engine.analog();
  if (!circuit.has_capacitor_density_ff_per_um2()) return N(0.0);
  constexpr double kBitsPerMb = 8e6;
  constexpr double kMm2PerUm2 = 1e-6;
  const AnalogNumbers<N> a = ReadAnalog<N>(circuit, engine.array(), read);
  N largest(0.0);
  for (const ComputeEngine::FormatRate& rate : engine.rate()) {
    const NumberFormat& weights = *FindFormat(rate.format());
    const NumberFormat& inputs =
        rate.activations().empty() ? weights : *FindFormat(rate.activations());
    const N weight_bits(static_cast<double>(weights.operand_bits));
    const N input_bits(static_cast<double>(inputs.operand_bits));
    // Cells are made for cell_bits, whatever they hold.
    const N cell_bits = Select(N(0.0) < a.cell_bits, a.cell_bits, weight_bits);
    const N capacitance_ff = CellCapacitanceFf(
        a, RequiredSnrDb(a, input_bits, weight_bits), cell_bits);
    largest = Max(largest, capacitance_ff / cell_bits);
  }
  return largest * N(kBitsPerMb * kMm2PerUm2) /
         N(read(circuit.capacitor_density_ff_per_um2()));
}

// Area of an array that holds its weights before floorplan_factor, mm2.
template <typename N, typename Reader>
N ResidentMm2(const ComputeEngine& engine, const Silicon& silicon,
              const Reader& read) {
  return WeightCapacityMb<N>(engine, read) *
         Max(N(read(silicon.array_mm2_per_mb())),
             CapacitorMm2PerMb<N>(engine, read));
}

// Area of an engine before floorplan_factor, mm2.
template <typename N, typename Reader>
N EngineMm2(const ComputeEngine& engine, const Silicon& silicon,
            const Reader& read) {
  switch (engine.kind()) {
    case ComputeEngine::TENSOR:
      return RateIn16Bits<N>(engine, read) *
             N(read(silicon.tensor_mm2_per_tflops()));
    case ComputeEngine::VECTOR:
      return RateIn16Bits<N>(engine, read) *
             N(read(silicon.vector_mm2_per_tflops()));
    default:
      if (HoldsWeights(engine)) {
        return ResidentMm2<N>(engine, silicon, read);
      }
      return RateIn16Bits<N>(engine, read) *
             N(read(silicon.array_mm2_per_tflops()));
  }
}

// Area of a level of SRAM or of analog cells before floorplan_factor, mm2: by
// the density of its technology, else that of the machine's SRAM.
template <typename N, typename Reader>
N SramMm2(const MemoryLevel& level, const Silicon& silicon,
          const Reader& read) {
  constexpr double kMbPerGb = 1e3;
  if (level.technology().has_density_gb_per_mm2()) {
    return CapacityGb<N>(level, read) /
           N(read(level.technology().density_gb_per_mm2()));
  }
  return CapacityGb<N>(level, read) * N(kMbPerGb) *
         N(read(silicon.sram_mm2_per_mb()));
}

// Logic area of one chip, mm2.
template <typename N, typename Reader>
N AreaMm2(const Hardware& hardware, const Reader& read) {
  const Silicon& silicon = hardware.silicon();
  N parts = N(read(silicon.other_mm2()));
  for (const MemoryLevel& level : hardware.memory()) {
    if (IsOnChip(level.technology())) {
      parts += SramMm2<N>(level, silicon, read);
    } else {
      parts +=
          DevicesOf<N>(level, read) * N(read(silicon.phy_mm2_per_device()));
    }
  }
  for (const ComputeEngine& engine : hardware.engine()) {
    parts += EngineMm2<N>(engine, silicon, read);
  }
  return parts * N(read(silicon.floorplan_factor()));
}

// Leakage power of an array that holds its weights, W: that of the periphery
// that is not gated, at the node of the engine or else at that of `logic`, and
// that of cells that must keep their supply.
template <typename N, typename Reader>
N ArrayLeakageW(const ComputeEngine& engine, const LogicTechnology& logic,
                const N& area_mm2, const Reader& read) {
  const InMemoryArray& array = engine.array();
  const LogicTechnology& node =
      engine.logic().has_leakage_w_per_mm2() ? engine.logic() : logic;
  N periphery_mm2 = area_mm2;
  if (array.has_periphery_share()) {
    periphery_mm2 = periphery_mm2 * N(read(array.periphery_share()));
  }
  return periphery_mm2 * (N(1.0) - N(read(array.gated_share()))) *
             N(read(node.leakage_w_per_mm2())) +
         WeightCapacityMb<N>(engine, read) *
             N(read(array.cell_leakage_w_per_mb()));
}

// Leakage power of the logic of one chip, W: area times the leakage of its
// node, excluding SRAM whose technology gives its own leakage, and arrays that
// hold their weights, which leak by ArrayLeakageW. 0 without an area.
template <typename N, typename Reader>
N LeakageW(const Hardware& hardware, const Reader& read) {
  if (!hardware.has_silicon()) return N(0.0);
  const Silicon& silicon = hardware.silicon();
  const LogicTechnology& logic = LogicOf(hardware);
  const N floorplan = N(read(silicon.floorplan_factor()));
  N area_mm2 = AreaMm2<N>(hardware, read);
  N arrays_w(0.0);
  for (const ComputeEngine& engine : hardware.engine()) {
    if (!HoldsWeights(engine)) continue;
    const N array_mm2 = ResidentMm2<N>(engine, silicon, read) * floorplan;
    area_mm2 = area_mm2 - array_mm2;
    arrays_w += ArrayLeakageW<N>(engine, logic, array_mm2, read);
  }
  for (const MemoryLevel& level : hardware.memory()) {
    if (level.technology().kind() == MemoryTechnology::SRAM &&
        level.technology().sram_fit().has_leakage_w_per_mb()) {
      area_mm2 = area_mm2 - SramMm2<N>(level, silicon, read) * floorplan;
    }
  }
  return area_mm2 * N(read(logic.leakage_w_per_mm2())) + arrays_w;
}

// Cost of the dies of logic that add up to `area_mm2`, US$.
template <typename N, typename Reader>
N LogicUsd(const Silicon& silicon, const N& area_mm2, const Reader& read) {
  const N dies = Max(N(1.0), area_mm2 / N(read(silicon.max_die_mm2())));
  const N die_mm2 = area_mm2 / dies;
  return dies * N(read(silicon.wafer_cost_usd())) /
         (GrossDiesPerWafer<N>(die_mm2, N(read(silicon.wafer_diameter_mm()))) *
          DieYield<N>(die_mm2, N(read(silicon.defect_density_per_cm2())),
                      N(read(silicon.defect_clustering()))));
}

// Cost of making one chip whose logic takes `area_mm2`, with its memory,
// package and board, US$.
template <typename N, typename Reader>
N CostUsd(const Hardware& hardware, const N& area_mm2, const Reader& read) {
  const Silicon& silicon = hardware.silicon();
  N cost = LogicUsd<N>(silicon, area_mm2, read) +
           N(read(silicon.package_usd())) + N(read(silicon.board_usd()));
  for (const MemoryLevel& level : hardware.memory()) {
    if (IsOnChip(level.technology())) continue;
    cost += CapacityGb<N>(level, read) * N(read(silicon.memory_usd_per_gb()));
    cost +=
        DevicesOf<N>(level, read) * N(read(silicon.package_usd_per_device()));
  }
  return cost;
}

}  // namespace tokenjoule

#endif  // ANALYZER_MACHINE_SILICON_H_
