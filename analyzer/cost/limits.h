// The noise of a step's products and the wear of the cells it writes.

#ifndef ANALYZER_COST_LIMITS_H_
#define ANALYZER_COST_LIMITS_H_

#include "analyzer/cost/kernel.h"
#include "analyzer/machine/machine.h"
#include "analyzer/units/units.h"

namespace tokenjoule {

inline constexpr double kSecondsPerYear = 365.0 * 86400;

// Noise power of the noisiest products, relative to the signal: quantisation
// noise of the operands' formats plus the noise of an analog array.
template <typename N>
N NoiseOf(const LoweredStep<N>& step, Costing<N> machine) {
  N most(0.0);
  for (const RateProducts<N>& product : step.products) {
    most = Max(most,
               product.quantisation + machine.costs.rates[product.rate].noise);
  }
  return most;
}

// FLOP per joule of the products alone, 1e12 FLOP/J: arithmetic and conversion
// of the best engine in use, at the voltage of the clock that is set. 0 where
// an engine has no energy of its own.
template <typename N>
N EngineTopsPerW(const LoweredStep<N>& step, Costing<N> machine) {
  const Costs<N>& costs = machine.costs;
  const N voltage_squared =
      CoreAt(costs.clock.set, costs.clock).voltage_squared;
  N most(0.0);
  for (const RateProducts<N>& product : step.products) {
    const RateCosts<N>& rate = costs.rates[product.rate];
    const N per_flop =
        (rate.energy * voltage_squared + rate.adc + rate.dac).base();
    most = Max(most, Select(N(0.0) < per_flop, N(1e-12) / per_flop, N(0.0)));
  }
  return most;
}

// Share of the endurance of the fastest-wearing cells that one step uses up,
// with writes spread evenly over a level. In-memory arrays without a given
// capacity are taken to be written as a whole.
template <typename N>
N WearOf(const LoweredStep<N>& step, Costing<N> machine,
         const Actions<N>& actions) {
  N most(0.0);
  // The next farther level on the path, whose reads are written into this one.
  int farther = -1;
  for (int i = 0; i < machine.structure.num_levels; ++i) {
    const LevelCosts<N>& level = machine.costs.levels[i];
    Data<N> written = actions.traffic[i].write;
    if (!machine.structure.levels[i].beside_path &&
        !machine.structure.levels[i].activations_only) {
      if (farther >= 0) written += actions.traffic[farther].read;
      farther = i;
    }
    most = Max(
        most, level.wear_per_write * (written / (level.capacity * step.chips)));
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
