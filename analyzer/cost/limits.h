// What a step does to the accuracy of its products and to the cells it writes.

#ifndef ANALYZER_COST_LIMITS_H_
#define ANALYZER_COST_LIMITS_H_

#include "analyzer/cost/kernel.h"
#include "analyzer/machine/machine.h"
#include "analyzer/units/units.h"

namespace tokenjoule {

inline constexpr double kSecondsPerYear = 365.0 * 86400;

// Noise power of the products with the most of it, over the signal's: that of
// the operands' formats and what an analog array adds.
template <typename N>
N NoiseOf(const LoweredStep<N>& step, Costing<N> machine) {
  N most(0.0);
  for (const RateProducts<N>& product : step.products) {
    most = Max(most,
               product.quantisation + machine.costs.rates[product.rate].noise);
  }
  return most;
}

// Share of their life that a step takes of the cells that wear out first,
// writes being spread evenly over a level. In-memory arrays are written whole
// where their capacity is not given.
template <typename N>
N WearOf(const LoweredStep<N>& step, Costing<N> machine,
         const Actions<N>& actions) {
  N most(0.0);
  for (int i = 0; i < machine.structure.num_levels; ++i) {
    const LevelCosts<N>& level = machine.costs.levels[i];
    most = Max(most, level.wear_per_write * (actions.traffic[i].write /
                                             (level.capacity * step.chips)));
  }
  for (const RateProducts<N>& product : step.products) {
    const RateStructure& rate = machine.structure.rates[product.rate];
    if (!rate.in_memory || rate.resident) continue;
    N times(1.0);
    if (rate.has_weight_capacity) {
      times = actions.array_written[product.rate] / product.array_capacity;
    }
    most = Max(most, machine.costs.rates[product.rate].wear_per_write * times);
  }
  return most;
}

}  // namespace tokenjoule

#endif  // ANALYZER_COST_LIMITS_H_
