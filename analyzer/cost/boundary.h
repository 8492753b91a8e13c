// Boundaries of energy: each contains the one before, and a term belongs to the
// innermost that it is inside of.

#ifndef ANALYZER_COST_BOUNDARY_H_
#define ANALYZER_COST_BOUNDARY_H_

#include <array>

#include "analyzer/cost/kernel.h"
#include "analyzer/units/units.h"

namespace tokenjoule {

// Boundaries from the inside out; see Scenario.boundary.
enum BoundaryPosition {
  kStackBoundary,
  kMemoryPathBoundary,
  kChipBoundary,
  kBoardBoundary,
  kNodeBoundary,
  kFacilityBoundary,
  kNumBoundaries,
};

// Innermost boundary of each term, by their indices.
inline constexpr std::array<int, kNumEnergyTerms> kTermBoundary = {
    kStackBoundary,       // kDramActivate
    kStackBoundary,       // kDramColumn
    kStackBoundary,       // kDramInterface
    kMemoryPathBoundary,  // kDramPhyController
    kStackBoundary,       // kDramBackground
    kChipBoundary,        // kSram
    kChipBoundary,        // kOnChipNetwork
    kChipBoundary,        // kCompute
    kChipBoundary,        // kAdc
    kChipBoundary,        // kDac
    kChipBoundary,        // kArrayWrite
    kChipBoundary,        // kLink
    kBoardBoundary,       // kStatic
    kNodeBoundary,        // kHost
    kFacilityBoundary,    // kFacility
};

// Energy of the terms inside a boundary, by its index.
template <typename N>
Energy<N> EnergyInside(const EnergyTerms<N>& terms, int boundary) {
  Energy<N> sum;
  for (int i = 0; i < kNumEnergyTerms; ++i) {
    if (kTermBoundary[i] <= boundary) sum += terms[i];
  }
  return sum;
}

}  // namespace tokenjoule

#endif  // ANALYZER_COST_BOUNDARY_H_
