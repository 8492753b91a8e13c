// How much of a machine's memory the data of a step occupies.

#ifndef ANALYZER_COST_OCCUPANCY_H_
#define ANALYZER_COST_OCCUPANCY_H_

#include <array>
#include <map>

#include "analyzer/cost/lower.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/machine/machine.h"

namespace tokenjoule {

// Bytes, summed over all chips.
struct Occupancy {
  // Weights in the backing store; KV cache and state of all sequences.
  Data<> weights;
  Data<> sequences;
  // Weights resident in in-memory arrays, which take no room in the backing
  // store, and the capacity of those arrays.
  Data<> in_arrays;
  Data<> array_capacity;

  Data<> StoreUsed() const { return weights + sequences; }
};

// Grow must have been applied to the ledger.
inline Occupancy OccupancyOf(const Ledger<>& ledger,
                             const PlacementView<>& machine) {
  Occupancy occupancy;
  std::array<bool, static_cast<int>(Part::kNumParts)> resident = {};
  std::map<int, Data<>> capacities;
  for (const Operator<>& op : ledger.operators) {
    const int index = RateOf(op, machine.structure);
    const RateStructure& rate = machine.structure.rates[index];
    if (op.shapes.empty() || !rate.in_memory || !rate.resident) continue;
    resident[static_cast<int>(op.part)] = true;
    capacities[rate.engine] =
        machine.numbers.rates[index].weight_capacity * ledger.chips;
  }
  for (const auto& [engine, capacity] : capacities) {
    occupancy.array_capacity += capacity;
  }
  for (size_t i = 0; i < resident.size(); ++i) {
    if (resident[i]) occupancy.in_arrays += ledger.weight_footprint[i];
  }
  occupancy.weights = ledger.TotalWeightFootprint() - occupancy.in_arrays;
  occupancy.sequences = SequencesFootprint(ledger);
  return occupancy;
}

}  // namespace tokenjoule

#endif  // ANALYZER_COST_OCCUPANCY_H_
