// What chips draw that have nothing to do.

#ifndef ANALYZER_COST_IDLE_H_
#define ANALYZER_COST_IDLE_H_

#include "analyzer/cost/kernel.h"
#include "analyzer/machine/machine.h"
#include "analyzer/units/units.h"

namespace tokenjoule {

// Energy by term of `chips` that do nothing for `time` while a model lies in their
// memory: background of the memory, static power with the clocks of the core at
// `clock`, relative to the reference, and what supplies, host and facility add to
// both.
template <typename N = double>
EnergyTerms<N> IdleTerms(const N& chips, const Duration<N>& time,
                         const N& clock, const Machine<N>& machine) {
  const Draw<N> draw(chips, N(0.0), machine, EnergyTerms<N>());
  EnergyTerms<N> terms;
  AddStanding<N>({}, draw.background,
                 draw.StandingAt(CoreAt(clock, machine.costs.clock)), chips,
                 time, machine, &terms);
  return terms;
}

// The clock of a core that has nothing to do: the lowest one, if it was not set
// lower still.
template <typename N = double>
N IdleClock(const Machine<N>& machine) {
  return Min(machine.costs.clock.set, machine.costs.clock.lowest);
}

}  // namespace tokenjoule

#endif  // ANALYZER_COST_IDLE_H_
