// How much of a machine's memory the data of a step occupies.

#ifndef ANALYZER_COST_OCCUPANCY_H_
#define ANALYZER_COST_OCCUPANCY_H_

#include <array>
#include <map>

#include "analyzer/cost/lower.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/machine/machine.h"

namespace tokenjoule {

// Bytes over all chips.
template <typename N = double>
struct Occupancy {
  // Weights in the backing store, and KV cache and state of all sequences.
  Data<N> weights;
  Data<N> sequences;
  // Weights that live in in-memory arrays, and what those hold. They take no
  // room in the backing store.
  Data<N> in_arrays;
  Data<N> array_capacity;

  Data<N> StoreUsed() const { return weights + sequences; }
  bool ArraysFit() const { return in_arrays <= array_capacity; }
  // `store` is the usable capacity of the backing store over all chips.
  bool Fits(const Data<N>& store) const {
    return StoreUsed() <= store && ArraysFit();
  }
};

// The ledger has grown already (Grow).
template <typename N>
Occupancy<N> OccupancyOf(const Ledger<N>& ledger, Placing<N> machine) {
  Occupancy<N> occupancy;
  std::array<bool, static_cast<int>(Part::kNumParts)> resident = {};
  std::map<int, Data<N>> capacities;
  for (const Operator<N>& op : ledger.operators) {
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
