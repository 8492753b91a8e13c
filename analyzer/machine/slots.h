// The numbers of a machine as lists, so that machines of different number types
// can be filled from one another and compared number by number.

#ifndef ANALYZER_MACHINE_SLOTS_H_
#define ANALYZER_MACHINE_SLOTS_H_

#include <vector>

#include "analyzer/machine/machine.h"
#include "analyzer/units/units.h"

namespace tokenjoule {
namespace slots_internal {

template <typename N>
N* PlaceOf(N& number) {
  return &number;
}
template <int b, int f, int s, int j, typename N>
N* PlaceOf(Quantity<b, f, s, j, N>& quantity) {
  return &quantity.mutable_base();
}

}  // namespace slots_internal

// Pointers to the numbers that the kernel reads, in the same order for all
// machines of the same structure.
template <typename N>
std::vector<N*> CostSlots(Machine<N>* machine) {
  std::vector<N*> slots;
  ForEachCost(
      machine->structure,
      [&](const Field&, auto& number) {
        slots.push_back(slots_internal::PlaceOf(number));
      },
      machine->costs);
  return slots;
}

// Pointers to the numbers that lowering reads.
template <typename N>
std::vector<N*> PlacementSlots(Machine<N>* machine) {
  std::vector<N*> slots;
  ForEachPlacement(
      machine->structure,
      [&](const Field&, auto& number) {
        slots.push_back(slots_internal::PlaceOf(number));
      },
      machine->placement);
  return slots;
}

// Converts a machine to another number type, with the same structure and
// numbers.
template <typename To>
Machine<To> Converted(const Machine<double>& from) {
  Machine<To> to;
  to.structure = from.structure;
  const auto copy = [](const Field&, const auto& number, auto& place) {
    CopyNumber()(number, place);
  };
  ForEachPlacement(from.structure, copy, from.placement, to.placement);
  ForEachCost(from.structure, copy, from.costs, to.costs);
  return to;
}

}  // namespace tokenjoule

#endif  // ANALYZER_MACHINE_SLOTS_H_
