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
  // Weights in the backing store, and room for KV cache and state of all sequences
  // (SequencesReserved).
  Data<N> weights;
  Data<N> sequences;
  // Room that weights take in in-memory arrays, with the cells that their
  // shapes leave idle, and what those hold. They take no room in the backing
  // store.
  Data<N> in_arrays;
  Data<N> array_capacity;
  // Of in_arrays, the idle cells.
  Data<N> idle_in_arrays;

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
  constexpr int kParts = static_cast<int>(Part::kNumParts);
  // FLOP of the products of a part that run in arrays which hold their weights,
  // and the same times the cells that their shapes take per element.
  std::array<Work<N>, kParts> resident, occupied;
  std::array<bool, kParts> is_resident = {};
  std::map<int, Data<N>> capacities;
  for (const Operator<N>& op : ledger.operators) {
    const int index = RateOf(op, machine.structure);
    const RateStructure& rate = machine.structure.rates[index];
    if (op.shapes.empty() || !rate.in_memory || !rate.resident) continue;
    const RatePlacement<N>& array = machine.numbers.rates[index];
    const int part = static_cast<int>(op.part);
    is_resident[part] = true;
    const Work<N> work = op.matmul_flop * op.count;
    resident[part] += work;
    occupied[part] += work * FillOf(op, rate, array).cells;
    capacities[rate.engine] = array.weight_capacity * ledger.chips;
  }
  for (const auto& [engine, capacity] : capacities) {
    occupancy.array_capacity += capacity;
  }
  occupancy.weights = ledger.TotalWeightFootprint();
  for (int i = 0; i < kParts; ++i) {
    if (!is_resident[i]) continue;
    occupancy.weights -= ledger.weight_footprint[i];
    const Data<N> taken =
        ledger.weight_footprint[i] * N(occupied[i] / resident[i]);
    occupancy.in_arrays += taken;
    occupancy.idle_in_arrays += taken - ledger.weight_footprint[i];
  }
  occupancy.sequences = SequencesReserved(ledger);
  return occupancy;
}

}  // namespace tokenjoule

#endif  // ANALYZER_COST_OCCUPANCY_H_
