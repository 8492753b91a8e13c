// Memory on the logic that uses it, for every number type: how many layers its
// capacity needs, what taking bits through them costs, and how warm it gets.
//
//   layers       L = capacity / (density x covered share x area of the logic);
//                fractional, so that figures have no steps
//   crossings    of further layers by a bit, in the mean: (L - 1) / 2
//   density      q = power of logic and memory / covered area
//   temperature  T = coolant + q (R_cooling + L R_layer), of the layer next to
//   the
//                logic, which all heat leaves through the memory
//   refresh      twice as often above 85 C: JEDEC's extended range, up to 95 C
//                (JESD79-3 to -5; so DDR3 data sheets, e.g. of Hynix
//                HMT351R7AFR8A)
//
// One dimension, steady state, power spread evenly: hot spots are warmer. Heat
// that leaves downwards through the substrate is neglected.

#ifndef ANALYZER_MACHINE_STACK_H_
#define ANALYZER_MACHINE_STACK_H_

#include "analyzer/machine/derived.h"
#include "analyzer/machine/machine.h"
#include "analyzer/units/units.h"
#include "proto/hardware.pb.h"

namespace tokenjoule {

// Above this temperature DRAM is refreshed twice as often, and above the second
// one it is not specified, degrees Celsius.
inline constexpr double kRefreshDoublesAboveC = 85;
inline constexpr double kHottestDramC = 95;

// Layers that a level's capacity needs over `area_mm2` of logic.
template <typename N, typename Reader>
N LayersOf(const MemoryLevel& level, const N& area_mm2, const Reader& read) {
  return CapacityGb<N>(level, read) /
         (N(read(level.technology().density_gb_per_mm2())) *
          N(read(level.stack().covered_share())) * area_mm2);
}

// Further layers that a bit crosses in the mean.
template <typename N>
N Crossings(const N& layers) {
  return Max(layers - N(1.0), N(0.0)) * N(0.5);
}

// Numbers of the stack on `area_mm2` of logic; `refresh` is that of the level.
template <typename N, typename Reader>
StackCosts<N> BuildStack(const MemoryLevel& level, const N& area_mm2,
                         const Power<N>& refresh, const Reader& read) {
  constexpr double kMm2PerCm2 = 100;
  const Stack& stack = level.stack();
  StackCosts<N> costs;
  costs.layers = LayersOf<N>(level, area_mm2, read);
  costs.area_cm2 =
      area_mm2 * N(read(stack.covered_share())) * N(1 / kMm2PerCm2);
  costs.coolant_c = N(read(stack.coolant_c()));
  costs.resistance_k_cm2_per_w =
      N(read(stack.cooling_k_cm2_per_w())) +
      costs.layers * N(read(stack.layer_k_cm2_per_w()));
  costs.refresh = refresh;
  return costs;
}

// Heat of a stack.
template <typename N = double>
struct StackHeat {
  N power_w_per_cm2 = N(0.0);
  N temperature_c = N(0.0);
  // Of the power of refresh.
  N refresh_factor = N(1.0);
};

// Heat of one chip's stack at this power of its logic and memory. What the
// factor adds to the power is not fed back: it is a few watts.
template <typename N>
StackHeat<N> HeatOf(const StackCosts<N>& stack, const Power<N>& power) {
  StackHeat<N> heat;
  heat.power_w_per_cm2 = InWatts(power) / stack.area_cm2;
  heat.temperature_c =
      stack.coolant_c + heat.power_w_per_cm2 * stack.resistance_k_cm2_per_w;
  heat.refresh_factor =
      Select(N(kRefreshDoublesAboveC) < heat.temperature_c, N(2.0), N(1.0));
  return heat;
}

}  // namespace tokenjoule

#endif  // ANALYZER_MACHINE_STACK_H_
